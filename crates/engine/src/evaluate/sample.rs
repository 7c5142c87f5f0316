//! Reservoir sampling: a bounded sample of the new rows, for two-sample tests and weak slices.
//!
//! Metrics and counts need every row once. A distribution function needs them all together, and so does a
//! tree. Up to [`MOST`] rows these are all the rows; of more, each has the same chance (reservoir
//! sampling, Vitter's algorithm R 1985), by a stream with a name, so that the same file gives the same
//! sample.

use std::collections::HashMap;

use collegium_digest::{Digest, Stream, stream};
use collegium_manifest::ColumnType;
use collegium_table::{Column, MISSING_CODE, Table};
use rand::Rng as _;

use super::shift::ordered;

/// Rows that are kept at most.
pub(super) const MOST: usize = 100_000;

/// The sample.
pub(super) struct Sample {
    stream: Stream,
    most: usize,
    /// Rows that passed by.
    pub(super) passed: u64,
    /// Of these, rows that may be drawn.
    pub(super) among: u64,
    /// Numbers of the rows that are kept.
    pub(super) rows: Vec<u64>,
    pub(super) columns: Vec<Sampled>,
}

/// A column of the sample.
pub(super) struct Sampled {
    /// As the table spells it.
    pub(super) column: String,
    pub(super) values: Drawn,
}

/// Values in the order of [`Sample::rows`].
pub(super) enum Drawn {
    /// NaN is missing.
    Numbers(Vec<f64>),
    Levels {
        codes: Vec<u32>,
        levels: Levels,
    },
}

/// Texts and their codes, in the order in which they came.
#[derive(Default)]
pub(super) struct Levels {
    codes: HashMap<String, u32>,
    pub(super) texts: Vec<String>,
}

impl Levels {
    pub(super) fn code(&mut self, text: String) -> u32 {
        if let Some(code) = self.codes.get(&text) {
            return *code;
        }
        let code = self.texts.len() as u32;
        self.texts.push(text.clone());
        self.codes.insert(text, code);
        code
    }
}

impl Sample {
    /// A sample of at most `most` rows of these columns.
    pub(super) fn new<'a>(
        columns: impl Iterator<Item = (&'a str, ColumnType)>,
        most: usize,
        key: &Digest,
    ) -> Self {
        let columns = columns.map(|(column, kind)| Sampled {
            column: column.to_owned(),
            values: match kind {
                ColumnType::Category | ColumnType::Boolean => {
                    Drawn::Levels { codes: Vec::new(), levels: Levels::default() }
                }
                _ => Drawn::Numbers(Vec::new()),
            },
        });
        let columns = columns.collect();
        Self {
            stream: stream(key, "evaluated rows"),
            most,
            passed: 0,
            among: 0,
            rows: Vec::new(),
            columns,
        }
    }

    /// Rows that pass by; those of `seen` are not drawn.
    pub(super) fn add(&mut self, table: &Table, seen: &[bool]) {
        let mut places: Vec<(usize, usize)> = Vec::new();
        for row in 0..table.rows {
            if seen.get(row).copied().unwrap_or(false) {
                self.passed += 1;
                continue;
            }
            let place = if self.rows.len() < self.most {
                self.rows.push(self.passed);
                Some(self.rows.len() - 1)
            } else {
                let among = u128::from(self.among) + 1;
                let place = ((u128::from(self.stream.next_u64()) * among) >> 64) as usize;
                if let Some(kept) = self.rows.get_mut(place) {
                    *kept = self.passed;
                    Some(place)
                } else {
                    None
                }
            };
            places.extend(place.map(|place| (row, place)));
            self.passed += 1;
            self.among += 1;
        }
        for sampled in &mut self.columns {
            if let Some(column) = table.column(&sampled.column) {
                sampled.values.put(column, &places, self.rows.len());
            }
        }
    }

    /// A column of numbers or times.
    pub(super) fn numbers(&self, column: &str) -> Option<&[f64]> {
        match &self.columns.iter().find(|sampled| sampled.column == column)?.values {
            Drawn::Numbers(values) => Some(values),
            Drawn::Levels { .. } => None,
        }
    }
}

impl Drawn {
    fn put(&mut self, column: &Column, places: &[(usize, usize)], rows: usize) {
        match self {
            Self::Numbers(values) => {
                values.resize(rows, f64::NAN);
                for &(row, place) in places {
                    values[place] = ordered(&column.values, row);
                }
            }
            Self::Levels { codes, levels } => {
                codes.resize(rows, MISSING_CODE);
                for &(row, place) in places {
                    codes[place] = match column.text(row) {
                        Some(text) => levels.code(text),
                        None => MISSING_CODE,
                    };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use collegium_table::Values;

    use super::*;

    fn table(from: u64, rows: u64) -> Table {
        let numbers = (from..from + rows).map(|row| row as f64).collect();
        let column = Column::new("x", Values::Number(numbers));
        Table { columns: vec![Arc::new(column)], rows: rows as usize }
    }

    fn sample(chunks: &[u64], most: usize) -> Sample {
        let key = Digest::of(b"k");
        let mut sample = Sample::new([("x", ColumnType::Number)].into_iter(), most, &key);
        let mut from = 0;
        for &rows in chunks {
            sample.add(&table(from, rows), &[]);
            from += rows;
        }
        sample
    }

    #[test]
    fn few_rows_are_all_kept_in_their_order() {
        let sample = sample(&[3, 4], 10);
        assert_eq!(sample.rows, [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(sample.numbers("x"), Some(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0][..]));
    }

    #[test]
    fn a_sample_keeps_rows_whole_and_does_not_depend_on_chunks() {
        let one = sample(&[1_000], 64);
        let many = sample(&[1, 99, 400, 500], 64);
        assert_eq!(one.rows, many.rows);
        assert_eq!((one.rows.len(), one.passed), (64, 1_000));
        let numbers: Vec<f64> = one.rows.iter().map(|row| *row as f64).collect();
        assert_eq!(one.numbers("x"), Some(numbers.as_slice()));
    }

    #[test]
    fn rows_that_were_seen_pass_by_and_are_not_drawn() {
        let key = Digest::of(b"k");
        let odd = |rows: u64| (0..rows).map(|row| row % 2 == 1).collect::<Vec<bool>>();
        let mut all = Sample::new([("x", ColumnType::Number)].into_iter(), 10, &key);
        all.add(&table(0, 8), &odd(8));
        assert_eq!((all.rows.as_slice(), all.passed, all.among), (&[0, 2, 4, 6][..], 8, 4));
        assert_eq!(all.numbers("x"), Some(&[0.0, 2.0, 4.0, 6.0][..]));
        let mut drawn = Sample::new([("x", ColumnType::Number)].into_iter(), 10, &key);
        drawn.add(&table(0, 1_000), &odd(1_000));
        assert_eq!((drawn.rows.len(), drawn.among), (10, 500));
        assert!(drawn.rows.iter().all(|row| row % 2 == 0), "{:?}", drawn.rows);
    }

    #[test]
    fn every_row_has_the_same_chance() {
        let mut tenths = [0_u32; 10];
        for run in 0..200_u32 {
            let key = Digest::of(&run.to_le_bytes());
            let mut sample = Sample::new([("x", ColumnType::Number)].into_iter(), 50, &key);
            sample.add(&table(0, 1_000), &[]);
            sample.rows.iter().for_each(|row| tenths[*row as usize / 100] += 1);
        }
        // Five standard deviations of 1,000 draws.
        assert!(tenths.iter().all(|count| count.abs_diff(1_000) < 155), "{tenths:?}");
    }
}
