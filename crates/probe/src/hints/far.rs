//! Outliers: values that lie far from all others.
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

/// Outliers of a column.
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
    /// The least and the greatest of the others.
    pub low: f64,
    /// As above.
    pub high: f64,
    /// Do some lie below the others?
    pub below: bool,
    /// Do some lie above the others?
    pub above: bool,
    /// The one value that they all have, if there are several.
    pub same: Option<f64>,
    /// Are they more than a hundred spreads away, and not only what is written for a missing value?
    pub spreads: bool,
}

/// Finds outliers. The spread is that of `trained` values, none of which is missing; far ones
/// are looked for in `all`, whose missing values (NaN) are passed over.
///
/// Whatever their share, a number of nothing but nines that repeats beyond all others by more than their
/// range, as `-999` among temperatures, is found too: it stands for a missing value.
pub fn far(trained: &[f64], all: &[f64]) -> Option<Far> {
    stand_in(trained, all).or_else(|| beyond_spreads(trained, all))
}

/// Nines, written for a missing value.
fn stand_in(trained: &[f64], all: &[f64]) -> Option<Far> {
    let known = || trained.iter().copied().filter(|value| !value.is_nan());
    let ends = [known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max)];
    ends.into_iter().filter(|end| is_nines(*end)).find_map(|end| {
        let mut others: Vec<f64> = known().filter(|value| *value != end).collect();
        others.sort_unstable_by(f64::total_cmp);
        let (low, high) = (*others.first()?, *others.last()?);
        let gap = if end < low { low - end } else { end - high };
        // Negative nines among what is never negative are no quantity either.
        let alone = gap > high - low || end < 0.0 && low >= 0.0;
        if !alone || others.len() < ROWS {
            return None;
        }
        let places: Vec<usize> = (0..all.len()).filter(|&at| all[at] == end).collect();
        if places.len() < 2 {
            return None;
        }
        Some(Far {
            median: quantile(&others, 0.5),
            spread: quantile(&others, 0.75) - quantile(&others, 0.25),
            farthest: places[0],
            places,
            low,
            high,
            below: end < low,
            above: end > high,
            same: Some(end),
            spreads: false,
        })
    })
}

/// Two or more nines, of either sign.
fn is_nines(value: f64) -> bool {
    let digits = format!("{}", value.abs());
    (2..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte == b'9')
}

fn beyond_spreads(trained: &[f64], all: &[f64]) -> Option<Far> {
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
    let mut ends = (f64::INFINITY, f64::NEG_INFINITY);
    for value in all.iter().filter(|value| !value.is_nan() && !is_far(**value)) {
        ends = (ends.0.min(*value), ends.1.max(*value));
    }
    let first = all[places[0]];
    let same = places.len() > 1 && places.iter().all(|&at| all[at] == first);
    Some(Far {
        median,
        spread,
        low: ends.0,
        high: ends.1,
        below: places.iter().any(|&at| all[at] < median),
        above: places.iter().any(|&at| all[at] > median),
        same: same.then_some(first),
        places,
        farthest,
        spreads: true,
    })
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
