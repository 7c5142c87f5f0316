//! File readers: from files to chunks of typed columns.
//!
//! A table is opened once, which settles the type of every column over *all* of its rows, and then
//! streamed, so that whoever takes the chunks decides what is kept in memory. Text files are
//! therefore read twice; a guess from the first thousand lines would be wrong on the line after.

mod ahead;
mod arrays;
mod bound;
mod columnar;
mod contained;
mod csv;
mod files;
mod guess;
mod idx;
mod input;
mod keep;
mod lines;
mod looks;
mod missing;
mod records;
mod source;
mod style;
mod survey;

use std::{collections::BTreeSet, path::PathBuf};

use collegium_manifest::{ColumnType, ReadOptions};
use indexmap::IndexMap;

use crate::{DataError, DataErrorKind, Remark, Table, settle::Readings, unfit::Unfit};

pub(crate) use ahead::ahead;
pub(crate) use columnar::{Batches, promised_rows};
pub(crate) use contained::contained;
pub(crate) use csv::Raw;
pub use files::files_of;
pub(crate) use files::{Format, expand, format};
pub(crate) use idx::{Idx, is_idx};
pub(crate) use input::Contents;
pub(crate) use keep::Cells;
pub use keep::KeptColumn;
pub use looks::resemblance;
pub use style::Style;

/// Rows of a chunk by default.
pub(crate) const CHUNK: usize = 16_384;

/// A column of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) kind: ColumnType,
    /// A number that is whole in every row.
    pub(crate) integer: bool,
    /// A time that is midnight in every row: a date.
    pub(crate) dates: bool,
}

/// How files are read.
pub(crate) struct Options<'a> {
    /// Texts that mean "missing".
    pub(crate) missing: &'a [String],
    /// How text files are written.
    pub(crate) read: &'a ReadOptions,
    /// Forced types, by column name.
    pub(crate) types: &'a IndexMap<String, ColumnType>,
    /// How columns were read so far, by column name.
    pub(crate) settled: &'a Readings,
    /// The columns that are read once the types are known, if not all of them are: what a query does not
    /// touch is not decoded a second time.
    pub(crate) only: Option<&'a BTreeSet<String>>,
    /// What is known of the files' contents: all passes read the same bytes.
    pub(crate) contents: &'a Contents,
    /// Told how many rows were done; an error stops the reading.
    pub(crate) tick: &'a (dyn Fn(u64) -> Result<(), DataError> + Sync),
}

/// Files of one table, with settled types.
pub(crate) struct Opened {
    pub(crate) fields: Vec<Field>,
    pub(crate) rows: u64,
    /// Rows to make room for from the beginning: no more than files of this size may mean.
    pub(crate) room: u64,
    pub(crate) notes: Vec<String>,
    /// What a person who reads a column should know, by column.
    pub(crate) remarks: IndexMap<String, Remark>,
    /// How the columns are read from now on; without those that have no values yet.
    pub(crate) readings: Readings,
    /// Columns that nothing must read, and why.
    pub(crate) unfit: Vec<Unfit>,
    pub(crate) files: Vec<PathBuf>,
    format: Format,
}

/// Chunks of a table, in the order of its rows.
pub(crate) type Chunks<'a> = Box<dyn Iterator<Item = Result<Table, DataError>> + 'a>;

/// Opens the files of one table: they are read one after another and must agree.
pub(crate) fn open(files: Vec<PathBuf>, options: &Options) -> Result<Opened, DataError> {
    let format = format(&files[0])?;
    if let Some(other) = files.iter().find(|file| self::format(file).is_ok_and(|f| f != format)) {
        let message = format!("has another format than {}", files[0].display());
        return Err(DataError::new(DataErrorKind::Disagree, message).file(other));
    }
    match format {
        Format::Csv(_) => csv::open(files, format, options),
        Format::Parquet | Format::Ipc => columnar::open(files, format, options),
    }
}

impl Opened {
    /// Bytes that the values take in memory, roughly.
    pub(crate) fn bytes(&self) -> u64 {
        self.rows * self.fields.len() as u64 * 9
    }

    /// All rows were read that were counted when the files were opened?
    fn whole(&self, read: u64) -> Result<(), DataError> {
        if read == self.rows {
            return Ok(());
        }
        let message = format!("{read} rows were read, and {} were announced", self.rows);
        let error = DataError::new(DataErrorKind::Damaged, message);
        let error = match &self.files[..] {
            [file] => error.file(file),
            _ => error,
        };
        Err(error.help(
            "did the file change while it was read? if not, it was written wrongly: make it again",
        ))
    }

    /// The columns that are read.
    fn wanted(&self, options: &Options) -> Vec<Field> {
        let wanted = |field: &&Field| options.only.is_none_or(|only| only.contains(&field.name));
        self.fields.iter().filter(wanted).cloned().collect()
    }

    /// Streams the rows.
    pub(crate) fn chunks<'a>(&'a self, options: &'a Options<'a>) -> Chunks<'a> {
        match self.format {
            Format::Csv(_) => Box::new(csv::Chunks::new(self, options)),
            Format::Parquet | Format::Ipc => Box::new(columnar::Chunks::new(self, options)),
        }
    }
}
