//! Model card: limitations that follow from the numbers.

use collegium_records::{Finding, Level, NodeAudit};

use super::text::{inline, sentence};
use crate::number::percent;

/// A class of which fewer rows are found is named.
const LOW_RECALL: f64 = 0.5;

/// A list, or that there is none.
pub(super) fn limits(node: &NodeAudit) -> String {
    // A note that nothing follows from limits nothing.
    let limits = |one: &&Finding| one.level == Level::Warning || one.next.is_some();
    let mut all: Vec<String> = node.findings.iter().filter(limits).map(said).collect();
    all.extend(missed(node));
    if all.is_empty() {
        return "None that follows from the numbers. They speak of rows like its test rows; others were not measured.".to_owned();
    }
    all.iter().map(|line| format!("- {line}")).collect::<Vec<_>>().join("\n")
}

/// What was found, its figures, and what to do.
fn said(finding: &Finding) -> String {
    let parts = [Some(&finding.text), finding.detail.as_ref(), finding.next.as_ref()];
    parts.into_iter().flatten().map(|part| sentence(part)).collect::<Vec<_>>().join(" ")
}

/// Classes of which it finds less than half.
fn missed(node: &NodeAudit) -> Option<String> {
    let missed: Vec<String> = node
        .performance
        .classes
        .iter()
        .filter_map(|class| Some((class, class.recall?.value)))
        .filter(|(_, recall)| *recall < LOW_RECALL)
        .map(|(class, recall)| format!("{} ({})", inline(&class.class), percent(recall)))
        .collect();
    (!missed.is_empty()).then(|| {
        format!(
            "At the most probable class it finds fewer than half of the rows of: {}.",
            missed.join(", ")
        )
    })
}
