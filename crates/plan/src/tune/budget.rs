//! The price of a search by a count of multiply-adds, which is the same on every machine.

use super::{Rung, epochs_at, rungs};

/// Multiply-adds of a training step for each of a forward pass: there, back to the weights, back to the inputs.
const PASSES: f64 = 3.0;

/// What a row costs in a step whatever the network's size, in multiply-adds.
const STEP: f64 = 6_000.0;

/// What a machine of reference does in a second: a core of a server of 2022, on networks as small as these.
const PER_SECOND: f64 = 5e9;

/// Multiply-adds of a search over settings that each have these `(epochs, multiply-adds of a row)` and are trained on so many
/// rows. Which settings go on is not known before, so those of later rungs cost what all cost on average.
pub fn search_units(settings: &[(u32, u64)], rows: u64) -> f64 {
    let Some((untuned, _)) = settings.first() else { return 0.0 };
    let count = settings.len() as f64;
    let price = |rung: Rung| -> f64 {
        let one = |&(epochs, multiply_adds): &(u32, u64)| {
            f64::from(epochs_at(epochs, rung)) * (PASSES * multiply_adds as f64 + STEP)
        };
        // The untuned settings go on beside the others.
        let beside = if rung.trials < settings.len() as u32 { 1.0 } else { 0.0 };
        let share = (f64::from(rung.trials) + beside) / count;
        share * settings.iter().map(one).sum::<f64>()
    };
    rows as f64 * rungs(settings.len() as u32, *untuned).into_iter().map(price).sum::<f64>()
}

/// How many of these settings can be tried in so many seconds of the machine of reference: at least two.
pub fn affordable(settings: &[(u32, u64)], rows: u64, seconds: Option<f64>) -> usize {
    let Some(seconds) = seconds else { return settings.len() };
    let fits = |count: &usize| search_units(&settings[..*count], rows) <= seconds * PER_SECOND;
    (2..=settings.len()).rev().find(fits).unwrap_or(2).min(settings.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_seconds_are_never_fewer_trials() {
        let settings = vec![(50, 20_000); 100];
        let counts: Vec<usize> = [0.001, 1.0, 10.0, 100.0, 1e9]
            .map(|seconds| affordable(&settings, 10_000, Some(seconds)))
            .to_vec();
        assert!(counts.is_sorted(), "{counts:?}");
        assert_eq!((counts[0], counts[4]), (2, 100));
        assert_eq!(affordable(&settings, 10_000, None), 100);
    }
}
