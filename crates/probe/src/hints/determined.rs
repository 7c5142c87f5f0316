//! Data leakage: an input that determines the target.

use std::collections::HashMap;

use super::Truth;

/// Rows at least.
const ROWS: usize = 30;

/// Logarithm of the probability that it is so by chance.
const CHANCE: f64 = -20.0;

/// More levels than this for each row are one for nearly every row.
const NEARLY_EVERY: f64 = 0.5;

/// Rows of each class at least, where an order decides.
const ROWS_OF_CLASS: usize = 10;

/// Distinct numbers at least, of a target that rises or falls with an input.
const VALUES: usize = 20;

/// Share of variance from which a straight line is the target itself.
const LINE: f64 = 0.9999;

/// How an input determines the target (data leakage).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Determined {
    /// Each of its levels has one class or value.
    Levels(usize),
    /// It has a level for nearly every row: then it determines everything, and nothing new.
    LevelForNearlyEveryRow(usize),
    /// Thresholds of it part the classes.
    Thresholds(usize),
    /// A straight line in it explains this share of the target's variance.
    Line(f64),
    /// The target rises or falls with it, without an exception.
    Order,
}

/// Does each level of an input have one class or value? `levels` has one for each row.
///
/// Each further row of a level confirms it, with at most the probability of the most frequent truth if
/// there is nothing to it; all of them together must be next to impossible.
///
/// # Panics
/// When the lengths differ (a mistake of the caller, which no data can cause).
pub fn determined_by_levels(levels: &[u64], truth: Truth) -> Option<Determined> {
    assert_eq!(levels.len(), truth.rows(), "a truth for each row");
    let rows = levels.len();
    if rows < ROWS {
        return None;
    }
    let mut known: HashMap<u64, u64> = HashMap::new();
    let mut frequency: HashMap<u64, usize> = HashMap::new();
    let mut consistent = true;
    for (row, level) in levels.iter().enumerate() {
        let key = truth.key(row);
        consistent &= *known.entry(*level).or_insert(key) == key;
        *frequency.entry(key).or_insert(0) += 1;
    }
    if known.len() as f64 > NEARLY_EVERY * rows as f64 {
        return Some(Determined::LevelForNearlyEveryRow(known.len()));
    }
    let most = frequency.values().max().copied().unwrap_or(rows);
    let chance = (rows - known.len()) as f64 * (most as f64 / rows as f64).ln();
    (consistent && chance < CHANCE).then_some(Determined::Levels(known.len()))
}

/// Does the order of an input's values give the target away: by thresholds between classes, by a
/// straight line, by rising or falling with it? None of the values is missing.
///
/// # Panics
/// When the lengths differ (a mistake of the caller, which no data can cause).
pub fn determined_by_order(x: &[f64], truth: Truth) -> Option<Determined> {
    assert_eq!(x.len(), truth.rows(), "a truth for each row");
    if x.len() < ROWS {
        return None;
    }
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_unstable_by(|&a, &b| x[a].total_cmp(&x[b]).then(a.cmp(&b)));
    match truth {
        Truth::Classes { labels, classes } => thresholds(x, labels, classes, &order),
        Truth::Values(y) => line(x, y).or_else(|| in_order(x, y, &order)),
    }
}

fn thresholds(x: &[f64], labels: &[u32], classes: usize, order: &[usize]) -> Option<Determined> {
    let mut counts = vec![0usize; classes];
    labels.iter().for_each(|&label| counts[label as usize] += 1);
    let present = counts.iter().filter(|count| **count > 0);
    if present.clone().count() < 2 || present.min().is_some_and(|least| *least < ROWS_OF_CLASS) {
        return None;
    }
    let mut cuts = 0;
    for pair in order.windows(2) {
        if labels[pair[0]] != labels[pair[1]] {
            if x[pair[0]] == x[pair[1]] {
                return None;
            }
            cuts += 1;
        }
    }
    let present = counts.iter().filter(|count| **count > 0).count();
    // Two classes may also lie inside and outside of an interval.
    (cuts <= present.max(2)).then_some(Determined::Thresholds(cuts))
}

fn line(x: &[f64], y: &[f64]) -> Option<Determined> {
    let n = x.len() as f64;
    let (mean_x, mean_y) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in x.iter().zip(y) {
        xx += (x - mean_x).powi(2);
        yy += (y - mean_y).powi(2);
        xy += (x - mean_x) * (y - mean_y);
    }
    let share = xy * xy / (xx * yy);
    (share >= LINE && distinct(y) >= VALUES).then_some(Determined::Line(share.min(1.0)))
}

fn in_order(x: &[f64], y: &[f64], order: &[usize]) -> Option<Determined> {
    let keeps = |falls: bool| {
        order.windows(2).all(|pair| {
            let (a, b) = (y[pair[0]], y[pair[1]]);
            if x[pair[0]] == x[pair[1]] { a == b } else { a == b || (a > b) == falls }
        })
    };
    ((keeps(false) || keeps(true)) && distinct(y) >= VALUES).then_some(Determined::Order)
}

fn distinct(values: &[f64]) -> usize {
    let mut bits: Vec<u64> = values.iter().map(|value| (value + 0.0).to_bits()).collect();
    bits.sort_unstable();
    bits.dedup();
    bits.len()
}
