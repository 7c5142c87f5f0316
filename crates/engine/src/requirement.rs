//! `evaluate.require`: conditions that a run must meet.

use collegium_manifest::{Comparison, Requirement, bare_name};
use collegium_records::{NodeRun, RequirementOutcome};

/// Checks every condition against the metrics of a run. An expert without metrics does not meet it.
pub(crate) fn check(requirements: &[&Requirement], nodes: &[NodeRun]) -> Vec<RequirementOutcome> {
    check_by(requirements, &|requirement| {
        let run = nodes.iter().find(|run| bare_name(&run.name) == requirement.expert)?;
        run.metrics.get(&requirement.split)?.get(&requirement.metric).copied()
    })
}

/// Checks every condition against what was measured. What was not does not meet it.
pub(crate) fn check_by(
    requirements: &[&Requirement],
    measured: &dyn Fn(&Requirement) -> Option<f64>,
) -> Vec<RequirementOutcome> {
    requirements
        .iter()
        .map(|requirement| {
            let value = measured(requirement);
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
