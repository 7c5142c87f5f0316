//! Quantile bins of a numeric input, along which its effects are accumulated.

use std::collections::BTreeSet;

use crate::{Groups, quantile_cuts};

/// Bins at most.
const MOST: usize = 20;

/// Units of resampling (groups, or rows that stand for themselves) in each bin, at least: of fewer the spread of a
/// local effect cannot be told, and many a resample would have none of them.
const LEAST: usize = 10;

/// Bins of the known values of an input: `(edges[k], edges[k + 1]]`, the first with its lower edge.
#[derive(Debug, Clone)]
pub struct Bins {
    edges: Vec<f64>,
    /// By row.
    of: Vec<Option<usize>>,
    /// By row; where it is missing, NaN.
    values: Vec<f64>,
}

impl Bins {
    /// At most 20 bins of about equally many rows, with values that occur as edges; NaN is a missing value and in no
    /// bin. Bins of fewer than 10 groups (rows, where each stands for itself) are joined with a neighbour. `None`
    /// where fewer than two values are left to go between.
    ///
    /// # Panics
    /// When groups are of other rows (a mistake of the caller, which no data can cause).
    pub fn new(values: &[f64], groups: Option<&Groups>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let (first, last) = (*sorted.first()?, *sorted.last()?);
        let mut distinct = sorted.clone();
        distinct.dedup();
        let mut edges = match distinct.len() <= MOST + 1 {
            true => distinct,
            false => {
                let cuts = quantile_cuts(&sorted, MOST);
                let mut edges: Vec<f64> =
                    std::iter::once(first).chain(cuts).chain(std::iter::once(last)).collect();
                edges.dedup();
                edges
            }
        };
        let units = |from: f64, to: f64, lowest: bool| {
            let inside = values.iter().enumerate().filter(|(_, value)| {
                (**value > from || lowest && **value == from) && **value <= to
            });
            match groups {
                None => inside.count(),
                Some(groups) => {
                    let codes = groups.codes();
                    assert_eq!(codes.len(), values.len(), "a group for each row");
                    inside.map(|(row, _)| codes[row]).collect::<BTreeSet<u32>>().len()
                }
            }
        };
        let mut at = 0;
        while at + 2 < edges.len() {
            match units(edges[at], edges[at + 1], at == 0) < LEAST {
                true => drop(edges.remove(at + 1)),
                false => at += 1,
            }
        }
        // What is left at the end goes with the bin before it.
        if let [.., from, last] = edges[..]
            && edges.len() > 2
            && units(from, last, false) < LEAST
        {
            edges.remove(edges.len() - 2);
        }
        (edges.len() > 1).then(|| {
            let last = edges.len() - 2;
            let bin = |value: &f64| {
                let below = edges.partition_point(|edge| edge < value);
                value.is_finite().then(|| below.saturating_sub(1).min(last))
            };
            Self { of: values.iter().map(bin).collect(), edges, values: values.to_vec() }
        })
    }

    /// One more than the bins, ascending.
    pub fn edges(&self) -> &[f64] {
        &self.edges
    }

    /// The bin of each row; `None` where the value is missing.
    pub fn of(&self) -> &[Option<usize>] {
        &self.of
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.edges.len() - 1
    }

    /// The edges around each row's value; the lowest and the next where it is missing.
    pub fn around(&self) -> [Vec<f64>; 2] {
        [0, 1].map(|side| self.of.iter().map(|bin| self.edges[bin.unwrap_or(0) + side]).collect())
    }

    /// How far each row's value is on the way from the lower edge to the upper one, 0 to 1; 0 where it is missing.
    pub(super) fn along(&self) -> Vec<f64> {
        let way = |(value, bin): (&f64, &Option<usize>)| {
            bin.map_or(0.0, |bin| {
                let (from, to) = (self.edges[bin], self.edges[bin + 1]);
                ((value - from) / (to - from)).clamp(0.0, 1.0)
            })
        };
        self.values.iter().zip(&self.of).map(way).collect()
    }

    /// Rows in each bin.
    pub fn rows(&self) -> Vec<u64> {
        let mut rows = vec![0; self.count()];
        self.of.iter().flatten().for_each(|&bin| rows[bin] += 1);
        rows
    }

    /// The root mean square of a figure of each row (a gradient), by bin.
    ///
    /// # Panics
    /// When there is not one for each row (a mistake of the caller, which no data can cause).
    pub fn root_mean_square(&self, figures: &[f64]) -> Vec<f64> {
        assert_eq!(figures.len(), self.of.len(), "a figure for each row");
        let mut squares = vec![0.0; self.count()];
        for (bin, figure) in self.of.iter().zip(figures) {
            bin.iter().for_each(|&bin| squares[bin] += figure * figure);
        }
        let rows = self.rows();
        squares.iter().zip(rows).map(|(sum, rows)| (sum / rows.max(1) as f64).sqrt()).collect()
    }
}
