//! A front fitted on training rows: normal scores by rank, bins by quantiles or by a tree on the target.

use collegium_manifest::spec::{Edges, Encode, NumberEncoding};
use collegium_table::{Matrix, NumberColumn};

use super::{ColumnMap, Front, Map};
use crate::Target;

/// Points of normal scores.
const POINTS: usize = 129;

/// Ranks nearer to 0 or 1 than this have the score of this one.
const LEAST_RANK: f64 = 0.002;

/// Rows that a tree is grown on, at most: evenly spaced.
const TREE_ROWS: usize = 20_000;

/// Rows of a leaf, at least.
const LEAF_ROWS: usize = 20;

impl Front {
    /// The functions that `encode` asks for, of columns that hold numbers; `None` where it asks for none or no column
    /// has enough values. `x` and `y` are the training rows.
    pub fn fit(encode: &Encode, numbers: &[NumberColumn], x: &Matrix, y: &Target) -> Option<Self> {
        let asks = |what: NumberEncoding| encode.numbers.contains(&what);
        let plain = asks(NumberEncoding::Standard) || asks(NumberEncoding::Robust);
        let mut maps = Vec::new();
        let mut replaced = Vec::new();
        for &NumberColumn { column, missing } in numbers {
            let present = |row: &usize| missing.is_none_or(|missing| x.row(*row)[missing] == 0.0);
            let rows: Vec<usize> = (0..x.rows).filter(present).collect();
            let mut sorted: Vec<f32> = rows.iter().map(|row| x.row(*row)[column]).collect();
            sorted.sort_unstable_by(f32::total_cmp);
            // Of two values the column itself says everything.
            if distinct(&sorted, 3) < 3 {
                continue;
            }
            let before = maps.len();
            let add = |map| ColumnMap { column, missing, map };
            if asks(NumberEncoding::Quantile) {
                maps.extend(scores(&sorted).map(add));
            }
            if asks(NumberEncoding::Ple) {
                let bins = encode.bins as usize;
                let edges = match encode.edges {
                    Edges::Quantiles => by_quantiles(&sorted, bins),
                    Edges::Tree => {
                        by_tree(x, column, &rows, y, bins, [sorted[0], sorted[sorted.len() - 1]])
                    }
                };
                maps.extend((edges.len() >= 2).then(|| add(Map::Bins { edges })));
            }
            if !plain && maps.len() > before {
                replaced.push(column);
            }
        }
        let front = Self { inputs: x.width, replaced, maps };
        (!front.maps.is_empty() && front.maps.iter().all(|map| map.map.is_whole())).then_some(front)
    }
}

/// How many values there are of sorted ones; no more than `most` are counted.
fn distinct(sorted: &[f32], most: usize) -> usize {
    let mut count = usize::from(!sorted.is_empty());
    for pair in sorted.windows(2) {
        count += usize::from(pair[0] < pair[1]);
        if count >= most {
            break;
        }
    }
    count
}

/// Normal scores at evenly spaced ranks; equal values share the mean of their first and last rank.
fn scores(sorted: &[f32]) -> Option<Map> {
    let last = sorted.len() - 1;
    let (mut values, mut scores) = (Vec::new(), Vec::new());
    for point in 0..POINTS {
        let value = sorted[(point * last + (POINTS - 1) / 2) / (POINTS - 1)];
        if values.last() == Some(&value) {
            continue;
        }
        let first = sorted.partition_point(|other| *other < value);
        let after = sorted.partition_point(|other| *other <= value);
        let rank = (first + after - 1) as f64 / (2 * last) as f64;
        values.push(value);
        scores.push(normal_quantile(rank.clamp(LEAST_RANK, 1.0 - LEAST_RANK)) as f32);
    }
    (values.len() >= 2).then_some(Map::Scores { values, scores })
}

/// Edges at evenly spaced ranks. A value that more rows hold than a bin should is an edge by itself, and the other edges
/// are shared out among the other rows: else of a column that is mostly 0 all edges but one would be 0.
fn by_quantiles(sorted: &[f32], bins: usize) -> Vec<f32> {
    let mut edges = vec![sorted[0], sorted[sorted.len() - 1]];
    let (mut rest, mut left) = (sorted.to_vec(), bins);
    while left > 0 && !rest.is_empty() {
        let most = rest.len().div_ceil(left);
        let runs = rest.chunk_by(|a, b| a == b);
        let heavy: Vec<f32> = runs.filter(|run| run.len() > most).map(|run| run[0]).collect();
        if heavy.is_empty() {
            let last = rest.len() - 1;
            edges.extend((0..=left).map(|bin| rest[(bin * last + left / 2) / left]));
            break;
        }
        rest.retain(|value| !heavy.contains(value));
        left = left.saturating_sub(heavy.len());
        edges.extend(heavy);
    }
    edges.sort_unstable_by(f32::total_cmp);
    edges.dedup();
    edges
}

/// Edges of the leaves of a regression tree on one column (Gorishniy et al. 2022), grown leaf by leaf where it takes
/// most squared error away; of classes, the error of their indicators, which is Gini's impurity.
fn by_tree(
    x: &Matrix,
    column: usize,
    rows: &[usize],
    y: &Target,
    bins: usize,
    [least, most]: [f32; 2],
) -> Vec<f32> {
    let step = rows.len().div_ceil(TREE_ROWS).max(1);
    let mut rows: Vec<usize> = rows.iter().copied().step_by(step).collect();
    rows.sort_by(|a, b| x.row(*a)[column].total_cmp(&x.row(*b)[column]));
    let values: Vec<f32> = rows.iter().map(|row| x.row(*row)[column]).collect();
    let sums = Sums::new(y, &rows);
    let mut leaves = vec![(0, rows.len(), best_split(&values, &sums, 0, rows.len()))];
    while leaves.len() < bins {
        let gain =
            |leaf: &(usize, usize, Option<(usize, f64)>)| leaf.2.map_or(0.0, |(_, gain)| gain);
        let Some(at) =
            (0..leaves.len()).max_by(|a, b| gain(&leaves[*a]).total_cmp(&gain(&leaves[*b])))
        else {
            break;
        };
        let (from, to, Some((split, _))) = leaves[at] else { break };
        leaves[at] = (from, split, best_split(&values, &sums, from, split));
        leaves.push((split, to, best_split(&values, &sums, split, to)));
    }
    // Between the values on both sides.
    let mut edges: Vec<f32> = leaves
        .iter()
        .filter(|(from, ..)| *from > 0)
        .map(|(from, ..)| values[from - 1] + (values[*from] - values[from - 1]) / 2.0)
        .chain([least, most])
        .collect();
    edges.sort_unstable_by(f32::total_cmp);
    edges.dedup();
    edges
}

/// Running sums of the targets of sorted rows: of numbers one, of classes one a class.
struct Sums {
    width: usize,
    /// (rows + 1) × width.
    running: Vec<f64>,
}

impl Sums {
    fn new(y: &Target, rows: &[usize]) -> Self {
        let width = match y {
            Target::Classes { count, .. } => *count,
            Target::Values(_) => 1,
        };
        let mut running = vec![0.0; width];
        for row in rows {
            let from = running.len() - width;
            running.extend_from_within(from..);
            let last = &mut running[from + width..];
            match y {
                Target::Classes { labels, .. } => last[labels[*row] as usize] += 1.0,
                Target::Values(values) => last[0] += f64::from(values[*row]),
            }
        }
        Self { width, running }
    }

    /// Σ (sum of the targets)² / rows.
    fn explained(&self, from: usize, to: usize) -> f64 {
        let at = |row: usize| &self.running[row * self.width..][..self.width];
        let squares = at(to).iter().zip(at(from)).map(|(to, from)| (to - from) * (to - from));
        squares.sum::<f64>() / (to - from).max(1) as f64
    }
}

/// Where a leaf is best cut in two, and how much squared error that takes away.
fn best_split(values: &[f32], sums: &Sums, from: usize, to: usize) -> Option<(usize, f64)> {
    let whole = sums.explained(from, to);
    let mut best: Option<(usize, f64)> = None;
    for at in from + LEAF_ROWS..(to + 1).saturating_sub(LEAF_ROWS) {
        if values[at - 1] == values[at] {
            continue;
        }
        let gain = sums.explained(from, at) + sums.explained(at, to) - whole;
        if gain > best.map_or(1e-9, |(_, most)| most) {
            best = Some((at, gain));
        }
    }
    best
}

/// Φ⁻¹, by bisection: it is asked for once a point.
fn normal_quantile(p: f64) -> f64 {
    let below = |x: f64| 0.5 * libm::erfc(-x / std::f64::consts::SQRT_2) < p;
    let (mut low, mut high) = (-8.0, 8.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if below(middle) { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}
