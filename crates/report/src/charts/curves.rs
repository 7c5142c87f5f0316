//! ROC curve, precision-recall curve and cumulative gains: all thresholds of a classifier.

use collegium_records::Curve;
use maud::{Markup, html};

use super::{Frame, as_text, line, percentages, picture, ticks};
use crate::number::{measure, percent, px};
use crate::words::capital;

/// True positive rate by false positive rate, a curve per class.
pub(crate) fn roc(curves: &[Curve], id: &str) -> Markup {
    let frame = frame();
    let chance = html! {
        line.diagonal x1=(px(frame.x(0.0))) y1=(px(frame.y(0.0))) x2=(px(frame.x(1.0))) y2=(px(frame.y(1.0))) {}
    };
    let inside = html! {
        (axes(&frame, "false positive rate", "true positive rate"))
        (chance)
        (paths(&frame, curves))
    };
    html! {
        figure {
            (picture(id, "ROC curve on test rows", &areas(curves, "AUC"), &inside))
            figcaption { strong { (areas(curves, "AUC")) } ". On the dashed diagonal, guessing does as well." (thick(curves)) }
            (points(curves, "false positive rate, true positive rate"))
        }
    }
}

/// Precision by recall, a curve per class.
pub(crate) fn precision_recall(curves: &[Curve], id: &str) -> Markup {
    let frame = frame();
    let least = worst(curves).map(|curve| curve.prevalence).filter(|share| share.is_finite());
    let inside = html! {
        (axes(&frame, "recall", "precision"))
        @if let Some(share) = least {
            @let y = px(frame.y(share.clamp(0.0, 1.0)));
            line.diagonal x1=(px(frame.x(0.0))) y1=(y) x2=(px(frame.x(1.0))) y2=(y) {}
        }
        (paths(&frame, curves))
    };
    html! {
        figure {
            (picture(id, "Precision by recall on test rows", &areas(curves, "average precision"), &inside))
            figcaption {
                strong { (capital(&areas(curves, "average precision"))) }
                "."
                @if let Some(share) = least {
                    " On the dashed line, guessing does as well: " (percent(share)) " of the rows are of "
                    @if curves.len() > 1 { "that class." } @else { "the positive class." }
                }
                (thick(curves))
            }
            (points(curves, "recall, precision"))
        }
    }
}

/// Share of the positive rows found by share of all rows predicted positive (cumulative gains), a curve per class.
pub(crate) fn gain(curves: &[Curve], id: &str) -> Markup {
    let frame = frame();
    let chance = html! {
        line.diagonal x1=(px(frame.x(0.0))) y1=(px(frame.y(0.0))) x2=(px(frame.x(1.0))) y2=(px(frame.y(1.0))) {}
    };
    let inside = html! {
        (axes(&frame, "rows predicted positive", "positive rows among them"))
        (chance)
        (paths(&frame, curves))
    };
    let shown = worst(curves).and_then(|curve| Some((curve, at(curve, TENTH)?)));
    let said = shown.map(|(curve, found)| {
        let lift = measure(found / TENTH, None).0;
        let of = if curves.len() > 1 { format!("class {}", curve.class) } else { "the positive class".to_owned() };
        format!("The tenth of the rows with the highest probability has {} of the rows of {of}: a lift of {lift}.", percent(found))
    });
    let said = said.unwrap_or_default();
    html! {
        figure {
            (picture(id, "Cumulative gains on test rows", &said, &inside))
            figcaption { strong { (said) } " On the dashed diagonal, guessing does as well; lift is how many times more." (thick(curves)) }
            (points(curves, "share of rows predicted positive, share of the positive rows"))
        }
    }
}

/// Where lift is told.
const TENTH: f64 = 0.1;

/// A curve's height, between its points by straight lines.
fn at(curve: &Curve, x: f64) -> Option<f64> {
    let pair = curve.points.windows(2).find(|pair| pair[0][0] <= x && x <= pair[1][0])?;
    let [[x0, y0], [x1, y1]] = [pair[0], pair[1]];
    Some(if x1 > x0 { y0 + (y1 - y0) * (x - x0) / (x1 - x0) } else { y1 })
}

fn frame() -> Frame {
    Frame::new((0.0, 1.0), (0.0, 1.0))
}

fn axes(frame: &Frame, x: &str, y: &str) -> Markup {
    frame.axes(&percentages(ticks(0.0, 1.0, 5)), &percentages(ticks(0.0, 1.0, 5)), x, y)
}

/// The class of the least area.
fn worst(curves: &[Curve]) -> Option<&Curve> {
    curves
        .iter()
        .filter(|curve| curve.area.is_finite())
        .reduce(|worst, curve| if curve.area < worst.area { curve } else { worst })
}

/// One curve alone is drawn as it is; of several, that of the least area stands out.
fn paths(frame: &Frame, curves: &[Curve]) -> Markup {
    let worst = worst(curves).map(|curve| curve.class.as_str());
    let path = |curve: &Curve| line(frame, curve.points.iter().map(|[x, y]| Some((*x, *y))));
    html! {
        @if curves.len() == 1 {
            @for curve in curves { path.curve d=(path(curve)) {} }
        } @else {
            @for curve in curves { path.curve.thin d=(path(curve)) { title { (curve.class) } } }
            @for curve in curves.iter().filter(|curve| Some(curve.class.as_str()) == worst) {
                path.curve.worst d=(path(curve)) { title { (curve.class) } }
            }
        }
    }
}

fn areas(curves: &[Curve], name: &str) -> String {
    match (curves, worst(curves)) {
        ([one], _) => format!("{name} {}", measure(one.area, None).0),
        (_, Some(worst)) => {
            let most = curves.iter().map(|c| c.area).filter(|a| a.is_finite()).fold(0.0, f64::max);
            format!(
                "{name} {} to {}, least for class {}",
                measure(worst.area, None).0,
                measure(most, None).0,
                worst.class
            )
        }
        _ => format!("{name} not defined"),
    }
}

fn thick(curves: &[Curve]) -> &'static str {
    if curves.len() > 1 {
        " One curve per class against all others; the dark one is that of the least area."
    } else {
        ""
    }
}

fn points(curves: &[Curve], axes: &str) -> Markup {
    let short =
        |value: f64| if value.is_finite() { format!("{:.3}", value + 0.0) } else { "n/a".into() };
    as_text(&html! {
        p.caption { "Points (" (axes) "), at most 200 per curve." }
        @for curve in curves {
            p.points {
                strong { (curve.class) } " (" (percent(curve.prevalence)) " of the rows): "
                @for [x, y] in &curve.points { "(" (short(*x)) "," (short(*y)) ") " }
            }
        }
    })
}
