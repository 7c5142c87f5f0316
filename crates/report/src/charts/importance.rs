//! Chart of feature importance: what the choice of rows leaves open (a whisker on the bar), what the choice of
//! the seed leaves open (a band below it), and what networks show that learned nothing (marks).

use collegium_records::{Agop, Importance, RawAgop};
use maud::{Markup, html};

use super::bars::{Across, Row, ranges, table};
use crate::number::{counted, number, percent, percent_measure, percent_range};
use crate::page::{breakable, sentence};
use crate::words::short;

/// Rows that are shown at once; the rest folds away.
const SHOWN: usize = 25;

/// What stands beside the bars for comparison, in the same order.
#[derive(Default, Clone, Copy)]
struct References<'a> {
    untrained: &'a [f64],
    permuted: &'a [f64],
}

impl References<'_> {
    fn rest(&self) -> Self {
        Self {
            untrained: self.untrained.get(SHOWN..).unwrap_or_default(),
            permuted: self.permuted.get(SHOWN..).unwrap_or_default(),
        }
    }
}

/// The chart of declared inputs of a model that is called `noun`.
pub(crate) fn importance(agop: &Agop, noun: &str) -> Markup {
    let permuted = agop.noise_floor.permuted.as_ref();
    let references = References {
        untrained: &agop.noise_floor.untrained,
        permuted: permuted.map_or(&[], |null| null.shares.as_slice()),
    };
    html! {
        (folded(&agop.importance, references, "Declared input", &|row| html! { (breakable(&row.input)) }))
        (legend(&agop.importance, references, noun, permuted.map_or(0, |null| null.fits)))
        @if let Some(why) = &agop.noise_floor.no_untrained { p.caption { (sentence(why)) } }
    }
}

/// The chart of upstream experts.
pub(crate) fn upstream(agop: &Agop) -> Markup {
    let across = across(&agop.upstream, References::default());
    rows(
        &agop.upstream,
        References::default(),
        &across,
        "Expert",
        &|row| html! { (breakable(short(&row.input))) },
    )
}

/// The chart of raw columns, with the experts through which each passes.
pub(crate) fn raw(raw: &RawAgop) -> Markup {
    let name = |row: &Importance| {
        html! {
            (breakable(&row.input))
            @if let Some(experts) = raw.through.get(&row.input).filter(|experts| !experts.is_empty()) {
                span.aside { "also through " (experts.iter().map(|name| short(name)).collect::<Vec<_>>().join(", ")) }
            }
        }
    };
    html! {
        (folded(&raw.importance, References::default(), "Raw column", &name))
        (legend(&raw.importance, References::default(), "", 0))
    }
}

/// Inputs that vary together, as one.
pub(crate) fn groups(agop: &Agop) -> Markup {
    // The scale of the chart above, so that a group's bar can be held against its members'.
    let shares = agop.importance.iter().flat_map(|row| [row.share, row.high]);
    let groups = agop.groups.iter().flat_map(|group| [group.share, group.high]);
    let across = Across::all(shares.chain(groups));
    let rows = agop.groups.iter().map(|group| {
        let name = html! {
            @for (i, input) in group.inputs.iter().enumerate() { @if i > 0 { " + " } (breakable(input)) }
        };
        (name, [group.share, group.low, group.high], vec![html! { (number(group.correlation)) }])
    });
    ranges(&["Group", "Share", "95 % interval", "Correlation"], &across, rows.collect())
}

fn folded(
    all: &[Importance],
    references: References<'_>,
    heading: &str,
    name: &dyn Fn(&Importance) -> Markup,
) -> Markup {
    let across = across(all, references);
    let (first, rest) = all.split_at(all.len().min(SHOWN));
    html! {
        (rows(first, references, &across, heading, name))
        @if !rest.is_empty() {
            @let sum: f64 = rest.iter().map(|row| row.share).filter(|share| share.is_finite()).sum();
            details {
                summary { (counted(rest.len() as u64, "more input", "more inputs")) ", together " (percent(sum)) }
                (rows(rest, references.rest(), &across, heading, name))
            }
        }
    }
}

/// A scale that everything fits.
fn across(rows: &[Importance], references: References<'_>) -> Across {
    let seeds = rows.iter().filter_map(|row| row.seeds).map(|seeds| seeds.high);
    let shares = rows.iter().flat_map(|row| [row.share, row.high]).chain(seeds);
    let nulls = references.untrained.iter().chain(references.permuted).copied();
    Across::all(shares.chain(nulls).map(|value| value.max(0.0)))
}

fn rows(
    all: &[Importance],
    references: References<'_>,
    across: &Across,
    heading: &str,
    name: &dyn Fn(&Importance) -> Markup,
) -> Markup {
    let seeds = all.iter().any(|row| row.seeds.is_some());
    let made: Vec<Row> = all
        .iter()
        .enumerate()
        .map(|(i, row)| {
            let mut figures = vec![
                html! { (percent_measure(row.share, row.low, row.high).0) },
                html! { span.soft { (percent_range(row.low, row.high)) } },
            ];
            if seeds {
                let range = row.seeds.map(|seeds| percent_range(seeds.low, seeds.high));
                figures.push(html! { span.soft { (range.as_deref().unwrap_or("–")) } });
            }
            let reference = |values: &[f64]| values.get(i).copied().unwrap_or(f64::NAN);
            Row {
                name: html! { span.name { (name(row)) } @if !row.above_noise { span.aside { "within noise" } } },
                muted: !row.above_noise,
                strip: html! {
                    title { (percent_measure(row.share, row.low, row.high).0) " (" (percent_range(row.low, row.high)) ")" }
                    (across.zero())
                    (across.bar(row.share, if row.above_noise { "" } else { "muted" }))
                    (across.whisker(row.low, row.high))
                    @if let Some(seeds) = row.seeds { (across.band(seeds.low, seeds.high)) }
                    (across.mark(reference(references.untrained), &circle()))
                    (across.mark(reference(references.permuted), &diamond()))
                },
                figures,
            }
        })
        .collect();
    let headings = [heading, "Share", "95 % interval", "Other seeds"];
    html! {
        (table(&headings[..if seeds { 4 } else { 3 }], &made))
        @if !references.untrained.is_empty() || !references.permuted.is_empty() {
            (nulls(all, references, heading))
        }
    }
}

/// The marks as numbers.
fn nulls(all: &[Importance], references: References<'_>, heading: &str) -> Markup {
    let cell =
        |values: &[f64], i: usize| values.get(i).map_or_else(|| "–".to_owned(), |v| percent(*v));
    super::as_text(&html! {
        table.plain {
            thead { tr {
                th scope="col" { (heading) }
                @if !references.untrained.is_empty() { th.figure scope="col" { "Untrained" } }
                @if !references.permuted.is_empty() { th.figure scope="col" { "Permuted labels, largest" } }
            } }
            tbody {
                @for (i, row) in all.iter().enumerate() {
                    tr {
                        th scope="row" { (breakable(&row.input)) }
                        @if !references.untrained.is_empty() { td.figure { (cell(references.untrained, i)) } }
                        @if !references.permuted.is_empty() { td.figure { (cell(references.permuted, i)) } }
                    }
                }
            }
        }
    })
}

fn circle() -> Markup {
    html! { circle.untrained r="4" {} }
}

fn diamond() -> Markup {
    html! { path.permuted d="M0 -5L5 0L0 5L-5 0Z" {} }
}

fn legend(rows: &[Importance], references: References<'_>, noun: &str, permuted: u32) -> Markup {
    html! {
        p.legend {
            span { svg width="26" height="12" aria-hidden="true" { rect.bar x="1" y="1" width="24" height="10" {} } "AGOP share" }
            span { svg width="26" height="12" aria-hidden="true" {
                line.whisker x1="3" x2="23" y1="6" y2="6" {} line.whisker x1="3" x2="3" y1="2" y2="10" {} line.whisker x1="23" x2="23" y1="2" y2="10" {}
            } "other rows: 95 % bootstrap interval" }
            @if rows.iter().any(|row| row.seeds.is_some()) {
                span { svg width="26" height="12" aria-hidden="true" { rect.band x="1" y="4" width="24" height="4" rx="1" {} } "other seeds: least to largest of all refits" }
            }
            @if !references.untrained.is_empty() {
                span { svg width="14" height="12" viewBox="-7 -6 14 12" aria-hidden="true" { (circle()) } "same " (noun) " untrained" }
            }
            @if !references.permuted.is_empty() {
                span { svg width="14" height="12" viewBox="-7 -6 14 12" aria-hidden="true" { (diamond()) }
                    "permuted labels: largest of " (counted(u64::from(permuted), "fit", "fits")) }
            }
            @if rows.iter().any(|row| !row.above_noise) {
                span { svg width="26" height="12" aria-hidden="true" { rect.bar.muted x="1" y="1" width="24" height="10" {} } "within noise" }
            }
        }
    }
}
