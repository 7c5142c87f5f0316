//! What fits like this one have cost before.

use collegium_records::{Estimate, Fit};

/// Recorded costs of fits, per work unit (rows × epochs × parameters).
#[derive(Debug, Clone, Default)]
pub struct Prices {
    seconds_per_unit: Vec<f64>,
}

impl Prices {
    /// Adds a recorded fit.
    pub fn record(&mut self, fit: &Fit) {
        let units = units(fit.rows, fit.epochs.len() as u64, fit.multiply_adds);
        if units > 0.0 && fit.cost.cpu_seconds > 0.0 {
            self.seconds_per_unit.push(fit.cost.cpu_seconds / units);
        }
    }

    /// CPU seconds for a fit of `rows` rows and at most `epochs` epochs of a network with
    /// `multiply_adds` per row; `None` before anything was recorded. The minimum takes a third of
    /// the epochs (early stopping), the maximum all of them, each at the extreme recorded rates.
    pub fn estimate(&self, rows: u64, epochs: u64, multiply_adds: u64) -> Option<Estimate> {
        let mut rates = self.seconds_per_unit.clone();
        if rates.is_empty() {
            return None;
        }
        rates.sort_by(f64::total_cmp);
        let all = units(rows, epochs, multiply_adds);
        Some(Estimate {
            min: all / 3.0 * rates[0],
            expected: all * 2.0 / 3.0 * rates[rates.len() / 2],
            max: all * rates[rates.len() - 1],
        })
    }
}

/// Work of a fit. The constant stands for what a step costs whatever the network's size.
fn units(rows: u64, epochs: u64, multiply_adds: u64) -> f64 {
    rows as f64 * epochs as f64 * (multiply_adds as f64 + 1000.0)
}
