//! Schema inference over all files of a table: its columns and their types.
//!
//! Columns that cannot be referred to (no name, a name that stands twice), that are not in every file,
//! or whose type has no counterpart here, are left out of the table and remembered as unfit.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use indexmap::IndexMap;

use super::{
    Field, Format, Opened, Options, bound, columnar::too_many_columns, format, guess::Guess,
    style::Style,
};
use crate::{DataError, DataErrorKind, settle::Readings, unfit::Unfit};

/// The header of one file.
pub(super) struct Header {
    /// Place in the file by name.
    pub(super) names: IndexMap<String, usize>,
    /// Columns that have no name of their own: name, error, in few words.
    nameless: Vec<(String, DataError, &'static str)>,
}

impl Header {
    /// # Errors
    /// If there is no column that has a name of its own.
    pub(super) fn of(header: &[String], file: &Path) -> Result<Self, DataError> {
        if header.len() > bound::COLUMNS {
            return Err(too_many_columns(file));
        }
        if let Some(field) = header.iter().position(|name| name.len() > bound::NAME) {
            let shown: String = header[field].chars().take(40).collect();
            let message = format!(
                "the name of the column begins with `{shown}` and has {} bytes",
                header[field].len()
            );
            return Err(DataError::new(DataErrorKind::TooLarge, message).file(file).line(1).help(
                format!(
                    "a name has at most {} bytes: is the first line one of names?",
                    bound::NAME
                ),
            ));
        }
        let mut names = IndexMap::new();
        let mut twice: BTreeSet<&String> = BTreeSet::new();
        let mut nameless = Vec::new();
        let wrong = |message: String| {
            DataError::new(DataErrorKind::DuplicateColumn, message).file(file).line(1)
        };
        for (field, name) in header.iter().enumerate() {
            if name.is_empty() {
                let error = wrong(format!("column {} of the header has no name", field + 1))
                    .help("give every column a name: inputs refer to columns by name");
                nameless.push((String::new(), error, "no name"));
            } else if names.insert(name.clone(), field).is_some() && twice.insert(name) {
                let error = wrong("the name occurs twice".to_owned())
                    .column(name, Some(field))
                    .help("rename one of the two columns");
                nameless.push((name.clone(), error, "a name that occurs twice"));
            }
        }
        names.retain(|name, _| !twice.contains(name));
        if names.is_empty() {
            let none = DataError::new(DataErrorKind::Empty, "the file has no columns").file(file);
            return Err(nameless.into_iter().next().map_or(none, |(_, error, _)| error));
        }
        Ok(Self { names, nameless })
    }
}

/// Where the columns of a table stand in one of its files, which may have been replaced since the first
/// look.
pub(super) fn places(
    fields: &[Field],
    header: &[String],
    file: &Path,
) -> Result<Vec<usize>, DataError> {
    let header = Header::of(header, file)?;
    let place = |field: &Field| header.names.get(&field.name).copied();
    let find = |field: &Field| {
        place(field).ok_or_else(|| {
            DataError::new(DataErrorKind::Changed, "the column has gone since the file was opened")
                .file(file)
                .column(&field.name, None)
                .help("wait until whatever writes it has finished and run again")
        })
    };
    fields.iter().map(find).collect()
}

/// State of the schema inference after some of a table's files.
pub(super) struct Survey<'a> {
    files: &'a [PathBuf],
    options: &'a Options<'a>,
    /// Those columns that are in all files so far.
    pub(super) guesses: IndexMap<String, Guess>,
    unfit: Vec<Unfit>,
    begun: bool,
}

impl<'a> Survey<'a> {
    pub(super) fn new(files: &'a [PathBuf], options: &'a Options<'a>) -> Self {
        Self { files, options, guesses: IndexMap::new(), unfit: Vec::new(), begun: false }
    }

    /// Takes the header of a file; returns the place in it of each column.
    pub(super) fn header(
        &mut self,
        file: &Path,
        header: &[String],
    ) -> Result<Vec<usize>, DataError> {
        let header = Header::of(header, file)?;
        for (name, error, what) in header.nameless {
            self.leave_out(&name, &error, what);
        }
        if !self.begun {
            self.begun = true;
            for name in header.names.keys() {
                let forced = self.options.types.get(name).copied();
                let settled = self.options.settled.get(name).copied();
                // What `read` says holds for text files alone.
                let style = match format(file) {
                    Ok(Format::Csv(_)) => Style::of(self.options.read),
                    _ => Style::default(),
                };
                self.guesses.insert(name.clone(), Guess::new(forced, settled, style));
            }
        } else {
            self.agree(file, &header.names)?;
        }
        Ok(self.guesses.keys().map(|name| header.names[name]).collect())
    }

    /// Leaves out what is not in all files.
    fn agree(&mut self, file: &Path, names: &IndexMap<String, usize>) -> Result<(), DataError> {
        let first = self.files.first().map(|file| file.display().to_string()).unwrap_or_default();
        let wrong = |column: &str, message: String| {
            DataError::new(DataErrorKind::Disagree, message).file(file).column(column, None).help(
                "files that one pattern matches must have the same columns; name two patterns as two \
                 `tables`, or narrow this one",
            )
        };
        let gone: Vec<String> =
            self.guesses.keys().filter(|name| !names.contains_key(*name)).cloned().collect();
        let mut error = None;
        for name in gone {
            let found = wrong(&name, format!("is missing here and present in {first}"));
            self.leave_out(&name, &found, "not in all files");
            error.get_or_insert(found);
        }
        let new: Vec<&String> = names
            .keys()
            .filter(|name| !self.guesses.contains_key(*name))
            .filter(|name| self.unfit.iter().all(|unfit| unfit.name != **name))
            .collect();
        for name in new {
            let found = wrong(name, format!("is not in {first}"));
            self.leave_out(name, &found, "not in all files");
        }
        match error {
            Some(error) if self.guesses.is_empty() => Err(error),
            _ => Ok(()),
        }
    }

    /// Leaves a column out of the table. The first reason counts.
    pub(super) fn leave_out(&mut self, name: &str, error: &DataError, what: &str) {
        self.guesses.shift_remove(name);
        if name.is_empty() || self.unfit.iter().all(|unfit| unfit.name != name) {
            self.unfit.push(Unfit::new(name, false, error, self.files).what(what));
        }
    }

    /// The inferred columns.
    pub(super) fn finish(self, rows: u64, format: Format) -> Result<Opened, DataError> {
        let Self { files, options, guesses, mut unfit, .. } = self;
        let (mut fields, mut remarks) = (Vec::new(), IndexMap::new());
        let mut readings = Readings::new();
        for (name, guess) in guesses {
            let verdict = guess.verdict(&name, files, options.missing)?;
            remarks.extend(verdict.remark.map(|remark| (name.clone(), remark)));
            readings.extend(verdict.reading.map(|reading| (name, reading)));
            unfit.extend(verdict.unfit);
            fields.push(verdict.field);
        }
        let none = (String::new(), files.to_vec());
        if let (true, Some(unfit)) = (fields.is_empty(), unfit.first()) {
            return Err(unfit.error([(&none.0, &none.1)]));
        }
        let files = none.1;
        let (room, notes) = (rows, Vec::new());
        Ok(Opened { fields, rows, room, notes, remarks, readings, unfit, files, format })
    }
}
