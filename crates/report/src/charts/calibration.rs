//! Reliability diagram (calibration curve): predicted against observed frequency.

use collegium_records::Reliability;
use maud::{Markup, html};

use super::{Frame, as_text, line, percentages, picture, ticks};
use crate::number::{count, measure, percent, px};

/// Predicted against observed frequency; points as large as their bins are full.
pub(crate) fn calibration(reliability: &Reliability, id: &str, classes: usize) -> Markup {
    let bins: Vec<_> = reliability
        .bins
        .iter()
        .filter(|bin| bin.predicted.is_finite() && bin.observed.is_finite() && bin.rows > 0)
        .collect();
    // Rare classes live in a corner: both axes end at the first round number above all points.
    let reach =
        bins.iter().flat_map(|bin| [bin.predicted, bin.observed]).fold(0.0f64, f64::max) * 1.05;
    let end = [0.02, 0.05, 0.1, 0.2, 0.5].into_iter().find(|end| reach <= *end).unwrap_or(1.0);
    let frame = Frame::new((0.0, end), (0.0, end));
    let most = bins.iter().map(|bin| bin.rows).max().unwrap_or(1).max(1) as f64;
    let path = line(&frame, bins.iter().map(|bin| Some((bin.predicted, bin.observed))));
    let inside = html! {
        (frame.axes(&percentages(ticks(0.0, end, 5)), &percentages(ticks(0.0, end, 5)),
            if classes > 2 { "confidence in the predicted class" } else { "predicted probability" },
            if classes > 2 { "how often right" } else { "observed frequency" }))
        line.diagonal x1=(px(frame.x(0.0))) y1=(px(frame.y(0.0))) x2=(px(frame.x(end))) y2=(px(frame.y(end))) {}
        path.curve.thin d=(path) {}
        @for bin in &bins {
            circle.point cx=(px(frame.x(bin.predicted))) cy=(px(frame.y(bin.observed)))
                r=(px(2.5 + 6.5 * (bin.rows as f64 / most).sqrt())) {
                title { "predicted " (percent(bin.predicted)) ", observed " (percent(bin.observed)) ", " (count(bin.rows)) " rows" }
            }
        }
    };
    let ece = measure(reliability.ece, None).0;
    let description = format!(
        "{} bins between 0 and 1; expected calibration error {ece}. On the diagonal, promises are kept.",
        bins.len()
    );
    html! {
        figure {
            (picture(id, "Reliability curve on test rows", &description, &inside))
            figcaption {
                strong { "Expected calibration error " (ece) } ". "
                "On the dashed diagonal, what is predicted is what happens; larger points hold more test rows."
            }
            (as_text(&html! {
                table.plain {
                    thead { tr { th scope="col" { "Predicted" } th.figure scope="col" { "Observed" } th.figure scope="col" { "Rows" } } }
                    tbody { @for bin in &bins {
                        tr { td { (percent(bin.predicted)) } td.figure { (percent(bin.observed)) } td.figure { (count(bin.rows)) } }
                    } }
                }
            }))
        }
    }
}

/// The curve of some rows and, dashed, that of the test rows.
pub(crate) fn calibration_beside(
    new: &Reliability,
    test: Option<&Reliability>,
    id: &str,
    classes: usize,
) -> Markup {
    let finite = |of: &Reliability| -> Vec<(f64, f64, u64)> {
        let bins = of.bins.iter().map(|bin| (bin.predicted, bin.observed, bin.rows));
        bins.filter(|(p, o, rows)| p.is_finite() && o.is_finite() && *rows > 0).collect()
    };
    let (own, other) = (finite(new), test.map(finite).unwrap_or_default());
    let reach =
        own.iter().chain(&other).fold(0.0f64, |most, (p, o, _)| most.max(*p).max(*o)) * 1.05;
    let end = [0.02, 0.05, 0.1, 0.2, 0.5].into_iter().find(|end| reach <= *end).unwrap_or(1.0);
    let frame = Frame::new((0.0, end), (0.0, end));
    let most = own.iter().map(|(_, _, rows)| *rows).max().unwrap_or(1).max(1) as f64;
    let path = |of: &[(f64, f64, u64)]| line(&frame, of.iter().map(|(p, o, _)| Some((*p, *o))));
    let inside = html! {
        (frame.axes(&percentages(ticks(0.0, end, 5)), &percentages(ticks(0.0, end, 5)),
            if classes > 2 { "confidence in the predicted class" } else { "predicted probability" },
            if classes > 2 { "how often right" } else { "observed frequency" }))
        line.diagonal x1=(px(frame.x(0.0))) y1=(px(frame.y(0.0))) x2=(px(frame.x(end))) y2=(px(frame.y(end))) {}
        path.curve.training d=(path(&other)) {}
        path.curve d=(path(&own)) {}
        @for (predicted, observed, rows) in &own {
            circle.point cx=(px(frame.x(*predicted))) cy=(px(frame.y(*observed))) r=(px(2.5 + 6.5 * (*rows as f64 / most).sqrt())) {
                title { "predicted " (percent(*predicted)) ", observed " (percent(*observed)) ", " (count(*rows)) " rows" }
            }
        }
    };
    let here = measure(new.ece, None).0;
    let there = test.map(|test| measure(test.ece, None).0);
    let beside = there.map_or_else(String::new, |there| format!(" (test rows: {there})"));
    let description =
        format!("Expected calibration error {here}{beside}. On the diagonal, promises are kept.");
    html! {
        figure {
            (picture(id, "Reliability curve on these rows and on test rows", &description, &inside))
            figcaption {
                strong { "Expected calibration error " (here) } (beside) ". "
                "Blue: these rows, larger points hold more; dashed: the test rows. On the diagonal, what is predicted is what happens."
            }
            (as_text(&html! {
                table.plain {
                    thead { tr { th scope="col" { "Predicted" } th.figure scope="col" { "Observed" } th.figure scope="col" { "Rows" } } }
                    tbody { @for (predicted, observed, rows) in &own {
                        tr { td { (percent(*predicted)) } td.figure { (percent(*observed)) } td.figure { (count(*rows)) } }
                    } }
                }
            }))
        }
    }
}
