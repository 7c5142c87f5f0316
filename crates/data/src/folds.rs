//! Cross-validation folds: which rows each fold model is not trained on.
//!
//! A fold must not move when rows are appended, sorted or given another column, or every such change
//! would refit every fold. So it is a keyed hash of a row's identity, or of its group's. Rejected:
//! dealing the rows of each class out in turn, which is even to the row and depends on their order.

use collegium_digest::Digest;

use crate::identity::{mix, then};

/// The fold, in `0..k`, of each of `rows` (indices into the table).
///
/// `units` has the identity of every *table* row, or of its group: rows of one unit share a fold. The
/// fold of a row depends on its unit, on `k` and on `key`, and on no other row. `k` counts as at least
/// 1 and at most 255.
pub fn folds(rows: &[u32], k: u32, units: &[u64], key: &Digest) -> Vec<u8> {
    let k = u64::from(k.clamp(1, 255));
    let key = mix(key.as_u64());
    let fold = |row: &u32| {
        let unit = units.get(*row as usize).copied().unwrap_or_default();
        // The high bits as a number in 0..k, without the bias of a remainder.
        ((u128::from(then(key, unit)) * u128::from(k)) >> 64) as u8
    };
    rows.iter().map(fold).collect()
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
        fn no_other_row_moves_a_row(
            units in prop::collection::vec(any::<u64>(), 1..200), cut in 0usize..200, k in 2u32..8,
        ) {
            let rows: Vec<u32> = (0..units.len() as u32).collect();
            let cut = cut.min(rows.len());
            let all = folds(&rows, k, &units, &key());
            prop_assert_eq!(&all[..cut], &folds(&rows[..cut], k, &units[..cut], &key())[..]);
            let turned: Vec<u32> = rows.iter().rev().copied().collect();
            let mut back = folds(&turned, k, &units, &key());
            back.reverse();
            prop_assert_eq!(all, back);
        }

        #[test]
        fn a_unit_falls_whole_into_one_fold(
            units in prop::collection::vec(0u64..9, 1..100), k in 2u32..8,
        ) {
            let rows: Vec<u32> = (0..units.len() as u32).collect();
            let found = folds(&rows, k, &units, &key());
            for (a, fold_a) in units.iter().zip(&found) {
                for (b, fold_b) in units.iter().zip(&found) {
                    prop_assert!(a != b || fold_a == fold_b);
                }
            }
        }
    }

    #[test]
    fn folds_are_even_but_for_chance() {
        let units: Vec<u64> = (0..50_000).collect();
        let rows: Vec<u32> = (0..50_000).collect();
        let found = folds(&rows, 5, &units, &key());
        for fold in 0..5 {
            let count = found.iter().filter(|f| **f == fold).count() as f64;
            // Five deviations of a binomial of a fifth.
            assert!((count - 10_000.0).abs() < 5.0 * 8_000f64.sqrt(), "{count}");
        }
    }

    #[test]
    fn another_key_gives_other_folds() {
        let units: Vec<u64> = (0..100).collect();
        let rows: Vec<u32> = (0..100).collect();
        let one = folds(&rows, 5, &units, &key());
        assert_ne!(one, folds(&rows, 5, &units, &Digest::of(b"else")));
        assert_eq!(one, folds(&rows, 5, &units, &key()));
    }
}
