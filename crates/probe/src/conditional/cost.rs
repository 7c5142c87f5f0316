//! Rise in loss by an exchange of values, with its confidence interval.

use collegium_records::{Conditional, Interval};

use crate::{
    Loss, Resampling,
    performance::upper_tail,
    resample::{Block, Draws, weighted},
};

/// What exchanges of an input did to the losses, in the mean of several exchanges.
#[derive(Debug, Clone)]
pub struct Rises {
    /// Of each row's loss, by the value that it was given.
    pub received: Vec<f64>,
    /// Of the loss of whoever was given this row's value.
    pub given: Vec<f64>,
}

/// The rise in loss from `before` (each row's loss) by each of some exchanges, with the interval of a paired
/// bootstrap and the chance that there is none. All are measured on the same resamples, which cost more to draw
/// than to use.
///
/// A rise depends on two rows, the one whose loss it is and the one whose value it was given, and other rows
/// would have changed both. A resample therefore moves the mean rise by both: mean of what its rows received and
/// mean of what they gave, less the mean over all rows (the projection of a statistic of two samples; Hoeffding
/// 1948). Of received rises alone intervals are too narrow.
///
/// For [`Loss::Squared`] cost and interval are in root mean squares. The chance is one-sided: the share
/// of resamples without a rise, (1 + count)/(1 + resamples); where every resample has one, the tail of the
/// mean over its standard error, if that is less: of the normal distribution, and of Student's where rows
/// come in groups. Of few groups, which are left out one by one, it is that tail. `None` for those with a
/// loss that is not finite, without rows, and where all rows are of one group.
///
/// # Panics
/// When the slices differ in length (a mistake of the caller, which no data can cause).
pub fn exchange_costs(
    loss: Loss,
    before: &[f64],
    rises: &[Rises],
    how: Resampling,
) -> Vec<Option<Conditional>> {
    let rows = before.len() as f64;
    let whole = |one: &Rises| [one.received.len(), one.given.len()] == [before.len(); 2];
    assert!(rises.iter().all(whole), "every loss of the same rows");
    let mean = |values: &[f64]| values.iter().sum::<f64>() / rows;
    let both: Vec<Vec<f64>> = rises
        .iter()
        .map(|one| {
            let less = mean(&one.received);
            one.received.iter().zip(&one.given).map(|(taken, given)| taken + given - less).collect()
        })
        .collect();
    let mut drawn = vec![Vec::with_capacity(how.resamples as usize); rises.len()];
    let mut draws = Draws::new(how, "exchange", before.len());
    while let Some(Block { counts, lanes, totals }) = draws.next_block() {
        let base = weighted(counts, before);
        for (drawn, both) in drawn.iter_mut().zip(&both) {
            let sums = weighted(counts, both);
            let cost = |lane: usize| cost(loss, base[lane], sums[lane], totals[lane]);
            drawn.extend((0..lanes).map(cost));
        }
    }
    let base: f64 = before.iter().sum();
    let each = rises.iter().zip(both).zip(drawn).map(|((one, both), mut drawn)| {
        if before.is_empty() || !before.iter().chain(&both).all(|loss| loss.is_finite()) {
            return None;
        }
        let cost = cost(loss, base, one.received.iter().sum(), rows);
        let chance = if how.is_jackknife() {
            let (variance, freedom) = how.variance(&drawn)?;
            if variance > 0.0 { upper_tail(cost / variance.sqrt(), freedom) } else { 1.0 }
        } else {
            let without = drawn.iter().filter(|rise| **rise <= 0.0).count();
            let chance = (1 + without) as f64 / (1 + drawn.len()) as f64;
            if without == 0 { chance.min(tail(&both, how)) } else { chance }
        };
        let interval = match how.resamples {
            0 => Interval { low: cost, high: cost },
            _ => how.interval(cost, &mut drawn)?,
        };
        let metric = loss.metric().to_owned();
        let (alike, determined, direction) = (true, false, None);
        Some(Conditional { metric, cost, interval, chance, alike, determined, direction })
    });
    each.collect()
}

/// The rise of the metric of so many rows whose losses sum to `base` when these rise by `sum`.
fn cost(loss: Loss, base: f64, sum: f64, rows: f64) -> f64 {
    loss.mean((base + sum).max(0.0), rows) - loss.mean(base, rows)
}

/// P(T > mean/standard error) of what rows, or the sums of groups, add to a rise; 1 where nothing moves.
fn tail(both: &[f64], how: Resampling) -> f64 {
    let rows = both.len() as f64;
    let mean = both.iter().sum::<f64>() / rows;
    match how.groups {
        None => {
            let variance = both.iter().map(|rise| (rise - mean).powi(2)).sum::<f64>() / rows;
            let error = (variance / rows).sqrt();
            if error > 0.0 {
                0.5 * libm::erfc(mean / error / std::f64::consts::SQRT_2)
            } else {
                1.0
            }
        }
        Some(groups) => {
            let sums = groups.sums(both.iter().map(|rise| rise - mean));
            let count = groups.count() as f64;
            let squares: f64 = sums.iter().map(|sum| sum * sum).sum();
            let error = (squares * count / (count - 1.0)).sqrt() / rows;
            if error > 0.0 { upper_tail(mean / error, count - 1.0) } else { 1.0 }
        }
    }
}
