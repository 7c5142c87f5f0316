//! `evaluate.require`: conditions that a run must meet.

use collegium_manifest::{Comparison, Requirement, bare_name};
use collegium_records::{NodeRun, Outcome, RequirementOutcome};

/// Checks every condition against the metrics of a run. An expert without the metric does not meet
/// it, and the outcome says why it has none.
pub(crate) fn check(requirements: &[&Requirement], nodes: &[NodeRun]) -> Vec<RequirementOutcome> {
    requirements
        .iter()
        .map(|requirement| {
            let run = nodes.iter().find(|run| bare_name(&run.name) == requirement.expert);
            let value = run
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
            let not_measured = match value {
                Some(_) => None,
                None => Some(why_absent(requirement, run)),
            };
            RequirementOutcome { text: requirement.text.clone(), value, not_measured, met }
        })
        .collect()
}

/// Why a run has no such metric.
fn why_absent(requirement: &Requirement, run: Option<&NodeRun>) -> String {
    let Some(run) = run else {
        return format!("`{}` was not run", requirement.expert);
    };
    match run.outcome {
        Outcome::Failed => format!("{} failed", run.name),
        Outcome::Blocked => format!("{} was not brought up to date", run.name),
        _ => run
            .not_measured
            .get(&requirement.split)
            .and_then(|of_side| of_side.get(&requirement.metric))
            .cloned()
            .unwrap_or_else(|| "it is not defined on these rows".to_owned()),
    }
}
