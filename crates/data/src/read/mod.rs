//! Files to chunks of typed columns.
//!
//! A table is opened once, which settles the type of every column over *all* of its rows, and then
//! streamed, so that whoever takes the chunks decides what is kept in memory. Text files are
//! therefore read twice; a guess from the first thousand lines would be wrong on the line after.

mod columnar;
mod csv;
mod files;
mod idx;
mod lines;
mod records;
mod source;
mod style;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use collegium_manifest::{ColumnType, ReadOptions};
use indexmap::IndexMap;

use crate::{DataError, DataErrorKind, Table};

pub(crate) use columnar::Batches;
pub(crate) use csv::Raw;
pub use files::files_of;
pub(crate) use files::{Format, expand, format};
pub(crate) use idx::{Idx, is_idx};
pub use style::Style;

/// Rows of a chunk, unless told otherwise.
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
    /// Told how many rows were done; an error stops the reading.
    pub(crate) tick: &'a dyn Fn(u64) -> Result<(), DataError>,
}

/// Files of one table, with settled types.
pub(crate) struct Opened {
    pub(crate) fields: Vec<Field>,
    pub(crate) rows: u64,
    pub(crate) notes: Vec<String>,
    files: Vec<PathBuf>,
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

    /// Streams the rows.
    pub(crate) fn chunks<'a>(&'a self, options: &'a Options<'a>) -> Chunks<'a> {
        match self.format {
            Format::Csv(_) => Box::new(csv::Chunks::new(self, options)),
            Format::Parquet | Format::Ipc => Box::new(columnar::Chunks::new(self, options)),
        }
    }
}

/// Do several files have one header?
fn agree(first: &Path, names: &[String], file: &Path, others: &[String]) -> Result<(), DataError> {
    let (ours, theirs): (BTreeSet<_>, BTreeSet<_>) =
        (names.iter().collect(), others.iter().collect());
    let wrong = |column: &str, message: String| {
        Err(DataError::new(DataErrorKind::Disagree, message).file(file).column(column, None).help(
            "files that one pattern matches must have the same columns, in the same order and of the \
             same types; name two patterns as two `tables`, or narrow this one",
        ))
    };
    if let Some(column) = ours.difference(&theirs).next() {
        return wrong(column, format!("is missing here and present in {}", first.display()));
    }
    if let Some(column) = theirs.difference(&ours).next() {
        return wrong(column, format!("is not in {}", first.display()));
    }
    if let Some((_, column)) = names.iter().zip(others).find(|(a, b)| a != b) {
        return wrong(column, format!("stands in another place than in {}", first.display()));
    }
    Ok(())
}

/// Refuses headers that references could not tell apart.
fn check_names(names: &[String], file: &Path) -> Result<(), DataError> {
    if names.is_empty() {
        return Err(DataError::new(DataErrorKind::Empty, "the file has no columns").file(file));
    }
    let mut seen = BTreeSet::new();
    for (field, name) in names.iter().enumerate() {
        if name.is_empty() {
            let message = format!("column {} of the header has no name", field + 1);
            return Err(DataError::new(DataErrorKind::DuplicateColumn, message)
                .file(file)
                .line(1)
                .help("give every column a name: inputs refer to columns by name"));
        }
        if !seen.insert(name) {
            return Err(DataError::new(DataErrorKind::DuplicateColumn, "the name occurs twice")
                .file(file)
                .line(1)
                .column(name, Some(field))
                .help("rename one of the two columns"));
        }
    }
    Ok(())
}
