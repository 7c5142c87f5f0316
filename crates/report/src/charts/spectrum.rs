//! Chart of the spectrum of the AGOP: how many directions of its input the expert really uses, beside networks that
//! learned nothing.

use collegium_records::Agop;
use maud::{Markup, html};

use super::{Frame, as_text, line, picture};
use crate::number::{SPACE, number, percent, px};

/// Decades below the sum that are drawn; what lies lower stands on the floor.
const DECADES: f64 = 4.0;

/// Eigenvalues as shares of their sum, on a logarithmic scale, the expert's as bars, those of the
/// untrained and the permuted model as lines. Nothing when there is none to draw. A model of this kind is called
/// `noun`.
pub(crate) fn spectrum(agop: &Agop, noun: &str, id: &str) -> Option<Markup> {
    let floor = &agop.noise_floor;
    let own = shares(&agop.eigenvalues)?;
    let untrained = shares(&floor.untrained_eigenvalues);
    let permuted = floor.permuted.as_ref().and_then(|null| shares(&null.eigenvalues));
    let nulls: Vec<(&str, String, &Vec<f64>)> = [
        ("untrained", format!("the same {noun} untrained"), untrained.as_ref()),
        ("permuted", "trained on permuted labels".to_owned(), permuted.as_ref()),
    ]
    .into_iter()
    .filter_map(|(class, name, values)| Some((class, name, values?)))
    .collect();
    let log = |share: f64| share.log10().max(-DECADES);
    let all = own.iter().chain(nulls.iter().flat_map(|null| null.2));
    let lowest = all.map(|share| log(*share)).fold(-1.0f64, f64::min).floor().max(-DECADES);
    let count = own.len().max(nulls.iter().map(|null| null.2.len()).max().unwrap_or(0));
    let widest = (count as f64).max(2.0);
    let frame = Frame::new((0.4, widest + 0.6), (lowest, 0.0));
    let y: Vec<(f64, String)> = (lowest as i32..=0)
        .map(|e| (f64::from(e), format!("{}{SPACE}%", 10f64.powi(e + 2))))
        .collect();
    let every = count.div_ceil(8).max(1);
    let x: Vec<(f64, String)> = (1..=count)
        .filter(|rank| rank % every == 0 || (every > 1 && *rank == 1))
        .map(|rank| (rank as f64, rank.to_string()))
        .collect();
    let bar = ((frame.x(2.0) - frame.x(1.0)) * 0.6).min(18.0);
    let inside = html! {
        (frame.axes(&x, &y, "direction, strongest first", "share of the sum"))
        @for (i, share) in own.iter().enumerate() {
            @let top = frame.y(log(*share).max(lowest));
            rect.bar x=(px(frame.x((i + 1) as f64) - bar / 2.0)) width=(px(bar)) y=(px(top)) height=(px(frame.bottom - top)) {
                title { "direction " (i + 1) ": " (percent(*share)) " of the sum" }
            }
        }
        @for (class, _, values) in &nulls {
            @let points = || values.iter().enumerate().map(|(i, share)| ((i + 1) as f64, log(*share).max(lowest)));
            path class={ "null " (class) } d=(line(&frame, points().map(Some))) {}
            @for (x, y) in points() { (mark(class, frame.x(x), frame.y(y))) }
        }
    };
    let first = percent(own.first().copied().unwrap_or(f64::NAN));
    let chance = match floor.no_untrained {
        None => format!("; {} in the untrained {noun}", number(floor.untrained_effective_rank)),
        Some(_) => String::new(),
    };
    let description = format!(
        "Effective rank {}{chance}. The first direction holds {first} of the sum.",
        number(agop.effective_rank)
    );
    Some(html! {
        figure {
            (picture(id, "Spectrum of the AGOP", &description, &inside))
            p.legend.tight {
                span { svg width="14" height="12" aria-hidden="true" { rect.bar x="2" y="1" width="10" height="10" {} } "this expert" }
                @for (class, name, _) in &nulls {
                    span { svg width="30" height="12" aria-hidden="true" { path class={ "null " (class) } d="M1 6H29" {} (mark(class, 15.0, 6.0)) } (name) }
                }
            }
            figcaption {
                "The first direction holds " (first) " of the sum. Logarithmic scale"
                @if agop.eigenvalues.len() >= 32 { "; the 32 largest are shown" } "."
            }
            (as_text(&table(&own, &nulls, count)))
        }
    })
}

/// Shares of the sum of those that are finite and positive, largest first as they are recorded.
fn shares(eigenvalues: &[f64]) -> Option<Vec<f64>> {
    let values: Vec<f64> =
        eigenvalues.iter().copied().filter(|value| value.is_finite() && *value > 0.0).collect();
    let largest = values.iter().copied().fold(0.0f64, f64::max);
    let scaled: f64 = values.iter().map(|value| value / largest).sum();
    let usable = !values.is_empty() && scaled.is_finite();
    usable.then(|| values.iter().map(|value| value / largest / scaled).collect())
}

/// A circle or a diamond, as beside the importances.
fn mark(class: &str, x: f64, y: f64) -> Markup {
    html! {
        @if class == "permuted" {
            path.permuted d={ "M" (px(x)) " " (px(y - 4.0)) "l4 4l-4 4l-4 -4Z" } {}
        } @else {
            circle.untrained cx=(px(x)) cy=(px(y)) r="3" {}
        }
    }
}

fn table(own: &[f64], nulls: &[(&str, String, &Vec<f64>)], count: usize) -> Markup {
    let cell =
        |values: &[f64], i: usize| values.get(i).map_or_else(|| "–".to_owned(), |v| percent(*v));
    html! {
        table.plain {
            thead { tr {
                th scope="col" { "Direction" } th.figure scope="col" { "This expert" }
                @for (_, name, _) in nulls { th.figure scope="col" { (crate::words::capital(name)) } }
            } }
            tbody { @for i in 0..count { tr {
                th scope="row" { (i + 1) } td.figure { (cell(own, i)) }
                @for (_, _, values) in nulls { td.figure { (cell(values, i)) } }
            } } }
        }
    }
}
