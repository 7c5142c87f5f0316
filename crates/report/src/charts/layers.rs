//! Charts by layer: neural collapse, the neural feature ansatz, effective ranks, dead units.

use collegium_records::LayerAudit;
use maud::{Markup, html};

use super::{Frame, line, log_ticks, numbered, percentages, picture, ticks};
use crate::number::{percent, px};

/// A line in such a picture.
struct Series {
    name: &'static str,
    /// Its class in the style sheet, which also decides its dashes.
    class: &'static str,
    values: Vec<Option<f64>>,
}

impl Series {
    fn new(
        name: &'static str,
        class: &'static str,
        values: impl Iterator<Item = Option<f64>>,
    ) -> Self {
        Self { name, class, values: values.map(|v| v.filter(|v| v.is_finite())).collect() }
    }
}

/// All pictures that these layers have something for.
pub(crate) fn layers(layers: &[LayerAudit], id: &str) -> Vec<Markup> {
    let of = |f: fn(&LayerAudit) -> Option<f64>| layers.iter().map(f);
    let positive = |v: &f64| *v > 0.0;
    let collapse = by_layer(
        (&format!("{id}-nc1"), "NC1 by layer", "NC1, logarithmic"),
        layers,
        vec![
            Series::new(
                "training rows",
                "training",
                of(|l| l.collapse_train.map(|c| c.nc1)).map(|v| v.filter(positive)),
            ),
            Series::new(
                "test rows",
                "",
                of(|l| l.collapse_test.map(|c| c.nc1)).map(|v| v.filter(positive)),
            ),
        ],
        Axis::Logarithmic,
        "How far the classes are drawn together, within-class against between-class scatter: lower is more collapsed.",
    );
    let ansatz = by_layer(
        (&format!("{id}-nfa"), "Neural feature ansatz by layer", "cosine"),
        layers,
        vec![
            Series::new("initial", "training", of(|l| Some(l.ansatz?.initial))),
            Series::new("trained", "", of(|l| Some(l.ansatz?.trained))),
            Series::new("change W − W₀", "dotted", of(|l| l.ansatz?.change)),
        ],
        Axis::Unit,
        "How well the weights into a layer agree with the root of the AGOP at its input. What counts is what training adds to the initial agreement.",
    );
    let ranks = by_layer(
        (&format!("{id}-ranks"), "Effective ranks by layer", "effective rank"),
        layers,
        vec![
            Series::new("activations", "training", of(|l| Some(l.activation_effective_rank))),
            Series::new("AGOP", "", of(|l| Some(l.agop_effective_rank))),
        ],
        Axis::FromZero,
        "Dimensions that a layer's activations fill, and how many of them the output answers to.",
    );
    [collapse, ansatz, ranks, dead(layers, &format!("{id}-dead"))].into_iter().flatten().collect()
}

#[derive(Clone, Copy, PartialEq)]
enum Axis {
    Logarithmic,
    /// To 1.
    Unit,
    FromZero,
}

fn by_layer(
    (id, title, y_name): (&str, &str, &str),
    layers: &[LayerAudit],
    series: Vec<Series>,
    axis: Axis,
    caption: &str,
) -> Option<Markup> {
    let shown: Vec<Series> =
        series.into_iter().filter(|s| s.values.iter().any(Option::is_some)).collect();
    let value = |v: f64| if axis == Axis::Logarithmic { v.log10() } else { v };
    let all = || shown.iter().flat_map(|s| s.values.iter().flatten()).map(|v| value(*v));
    all().next()?;
    let (least, most) = (all().fold(f64::MAX, f64::min), all().fold(f64::MIN, f64::max));
    let (low, high) = match axis {
        Axis::Logarithmic => (least - 0.12, most + 0.12),
        Axis::Unit => (least.min(0.5), most.max(1.0)),
        Axis::FromZero => (0.0, most * 1.06),
    };
    let y = if axis == Axis::Logarithmic {
        log_ticks(low, high)
    } else {
        numbered(ticks(low, high, 5))
    };
    let frame = frame(layers.len(), (low, high));
    let x = |i: usize| (i + 1) as f64;
    let inside = html! {
        (frame.axes(&numbers(layers.len()), &y, "layer", y_name))
        @for s in &shown {
            path class={ "curve " (s.class) } d=(line(&frame, s.values.iter().enumerate().map(|(i, v)| v.map(|v| (x(i), value(v)))))) {}
            @for (i, v) in s.values.iter().enumerate() { @if let Some(v) = v {
                circle class={ "point " (s.class) } cx=(px(frame.x(x(i)))) cy=(px(frame.y(value(*v)))) r="3.5" {}
            } }
        }
    };
    Some(html! {
        figure {
            (picture(id, title, "The table beside it has the figures.", &inside))
            p.legend.tight { @for s in &shown { span {
                svg width="30" height="12" aria-hidden="true" { path class={ "curve " (s.class) } d="M1 6H29" {} circle class={ "point " (s.class) } cx="15" cy="6" r="3.5" {} }
                (s.name)
            } } }
            figcaption { strong { (title) ". " } (caption) }
        }
    })
}

/// Shares of units that are 0 on every probed row; nothing if there are none.
fn dead(layers: &[LayerAudit], id: &str) -> Option<Markup> {
    let share = |l: &LayerAudit| f64::from(l.dead_units) / f64::from(l.units.max(1));
    let most = layers.iter().map(share).fold(0.0f64, f64::max);
    if most <= 0.0 {
        return None;
    }
    let high = most * 1.1;
    let frame = frame(layers.len(), (0.0, high));
    let wide = ((frame.x(2.0) - frame.x(1.0)) * 0.5).min(36.0);
    let inside = html! {
        (frame.axes(&numbers(layers.len()), &percentages(ticks(0.0, high, 4)), "layer", "dead units"))
        @for (i, layer) in layers.iter().enumerate() {
            @let top = frame.y(share(layer));
            rect.bar x=(px(frame.x((i + 1) as f64) - wide / 2.0)) width=(px(wide)) y=(px(top)) height=(px(frame.bottom - top)) {
                title { (layer.name) ": " (percent(share(layer))) }
            }
        }
    };
    Some(html! {
        figure {
            (picture(id, "Dead units by layer", "The table beside it has the figures.", &inside))
            figcaption { strong { "Dead units by layer. " } "Units that are 0 on every probed row: they cost time and do nothing." }
        }
    })
}

fn frame(layers: usize, y: (f64, f64)) -> Frame {
    Frame::new((0.6, layers as f64 + 0.4), y)
}

fn numbers(layers: usize) -> Vec<(f64, String)> {
    let every = layers.div_ceil(10).max(1);
    (1..=layers).filter(|i| (i - 1) % every == 0).map(|i| (i as f64, i.to_string())).collect()
}
