//! The two-sample test of Kolmogorov and Smirnov.

use std::f64::consts::PI;

use collegium_records::TwoSample;
use libm::{exp, sqrt};

use super::permuted::{Family, permuted};

/// Products of sample sizes up to which the p-value is counted out.
const COUNTED: usize = 4_000_000;
/// Share of one value among all rows from which ties are heavy.
const HEAVY: f64 = 0.01;
/// A p-value that needs no second look: with ties the formula's is an upper bound.
const CLEAR: f64 = 1e-4;

/// Two-sample test of Kolmogorov and Smirnov, two-sided, by D = max |F(x) − G(x)| of their distribution
/// functions. Values are finite.
///
/// The p-value is the share of all ways to deal the values at hand to samples of these sizes that have a
/// D as large, ties being what they are (exact: the recursion of Schröer and Trenkler 1995 over lattice
/// paths, of which only those ends of runs of equal values count), where n·m is at most four million.
/// Else it is Kolmogorov's limit with Stephens' correction (1970), λ = (√e + .12 + .11/√e)·D with
/// e = n·m/(n + m), Q = 2 Σ (−1)^(k−1) exp(−2k²λ²): with ties an upper bound, so that where one value is
/// a hundredth of the rows or more and the bound decides nothing, a permutation test refines it.
///
/// `None` where a sample is empty.
pub fn numbers_differ(first: &[f64], second: &[f64], family: &Family) -> Option<TwoSample> {
    let (n, m) = (first.len(), second.len());
    if n == 0 || m == 0 {
        return None;
    }
    let runs = Runs::of(first, second);
    let distance = runs.distance(n, m);
    let found = |p_value: f64, by: &str| TwoSample {
        test: "kolmogorov-smirnov".to_owned(),
        statistic: distance as f64 / (n as f64 * m as f64),
        p_value,
        by: by.to_owned(),
    };
    if distance == 0 {
        return Some(found(1.0, "exact"));
    }
    if n * m <= COUNTED {
        return Some(found(exact(&runs, n, m, distance), "exact"));
    }
    let d = distance as f64 / (n as f64 * m as f64);
    let e = sqrt(n as f64 * m as f64 / (n + m) as f64);
    let bound = tail((e + 0.12 + 0.11 / e) * d);
    let largest = runs.pooled.iter().copied().max().unwrap_or(0) as f64;
    if bound <= CLEAR || largest < HEAVY * (n + m) as f64 {
        return Some(found(bound, "asymptotic"));
    }
    let (smaller, larger) = (n.min(m), n.max(m));
    let statistic = |counts: &[u64]| farthest(&runs.pooled, counts, smaller, larger) as f64;
    let p = permuted(&runs.pooled, smaller, distance as f64, statistic, family);
    Some(found(p.min(bound), "permutation"))
}

/// Rows of each distinct value, ascending: of both samples, and of the first.
struct Runs {
    pooled: Vec<u64>,
    first: Vec<u64>,
}

impl Runs {
    fn of(first: &[f64], second: &[f64]) -> Self {
        let sorted = |values: &[f64]| {
            // −0 is 0 here as everywhere.
            let mut values: Vec<f64> = values.iter().map(|x| x + 0.0).collect();
            values.sort_unstable_by(f64::total_cmp);
            values
        };
        let (a, b) = (sorted(first), sorted(second));
        let (mut i, mut j) = (0, 0);
        let mut runs = Self { pooled: Vec::new(), first: Vec::new() };
        while i < a.len() || j < b.len() {
            let x = match (a.get(i), b.get(j)) {
                (Some(x), Some(y)) => x.min(*y),
                (Some(x), None) | (None, Some(x)) => *x,
                (None, None) => break,
            };
            let (from_i, from_j) = (i, j);
            while a.get(i).is_some_and(|v| *v <= x) {
                i += 1;
            }
            while b.get(j).is_some_and(|v| *v <= x) {
                j += 1;
            }
            runs.first.push((i - from_i) as u64);
            runs.pooled.push((i - from_i + j - from_j) as u64);
        }
        runs
    }

    /// n·m·D, which is a whole number.
    fn distance(&self, n: usize, m: usize) -> i64 {
        farthest(&self.pooled, &self.first, n, m)
    }
}

/// max |i·m − j·n| at the ends of runs, i and j being the rows so far of a sample of n with these counts
/// and of the other one of m.
fn farthest(pooled: &[u64], counts: &[u64], n: usize, m: usize) -> i64 {
    let (mut i, mut both, mut most) = (0_i64, 0_i64, 0_i64);
    for (&pooled, &count) in pooled.iter().zip(counts) {
        i += count as i64;
        both += pooled as i64;
        most = most.max((i * m as i64 - (both - i) * n as i64).abs());
    }
    most
}

/// P(n·m·D ≥ `distance`) over all deals: the chance that a random lattice path from (0, 0) to (n, m) is
/// that far from the diagonal at the end of some run. `reached[j]` is that chance for paths to (i, j),
/// of which the last step came from (i − 1, j) with probability i/(i + j).
fn exact(runs: &Runs, n: usize, m: usize, distance: i64) -> f64 {
    let mut ends = vec![false; n + m + 1];
    let mut at = 0;
    for &rows in &runs.pooled {
        at += rows as usize;
        ends[at] = true;
    }
    let far = |i: usize, j: usize| {
        ends[i + j] && (i as i64 * m as i64 - j as i64 * n as i64).abs() >= distance
    };
    let mut reached = vec![0.0; m + 1];
    for j in 1..=m {
        reached[j] = if far(0, j) { 1.0 } else { reached[j - 1] };
    }
    for i in 1..=n {
        if far(i, 0) {
            reached[0] = 1.0;
        }
        for j in 1..=m {
            reached[j] = if far(i, j) {
                1.0
            } else {
                let steps = (i + j) as f64;
                i as f64 / steps * reached[j] + j as f64 / steps * reached[j - 1]
            };
        }
    }
    reached[m].min(1.0)
}

/// P(K > λ) of Kolmogorov's distribution, by whichever of its two series converges fast.
fn tail(lambda: f64) -> f64 {
    if lambda < 0.2 {
        return 1.0;
    }
    if lambda < 1.0 {
        let terms = (1..=20).map(|k| {
            let odd = f64::from(2 * k - 1);
            exp(-odd * odd * PI * PI / (8.0 * lambda * lambda))
        });
        return 1.0 - sqrt(2.0 * PI) / lambda * terms.sum::<f64>();
    }
    let terms = (1..=20).map(|k| {
        let sign = if k % 2 == 1 { 1.0 } else { -1.0 };
        sign * exp(-2.0 * f64::from(k * k) * lambda * lambda)
    });
    (2.0 * terms.sum::<f64>()).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use collegium_digest::Digest;

    use super::*;

    fn test(first: &[f64], second: &[f64]) -> TwoSample {
        let key = Digest::of(b"k");
        numbers_differ(first, second, &Family { key: &key, name: "x", tests: 1 })
            .expect("two samples")
    }

    #[test]
    fn the_two_series_of_the_limit_agree() {
        for lambda in [0.5, 0.9, 0.999, 1.0, 1.001, 1.36, 2.0] {
            let small = |l: f64| {
                let terms = (1..=60).map(|k| {
                    let odd = f64::from(2 * k - 1);
                    (-odd * odd * PI * PI / (8.0 * l * l)).exp()
                });
                1.0 - (2.0 * PI).sqrt() / l * terms.sum::<f64>()
            };
            assert!((tail(lambda) - small(lambda)).abs() < 1e-12, "{lambda}");
        }
        // The 5 % point of every table.
        assert!((tail(1.358_098) - 0.05).abs() < 1e-5);
    }

    /// All ways to deal the pooled values to the first sample.
    fn enumerated(first: &[f64], second: &[f64]) -> f64 {
        let all: Vec<f64> = first.iter().chain(second).copied().collect();
        let d = |chosen: u32| {
            let mut points = all.clone();
            points.sort_by(f64::total_cmp);
            let share = |x: f64, inside: bool| {
                let of = |(at, v): (usize, &f64)| (chosen >> at & 1 == 1) == inside && *v <= x;
                all.iter().enumerate().filter(|pair| of(*pair)).count() as f64
                    / if inside { first.len() as f64 } else { second.len() as f64 }
            };
            points.iter().map(|&x| (share(x, true) - share(x, false)).abs()).fold(0.0, f64::max)
        };
        let deals: Vec<u32> =
            (0..1_u32 << all.len()).filter(|c| c.count_ones() as usize == first.len()).collect();
        let observed = d((1 << first.len()) - 1);
        let reached = deals.iter().filter(|c| d(**c) >= observed - 1e-9).count();
        reached as f64 / deals.len() as f64
    }

    #[test]
    fn small_samples_are_counted_out_with_and_without_ties() {
        for (first, second) in [
            (vec![1.0, 2.0, 3.0, 4.0], vec![2.5, 3.5, 4.5, 5.5, 6.5]),
            (vec![0.0, 0.0, 0.0, 1.0, 2.0], vec![0.0, 2.0, 2.0, 2.0, 3.0, 3.0]),
            (vec![1.0, 1.0], vec![1.0, 2.0, 2.0, 2.0, 2.0, 2.0]),
            (vec![5.0], vec![1.0, 2.0, 3.0]),
            (vec![-0.0, 1.0, 1.0], vec![0.0, 0.0, 1.0]),
        ] {
            let found = test(&first, &second);
            let expected = enumerated(&first, &second);
            assert!((found.p_value - expected).abs() < 1e-12, "{found:?} {expected}");
            assert_eq!(found.by, "exact");
        }
    }

    #[test]
    fn the_limit_takes_over_where_counting_would_take_long_and_they_agree_there() {
        let grid = |rows: usize, shift: f64| -> Vec<f64> {
            (0..rows).map(|row| (row as f64 * 0.618_033_988_749).fract() + shift).collect()
        };
        let (a, b) = (grid(2_000, 0.0), grid(1_990, 0.03));
        let counted = test(&a, &b);
        let n = a.len() as f64 * b.len() as f64;
        let e = (n / (a.len() + b.len()) as f64).sqrt();
        let limit = tail((e + 0.12 + 0.11 / e) * counted.statistic);
        assert_eq!(counted.by, "exact");
        assert!((counted.p_value / limit - 1.0).abs() < 0.05, "{counted:?} {limit}");
        assert_eq!(test(&grid(3_000, 0.0), &grid(3_000, 0.03)).by, "asymptotic");
    }

    #[test]
    fn heavy_ties_are_permuted_and_the_formula_bounds_them() {
        let dice = |rows: usize, more: usize| -> Vec<f64> {
            (0..rows).map(|row| (row * 7 % 5) as f64).chain(vec![4.0; more]).collect()
        };
        let found = test(&dice(20_000, 0), &dice(4_000, 100));
        assert_eq!(found.by, "permutation");
        let e = (20_000.0 * 4_100.0 / 24_100.0_f64).sqrt();
        assert!(found.p_value <= tail((e + 0.12 + 0.11 / e) * found.statistic));
        assert!(found.p_value > 1e-4, "{found:?}");
    }
}
