//! Binning of columns for the regression tree of weak slices.

use super::{
    SliceFeature, SliceValues,
    cuts::{cuts, number},
};

/// A column, cut into bins on validation rows.
pub(super) struct Binned<'a> {
    feature: &'a SliceFeature<'a>,
    /// Numbers: bin i holds cuts[i − 1] < x ≤ cuts[i].
    cuts: Vec<f64>,
    /// Bins of known values; the one after them holds missing values.
    pub(super) known: usize,
    /// By validation row.
    pub(super) valid: Vec<u32>,
    /// By test row.
    pub(super) test: Vec<u32>,
}

impl<'a> Binned<'a> {
    pub(super) fn new(feature: &'a SliceFeature<'a>, valid: &[u32], test: &[u32]) -> Self {
        let cuts = match feature.values {
            SliceValues::Number(values) => cuts(values, valid),
            SliceValues::Category { .. } => Vec::new(),
        };
        let known = match feature.values {
            SliceValues::Number(_) => cuts.len() + 1,
            SliceValues::Category { levels, .. } => levels.len(),
        };
        let binned = |rows: &[u32]| match feature.values {
            SliceValues::Number(values) => {
                let bin = |x: f64| if x.is_finite() { below(&cuts, x) } else { known as u32 };
                rows.iter().map(|&row| bin(values[row as usize])).collect()
            }
            SliceValues::Category { codes, .. } => {
                rows.iter().map(|&row| codes[row as usize].min(known as u32)).collect()
            }
        };
        let (valid, test) = (binned(valid), binned(test));
        Self { feature, cuts, known, valid, test }
    }

    /// All bins, that of missing values included.
    pub(super) fn bins(&self) -> usize {
        self.known + 1
    }

    pub(super) fn is_category(&self) -> bool {
        matches!(self.feature.values, SliceValues::Category { .. })
    }

    /// That a row's bin is one of `allowed`, in words; `rows` are test rows of which that is true.
    /// Bounds of numbers are printed as they are. Of levels, those are named that occur among
    /// `rows`, the six most frequent at most; missing values too, only if there are any.
    pub(super) fn condition(&self, allowed: &[bool], rows: &[u32]) -> String {
        let name = self.feature.name;
        let known = &allowed[..self.known];
        let missing = rows.iter().any(|&row| self.test[row as usize] as usize == self.known);
        if known.iter().all(|allowed| !allowed) {
            return format!("{name} missing");
        }
        if known.iter().all(|allowed| *allowed) {
            return format!("{name} known");
        }
        let text = match self.feature.values {
            SliceValues::Number(_) => between(name, known, &self.cuts),
            SliceValues::Category { levels, .. } => {
                let levels = self.by_frequency(rows).into_iter().map(|level| &*levels[level]);
                one_of(name, levels.collect())
            }
        };
        if missing { text + " or missing" } else { text }
    }

    /// Levels that occur among test rows, most frequent first.
    fn by_frequency(&self, rows: &[u32]) -> Vec<usize> {
        let mut counts = vec![0_u32; self.bins()];
        for &row in rows {
            counts[self.test[row as usize] as usize] += 1;
        }
        let mut found: Vec<usize> = (0..self.known).filter(|&level| counts[level] > 0).collect();
        found.sort_by_key(|&level| std::cmp::Reverse(counts[level]));
        found
    }
}

/// `12 < flights.hour <= 19.5`, for a contiguous run of bins that is not all of them.
fn between(name: &str, known: &[bool], cuts: &[f64]) -> String {
    let first = known.iter().position(|allowed| *allowed).unwrap_or_default();
    let last = known.iter().rposition(|allowed| *allowed).unwrap_or_default();
    let low = first.checked_sub(1).map(|below| cuts[below]);
    match (low, cuts.get(last)) {
        (Some(low), Some(&high)) => format!("{} < {name} <= {}", number(low), number(high)),
        (Some(low), None) => format!("{name} > {}", number(low)),
        (None, Some(&high)) => format!("{name} <= {}", number(high)),
        (None, None) => format!("{name} known"),
    }
}

/// `flights.origin in {EWR, JFK}`: the first of `levels`, in the order of the alphabet.
fn one_of(name: &str, mut levels: Vec<&str>) -> String {
    const NAMED: usize = 6;
    let more = levels.len().saturating_sub(NAMED);
    levels.truncate(NAMED);
    levels.sort_unstable();
    match (levels.as_slice(), more) {
        ([level], _) => format!("{name} = {level}"),
        (_, 0) => format!("{name} in {{{}}}", levels.join(", ")),
        _ => format!("{name} in {{{} and {more} more}}", levels.join(", ")),
    }
}

/// The bin of a known number.
fn below(cuts: &[f64], x: f64) -> u32 {
    cuts.partition_point(|cut| *cut < x) as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::cuts::BINS, *};

    fn all(rows: usize) -> Vec<u32> {
        (0..rows as u32).collect()
    }

    /// Test rows of the allowed bins.
    fn inside(column: &Binned, allowed: &[bool]) -> Vec<u32> {
        all(column.test.len())
            .into_iter()
            .filter(|&row| allowed[column.test[row as usize] as usize])
            .collect()
    }

    #[test]
    fn conditions_read_as_people_write_them() {
        let hours: Vec<f64> = (0..24).map(f64::from).chain([f64::NAN]).collect();
        let hour = SliceFeature { name: "f.hour", values: SliceValues::Number(&hours) };
        let rows = all(25);
        let hour = Binned::new(&hour, &rows, &rows);
        assert_eq!((hour.known, hour.bins()), (24, 25));
        let text = |holds: &dyn Fn(usize) -> bool| {
            let allowed: Vec<bool> = (0..25).map(holds).collect();
            hour.condition(&allowed, &inside(&hour, &allowed))
        };
        insta::assert_snapshot!(
            [
                text(&|bin| bin > 19 && bin < 24),
                text(&|bin| bin > 19),
                text(&|bin| bin <= 6),
                text(&|bin| (13..=19).contains(&bin)),
                text(&|bin| bin == 24),
                text(&|bin| bin < 24),
            ]
            .join("\n"),
            @r"
        f.hour > 19
        f.hour > 19 or missing
        f.hour <= 6
        12 < f.hour <= 19
        f.hour missing
        f.hour known
        "
        );
    }

    #[test]
    fn the_six_most_frequent_levels_are_named_and_the_others_counted() {
        let levels: Vec<String> =
            ["A", "B", "C", "D", "E", "F", "G", "H", "unused"].map(str::to_owned).into();
        let codes: Vec<u32> = vec![0, 1, 2, 2, 3, 4, 5, 6, 7, 7, u32::MAX];
        let values = SliceValues::Category { codes: &codes, levels: &levels };
        let origin = SliceFeature { name: "f.origin", values };
        let rows = all(codes.len());
        let origin = Binned::new(&origin, &rows, &rows);
        let text = |holds: &dyn Fn(usize) -> bool| {
            let allowed: Vec<bool> = (0..10).map(holds).collect();
            origin.condition(&allowed, &inside(&origin, &allowed))
        };
        insta::assert_snapshot!(
            [
                text(&|bin| bin == 1 || bin == 8),
                text(&|bin| bin < 3),
                text(&|bin| bin < 3 || bin == 9),
                text(&|bin| bin < 8),
                text(&|bin| bin == 9),
                text(&|bin| bin < 9),
            ]
            .join("\n"),
            @r"
        f.origin = B
        f.origin in {A, B, C}
        f.origin in {A, B, C} or missing
        f.origin in {A, B, C, D, E, H and 2 more}
        f.origin missing
        f.origin known
        "
        );
    }

    proptest! {
        #[test]
        fn a_bin_holds_what_its_cuts_say_and_no_cut_repeats(
            values in prop::collection::vec(prop_oneof![
                3 => (-50_i32..50).prop_map(|i| f64::from(i) / 4.0),
                3 => -1e3_f64..1e3,
                1 => Just(0.0),
                1 => Just(f64::NAN),
                1 => prop::num::f64::NORMAL,
            ], 1..600)
        ) {
            let feature = SliceFeature { name: "x", values: SliceValues::Number(&values) };
            let rows = all(values.len());
            let binned = Binned::new(&feature, &rows, &rows);
            prop_assert!(binned.cuts.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(binned.known <= BINS);
            for (&x, &bin) in values.iter().zip(&binned.test) {
                let bin = bin as usize;
                if x.is_nan() {
                    prop_assert_eq!(bin, binned.known);
                } else {
                    prop_assert!(bin == 0 || binned.cuts[bin - 1] < x);
                    prop_assert!(bin + 1 == binned.known || x <= binned.cuts[bin]);
                }
            }
        }
    }
}
