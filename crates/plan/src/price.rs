//! Cost estimate of a fit, from what fits like it have cost before.
//!
//! The best witness is the last fit of the same part: its CPU seconds, scaled by rows, epochs and
//! multiply-adds. Without one, the rates of all recorded fits serve. What surrounds the fits
//! (applying models, measuring) is priced by what it took in the last run that did it, scaled where the
//! model's shape changed; without such a run, by rows, multiply-adds and the rates of others. Whether an
//! expert below a moving upstream is fitted at all is guessed from how often it was before.

use collegium_records::{Estimate, Fit};

/// What is known of a fit that is to be executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedFit {
    /// Training rows.
    pub rows: u64,
    /// Most epochs; 0 for a closed form.
    pub epochs: u32,
    /// Epochs without improvement before it stops; 0: never early.
    pub patience: u32,
    /// Multiply-adds of one row's forward pass.
    pub multiply_adds: u64,
}

/// A recorded fit of the same part of the same expert.
#[derive(Debug, Clone, Copy)]
pub struct Witness<'a> {
    /// What it cost, and how long it went on.
    pub fit: &'a Fit,
    /// Most epochs that it was allowed.
    pub allowed: u32,
}

/// Recorded rates, in CPU seconds per row, epoch and multiply-add.
#[derive(Debug, Clone, Default)]
pub struct Prices {
    rates: Vec<f64>,
    /// The same of applications, per row and multiply-add.
    applications: Vec<f64>,
}

impl Prices {
    /// Adds a recorded fit.
    pub fn record(&mut self, fit: &Fit) {
        let units = units(fit.rows, fit.epochs.len() as f64, fit.multiply_adds);
        if units > 0.0 && fit.cost.cpu_seconds > 0.0 {
            self.rates.push(fit.cost.cpu_seconds / units);
        }
    }

    /// Adds what applying a model to so many rows took, with what else surrounds its fits.
    pub fn record_application(&mut self, rows: u64, multiply_adds: u64, seconds: f64) {
        let units = units(rows, 1.0, multiply_adds);
        if units > 0.0 && seconds > 0.0 {
            self.applications.push(seconds / units);
        }
    }

    /// CPU seconds of applying a model; `None` where that is no small thing and none was recorded.
    pub fn application(&self, rows: u64, multiply_adds: u64) -> Option<f64> {
        let units = units(rows, 1.0, multiply_adds);
        let mut rates = self.applications.clone();
        rates.sort_by(f64::total_cmp);
        match rates.get(rates.len() / 2) {
            Some(rate) => Some(units * rate),
            None => (units < SMALL).then_some(0.0),
        }
    }

    /// CPU seconds of a fit; `None` where nothing like it was recorded.
    ///
    /// With early stopping the minimum is what patience allows at least, or half of what is
    /// expected, whichever is more; the maximum is all epochs.
    pub fn estimate(&self, job: PlannedFit, witness: Option<Witness>) -> Option<Estimate> {
        if let Some(Witness { fit, allowed }) = witness
            && fit.cost.cpu_seconds > 0.0
        {
            return Some(by_witness(job, fit, allowed));
        }
        if job.epochs == 0 {
            // A closed form on unknown ground: next to nothing beside a network.
            return Some(Estimate::default());
        }
        let mut rates = self.rates.clone();
        rates.sort_by(f64::total_cmp);
        let (first, last) = (*rates.first()?, *rates.last()?);
        let all = units(job.rows, f64::from(job.epochs), job.multiply_adds);
        Some(Estimate {
            min: all / 3.0 * first,
            expected: all * 2.0 / 3.0 * rates[rates.len() / 2],
            max: all * last,
        })
    }
}

fn by_witness(job: PlannedFit, fit: &Fit, allowed: u32) -> Estimate {
    let work = scale(job.multiply_adds, fit.multiply_adds);
    let rows = job.rows as f64 / fit.rows.max(1) as f64;
    let went = fit.epochs.len() as f64;
    if job.epochs == 0 || went == 0.0 {
        let same = fit.cost.cpu_seconds * rows;
        return Estimate { min: 0.5 * same, expected: same, max: 2.0 * same };
    }
    let per_epoch = fit.cost.cpu_seconds / went * rows * work;
    let most = f64::from(job.epochs);
    // It stopped early or went to its end; it will do so again, if it may.
    let likely = match job.patience > 0 && went < f64::from(allowed) {
        true => went.min(most),
        false => most,
    };
    let least = match job.patience {
        0 => most,
        patience => f64::from(patience + 1).max(0.5 * likely).min(likely),
    };
    Estimate { min: per_epoch * least, expected: per_epoch * likely, max: per_epoch * most }
}

/// What a row costs in a step whatever the network's size, in multiply-adds.
const STEP: f64 = 1000.0;

/// Multiply-adds that take about a second.
const SMALL: f64 = 1e9;

/// How much more a row costs with so many multiply-adds than with those.
pub fn scale(now: u64, before: u64) -> f64 {
    (now as f64 + STEP) / (before as f64 + STEP)
}

fn units(rows: u64, epochs: f64, multiply_adds: u64) -> f64 {
    rows as f64 * epochs * (multiply_adds as f64 + STEP)
}

/// Probability that something happens again, smoothed by a first guess that weighs as much as two
/// observations of it.
pub fn likelihood(happened: u32, of: u32, guess: f64) -> f64 {
    (f64::from(happened) + 2.0 * guess) / (f64::from(of) + 2.0)
}
