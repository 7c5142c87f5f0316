//! Codes or quantities: integer columns of few levels that may be names (an F test of lack of fit).
//!
//! A quantity moves the target one way, or up and down once; of names (of seasons, stations, kinds of
//! weather) nothing is to be expected of the order of the levels. So the mean of the target by level
//! is compared with the best curve that keeps to the order: one that rises or falls, where the target
//! is a number or one of two classes, and one with a single turn for each of many classes, since a
//! class may well lie between two others. The test is that of lack of fit (an F test of what levels
//! explain beyond the curve).

use std::collections::BTreeMap;

use super::Truth;
use crate::performance::f_upper_tail;

/// Levels at least and at most: of two there is no order, and of many no category.
const LEVELS: std::ops::RangeInclusive<usize> = 3..=32;

/// Rows for each level at least, on average.
const ROWS_PER_LEVEL: usize = 10;

/// Share of the target's variance that the levels must explain beyond the curve.
const BEYOND: f64 = 0.01;

/// So improbable must that be by chance.
const CHANCE: f64 = 1e-5;

/// Of so many classes, the most frequent ones are looked at.
const CLASSES: usize = 10;

/// What whole numbers explain of a target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Codes {
    /// Distinct values.
    pub levels: usize,
    /// Share of the target's variance that a straight line explains.
    pub line: f64,
    /// Share that the levels explain, each by itself.
    pub categories: f64,
    /// Do the levels explain more than every curve that keeps to their order?
    pub out_of_order: bool,
    /// Do they explain more than a straight line? Never so of many classes: each lies between others.
    pub beyond_line: bool,
}

/// Tests whether the values of a column, none of which is missing, are codes. `None` if they are not
/// whole numbers of few levels, or if there are too few rows. With several classes the one counts
/// for which the levels explain most beyond the curve.
///
/// # Panics
/// When the lengths differ (a mistake of the caller, which no data can cause).
pub fn codes(x: &[f64], truth: Truth) -> Option<Codes> {
    assert_eq!(x.len(), truth.rows(), "a truth for each value");
    let mut levels: BTreeMap<i64, usize> = BTreeMap::new();
    for value in x {
        if value.fract() != 0.0 || value.abs() > 1e15 {
            return None;
        }
        let _ = levels.entry(*value as i64).or_insert(0);
        if levels.len() > *LEVELS.end() {
            return None;
        }
    }
    if !LEVELS.contains(&levels.len()) || x.len() < ROWS_PER_LEVEL * levels.len() {
        return None;
    }
    levels.values_mut().enumerate().for_each(|(at, place)| *place = at);
    let places: Vec<usize> = x.iter().map(|value| levels[&(*value as i64)]).collect();
    let values: Vec<f64> = levels.keys().map(|level| *level as f64).collect();
    match truth {
        Truth::Values(y) => of(&values, &places, |row| y[row], true),
        Truth::Classes { labels, classes } => {
            let mut counts = vec![0usize; classes];
            labels.iter().for_each(|&label| counts[label as usize] += 1);
            let mut frequent: Vec<u32> = (0..classes as u32).collect();
            frequent.sort_by_key(|&class| (std::cmp::Reverse(counts[class as usize]), class));
            let (take, monotone) = if classes <= 2 { (1, true) } else { (CLASSES, false) };
            frequent
                .into_iter()
                .take(take)
                .filter_map(|class| {
                    let is = |row: usize| f64::from(u8::from(labels[row] == class));
                    of(&values, &places, is, monotone)
                })
                .max_by(|a, b| {
                    let rank = |one: &Codes| (one.out_of_order, one.beyond_line);
                    let gain = |one: &Codes| one.categories - one.line;
                    rank(a).cmp(&rank(b)).then(gain(a).total_cmp(&gain(b)))
                })
        }
    }
}

fn of(values: &[f64], places: &[usize], y: impl Fn(usize) -> f64, monotone: bool) -> Option<Codes> {
    let k = values.len();
    let n = places.len() as f64;
    let (mut weight, mut sum) = (vec![0.0; k], vec![0.0; k]);
    for (row, &place) in places.iter().enumerate() {
        weight[place] += 1.0;
        sum[place] += y(row);
    }
    let mean = sum.iter().sum::<f64>() / n;
    let means: Vec<f64> = sum.iter().zip(&weight).map(|(sum, weight)| sum / weight).collect();
    let mut total = 0.0;
    let mut within = 0.0;
    for (row, &place) in places.iter().enumerate() {
        total += (y(row) - mean).powi(2);
        within += (y(row) - means[place]).powi(2);
    }
    if total <= 0.0 || !total.is_finite() {
        return None;
    }
    let center = values.iter().zip(&weight).map(|(v, w)| v * w).sum::<f64>() / n;
    let (mut sxx, mut sxy) = (0.0, 0.0);
    for ((value, weight), level) in values.iter().zip(&weight).zip(&means) {
        sxx += weight * (value - center).powi(2);
        sxy += weight * (value - center) * (level - mean);
    }
    let line = sxy * sxy / sxx;
    let between = total - within;
    // What lies between the means of the levels and the best ordered curve.
    let curve = match monotone {
        true => rising(&means, &weight).min(falling(&means, &weight)),
        false => one_turn(&means, &weight),
    };
    let beyond = |left: f64, taken: f64| {
        let (first, second) = (k as f64 - taken, n - k as f64);
        let f = (left / first) / (within.max(total * 1e-12) / second);
        left / total >= BEYOND && first > 0.0 && f_upper_tail(f, first, second) < CHANCE
    };
    Some(Codes {
        levels: k,
        line: line / total,
        categories: between / total,
        out_of_order: beyond(curve, 2.0),
        beyond_line: monotone && beyond(between - line, 2.0),
    })
}

/// Weighted squares between means and their best rising curve (pool adjacent violators).
fn rising(means: &[f64], weights: &[f64]) -> f64 {
    prefixes(means, weights).last().copied().unwrap_or(0.0)
}

fn falling(means: &[f64], weights: &[f64]) -> f64 {
    let turned: Vec<f64> = means.iter().map(|mean| -mean).collect();
    rising(&turned, weights)
}

/// The same for the best curve with one turn, either way.
fn one_turn(means: &[f64], weights: &[f64]) -> f64 {
    let peak = |means: &[f64]| {
        let (back, back_weights): (Vec<f64>, Vec<f64>) =
            means.iter().zip(weights).rev().map(|(m, w)| (*m, *w)).unzip();
        let up = prefixes(means, weights);
        let down = prefixes(&back, &back_weights);
        // `at` levels rise, the others fall.
        (0..=means.len())
            .map(|at| {
                let before = if at == 0 { 0.0 } else { up[at - 1] };
                let after = if at == means.len() { 0.0 } else { down[means.len() - at - 1] };
                before + after
            })
            .fold(f64::INFINITY, f64::min)
    };
    let turned: Vec<f64> = means.iter().map(|mean| -mean).collect();
    peak(means).min(peak(&turned))
}

/// Of every beginning of the levels: weighted squares between means and their best rising curve.
fn prefixes(means: &[f64], weights: &[f64]) -> Vec<f64> {
    // Blocks of equal height: mean, weight, squares within.
    let mut blocks: Vec<(f64, f64, f64)> = Vec::new();
    means
        .iter()
        .zip(weights)
        .map(|(&mean, &weight)| {
            let mut block = (mean, weight, 0.0);
            while let Some(&(below, own, squares)) = blocks.last()
                && below >= block.0
            {
                blocks.pop();
                let all = own + block.1;
                let apart = own * block.1 / all * (below - block.0).powi(2);
                block = ((below * own + block.0 * block.1) / all, all, squares + block.2 + apart);
            }
            blocks.push(block);
            blocks.iter().map(|block| block.2).sum()
        })
        .collect()
}
