//! The traits of a gate rule.

use std::any::Any;

use collegium_manifest::{DeclareRule, GateRule, Task};

use super::job::{GateError, GateJob, Gated};
use crate::{Watch, train::Targets};

/// A rule of gates.
pub(crate) trait Rule: DeclareRule {
    /// Its parameters as something that can be fitted.
    fn fitting<'a>(&self, params: &'a dyn GateRule) -> Option<&'a dyn Fitting>;

    /// The same experts by this rule, as what every other gate of this task has to beat.
    fn control(&self, _: Task) -> Option<SimplerRule> {
        None
    }
}

/// The parameters of a rule as something that can be fitted.
pub(crate) trait Fitting {
    /// Fits the gate. Bad input is found before the first step.
    fn fit(&self, job: &GateJob, truth: Targets, watch: &mut Watch) -> Result<Gated, GateError>;
}

/// A simpler way to use the same experts, which reads nothing but them.
#[derive(Debug, Clone)]
pub struct SimplerRule {
    /// The rule.
    pub rule: Box<dyn GateRule>,
    /// In words: `the best single expert`.
    pub what: &'static str,
}

/// Parameters as those of one rule.
pub(super) fn downcast<T: GateRule + Fitting>(params: &dyn GateRule) -> Option<&dyn Fitting> {
    (params as &dyn Any).downcast_ref::<T>().map(|own| own as &dyn Fitting)
}

/// The same weight for each expert.
pub(super) fn even(job: &GateJob) -> Vec<f32> {
    let experts = job.handed.len();
    vec![1.0 / experts as f32; experts]
}

/// Values are handed over to a gate that combines probabilities.
pub(super) fn no_probabilities(job: &GateJob) -> GateError {
    GateError::Answers(format!(
        "a gate of type `{}` combines probabilities, and its experts hand over values",
        job.spec.rule.name()
    ))
}
