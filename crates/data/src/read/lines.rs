//! Lines of a text file as records under a header, with errors and notes about them.

use std::{io::Read, path::PathBuf};

use collegium_manifest::ReadOptions;
use encoding_rs::WINDOWS_1252;

use super::{
    bound, files,
    input::Input,
    records::{Fault, Placed, Records},
    source,
};
use crate::{DataError, DataErrorKind};

/// Whose text files are read: advice that changes the pipeline file fits only its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// Those of a data source.
    Source,
    /// New rows, which are to be written as the data source's files are.
    NewRows,
}

/// An open text file.
pub(super) struct Lines {
    path: PathBuf,
    input: Input,
    pub(super) names: Vec<String>,
    records: Records<Box<dyn Read>>,
    encoding: String,
    whose: Whose,
    /// The line of the last record.
    pub(super) last: u64,
    /// Empty lines between records of several fields: the first one, and how many.
    empty: Option<(u64, u64)>,
    /// Empty lines behind the last record.
    behind: Option<(u64, u64)>,
    /// A record that looks like several: its line, its quoted field, its lines, and how many there are.
    like_rows: Option<(u64, usize, u64, u64)>,
}

impl Whose {
    /// The error about an encoding, with advice that fits.
    fn encoding(self, error: DataError, declared: &str) -> DataError {
        match self {
            Self::Source => error,
            Self::NewRows => error.help(format!(
                "new rows are read as the files of the data source are, as {declared}: write this file so, or \
                 give it as Parquet"
            )),
        }
    }
}

impl Lines {
    pub(super) fn open(input: Input, read: &ReadOptions, whose: Whose) -> Result<Self, DataError> {
        let path = input.path().to_owned();
        let delimiter = read.delimiter.unwrap_or_else(|| files::delimiter(&path));
        let text = source::open(&input, &read.encoding).map_err(|error| match error.kind() {
            DataErrorKind::NotUtf8 => whose.encoding(error, &read.encoding),
            _ => input.explain(error),
        })?;
        let mut lines = Self {
            path: path.clone(),
            input,
            names: Vec::new(),
            records: Records::new(text, delimiter),
            encoding: read.encoding.clone(),
            whose,
            last: 1,
            empty: None,
            behind: None,
            like_rows: None,
        };
        let mut more = lines.record()?;
        while more && lines.records.is_blank() {
            more = lines.record()?;
        }
        if !more {
            return Err(DataError::new(DataErrorKind::Empty, "the file is empty")
                .file(&path)
                .help("a text file begins with one line of column names"));
        }
        let width = lines.records.len();
        let names: Result<Vec<String>, DataError> =
            (0..width).map(|index| lines.field(index).map(str::to_owned)).collect();
        lines.names = names?;
        if width == 1 {
            lines.other_delimiter(delimiter, read)?;
        }
        Ok(lines)
    }

    /// Reads the next record; `false` at the end. In a file of several columns an empty line is no record; in
    /// one of a single column it is a missing value.
    pub(super) fn next(&mut self) -> Result<bool, DataError> {
        loop {
            if !self.record()? {
                return Ok(false);
            }
            if self.names.len() == 1 || !self.records.is_blank() {
                break;
            }
            let first = self.behind.map_or(self.last, |(first, _)| first);
            self.behind = Some((first, self.behind.map_or(0, |(_, count)| count) + 1));
        }
        if let Some((first, count)) = self.behind.take() {
            let (known, before) = self.empty.unwrap_or((first, 0));
            self.empty = Some((known, before + count));
        }
        if self.records.len() != self.names.len() {
            return Err(self.ragged());
        }
        if let Some(field) = self.records.like_rows() {
            let found = (self.last, field, self.records.more + 1, 0);
            self.like_rows.get_or_insert(found).3 += 1;
        }
        Ok(true)
    }

    fn record(&mut self) -> Result<bool, DataError> {
        let more = self.records.next().map_err(|placed| self.input.explain(self.fault(placed)));
        self.last = self.records.line;
        more
    }

    /// A field of the record, without blanks around it.
    pub(super) fn field(&self, index: usize) -> Result<&str, DataError> {
        let bytes = self.records.field(index).unwrap_or_default().trim_ascii();
        std::str::from_utf8(bytes).map_err(|_| {
            let (text, ..) = WINDOWS_1252.decode(bytes);
            let text: String = text.chars().take(40).collect();
            let error = DataError::new(DataErrorKind::NotUtf8, "the text is not UTF-8");
            let error = self.place(error, self.last, index).help(format!(
                "if it is `{text}`, add `read = {{ encoding = \"latin1\" }}` to the data source"
            ));
            self.whose.encoding(error, &self.encoding)
        })
    }

    /// A field of the record as it is.
    pub(super) fn cell(&self, index: usize) -> &[u8] {
        self.records.field(index).unwrap_or_default()
    }

    pub(super) fn place(&self, error: DataError, line: u64, index: usize) -> DataError {
        let number = (index + 1).to_string();
        let name = self.names.get(index).unwrap_or(&number);
        error.file(&self.path).line(line).column(name, Some(index))
    }

    /// What a person should know about the lines that were read.
    pub(super) fn notes(&self) -> Vec<String> {
        let file = self.path.file_name().unwrap_or_default().to_string_lossy();
        let mut notes = Vec::new();
        if let Some((first, count)) = self.empty {
            notes.push(match count {
                1 => format!("{file}: line {first} is empty and no row"),
                _ => format!("{file}: {count} lines are empty and no rows, first line {first}"),
            });
        }
        if let Some((line, field, lines, count)) = self.like_rows {
            let others = match count {
                1 => String::new(),
                _ => format!("; {} more cells are like that", count - 1),
            };
            notes.push(format!(
                "{file}:{line}:{}: column `{}`: one quoted cell holds what looks like {lines} rows; is a quote \
                 in it meant as text? Such a quote is written twice, in a quoted cell{others}",
                field + 1,
                self.names[field],
            ));
        }
        notes
    }

    /// A header of one column that has several by another delimiter, as has the line below it.
    fn other_delimiter(&mut self, delimiter: u8, read: &ReadOptions) -> Result<(), DataError> {
        let coming = match self.records.coming() {
            Ok(coming) => coming.to_vec(),
            // Whoever reads on is told.
            Err(_) => return Ok(()),
        };
        let header = &self.names[0];
        let found = [(b';', "semicolon"), (b'\t', "tab"), (b'|', "vertical bar"), (b',', "comma")]
            .into_iter()
            .filter(|(other, _)| *other != delimiter)
            .map(|(other, name)| {
                (header.bytes().filter(|byte| *byte == other).count(), other, name)
            })
            .max_by_key(|(count, other, _)| (*count, *other != b','));
        let Some((count @ 1.., other, name)) = found else { return Ok(()) };
        // Whoever has declared the usual delimiter means it.
        let meant = read.delimiter.is_some() && !matches!(delimiter, b';' | b'|');
        if meant || coming.iter().filter(|byte| **byte == other).count() < count {
            return Ok(());
        }
        let shown = char::from(other).escape_default();
        let plural = if count == 1 { "" } else { "s" };
        let message = format!("the header is one column with {count} {name}{plural}");
        let help = match self.whose {
            Whose::Source => format!(
                "is `{shown}` the delimiter? add `read = {{ delimiter = \"{shown}\" }}` to the data source"
            ),
            Whose::NewRows => format!(
                "is `{shown}` the delimiter? new rows are read as the files of the data source are, with `{}`: \
                 write this file so, or give it as Parquet",
                char::from(delimiter).escape_default()
            ),
        };
        Err(DataError::new(DataErrorKind::Ragged, message)
            .file(&self.path)
            .line(self.last)
            .help(help))
    }

    fn ragged(&self) -> DataError {
        let (have, want) = (self.records.len(), self.names.len());
        let message = format!("the line has {have} fields and the header has {want}");
        let error = DataError::new(DataErrorKind::Ragged, message);
        // The first column that has no field, or the last one before fields that have no column.
        let (field, help) = match have < want {
            true => (have, "fields from this column on are missing"),
            false => (want - 1, "there are fields after this last column; is a comma not quoted?"),
        };
        self.place(error, self.last, field).help(help)
    }

    fn fault(&self, placed: Placed) -> DataError {
        let Placed { fault, line, field } = placed;
        let wrong = |message: String| {
            self.place(DataError::new(DataErrorKind::Quote, message), line, field)
        };
        match fault {
            Fault::Io(error) => {
                source::fault(&self.input, &self.encoding, error).line(line)
            }
            Fault::TooMany => {
                let message = format!("the line has more than {} fields", bound::COLUMNS);
                DataError::new(DataErrorKind::TooLarge, message)
                    .file(&self.path)
                    .line(line)
                    .help("are its rows and columns exchanged, or its lines of another form?")
            }
            Fault::Unclosed => wrong("a quote is opened here and never closed".to_owned()).help(
                "close it at the end of the cell; a quote that is text is written twice, in a quoted cell",
            ),
            Fault::AfterQuote { line: closed, text } => {
                let closed = match closed == line {
                    true => String::new(),
                    false => format!(" in line {closed}"),
                };
                wrong(format!("a quote is opened here and closed{closed} before `{text}`")).help(
                    "a closing quote ends its cell; a quote that is text is written twice, in a quoted cell",
                )
            }
            Fault::TooLong => wrong("the line is longer than 64 MiB".to_owned())
                .help("is it a text file, with a line for each row?"),
        }
    }
}
