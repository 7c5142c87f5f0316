//! A shallow regression tree over binned columns.

use std::f64::consts::FRAC_2_PI;

use libm::log;

use super::{
    bins::Binned,
    histogram::{Bin, Histogram},
};

/// Conditions along a path at most.
const DEPTH: usize = 3;

/// A leaf: the bins that it allows of each column on its path, and its rows on both sides.
pub(super) struct Leaf {
    /// (column, by bin), columns in the order of the path.
    pub(super) allowed: Vec<(usize, Vec<bool>)>,
    /// Positions among the validation rows.
    pub(super) valid: Vec<u32>,
    /// Positions among the test rows.
    pub(super) test: Vec<u32>,
}

/// A column's bins in two parts: is a bin on the left?
struct Split {
    column: usize,
    left: Vec<bool>,
}

/// Grows the tree on validation losses and sends the test rows, of which it sees the bins alone, down
/// to its leaves. A tree without a split is one leaf without a condition.
pub(super) fn grow(
    columns: &[Binned],
    losses: &[f64],
    test_rows: usize,
    least: usize,
) -> Vec<Leaf> {
    let root = Leaf {
        allowed: Vec::new(),
        valid: (0..losses.len() as u32).collect(),
        test: (0..test_rows as u32).collect(),
    };
    let mut leaves = Vec::new();
    divide(columns, losses, least, root, DEPTH, &mut leaves);
    leaves
}

fn divide(
    columns: &[Binned],
    losses: &[f64],
    least: usize,
    leaf: Leaf,
    depth: usize,
    leaves: &mut Vec<Leaf>,
) {
    let split = if depth == 0 { None } else { best(columns, losses, &leaf.valid, least) };
    match split {
        Some(split) => {
            for part in parts(columns, &leaf, &split) {
                divide(columns, losses, least, part, depth - 1, leaves);
            }
        }
        None => leaves.push(leaf),
    }
}

/// The two leaves that a split makes of one.
fn parts(columns: &[Binned], leaf: &Leaf, split: &Split) -> [Leaf; 2] {
    let Binned { valid, test, .. } = &columns[split.column];
    [true, false].map(|side| {
        let here = |bin: u32| split.left[bin as usize] == side;
        let mut allowed = leaf.allowed.clone();
        match allowed.iter_mut().find(|(column, _)| *column == split.column) {
            // A second condition on a column narrows the first.
            Some((_, bins)) => {
                for (bin, allowed) in bins.iter_mut().enumerate() {
                    *allowed &= here(bin as u32);
                }
            }
            None => {
                let bins = split.left.iter().map(|&left| left == side).collect();
                allowed.push((split.column, bins));
            }
        }
        let part = |rows: &[u32], bins: &[u32]| {
            rows.iter().copied().filter(|&row| here(bins[row as usize])).collect()
        };
        Leaf { allowed, valid: part(&leaf.valid, valid), test: part(&leaf.test, test) }
    })
}

/// The split that explains most beyond noise, if any does.
///
/// A split is judged by t = |mean₁ − mean₂| / (s √(1/n₁ + 1/n₂)), s the standard deviation in the
/// node. Of m splits of noise the best has a t of about √(2 ln m) (the universal threshold of Donoho
/// and Johnstone 1994). A category gives noise a hold of its own: L level means that differ by chance
/// alone, sorted and parted, have a t that is about normal with mean √(2L/π) and variance 1 − 2/π.
/// What exceeds its threshold by most is chosen, so that a category of a hundred levels is not chosen
/// for being one; and where nothing does, the node stays whole: to divide it would cut a weak slice in
/// two, and the evidence with it.
fn best(columns: &[Binned], losses: &[f64], rows: &[u32], least: usize) -> Option<Split> {
    if rows.len() < 2 * least {
        return None;
    }
    let (mut sum, mut squares) = (0.0, 0.0);
    for &row in rows {
        sum += losses[row as usize];
        squares += losses[row as usize].powi(2);
    }
    let node = Node { rows: rows.len() as f64, sum, least: least as f64 };
    let spread = squares - sum * sum / node.rows;
    // Less than this is rounding.
    if spread <= 1e-12 * squares {
        return None;
    }
    let variance = spread / (node.rows - 1.0);
    let columns: Vec<Histogram> =
        columns.iter().map(|column| Histogram::new(column, losses, rows)).collect();
    let tried: usize = columns.iter().map(Histogram::splits).sum();
    let one = (2.0 * log(tried as f64)).sqrt();
    let mut found: Option<(f64, Split)> = None;
    for (column, histogram) in columns.iter().enumerate() {
        let noise = match histogram.levels() {
            Some(levels) => one.max((FRAC_2_PI * levels).sqrt() + (1.0 - FRAC_2_PI).sqrt() * one),
            None => one,
        };
        for order in &histogram.orders {
            let Some((gain, length)) = node.best_prefix(order, &histogram.bins) else { continue };
            let beyond = (gain / variance).sqrt() - noise;
            if beyond > found.as_ref().map_or(0.0, |(most, _)| *most) {
                found = Some((beyond, Split { column, left: histogram.left(order, length) }));
            }
        }
    }
    found.map(|(_, split)| split)
}

/// A node that is to be divided.
struct Node {
    rows: f64,
    sum: f64,
    least: f64,
}

impl Node {
    /// Squared error that the best division into a beginning of `order` and the rest takes away, and
    /// the length of that beginning; both parts hold `least` rows.
    fn best_prefix(&self, order: &[usize], bins: &[Bin]) -> Option<(f64, usize)> {
        let (mut rows, mut sum) = (0.0, 0.0);
        let mut best: Option<(f64, usize)> = None;
        for (place, &bin) in order.iter().enumerate() {
            rows += bins[bin].0;
            sum += bins[bin].1;
            let others = self.rows - rows;
            if rows < self.least || others < self.least {
                continue;
            }
            let difference = sum / rows - (self.sum - sum) / others;
            let gain = rows * others / self.rows * difference * difference;
            if best.is_none_or(|(most, _)| gain > most) {
                best = Some((gain, place + 1));
            }
        }
        best
    }
}
