//! Simulated predictions, really measured.

use std::collections::BTreeMap;

use collegium_records::*;

use super::draw::{Draw, sigmoid};

/// How strongly a simulated model's score follows the truth.
pub struct Model {
    pub signal: f64,
    pub bias: f64,
    /// Above 1: over-confident.
    pub stretch: f64,
}

/// (probability, is it so) of rows.
pub fn predictions(model: &Model, rows: usize, purpose: &str) -> Vec<(f64, bool)> {
    let mut draw = Draw::new(purpose);
    (0..rows)
        .map(|_| {
            let logit = model.bias + model.signal * draw.normal();
            let truth = draw.uniform() < sigmoid(logit);
            (sigmoid(logit * model.stretch), truth)
        })
        .collect()
}

pub fn classification(rows: &[(f64, bool)]) -> Metrics {
    let n = rows.len() as f64;
    let mut sorted: Vec<_> = rows.to_vec();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let positives = rows.iter().filter(|r| r.1).count() as f64;
    let (mut seen, mut area, mut precision) = (0.0, 0.0, 0.0);
    for (i, row) in sorted.iter().enumerate() {
        if row.1 {
            seen += 1.0;
            precision += seen / (i + 1) as f64;
        } else {
            area += seen;
        }
    }
    let hits = rows.iter().filter(|r| (r.0 >= 0.5) == r.1).count() as f64;
    let called = rows.iter().filter(|r| r.0 >= 0.5).count() as f64;
    let right = rows.iter().filter(|r| r.0 >= 0.5 && r.1).count() as f64;
    let log_loss =
        rows.iter().map(|r| -(if r.1 { r.0 } else { 1.0 - r.0 }).max(1e-12).ln()).sum::<f64>() / n;
    let brier = rows.iter().map(|r| (r.0 - f64::from(u8::from(r.1))).powi(2)).sum::<f64>() / n;
    BTreeMap::from([
        ("accuracy".into(), hits / n),
        ("auc".into(), area / (positives * (n - positives)).max(1.0)),
        ("average_precision".into(), precision / positives.max(1.0)),
        ("f1".into(), 2.0 * right / (called + positives).max(1.0)),
        ("log_loss".into(), log_loss),
        ("brier".into(), brier),
        ("ece".into(), reliability(rows).ece),
    ])
}

pub fn regression(rows: &[(f64, f64)]) -> Metrics {
    let n = rows.len() as f64;
    let mean = rows.iter().map(|r| r.1).sum::<f64>() / n;
    let total: f64 = rows.iter().map(|r| (r.1 - mean).powi(2)).sum();
    let left: f64 = rows.iter().map(|r| (r.1 - r.0).powi(2)).sum();
    BTreeMap::from([
        ("rmse".into(), (left / n).sqrt()),
        ("mae".into(), rows.iter().map(|r| (r.1 - r.0).abs()).sum::<f64>() / n),
        ("r2".into(), 1.0 - left / total),
    ])
}

pub fn measured<T: Copy>(rows: &[T], metrics: fn(&[T]) -> Metrics, claimed: u64) -> SplitMeasures {
    let mut draw = Draw::new("bootstrap");
    let mut values: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for _ in 0..60 {
        let again: Vec<T> = (0..rows.len()).map(|_| rows[draw.below(rows.len())]).collect();
        for (name, value) in metrics(&again) {
            values.entry(name).or_default().push(value);
        }
    }
    let intervals = values
        .into_iter()
        .map(|(name, mut values)| {
            values.sort_by(f64::total_cmp);
            (name, Interval { low: values[1], high: values[58] })
        })
        .collect();
    SplitMeasures {
        rows: claimed,
        seen: 0,
        groups: None,
        blocks: None,
        seeds: None,
        metrics: metrics(rows),
        intervals,
    }
}

pub fn reliability(rows: &[(f64, bool)]) -> Reliability {
    let mut bins = [(0.0, 0.0, 0u64); 15];
    for (p, y) in rows {
        let bin = &mut bins[((p * 15.0) as usize).min(14)];
        *bin = (bin.0 + p, bin.1 + f64::from(u8::from(*y)), bin.2 + 1);
    }
    let bins: Vec<ReliabilityBin> = bins
        .iter()
        .filter(|b| b.2 > 0)
        .map(|b| ReliabilityBin {
            predicted: b.0 / b.2 as f64,
            observed: b.1 / b.2 as f64,
            rows: b.2,
        })
        .collect();
    let all = rows.len() as f64;
    let ece = bins.iter().map(|b| b.rows as f64 / all * (b.predicted - b.observed).abs()).sum();
    Reliability { ece, bins }
}

pub fn epochs(from: f64, to: f64, count: u32, overfit: f64, purpose: &str) -> Vec<Epoch> {
    let mut draw = Draw::new(purpose);
    (1..=count)
        .map(|e| {
            let t = f64::from(e) / f64::from(count);
            let fall = to + (from - to) * (-4.5 * t).exp();
            let wobble = (from - to) * 0.015;
            Epoch {
                train: fall - overfit * t + wobble * 0.3 * draw.normal(),
                valid: fall
                    + (from - to) * 0.03
                    + overfit * 0.8 * (t - 0.6).max(0.0)
                    + wobble * draw.normal(),
            }
        })
        .collect()
}

pub fn best(epochs: &[Epoch]) -> u32 {
    let best = epochs.iter().enumerate().min_by(|a, b| a.1.valid.total_cmp(&b.1.valid));
    best.map_or(0, |(i, _)| i as u32 + 1)
}
