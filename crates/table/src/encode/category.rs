//! One-hot encoding of categories.

use std::collections::{BTreeMap, BTreeSet};

use collegium_digest::Digest;
use serde::{Deserialize, Serialize};

use super::{exact::Exact, part::Counts};

/// More levels than this do not get a column each: the most frequent do, the rest share one.
const MOST_LEVELS: usize = 256;
/// A level is rare with fewer training rows than this …
const RARE_ROWS: u64 = 10;
/// … and less than one in this many.
const RARE_SHARE: u64 = 1000;

pub(super) use crate::MISSING_CODE as MISSING;

/// One-hot encoding: which level has which column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Levels {
    /// Levels with a column of their own, sorted by text.
    levels: Vec<String>,
    /// Is there a column for rare and unseen levels, after the levels?
    other: bool,
    /// Is there a column for missing values, after all others?
    missing: bool,
    /// Hashes of the levels that share that column, sorted: what is not among them is unseen.
    pooled: Vec<u64>,
    /// Mean of each column but the last over training rows that have a value: the encoding of what
    /// has no column.
    average: Vec<Exact>,
}

impl Levels {
    pub(super) fn fit(
        name: &str,
        codes: impl Iterator<Item = u32>,
        texts: &[String],
        notes: &mut Vec<String>,
    ) -> Self {
        let mut by_code = vec![0_u64; texts.len()];
        let mut missing = 0_u64;
        for code in codes {
            match by_code.get_mut(code as usize) {
                Some(count) => *count += 1,
                None => missing += 1,
            }
        }
        // By text, so that the encoder does not depend on how the column numbers its levels.
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for (text, count) in texts.iter().zip(by_code).filter(|(_, count)| *count > 0) {
            *counts.entry(text).or_default() += count;
        }
        let present: u64 = counts.values().sum();
        let is_rare = |count: u64| count < RARE_ROWS && count * RARE_SHARE < present;
        let mut kept: Vec<(&str, u64)> =
            counts.iter().map(|(t, c)| (*t, *c)).filter(|(_, c)| !is_rare(*c)).collect();
        if kept.len() > MOST_LEVELS {
            // A stable sort of what is sorted by text: ties go to the first by text.
            kept.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            kept.truncate(MOST_LEVELS);
            kept.sort_unstable();
        }
        let columns: BTreeSet<&str> = kept.iter().map(|(text, _)| *text).collect();
        let mut pooled: Vec<u64> =
            counts.keys().filter(|text| !columns.contains(*text)).map(|text| hash(text)).collect();
        pooled.sort_unstable();
        let other = !pooled.is_empty();
        if other {
            notes.push(format!(
                "`{name}`: {} rare {} of {} grouped as `other`",
                pooled.len(),
                if pooled.len() == 1 { "level" } else { "levels" },
                counts.len()
            ));
        }
        match (present, counts.len()) {
            (0, _) => notes.push(format!("`{name}` is missing in all training rows")),
            (_, 1) if missing == 0 => notes.push(format!(
                "`{name}` is constant in the training rows and tells the expert nothing"
            )),
            _ => {}
        }
        let rest = present - kept.iter().map(|(_, count)| count).sum::<u64>();
        let share = |count: u64| Exact(count as f64 / present.max(1) as f64);
        let mut average: Vec<Exact> = kept.iter().map(|(_, count)| share(*count)).collect();
        if other {
            average.push(share(rest));
        }
        let levels = kept.into_iter().map(|(text, _)| text.to_owned()).collect();
        Self { levels, other, missing: missing > 0, pooled, average }
    }

    pub(super) fn width(&self) -> usize {
        self.levels.len() + usize::from(self.other) + usize::from(self.missing)
    }

    pub(super) fn has_missing(&self) -> bool {
        self.missing
    }

    /// The column that rare and unseen levels share, if there is one.
    pub(super) fn other_column(&self) -> Option<usize> {
        self.other.then_some(self.levels.len())
    }

    pub(super) fn column_names(&self, name: &str) -> Vec<String> {
        let other = self.other.then(|| format!("{name} other"));
        let missing = self.missing.then(|| format!("{name} missing"));
        self.levels
            .iter()
            .map(|level| format!("{name} = {level}"))
            .chain(other)
            .chain(missing)
            .collect()
    }

    /// The place of each of the column's own codes.
    pub(super) fn translate(&self, texts: &[String]) -> Vec<Place> {
        texts
            .iter()
            .map(|text| match self.levels.binary_search(text) {
                Ok(at) => Place::Column(at),
                Err(_) => Place::Other { unseen: self.pooled.binary_search(&hash(text)).is_err() },
            })
            .collect()
    }

    /// Writes one row; `out` is all zero.
    pub(super) fn write(&self, code: u32, places: &[Place], out: &mut [f32], counts: &mut Counts) {
        if code == MISSING {
            if self.missing {
                out[self.width() - 1] = 1.0;
            } else {
                counts.missing += 1;
                self.write_average(out);
            }
            return;
        }
        match places.get(code as usize) {
            Some(Place::Column(at)) => out[*at] = 1.0,
            Some(Place::Other { unseen: false }) => out[self.levels.len()] = 1.0,
            Some(Place::Other { unseen: true }) | None => {
                counts.unseen += 1;
                if self.other {
                    out[self.levels.len()] = 1.0;
                } else {
                    self.write_average(out);
                }
            }
        }
    }

    fn write_average(&self, out: &mut [f32]) {
        for (cell, share) in out.iter_mut().zip(&self.average) {
            *cell = share.0 as f32;
        }
    }
}

/// Where a level goes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// A column of its own.
    Column(usize),
    /// The shared column, if there is one.
    Other {
        /// Training never saw it.
        unseen: bool,
    },
}

fn hash(text: &str) -> u64 {
    Digest::of(text.as_bytes()).as_u64()
}
