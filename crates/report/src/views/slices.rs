//! Declared slices: each part of the rows by itself, and against the rest.

use collegium_records::{DeclaredSlice, DeclaredSlices, FEWEST_SLICE_ROWS};
use maud::{Markup, html};

use crate::number::{count, counted, measure};
use crate::page::sentence;
use crate::words::metric_name;

/// Metrics that have a column, in this order, as far as they were measured.
const SHOWN: [&str; 7] =
    ["auc", "accuracy", "log_loss", "predicted_positive", "recall", "rmse", "mae"];

/// A row for each slice. `row` and `rows` are what it was measured on.
pub(crate) fn declared(found: &DeclaredSlices, row: &str, rows: &str) -> Markup {
    let has = |name: &&str| found.slices.iter().any(|of| of.measures.metrics.contains_key(*name));
    let metrics: Vec<&str> = SHOWN.into_iter().filter(has).collect();
    let name = |metric: &str| match metric {
        "predicted_positive" => "Predicted positive".to_owned(),
        other => metric_name(other),
    };
    let grouped = found.groups.is_some();
    html! {
        table.stack.slices role="table" {
            thead role="rowgroup" { tr role="row" {
                th scope="col" role="columnheader" { "Slice" }
                th.figure scope="col" role="columnheader" { "Rows" }
                @if grouped { th.figure scope="col" role="columnheader" { "Groups" } }
                @for metric in &metrics { th.figure scope="col" role="columnheader" { (name(metric)) } }
            } }
            tbody role="rowgroup" { @for slice in &found.slices {
                tr role="row" {
                    th scope="row" role="rowheader" { code { (slice.slice) } }
                    td.figure role="cell" data-label="Rows" { (count(slice.measures.rows)) }
                    @if grouped {
                        td.figure role="cell" data-label="Groups" { @if let Some(groups) = slice.measures.groups { (count(groups)) } @else { "–" } }
                    }
                    @for metric in &metrics { td.figure role="cell" data-label=(name(metric)) { (cell(slice, metric)) } }
                }
            } }
        }
        p.caption {
            "Of " (counted(found.rows, row, rows)) ". Below each value: its 95 % interval, and Δ, the difference from all other rows with its 95 % interval"
            @if grouped { ", both by groups" } " (" strong { "bold" } " where it leaves out 0; of twenty intervals one does so by chance). "
            "A slice of fewer than " (FEWEST_SLICE_ROWS) " rows is counted and not measured. Numbers are cut at the quartiles of the training rows."
        }
        @for note in &found.notes { p.caption { (sentence(note)) "." } }
    }
}

fn cell(slice: &DeclaredSlice, metric: &str) -> Markup {
    let Some(value) = slice.measures.metrics.get(metric) else { return html! { "–" } };
    let (shown, range) = measure(*value, slice.measures.intervals.get(metric));
    html! {
        (shown)
        @if let Some(range) = range { span.aside { (range) } }
        @if let Some(diff) = slice.differences.get(metric) {
            @let (shown, range) = measure(diff.difference, diff.interval.as_ref());
            @let apart = diff.interval.is_some_and(|i| i.low > 0.0 || i.high < 0.0);
            span.aside {
                @if apart { strong { "Δ " (shown) } } @else { "Δ " (shown) }
                @if let Some(range) = range { " (" (range) ")" }
            }
        }
    }
}
