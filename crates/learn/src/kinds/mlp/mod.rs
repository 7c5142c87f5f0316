//! Multilayer perceptrons: dense layers that are trained by gradient steps.

mod params;

use collegium_manifest::{Declare, Params};

pub use params::Perceptron;

use super::{Kind, dense::DenseModel, parameters};
use crate::{
    Estimator, FitCost, FitError, FitJob, Fitted, Front, Host, Job, Learned, Model, ModelError,
    Network, Own, RowCost, Shape, Tensors, Watch, bytes_of_encodings, estimate_bytes, train,
    train_beside,
};

const NAME: &str = "mlp";

/// The kind.
pub struct MlpKind;

impl Kind for MlpKind {
    fn name(&self) -> &'static str {
        NAME
    }

    fn declaration(&self) -> Option<&'static dyn Declare> {
        Some(&MlpKind)
    }

    fn estimator<'a>(&self, params: &'a dyn Params) -> Option<&'a dyn Estimator> {
        parameters::<Perceptron>(params)
    }

    fn load(&self, own: Own, tensors: &Tensors) -> Result<Box<dyn Learned>, ModelError> {
        DenseModel::load(NAME, own, tensors)
    }
}

/// A perceptron of these layers.
pub fn model(network: Network) -> Box<dyn Learned> {
    Box::new(DenseModel::new(NAME, network))
}

impl Estimator for Perceptron {
    fn cost(&self, shape: &Shape, train: &collegium_manifest::Train) -> FitCost {
        let Shape { width, added, outputs, rows, members } = *shape;
        let of_one = self.0.multiply_adds((width + added.terms) as u64, outputs as u64);
        let multiply_adds = of_one * u64::from(members);
        let batch = train.batch.of(rows);
        FitCost {
            multiply_adds,
            peak_bytes: estimate_bytes(&self.0, width, outputs, rows, batch)
                + bytes_of_encodings(&self.0, shape),
            epochs: train.epochs,
            restarts: 1,
            apply: RowCost { multiply_adds, bytes: 0 },
        }
    }

    fn fit(
        &self,
        job: &FitJob<'_>,
        _: &mut dyn Host,
        watch: &mut Watch<'_>,
    ) -> Result<Fitted, FitError> {
        let FitJob { lesson, auxiliary, start, .. } = job;
        let start = start.and_then(Model::layers);
        let front = match start {
            None => Front::fit(job.encode, &job.encoder.numbers(), lesson.x, &lesson.y),
            Some(_) => None,
        };
        let job = Job {
            spec: &self.0,
            train: lesson.train,
            class_weights: lesson.class_weights.clone(),
            x: lesson.x,
            y: lesson.y,
            x_valid: lesson.x_valid,
            y_valid: lesson.y_valid,
            key: lesson.key,
            front: front.as_ref(),
            start,
        };
        let trained = match auxiliary.is_empty() {
            true => train(&job, watch)?,
            false => train_beside(&job, auxiliary, watch)?,
        };
        let fitted = Fitted::at_once(model(trained.network));
        Ok(Fitted { epochs: trained.epochs, best_epoch: trained.best_epoch, ..fitted })
    }
}
