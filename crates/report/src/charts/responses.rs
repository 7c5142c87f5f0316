//! Response curves as small multiples on one scale: how an output moves with one input.

use collegium_records::{Interval, Measure, Response, ResponseMethod, Responses};
use maud::{Markup, html};

use super::{Frame, as_text, line, numbered, picture, ticks};
use crate::number::{count, measure, number, px};

/// Characters of a level beside its row; the hover value has all.
const LABEL: usize = 14;

/// One input's response. All of one expert have the same scale of effects, so that they can be compared.
pub(crate) fn response(of: &Response, all: &Responses, id: &str) -> Markup {
    let (low, high) = scale(all);
    let title = format!("{} by {}", output(all), of.input);
    let inside = match of.method {
        ResponseMethod::AccumulatedLocalEffects => along(of, all, (low, high)),
        ResponseMethod::PartialDependence => by_level(of, all, (low, high)),
    };
    html! {
        figure {
            (picture(id, &title, &description(of, all), &inside))
            figcaption { strong { code { (of.input) } } ": " (sentence(of, all)) }
            (as_text(&numbers(of, all)))
        }
    }
}

/// What moves: `probability of yes`, `predicted value`.
pub(crate) fn output(all: &Responses) -> String {
    match all.classes.as_slice() {
        [] => "predicted value".to_owned(),
        [one] => format!("probability of {one}"),
        _ => "probability".to_owned(),
    }
}

/// The range of all effects with their bands.
fn scale(all: &Responses) -> (f64, f64) {
    let curves = all.inputs.iter().flat_map(|input| &input.curves);
    let ends = curves.flat_map(|curve| &curve.effect).flat_map(|effect| {
        let interval =
            effect.interval.unwrap_or(Interval { low: effect.value, high: effect.value });
        [interval.low, interval.high, effect.value]
    });
    let (low, high) = ends
        .filter(|end| end.is_finite())
        .fold((0.0f64, 0.0f64), |(low, high), end| (low.min(end), high.max(end)));
    let room = (high - low) * 0.04;
    (low - room, high + room)
}

fn named(all: &Responses, curve: usize) -> String {
    match all.classes.get(curve) {
        Some(class) if all.classes.len() > 1 => format!("{class}: "),
        _ => String::new(),
    }
}

fn shown(effect: &Measure) -> String {
    let (value, range) = measure(effect.value, effect.interval.as_ref());
    let sign = if effect.value > 0.0 { "+" } else { "" };
    range.map_or(format!("{sign}{value}"), |range| format!("{sign}{value} ({range})"))
}

/// Style of the curves by number, the first the heaviest.
const CURVES: [&str; 3] = ["curve", "curve training", "curve dotted"];

/// A curve over its band, with the gradient of each bin below.
fn along(of: &Response, all: &Responses, range: (f64, f64)) -> Markup {
    let (Some(first), Some(last)) = (of.edges.first(), of.edges.last()) else { return html! {} };
    let steep = of.curves.iter().any(|curve| !curve.gradient.is_empty());
    let mut frame = Frame::new((*first, *last), range);
    let below = Frame { top: 176.0, y: (0.0, 1.0), ..Frame::new((*first, *last), (0.0, 1.0)) };
    if steep {
        frame.bottom = 162.0;
    }
    let most = of.curves.iter().flat_map(|curve| &curve.gradient).copied().fold(0.0f64, f64::max);
    let gradient = |bin: usize| {
        let each = of.curves.iter().enumerate().filter_map(move |(at, curve)| {
            Some(format!("{}{}", named(all, at), number(*curve.gradient.get(bin)?)))
        });
        each.collect::<Vec<String>>().join("; ")
    };
    // A bar stands for all curves: the largest of their gradients.
    let tall = |bin: usize| {
        let each = of.curves.iter().filter_map(|curve| curve.gradient.get(bin)).copied();
        each.filter(|g| g.is_finite()).fold(0.0f64, f64::max) / if most > 0.0 { most } else { 1.0 }
    };
    let band = |effects: &[Measure]| {
        let ends: Option<Vec<(f64, Interval)>> = of
            .edges
            .iter()
            .zip(effects)
            .map(|(at, effect)| Some((*at, effect.interval?)))
            .collect();
        ends.map(|ends| {
            let upper = ends.iter().map(|(at, interval)| Some((*at, interval.high)));
            let lower = ends.iter().rev().map(|(at, interval)| Some((*at, interval.low)));
            format!("{}Z", line(&frame, upper.chain(lower)))
        })
    };
    html! {
        (frame.axes(&[], &numbered(ticks(range.0, range.1, 4)), "", "effect"))
        (below.axes(&numbered(ticks(*first, *last, 5)), &[], &of.input, ""))
        @for curve in &of.curves { @if let Some(band) = band(&curve.effect) { path.area d=(band) {} } }
        line.diagonal x1=(px(frame.left)) x2=(px(frame.right)) y1=(px(frame.y(0.0))) y2=(px(frame.y(0.0))) {}
        @for (at, curve) in of.curves.iter().enumerate() {
            path class=(CURVES[at.min(2)]) d=(line(&frame, of.edges.iter().zip(&curve.effect).map(|(x, e)| Some((*x, e.value))))) {}
            @for (x, effect) in of.edges.iter().zip(&curve.effect).filter(|(_, effect)| effect.value.is_finite()) {
                circle.point cx=(px(frame.x(*x))) cy=(px(frame.y(effect.value))) r="2.6" {
                    title { (named(all, at)) (of.input) " = " (number(*x)) ": " (shown(effect)) }
                }
            }
        }
        @if steep {
            @for (bin, pair) in of.edges.windows(2).enumerate() {
                @let (left, right) = (below.x(pair[0]), below.x(pair[1]));
                rect.bar.muted[tall(bin) == 0.0] x=(px(left + 0.5)) width=(px((right - left - 1.0).max(0.5))) y=(px(below.y(tall(bin)))) height=(px(below.bottom - below.y(tall(bin)))) {
                    title { (number(pair[0])) " to " (number(pair[1])) ": gradient " (gradient(bin)) ", " (rows(of, bin)) }
                }
            }
        }
    }
}

/// A row of the picture for each level, with a whisker for each curve.
fn by_level(of: &Response, all: &Responses, range: (f64, f64)) -> Markup {
    let frame = Frame { left: 112.0, ..Frame::new(range, (0.0, 1.0)) };
    let step = (frame.bottom - frame.top) / of.levels.len().max(1) as f64;
    let width = step / (of.curves.len() + 1) as f64;
    let short = |level: &str| match level.chars().count() > LABEL {
        true => format!("{}…", level.chars().take(LABEL - 1).collect::<String>()),
        false => level.to_owned(),
    };
    html! {
        (frame.axes(&numbered(ticks(range.0, range.1, 4)), &[], "effect", ""))
        line.diagonal x1=(px(frame.x(0.0))) x2=(px(frame.x(0.0))) y1=(px(frame.top)) y2=(px(frame.bottom)) {}
        @for (row, level) in of.levels.iter().enumerate() {
            @let top = frame.top + row as f64 * step;
            text x=(px(frame.left - 6.0)) y=(px(top + step / 2.0 + 4.0)) text-anchor="end" { (short(level)) }
            @for (at, curve) in of.curves.iter().enumerate() {
                @if let Some(effect) = curve.effect.get(row).filter(|effect| effect.value.is_finite()) {
                    @let y = top + width * (at + 1) as f64;
                    @if let Some(interval) = effect.interval {
                        line.whisker x1=(px(frame.x(interval.low))) x2=(px(frame.x(interval.high))) y1=(px(y)) y2=(px(y)) {}
                    }
                    circle.point cx=(px(frame.x(effect.value))) cy=(px(y)) r="3.2" {
                        title { (named(all, at)) (of.input) " = " (level) ": " (shown(effect)) ", " (rows(of, row)) }
                    }
                }
            }
        }
    }
}

fn rows(of: &Response, at: usize) -> String {
    let rows = of.counts.get(at).copied().unwrap_or(0);
    format!("{} {}", count(rows), if rows == 1 { "row" } else { "rows" })
}

/// What the picture shows, for who cannot see it.
fn description(of: &Response, all: &Responses) -> String {
    let how = match of.method {
        ResponseMethod::AccumulatedLocalEffects => "Accumulated local effects",
        ResponseMethod::PartialDependence => "Partial dependence by level",
    };
    format!("{how} with 95 % intervals, less the mean over the rows. {}", sentence(of, all))
}

/// The least and the largest effect, and where.
pub(crate) fn sentence(of: &Response, all: &Responses) -> String {
    let place = |at: usize| match of.method {
        ResponseMethod::AccumulatedLocalEffects => {
            of.edges.get(at).map_or_else(String::new, |edge| number(*edge))
        }
        ResponseMethod::PartialDependence => of.levels.get(at).cloned().unwrap_or_default(),
    };
    let of_curve = |(at, curve): (usize, &collegium_records::ResponseCurve)| {
        let effects = || curve.effect.iter().enumerate().filter(|(_, e)| e.value.is_finite());
        let least = effects().min_by(|a, b| a.1.value.total_cmp(&b.1.value))?;
        let most = effects().max_by(|a, b| a.1.value.total_cmp(&b.1.value))?;
        Some(format!(
            "{}from {} at {} to {} at {}",
            named(all, at),
            shown(least.1),
            place(least.0),
            shown(most.1),
            place(most.0)
        ))
    };
    let each: Vec<String> = of.curves.iter().enumerate().filter_map(of_curve).collect();
    let mut text = each.join("; ");
    if of.missing > 0 {
        text.push_str(&format!("; {} without a value left out", count(of.missing)));
    }
    if of.other_levels > 0 {
        text.push_str(&format!("; {} rows of other levels not shown", count(of.other_levels)));
    }
    text.push('.');
    text
}

fn numbers(of: &Response, all: &Responses) -> Markup {
    let levels = of.method == ResponseMethod::PartialDependence;
    let places = if levels { of.levels.len() } else { of.edges.len() };
    html! {
        table.plain {
            thead { tr {
                th scope="col" { @if levels { "Level" } @else { "Up to" } }
                th.figure scope="col" { "Rows" }
                @for at in 0..of.curves.len() { th.figure scope="col" { (named(all, at)) "Effect" } }
                @if !levels { @for at in 0..of.curves.len() { th.figure scope="col" { (named(all, at)) "Gradient" } } }
            } }
            tbody { @for place in 0..places {
                tr {
                    td { @if levels { (of.levels[place]) } @else { (number(of.edges[place])) } }
                    @let bin = if levels { Some(place) } else { place.checked_sub(1) };
                    td.figure { @if let Some(rows) = bin.and_then(|bin| of.counts.get(bin)) { (count(*rows)) } @else { "–" } }
                    @for curve in &of.curves {
                        td.figure { @if let Some(effect) = curve.effect.get(place) { (shown(effect)) } @else { "–" } }
                    }
                    @if !levels { @for curve in &of.curves {
                        td.figure { @if let Some(steep) = bin.and_then(|bin| curve.gradient.get(bin)) { (number(*steep)) } @else { "–" } }
                    } }
                }
            } }
        }
    }
}
