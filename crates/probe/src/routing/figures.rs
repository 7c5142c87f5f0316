//! Load balancing figures of a routing: load, importance, entropies, dead experts.

use collegium_records::{RouteFigures, RouteLevel};
use libm::log;

use super::RouteCodes;

/// Fewer rows than this have no figures of their own.
pub const LEAST_GROUP: usize = 30;

/// Part of an even share from which on an expert counts as used.
const USED: f64 = 0.1;

/// Part of an even share below which an expert is dead.
pub(super) const DEAD: f64 = 0.01;

/// The top expert of every row (largest weight, the first of equals); `weights` is rows × `experts`.
///
/// # Panics
/// When the weights are no whole number of rows (a mistake of the caller, which no data can cause).
pub fn routes(weights: &[f32], experts: usize) -> Vec<u32> {
    rows_of(weights, experts)
        .map(|row| {
            let first = (0..experts).fold(0, |best, e| if row[e] > row[best] { e } else { best });
            first as u32
        })
        .collect()
}

/// Load balancing figures of the chosen `rows`; `weights` is all rows × K, K the number of `experts`.
///
/// load_e = 1/n Σ \[w_e > 0\]/#{w > 0} and importance_e = 1/n Σ w_e; all else follows from load, but
/// the decision entropy 1/n Σ H(w)/ln K, with 0 ln 0 = 0. At k of K experts chosen it cannot exceed
/// ln k/ln K. For K = 1 both entropies are 0.
///
/// `None` without rows or experts, and where a row has a weight that is not finite or below 0, or
/// none above 0.
///
/// # Panics
/// When the weights are no whole number of rows or a row is not there (a mistake of the caller,
/// which no data can cause).
pub fn route_figures(weights: &[f32], experts: &[String], rows: &[usize]) -> Option<RouteFigures> {
    let width = experts.len();
    assert!(weights.len().is_multiple_of(width), "whole rows of weights");
    if width == 0 {
        return None;
    }
    let mut tally = Tally::new(width);
    for &row in rows {
        tally.add(&weights[row * width..][..width]);
    }
    tally.figures(experts)
}

/// The figures of every level of a column that has at least [`LEAST_GROUP`] rows. Rows without a level
/// are in none.
///
/// # Panics
/// As [`route_figures`], and when the column has other rows.
pub fn route_figures_by(
    weights: &[f32],
    experts: &[String],
    column: &RouteCodes,
) -> Vec<RouteLevel> {
    let width = experts.len();
    assert_eq!(weights.len(), column.codes.len() * width, "a code for each row");
    let mut tallies: Vec<Tally> = column.levels.iter().map(|_| Tally::new(width)).collect();
    for (row, &code) in rows_of(weights, width).zip(column.codes) {
        if let Some(tally) = tallies.get_mut(code as usize) {
            tally.add(row);
        }
    }
    let large = tallies.iter().zip(column.levels).filter(|(tally, _)| tally.rows >= LEAST_GROUP);
    large
        .filter_map(|(tally, level)| {
            Some(RouteLevel { level: level.clone(), figures: tally.figures(experts)? })
        })
        .collect()
}

fn rows_of(weights: &[f32], width: usize) -> std::slice::ChunksExact<'_, f32> {
    assert!(weights.len().is_multiple_of(width), "whole rows of weights");
    weights.chunks_exact(width.max(1))
}

/// Sums over rows.
struct Tally {
    rows: usize,
    chosen: usize,
    load: Vec<f64>,
    importance: Vec<f64>,
    entropy: f64,
    sound: bool,
}

impl Tally {
    fn new(width: usize) -> Self {
        let none = vec![0.0; width];
        Self { rows: 0, chosen: 0, load: none.clone(), importance: none, entropy: 0.0, sound: true }
    }

    fn add(&mut self, row: &[f32]) {
        let total: f64 = row.iter().map(|&w| f64::from(w)).sum();
        // A weight that is not finite leaves no finite total.
        if !(total.is_finite() && total > 0.0 && row.iter().all(|&w| w >= 0.0)) {
            self.sound = false;
            return;
        }
        let chosen = row.iter().filter(|&&w| w > 0.0).count();
        self.rows += 1;
        self.chosen += chosen;
        for ((&weight, load), importance) in
            row.iter().zip(&mut self.load).zip(&mut self.importance)
        {
            if weight > 0.0 {
                *load += 1.0 / chosen as f64;
                *importance += f64::from(weight) / total;
            }
        }
        self.entropy += evenness(row.iter().map(|&w| f64::from(w) / total), row.len());
    }

    fn figures(&self, experts: &[String]) -> Option<RouteFigures> {
        if self.rows == 0 || !self.sound {
            return None;
        }
        let (rows, width) = (self.rows as f64, experts.len() as f64);
        let load: Vec<f64> = self.load.iter().map(|sum| sum / rows).collect();
        let largest = load.iter().copied().fold(0.0, f64::max);
        let used = load.iter().filter(|&&share| share >= USED / width).count();
        let dead = experts.iter().zip(&load).filter(|&(_, &share)| share < DEAD / width);
        Some(RouteFigures {
            rows: self.rows as u64,
            chosen: self.chosen as f64 / rows,
            importance: self.importance.iter().map(|sum| sum / rows).collect(),
            utilisation: used as f64 / width,
            max_violation: (width * largest - 1.0).max(0.0),
            load_entropy: evenness(load.iter().copied(), load.len()),
            decision_entropy: self.entropy / rows,
            dead: dead.map(|(expert, _)| expert.clone()).collect(),
            load,
        })
    }
}

/// H(shares)/ln K, from 0 to 1; 0 for K = 1.
fn evenness(shares: impl Iterator<Item = f64>, width: usize) -> f64 {
    if width < 2 {
        return 0.0;
    }
    let entropy: f64 = shares.filter(|&share| share > 0.0).map(|share| -share * log(share)).sum();
    (entropy / log(width as f64)).clamp(0.0, 1.0)
}
