//! Weak slices (subgroup analysis): rows on which an expert does worse than elsewhere.

use collegium_records::WeakSlices;
use maud::{Markup, html};

use crate::number::{count, counted, number};
use crate::page::sentence;

/// `row` and `rows` are what it was tested on; of a regression, `target` names what errors are of.
pub(crate) fn weak(found: &WeakSlices, row: &str, rows: &str, target: &str) -> Markup {
    let loss = found.loss_words();
    let tested = counted(u64::from(found.tested), "slice", "slices");
    html! {
        @if found.slices.is_empty() {
            p {
                @if found.tested == 0 { "No slice of the validation rows stood out, so none was tested." }
                @else { "Nowhere that could be shown: on none of " (tested) " is the " (loss) " larger than elsewhere by more than chance allows." }
            }
        } @else {
            table.stack.slices role="table" {
                thead role="rowgroup" { tr role="row" {
                    th scope="col" role="columnheader" { "Where" }
                    @for heading in HEADINGS { th.figure scope="col" role="columnheader" { (heading) } }
                } }
                tbody role="rowgroup" {
                    @for slice in &found.slices {
                        tr role="row" {
                            th scope="row" role="rowheader" {
                                @for (i, condition) in slice.conditions.iter().enumerate() { @if i > 0 { " and " } code { (condition) } }
                            }
                            @for (heading, value) in HEADINGS.iter().zip([
                                count(slice.rows), number(slice.loss), number(slice.elsewhere), probability(slice.adjusted),
                            ]) {
                                td.figure role="cell" data-label=(heading) { (value) }
                            }
                        }
                    }
                }
            }
        }
        p.caption {
            "Found on validation rows, tested on " (if rows == "rows" { "these rows" } else { rows }) ". Mean " (loss) " on " (counted(found.rows, row, rows))
            @if let Some(unit) = found.unit(target) { ", in " (sentence(&unit)) }
            ": " (number(found.overall)) ". " (tested)
            @if found.tested == 1 { " was" } @else { " were" } " tested; shown are those whose "
            a href="#glossary-slices" { "corrected p-value" } " is at most 0.05."
        }
    }
}

const HEADINGS: [&str; 4] = ["Rows", "Loss there", "Loss elsewhere", "p-value, corrected"];

/// A p-value in print: a tiny one is said to be small, not to be 0.
pub(crate) fn probability(value: f64) -> String {
    if (0.0..1e-12).contains(&value) { "< 10⁻¹²".to_owned() } else { number(value) }
}
