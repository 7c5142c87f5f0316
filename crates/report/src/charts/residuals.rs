//! Charts of the residuals of a regression.

use collegium_records::Residuals;
use maud::{Markup, html};

use super::{Frame, as_text, line, numbered, picture, ticks};
use crate::number::{count, number, px};

/// Rows by error, predicted less true. Nothing where the record has no bins.
pub(crate) fn histogram(residuals: &Residuals, id: &str, rows: &str) -> Option<Markup> {
    let edges = &residuals.edges;
    let (low, high) = (*edges.first()?, *edges.last()?);
    let most = *residuals.counts.iter().max()? as f64;
    if !(low.is_finite() && high.is_finite()) || edges.len() != residuals.counts.len() + 1 {
        return None;
    }
    let frame = Frame::new((low, high), (0.0, most.max(1.0) * 1.04));
    let [.., middle, _, _] = residuals.quantiles;
    let inside = html! {
        (frame.axes(&numbered(ticks(low, high, 5)), &numbered(ticks(0.0, most * 1.04, 4)), "predicted less true", rows))
        @for (pair, count) in edges.windows(2).zip(&residuals.counts) {
            @let (left, right) = (frame.x(pair[0]), frame.x(pair[1]));
            rect.bar x=(px(left + 0.5)) width=(px((right - left - 1.0).max(0.5))) y=(px(frame.y(*count as f64))) height=(px(frame.bottom - frame.y(*count as f64))) {
                title { (number(pair[0])) " to " (number(pair[1])) ": " (crate::number::count(*count)) " rows" }
            }
        }
        @if low < 0.0 && high > 0.0 {
            line.rank x1=(px(frame.x(0.0))) x2=(px(frame.x(0.0))) y1=(px(frame.top)) y2=(px(frame.bottom)) {}
        }
    };
    let [p2, p25, _, p75, p97] = residuals.quantiles.map(number);
    let description = format!(
        "Half of all errors lie between {p25} and {p75}, 95 % between {p2} and {p97}; bias {}, median {}.",
        number(residuals.bias),
        number(middle)
    );
    Some(html! {
        figure {
            (picture(id, &format!("Errors on {rows}"), &description, &inside))
            figcaption {
                strong { "Half of all errors lie between " (p25) " and " (p75) }
                ", 95 % between " (p2) " and " (p97) "; bias (mean error) " (number(residuals.bias)) ", median " (number(middle))
                ". Rows beyond the picture are counted in its first and last bar."
            }
            (as_text(&html! {
                table.plain {
                    thead { tr { th scope="col" { "From" } th scope="col" { "To" } th.figure scope="col" { "Rows" } } }
                    tbody { @for (pair, rows) in edges.windows(2).zip(&residuals.counts) {
                        tr { td { (number(pair[0])) } td { (number(pair[1])) } td.figure { (count(*rows)) } }
                    } }
                }
            }))
        }
    })
}

/// Mean error and the middle 80 % of errors, by tenths of the predicted value.
pub(crate) fn by_prediction(residuals: &Residuals, id: &str) -> Option<Markup> {
    let bins: Vec<_> = residuals
        .by_prediction
        .iter()
        .filter(|b| [b.predicted, b.mean, b.low, b.high].iter().all(|v| v.is_finite()))
        .collect();
    let (first, last) = (bins.first()?, bins.last()?);
    let low = bins.iter().map(|b| b.low).fold(0.0f64, f64::min);
    let high = bins.iter().map(|b| b.high).fold(0.0f64, f64::max);
    let pad = (high - low) * 0.05;
    let (low, high) = (low - pad, high + pad);
    let frame = Frame::new((first.predicted, last.predicted), (low, high));
    let upper = bins.iter().map(|b| (b.predicted, b.high));
    let lower = bins.iter().rev().map(|b| (b.predicted, b.low));
    let area = line(&frame, upper.chain(lower).map(Some));
    let inside = html! {
        (frame.axes(&numbered(ticks(first.predicted, last.predicted, 5)), &numbered(ticks(low, high, 5)), "predicted value", "predicted less true"))
        path.area d={ (area) "Z" } {}
        line.diagonal x1=(px(frame.left)) x2=(px(frame.right)) y1=(px(frame.y(0.0))) y2=(px(frame.y(0.0))) {}
        path.curve d=(line(&frame, bins.iter().map(|b| Some((b.predicted, b.mean))))) {}
        @for b in &bins { circle.point cx=(px(frame.x(b.predicted))) cy=(px(frame.y(b.mean))) r="3.5" {
            title { "predicted " (number(b.predicted)) ": mean error " (number(b.mean)) ", 80 % between " (number(b.low)) " and " (number(b.high)) }
        } }
    };
    Some(html! {
        figure {
            (picture(id, "Errors by predicted value", "Mean error and the middle 80 % of errors for rows with about the same prediction; the table below has the figures.", &inside))
            figcaption {
                strong { "Is the error the same everywhere?" }
                " Points: mean error of a tenth of the rows; band: the middle 80 % of their errors; dashed: no error."
            }
            (as_text(&html! {
                table.plain {
                    thead { tr {
                        th scope="col" { "Mean prediction" } th.figure scope="col" { "Rows" } th.figure scope="col" { "Mean error" }
                        th.figure scope="col" { "10 %" } th.figure scope="col" { "90 %" }
                    } }
                    tbody { @for b in &bins {
                        tr { td { (number(b.predicted)) } td.figure { (count(b.rows)) } td.figure { (number(b.mean)) } td.figure { (number(b.low)) } td.figure { (number(b.high)) } }
                    } }
                }
            }))
        }
    })
}
