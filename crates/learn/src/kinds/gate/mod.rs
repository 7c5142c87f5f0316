//! Gates: combine experts that are trained separately (stacking, ensembles, mixture of experts).

mod fit;
mod job;
mod rule;
mod rules;

use std::ops::Range;

use collegium_manifest::{Gate, Mlp, Output, Params, Train};
use collegium_table::Encoder;

pub use fit::fit_gate;
pub use job::{GateError, GateJob, Gated};
pub use rule::SimplerRule;
pub(super) use rules::declared;
pub use rules::{
    Best, Cascade, Distance, Fixed, Geometric, NoisyOr, OwnNetworks, Predicates, Softmax, Stack,
    Threshold, Uniform, controls,
    own::{judged, judgement_targets},
};

use super::{
    Kind, parameters,
    routed::{RoutedModel, row_bytes},
};
use crate::{
    Combination, Estimator, FitCost, FitError, FitJob, Fitted, Host, Job, Learned, ModelError,
    Network, Own, Routing, RowCost, Shape, Target, Tensors, Watch, combine::softmax,
    estimate_bytes, train,
};

const NAME: &str = "gate";

/// The kind.
pub struct GateKind;

impl Kind for GateKind {
    fn name(&self) -> &'static str {
        NAME
    }

    fn estimator<'a>(&self, params: &'a dyn Params) -> Option<&'a dyn Estimator> {
        parameters::<Gate>(params)
    }

    fn load(&self, own: Own, tensors: &Tensors) -> Result<Box<dyn Learned>, ModelError> {
        RoutedModel::load(NAME, own, tensors)
    }
}

/// A gate of this combination; `network` decides the route.
pub fn model(network: Network, combination: Combination) -> Box<dyn Learned> {
    Box::new(RoutedModel::new(NAME, network, combination))
}

impl Estimator for Gate {
    fn cost(&self, shape: &Shape, train: &Train) -> FitCost {
        let Shape { width, outputs, rows, .. } = *shape;
        let (net, experts) = (self.rule.net(), self.experts.len());
        let linear = Mlp { hidden: Vec::new(), ..Mlp::default() };
        let network =
            estimate_bytes(net.unwrap_or(&linear), width, experts, rows, train.batch.of(rows));
        let multiply_adds = net.map_or(0, |net| net.multiply_adds(width as u64, experts as u64));
        FitCost {
            multiply_adds,
            // What is handed to it, once more as the combination reads it, and its network.
            peak_bytes: network + rows * (experts * outputs) as u64 * 4,
            epochs: if net.is_some() { train.epochs } else { 0 },
            restarts: 1,
            apply: RowCost { multiply_adds, bytes: row_bytes(experts, outputs, width) },
        }
    }

    fn fit(
        &self,
        job: &FitJob<'_>,
        host: &mut dyn Host,
        watch: &mut Watch<'_>,
    ) -> Result<Fitted, FitError> {
        let names = self.names();
        let handed = handed(job.encoder, &names)
            .ok_or_else(|| FitError::Reason("it is not given its experts' predictions".into()))?;
        let (judges, judged) = match self.rule.net().filter(|_| self.rule.is_judged()) {
            Some(net) => judges(net, job, &names, &handed, host, watch)?,
            None => (Vec::new(), Vec::new()),
        };
        let costs = match self.rule.in_turn() {
            true => host.costs(&names)?,
            false => Vec::new(),
        };
        let rules = columns(job, self.rule.columns());
        let job = GateJob { lesson: job.lesson.clone(), spec: self, handed, rules, costs, judges };
        let gated = fit_gate(&job, watch).map_err(|error| match error {
            GateError::Train(error) => FitError::Train(error),
            other => FitError::Reason(other.to_string()),
        })?;
        let fitted = Fitted::at_once(model(gated.network, gated.combination));
        Ok(Fitted { epochs: gated.epochs, best_epoch: gated.best_epoch, judged, ..fitted })
    }
}

/// The encoded columns of each expert's prediction.
fn handed(encoder: &Encoder, experts: &[&str]) -> Option<Vec<Range<usize>>> {
    let all = encoder.handed();
    let of = |expert: &&str| {
        let name = format!("{expert}.{}", Output::Prediction);
        let at = encoder.names().iter().position(|known| *known == name)?;
        all.iter().find(|(position, _)| *position == at).map(|(_, columns)| columns.clone())
    };
    experts.iter().map(of).collect()
}

/// The encoded columns of each expert's predicate.
fn columns(job: &FitJob<'_>, columns: &[String]) -> Vec<usize> {
    let of = |column: &String| {
        let name = format!("{}.{column}", job.data);
        let at = job.encoder.names().iter().position(|known| *known == name)?;
        job.encoder.groups().get(at).map(|range| range.start)
    };
    columns.iter().filter_map(of).collect()
}

/// Each expert's own network of a gate of type `self`, looked up or trained, and the names of those that were
/// trained.
fn judges(
    net: &Mlp,
    job: &FitJob<'_>,
    experts: &[&str],
    handed: &[Range<usize>],
    host: &mut dyn Host,
    watch: &mut Watch<'_>,
) -> Result<(Vec<Network>, Vec<String>), FitError> {
    let lesson = &job.lesson;
    let combination = softmax::combination(handed.to_vec(), Routing::all());
    let (x, x_valid) = (combination.own(lesson.x), combination.own(lesson.x_valid));
    let (mut networks, mut trained) = (Vec::new(), Vec::new());
    for (expert, range) in experts.iter().zip(handed) {
        let (network, fitted) = host.judge(expert, net, &mut |key| {
            let y = judgement_targets(lesson.x, range, lesson.head, &lesson.y);
            let y_valid = judgement_targets(lesson.x_valid, range, lesson.head, &lesson.y_valid);
            let job = Job {
                front: None,
                spec: net,
                train: lesson.train,
                class_weights: None,
                x: &x,
                y: Target::Values(&y),
                x_valid: &x_valid,
                y_valid: Target::Values(&y_valid),
                key,
                start: None,
            };
            Ok(train(&job, watch)?)
        })?;
        networks.push(network);
        if fitted {
            trained.push((*expert).to_owned());
        }
    }
    Ok((networks, trained))
}

#[cfg(test)]
pub(crate) mod tests;
