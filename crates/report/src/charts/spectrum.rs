//! The spectrum: how many directions of its input the expert really uses.

use collegium_records::Agop;
use maud::{Markup, html};

use super::{Frame, picture};
use crate::number::{SPACE, number, percent, px};

/// Decades below the largest eigenvalue that are drawn; what lies lower stands on the floor.
const DECADES: f64 = 4.0;

/// Eigenvalues as shares of their sum, on a logarithmic scale. Nothing when there is none to draw.
pub(crate) fn spectrum(agop: &Agop, id: &str) -> Option<Markup> {
    let values: Vec<f64> = agop
        .eigenvalues
        .iter()
        .copied()
        .filter(|value| value.is_finite() && *value > 0.0)
        .collect();
    let largest = values.iter().copied().fold(0.0f64, f64::max);
    let scaled: f64 = values.iter().map(|value| value / largest).sum();
    if values.is_empty() || !scaled.is_finite() {
        return None;
    }
    let logs: Vec<f64> = values.iter().map(|value| (value / largest / scaled).log10()).collect();
    let lowest = logs.iter().copied().fold(0.0f64, f64::min).floor().clamp(-DECADES, -1.0);
    let untrained = agop.noise_floor.untrained_effective_rank;
    let widest = (values.len() as f64).max(2.0);
    let frame = Frame::new((0.4, widest + 0.6), (lowest, 0.0));
    let y: Vec<(f64, String)> = (lowest as i32..=0)
        .map(|e| (f64::from(e), format!("{}{SPACE}%", 10f64.powi(e + 2))))
        .collect();
    let every = values.len().div_ceil(8).max(1);
    let x: Vec<(f64, String)> = (1..=values.len())
        .filter(|rank| rank % every == 0 || (every > 1 && *rank == 1))
        .map(|rank| (rank as f64, rank.to_string()))
        .collect();
    let bar = ((frame.x(2.0) - frame.x(1.0)) * 0.6).min(18.0);
    let mark = |rank: f64, class: &str| {
        html! {
            @if rank.is_finite() && rank >= 0.4 && rank <= widest + 0.6 {
                line class=(class) x1=(px(frame.x(rank))) x2=(px(frame.x(rank))) y1=(px(frame.top)) y2=(px(frame.bottom)) {}
            }
        }
    };
    let inside = html! {
        (frame.axes(&x, &y, "direction, strongest first", "share of the sum"))
        @for (i, log) in logs.iter().enumerate() {
            @let top = frame.y(log.max(lowest));
            rect.bar x=(px(frame.x((i + 1) as f64) - bar / 2.0)) width=(px(bar)) y=(px(top)) height=(px(frame.bottom - top)) {}
        }
        (mark(agop.effective_rank, "rank"))
        (mark(untrained, "rank untrained"))
    };
    let description = format!(
        "Effective rank {}; {} in the untrained network. The first direction holds {} of the sum.",
        number(agop.effective_rank),
        number(untrained),
        percent(1.0 / scaled)
    );
    Some(html! {
        figure {
            (picture(id, "Spectrum of what the expert looks at", &description, &inside))
            figcaption {
                strong { "Effective rank " (number(agop.effective_rank)) }
                " (solid line); the same network untrained: " (number(untrained)) " (dashed). "
                "The first direction holds " (percent(1.0 / scaled)) " of the sum. "
                "Bars on a logarithmic scale" @if agop.eigenvalues.len() >= 32 { "; the 32 largest are shown" } "."
            }
        }
    })
}
