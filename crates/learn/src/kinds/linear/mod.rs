//! Linear models: logistic or ridge regression, to the optimum.

mod fit;
pub(crate) mod lbfgs;
pub(crate) mod newton;
mod objective;
mod params;
mod smooth;

pub use fit::{LinearJob, RIDGE, fit_linear};

use collegium_manifest::{Declare, Params, Train};

pub use params::LinearParams;
pub(crate) use smooth::Smooth;

use super::{Kind, dense::DenseModel, parameters};
use crate::{
    Estimator, FitCost, FitError, FitJob, Fitted, Host, Learned, ModelError, Network, Own, RowCost,
    Shape, Tensors, Watch,
};

const NAME: &str = "linear";

/// The kind.
pub struct LinearKind;

impl Kind for LinearKind {
    fn name(&self) -> &'static str {
        NAME
    }

    fn declaration(&self) -> Option<&'static dyn Declare> {
        Some(&LinearKind)
    }

    fn estimator<'a>(&self, params: &'a dyn Params) -> Option<&'a dyn Estimator> {
        parameters::<LinearParams>(params)
    }

    fn load(&self, own: Own, tensors: &Tensors) -> Result<Box<dyn Learned>, ModelError> {
        DenseModel::load(NAME, own, tensors)
    }
}

/// A linear model: one dense layer.
pub fn model(network: Network) -> Box<dyn Learned> {
    Box::new(DenseModel::new(NAME, network))
}

impl Estimator for LinearParams {
    fn cost(&self, shape: &Shape, _: &Train) -> FitCost {
        let Shape { width, outputs, rows, .. } = *shape;
        let parameters = (width as u64 + 1) * outputs as u64;
        // Encoded rows and a target each; in 64 bits the parameters, their last steps (L-BFGS) or second derivatives
        // (Newton), and a row's logits.
        let curvature = fit::curvature(parameters);
        FitCost {
            multiply_adds: width as u64 * outputs as u64,
            peak_bytes: 4 * rows * (width as u64 + 2) + 8 * (curvature + rows * outputs as u64),
            epochs: 0,
            restarts: 1,
            apply: RowCost { multiply_adds: width as u64 * outputs as u64, bytes: 0 },
        }
    }

    fn fit(
        &self,
        job: &FitJob<'_>,
        _: &mut dyn Host,
        watch: &mut Watch<'_>,
    ) -> Result<Fitted, FitError> {
        let lesson = &job.lesson;
        let network = fit_linear(&LinearJob {
            x: lesson.x,
            y: lesson.y,
            class_weights: lesson.class_weights.clone(),
            ridge: self.ridge,
            interrupted: watch.interrupted,
        })?;
        Ok(Fitted::at_once(model(network)))
    }
}
