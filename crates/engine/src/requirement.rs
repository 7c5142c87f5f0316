//! Requirements (`evaluate.require`): conditions on metrics that a run must meet.

use collegium_manifest::{Comparator, Requirement, bare_name};
use collegium_records::{
    Beyond, Interval, NodeAudit, NodeRun, Outcome, RequirementOutcome, SeenRows,
};

use crate::Session;

/// A metric's value with its interval, where it was measured.
type Figure = (f64, Option<Interval>);

/// Checks every condition against the metrics of a run. An expert without the metric does not meet
/// it, and the outcome says why it has none.
pub(crate) fn check(requirements: &[&Requirement], nodes: &[NodeRun]) -> Vec<RequirementOutcome> {
    check_by(requirements, &|requirement| {
        let run = nodes.iter().find(|run| bare_name(&run.name) == requirement.expert);
        run.and_then(|run| run.metrics.get(&requirement.split))
            .and_then(|metrics| metrics.get(&requirement.metric))
            // A run measures values; their intervals are the audit's.
            .map(|value| (*value, None))
            .ok_or_else(|| why_absent(requirement, run))
    })
}

impl Session {
    /// The conditions on the audited experts, held against what their audit measured.
    pub fn requirements_of(&self, audits: &[NodeAudit]) -> Vec<RequirementOutcome> {
        let find = |name: &str| audits.iter().find(|audit| bare_name(&audit.name) == name);
        let all = self.pipeline.evaluate.require.iter().map(|requirement| requirement.get_ref());
        let asked: Vec<&Requirement> =
            all.filter(|requirement| find(&requirement.expert).is_some()).collect();
        check_by(&asked, &|requirement| {
            let audit = find(&requirement.expert);
            let split = audit.and_then(|audit| audit.metrics.get(&requirement.split));
            let known = split.and_then(|split| {
                let interval = split.intervals.get(&requirement.metric).copied();
                Some((*split.metrics.get(&requirement.metric)?, interval))
            });
            known.ok_or_else(|| {
                let why = audit.and_then(|audit| audit.not_measured.get(&requirement.split));
                why.and_then(|why| why.get(&requirement.metric)).cloned().unwrap_or_else(|| {
                    match split.filter(|split| split.seen > 0) {
                        Some(split) => withheld(&SeenRows { seen: split.seen, unseen: split.rows }),
                        None => "it is not defined on these rows".to_owned(),
                    }
                })
            })
        })
    }
}

/// Checks every condition against what was measured, or why it was not. What was not does not meet it.
pub(crate) fn check_by(
    requirements: &[&Requirement],
    measured: &dyn Fn(&Requirement) -> Result<Figure, String>,
) -> Vec<RequirementOutcome> {
    requirements
        .iter()
        .map(|requirement| {
            let (value, interval, not_measured) = match measured(requirement) {
                Ok((value, interval)) => (Some(value), interval, None),
                Err(why) => (None, None, Some(why)),
            };
            let meets = |value: f64| meets(requirement, value);
            let met = value.is_some_and(meets);
            let reaches = interval.filter(|_| met).and_then(|interval| {
                let (end, side) = match requirement.comparison {
                    Comparator::AtLeast | Comparator::Above => (interval.low, Beyond::Below),
                    Comparator::AtMost | Comparator::Below => (interval.high, Beyond::Above),
                };
                (!meets(end)).then_some(side)
            });
            let text = requirement.text.clone();
            RequirementOutcome { text, value, not_measured, interval, reaches, met }
        })
        .collect()
}

fn meets(requirement: &Requirement, value: f64) -> bool {
    let bound = requirement.bound;
    match requirement.comparison {
        Comparator::AtLeast => value >= bound,
        Comparator::AtMost => value <= bound,
        Comparator::Above => value > bound,
        Comparator::Below => value < bound,
    }
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
            .or_else(|| run.seen.get(&requirement.split).map(withheld))
            .unwrap_or_else(|| "it is not defined on these rows".to_owned()),
    }
}

/// The words for figures that are withheld, because a model has seen the rows.
fn withheld(rows: &SeenRows) -> String {
    format!(
        "a model that it stands on has seen {} of the {} rows, and {} are too few to measure on",
        rows.seen,
        rows.seen + rows.unseen,
        rows.unseen
    )
}
