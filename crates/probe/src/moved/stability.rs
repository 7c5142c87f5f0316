//! The population stability index (PSI), and the bins that it is taken over.

/// What every occupied bin is given, so that an empty one is rare and not impossible (Jeffreys' prior).
const HALF: f64 = 0.5;

/// Population stability index of two samples in the same bins: Σ (qᵢ − pᵢ) · ln(qᵢ / pᵢ) with pᵢ and qᵢ
/// the shares of the first and of the second sample, that is the Kullback-Leibler divergence both ways
/// (Jeffreys 1946; under this name Siddiqi, *Credit Risk Scorecards*, 2006). 0 for equal counts; by custom
/// below .1 little, .1 to .25 some, above .25 much.
///
/// Bins that neither sample occupies do not count. Of k others each share is (count + ½)/(rows + k/2).
/// 0 where one of the samples is empty.
///
/// # Panics
/// When the slices differ in length (a mistake of the caller, which no data can cause).
pub fn stability_index(first: &[u64], second: &[u64]) -> f64 {
    assert_eq!(first.len(), second.len(), "counts of the same bins");
    let occupied = occupied(first, second);
    let [n, m] = [first, second].map(|counts| counts.iter().sum::<u64>() as f64);
    if n == 0.0 || m == 0.0 {
        return 0.0;
    }
    let bins = occupied.len() as f64;
    let share = |count: u64, rows: f64| (count as f64 + HALF) / (rows + HALF * bins);
    let term = |(a, b): &(u64, u64)| {
        let (p, q) = (share(*a, n), share(*b, m));
        (q - p) * libm::log(q / p)
    };
    occupied.iter().map(term).sum()
}

/// What [`stability_index`] is on average when both samples come from one distribution: about
/// (k − 1)(1/n + 1/m) of k occupied bins (Yurdakul 2018).
pub fn chance_index(first: &[u64], second: &[u64]) -> f64 {
    let [n, m] = [first, second].map(|counts| counts.iter().sum::<u64>() as f64);
    let bins = occupied(first, second).len() as f64;
    if n == 0.0 || m == 0.0 { 0.0 } else { (bins - 1.0).max(0.0) * (1.0 / n + 1.0 / m) }
}

fn occupied(first: &[u64], second: &[u64]) -> Vec<(u64, u64)> {
    let pairs = first.iter().copied().zip(second.iter().copied());
    pairs.filter(|(a, b)| a + b > 0).collect()
}

/// Ascending upper bounds of bins that hold about a tenth of these values each; the last bin, above all
/// of them, has no bound. A value that is more than a tenth by itself makes fewer bins. `sorted` is
/// ascending and holds no NaN.
pub fn tenths(sorted: &[f64]) -> Vec<f64> {
    quantile_cuts(sorted, 10)
}

/// The same of other shares than a tenth: ascending values that occur, all below the largest.
pub fn quantile_cuts(sorted: &[f64], parts: usize) -> Vec<f64> {
    let Some(largest) = sorted.last() else { return Vec::new() };
    let mut cuts: Vec<f64> =
        (1..parts).map(|part| sorted[(part * sorted.len()).div_ceil(parts) - 1]).collect();
    cuts.dedup();
    cuts.retain(|cut| cut < largest);
    cuts
}

/// The bin of a value: the number of bounds below it.
pub fn in_bin(cuts: &[f64], value: f64) -> usize {
    cuts.partition_point(|cut| *cut < value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_is_what_its_formula_gives() {
        // Shares (10.5, 30.5, 60.5) / 101.5 and (20.5, 20.5, 10.5) / 51.5, by hand.
        let found = stability_index(&[10, 30, 60, 0], &[20, 20, 10, 0]);
        let p = [10.5 / 101.5, 30.5 / 101.5, 60.5 / 101.5_f64];
        let q = [20.5 / 51.5, 20.5 / 51.5, 10.5 / 51.5_f64];
        let expected: f64 = p.iter().zip(q).map(|(p, q)| (q - p) * (q / p).ln()).sum();
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        assert!((chance_index(&[10, 30, 60, 0], &[20, 20, 10, 0]) - 2.0 * 0.03).abs() < 1e-12);
    }

    #[test]
    fn tenths_of_a_hundred_numbers_are_tens() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        let cuts = tenths(&values);
        assert_eq!(cuts, [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0]);
        assert_eq!([10.0, 10.5, 1.0, 1e9].map(|x| in_bin(&cuts, x)), [0, 1, 0, 9]);
    }

    #[test]
    fn a_value_that_is_most_of_the_rows_has_one_bin() {
        let values: Vec<f64> = [0.0; 80].into_iter().chain((1..=20).map(f64::from)).collect();
        assert_eq!(tenths(&values), [0.0, 10.0]);
        assert!(tenths(&[4.0; 7]).is_empty() && tenths(&[]).is_empty());
    }
}
