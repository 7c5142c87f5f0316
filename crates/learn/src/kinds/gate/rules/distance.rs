//! Gate `distance`: by the distance of a row to a centre of each expert.

use collegium_manifest::{DeclareRule, GateKeys, GateRule};

use super::centres;
use crate::{
    GateWeights, Routing, Watch,
    combine::softmax::{self, measured},
    kinds::gate::{
        job::{GateError, GateJob, Gated, expert_losses, routing, seen},
        rule::{Fitting, Rule, downcast},
    },
    train::Targets,
};

const NAME: &str = "distance";

/// Weights are a softmax of −d²/T, d the distance to a centre of each expert.
#[derive(Debug, Clone, PartialEq)]
pub struct Distance;

/// As a file declares it.
pub(super) struct DistanceRule;

impl DeclareRule for DistanceRule {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "By the distance to centres."
    }

    fn keys(&self) -> &'static [&'static str] {
        &["inputs", "temperature", "top_k", "shared"]
    }

    fn temperature(&self) -> Option<f64> {
        None
    }

    fn read(&self, _: &mut GateKeys<'_>) -> Box<dyn GateRule> {
        Box::new(Distance)
    }
}

impl Rule for DistanceRule {
    fn fitting<'a>(&self, params: &'a dyn GateRule) -> Option<&'a dyn Fitting> {
        downcast::<Distance>(params)
    }
}

impl GateRule for Distance {
    fn name(&self) -> &'static str {
        NAME
    }

    fn routes(&self) -> bool {
        true
    }
}

/// Temperatures that are tried, in units of the mean squared distance between centres: from next to the
/// nearest centre alone to next to no difference.
fn temperatures() -> impl Iterator<Item = f64> {
    (-16..=8).map(|step| libm::exp2(f64::from(step) * 0.5))
}

impl Fitting for Distance {
    fn fit(&self, job: &GateJob, truth: Targets, _: &mut Watch) -> Result<Gated, GateError> {
        let experts = job.handed.len();
        let routing = routing(job, 1.0);
        let mut combination = softmax::combination(job.handed.clone(), routing.clone());
        let losses = expert_losses(job, &truth);
        let centres = centres::centres(&combination.own(job.lesson.x), &losses, experts);
        let network = centres::network(&centres);
        let valid =
            truth.validation(job.lesson.x_valid, &job.lesson.y_valid, job.lesson.x.width)?;
        let temperature = match (job.spec.temperature, valid) {
            (Some(temperature), _) => temperature,
            (None, None) => 1.0,
            (None, Some(truth)) => {
                let seen = seen(&combination, job.lesson.x_valid, truth, &job.lesson.head);
                let width = combination.answer_width(&job.lesson.head);
                let scale = mean_square_between(&centres);
                let tried = temperatures().map(|t| t * scale).map(|temperature| {
                    let routing = Routing { temperature: temperature as f32, ..routing.clone() };
                    (measured(&seen, &network, &routing, &job.lesson.head, width), temperature)
                });
                tried.min_by(|a, b| a.0.total_cmp(&b.0)).map_or(1.0, |(_, temperature)| temperature)
            }
        };
        combination.weights =
            GateWeights::Softmax(Routing { temperature: temperature as f32, ..routing });
        Ok(Gated { network, combination, epochs: Vec::new(), best_epoch: 0 })
    }
}

fn mean_square_between(centres: &[Vec<f64>]) -> f64 {
    let mut sum = 0.0;
    let mut pairs = 0.0;
    for (i, a) in centres.iter().enumerate() {
        for b in &centres[..i] {
            sum += a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
            pairs += 1.0;
        }
    }
    if sum > 0.0 { sum / pairs } else { 1.0 }
}
