//! The pictures. Each is SVG inside the page, styled by the page's style sheet, with a title and a
//! description; what it shows is also there as text.

mod calibration;
mod confusion;
mod importance;
mod learning;
mod spectrum;

pub(crate) use calibration::calibration;
pub(crate) use confusion::confusion;
pub(crate) use importance::{importance, upstream};
pub(crate) use learning::learning;
pub(crate) use spectrum::spectrum;

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

    proptest! {
        #[test]
        fn any_range_has_few_ticks(low: f64, high: f64, count in 0usize..9) {
            let made = ticks(low, high, count);
            prop_assert!(made.len() <= 4 * count + 1);
            prop_assert!(made.iter().all(|t| t.is_finite()));
        }
    }
}
