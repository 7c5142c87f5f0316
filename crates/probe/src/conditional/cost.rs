//! Rise in loss by an exchange of values, with its confidence interval.

use collegium_digest::Digest;
use collegium_records::{Conditional, Interval};

use crate::{
    Loss, Resampling,
    resample::{Block, Draws, interval, weighted},
};

/// The rise in loss from `before` to each of `after` (each row's loss; after several exchanges its mean),
/// with the interval of a paired row bootstrap and the chance that there is none. All are measured on the
/// same resamples, which cost more to draw than to use.
///
/// For [`Loss::Squared`] cost and interval are in root mean squares. The chance is one-sided: the share
/// of resamples without a rise, (1 + count)/(1 + resamples); where every resample has one, the normal
/// distribution's tail at mean over standard error, if that is less. `None` for those with a loss that is
/// not finite, and without rows.
///
/// # Panics
/// When the slices differ in length (a mistake of the caller, which no data can cause).
pub fn exchange_costs(
    loss: Loss,
    before: &[f64],
    after: &[Vec<f64>],
    resamples: u32,
    key: &Digest,
) -> Vec<Option<Conditional>> {
    assert!(after.iter().all(|a| a.len() == before.len()), "every loss of the same rows");
    let unit = |sum: f64| loss.mean(sum, before.len());
    let mut rises = vec![Vec::with_capacity(resamples as usize); after.len()];
    let mut draws = Draws::new(Resampling::of_rows(resamples, key), "exchange", before.len());
    while let Some(Block { counts, lanes, .. }) = draws.next_block() {
        let base = weighted(counts, before);
        for (rises, after) in rises.iter_mut().zip(after) {
            let sums = weighted(counts, after);
            rises.extend((0..lanes).map(|lane| unit(sums[lane]) - unit(base[lane])));
        }
    }
    let base = unit(before.iter().sum());
    let each = after.iter().zip(rises).map(|(after, mut rises)| {
        if before.is_empty() || !before.iter().chain(after).all(|loss| loss.is_finite()) {
            return None;
        }
        let cost = unit(after.iter().sum()) - base;
        let without = rises.iter().filter(|rise| **rise <= 0.0).count();
        let mut chance = (1 + without) as f64 / (1 + rises.len()) as f64;
        if without == 0 {
            chance = chance.min(normal_tail(before, after));
        }
        let interval = interval(&mut rises).unwrap_or(Interval { low: cost, high: cost });
        let metric = loss.metric().to_owned();
        let (alike, determined, direction) = (true, false, None);
        Some(Conditional { metric, cost, interval, chance, alike, determined, direction })
    });
    each.collect()
}

/// P(Z > mean/standard error) of the rows' rises; 1 where no row moves.
fn normal_tail(before: &[f64], after: &[f64]) -> f64 {
    let rows = before.len() as f64;
    let rises = before.iter().zip(after).map(|(before, after)| after - before);
    let mean = rises.clone().sum::<f64>() / rows;
    let variance = rises.map(|rise| (rise - mean).powi(2)).sum::<f64>() / rows;
    if variance <= 0.0 {
        return 1.0;
    }
    0.5 * libm::erfc(mean / (variance / rows).sqrt() / std::f64::consts::SQRT_2)
}
