//! Permutation tests: p-values by exchanging which sample a row belongs to.

use collegium_digest::{Digest, Stream, stream};

use crate::resample::index;

/// Permutations at least, where that is all that there is work for.
const LEAST: usize = 200;
/// Permutations at most, unless the family has so many tests that corrected p-values would need more.
const MOST: usize = 9_999;
/// Rows that are drawn in all permutations together.
const WORK: usize = 30_000_000;
/// So many permutations that differ as much as the samples do, and the p-value is known well enough.
const ENOUGH: usize = 25;

/// A test's place among others: what its random numbers are keyed by, and how many tests its p-value is
/// to be corrected for, which is how small it must be able to be.
#[derive(Debug, Clone, Copy)]
pub struct Family<'a> {
    /// Names the random numbers, with `name`.
    pub key: &'a Digest,
    /// Names this test.
    pub name: &'a str,
    /// Tests that are corrected for together.
    pub tests: usize,
}

impl Family<'_> {
    fn stream(&self) -> Stream {
        stream(self.key, &format!("permutation {}", self.name))
    }

    /// Permutations for samples of which the smaller has `rows` rows.
    fn permutations(&self, rows: usize, bins: usize) -> usize {
        let wanted = MOST.max(200 * self.tests);
        wanted.min((WORK / (rows + bins).max(1)).max(LEAST))
    }
}

/// How often a sample of `rows` rows, drawn without replacement from what both samples hold together
/// (`pooled`, rows by bin), has a statistic of at least `observed`. `statistic` is of the counts of a
/// drawn sample by bin.
///
/// Stops early where many do (Besag and Clifford 1991, *Sequential Monte Carlo p-values*): the p-value is
/// then the share so far, else (1 + count)/(1 + permutations).
pub(super) fn permuted(
    pooled: &[u64],
    rows: usize,
    observed: f64,
    statistic: impl Fn(&[u64]) -> f64,
    family: &Family,
) -> f64 {
    let mut bins: Vec<u32> = Vec::new();
    for (bin, &count) in pooled.iter().enumerate() {
        bins.extend(std::iter::repeat_n(bin as u32, count as usize));
    }
    let mut stream = family.stream();
    let most = family.permutations(rows, pooled.len());
    // Sums in another order must not make an equal statistic a smaller one.
    let bar = observed - 1e-9 * observed.abs();
    let mut counts = vec![0; pooled.len()];
    let mut reached = 0;
    for done in 1..=most {
        counts.fill(0);
        for at in 0..rows {
            let other = at + index(&mut stream, bins.len() - at);
            bins.swap(at, other);
            counts[bins[at] as usize] += 1;
        }
        reached += usize::from(statistic(&counts) >= bar);
        if reached == ENOUGH {
            return reached as f64 / done as f64;
        }
    }
    (1 + reached) as f64 / (1 + most) as f64
}
