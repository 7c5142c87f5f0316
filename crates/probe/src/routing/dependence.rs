//! Dependence of a routing on columns: normalised mutual information.

use collegium_digest::{Digest, stream};
use collegium_records::RouteDependence;
use libm::log;

use super::RouteCodes;
use crate::resample::shuffle;

/// Permutations: the least p-value is 1/201.
pub const PERMUTATIONS: u32 = 200;

/// Mutual informations that differ by less differ by rounding.
const ROUNDING: f64 = 1e-12;

/// Dependence of the routing on each column: normalised mutual information
/// 2·I/(H(route) + H(column)), its mean when the route is shuffled among the rows, and the
/// permutation p-value (1 + hits)/(1 + permutations).
///
/// `routes` has the expert of every row ([`crate::routes`]). All columns are measured on the same
/// permutations, which cost more to draw than to use. Missing codes are a level of their own. `None`
/// where the route or the column is constant, and without rows.
///
/// # Panics
/// When a column has other rows than the route (a mistake of the caller, which no data can cause).
pub fn route_dependence(
    routes: &[u32],
    columns: &[RouteCodes],
    permutations: u32,
    key: &Digest,
) -> Vec<Option<RouteDependence>> {
    let mut tables: Vec<Option<Table>> =
        columns.iter().map(|column| Table::new(routes, column)).collect();
    let mut order = routes.to_vec();
    let mut random = stream(key, "routing permutation");
    if tables.iter().any(Option::is_some) {
        for _ in 0..permutations {
            shuffle(&mut order, &mut random);
            tables.iter_mut().flatten().for_each(|table| table.permuted(&order));
        }
    }
    let each = tables.into_iter().map(|table| {
        let Table { information, entropies, hits, sum, .. } = table?;
        let normalised = |information: f64| (2.0 * information / entropies).clamp(0.0, 1.0);
        Some(RouteDependence {
            nmi: normalised(information),
            by_chance: normalised(sum / f64::from(permutations.max(1))),
            p_value: f64::from(1 + hits) / (1.0 + f64::from(permutations)),
            permutations,
        })
    });
    each.collect()
}

/// A column, what it shares with the route, and what it shares with shuffled ones.
struct Table<'a> {
    codes: &'a [u32],
    levels: usize,
    /// Experts × levels, the last level for what is missing.
    cells: Vec<u32>,
    /// Σ n ln n over levels and over experts, less n ln n: what a shuffle does not change.
    margins: f64,
    information: f64,
    entropies: f64,
    hits: u32,
    sum: f64,
}

impl<'a> Table<'a> {
    fn new(routes: &[u32], column: &RouteCodes<'a>) -> Option<Self> {
        assert_eq!(routes.len(), column.codes.len(), "a code for each row");
        let experts = 1 + *routes.iter().max()? as usize;
        let levels = column.levels.len() + 1;
        let mut table = Self {
            codes: column.codes,
            levels,
            cells: vec![0; experts * levels],
            margins: 0.0,
            information: 0.0,
            entropies: 0.0,
            hits: 0,
            sum: 0.0,
        };
        table.count(routes);
        let by_expert: Vec<u32> =
            table.cells.chunks_exact(levels).map(|row| row.iter().sum()).collect();
        let by_level: Vec<u32> =
            (0..levels).map(|l| table.cells[l..].iter().step_by(levels).sum()).collect();
        let constant = |counts: &[u32]| counts.iter().filter(|&&count| count > 0).count() < 2;
        if constant(&by_expert) || constant(&by_level) {
            return None;
        }
        let rows = routes.len() as f64;
        let whole = rows * log(rows);
        let margins = scatter(&by_expert) + scatter(&by_level);
        table.margins = margins - whole;
        table.entropies = (2.0 * whole - margins) / rows;
        table.information = table.shared();
        Some(table)
    }

    fn count(&mut self, routes: &[u32]) {
        self.cells.fill(0);
        for (&expert, &code) in routes.iter().zip(self.codes) {
            let level = (code as usize).min(self.levels - 1);
            self.cells[expert as usize * self.levels + level] += 1;
        }
    }

    /// I = (Σ n_el ln n_el − Σ n_e ln n_e − Σ n_l ln n_l + n ln n)/n
    fn shared(&self) -> f64 {
        ((scatter(&self.cells) - self.margins) / self.codes.len() as f64).max(0.0)
    }

    fn permuted(&mut self, routes: &[u32]) {
        self.count(routes);
        let information = self.shared();
        self.hits += u32::from(information >= self.information - ROUNDING);
        self.sum += information;
    }
}

/// Σ n ln n
fn scatter(counts: &[u32]) -> f64 {
    counts.iter().filter(|&&n| n > 1).map(|&n| f64::from(n) * log(f64::from(n))).sum()
}
