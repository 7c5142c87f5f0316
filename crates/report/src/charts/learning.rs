//! Learning curve: training and validation loss by epoch.

use collegium_records::Epoch;
use maud::{Markup, html};

use super::{Frame, as_text, line, numbered, picture, ticks};
use crate::number::{count, number, px};

/// Both losses by epoch with the kept epoch marked. Nothing when no epoch has finite losses.
pub(crate) fn learning(epochs: &[Epoch], best: u32, id: &str) -> Option<Markup> {
    let values = || epochs.iter().flat_map(|e| [e.train, e.valid]).filter(|v| v.is_finite());
    let low = values().fold(f64::MAX, f64::min);
    let high = values().fold(f64::MIN, f64::max);
    values().next()?;
    let pad = if high > low { (high - low) * 0.06 } else { low.abs().max(1e-3) * 0.1 };
    let last = epochs.len() as f64;
    let frame = Frame::new((1.0f64.min(last), last.max(2.0)), (low - pad, high + pad));
    let path = |of: fn(&Epoch) -> f64| {
        line(&frame, epochs.iter().enumerate().map(|(i, epoch)| Some(((i + 1) as f64, of(epoch)))))
    };
    let x: Vec<(f64, String)> = ticks(0.0, last, 6)
        .into_iter()
        .map(f64::round)
        .filter(|t| *t > 0.0)
        .chain((last < 6.0).then_some(1.0))
        .map(|t| (t, count(t as u64)))
        .fold(vec![], |mut kept: Vec<(f64, String)>, tick| {
            if kept.iter().all(|(t, _)| *t != tick.0) {
                kept.push(tick);
            }
            kept
        });
    let kept = epochs.get((best as usize).wrapping_sub(1)).filter(|e| e.valid.is_finite());
    let inside = html! {
        (frame.axes(&x, &numbered(ticks(low - pad, high + pad, 5)), "epoch", "loss"))
        @if kept.is_some() {
            line.rank x1=(px(frame.x(f64::from(best)))) x2=(px(frame.x(f64::from(best)))) y1=(px(frame.top)) y2=(px(frame.bottom)) {}
        }
        path.curve.training d=(path(|e| e.train)) {}
        path.curve d=(path(|e| e.valid)) {}
        @if let Some(epoch) = kept {
            circle.point cx=(px(frame.x(f64::from(best)))) cy=(px(frame.y(epoch.valid))) r="4.5" {}
        }
    };
    let sentence = match kept {
        Some(epoch) => format!(
            "Epoch {best} of {} was kept, with a validation loss of {}",
            epochs.len(),
            number(epoch.valid)
        ),
        None => format!("{} epochs", epochs.len()),
    };
    Some(html! {
        figure {
            (picture(id, "Learning curve", &sentence, &inside))
            figcaption {
                strong { (sentence) } ". Solid: validation; dashed: training, as it was minimised."
            }
            (as_text(&html! {
                table.plain {
                    thead { tr { th scope="col" { "Epoch" } th.figure scope="col" { "Training" } th.figure scope="col" { "Validation" } } }
                    tbody { @for (i, epoch) in epochs.iter().enumerate() {
                        tr { th scope="row" { (i + 1) } td.figure { (number(epoch.train)) } td.figure { (number(epoch.valid)) } }
                    } }
                }
            }))
        }
    })
}
