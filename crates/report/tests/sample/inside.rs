//! Layers, single rows, comparisons and cue tests of simulated experts.

use std::collections::BTreeMap;

use collegium_records::*;

use super::draw::Draw;

/// Hidden layers of these units. With classes, NC1 falls from layer to layer on training rows, and on
/// test rows too, but is `gap` times larger at the last one.
pub fn layers(units: &[u32], classes: usize, gap: f64) -> Vec<LayerAudit> {
    let mut draw = Draw::new("layers");
    let last = units.len() - 1;
    units
        .iter()
        .enumerate()
        .map(|(i, units)| {
            let depth = (i + 1) as f64 / (last + 1) as f64;
            let nc1 = 1.9 * (-3.4 * depth).exp();
            let collapse = |rows: u64, factor: f64, nearest: f64| Collapse {
                rows,
                nc1: nc1 * factor,
                nc2: 0.11 * (1.0 - 0.8 * depth) * factor.sqrt(),
                nc3: (i == last).then_some(0.06 * factor),
                nc4: nearest,
            };
            LayerAudit {
                name: format!("hidden {}", i + 1),
                units: *units,
                agop_effective_rank: 2.0 + 6.0 * (1.0 - depth) + draw.uniform(),
                activation_effective_rank: 7.0 + 18.0 * (1.0 - depth) + draw.uniform(),
                dead_units: [3, 11, 0, 1][i % 4],
                ansatz: Some(Ansatz {
                    initial: 0.86 - 0.27 * depth,
                    trained: 0.86 + 0.08 * depth,
                    change: Some(0.82 + 0.09 * depth),
                    pearson: 0.84 + 0.08 * depth,
                }),
                collapse_train: (classes > 1).then(|| collapse(2000, 1.0, 0.9 + 0.098 * depth)),
                collapse_test: (classes > 1)
                    .then(|| collapse(2000, 1.1 + (gap - 1.1) * depth.powi(3), 0.9 + 0.06 * depth)),
            }
        })
        .collect()
}

/// A row: why, truth, predicted, loss, and (input, value, weight).
pub fn row(
    row: u64,
    (why, truth, predicted): (ChosenFor, &str, &str),
    loss: f64,
    inputs: &[(&str, &str, f64)],
) -> RowAttribution {
    RowAttribution {
        row,
        why,
        truth: truth.into(),
        predicted: predicted.into(),
        loss,
        inputs: inputs
            .iter()
            .map(|(input, value, weight)| InputAttribution {
                input: (*input).into(),
                value: (*value).into(),
                weight: *weight,
            })
            .collect(),
    }
}

/// A comparison whose halves agree to .998 and whose seeds, if there are any, to .98.
pub fn comparison(
    what: &str,
    (cosine, spearman, overlap): (f64, f64, f64),
    angles: &[f64],
    seeds: bool,
    changed: Changed,
    reason: &str,
) -> Comparison {
    let between = match what.starts_with("training") {
        true => Between::Sides,
        false => Between::Experts,
    };
    Comparison {
        between,
        what: what.into(),
        cosine,
        spearman,
        k: angles.len() as u32,
        overlap,
        angles: angles.to_vec(),
        split_half: Agreement { of: 2, cosine: 0.9981, spearman: 0.991, overlap: 0.9946 },
        seeds: seeds.then_some(Agreement { of: 4, cosine: 0.981, spearman: 0.95, overlap: 0.93 }),
        changed,
        reason: reason.into(),
    }
}

/// What becomes of the test metrics without an input: shares of the skill above the constant baseline
/// that are lost when it is removed, permuted and swapped.
pub fn cue(node: &NodeAudit, input: &str, lost: [f64; 3]) -> Cue {
    let own = &node.metrics["test"];
    let constant = &node.baselines["majority"]["test"].metrics;
    let without = |lost: f64| -> BTreeMap<String, MetricDiff> {
        own.metrics
            .iter()
            .filter(|(name, _)| *name != "ece")
            .filter_map(|(name, before)| {
                let floor = constant.get(name)?;
                let after = before + (floor - before) * lost;
                let wide = own.intervals.get(name).map_or(0.0, |i| i.high - i.low) * 0.4;
                let difference = after - before;
                let interval = Interval { low: difference - wide, high: difference + wide };
                let diff =
                    MetricDiff { before: *before, after, difference, interval: Some(interval) };
                Some((name.clone(), diff))
            })
            .collect()
    };
    Cue {
        input: input.into(),
        rows: own.rows,
        removed: without(lost[0]),
        permuted: without(lost[1]),
        swapped: without(lost[2]),
        conditional: None,
    }
}
