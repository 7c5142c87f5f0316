//! Mixtures of experts: experts and gate trained together, cached as one.

mod fit;

use collegium_manifest::{Mixture, Params, Train};

pub use fit::{FittedMixture, MixtureJob, fit_mixture};

use super::{
    Kind, parameters,
    routed::{RoutedModel, row_bytes},
};
use crate::{
    Combination, Dense, Estimator, FitCost, FitError, FitJob, Fitted, Head, Host, Learned,
    ModelError, Network, Own, RowCost, Shape, Tensors, Watch, estimate_bytes, re_encoded,
};

const NAME: &str = "mixture";

/// The kind.
pub struct MixtureKind;

impl Kind for MixtureKind {
    fn name(&self) -> &'static str {
        NAME
    }

    fn estimator<'a>(&self, params: &'a dyn Params) -> Option<&'a dyn Estimator> {
        parameters::<Mixture>(params)
    }

    fn load(&self, own: Own, tensors: &Tensors) -> Result<Box<dyn Learned>, ModelError> {
        RoutedModel::load(NAME, own, tensors)
    }
}

/// A mixture of this combination; `network` decides the route.
pub fn model(network: Network, combination: Combination) -> Box<dyn Learned> {
    Box::new(RoutedModel::new(NAME, network, combination))
}

impl Estimator for Mixture {
    fn cost(&self, shape: &Shape, train: &Train) -> FitCost {
        let Shape { width, outputs, rows, .. } = *shape;
        let bytes = |outputs, of, rows, batch| estimate_bytes(of, width, outputs, rows, batch);
        let experts = self.experts + self.shared;
        let active = u64::from(self.top_k.map_or(experts, |k| k + self.shared));
        let batch = u64::from(train.batch.of(rows));
        let each = bytes(outputs, &self.expert, 0, 1) + batch * outputs as u64 * 4;
        let multiply_adds = self.gate.multiply_adds(width as u64, u64::from(experts))
            + active * self.expert.multiply_adds(width as u64, outputs as u64);
        FitCost {
            multiply_adds,
            peak_bytes: bytes(experts as usize, &self.gate, rows, train.batch.of(rows))
                + u64::from(experts) * each
                + bytes(outputs, &self.expert, rows, train.batch.of(rows)),
            epochs: train.epochs,
            restarts: self.restarts,
            apply: RowCost { multiply_adds, bytes: row_bytes(experts as usize, outputs, width) },
        }
    }

    fn fit(
        &self,
        job: &FitJob<'_>,
        host: &mut dyn Host,
        watch: &mut Watch<'_>,
    ) -> Result<Fitted, FitError> {
        let start = match job.begins {
            true => begun(self, job, host)?,
            false => Vec::new(),
        };
        let job = MixtureJob { lesson: job.lesson.clone(), spec: self, start };
        let FittedMixture { network, combination, epochs, best_epoch, restarts } =
            fit_mixture(&job, watch)?;
        let fitted = Fitted::at_once(model(network, combination));
        Ok(Fitted { epochs, best_epoch, restarts, ..fitted })
    }
}

/// The networks of the experts that a mixture begins with, on its own encoding: a linear map that
/// is folded into the first layer, and the target's scale into the last.
fn begun(
    params: &Mixture,
    job: &FitJob<'_>,
    host: &mut dyn Host,
) -> Result<Vec<Network>, FitError> {
    let ours = host.encoded(job.encoder)?;
    let mut networks = Vec::new();
    for expert in &params.warm_start {
        let name = expert.get_ref();
        let model = host.model(name)?;
        let theirs = host.encoded(&model.encoder)?;
        let network = model.layers().and_then(|network| re_encoded(network, &theirs, &ours));
        let mut network = network.ok_or_else(|| {
            FitError::Reason(format!(
                "it cannot begin with {name}, whose inputs have no map to its own"
            ))
        })?;
        rescale(&mut network, model.head, job.lesson.head);
        networks.push(network);
    }
    Ok(networks)
}

/// Standardised values of one target scale as those of another.
fn rescale(network: &mut Network, from: Head, to: Head) {
    let (Head::Regression { mean, deviation }, Head::Regression { mean: to_mean, deviation: unit }) =
        (from, to)
    else {
        return;
    };
    if let Some(Dense { weight, bias, .. }) = network.layers.last_mut() {
        let scale = deviation / unit;
        weight.iter_mut().for_each(|w| *w = (f64::from(*w) * scale) as f32);
        bias.iter_mut().for_each(|b| {
            *b = ((f64::from(*b) * deviation + mean - to_mean) / unit) as f32;
        });
    }
}

#[cfg(test)]
mod tests;
