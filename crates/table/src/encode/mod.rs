//! Feature encoding: one-hot encoding, standardisation, times and images to the numbers that a network sees.
//!
//! An encoder is fitted on training rows only and is part of the expert. It works row by row: a row
//! gives the same bits whatever rows surround it, which is what makes predictions equal those of
//! training. Arithmetic is in 64-bit floats and rounded once.
//!
//! | input | encoded as |
//! |---|---|
//! | number, boolean | standardised, clipped to ±8 (a number by median and interquartile range, smoothly clipped to ±3, if asked for); missing: the mean, and an indicator column if a training row was missing |
//! | logits of an upstream | clipped to ±8, then as numbers |
//! | other outputs of an upstream | as numbers |
//! | predictions that a gate combines, its rules | as they are |
//! | category, label of an upstream | one column per level; one for all rare levels, which unseen levels share; one for missing |
//! | image | each pixel x of 0 to 255 as (x/255 − mean) / deviation, with one mean and one deviation for all pixels of the column |
//! | time | seconds as a number; sine and cosine of the hour, the weekday and the season where they vary |
//!
//! Where the training rows had no missing value (or no rare level), a later one is encoded as the
//! *average* training row and counted in [`Surprises`]: a column that was never trained would answer
//! with its random initial weight.

mod category;
mod exact;
mod number;
mod outside;
mod part;
mod pixels;
mod raw;
mod time;

use std::{collections::BTreeMap, ops::Range};

use serde::{Deserialize, Serialize};

use crate::{Column, ImageShape, Matrix};
pub use outside::OutOfRange;
use part::{Counts, Part};
pub use raw::Coordinates;

/// Standardised numbers and incoming logits lie within ± this.
pub const CLIP: f64 = 8.0;

/// Rows that all inputs write before they turn to the next ones: so many stay in the cache meanwhile.
const BLOCK: usize = 256;

/// How numeric columns are scaled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scaling {
    /// By mean and deviation, clipped to ±[`CLIP`].
    #[default]
    Standard,
    /// By median and interquartile range, smoothly clipped to ±3.
    Robust,
}

/// An encoded column that holds the numbers of a column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberColumn {
    /// Its place among the encoded columns.
    pub column: usize,
    /// The encoded column that is 1 where the number is missing, if there is one.
    pub missing: Option<usize>,
}

/// One declared input, for all rows of the data source.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// A column of the table.
    Column(&'a Column),
    /// Logits of an upstream expert: rows × (1 or C).
    Logit(&'a Matrix),
    /// Probabilities, values or an embedding of an upstream expert: rows × width.
    Plain(&'a Matrix),
    /// The label of an upstream expert: a code per row (`u32::MAX`: none), and the class names.
    Label(&'a [u32], &'a [String]),
    /// What a gate is handed of an expert: rows × width, taken as it is.
    Handed(&'a Matrix),
}

impl Source<'_> {
    /// Rows.
    pub fn rows(&self) -> usize {
        match self {
            Self::Column(column) => column.len(),
            Self::Logit(matrix) | Self::Plain(matrix) | Self::Handed(matrix) => matrix.rows,
            Self::Label(codes, _) => codes.len(),
        }
    }
}

/// Why inputs could not be encoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// Another number of inputs than names, or than at the fit.
    #[error("{expected} inputs are expected, {found} were given")]
    Inputs {
        /// As declared.
        expected: usize,
        /// As given.
        found: usize,
    },
    /// An input is of another kind than at the fit.
    #[error("`{name}` was {expected} when the expert was trained and is {found} now")]
    Kind {
        /// The declared input.
        name: String,
        /// Its kind at the fit.
        expected: String,
        /// Its kind now.
        found: String,
    },
    /// A row that an input does not have.
    #[error("row {row} is asked for, but `{name}` has {rows} rows")]
    Row {
        /// The declared input.
        name: String,
        /// The row asked for.
        row: u32,
        /// Rows that there are.
        rows: usize,
    },
    /// Numbers whose mean or deviation overflows.
    #[error("`{name}` holds numbers too large to standardise")]
    Range {
        /// The declared input.
        name: String,
    },
    /// Nothing to fit on.
    #[error("there are no training rows to fit the encoding on")]
    Empty,
}

/// Values that the training rows did not have (unseen, missing, out of range): rows by declared input.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Surprises {
    /// Categories never seen in training.
    pub unseen: BTreeMap<String, u64>,
    /// Missing values of inputs that were never missing in training.
    pub missing: BTreeMap<String, u64>,
    /// Numbers and times outside of the range that the training rows held.
    pub outside: BTreeMap<String, OutOfRange>,
}

impl Surprises {
    /// In words, one sentence per input.
    pub fn notes(&self) -> Vec<String> {
        let unseen = self.unseen.iter().map(|(name, rows)| {
            format!(
                "{} categories of `{name}` that training never saw",
                counted(*rows, "holds", "hold")
            )
        });
        let missing = self.missing.iter().map(|(name, rows)| {
            let lack = counted(*rows, "lacks", "lack");
            format!("{lack} `{name}`, which was never missing in training: the average is used")
        });
        let outside = self.outside.iter().map(|(name, outside)| {
            format!("{} {}", counted(outside.rows, "holds", "hold"), outside.words(name))
        });
        unseen.chain(missing).chain(outside).collect()
    }

    /// Adds the counts of another chunk of rows.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in
            [(&mut self.unseen, &other.unseen), (&mut self.missing, &other.missing)]
        {
            for (name, rows) in theirs {
                *mine.entry(name.clone()).or_default() += rows;
            }
        }
        for (name, outside) in &other.outside {
            let mine = self.outside.entry(name.clone());
            mine.and_modify(|mine| mine.add(outside)).or_insert(*outside);
        }
    }
}

/// Turns the declared inputs of one expert into the columns of a matrix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Encoder {
    names: Vec<String>,
    parts: Vec<Part>,
    notes: Vec<String>,
}

impl Encoder {
    /// Fits an encoding on the training rows.
    ///
    /// `names` are the declared inputs, `sources` their values in the same order.
    ///
    /// # Errors
    /// If there are no training rows, a row does not exist, or numbers overflow.
    pub fn fit(
        names: &[String],
        sources: &[Source],
        train_rows: &[u32],
    ) -> Result<Self, EncodeError> {
        Self::fit_scaled(names, sources, train_rows, Scaling::Standard)
    }

    /// The same with numeric columns scaled in another way.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn fit_scaled(
        names: &[String],
        sources: &[Source],
        train_rows: &[u32],
        scaling: Scaling,
    ) -> Result<Self, EncodeError> {
        expect_inputs(names.len(), sources)?;
        if train_rows.is_empty() {
            return Err(EncodeError::Empty);
        }
        expect_rows(names, sources, train_rows)?;
        let mut notes = Vec::new();
        let parts = names
            .iter()
            .zip(sources)
            .map(|(name, source)| Part::fit(name, source, train_rows, scaling, &mut notes))
            .collect::<Result<_, _>>()?;
        Ok(Self { names: names.to_vec(), parts, notes })
    }

    /// The same encoding, but for the inputs in `which` (positions), which are fitted anew.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn refitted(
        &self,
        which: &[usize],
        sources: &[Source],
        train_rows: &[u32],
    ) -> Result<Self, EncodeError> {
        expect_inputs(self.names.len(), sources)?;
        if train_rows.is_empty() {
            return Err(EncodeError::Empty);
        }
        expect_rows(&self.names, sources, train_rows)?;
        let mut encoder = self.clone();
        let mut notes = Vec::new();
        for &at in which {
            let scaling = self.parts[at].scaling();
            encoder.parts[at] =
                Part::fit(&self.names[at], &sources[at], train_rows, scaling, &mut notes)?;
        }
        Ok(encoder)
    }

    /// The same encoding of some of the inputs, by position.
    #[must_use]
    pub fn only(&self, which: &[usize]) -> Self {
        Self {
            names: which.iter().map(|at| self.names[*at].clone()).collect(),
            parts: which.iter().map(|at| self.parts[*at].clone()).collect(),
            notes: Vec::new(),
        }
    }

    /// An encoder of no inputs: width 0. Constant models carry it.
    pub fn empty() -> Self {
        Self { names: Vec::new(), parts: Vec::new(), notes: Vec::new() }
    }

    /// The number of encoded columns of an encoder that was read; `None` if nobody can count so many, or if it
    /// has not one name for each input.
    pub fn checked_width(&self) -> Option<usize> {
        let mut widths = self.parts.iter().map(Part::checked_width);
        let width = widths.try_fold(0_usize, |sum, width| sum.checked_add(width?));
        width.filter(|_| self.names.len() == self.parts.len())
    }

    /// Encoded columns.
    pub fn width(&self) -> usize {
        self.parts.iter().map(Part::width).sum()
    }

    /// The encoded columns of each declared input, in order.
    pub fn groups(&self) -> Vec<Range<usize>> {
        let mut start = 0;
        self.parts
            .iter()
            .map(|part| {
                let range = start..start + part.width();
                start = range.end;
                range
            })
            .collect()
    }

    /// The encoded columns that hold numbers of a table's columns, but for those that were constant in training.
    pub fn numbers(&self) -> Vec<NumberColumn> {
        let parts = self.parts.iter().zip(self.groups());
        let numbers = parts.filter(|(part, _)| part.is_number());
        numbers
            .map(|(_, columns)| NumberColumn {
                column: columns.start,
                missing: (columns.len() > 1).then_some(columns.start + 1),
            })
            .collect()
    }

    /// The declared inputs, in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Which encoded columns are taken as they are, by position among [`names`](Self::names).
    pub fn handed(&self) -> Vec<(usize, Range<usize>)> {
        let parts = self.parts.iter().zip(self.groups()).enumerate();
        let handed = parts.filter(|(_, (part, _))| matches!(part, Part::Handed { .. }));
        handed.map(|(position, (_, columns))| (position, columns)).collect()
    }

    /// Which declared inputs are images: position among [`names`](Self::names) (and
    /// [`groups`](Self::groups)), and shape. A group of height · width · channels encoded columns is
    /// such an image, by row, column, channel.
    pub fn images(&self) -> Vec<(usize, ImageShape)> {
        let shapes = self.parts.iter().map(Part::shape).enumerate();
        shapes.filter_map(|(position, shape)| Some((position, shape?))).collect()
    }

    /// A name for each encoded column: `flights.origin = EWR`, `flights.wind_speed missing`,
    /// `digits.image[12, 7]`.
    pub fn column_names(&self) -> Vec<String> {
        self.names
            .iter()
            .zip(&self.parts)
            .flat_map(|(name, part)| part.column_names(name))
            .collect()
    }

    /// What a person should know about the inputs: constant columns, pooled levels, …
    pub fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }

    /// Encodes rows: `rows.len()` × [`width`](Self::width).
    ///
    /// # Errors
    /// If the inputs are not those of the fit, by number, kind or width, or a row does not exist.
    pub fn encode(&self, sources: &[Source], rows: &[u32]) -> Result<Matrix, EncodeError> {
        self.encode_counted(sources, rows).map(|(matrix, _)| matrix)
    }

    /// Encodes rows and counts what training never saw.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn encode_counted(
        &self,
        sources: &[Source],
        rows: &[u32],
    ) -> Result<(Matrix, Surprises), EncodeError> {
        expect_inputs(self.names.len(), sources)?;
        expect_rows(&self.names, sources, rows)?;
        let mut matrix = Matrix::zeros(rows.len(), self.width());
        let mut surprises = Surprises::default();
        let inputs = self.names.iter().zip(&self.parts).zip(sources);
        let mut writers = Vec::with_capacity(self.parts.len());
        for (((name, part), source), columns) in inputs.zip(self.groups()) {
            writers.push((part.writer(name, source)?, columns, Counts::default()));
        }
        for (block, rows) in rows.chunks(BLOCK).enumerate() {
            for (write, columns, counts) in &mut writers {
                for (i, row) in rows.iter().enumerate() {
                    let out = &mut matrix.row_mut(block * BLOCK + i)[columns.clone()];
                    write(*row as usize, out, counts);
                }
            }
        }
        for (name, (_, _, counts)) in self.names.iter().zip(writers) {
            if counts.unseen > 0 {
                surprises.unseen.insert(name.clone(), counts.unseen);
            }
            if counts.missing > 0 {
                surprises.missing.insert(name.clone(), counts.missing);
            }
            surprises.outside.extend(counts.outside.map(|outside| (name.clone(), outside)));
        }
        Ok((matrix, surprises))
    }
}

/// `1 row lacks`, `2 rows lack`.
fn counted(rows: u64, one: &str, more: &str) -> String {
    match rows {
        1 => format!("1 row {one}"),
        _ => format!("{rows} rows {more}"),
    }
}

fn expect_inputs(expected: usize, sources: &[Source]) -> Result<(), EncodeError> {
    let found = sources.len();
    if expected == found { Ok(()) } else { Err(EncodeError::Inputs { expected, found }) }
}

fn expect_rows(names: &[String], sources: &[Source], rows: &[u32]) -> Result<(), EncodeError> {
    let Some(&row) = rows.iter().max() else { return Ok(()) };
    for (name, source) in names.iter().zip(sources) {
        if row as usize >= source.rows() {
            return Err(EncodeError::Row { name: name.clone(), row, rows: source.rows() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
