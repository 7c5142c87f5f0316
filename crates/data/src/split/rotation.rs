//! Rotated sides: all rows are dealt into parts, and each part is tested once (`evaluate.rotate`).
//!
//! Rows, or groups of `by`, are put in the order of the same keyed hash that the declared split cuts, strata one after the
//! other, and are dealt out in turn as cards are: parts differ by one row or group at most, and so does each stratum
//! within them. The rest of a rotation is for training and validation, in the declared proportion.
//!
//! Parts are even because tables that are rotated are small, and figures on parts of other sizes are noisier. The price is
//! that an appended row may move a few others to the next part. It costs no fit: with rotation every row is
//! trained on somewhere, so an appended row refits every rotation anyway.

use std::collections::BTreeMap;

use collegium_manifest::{Rotation, Split};

use super::stretches::{too_few, valid_count, way_out};
use crate::{
    DataError, DataErrorKind, Side,
    identity::{keyed, mix, then},
};

/// A part of fewer rows says too little to be averaged.
const FEWEST_ROWS: usize = 10;

/// The side of every row. `units` are identities or groups, `strata` the cell that each row's shares hold within.
pub(super) fn sides(
    units: &[u64],
    strata: Option<&[u64]>,
    split: &Split,
    rotation: &Rotation,
) -> Result<Vec<Side>, DataError> {
    let of = *rotation.of.get_ref() as usize;
    // Rows of one unit that lie in two strata count in the first by number.
    let mut all: BTreeMap<u64, u64> = BTreeMap::new();
    for (row, unit) in units.iter().enumerate() {
        let stratum = strata.map_or(0, |strata| strata[row]);
        all.entry(*unit).and_modify(|known| *known = stratum.min(*known)).or_insert(stratum);
    }
    if all.len() < of {
        return Err(too_few(rotation, all.len(), !split.by.is_empty()));
    }
    let in_order = |key: u64, chosen: &mut dyn Iterator<Item = (u64, u64)>| {
        let mut order: Vec<(u64, u64, u64)> =
            chosen.map(|(unit, stratum)| (stratum, mix(key ^ unit), unit)).collect();
        order.sort_unstable();
        order
    };
    let dealt = in_order(keyed("split", split.seed), &mut all.iter().map(|(u, s)| (*u, *s)));
    let mut side: BTreeMap<u64, Side> = BTreeMap::new();
    let tested = rotation.number as usize - 1;
    let mut rest = Vec::new();
    for (at, (stratum, _, unit)) in dealt.into_iter().enumerate() {
        match at % of == tested {
            true => drop(side.insert(unit, Side::Test)),
            false => rest.push((unit, stratum)),
        }
    }
    // Another order for each rotation, so that the same rows do not validate in all of them.
    let key = then(keyed("rotation", split.seed), tested as u64);
    let rest = in_order(key, &mut rest.into_iter());
    let valid = valid_count(rest.len(), split.valid / (split.train + split.valid));
    for (at, (_, _, unit)) in rest.iter().enumerate() {
        let drawn = (at + 1) * valid / rest.len() > at * valid / rest.len();
        side.insert(*unit, if drawn { Side::Valid } else { Side::Train });
    }
    Ok(units.iter().map(|unit| side[unit]).collect())
}

/// Refuses a rotation whose tested part is too small to say anything.
pub(super) fn check(sides: &[Side], rotation: &Rotation) -> Result<(), DataError> {
    let tested = sides.iter().filter(|side| **side == Side::Test).count();
    if tested >= FEWEST_ROWS {
        return Ok(());
    }
    let of = *rotation.of.get_ref();
    let message = format!(
        "`rotate = {of}` leaves {tested} of {} rows to be tested in rotation {}, and {FEWEST_ROWS} are needed",
        sides.len(),
        rotation.number
    );
    Err(DataError::new(DataErrorKind::Sides, message)
        .at(&rotation.of)
        .help(way_out(sides.len() / FEWEST_ROWS)))
}

#[cfg(test)]
mod tests {
    use collegium_manifest::Spanned;
    use proptest::prelude::*;

    use super::*;

    fn rotation(number: u32, of: u32) -> Rotation {
        Rotation { number, of: Spanned::new(0..1, of) }
    }

    proptest! {
        #[test]
        fn every_row_is_tested_once_and_units_stay_whole(
            units in prop::collection::vec(0_u64..40, 60..200), of in 2_u32..9, seed in 0_u64..4,
        ) {
            let split = Split { seed, ..Split::default() };
            let mut tested = vec![0; units.len()];
            for number in 1..=of {
                let sides = sides(&units, None, &split, &rotation(number, of)).expect("parts");
                let mut of_unit: BTreeMap<u64, Side> = BTreeMap::new();
                for (row, (unit, side)) in units.iter().zip(&sides).enumerate() {
                    prop_assert_eq!(of_unit.entry(*unit).or_insert(*side), side);
                    tested[row] += usize::from(*side == Side::Test);
                }
                let count = |side: Side| of_unit.values().filter(|one| **one == side).count();
                let (all, parts) = (of_unit.len(), of as usize);
                prop_assert!(count(Side::Test).abs_diff(all / parts) <= 1);
                prop_assert!(count(Side::Valid) >= 1);
            }
            prop_assert!(tested.iter().all(|times| *times == 1));
        }

        #[test]
        fn each_stratum_is_dealt_evenly(
            cells in prop::collection::vec(0_u64..3, 40..120), of in 2_u32..6,
        ) {
            let units: Vec<u64> = (0..cells.len() as u64).collect();
            for number in 1..=of {
                let sides = sides(&units, Some(&cells), &Split::default(), &rotation(number, of)).expect("parts");
                for cell in 0..3 {
                    let all = cells.iter().filter(|one| **one == cell).count();
                    let here = |(one, side): &(&u64, &Side)| **one == cell && **side == Side::Test;
                    let tested = cells.iter().zip(&sides).filter(here).count();
                    prop_assert!(tested == all / of as usize || tested == all.div_ceil(of as usize));
                }
            }
        }

        #[test]
        fn the_order_of_rows_deals_no_row_otherwise(
            units in prop::collection::vec(any::<u64>(), 20..80), number in 1_u32..4,
        ) {
            let deal = |units: &[u64]| sides(units, None, &Split::default(), &rotation(number, 3));
            let turned: Vec<u64> = units.iter().rev().copied().collect();
            let mut back = deal(&turned).expect("parts");
            back.reverse();
            prop_assert_eq!(deal(&units).expect("parts"), back);
        }
    }
}
