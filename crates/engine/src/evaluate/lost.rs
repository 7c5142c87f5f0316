//! Root cause of a loss of quality: the nodes in the DAG where it begins, in words.
//!
//! A node that got worse may do so for its own reasons or for those of a node above it. Quality is lost
//! *first* at a node that got worse while nothing above it did. What moved among its own inputs is named
//! beside it; where nothing did, the relation between inputs and target is what is left.
//!
//! Worse is what chance does not explain: the change of the metric that a person asks for first, or of
//! the loss, over the deviation of its resamples, at 5 % over all nodes and both metrics (Holm).

use std::collections::BTreeSet;

use collegium_probe::holm;
use collegium_records::{
    ColumnShift, EvaluationReport, Finding, Level, NodeEvaluation, Quality, Topic,
    larger_is_better, metric_words, three_digits,
};

/// Rows on either side of which a verdict is spoken.
const LEAST: u64 = 30;
/// Corrected p-value of a verdict at most.
pub(super) const LEVEL: f64 = 0.05;
/// Inputs that a sentence names.
const NAMED: usize = 3;

/// The metrics that a verdict may name, the first if both would do.
fn judged(node: &NodeEvaluation) -> [&'static str; 2] {
    match (node.task.as_str(), node.classes.len()) {
        ("regression", _) => ["rmse", "mae"],
        (_, 3..) => ["accuracy", "log_loss"],
        _ => ["auc", "log_loss"],
    }
}

/// Sets the verdict of every node: worse, better, or neither (corrected for multiple testing).
pub(super) fn judge(nodes: &mut [NodeEvaluation]) {
    let mut asked: Vec<(usize, &str, f64, bool)> = Vec::new();
    for (at, node) in nodes.iter_mut().enumerate() {
        if node.unmeasured.is_some() || node.new.rows < LEAST || node.test.rows < LEAST {
            continue;
        }
        node.verdict = Quality::Same;
        for metric in judged(node) {
            let Some(change) = node.changes.get(metric) else { continue };
            let worse = (change.difference < 0.0) == larger_is_better(metric);
            asked.extend(change.p_value.map(|p| (at, metric, p, worse)));
        }
    }
    let adjusted = holm(&asked.iter().map(|(_, _, p, _)| *p).collect::<Vec<f64>>());
    // What got worse weighs more than what got better, and the first metric more than the loss.
    for verdict in [Quality::Better, Quality::Worse] {
        for ((at, metric, _, worse), p) in asked.iter().zip(&adjusted).rev() {
            if *p <= LEVEL && *worse == (verdict == Quality::Worse) {
                nodes[*at].verdict = verdict;
                nodes[*at].metric = Some((*metric).to_owned());
            }
        }
    }
}

/// The findings at the head of a report.
pub(super) fn findings(report: &EvaluationReport) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut say = |level, text| found.push(Finding::new(level, Topic::Other, text));
    let worse: Vec<&NodeEvaluation> = of(report, Quality::Worse);
    let first: Vec<&NodeEvaluation> =
        worse.iter().copied().filter(|node| !any_above(report, node, Quality::Worse)).collect();
    for (at, node) in first.iter().enumerate() {
        let head = if at == 0 { "quality is lost first at" } else { "and, by itself, at" };
        say(
            Level::Warning,
            format!("{head} {}: {}; {}", node.name, change(node), cause(report, node)),
        );
    }
    for node in worse.iter().filter(|node| !first.iter().any(|other| other.name == node.name)) {
        let above: Vec<&str> =
            first.iter().map(|n| n.name.as_str()).filter(|n| is_above(report, n, node)).collect();
        let end = if node.end { ", an end of the pipeline" } else { "" };
        let text = format!(
            "{}{end}, reads {} and is worse too: {}",
            node.name,
            list(&above),
            change(node)
        );
        say(Level::Warning, text);
    }
    let same = of(report, Quality::Same);
    let stands: Vec<String> = same.iter().map(|node| standing(node)).collect();
    if !stands.is_empty() {
        let head = if worse.is_empty() { "no loss of quality" } else { "no loss" };
        say(Level::Note, format!("{head} can be shown at {}", stands.join(", ")));
    }
    for node in of(report, Quality::Better) {
        say(Level::Note, format!("{} is better here: {}", node.name, change(node)));
    }
    for node in &report.nodes {
        if node.rows.unknown_class > 0 && node.unmeasured.is_none() {
            say(Level::Warning, unknown(node));
        }
    }
    say_seen(report, &mut say);
    say_moved(report, &mut say);
    found.sort_by_key(|finding| finding.level);
    found
}

fn of(report: &EvaluationReport, verdict: Quality) -> Vec<&NodeEvaluation> {
    report.nodes.iter().filter(|node| node.verdict == verdict).collect()
}

/// All nodes above one.
fn above<'a>(report: &'a EvaluationReport, node: &'a NodeEvaluation) -> Vec<&'a NodeEvaluation> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut stack: Vec<&str> = node.upstream.iter().map(String::as_str).collect();
    while let Some(name) = stack.pop() {
        if seen.insert(name)
            && let Some(found) = report.nodes.iter().find(|other| other.name == name)
        {
            stack.extend(found.upstream.iter().map(String::as_str));
        }
    }
    report.nodes.iter().filter(|other| seen.contains(other.name.as_str())).collect()
}

fn any_above(report: &EvaluationReport, node: &NodeEvaluation, verdict: Quality) -> bool {
    above(report, node).iter().any(|other| other.verdict == verdict)
}

fn is_above(report: &EvaluationReport, name: &str, node: &NodeEvaluation) -> bool {
    above(report, node).iter().any(|other| other.name == name)
}

/// `AUC 0.788 → 0.701 (difference -0.11 to -0.064)`
fn change(node: &NodeEvaluation) -> String {
    let metric = node.metric.as_deref().unwrap_or_else(|| judged(node)[0]);
    let Some(change) = node.changes.get(metric) else { return "not measured".to_owned() };
    let range = change.interval.map_or_else(String::new, |interval| {
        let [low, high] = [interval.low, interval.high].map(three_digits);
        format!(" (difference {low} to {high})")
    });
    format!(
        "{} {} → {}{range}",
        metric_words(metric),
        three_digits(change.before),
        three_digits(change.after)
    )
}

fn standing(node: &NodeEvaluation) -> String {
    let metric = judged(node)[0];
    match node.changes.get(metric) {
        Some(change) => format!(
            "{} ({} {} → {})",
            node.name,
            metric_words(metric),
            three_digits(change.before),
            three_digits(change.after)
        ),
        None => node.name.clone(),
    }
}

/// What may be behind it.
fn cause(report: &EvaluationReport, node: &NodeEvaluation) -> String {
    // What moved above it counts where nobody could look whether quality is lost there.
    let dark: Vec<&NodeEvaluation> =
        above(report, node).into_iter().filter(|other| other.verdict == Quality::Unknown).collect();
    let mut names: Vec<&str> = node.moved.iter().map(String::as_str).collect();
    for other in &dark {
        names.extend(
            other
                .moved
                .iter()
                .map(String::as_str)
                .filter(|name| !names.contains(name))
                .collect::<Vec<_>>(),
        );
    }
    let shifts: Vec<&ColumnShift> =
        report.inputs.iter().filter(|input| names.contains(&input.column.as_str())).collect();
    let target = node.target_shift.as_ref().filter(|shift| shift.moved);
    let mut text = match (shifts.as_slice(), target) {
        ([], None) => {
            "none of its inputs moved, so what they say of the target may have changed".to_owned()
        }
        ([], Some(target)) => {
            format!(
                "none of its inputs moved, but its target did (PSI {})",
                three_digits(target.psi)
            )
        }
        ([one], _) => format!("its input {} moved", moved_words(one)),
        (many, _) => {
            let named: Vec<String> =
                many.iter().take(NAMED).map(|shift| moved_words(shift)).collect();
            let named: Vec<&str> = named.iter().map(String::as_str).collect();
            match many.len().saturating_sub(NAMED) {
                0 => format!("its inputs {} moved", list(&named)),
                more => format!("its inputs {} and {more} more moved", named.join(", ")),
            }
        }
    };
    if let (false, Some(target)) = (shifts.is_empty(), target) {
        text.push_str(&format!(", and its target (PSI {})", three_digits(target.psi)));
    }
    let unmeasured: Vec<&str> = dark.iter().map(|other| other.name.as_str()).collect();
    if !unmeasured.is_empty() {
        let verb = if unmeasured.len() == 1 { "is" } else { "are" };
        text.push_str(&format!("; {} above it {verb} not measured", list(&unmeasured)));
    }
    text
}

/// `weather.visib (PSI 0.41)`
fn moved_words(shift: &ColumnShift) -> String {
    format!("{} (PSI {})", shift.column, three_digits(shift.psi))
}

/// Rows that are held out from nobody; nodes with the same figures are named together.
fn say_seen(report: &EvaluationReport, say: &mut impl FnMut(Level, String)) {
    let mut told: Vec<(u64, u64, Vec<&str>)> = Vec::new();
    for node in &report.nodes {
        let Some(seen) = node.rows.seen.filter(|seen| *seen > 0) else { continue };
        let measured = node.rows.measured;
        match told.iter_mut().find(|(s, m, _)| (*s, *m) == (seen, measured)) {
            Some((_, _, names)) => names.push(&node.name),
            None => told.push((seen, measured, vec![&node.name])),
        }
    }
    for (seen, measured, names) in told {
        let all = measured + seen;
        let were = if seen == 1 { "was" } else { "were" };
        let text = format!(
            "held out from {}: {measured} of {all} rows; {seen} {were} seen in training, and no metric \
             counts them",
            list(&names)
        );
        say(Level::Warning, text);
    }
}

/// Inputs that moved without a loss that they could explain.
fn say_moved(report: &EvaluationReport, say: &mut impl FnMut(Level, String)) {
    let named: BTreeSet<&str> = of(report, Quality::Worse)
        .into_iter()
        .flat_map(|node| node.moved.iter().map(String::as_str))
        .collect();
    let others: Vec<String> = report
        .inputs
        .iter()
        .filter(|input| input.moved && !named.contains(input.column.as_str()))
        .map(moved_words)
        .collect();
    if !others.is_empty() {
        let shown: Vec<&str> = others.iter().take(2 * NAMED).map(String::as_str).collect();
        let names = match others.len() - shown.len() {
            0 => list(&shown),
            more => format!("{} and {more} more", shown.join(", ")),
        };
        let read = if others.len() == 1 { "it is read" } else { "they are read" };
        say(Level::Note, format!("{names} moved, and no loss can be shown where {read}"));
    }
    for input in report.inputs.iter().filter(|input| input.unseen_rows > 0) {
        let first: Vec<String> = input
            .unseen
            .iter()
            .take(NAMED)
            .map(|level| format!("`{}` ({})", level.level, level.rows))
            .collect();
        let rows = if input.unseen_rows == 1 { "row holds" } else { "rows hold" };
        let text = format!(
            "{} {rows} a category of {} that training never saw: {}",
            input.unseen_rows,
            input.column,
            first.join(", ")
        );
        say(Level::Note, text);
    }
}

/// Rows whose class the model cannot say: it is wrong on every one of them.
fn unknown(node: &NodeEvaluation) -> String {
    let classes: Vec<String> = node
        .unknown_classes
        .iter()
        .take(NAMED)
        .map(|class| format!("`{}` ({})", class.level, class.rows))
        .collect();
    let all = node.rows.measured + node.rows.unknown_class;
    let counted = node.new.metrics.get("accuracy").map_or_else(String::new, |accuracy| {
        let share = accuracy * node.rows.measured as f64 / all as f64;
        format!(": with them accuracy would be {}", three_digits(share))
    });
    format!(
        "{} of {all} rows have a class that {} does not know, {}; they are in none of its figures{counted}",
        node.rows.unknown_class,
        node.name,
        classes.join(", ")
    )
}

fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
