//! The bootstrap's draws, and the quantiles of what they give.

use collegium_digest::{Digest, Stream, stream};
use collegium_records::Interval;
use rand::Rng as _;

/// Resamples that are drawn and measured side by side. Eight counts of one row lie next to each
/// other, so that one pass over the rows serves eight resamples and the inner loop is one vector.
pub(crate) const LANES: usize = 8;

/// How often a row was drawn in each of [`LANES`] resamples.
///
/// `u16` holds every count that occurs: a row of 65,536 or more rows would have to be drawn 65,536
/// times, which has a probability below 10^-287000.
pub(crate) type Counts<const L: usize> = [u16; L];

/// Draws multinomial row counts, resample after resample, from one keyed stream.
///
/// The n draws of resample r follow those of resample r − 1, so that asking for more resamples
/// extends a bootstrap and never changes its beginning.
pub(crate) struct Draws {
    stream: Stream,
    counts: Vec<Counts<LANES>>,
    /// One resample's counts by themselves: a million of them stay in a core's cache under random
    /// increments, which eight side by side do not (measured: then it draws a third as fast).
    one: Vec<u16>,
    left: usize,
}

impl Draws {
    /// Prepares `resamples` resamples of `rows` rows.
    pub(crate) fn new(key: &Digest, purpose: &str, rows: usize, resamples: u32) -> Self {
        Self {
            stream: stream(key, purpose),
            counts: vec![[0; LANES]; rows],
            one: vec![0; rows],
            left: resamples as usize,
        }
    }

    /// The next resamples: the counts of each row and how many of the lanes hold a resample (the
    /// last block may be short; its other lanes are all zero). `None` when all are drawn.
    pub(crate) fn next_block(&mut self) -> Option<(&[Counts<LANES>], usize)> {
        let lanes = self.left.min(LANES);
        if lanes == 0 || self.counts.is_empty() {
            return None;
        }
        self.left -= lanes;
        self.counts.fill([0; LANES]);
        let rows = self.counts.len();
        for lane in 0..lanes {
            self.one.fill(0);
            for _ in 0..rows {
                let count = &mut self.one[index(&mut self.stream, rows)];
                *count = count.saturating_add(1);
            }
            for (row, &count) in self.counts.iter_mut().zip(&self.one) {
                row[lane] = count;
            }
        }
        Some((&self.counts, lanes))
    }
}

/// Σ count · value of each resample.
pub(crate) fn weighted(counts: &[Counts<LANES>], values: &[f64]) -> [f64; LANES] {
    let mut sums = [0.0; LANES];
    for (count, &value) in counts.iter().zip(values) {
        for (sum, &count) in sums.iter_mut().zip(count) {
            *sum += f64::from(count) * value;
        }
    }
    sums
}

/// Fisher and Yates's shuffle.
pub(crate) fn shuffle<T>(order: &mut [T], stream: &mut Stream) {
    for i in (1..order.len()).rev() {
        order.swap(i, index(stream, i + 1));
    }
}

/// A uniform integer below `n` (1 ≤ n ≤ 2^32), unbiased: Lemire, *Fast random integer generation in
/// an interval* (2019). Written out because these draws are part of what is stored, and must not
/// move when a library changes its own method.
pub(crate) fn index(stream: &mut Stream, n: usize) -> usize {
    let n = n as u64;
    loop {
        let product = u64::from(stream.next_u32()) * n;
        let low = product & 0xffff_ffff;
        // Only a low half below n can be one of the (2^32 mod n) surplus values.
        if low >= n || low >= (1_u64 << 32) % n {
            return (product >> 32) as usize;
        }
    }
}

/// The central 95 % of `values` (which are reordered). NaN values, which stand for "not defined on
/// this resample", are left out; `None` when nothing is left.
pub(crate) fn interval(values: &mut Vec<f64>) -> Option<Interval> {
    values.retain(|v| v.is_finite());
    values.sort_by(f64::total_cmp);
    if values.is_empty() {
        return None;
    }
    Some(Interval { low: quantile(values, 0.025), high: quantile(values, 0.975) })
}

/// The quantile of one or more sorted values, by linear interpolation between order statistics, as
/// numpy's default.
pub(crate) fn quantile(sorted: &[f64], q: f64) -> f64 {
    let last = sorted.len() - 1;
    let at = q * last as f64;
    let below = at.floor() as usize;
    let above = (below + 1).min(last);
    sorted[below] + (at - below as f64) * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_resample_draws_as_many_rows_as_there_are() {
        let mut draws = Draws::new(&Digest::of(b"k"), "bootstrap", 37, 20);
        let mut seen = 0;
        while let Some((counts, lanes)) = draws.next_block() {
            for lane in 0..LANES {
                let sum: u32 = counts.iter().map(|c| u32::from(c[lane])).sum();
                assert_eq!(sum, if lane < lanes { 37 } else { 0 });
            }
            seen += lanes;
        }
        assert_eq!(seen, 20);
    }

    #[test]
    fn more_resamples_extend_a_bootstrap() {
        let first = |resamples| {
            let mut draws = Draws::new(&Digest::of(b"k"), "bootstrap", 11, resamples);
            draws.next_block().map(|(counts, _)| counts.to_vec()).expect("rows and resamples")
        };
        let (short, long) = (first(3), first(30));
        for (a, b) in short.iter().zip(&long) {
            assert_eq!(a[..3], b[..3]);
        }
    }

    #[test]
    fn indices_are_uniform_and_cover_the_range() {
        let mut s = stream(&Digest::of(b"k"), "test");
        let mut seen = [0_u32; 7];
        for _ in 0..70_000 {
            seen[index(&mut s, 7)] += 1;
        }
        // Five standard deviations of a binomial (70000, 1/7).
        assert!(seen.iter().all(|&c| c.abs_diff(10_000) < 465), "{seen:?}");
        assert_eq!(index(&mut s, 1), 0);
    }

    #[test]
    fn quantiles_interpolate_as_numpy_does() {
        // numpy.quantile(range(1, 11), [.025, .975])
        let mut values = (1..=10).map(f64::from).chain([f64::NAN]).collect();
        let found = interval(&mut values).expect("ten values");
        assert!((found.low - 1.225).abs() < 1e-12 && (found.high - 9.775).abs() < 1e-12);
        assert_eq!(interval(&mut vec![f64::NAN]), None);
    }
}
