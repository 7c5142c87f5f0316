//! `collegium log --metrics`: the figure of each expert in each run.

use collegium_manifest::bare_name;
use collegium_records::{
    FORMAT_VERSION, Headline, MetricsReport, PastRun, RunFigures, metric_words,
};

use crate::human::{columns_that_fit, count, sentence, set, table, three, widest};

pub(super) fn report(runs: &[PastRun]) -> MetricsReport {
    let figures = |run: &PastRun| {
        let of = run.run.nodes.iter();
        of.filter_map(|node| Some((node.name.clone(), node.headline.clone()?))).collect()
    };
    let runs = runs.iter().map(|run| RunFigures {
        number: run.number,
        when: run.when.clone(),
        overrides: run.run.overrides.clone(),
        figures: figures(run),
    });
    MetricsReport { format_version: FORMAT_VERSION, runs: runs.collect() }
}

/// A row for each run that measured anything, a column for each expert that has room.
pub(super) fn words(runs: &[PastRun]) -> String {
    let report = report(runs);
    let (measured, idle): (Vec<_>, Vec<_>) =
        report.runs.iter().partition(|run| !run.figures.is_empty());
    let mut experts: Vec<&str> = Vec::new();
    // The newest run has the order of the file as it is.
    for node in runs.iter().rev().flat_map(|run| &run.run.nodes) {
        let known = experts.contains(&node.name.as_str());
        if !known && measured.iter().any(|run| run.figures.contains_key(&node.name)) {
            experts.push(&node.name);
        }
    }
    let mut columns = vec![
        column(["run", ""], measured.iter().map(|run| run.number.to_string())),
        column(["ended", ""], measured.iter().map(|run| ended(&run.when))),
    ];
    let before = columns.iter().map(|column| width(column)).sum::<usize>() + 2;
    let of = experts.iter().map(|name| of_expert(name, &measured)).collect::<Vec<_>>();
    let room = columns_that_fit(before, of.iter().map(|column| width(column)));
    columns.extend(of.into_iter().take(room));
    let mut text = String::new();
    if !measured.is_empty() {
        let row = |at: usize| columns.iter().map(|column| column[at].clone()).collect();
        let rows: Vec<Vec<String>> = (0..measured.len() + 2).map(row).collect();
        let right: Vec<usize> = (0..columns.len()).filter(|at| *at != 1).collect();
        text.push_str(&table(&rows, &right));
    }
    if experts.len() > room {
        let names: Vec<&str> = experts[room..].iter().map(|name| bare_name(name)).collect();
        let more = count(names.len(), "more expert");
        let said = format!("{more} ({}), which `--json` has", names.join(", "));
        text.push_str(&sentence("no room for ", &said));
    }
    for run in measured.iter().filter(|run| !run.overrides.is_empty()) {
        text.push_str(&sentence(
            &format!("run {}: ", run.number),
            &format!("with {}", set(&run.overrides)),
        ));
    }
    if !idle.is_empty() {
        let numbers: Vec<String> = idle.iter().map(|run| run.number.to_string()).collect();
        let runs = if idle.len() == 1 { "run" } else { "runs" };
        let said = format!("{runs} {}", numbers.join(", "));
        text.push_str(&sentence("nothing was measured in ", &said));
    }
    text
}

/// An expert's figures; the metric stands in the head if it is that of the newest.
fn of_expert(name: &str, runs: &[&RunFigures]) -> Vec<String> {
    let called = |of: &Headline| match of.rotations {
        Some(rotations) => format!("{}, mean of {rotations}", metric_words(&of.metric)),
        None => metric_words(&of.metric).to_owned(),
    };
    let newest = runs.iter().rev().find_map(|run| run.figures.get(name)).map(called);
    let head = newest.unwrap_or_default();
    let cells = runs.iter().map(|run| match run.figures.get(name) {
        None => "–".to_owned(),
        Some(of) if called(of) == head => three(of.value),
        Some(of) => format!("{} {}", called(of), three(of.value)),
    });
    column([bare_name(name), &head], cells)
}

fn column(head: [&str; 2], cells: impl Iterator<Item = String>) -> Vec<String> {
    head.into_iter().map(str::to_owned).chain(cells).collect()
}

fn width(column: &[String]) -> usize {
    widest(column.iter().map(String::as_str))
}

/// When a run ended, to the second: `2026-01-01 12:00:00`.
fn ended(when: &str) -> String {
    when.get(..19).unwrap_or(when).replace('T', " ")
}
