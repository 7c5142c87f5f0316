//! Model card: limitations that follow from the numbers.

use collegium_records::{Level, NodeAudit, PairedVerdict};

use super::text::{inline, sentence};
use crate::attention::items;
use crate::number::{number, percent};
use crate::words::{linear, metric_phrase};

/// A class of which fewer rows are found is named.
const LOW_RECALL: f64 = 0.5;

/// A list, or that there is none.
pub(super) fn limits(node: &NodeAudit) -> String {
    let read_off = [no_skill(node), no_better(node), missed(node)];
    let mut all: Vec<String> = read_off.into_iter().flatten().collect();
    // What the audit and the report found, less the notes that limit nothing.
    all.extend(
        items(node)
            .iter()
            .filter(|item| item.level == Level::Warning || item.part.is_some())
            .map(|item| sentence(&item.text)),
    );
    if all.is_empty() {
        return "None that follows from the numbers. They speak of rows like its test rows; others were not measured.".to_owned();
    }
    all.iter().map(|line| format!("- {line}")).collect::<Vec<_>>().join("\n")
}

fn no_skill(node: &NodeAudit) -> Option<String> {
    if let Some(why) = &node.skill.not_judged {
        return Some(format!("What it can do is not known: {why}. Do not use it."));
    }
    (!node.skill.beats_baseline)
        .then(|| "It cannot be told from a constant guess on test rows: do not use it.".to_owned())
}

fn no_better(node: &NodeAudit) -> Option<String> {
    let linear = linear(node).filter(|linear| linear.verdict != PairedVerdict::Better)?;
    let words = match linear.verdict {
        PairedVerdict::Worse => "worse",
        _ => "not shown to be better",
    };
    node.skill.beats_baseline.then(|| format!(
        "It is {words} than a linear model on the same inputs ({} {} against {}), which would be simpler.",
        metric_phrase(&node.skill.metric),
        number(linear.ours),
        number(linear.theirs)
    ))
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
