//! Which rows a fold model is not trained on.
//!
//! A fold must not move when rows are appended, or every append would refit every fold. Permuted
//! blocks keep that promise: within each class, every `k` consecutive rows (or groups, at their
//! first row) get the folds `0..k` in a random order that depends on the block alone. A keyed hash
//! would keep it too, but leaves rare classes to chance.

use std::collections::{BTreeMap, HashMap};

use collegium_digest::{Digest, Stream, stream};
use rand::RngExt as _;

use crate::MISSING_CODE;

/// The fold, in `0..k`, of each of `rows` (indices into the table, ascending as a rule).
///
/// Permuted blocks in the order of `rows`, within each class of `classes` (one per *table* row;
/// `None`: one class). What is dealt is a row, or with `groups` (a key per *table* row) a whole
/// group when its first row comes, under the class of that row: each complete block of `k` dealt in
/// a class has one in each fold.
///
/// Appending to `rows` never moves an earlier one. `k` counts as at least 1 and at most 255.
pub fn folds(
    rows: &[u32],
    k: u32,
    groups: Option<&[u64]>,
    classes: Option<&[u32]>,
    key: &Digest,
) -> Vec<u8> {
    let k = u8::try_from(k.max(1)).unwrap_or(u8::MAX);
    let mut dealers = BTreeMap::new();
    let mut deal = |row: u32| {
        let class = classes.map_or(0, |c| c.get(row as usize).copied().unwrap_or(MISSING_CODE));
        dealers.entry(class).or_insert_with(|| Dealer::new(class, k, key)).deal()
    };
    let Some(groups) = groups else { return rows.iter().map(|&row| deal(row)).collect() };
    let mut dealt: HashMap<Option<u64>, u8> = HashMap::new();
    rows.iter()
        .map(|&row| {
            let group = groups.get(row as usize).copied();
            *dealt.entry(group).or_insert_with(|| deal(row))
        })
        .collect()
}

/// Deals the folds `0..k` in random order, over and over.
struct Dealer {
    random: Stream,
    block: Vec<u8>,
    next: usize,
}

impl Dealer {
    fn new(class: u32, k: u8, key: &Digest) -> Self {
        let block: Vec<u8> = (0..k).collect();
        Self { random: stream(key, &format!("folds of class {class}")), next: block.len(), block }
    }

    fn deal(&mut self) -> u8 {
        if self.next == self.block.len() {
            for last in (1..self.block.len()).rev() {
                self.block.swap(last, self.random.random_range(0..=last));
            }
            self.next = 0;
        }
        self.next += 1;
        self.block[self.next - 1]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> Digest {
        Digest::of(b"folds")
    }

    proptest! {
        #[test]
        fn appending_rows_never_moves_an_earlier_one(
            classes in prop::collection::vec(0u32..4, 1..200), cut in 0usize..200, k in 2u32..8, grouped: bool,
        ) {
            let rows: Vec<u32> = (0..classes.len() as u32).collect();
            let cut = cut.min(rows.len());
            let groups: Vec<u64> = classes.iter().map(|&c| u64::from(c) * 17).collect();
            let groups = grouped.then_some(groups.as_slice());
            let all = folds(&rows, k, groups, Some(&classes), &key());
            let some = folds(&rows[..cut], k, groups, Some(&classes[..cut]), &key());
            prop_assert_eq!(&all[..cut], &some[..]);
        }

        #[test]
        fn every_class_is_balanced_within_one_row(
            classes in prop::collection::vec(0u32..3, 1..200), k in 2u32..8,
        ) {
            let rows: Vec<u32> = (0..classes.len() as u32).collect();
            let found = folds(&rows, k, None, Some(&classes), &key());
            for class in 0..3 {
                let mut counts = vec![0; k as usize];
                for (fold, _) in found.iter().zip(&classes).filter(|(_, c)| **c == class) {
                    counts[*fold as usize] += 1;
                }
                let (low, high) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
                prop_assert!(high - low <= 1, "{counts:?}");
            }
        }

        #[test]
        fn every_fold_is_used_when_rows_suffice(n in 8u32..60, k in 2u32..8) {
            let rows: Vec<u32> = (0..n).collect();
            let mut found = folds(&rows, k, None, None, &key());
            found.sort_unstable();
            found.dedup();
            prop_assert_eq!(found.len(), k as usize);
        }

        #[test]
        fn a_group_falls_whole_into_one_fold(groups in prop::collection::vec(0u64..9, 1..100), k in 2u32..8) {
            let rows: Vec<u32> = (0..groups.len() as u32).collect();
            let found = folds(&rows, k, Some(&groups), None, &key());
            for (a, fold_a) in groups.iter().zip(&found) {
                for (b, fold_b) in groups.iter().zip(&found) {
                    prop_assert!(a != b || fold_a == fold_b);
                }
            }
        }
    }

    #[test]
    fn groups_and_classes_are_looked_up_by_table_row() {
        let groups = [5, 6, 5, 6];
        let one = folds(&[0, 1], 5, Some(&groups), None, &key());
        assert_eq!(folds(&[2, 3], 5, Some(&groups), None, &key()), one);
    }

    #[test]
    fn groups_of_one_row_are_stratified_like_rows() {
        let rows: Vec<u32> = (0..50).collect();
        let groups: Vec<u64> = (0..50).map(|row| row * 7).collect();
        let classes: Vec<u32> = (0..50).map(|row| u32::from(row % 10 == 0)).collect();
        let found = folds(&rows, 5, Some(&groups), Some(&classes), &key());
        assert_eq!(found, folds(&rows, 5, None, Some(&classes), &key()));
        let mut rare: Vec<u8> = (0..50).step_by(10).map(|row| found[row]).collect();
        rare.sort_unstable();
        assert_eq!(rare, [0, 1, 2, 3, 4], "five rare rows fall into five folds");
    }

    #[test]
    fn another_key_gives_other_folds() {
        let rows: Vec<u32> = (0..100).collect();
        let one = folds(&rows, 5, None, None, &key());
        assert_ne!(one, folds(&rows, 5, None, None, &Digest::of(b"else")));
        assert_eq!(one, folds(&rows, 5, None, None, &key()));
    }
}
