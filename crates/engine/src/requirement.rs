//! `evaluate.require`: conditions that a run must meet.

use collegium_manifest::{Comparison, Requirement, bare_name};
use collegium_records::{NodeRun, RequirementOutcome};

/// Checks every condition against the metrics of a run. An expert without metrics does not meet it.
pub(crate) fn check(requirements: &[&Requirement], nodes: &[NodeRun]) -> Vec<RequirementOutcome> {
    requirements
        .iter()
        .map(|requirement| {
            let value = nodes
                .iter()
                .find(|run| bare_name(&run.name) == requirement.expert)
                .and_then(|run| run.metrics.get(&requirement.split))
                .and_then(|metrics| metrics.get(&requirement.metric))
                .copied();
            let bound = requirement.bound;
            let met = value.is_some_and(|value| match requirement.comparison {
                Comparison::AtLeast => value >= bound,
                Comparison::AtMost => value <= bound,
                Comparison::Above => value > bound,
                Comparison::Below => value < bound,
            });
            RequirementOutcome { text: requirement.text.clone(), value, met }
        })
        .collect()
}
