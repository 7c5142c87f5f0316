//! `collegium evaluate`: metrics and covariate shift on new rows.

use std::{path::Path, process::ExitCode};

use collegium_engine::{EvaluateOptions, mended};
use collegium_records::{
    Code, ColumnShift, EvaluationReport, Level, METRICS, NodeEvaluation, Quality, SplitMeasures,
    headline_metric, metric_words,
};

use collegium_store::OutputFile;

use super::print_json;
use crate::{
    args::Args,
    failure::Failure,
    human::{count, put, sentence, table, three},
    locate::{shown, split},
    output,
};

/// With more nodes than this, each is one line; `--json` and `--report` have every metric.
const MANY: usize = 12;
/// Columns that are listed although they did not move.
const LISTED: usize = 12;

pub(crate) fn evaluate(
    args: &Args,
    targets: &[String],
    input: &Path,
    report: Option<&Path>,
    locked: bool,
) -> Result<ExitCode, Failure> {
    output::only_one(args, "--report", report)?;
    let (named, nodes) = split(targets)?;
    let (session, _) = crate::session::open(args, named.as_deref())?;
    if locked {
        collegium_engine::keep_models(&session, &nodes)?;
    }
    // Before the measuring: a place that cannot be written is known at once.
    let place = report.map(|path| output::open(&session, path, &[input])).transpose()?;
    let options = EvaluateOptions { nodes, input: input.to_path_buf(), chunk: 16_384 };
    let found = mended(|| collegium_engine::evaluate(&session, &options))?;
    if let Some(place) = place {
        place.save(collegium_report::evaluation(&found).as_bytes())?;
    }
    crate::session::say_notes(&session);
    match report {
        _ if args.json => print_json(&found)?,
        // The page alone goes to where it was sent.
        Some(path) if OutputFile::is_stdout_at(path) => tell!("{}", words(&found).trim_end()),
        Some(path) => {
            let place = shown(path.to_path_buf());
            put(&format!("{}report: {}\n", words(&found), place.display()))?;
        }
        None => put(&words(&found))?,
    }
    let met = found.requirements.iter().all(|requirement| requirement.met);
    if met {
        return Ok(ExitCode::SUCCESS);
    }
    crate::more::tell(args.quiet, &[Code::RequireNotMet]);
    Ok(ExitCode::from(6))
}

fn words(report: &EvaluationReport) -> String {
    let mut text = format!(
        "{} of {} on {}\n",
        count(report.rows as usize, "row"),
        report.input,
        report.pipeline
    );
    for finding in &report.findings {
        let mark = if finding.level == Level::Warning { "! " } else { "· " };
        text.push_str(&sentence(mark, &finding.text));
    }
    text.push('\n');
    if report.nodes.len() > MANY {
        text.push_str(&lines(report));
    } else {
        report.nodes.iter().for_each(|node| text.push_str(&block(node)));
    }
    text.push_str(&inputs(report));
    for requirement in &report.requirements {
        let found = requirement.value.map_or_else(|| "not measured".to_owned(), three);
        let verdict = if requirement.met { "met" } else { "NOT MET" };
        text.push_str(&format!("require {}: {verdict} here ({found})\n", requirement.text));
        if let Some(doubt) = requirement.doubt() {
            text.push_str(&sentence("  ", doubt));
        }
    }
    if let Some(sampled) = report.sampled {
        let text_of = format!(
            "tests of numbers and slices look at {sampled} rows, drawn evenly; all else is of all rows"
        );
        text.push_str(&sentence("note: ", &text_of));
    }
    for note in &report.notes {
        text.push_str(&sentence("note: ", note));
    }
    text
}

/// What is said of a node in a word.
fn verdict(node: &NodeEvaluation) -> &'static str {
    match node.verdict {
        _ if node.unmeasured.is_some() => "not measured",
        Quality::Worse => "WORSE",
        Quality::Better => "better",
        Quality::Same => "no change shown",
        Quality::Unknown if node.test_withheld.is_some() => "not compared",
        Quality::Unknown => "too few rows",
    }
}

/// Every metric of a node, on test rows and on these.
fn block(node: &NodeEvaluation) -> String {
    let mut text = format!("{}: {}\n", node.name, verdict(node));
    if let Some(why) = &node.unmeasured {
        text.push_str(&sentence("  ", &format!("not measured: {why}")));
    }
    if let Some(why) = left_out(node) {
        text.push_str(&sentence("  ", &why));
    }
    if let Some(why) = &node.test_withheld {
        text.push_str(&sentence("  ", &format!("no test figures: {why}")));
    }
    if node.unmeasured.is_none() {
        let rows = |of: &SplitMeasures| count(of.rows as usize, "row");
        let head = ["", "test", &rows(&node.test), "here", &rows(&node.new)].map(str::to_owned);
        let mut cells = vec![head.to_vec()];
        for metric in METRICS {
            let Some([value, range]) = cell(&node.new, metric) else { continue };
            let [before, around] = cell(&node.test, metric).unwrap_or_default();
            cells.push(vec![format!("  {}", metric_words(metric)), before, around, value, range]);
        }
        text.push_str(&table(&cells, &[1, 3]));
        if let Some(slices) = &node.performance.slices {
            for slice in slices.slices.iter().take(3) {
                let loss = slices.loss_words();
                let where_it = slice.conditions.join(" and ");
                let unit = slices.unit(&node.target);
                let unit = unit.map_or_else(String::new, |unit| format!(", in {unit}"));
                let found = format!(
                    "weak where {where_it}: mean {loss} {} on the {} there, {} on the others{unit}",
                    three(slice.loss),
                    count(slice.rows as usize, "row"),
                    three(slice.elsewhere)
                );
                text.push_str(&sentence("  ", &found));
            }
        }
        let metric = headline_metric(&node.task, node.classes.len(), &node.new.metrics);
        let slices = node.performance.declared_slices.iter();
        for line in slices.flat_map(|found| super::slices::lines(found, metric)) {
            text.push_str(&sentence("  ", &line));
        }
        if let Some(target) = node.target_shift.as_ref().filter(|target| target.moved) {
            let moved = format!("its target moved: PSI {}", three(target.psi));
            text.push_str(&sentence("  ", &moved));
        }
    }
    text.push('\n');
    text
}

/// A value and its interval.
fn cell(of: &SplitMeasures, metric: &str) -> Option<[String; 2]> {
    let value = three(*of.metrics.get(metric)?);
    let range = of.intervals.get(metric).map_or_else(String::new, |interval| {
        format!("{} to {}", three(interval.low), three(interval.high))
    });
    Some([value, range])
}

/// Which of a node's rows were not measured.
fn left_out(node: &NodeEvaluation) -> Option<String> {
    let rows = &node.rows;
    let mut parts = Vec::new();
    if rows.without_target > 0 {
        parts.push(format!("{} without a target", rows.without_target));
    }
    if rows.unknown_class > 0 {
        parts.push(format!("{} of a class that it does not know", rows.unknown_class));
    }
    if let Some(seen) = rows.seen.filter(|seen| *seen > 0) {
        parts.push(format!("{seen} seen in training"));
    }
    let filter = node.filter.as_ref().map_or_else(String::new, |filter| format!(" where {filter}"));
    if parts.is_empty() && filter.is_empty() {
        return None;
    }
    let left = if parts.is_empty() { String::new() } else { format!(", {}", parts.join(", ")) };
    Some(format!("{} measured of {}{filter}{left}", rows.measured, rows.admitted))
}

/// A line for each node.
fn lines(report: &EvaluationReport) -> String {
    let head = ["node", "rows", "metric", "test", "here", "verdict"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for node in &report.nodes {
        let metric = METRICS.into_iter().find(|metric| node.new.metrics.contains_key(*metric));
        let value = |of: &SplitMeasures| {
            metric.and_then(|metric| of.metrics.get(metric)).map_or_else(String::new, |v| three(*v))
        };
        rows.push(vec![
            node.name.clone(),
            node.new.rows.to_string(),
            metric.map(metric_words).unwrap_or_default().to_owned(),
            value(&node.test),
            value(&node.new),
            verdict(node).to_owned(),
        ]);
    }
    table(&rows, &[1, 3, 4]) + "\n"
}

/// What moved, and the first of what did not.
fn inputs(report: &EvaluationReport) -> String {
    let shown: Vec<&ColumnShift> = report
        .inputs
        .iter()
        .enumerate()
        .filter(|(at, input)| input.moved || *at < LISTED)
        .map(|(_, input)| input)
        .collect();
    if shown.is_empty() {
        return String::new();
    }
    let head = ["input", "moved", "PSI", "p (Holm)", "missing", "unseen", "outside"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for input in &shown {
        let some = |rows: u64| if rows == 0 { String::new() } else { rows.to_string() };
        rows.push(vec![
            input.column.clone(),
            (if input.moved { "MOVED" } else { "" }).to_owned(),
            format!("{:.3}", input.psi),
            probability(input.adjusted),
            some(input.missing_rows),
            some(input.unseen_rows),
            input
                .outside
                .filter(|share| *share > 0.0)
                .map_or_else(String::new, |share| format!("{:.1} %", 100.0 * share)),
        ]);
    }
    let mut text = table(&rows, &[2, 3, 4, 5, 6]);
    let more = report.inputs.len() - shown.len();
    if more > 0 {
        text.push_str(&format!("and {} that did not move\n", count(more, "input")));
    }
    text.push_str(&format!(
        "{} here against {} training rows{}\n\n",
        count((report.rows - report.seen) as usize, "row"),
        report.training_rows,
        match report.seen {
            0 => String::new(),
            seen => format!("; {seen} that a model has seen are left out"),
        }
    ));
    text
}

fn probability(p: f64) -> String {
    if p < 0.001 { "<.001".to_owned() } else { format!("{p:.3}") }
}
