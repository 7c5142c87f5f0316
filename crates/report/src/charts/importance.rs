//! Bars of importance with bootstrap whiskers and the marks of an untrained network.
//!
//! A table, so that names wrap and numbers can be read and copied; the bar of each row is a strip of
//! SVG in per cent of its cell, which needs no fixed width.

use collegium_records::{Agop, Importance};
use maud::{Markup, html};

use crate::number::{counted, percent, percent_measure, percent_range};
use crate::page::breakable;
use crate::words::short;

/// Rows that are shown at once; the rest folds away.
const SHOWN: usize = 25;

/// The chart of declared inputs.
pub(crate) fn importance(agop: &Agop) -> Markup {
    let untrained = &agop.noise_floor.untrained;
    let scale = scale(&agop.importance, untrained);
    let (first, rest) = agop.importance.split_at(agop.importance.len().min(SHOWN));
    html! {
        (table(first, untrained, scale, "Declared input"))
        @if !rest.is_empty() {
            @let sum: f64 = rest.iter().map(|row| row.share).filter(|share| share.is_finite()).sum();
            details {
                summary { (counted(rest.len() as u64, "more input", "more inputs")) ", together " (percent(sum)) }
                (table(rest, untrained.get(SHOWN..).unwrap_or_default(), scale, "Declared input"))
            }
        }
        p.legend {
            span { svg width="26" height="12" aria-hidden="true" { rect.bar x="1" y="2" width="24" height="8" {} } "share of importance" }
            span { svg width="26" height="12" aria-hidden="true" {
                line.whisker x1="3" x2="23" y1="6" y2="6" {} line.whisker x1="3" x2="3" y1="2" y2="10" {} line.whisker x1="23" x2="23" y1="2" y2="10" {}
            } "95 % bootstrap interval" }
            @if !untrained.is_empty() {
                span { svg width="14" height="12" aria-hidden="true" { circle.untrained cx="7" cy="6" r="4" {} } "same network untrained" }
            }
            span { svg width="26" height="12" aria-hidden="true" { rect.bar.muted x="1" y="2" width="24" height="8" {} } "little weight" }
        }
    }
}

/// The chart of upstream experts.
pub(crate) fn upstream(agop: &Agop) -> Markup {
    table(&agop.upstream, &[], scale(&agop.upstream, &[]), "Expert")
}

/// The largest value that has to fit.
fn scale(rows: &[Importance], untrained: &[f64]) -> f64 {
    let largest = rows
        .iter()
        .flat_map(|row| [row.share, row.high])
        .chain(untrained.iter().copied())
        .filter(|value| value.is_finite())
        .fold(0.0f64, f64::max);
    if largest > 0.0 { largest / 0.98 } else { 1.0 }
}

fn table(rows: &[Importance], untrained: &[f64], scale: f64, heading: &str) -> Markup {
    let at = |value: f64| {
        let value = if value.is_finite() { (value / scale).clamp(0.0, 1.0) } else { 0.0 };
        format!("{:.2}%", value * 100.0)
    };
    html! {
        table.bars {
            thead { tr {
                th scope="col" { (heading) }
                th scope="col" aria-hidden="true" {}
                th.figure scope="col" { "Share" }
                th.figure scope="col" { "95 % interval" }
            } }
            tbody {
                @for (i, row) in rows.iter().enumerate() {
                    tr.muted[!row.above_noise] {
                        th scope="row" {
                            span.name { (breakable(short_input(&row.input))) }
                            @if !row.above_noise { span.aside { "little weight" } }
                        }
                        td.strip {
                            svg width="100%" height="22" aria-hidden="true" focusable="false" {
                                line.grid x1="0" x2="0" y1="0" y2="22" {}
                                rect.bar.muted[!row.above_noise] x="0" y="5" height="12" width=(at(row.share)) {}
                                @if row.low.is_finite() && row.high.is_finite() {
                                    line.whisker x1=(at(row.low)) x2=(at(row.high)) y1="11" y2="11" {}
                                    line.whisker x1=(at(row.low)) x2=(at(row.low)) y1="7" y2="15" {}
                                    line.whisker x1=(at(row.high)) x2=(at(row.high)) y1="7" y2="15" {}
                                }
                                @if let Some(reference) = untrained.get(i).filter(|v| v.is_finite()) {
                                    circle.untrained cx=(at(*reference)) cy="11" r="4" { title { "untrained: " (percent(*reference)) } }
                                }
                            }
                        }
                        td.figure { (percent_measure(row.share, row.low, row.high).0) }
                        td.figure.soft { (percent_range(row.low, row.high)) }
                    }
                }
            }
        }
    }
}

/// `expert.departure` without its kind; a column with its source.
fn short_input(name: &str) -> &str {
    if name.starts_with("expert.") { short(name) } else { name }
}
