//! Groups of rows, and the cluster bootstrap and jackknife over them.
//!
//! Rows of one customer, or of one day, are alike. Drawn one by one they look like more evidence than they
//! are, and intervals come out too narrow. So the unit that is drawn is the group: G groups with
//! replacement, each with all its rows (the cluster bootstrap; Davison and Hinkley 1997, section 3.8).
//!
//! Two corrections for few groups. A percentile interval of G units is too narrow by about √((G − 1)/G)
//! and by what the normal distribution lacks against Student's t; both are allowed for by taking quantiles
//! further out (Hesterberg 2015, *What teachers should know about the bootstrap*). Below
//! [`FEWEST_GROUPS`] resamples of groups say little, and the interval is the jackknife's: leave out one
//! group at a time, and take Student's t with G − 1 degrees of freedom. One group has no interval.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, Ordering},
};

use collegium_digest::Digest;
use collegium_records::{FEWEST_GROUPS, Interval};

use crate::{
    compare::student_quantile,
    resample::{central, interval},
};

/// The groups of some rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    /// The group of each row, below `count`.
    codes: Vec<u32>,
    count: usize,
}

impl Groups {
    /// From any name of the group of each row. `None` where each row is a group of its own, so that
    /// nothing belongs together and the rows themselves are drawn; so too without rows.
    pub fn of(names: impl IntoIterator<Item = u64>) -> Option<Self> {
        let mut known: HashMap<u64, u32> = HashMap::new();
        let mut codes = Vec::new();
        for name in names {
            // Rows are numbered by 32 bits, so groups are.
            let next = known.len() as u32;
            codes.push(*known.entry(name).or_insert(next));
        }
        let count = known.len();
        (count < codes.len()).then_some(Self { codes, count })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The sum of a value over the rows of each group; there is a value for each row.
    pub(crate) fn sums(&self, values: impl IntoIterator<Item = f64>) -> Vec<f64> {
        let mut sums = vec![0.0; self.count()];
        self.codes().iter().zip(values).for_each(|(&group, value)| sums[group as usize] += value);
        sums
    }

    /// The group of each row, numbered in the order in which they come.
    pub fn codes(&self) -> &[u32] {
        &self.codes
    }

    /// Are there too few for a bootstrap?
    pub fn are_few(&self) -> bool {
        (self.count as u64) < FEWEST_GROUPS
    }

    /// Of two ways in which `rows` rows belong together the one of fewer groups.
    pub fn coarser(one: Option<Self>, other: Option<Self>, rows: usize) -> Option<Self> {
        let count = |groups: &Option<Self>| groups.as_ref().map_or(rows, Self::count);
        if count(&other) < count(&one) { other } else { one }
    }

    /// The groups of the rows that `keep` holds true for, in their order.
    ///
    /// # Panics
    /// When `keep` is not of these rows (a mistake of the caller, which no data can cause).
    pub fn only(&self, keep: &[bool]) -> Option<Self> {
        assert_eq!(keep.len(), self.codes.len(), "an answer for each row");
        let kept = self.codes.iter().zip(keep).filter(|(_, keep)| **keep);
        Self::of(kept.map(|(code, _)| u64::from(*code)))
    }
}

/// How rows are drawn again for an interval.
#[derive(Debug, Clone, Copy)]
pub struct Resampling<'a> {
    /// How often; 0 for no interval. Where groups are few each is left out once instead.
    pub resamples: u32,
    /// What names the random numbers: equal keys draw alike.
    pub key: &'a Digest,
    /// Rows that are drawn together; `None` for each by itself.
    pub groups: Option<&'a Groups>,
    /// Once this is true no more is drawn, and what is made of the draws so far is to be thrown away.
    pub stop: Option<&'a AtomicBool>,
}

impl<'a> Resampling<'a> {
    /// Each row by itself.
    pub fn of_rows(resamples: u32, key: &'a Digest) -> Self {
        Self { resamples, key, groups: None, stop: None }
    }

    /// The same by these groups, if there are any.
    #[must_use]
    pub fn by(self, groups: Option<&'a Groups>) -> Self {
        Self { groups, ..self }
    }

    /// The same until somebody says stop.
    #[must_use]
    pub fn until(self, stop: &'a AtomicBool) -> Self {
        Self { stop: Some(stop), ..self }
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    pub(crate) fn is_jackknife(&self) -> bool {
        self.groups.is_some_and(Groups::are_few)
    }

    /// The 95 % interval of a measure that is `point` on all rows and `values` on the resamples (which are
    /// reordered, and of which those that are not defined are left out).
    pub(crate) fn interval(&self, point: f64, values: &mut Vec<f64>) -> Option<Interval> {
        if self.is_jackknife() {
            let (variance, freedom) = self.variance(values)?;
            let reach = student_quantile(freedom) * variance.sqrt();
            return point
                .is_finite()
                .then_some(Interval { low: point - reach, high: point + reach });
        }
        match self.groups {
            None => interval(values),
            Some(groups) => central(values, tail(groups.count())),
        }
    }

    /// The variance of a measure by its `values` on the resamples, and its degrees of freedom by the
    /// groups; rows are so many that theirs have no end. `None` where it cannot be told.
    pub(crate) fn variance(&self, values: &[f64]) -> Option<(f64, f64)> {
        let units = self.groups.map(|groups| groups.count() as f64);
        // A jackknife without one of its values leaves a group out altogether.
        let whole = !self.is_jackknife() || values.iter().all(|v| v.is_finite());
        let values: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
        if !whole || values.len() < 2 {
            return None;
        }
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
        Some(match units {
            Some(_) if self.is_jackknife() => (squares * (n - 1.0) / n, n - 1.0),
            Some(units) => (squares / (n - 1.0) * units / (units - 1.0), units - 1.0),
            None => (squares / (n - 1.0), f64::INFINITY),
        })
    }
}

/// What lies outside on each side in a percentile interval of so many groups:
/// Φ(−√(G/(G − 1)) · t) with the 2.5 % point t of Student's distribution.
fn tail(groups: usize) -> f64 {
    let groups = groups as f64;
    let reach = student_quantile(groups - 1.0) * (groups / (groups - 1.0)).sqrt();
    0.5 * libm::erfc(reach / std::f64::consts::SQRT_2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rows_that_are_each_a_group_are_just_rows() {
        assert_eq!(Groups::of([7, 3, 5]), None);
        assert_eq!(Groups::of([]), None);
        let groups = Groups::of([7, 3, 7, 5]).expect("two rows of one group");
        assert_eq!((groups.codes(), groups.count()), (&[0, 1, 0, 2][..], 3));
        assert_eq!(groups.only(&[true, true, false, true]), None);
        let kept = groups.only(&[true, false, true, true]).expect("two rows of one group");
        assert_eq!((kept.codes(), kept.count()), (&[0, 0, 1][..], 2));
    }

    #[test]
    fn many_groups_have_the_tails_of_rows_and_few_wider_ones() {
        // By the tables, t is 2.093024 for 19 degrees of freedom and 2.022691 for 39.
        for (groups, expected) in [(20, 0.015_881), (40, 0.020_258), (1_000_000, 0.025)] {
            assert!((tail(groups) - expected).abs() < 1e-5, "{groups}: {}", tail(groups));
        }
    }

    proptest! {
        /// Left out one by one, means have the variance of a mean; whatever the order of the groups.
        #[test]
        fn a_jackknife_of_means_is_students_interval(
            values in prop::collection::vec(-100.0_f64..100.0, 2..19),
        ) {
            let n = values.len() as f64;
            let names = (0..values.len() as u64).chain([0]);
            let groups = Groups::of(names);
            let key = Digest::of(b"k");
            let how = Resampling::of_rows(100, &key).by(groups.as_ref());
            let sum: f64 = values.iter().sum();
            let without: Vec<f64> = values.iter().map(|v| (sum - v) / (n - 1.0)).collect();
            let (variance, freedom) = how.variance(&without).expect("two or more groups");
            let mean = sum / n;
            let textbook =
                values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0) / n;
            prop_assert!((variance - textbook).abs() <= 1e-9 * textbook.max(1.0));
            prop_assert_eq!(freedom, n - 1.0);
            let interval = how.interval(mean, &mut without.clone()).expect("an interval");
            let reach = student_quantile(freedom) * textbook.sqrt();
            prop_assert!((interval.high - mean - reach).abs() < 1e-6 * reach.max(1.0));
            prop_assert!((mean - interval.low - reach).abs() < 1e-6 * reach.max(1.0));
        }
    }

    #[test]
    fn a_measure_that_hangs_on_one_of_few_groups_has_no_interval() {
        let groups = Groups::of([0, 0, 1, 1, 2]);
        let key = Digest::of(b"k");
        let how = Resampling::of_rows(100, &key).by(groups.as_ref());
        assert!(how.interval(0.5, &mut vec![0.4, 0.6, 0.5]).is_some());
        assert_eq!(how.interval(0.5, &mut vec![0.4, f64::NAN, 0.5]), None);
    }
}
