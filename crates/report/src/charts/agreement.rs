//! Chart of a comparison: similarity of two sets of importances beside the reference lines.

use collegium_records::{Agreement, Comparison};
use maud::{Markup, html};

use super::bars::{Across, Row, table};
use crate::number::measure;

/// Cosine, rank correlation and overlap, each with the least that halves of the rows and seeds reach.
pub(crate) fn agreement(comparison: &Comparison) -> Markup {
    type Of = fn(&Agreement) -> f64;
    let measures: [(&str, f64, Of); 3] = [
        ("Cosine of importances", comparison.cosine, |a| a.cosine),
        ("Rank correlation", comparison.spearman, |a| a.spearman),
        ("Overlap of subspaces", comparison.overlap, |a| a.overlap),
    ];
    let (halves, seeds) = (&comparison.split_half, comparison.seeds.as_ref());
    let least = measures
        .iter()
        .flat_map(|(_, value, of)| [*value, of(halves), seeds.map_or(1.0, of)])
        .filter(|value| value.is_finite())
        .fold(0.9f64, f64::min);
    let across = Across::between((least * 10.0 - 0.2).floor() / 10.0, 1.0);
    let shown = |value: f64| measure(value, None).0;
    let rows: Vec<Row> = measures
        .iter()
        .map(|(name, value, of)| {
            let mut figures = vec![html! { (shown(*value)) }, html! { span.soft { (shown(of(halves))) } }];
            figures.extend(seeds.map(|seeds| html! { span.soft { (shown(of(seeds))) } }));
            Row {
                name: html! { (name) },
                muted: false,
                strip: html! {
                    line.track x1="0" x2="100%" y1="11" y2="11" {}
                    (across.mark(of(halves), &html! { path.halves d="M0 -10V10" {} }))
                    @if let Some(seeds) = seeds { (across.mark(of(seeds), &html! { path.seeds d="M0 -10V10" {} })) }
                    (across.mark(*value, &html! { circle.value r="5" {} }))
                },
                figures,
            }
        })
        .collect();
    let headings = ["Measure", "This", "Halves of rows", "Other seeds"];
    html! {
        (table(&headings[..if seeds.is_some() { 4 } else { 3 }], &rows))
        p.legend.tight {
            span { svg width="14" height="12" aria-hidden="true" { circle.value cx="7" cy="6" r="5" {} } "this comparison" }
            span { svg width="8" height="14" aria-hidden="true" { path.halves d="M4 0V14" {} } "least of halves of the rows" }
            @if let Some(seeds) = seeds { span { svg width="8" height="14" aria-hidden="true" { path.seeds d="M4 0V14" {} } "least of " (seeds.of) " seeds" } }
            span { "The strip ends at 1." }
        }
    }
}
