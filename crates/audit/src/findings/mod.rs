//! Audit findings: sentences that follow from the numbers.

mod baselines;
mod looks;

use collegium_records::{
    Combined, FEWEST_GROUPS, Finding, Level, NodeAudit, RoutingDiagnostics, three_digits as three,
};

/// Calibration error from which probabilities should not be taken at their word.
const POOR_CALIBRATION: f64 = 0.05;

/// Test loss over training loss from which an expert knows its training rows too well, if their
/// intervals lie apart.
const OVERFIT: f64 = 1.25;

/// Entropy of the single decision below which a gate as good as chooses.
const SHARP: f64 = 0.02;

/// Why intervals on test rows that are of so many groups say little, or are not there.
fn few_groups(groups: u64) -> Option<(Level, String)> {
    match groups {
        1 => Some((
            Level::Warning,
            "All test rows are of one group (`split.by`), so no test metric has an interval: how far \
             groups differ cannot be told from one."
                .to_owned(),
        )),
        few if few < FEWEST_GROUPS => Some((
            Level::Note,
            format!(
                "Intervals of {few} groups are rough: the test rows are of so few groups (`split.by`) \
                 that each is left out once (jackknife, Student's t)."
            ),
        )),
        _ => None,
    }
}

/// What a reader should know of an expert, most important first.
pub(super) fn of(audit: &NodeAudit, encoder_notes: &[String], epochs: u32) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut say = |level: Level, text: String| findings.push(Finding { level, text });
    let loss = if audit.task == "classification" { "log_loss" } else { "rmse" };
    for (side, split) in audit.metrics.iter().filter(|(_, split)| split.seen > 0) {
        say(
            Level::Warning,
            format!(
                "A model that it stands on has seen {} of the {} {side} rows: {}.",
                split.seen,
                split.seen + split.rows,
                match split.metrics.is_empty() {
                    true => format!("{} are left, too few to measure on", split.rows),
                    false => format!("{side} figures are of the other {}", split.rows),
                }
            ),
        );
    }
    let test = audit.metrics.get("test").filter(|test| !test.metrics.is_empty());
    if let Some(groups) = test.and_then(|test| test.groups) {
        few_groups(groups).into_iter().for_each(|(level, text)| say(level, text));
    }
    if !audit.skill.beats_baseline {
        say(
            Level::Warning,
            match audit.skill.metric.is_empty() {
                true if audit.metrics.get("test").is_some_and(|test| test.seen > 0) => {
                    "Nothing can be said of it: it has too few test rows that its model has not seen."
                        .to_owned()
                }
                _ if audit.skill.not_judged.is_some() => format!(
                    "It is not said to beat anything: {}.",
                    audit.skill.not_judged.as_deref().unwrap_or_default()
                ),
                true => "Nothing can be said of it: it has no test rows.".to_owned(),
                false => format!(
                    "It learned nothing: its test {} of {} does not beat the {} of a constant \
                     prediction.",
                    words(loss),
                    three(audit.skill.value),
                    three(audit.skill.baseline)
                ),
            },
        );
    }
    let test = |splits: &std::collections::BTreeMap<String, collegium_records::SplitMeasures>| {
        splits.get("test").and_then(|split| split.metrics.get(loss)).copied()
    };
    let ours = test(&audit.metrics);
    if audit.skill.beats_baseline {
        for (level, text) in baselines::of(audit, loss) {
            say(level, text);
        }
    }
    let interval_on = |side: &str| audit.metrics.get(side)?.intervals.get(loss);
    let apart = match (interval_on("train"), interval_on("test")) {
        (Some(train), Some(test)) => train.high < test.low,
        _ => true,
    };
    if let (Some(train), Some(test)) =
        (audit.metrics.get("train").and_then(|s| s.metrics.get(loss)), ours)
        && *train > 0.0
        && test / train > OVERFIT
        && apart
    {
        say(
            Level::Warning,
            format!(
                "It knows its training rows better than new ones: {} {} in training, {} on test \
                 rows.",
                words(loss),
                three(*train),
                three(test)
            ),
        );
    }
    if let Some(combined) = &audit.combined {
        let loses = combined.controls.iter().any(|control| control.pays == Some(false));
        for (at, text) in combined.verdict.iter().enumerate() {
            let level = if loses && at == 0 { Level::Warning } else { Level::Note };
            say(level, text.clone());
        }
        for text in routing_of(combined).into_iter().flat_map(collegium_probe::routing_findings) {
            say(Level::Note, format!("Routes: {}.", text.trim_end_matches('.')));
        }
        if routing_of(combined).is_some_and(|routing| routing.overall.decision_entropy < SHARP) {
            say(
                Level::Note,
                "It decides sharply, and a choice has no derivative: what it looks at below is what its \
                 experts' answers do once chosen; what decides the route stands by itself."
                    .to_owned(),
            );
        }
        let dead = routing_of(combined).map(|routing| routing.overall.dead.as_slice());
        if let Some([_, ..]) = dead
            && matches!(combined.kind.as_str(), "softmax" | "mixture")
        {
            say(
                Level::Warning,
                format!(
                    "{} answers for next to no row. If it should, try `balance = \"bias\"`, a higher \
                     learning rate or more epochs for the gate; if not, take it out.",
                    dead.unwrap_or_default().join(", ")
                ),
            );
        }
    }
    if let Some(reliability) = &audit.reliability
        && reliability.ece > POOR_CALIBRATION
    {
        say(
            Level::Warning,
            format!(
                "Its probabilities are off by {} on average (expected calibration error).",
                three(reliability.ece)
            ),
        );
    }
    for (level, text) in looks::of(audit) {
        say(level, text);
    }
    if epochs > 0 && audit.best_epoch == epochs {
        say(Level::Note, format!("Its best epoch was the last of {epochs}: more epochs may help."));
    }
    if audit.metrics.get("valid").is_some_and(|split| split.rows == 0) {
        say(
            Level::Note,
            "There are no validation rows: the last epoch was kept, and what else is chosen on \
             validation rows was chosen on training rows."
                .to_owned(),
        );
    }
    for note in encoder_notes {
        say(Level::Note, format!("{}.", note.trim_end_matches('.')));
    }
    findings.sort_by_key(|finding| finding.level);
    findings
}

/// The routes of one that decides something row by row.
fn routing_of(combined: &Combined) -> Option<&RoutingDiagnostics> {
    combined.routing.as_ref().filter(|_| combined.decides())
}

fn words(loss: &str) -> &str {
    match loss {
        "log_loss" => "log loss",
        _ => "root mean squared error",
    }
}
