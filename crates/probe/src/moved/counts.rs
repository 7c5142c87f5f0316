//! Two-sample tests of categories (χ², Fisher): levels, truth values, missing or known.

use collegium_records::TwoSample;
use libm::{exp, lgamma};

use super::{
    gamma::chi_squared_tail,
    permuted::{Family, permuted},
};

/// Expected rows of a bin in either sample from which χ² is right (Cochran 1954).
const EXPECTED: f64 = 5.0;
/// Rows of the smaller sample, and bins, up to which rare bins are tested by permutation; with more,
/// the rare bins are one.
const PERMUTED: usize = 5_000;

/// Two-sample test of rows by bin: are they of one distribution? Bins that neither occupies do not count.
///
/// | bins | expected rows | test |
/// |---|---|---|
/// | 2 | 5 or more in each | Pearson's χ², 1 degree of freedom, uncorrected |
/// | 2 | fewer | Fisher's exact test, two-sided: all tables no more probable than this one |
/// | more | 5 or more in each | Pearson's χ², bins − 1 degrees of freedom |
/// | more | fewer, small samples | χ² against permutations of which sample a row belongs to |
/// | more | fewer, large samples | χ², the rarest bins being one |
///
/// Expected are pooled rows · sample size / all rows. `None` where a sample is empty, and where fewer
/// than two bins are left.
///
/// # Panics
/// When the slices differ in length (a mistake of the caller, which no data can cause).
pub fn counts_differ(first: &[u64], second: &[u64], family: &Family) -> Option<TwoSample> {
    assert_eq!(first.len(), second.len(), "counts of the same bins");
    let pairs = first.iter().copied().zip(second.iter().copied());
    let bins: Vec<(u64, u64)> = pairs.filter(|(a, b)| a + b > 0).collect();
    let table = Table::new(bins)?;
    let found = |test: &str, statistic: f64, p_value: f64, by: &str| {
        let p_value = p_value.clamp(0.0, 1.0);
        Some(TwoSample { test: test.to_owned(), statistic, p_value, by: by.to_owned() })
    };
    let tail = |table: &Table| {
        let statistic = table.statistic();
        (statistic, chi_squared_tail(statistic, table.bins.len() as f64 - 1.0))
    };
    if table.least() >= EXPECTED {
        let (statistic, p) = tail(&table);
        return found("chi-squared", statistic, p, "asymptotic");
    }
    if table.bins.len() == 2 {
        return found("fisher", table.shares(), table.fisher(), "exact");
    }
    let smaller = table.rows[0].min(table.rows[1]) as usize;
    if smaller + table.bins.len() <= PERMUTED {
        let pooled: Vec<u64> = table.bins.iter().map(|(a, b)| a + b).collect();
        let statistic = table.statistic();
        let again = |counts: &[u64]| pearson(&pooled, counts, smaller as f64);
        let p = permuted(&pooled, smaller, statistic, again, family);
        return found("chi-squared", statistic, p, "permutation");
    }
    let (statistic, p) = tail(&table.pooled()?);
    found("chi-squared", statistic, p, "asymptotic")
}

/// Rows by bin and sample; two bins or more, and no empty sample.
struct Table {
    bins: Vec<(u64, u64)>,
    rows: [u64; 2],
}

impl Table {
    fn new(bins: Vec<(u64, u64)>) -> Option<Self> {
        let rows = bins.iter().fold([0, 0], |[n, m], (a, b)| [n + a, m + b]);
        (bins.len() > 1 && rows[0] > 0 && rows[1] > 0).then_some(Self { bins, rows })
    }

    fn smaller_share(&self) -> f64 {
        self.rows[0].min(self.rows[1]) as f64 / (self.rows[0] + self.rows[1]) as f64
    }

    /// The smallest expected count.
    fn least(&self) -> f64 {
        let least = self.bins.iter().map(|(a, b)| a + b).min().unwrap_or(0);
        least as f64 * self.smaller_share()
    }

    fn statistic(&self) -> f64 {
        let pooled: Vec<u64> = self.bins.iter().map(|(a, b)| a + b).collect();
        let first: Vec<u64> = self.bins.iter().map(|(a, _)| *a).collect();
        pearson(&pooled, &first, self.rows[0] as f64)
    }

    /// The difference of the shares of the first bin.
    fn shares(&self) -> f64 {
        let (a, b) = self.bins[0];
        (a as f64 / self.rows[0] as f64 - b as f64 / self.rows[1] as f64).abs()
    }

    /// Two-sided p-value of a table of 2 × 2: the probability of all tables with these margins that are
    /// no more probable than this one.
    fn fisher(&self) -> f64 {
        let [n, m] = self.rows;
        let (a, b) = self.bins[0];
        let of = a + b;
        let choose = |n: u64, k: u64| {
            lgamma(n as f64 + 1.0) - lgamma(k as f64 + 1.0) - lgamma((n - k) as f64 + 1.0)
        };
        let chance = |x: u64| exp(choose(n, x) + choose(m, of - x) - choose(n + m, of));
        let seen = chance(a) * (1.0 + 1e-7);
        let all = of.saturating_sub(m)..=n.min(of);
        all.map(chance).filter(|p| *p <= seen).sum()
    }

    /// The rarest bins as one, as many of them as it takes until enough rows are expected in it. Which
    /// they are depends on both samples together, so it favours no hypothesis.
    fn pooled(&self) -> Option<Self> {
        let mut bins = self.bins.clone();
        // Of equally rare ones the first: the order of bins is the caller's, and the same every time.
        bins.sort_by_key(|(a, b)| a + b);
        let share = self.smaller_share();
        let enough = |(a, b): &(u64, u64)| (a + b) as f64 * share >= EXPECTED;
        let mut rare = (0, 0);
        let mut taken = 0;
        for bin in &bins {
            if enough(bin) && enough(&rare) {
                break;
            }
            rare = (rare.0 + bin.0, rare.1 + bin.1);
            taken += 1;
        }
        let rest = bins[taken..].iter().copied();
        Self::new(std::iter::once(rare).chain(rest).collect())
    }
}

/// Pearson's χ² = Σ (observed − expected)² / expected over both samples, from the counts of one of them
/// of `rows` rows; with N rows in all it is N²/(n(N − n)) · Σ (count − expected)² / pooled.
fn pearson(pooled: &[u64], counts: &[u64], rows: f64) -> f64 {
    let all = pooled.iter().sum::<u64>() as f64;
    let share = rows / all;
    let cells = pooled.iter().zip(counts).map(|(&pooled, &count)| {
        let pooled = pooled as f64;
        (count as f64 - pooled * share).powi(2) / pooled
    });
    cells.sum::<f64>() / (share * (1.0 - share))
}

#[cfg(test)]
mod tests {
    use collegium_digest::Digest;

    use super::*;

    fn test(first: &[u64], second: &[u64]) -> Option<TwoSample> {
        let key = Digest::of(b"k");
        counts_differ(first, second, &Family { key: &key, name: "x", tests: 1 })
    }

    /// Σ (o − e)² / e, cell by cell.
    fn naive(first: &[u64], second: &[u64]) -> f64 {
        let [n, m] = [first, second].map(|s| s.iter().sum::<u64>() as f64);
        let mut sum = 0.0;
        for (&a, &b) in first.iter().zip(second) {
            for (observed, rows) in [(a, n), (b, m)] {
                let expected = (a + b) as f64 * rows / (n + m);
                sum += (observed as f64 - expected).powi(2) / expected;
            }
        }
        sum
    }

    #[test]
    fn the_statistic_is_pearsons() {
        for (a, b) in [([40_u64, 30, 30], [25_u64, 50, 75]), ([9, 100, 41], [22, 80, 18])] {
            let found = test(&a, &b).expect("two samples");
            assert!((found.statistic - naive(&a, &b)).abs() < 1e-9);
            assert_eq!((found.test.as_str(), found.by.as_str()), ("chi-squared", "asymptotic"));
        }
    }

    #[test]
    fn two_rare_bins_are_counted_out() {
        // The lady tasting tea: 1 − 2·(16 + 1)/70 is what is less extreme on both sides.
        let found = test(&[3, 1], &[1, 3]).expect("two samples");
        assert_eq!((found.test.as_str(), found.by.as_str()), ("fisher", "exact"));
        assert!((found.p_value - 34.0 / 70.0).abs() < 1e-12, "{found:?}");
        // One missing value in a million rows is no event, wherever it falls.
        let one = test(&[999_999, 1], &[1_000, 0]).expect("two samples");
        assert!(one.p_value > 0.99, "{one:?}");
        let other = test(&[1_000_000, 0], &[999, 1]).expect("two samples");
        assert!((other.p_value - 1_000.0 / 1_001_000.0).abs() < 1e-9, "{other:?}");
    }

    #[test]
    fn rare_levels_of_small_samples_are_permuted_and_of_large_ones_pooled() {
        let small = test(&[20, 10, 1, 1, 1], &[5, 20, 0, 0, 2]).expect("two samples");
        assert_eq!(small.by, "permutation");
        assert!(small.p_value < 0.02, "{small:?}");
        let mut large = vec![20_000, 30_000];
        large.extend([1; 300]);
        let mut shifted = vec![15_000, 34_000];
        shifted.extend([1; 300]);
        let found = test(&large, &shifted).expect("two samples");
        assert_eq!(found.by, "asymptotic");
        assert!(found.p_value < 1e-100, "{found:?}");
        // A level in every row and no level twice: nothing can be tested.
        let mut ids = vec![(1, 0); 9_000];
        ids.extend([(0, 1); 9_000]);
        let (a, b): (Vec<u64>, Vec<u64>) = ids.into_iter().unzip();
        assert!(test(&a, &b).is_none());
    }

    #[test]
    fn nothing_is_tested_where_there_is_nothing_to_compare() {
        assert!(test(&[], &[]).is_none());
        assert!(test(&[5, 0], &[9, 0]).is_none());
        assert!(test(&[5, 7], &[0, 0]).is_none());
    }
}
