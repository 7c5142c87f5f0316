//! Audit findings: sentences that follow from the numbers.

mod baselines;
mod generalises;
mod labels;
mod looks;
mod skill;
mod uses;

pub(crate) use baselines::figures;
pub(crate) use generalises::shifted;
pub(crate) use uses::uses;

use collegium_records::{
    BlocksOfTime, Combined, FEWEST_GROUPS, Finding, Level, NodeAudit, RequirementOutcome,
    RoutingDiagnostics, Topic, three_digits as three,
};

/// Calibration error from which probabilities should not be taken at their word.
const POOR_CALIBRATION: f64 = 0.05;

/// Entropy of the single decision below which a gate as good as chooses.
const SHARP: f64 = 0.02;

/// Why intervals on test rows that are of so many groups, or blocks of time, say little, or are not there.
fn few_groups(groups: u64, blocks: Option<&BlocksOfTime>) -> Option<Finding> {
    if groups >= FEWEST_GROUPS {
        return None;
    }
    let (one, several, next) = match blocks {
        Some(blocks) => (
            "one block of time".to_owned(),
            format!("{groups} blocks of time (of {} each)", blocks.length),
            "Let the test side be a longer time.".to_owned(),
        ),
        None => (
            "one group (`split.by`)".to_owned(),
            format!("of {groups} groups (`split.by`)"),
            format!("Split so that at least {FEWEST_GROUPS} groups are on the test side."),
        ),
    };
    let said = |level: Level, text: String, detail: String| {
        Some(Finding::new(level, Topic::Rows, text).detail(detail).next(next))
    };
    let name = if blocks.is_some() { "block" } else { "group" };
    if groups == 1 {
        let text = format!("All test rows are of {one}: no test metric has an interval.");
        let detail = format!("How far {name}s differ cannot be told from one.");
        return said(Level::Warning, text, detail);
    }
    let text = format!("The test rows are {several}: intervals are rough.");
    let jackknife = format!("Each {name} is left out once (jackknife, Student's t).");
    match blocks.and_then(|blocks| blocks.memory.as_ref().filter(|_| blocks.short)) {
        Some(memory) => said(
            Level::Warning,
            text,
            format!(
                "{jackknife} Its errors stay alike for about {memory}, so that the blocks are not \
                 independent, and intervals are still too narrow."
            ),
        ),
        None => said(Level::Note, text, jackknife),
    }
}

/// What a reader should know of an expert, most important first.
pub(super) fn of(audit: &NodeAudit, encoder_notes: &[String], epochs: u32) -> Vec<Finding> {
    let mut said = rows(audit);
    said.extend(skill::of(audit));
    let loss = if audit.task == "classification" { "log_loss" } else { "rmse" };
    if audit.skill.verdict.is_skill() {
        said.extend(baselines::of(audit, loss));
    }
    said.extend(generalises::of(audit));
    if let Some(combined) = &audit.combined {
        said.extend(of_combined(combined));
    }
    if let Some(reliability) = &audit.reliability
        && reliability.ece > POOR_CALIBRATION
    {
        let text =
            format!("Its probabilities are off by {} on average (ECE).", three(reliability.ece));
        said.push(
            Finding::new(Level::Warning, Topic::Calibration, text)
                .detail("Expected calibration error: the distance of predicted from observed frequencies.")
                .next("Do not take its probabilities at their word: recalibrate them on validation rows."),
        );
    }
    said.extend(labels::of(audit));
    said.extend(looks::of(audit));
    if epochs > 0 && audit.best_epoch == epochs {
        let text = format!("Its best epoch was the last of {epochs}.");
        said.push(
            Finding::new(Level::Note, Topic::Fit, text)
                .next("Raise `train.epochs`: more may help."),
        );
    }
    if audit.metrics.get("valid").is_some_and(|split| split.rows == 0) {
        said.push(
            Finding::new(Level::Note, Topic::Fit, "There are no validation rows.").detail(
                "The last epoch was kept, and what else is chosen on validation rows was chosen on training \
                 rows.",
            ),
        );
    }
    for note in encoder_notes {
        let text = format!("{}.", note.trim_end_matches('.'));
        said.push(Finding::new(Level::Note, Topic::Data, text));
    }
    said.sort_by_key(|finding| finding.level);
    said
}

/// A requirement that is met by the value, while its interval reaches beyond the bound.
pub(super) fn doubt(outcome: &RequirementOutcome) -> Option<Finding> {
    let (doubt, interval) = (outcome.doubt()?, outcome.interval?);
    let text = format!("Its requirement `{}` is met, but {doubt}.", outcome.text);
    Some(Finding::new(Level::Note, Topic::Other, text).detail(format!(
        "Measured {}, 95 % interval {} to {}: other test rows might not meet it.",
        three(outcome.value?),
        three(interval.low),
        three(interval.high)
    )))
}

/// Rows that a model has seen, and few groups.
fn rows(audit: &NodeAudit) -> Vec<Finding> {
    let mut said = Vec::new();
    for (side, split) in audit.metrics.iter().filter(|(_, split)| split.seen > 0) {
        let text = format!(
            "A model that it stands on has seen {} of the {} {side} rows: {}.",
            split.seen,
            split.seen + split.rows,
            match split.metrics.is_empty() {
                true => format!("{} are left, too few to measure on", split.rows),
                false => format!("{side} figures are of the other {}", split.rows),
            }
        );
        said.push(Finding::new(Level::Warning, Topic::Rows, text));
    }
    let test = audit.metrics.get("test").filter(|test| !test.metrics.is_empty());
    if let Some(test) = test
        && let Some(groups) = test.groups
    {
        said.extend(few_groups(groups, test.blocks.as_ref()));
    }
    said
}

/// A gate or a mixture: against its controls, and its routes.
fn of_combined(combined: &Combined) -> Vec<Finding> {
    let mut said = Vec::new();
    let loses = combined.controls.iter().any(|control| control.pays == Some(false));
    for (at, text) in combined.verdict.iter().enumerate() {
        let level = if loses && at == 0 { Level::Warning } else { Level::Note };
        said.push(Finding::new(level, Topic::Combined, text.clone()));
    }
    let Some(routing) = routing_of(combined) else { return said };
    for text in collegium_probe::routing_findings(routing) {
        let text = format!("Routes: {}.", text.trim_end_matches('.'));
        said.push(Finding::new(Level::Note, Topic::Combined, text));
    }
    if routing.overall.decision_entropy < SHARP {
        said.push(
            Finding::new(
                Level::Note,
                Topic::Other,
                "It chooses one expert for nearly every row, and a choice has no derivative.",
            )
            .detail(
                "What it uses is therefore what the answers of its experts do once chosen; what decides the \
                 route stands by itself.",
            ),
        );
    }
    let dead = &routing.overall.dead;
    if !dead.is_empty() && matches!(combined.kind.as_str(), "softmax" | "mixture") {
        said.push(
            Finding::new(
                Level::Warning,
                Topic::Combined,
                format!("{} answers for next to no row.", dead.join(", ")),
            )
            .next(
                "If it should answer, try `balance = \"bias\"`, a higher learning rate or more epochs for the \
                 gate; if not, take it out.",
            ),
        );
    }
    said
}

/// The routes of one that decides something row by row.
fn routing_of(combined: &Combined) -> Option<&RoutingDiagnostics> {
    combined.routing.as_ref().filter(|_| combined.decides())
}
