//! Charts. Each is SVG inside the page, styled by the page's style sheet, with a title and a
//! description; what it shows is also there as text.

mod agreement;
mod bars;
mod calibration;
mod confusion;
mod cues;
mod curves;
mod directions;
mod heat;
mod importance;
mod layers;
mod learning;
mod residuals;
mod responses;
mod samples;
mod spectrum;
mod tiles;

pub(crate) use agreement::agreement;
pub(crate) use bars::{Across, Row, diverging, table as bar_table};
pub(crate) use calibration::{calibration, calibration_beside};
pub(crate) use confusion::{MOST_CLASSES, confusion};
pub(crate) use cues::cue;
pub(crate) use curves::{gain, precision_recall, roc};
pub(crate) use directions::direction;
pub(crate) use heat::classes;
pub(crate) use importance::{groups, importance, raw, upstream};
pub(crate) use layers::layers;
pub(crate) use learning::learning;
pub(crate) use residuals::{by_prediction, histogram};
pub(crate) use responses::{output as responding, response};
pub(crate) use samples::two_samples;
pub(crate) use spectrum::spectrum;
pub(crate) use tiles::{map, tiles};

use maud::{Markup, html};

use crate::number::{number, percent, px};

/// The drawing area inside a chart with axes.
pub(crate) struct Frame {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
    x: (f64, f64),
    y: (f64, f64),
}

impl Frame {
    /// A frame in a picture of 360 × 250 for the given ranges.
    fn new(x: (f64, f64), y: (f64, f64)) -> Self {
        let widen = |(low, high): (f64, f64)| {
            if high > low { (low, high) } else { (low - 0.5, low + 0.5) }
        };
        Self { left: 62.0, top: 14.0, right: 338.0, bottom: 206.0, x: widen(x), y: widen(y) }
    }

    fn x(&self, value: f64) -> f64 {
        self.left + (value - self.x.0) / (self.x.1 - self.x.0) * (self.right - self.left)
    }

    fn y(&self, value: f64) -> f64 {
        self.bottom - (value - self.y.0) / (self.y.1 - self.y.0) * (self.bottom - self.top)
    }

    /// Grid lines, tick labels and axis names.
    fn axes(&self, x: &[(f64, String)], y: &[(f64, String)], x_name: &str, y_name: &str) -> Markup {
        let middle = (self.top + self.bottom) / 2.0;
        html! {
            g class="axis" {
                @for (at, label) in y {
                    line class="grid" x1=(px(self.left)) x2=(px(self.right)) y1=(px(self.y(*at))) y2=(px(self.y(*at))) {}
                    text x=(px(self.left - 6.0)) y=(px(self.y(*at) + 4.0)) text-anchor="end" { (label) }
                }
                line x1=(px(self.left)) x2=(px(self.right)) y1=(px(self.bottom)) y2=(px(self.bottom)) {}
                @for (at, label) in x {
                    line x1=(px(self.x(*at))) x2=(px(self.x(*at))) y1=(px(self.bottom)) y2=(px(self.bottom + 4.0)) {}
                    text x=(px(self.x(*at))) y=(px(self.bottom + 17.0)) text-anchor="middle" { (label) }
                }
                text x=(px((self.left + self.right) / 2.0)) y="243" text-anchor="middle" { (x_name) }
                text x="11" y=(px(middle)) text-anchor="middle" transform={ "rotate(-90 11 " (px(middle)) ")" } { (y_name) }
            }
        }
    }
}

/// A picture of 360 × 250 with its title and description.
fn picture(id: &str, title: &str, description: &str, inside: &Markup) -> Markup {
    html! {
        svg.chart viewBox="0 0 360 250" role="img" aria-labelledby={ (id) "-title " (id) "-desc" } {
            title id={ (id) "-title" } { (title) }
            desc id={ (id) "-desc" } { (description) }
            (inside)
        }
    }
}

/// A line through points in order; it breaks where one is absent or not a number.
fn line(frame: &Frame, points: impl IntoIterator<Item = Option<(f64, f64)>>) -> String {
    let mut path = String::new();
    let mut drawing = false;
    for point in points {
        let point = point.filter(|(x, y)| x.is_finite() && y.is_finite());
        if let Some((x, y)) = point {
            path.push(if drawing { 'L' } else { 'M' });
            path.push_str(&px(frame.x(x)));
            path.push(' ');
            path.push_str(&px(frame.y(y)));
        }
        drawing = point.is_some();
    }
    path
}

/// Numbers that a picture shows, folded away.
fn as_text(inside: &Markup) -> Markup {
    html! { details.numbers { summary { "The same as numbers" } div.scroll { (inside) } } }
}

/// Powers of ten within a range of logarithms, or 1, 2, 5 where there are few of them.
fn log_ticks(low: f64, high: f64) -> Vec<(f64, String)> {
    let steps: &[f64] = if high - low < 2.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let decades = (low.floor() as i32).max(-12)..=(high.ceil() as i32).min(12);
    let every = if high - low > 6.0 { 2 } else { 1 };
    decades
        .filter(|decade| decade % every == 0)
        .flat_map(|decade| steps.iter().map(move |step| step * 10f64.powi(decade)))
        .map(|value| (value.log10(), plain(value)))
        .filter(|(at, _)| (low - 1e-9..=high + 1e-9).contains(at))
        .collect()
}

/// A tick's value without needless digits: `0.05`, `20`.
fn plain(value: f64) -> String {
    if (1e-4..1e5).contains(&value) {
        crate::number::fixed(value, (-value.log10().floor()).clamp(0.0, 6.0) as usize)
    } else {
        number(value)
    }
}

/// Round values that divide a range into about `count` parts.
fn ticks(low: f64, high: f64, count: usize) -> Vec<f64> {
    let range = high - low;
    if !range.is_finite() || range <= 0.0 || count == 0 {
        return vec![];
    }
    let rough = range / count as f64;
    let magnitude = 10f64.powf(rough.log10().floor());
    let step =
        [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * magnitude).find(|s| *s >= rough * 0.999);
    let Some(step) = step.filter(|step| step.is_normal()) else {
        return vec![];
    };
    let first = (low / step - 1e-9).ceil();
    (0..=4 * count)
        .map(|i| (first + i as f64) * step)
        .take_while(|t| *t <= high + step * 1e-9)
        .collect()
}

/// Ticks with plain numbers that show just the digits that differ.
fn numbered(values: Vec<f64>) -> Vec<(f64, String)> {
    let step = values.windows(2).map(|w| w[1] - w[0]).fold(f64::INFINITY, f64::min);
    let largest = values.iter().fold(0.0f64, |most, v| most.max(v.abs()));
    let digits =
        if step.is_finite() { (-step.log10() - 1e-9).ceil().clamp(0.0, 12.0) as usize } else { 2 };
    let plain = largest < 1e6 && digits <= 5;
    let label = |v: f64| {
        if plain { crate::number::fixed(v, digits) } else { number(v) }
    };
    values.into_iter().map(|v| (v, label(v))).collect()
}

/// Ticks with percentages.
fn percentages(values: Vec<f64>) -> Vec<(f64, String)> {
    values.into_iter().map(|v| (v, percent(v))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ticks_are_round_and_inside_the_range() {
        let labels: Vec<String> =
            numbered(ticks(0.31, 0.62, 4)).into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, ["0.4", "0.5", "0.6"]);
        assert_eq!(ticks(0.0, 1.0, 5), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
    }

    #[test]
    fn ticks_of_logarithms_are_powers_of_ten() {
        let labels = |low, high| log_ticks(low, high).into_iter().map(|t| t.1).collect::<Vec<_>>();
        assert_eq!(labels(-2.2, 0.5), ["0.01", "0.1", "1"]);
        assert_eq!(labels(-0.8, 0.4), ["0.2", "0.5", "1", "2"]);
    }

    #[test]
    fn a_line_breaks_where_a_point_is_absent() {
        let frame = Frame::new((0.0, 1.0), (0.0, 1.0));
        let points =
            [Some((0.0, 0.0)), None, Some((0.5, 0.5)), Some((1.0, 1.0)), Some((f64::NAN, 0.0))];
        assert_eq!(line(&frame, points), "M62 206M200 110L338 14");
    }

    proptest! {
        #[test]
        fn any_range_has_few_ticks(low: f64, high: f64, count in 0usize..9) {
            let made = ticks(low, high, count);
            prop_assert!(made.len() <= 4 * count + 1);
            prop_assert!(made.iter().all(|t| t.is_finite()));
        }
    }
}
