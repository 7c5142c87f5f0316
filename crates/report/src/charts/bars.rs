//! Bar charts as tables whose rows carry a bar.
//!
//! Tables, so that names wrap and numbers can be read and copied; the bar of each row is a strip of
//! SVG in per cent of its cell, which needs no fixed width. On a narrow screen a row becomes a small
//! grid (name and figure, then the bar, then the rest), so the roles of a table are said explicitly.

use maud::{Markup, html};

use crate::number::{fixed, percent_range};

/// One row.
pub(crate) struct Row {
    pub(crate) name: Markup,
    /// Not distinguishable from noise.
    pub(crate) muted: bool,
    /// What stands in the strip.
    pub(crate) strip: Markup,
    /// As many as the table has headings after the first.
    pub(crate) figures: Vec<Markup>,
}

/// Rows under headings: one for the names, one for each figure.
pub(crate) fn table(headings: &[&str], rows: &[Row]) -> Markup {
    let (first, figures) = headings.split_first().unwrap_or((&"", &[]));
    html! {
        table.bars role="table" {
            thead role="rowgroup" { tr role="row" {
                th scope="col" role="columnheader" { (first) }
                td aria-hidden="true" {}
                @for heading in figures { th.figure scope="col" role="columnheader" { (heading) } }
            } }
            tbody role="rowgroup" {
                @for row in rows {
                    tr.muted[row.muted] role="row" {
                        th scope="row" role="rowheader" { (row.name) }
                        td.strip aria-hidden="true" {
                            svg width="100%" height="24" focusable="false" { (row.strip) }
                        }
                        @for (i, figure) in row.figures.iter().enumerate() {
                            td.figure.more[i > 0] role="cell" data-label=(figures.get(i).copied().unwrap_or_default()) { span.cell { (figure) } }
                        }
                    }
                }
            }
        }
    }
}

/// Places values in per cent of a strip's width.
pub(crate) struct Across {
    low: f64,
    high: f64,
}

impl Across {
    /// From 0, or the least value, to the largest finite one, with some room.
    pub(crate) fn all(values: impl Iterator<Item = f64> + Clone) -> Self {
        let finite = values.filter(|value| value.is_finite());
        let high = finite.clone().fold(0.0f64, f64::max);
        let low = finite.fold(0.0f64, f64::min);
        let room = (high - low) * 0.02;
        let low = if low < 0.0 { low - room } else { 0.0 };
        if high > low { Self { low, high: high + room } } else { Self { low: 0.0, high: 1.0 } }
    }

    /// Between two numbers.
    pub(crate) fn between(low: f64, high: f64) -> Self {
        Self { low, high }
    }

    fn share(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
    }

    /// Where a value stands.
    pub(crate) fn at(&self, value: f64) -> String {
        format!("{:.2}%", self.share(value) * 100.0)
    }

    /// How wide the way between two values is.
    pub(crate) fn span(&self, from: f64, to: f64) -> String {
        format!("{:.2}%", (self.share(to) - self.share(from)).abs() * 100.0)
    }

    /// A bar from 0 to a value.
    pub(crate) fn bar(&self, value: f64, class: &str) -> Markup {
        html! { rect class={ "bar " (class) } x=(self.at(value.min(0.0))) y="5" height="12" width=(self.span(0.0, value)) {} }
    }

    /// The line at 0.
    pub(crate) fn zero(&self) -> Markup {
        html! { line.grid x1=(self.at(0.0)) x2=(self.at(0.0)) y1="0" y2="24" {} }
    }

    /// A whisker between two values.
    pub(crate) fn whisker(&self, low: f64, high: f64) -> Markup {
        html! {
            @if low.is_finite() && high.is_finite() {
                line.whisker x1=(self.at(low)) x2=(self.at(high)) y1="11" y2="11" {}
                line.whisker x1=(self.at(low)) x2=(self.at(low)) y1="7" y2="15" {}
                line.whisker x1=(self.at(high)) x2=(self.at(high)) y1="7" y2="15" {}
            }
        }
    }

    /// A band below the bar.
    pub(crate) fn band(&self, low: f64, high: f64) -> Markup {
        html! {
            @if low.is_finite() && high.is_finite() {
                rect.band x=(self.at(low)) y="18.5" height="4" rx="1" width=(self.span(low, high)) {}
            }
        }
    }

    /// A small form of fixed size, drawn around a value.
    pub(crate) fn mark(&self, value: f64, shape: &Markup) -> Markup {
        html! { @if value.is_finite() { svg x=(self.at(value)) y="11" width="1" height="1" { (shape) } } }
    }
}

/// Bars to the left (brown) and right (blue) of a middle line, for weights from −1 to 1.
pub(crate) fn diverging(
    heading: &str,
    figures: &[&str],
    rows: Vec<(Markup, f64, Vec<Markup>)>,
) -> Markup {
    let across = Across::between(-1.0, 1.0);
    let rows: Vec<Row> = rows
        .into_iter()
        .map(|(name, weight, more)| {
            let class = if weight < 0.0 { "against" } else { "" };
            let mut figures = vec![html! { (signed(weight)) }];
            figures.extend(more);
            let strip = html! { (across.bar(weight, class)) (across.zero()) };
            Row { name, muted: false, strip, figures }
        })
        .collect();
    let headings: Vec<&str> = [heading].into_iter().chain(figures.iter().copied()).collect();
    table(&headings, &rows)
}

/// A weight with its sign.
fn signed(weight: f64) -> String {
    let text = fixed(weight, 2);
    if weight > 0.0 { format!("+{text}") } else { text }
}

/// Shares with whiskers and nothing else, on a given scale.
pub(crate) fn ranges(
    headings: &[&str],
    across: &Across,
    rows: Vec<(Markup, [f64; 3], Vec<Markup>)>,
) -> Markup {
    let rows: Vec<Row> = rows
        .into_iter()
        .map(|(name, [share, low, high], more)| {
            let mut figures = vec![
                html! { (crate::number::percent_measure(share, low, high).0) },
                html! { span.soft { (percent_range(low, high)) } },
            ];
            figures.extend(more);
            let strip =
                html! { (across.zero()) (across.bar(share, "")) (across.whisker(low, high)) };
            Row { name, muted: false, strip, figures }
        })
        .collect();
    table(headings, &rows)
}
