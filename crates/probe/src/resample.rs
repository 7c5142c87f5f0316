//! Resampling with replacement (bootstrap): draws of rows or of whole groups, and quantiles.

use collegium_digest::{Stream, stream};
use collegium_records::Interval;
use rand::Rng as _;

use crate::Resampling;

/// Resamples that are drawn and measured side by side. Eight counts of one row lie next to each
/// other, so that one pass over the rows serves eight resamples and the inner loop is one vector.
pub(crate) const LANES: usize = 8;

/// How often a row was drawn in each of [`LANES`] resamples.
///
/// `u16` holds every count that occurs: a row of 65,536 or more rows would have to be drawn 65,536
/// times, which has a probability below 10^-287000.
pub(crate) type Counts<const L: usize> = [u16; L];

/// Some resamples side by side.
pub(crate) struct Block<'a> {
    /// How often each row was drawn.
    pub(crate) counts: &'a [Counts<LANES>],
    /// How many of the lanes hold a resample: the last block may be short, and its other lanes are all
    /// zero.
    pub(crate) lanes: usize,
    /// Rows in each resample. Groups differ in size, so resamples of them do.
    pub(crate) totals: [f64; LANES],
}

/// Draws multinomial counts of rows or of groups, resample after resample, from one keyed stream; of few
/// groups, leaves out one after the other.
///
/// The draws of resample r follow those of resample r − 1, so that asking for more resamples extends a
/// bootstrap and never changes its beginning.
pub(crate) struct Draws<'a> {
    how: Resampling<'a>,
    stream: Stream,
    counts: Vec<Counts<LANES>>,
    /// One resample's counts of what is drawn, by themselves: a million of them stay in a core's cache
    /// under random increments, which eight side by side do not (measured: then it draws a third as fast).
    one: Vec<u16>,
    left: usize,
}

impl<'a> Draws<'a> {
    /// Prepares to draw `rows` rows again.
    ///
    /// # Panics
    /// When groups are of other rows (a mistake of the caller, which no data can cause).
    pub(crate) fn new(how: Resampling<'a>, purpose: &str, rows: usize) -> Self {
        let units = how.groups.map_or(rows, |groups| {
            assert_eq!(groups.codes().len(), rows, "a group for each row");
            groups.count()
        });
        let left = match (how.resamples, units) {
            (1.., 2..) if how.is_jackknife() => units,
            (1.., 1) if how.is_jackknife() => 0,
            (resamples, _) => resamples as usize,
        };
        Self {
            how,
            stream: stream(how.key, purpose),
            counts: vec![[0; LANES]; rows],
            one: vec![0; units],
            left,
        }
    }

    /// The next resamples; `None` when all are drawn, or when the drawing is stopped.
    pub(crate) fn next_block(&mut self) -> Option<Block<'_>> {
        let lanes = self.left.min(LANES);
        if lanes == 0 || self.counts.is_empty() || self.how.is_stopped() {
            return None;
        }
        self.counts.fill([0; LANES]);
        let mut totals = [0.0; LANES];
        for (lane, total) in totals.iter_mut().enumerate().take(lanes) {
            self.draw();
            self.left -= 1;
            match self.how.groups {
                None => {
                    for (row, &count) in self.counts.iter_mut().zip(&self.one) {
                        row[lane] = count;
                    }
                    *total = self.counts.len() as f64;
                }
                Some(groups) => {
                    let mut rows = 0_u64;
                    for (row, &group) in self.counts.iter_mut().zip(groups.codes()) {
                        row[lane] = self.one[group as usize];
                        rows += u64::from(row[lane]);
                    }
                    *total = rows as f64;
                }
            }
        }
        Some(Block { counts: &self.counts, lanes, totals })
    }

    /// One resample's counts.
    fn draw(&mut self) {
        let units = self.one.len();
        if self.how.is_jackknife() {
            self.one.fill(1);
            self.one[units - self.left] = 0;
            return;
        }
        self.one.fill(0);
        for _ in 0..units {
            let count = &mut self.one[index(&mut self.stream, units)];
            *count = count.saturating_add(1);
        }
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
    central(values, 0.025)
}

/// The same with a share of `tail` left out on each side. Of B values the k-th has k/(B + 1) below it in
/// expectation (Davison and Hinkley 1997, section 5.2.3); between the least and the greatest as numpy would
/// have it, an interval of 200 resamples would leave out 6 % and not 5 %.
pub(crate) fn central(values: &mut Vec<f64>, tail: f64) -> Option<Interval> {
    values.retain(|v| v.is_finite());
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let place = (tail * (last + 2) as f64 - 1.0).clamp(0.0, last as f64 / 2.0);
    let at = |place: f64| quantile(values, if last == 0 { 0.0 } else { place / last as f64 });
    Some(Interval { low: at(place), high: at(last as f64 - place) })
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
    use std::sync::atomic::{AtomicBool, Ordering};

    use collegium_digest::Digest;

    use super::*;
    use crate::Groups;

    #[test]
    fn every_resample_draws_as_many_rows_as_there_are() {
        let key = Digest::of(b"k");
        let mut draws = Draws::new(Resampling::of_rows(20, &key), "bootstrap", 37);
        let mut seen = 0;
        while let Some(Block { counts, lanes, totals }) = draws.next_block() {
            assert!(totals[..lanes].iter().all(|total| *total == 37.0));
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
            let key = Digest::of(b"k");
            let mut draws = Draws::new(Resampling::of_rows(resamples, &key), "bootstrap", 11);
            draws.next_block().map(|block| block.counts.to_vec()).expect("rows and resamples")
        };
        let (short, long) = (first(3), first(30));
        for (a, b) in short.iter().zip(&long) {
            assert_eq!(a[..3], b[..3]);
        }
    }

    /// Every row of a group is drawn as often as the group, and as many groups as there are.
    #[test]
    fn groups_are_drawn_whole() {
        let key = Digest::of(b"k");
        let groups = Groups::of((0..90).map(|row| row * row % 61)).expect("31 squares");
        assert_eq!(groups.count(), 31);
        let how = Resampling::of_rows(20, &key).by(Some(&groups));
        let mut draws = Draws::new(how, "bootstrap", 90);
        while let Some(Block { counts, lanes, totals }) = draws.next_block() {
            for lane in 0..lanes {
                let mut drawn = vec![None; groups.count()];
                for (count, &group) in counts.iter().zip(groups.codes()) {
                    let known = drawn[group as usize].get_or_insert(count[lane]);
                    assert_eq!(*known, count[lane]);
                }
                assert_eq!(drawn.iter().flatten().map(|n| u32::from(*n)).sum::<u32>(), 31);
                let rows: u32 = counts.iter().map(|count| u32::from(count[lane])).sum();
                assert_eq!(totals[lane], f64::from(rows));
            }
        }
    }

    #[test]
    fn few_groups_are_left_out_one_by_one() {
        let key = Digest::of(b"k");
        let groups = Groups::of((0..30).map(|row| row % 10));
        let mut draws = Draws::new(Resampling::of_rows(1, &key).by(groups.as_ref()), "x", 30);
        let mut left_out = Vec::new();
        while let Some(Block { counts, lanes, totals }) = draws.next_block() {
            for lane in 0..lanes {
                let without: Vec<usize> = (0..30).filter(|row| counts[*row][lane] == 0).collect();
                assert!(counts.iter().all(|count| count[lane] <= 1) && totals[lane] == 27.0);
                left_out.push(without);
            }
        }
        let expected: Vec<Vec<usize>> = (0..10).map(|g| vec![g, g + 10, g + 20]).collect();
        assert_eq!(left_out, expected);
        let one = Groups::of([4, 4, 4]);
        let how = Resampling::of_rows(9, &key).by(one.as_ref());
        assert!(Draws::new(how, "x", 3).next_block().is_none(), "one group has no other");
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
    fn the_ends_of_an_interval_are_those_of_numpys_weibull_quantiles() {
        // numpy.quantile(range(1, 101), [.025, .975], method="weibull"), and of range(1, 11)
        for (most, low, high) in [(100, 2.525, 98.475), (10, 1.0, 10.0)] {
            let mut values = (1..=most).map(f64::from).chain([f64::NAN]).collect();
            let found = interval(&mut values).expect("values");
            assert!(
                (found.low - low).abs() < 1e-9 && (found.high - high).abs() < 1e-9,
                "{found:?}"
            );
        }
        let mut one = vec![3.0];
        assert_eq!(interval(&mut one), Some(Interval { low: 3.0, high: 3.0 }));
        assert_eq!(interval(&mut vec![f64::NAN]), None);
    }

    #[test]
    fn nothing_is_drawn_once_somebody_said_stop() {
        let (key, stop) = (Digest::of(b"stop"), AtomicBool::new(false));
        let mut draws = Draws::new(Resampling::of_rows(80, &key).until(&stop), "x", 9);
        assert!(draws.next_block().is_some());
        stop.store(true, Ordering::Relaxed);
        assert!(draws.next_block().is_none());
        let how = Resampling::of_rows(80, &key).until(&stop);
        let measured = crate::measure_classification(&[0.2, 0.8, 0.6], 1, &[0, 1, 1], 2, how);
        assert!(measured.intervals.is_empty() && !measured.metrics.is_empty());
    }
}
