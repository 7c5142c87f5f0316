//! Values that lie far from all others.
//!
//! Six values of 1e9 among ten thousand between 0 and 1 make a standard deviation of 2e7: standardised
//! by it, all other values are one. The median and the distance between the quartiles know nothing of
//! the six. Heavy tails are no fault, so besides being far the values must be what the standard
//! deviation is made of.

/// From so many spreads a value lies far out.
const SPREADS: f64 = 100.0;

/// So many times the standard deviation of the others must that of all be.
const INFLATED: f64 = 5.0;

/// More than this share are no exceptions.
const SHARE: f64 = 0.05;

/// Rows at least.
const ROWS: usize = 20;

/// Values that lie far from all others.
#[derive(Debug, Clone, PartialEq)]
pub struct Far {
    /// The middle value.
    pub median: f64,
    /// Between the quartiles (of the values beside the median, where half of all are equal to it).
    pub spread: f64,
    /// Positions of the far ones among those given.
    pub places: Vec<usize>,
    /// The position of the farthest.
    pub farthest: usize,
}

/// Looks for far values. The spread is that of `trained` values, none of which is missing; far ones
/// are looked for in `all`, whose missing values (NaN) are passed over.
pub fn far(trained: &[f64], all: &[f64]) -> Option<Far> {
    if trained.len() < ROWS {
        return None;
    }
    let mut sorted = trained.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let median = quantile(&sorted, 0.5);
    let mut spread = quantile(&sorted, 0.75) - quantile(&sorted, 0.25);
    if spread <= 0.0 {
        sorted.retain(|value| *value != median);
        if sorted.len() < ROWS {
            return None;
        }
        spread = quantile(&sorted, 0.75) - quantile(&sorted, 0.25);
    }
    if !(spread > 0.0 && spread.is_finite()) {
        return None;
    }
    let is_far = |value: f64| (value - median).abs() > SPREADS * spread;
    let places: Vec<usize> = (0..all.len()).filter(|&at| is_far(all[at])).collect();
    let known = all.iter().filter(|value| !value.is_nan()).count();
    if places.is_empty() || places.len() as f64 > SHARE * known as f64 {
        return None;
    }
    let near = deviation(all.iter().copied().filter(|value| !value.is_nan() && !is_far(*value)));
    let whole = deviation(all.iter().copied().filter(|value| !value.is_nan()));
    // Where the squares overflow there is no doubt either.
    if whole.is_finite() && whole < INFLATED * near {
        return None;
    }
    let distance = |&at: &usize| (all[at] - median).abs();
    let farthest =
        places.iter().copied().max_by(|a, b| distance(a).total_cmp(&distance(b)).then(b.cmp(a)))?;
    Some(Far { median, spread, places, farthest })
}

/// Between the two nearest of the sorted values.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (high - low) * at.fract()
}

fn deviation(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let count = values.clone().count().max(1) as f64;
    let mean = values.clone().map(|value| value / count).sum::<f64>();
    (values.map(|value| (value - mean).powi(2) / count).sum::<f64>()).sqrt()
}
