//! Classes, curves and residuals of simulated predictions.

use collegium_records::*;

use super::draw::Draw;

/// Resamples behind an interval.
const RESAMPLES: usize = 60;

/// Each class by itself, of rows (true class, predicted class); `scale` turns rows into claimed rows.
pub fn class_measures(names: &[String], rows: &[(usize, usize)], scale: f64) -> Vec<ClassMeasures> {
    let mut draw = Draw::new("class measures");
    let again: Vec<Vec<(usize, usize)>> = (0..RESAMPLES)
        .map(|_| (0..rows.len()).map(|_| rows[draw.below(rows.len())]).collect())
        .collect();
    let claimed = |n: f64| (n * scale).round() as u64;
    names
        .iter()
        .enumerate()
        .map(|(class, name)| {
            let counts = |rows: &[(usize, usize)]| {
                let of = |keep: fn(bool, bool) -> bool| {
                    rows.iter().filter(|(t, p)| keep(*t == class, *p == class)).count() as f64
                };
                (of(|t, p| t && p), of(|t, _| t), of(|_, p| p))
            };
            let measure = |of: fn((f64, f64, f64)) -> f64| {
                let value = of(counts(rows));
                let mut values: Vec<f64> = again.iter().map(|rows| of(counts(rows))).collect();
                values.sort_by(f64::total_cmp);
                let interval = Interval { low: values[1], high: values[RESAMPLES - 2] };
                value.is_finite().then_some(Measure { value, interval: Some(interval) })
            };
            let (_, support, predicted) = counts(rows);
            ClassMeasures {
                class: name.clone(),
                rows: claimed(support),
                predicted: claimed(predicted),
                precision: measure(|(hits, _, predicted)| hits / predicted),
                recall: measure(|(hits, support, _)| hits / support),
                f1: measure(|(hits, support, predicted)| 2.0 * hits / (support + predicted)),
            }
        })
        .collect()
}

/// ROC and precision-recall of one class against the rest, of rows (score, is it so).
pub fn curves<'a>(classes: impl Iterator<Item = (&'a str, Vec<(f64, bool)>)>) -> Curves {
    let mut made = Curves { roc: vec![], precision_recall: vec![], gain: vec![] };
    for (class, mut rows) in classes {
        rows.sort_by(|a, b| b.0.total_cmp(&a.0));
        let positives = rows.iter().filter(|row| row.1).count() as f64;
        let negatives = rows.len() as f64 - positives;
        let (mut hits, mut falls) = (0.0, 0.0);
        let (mut roc, mut pr) = (vec![[0.0, 0.0]], vec![]);
        let (mut auc, mut ap) = (0.0, 0.0);
        for row in &rows {
            if row.1 {
                hits += 1.0;
                ap += hits / (hits + falls) / positives;
            } else {
                falls += 1.0;
                auc += hits / positives / negatives;
            }
            roc.push([falls / negatives, hits / positives]);
            pr.push([hits / positives, hits / (hits + falls)]);
        }
        let curve = |points: Vec<[f64; 2]>, area| Curve {
            class: class.to_owned(),
            prevalence: positives / rows.len() as f64,
            points: thin(points),
            area,
        };
        made.roc.push(curve(roc, auc));
        made.precision_recall.push(curve(pr, ap));
    }
    made
}

/// Points that move by at least a 150th, and both ends.
fn thin(points: Vec<[f64; 2]>) -> Vec<[f64; 2]> {
    let last = points.len() - 1;
    let mut kept: Vec<[f64; 2]> = vec![];
    for (i, point) in points.into_iter().enumerate() {
        let moved = kept.last().is_none_or(|k: &[f64; 2]| {
            (k[0] - point[0]).abs() + (k[1] - point[1]).abs() >= 2.0 / 150.0
        });
        if moved || i == last {
            kept.push(point.map(|v| (v * 1e4).round() / 1e4));
        }
    }
    kept
}

fn quantile(sorted: &[f64], q: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * q).round() as usize]
}

/// Errors of rows (predicted, true).
pub fn residuals(rows: &[(f64, f64)], scale: f64) -> Residuals {
    let mut rows = rows.to_vec();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut errors: Vec<f64> = rows.iter().map(|row| row.0 - row.1).collect();
    errors.sort_by(f64::total_cmp);
    let (low, high) = (quantile(&errors, 0.005), quantile(&errors, 0.995));
    let bins = 24usize;
    let width = (high - low) / bins as f64;
    let mut counts = vec![0; bins];
    for error in &errors {
        counts[(((error - low) / width).max(0.0) as usize).min(bins - 1)] += 1;
    }
    let claimed = |n: usize| (n as f64 * scale).round() as u64;
    let by_prediction = rows
        .chunks(rows.len().div_ceil(10))
        .map(|part| {
            let mut errors: Vec<f64> = part.iter().map(|row| row.0 - row.1).collect();
            errors.sort_by(f64::total_cmp);
            ResidualBin {
                rows: claimed(part.len()),
                predicted: part.iter().map(|row| row.0).sum::<f64>() / part.len() as f64,
                mean: errors.iter().sum::<f64>() / part.len() as f64,
                low: quantile(&errors, 0.1),
                high: quantile(&errors, 0.9),
            }
        })
        .collect();
    Residuals {
        bias: errors.iter().sum::<f64>() / errors.len() as f64,
        quantiles: [0.025, 0.25, 0.5, 0.75, 0.975].map(|q| quantile(&errors, q)),
        edges: (0..=bins).map(|i| low + width * i as f64).collect(),
        counts: counts.into_iter().map(claimed).collect(),
        by_prediction,
    }
}

/// Test metrics of this fit and of refits with other seeds.
pub fn refits(node: &NodeAudit, count: usize) -> Vec<Metrics> {
    let mut draw = Draw::new(&node.name);
    let own = &node.metrics["test"];
    let mut all = vec![own.metrics.clone()];
    for _ in 1..count {
        let shift = draw.normal();
        let metrics = own.metrics.iter().map(|(name, value)| {
            let width = own.intervals.get(name).map_or(0.0, |i| i.high - i.low);
            let sign = if larger_is_better(name) { -1.0 } else { 1.0 };
            (name.clone(), value + sign * width * (0.12 * shift + 0.04 * draw.normal()))
        });
        all.push(metrics.collect());
    }
    all
}

/// A weak slice of a simulated expert.
pub fn slice(
    conditions: &[&str],
    rows: u64,
    loss: f64,
    elsewhere: f64,
    adjusted: f64,
) -> WeakSlice {
    WeakSlice {
        conditions: conditions.iter().map(|c| (*c).to_owned()).collect(),
        rows,
        loss,
        elsewhere,
        p_value: adjusted / 6.0,
        adjusted,
    }
}
