//! Stratified split: shares that hold within each stratum.
//!
//! In each stratum rows are put in the order of a keyed hash of their identity, and cut where the shares
//! are met. The cuts are settled by the rows that are there when a stratum first occurs. From then on
//! they are fixed, so that a row's side depends on its identity, its stratum and the seed, and appended
//! rows meet the shares on average.

use std::collections::BTreeMap;

use collegium_manifest::Split;
use collegium_records::Settled;

use super::side_of;
use crate::{
    Column, Side,
    identity::{Cells, keyed, then},
    read::Style,
};

/// The cell of every row that says which stratum it is of.
pub(super) fn cells(strata: &Column, style: &Style) -> Vec<u64> {
    let cells = Cells::new(strata, style);
    (0..strata.len()).map(|row| cells.at(row)).collect()
}

/// The side of every row; cuts of new strata are added to what is settled.
pub(super) fn sides(
    strata: &Column,
    units: &[u64],
    split: &Split,
    style: &Style,
    settled: &mut Settled,
) -> Vec<Side> {
    let key = keyed("stratum", split.seed);
    let cell = cells(strata, style);
    let points: Vec<u64> =
        units.iter().zip(&cell).map(|(unit, cell)| then(key ^ cell, *unit) >> 11).collect();
    let mut members: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
    for (row, cell) in cell.iter().enumerate() {
        members.entry(*cell).or_default().push(row as u32);
    }
    let mut sides = vec![Side::Train; units.len()];
    for rows in members.into_values() {
        // Rows of one stratum may spell it in several ways.
        let spelt = rows.iter().filter_map(|&row| strata.text(row as usize)).min();
        let name = match spelt {
            Some(text) => format!("{} = {text}", strata.name),
            None => format!("{} is missing", strata.name),
        };
        // Another column, seed or share is another split, and its cuts are drawn anew.
        let name = format!(
            "{name}, seed {}, {} to {} to {}",
            split.seed, split.train, split.valid, split.test
        );
        let known = settled.sides.get(&name).and_then(|text| read(text));
        let cuts = known.unwrap_or_else(|| {
            let cuts = cuts(rows.iter().map(|&row| points[row as usize]).collect(), split);
            settled.sides.insert(name, format!("{} {}", cuts[0], cuts[1]));
            cuts
        });
        for row in rows {
            sides[row as usize] = side_of(points[row as usize], cuts, split);
        }
    }
    sides
}

/// Two numbers of 53 bits.
fn read(text: &str) -> Option<[u64; 2]> {
    let (valid, test) = text.split_once(' ')?;
    Some([valid.parse().ok()?, test.parse().ok()?])
}

/// Where validation and where test rows begin, so that the sides have their shares of these points
/// (to the row, by the largest remainders).
fn cuts(mut points: Vec<u64>, split: &Split) -> [u64; 2] {
    points.sort_unstable();
    let rows = points.len() as f64;
    let shares = [split.train, split.valid, split.test];
    // A hair is added so that 0.15 · 20 counts as 3 whatever its last bit.
    let mut counts = shares.map(|share| (share * rows + 1e-9).floor() as usize);
    while counts.iter().sum::<usize>() < points.len() {
        let short =
            |i: usize| if shares[i] > 0.0 { shares[i] * rows - counts[i] as f64 } else { -1e9 };
        let most = (0..3).max_by(|&a, &b| short(a).total_cmp(&short(b)).then(b.cmp(&a)));
        counts[most.unwrap_or(0)] += 1;
    }
    let at = |count: usize| points.get(count).copied().unwrap_or(1 << 53);
    [at(counts[0]), at(counts[0] + counts[1])]
}
