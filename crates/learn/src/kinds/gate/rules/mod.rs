//! The registry of gate rules. A rule is a file, and a line of [`RULES`].

mod best;
mod cascade;
mod centres;
mod distance;
mod fixed;
mod geometric;
mod noisy_or;
pub(super) mod own;
mod predicates;
mod softmax;
mod stack;
mod uniform;

use std::any::Any;

use collegium_manifest::{DeclareRule, GateRule, Task};

pub use self::{
    best::Best,
    cascade::{Cascade, Threshold},
    distance::Distance,
    fixed::Fixed,
    geometric::Geometric,
    noisy_or::NoisyOr,
    own::OwnNetworks,
    predicates::Predicates,
    softmax::Softmax,
    stack::Stack,
    uniform::Uniform,
};

use super::fit::{GateError, GateJob, Gated};
use crate::{Watch, train::Truth};

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
    fn fit(&self, job: &GateJob, truth: Truth, watch: &mut Watch) -> Result<Gated, GateError>;
}

/// A simpler way to use the same experts, which reads nothing but them.
#[derive(Debug, Clone)]
pub struct SimplerRule {
    /// The rule.
    pub rule: Box<dyn GateRule>,
    /// In words: `the best single expert`.
    pub what: &'static str,
}

/// All of them, in the order in which the schema names them.
static RULES: &[&dyn Rule] = &[
    &uniform::UniformRule,
    &geometric::GeometricRule,
    &noisy_or::NoisyOrRule,
    &fixed::FixedRule,
    &best::BestRule,
    &stack::StackRule,
    &softmax::SoftmaxRule,
    &distance::DistanceRule,
    &own::OwnNetworksRule,
    &predicates::PredicatesRule,
    &cascade::CascadeRule,
];

/// Those that other gates have to beat, the simplest first.
static CONTROLS: &[&dyn Rule] =
    &[&best::BestRule, &uniform::UniformRule, &geometric::GeometricRule, &stack::StackRule];

/// The rules that `gate.type` can name.
pub(crate) fn declared() -> impl Iterator<Item = &'static dyn DeclareRule> {
    RULES.iter().map(|rule| *rule as &dyn DeclareRule)
}

/// Controls (baselines) of a gate of this task, besides single networks.
pub fn controls(task: Task) -> Vec<SimplerRule> {
    CONTROLS.iter().filter_map(|rule| rule.control(task)).collect()
}

/// A rule as something that can be fitted; `None` for one that is not in [`RULES`].
pub(super) fn fitting(params: &dyn GateRule) -> Option<&dyn Fitting> {
    RULES.iter().find(|rule| rule.name() == params.name())?.fitting(params)
}

/// Parameters as those of one rule.
fn own<T: GateRule + Fitting>(params: &dyn GateRule) -> Option<&dyn Fitting> {
    (params as &dyn Any).downcast_ref::<T>().map(|own| own as &dyn Fitting)
}

/// The same weight for each expert.
fn even(job: &GateJob) -> Vec<f32> {
    let experts = job.handed.len();
    vec![1.0 / experts as f32; experts]
}

/// Values are handed over to a gate that combines probabilities.
fn no_probabilities(job: &GateJob) -> GateError {
    GateError::Answers(format!(
        "a gate of type `{}` combines probabilities, and its experts hand over values",
        job.spec.rule.name()
    ))
}
