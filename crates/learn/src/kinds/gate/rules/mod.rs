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

use super::rule::{Fitting, Rule, SimplerRule};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_that_is_a_control_is_among_the_controls() {
        let task = Task::Classification;
        let named = |rules: &[&dyn Rule]| -> Vec<&'static str> {
            let controls = rules.iter().filter(|rule| rule.control(task).is_some());
            let mut names: Vec<&str> = controls.map(|rule| rule.name()).collect();
            names.sort_unstable();
            names
        };
        assert_eq!(named(CONTROLS), named(RULES));
        assert_eq!(named(CONTROLS).len(), CONTROLS.len());
    }
}
