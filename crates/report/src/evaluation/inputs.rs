//! Covariate shift: every input of the new rows against the training rows.

use collegium_records::{ColumnShift, EvaluationReport, TwoSample};
use maud::{Markup, html};

use crate::charts::{self, Across, Row};
use crate::expert::probability;
use crate::number::{count, counted, number, percent};
use crate::page::breakable;

/// Pictures of inputs that moved, at most.
const PICTURES: usize = 12;
/// Bins of a category that are drawn.
const BINS: usize = 12;

pub(super) fn inputs(report: &EvaluationReport) -> Markup {
    let moved: Vec<&ColumnShift> = report.inputs.iter().filter(|input| input.moved).collect();
    html! {
        @if !report.inputs.is_empty() {
            section #inputs aria-labelledby="inputs-title" {
                h2 #inputs-title { "What moved" }
                p.summary {
                    @if moved.is_empty() { "No input can be told from the training rows." }
                    @else {
                        (moved.len()) " of " (counted(report.inputs.len() as u64, "input", "inputs")) " moved against "
                        (counted(report.training_rows, "training row", "training rows")) "."
                    }
                    @if report.seen > 0 {
                        " This is told of the " (counted(report.rows - report.seen, "row", "rows")) " that no model has seen; "
                        (count(report.seen)) " that one was trained or chosen on are left out."
                    }
                }
                (table(report))
                @if !moved.is_empty() {
                    div.pair { @for (at, shift) in moved.iter().take(PICTURES).enumerate() {
                        div {
                            h4 { (breakable(&shift.column)) }
                            (picture(shift, &format!("moved{at}")))
                            p.caption { (said(shift)) }
                        }
                    } }
                    p.caption { "Bars: training rows. Line and strips in blue: these rows. Both as shares of their own rows." }
                }
            }
        }
    }
}

fn table(report: &EvaluationReport) -> Markup {
    let values = || report.inputs.iter().map(|input| input.psi);
    let across = Across::all(values().chain([0.3]));
    let rows: Vec<Row> = report
        .inputs
        .iter()
        .map(|input| Row {
            name: html! { span.name { (breakable(&input.column)) } @if input.moved { span.aside { "moved" } } },
            muted: !input.moved,
            strip: html! {
                (across.zero())
                (across.bar(input.psi, if input.moved { "" } else { "muted" }))
                line.chance x1=(across.at(0.25)) x2=(across.at(0.25)) y1="2" y2="20" {}
            },
            figures: vec![
                html! { (number(input.psi)) span.aside { "by chance " (number(input.psi_by_chance)) } },
                html! { (probability(input.adjusted)) span.aside { (how(input)) } },
                html! { @if input.missing_rows > 0 { (count(input.missing_rows)) } },
                html! { @if input.unseen_rows > 0 { (count(input.unseen_rows)) } },
                html! { @if let Some(share) = input.outside.filter(|share| *share > 0.0) { (percent(share)) } },
            ],
        })
        .collect();
    html! {
        (charts::bar_table(&["Input", "PSI", "p-value, corrected", "Missing", "Unseen level", "Outside"], &rows))
        p.caption { "Dashed line: an index of 0.25, by custom much. Outside: share of known values beyond the training range." }
    }
}

/// By which test.
fn how(input: &ColumnShift) -> String {
    let name = |test: &TwoSample| {
        let short = match test.test.as_str() {
            "kolmogorov-smirnov" => "KS",
            "chi-squared" => "χ²",
            "fisher" => "Fisher",
            other => other,
        };
        format!("{short}, {}", test.by)
    };
    input.values.as_ref().or(input.missing.as_ref()).map_or_else(|| "not tested".to_owned(), name)
}

/// What a reader should know beside the picture.
pub(super) fn said(shift: &ColumnShift) -> String {
    let mut parts = Vec::new();
    if shift.unseen_rows > 0 {
        let levels: Vec<String> = shift
            .unseen
            .iter()
            .take(5)
            .map(|level| format!("{} ({})", level.level, count(level.rows)))
            .collect();
        parts.push(format!(
            "{} of levels that training never saw: {}.",
            counted(shift.unseen_rows, "row", "rows"),
            levels.join(", ")
        ));
    }
    if shift.missing_rows > 0 {
        parts.push(format!("{} missing.", counted(shift.missing_rows, "value", "values")));
    }
    if let Some(outside) = shift.outside.filter(|share| *share > 0.0) {
        parts.push(format!("{} of the values lie outside the training range.", percent(outside)));
    }
    parts.join(" ")
}

/// Training rows and new rows: bars and a line for numbers, strips for levels.
pub(super) fn picture(shift: &ColumnShift, id: &str) -> Markup {
    match &shift.histogram {
        Some(histogram) => charts::two_samples(histogram, id, &shift.column, shift.kind == "time"),
        None => strips(shift),
    }
}

fn strips(shift: &ColumnShift) -> Markup {
    let share = |rows: u64, all: u64| rows as f64 / all.max(1) as f64;
    let training: u64 = shift.bins.iter().map(|bin| bin.training).sum();
    let new: u64 = shift.bins.iter().map(|bin| bin.new).sum();
    // Common levels come first; what is set apart (unseen, missing) stands at the end, and is kept.
    let hidden = shift.bins.len().saturating_sub(BINS);
    let apart = shift.bins.len().saturating_sub(3);
    let kept = shift
        .bins
        .iter()
        .enumerate()
        .filter(|(at, _)| hidden == 0 || *at < BINS - 3 || *at >= apart);
    let shares =
        shift.bins.iter().flat_map(|bin| [share(bin.training, training), share(bin.new, new)]);
    let across = Across::all(shares);
    let rows: Vec<Row> = kept
        .map(|(_, bin)| {
            let (before, after) = (share(bin.training, training), share(bin.new, new));
            Row {
                name: html! { (bin.label) },
                muted: false,
                strip: html! { (across.bar(after, "")) (across.band(0.0, before)) },
                figures: vec![html! { (percent(before)) }, html! { (percent(after)) }],
            }
        })
        .collect();
    html! {
        (charts::bar_table(&["Level", "Training", "Here"], &rows))
        @if hidden > 0 { p.caption { (counted(hidden as u64, "level", "levels")) " more." } }
    }
}
