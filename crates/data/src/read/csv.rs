//! Text files: one pass settles the types, the next one reads.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use collegium_manifest::ColumnType;
use csv::{ByteRecord, Reader, ReaderBuilder};

use super::{
    CHUNK, Format, Opened, Options,
    guess::At,
    missing::Missing,
    survey::{Header, Survey, places},
};
use crate::{DataError, DataErrorKind, Table, build, build::Builder, cast::refuse};

/// An open text file.
struct Lines {
    path: PathBuf,
    names: Vec<String>,
    reader: Reader<File>,
    record: ByteRecord,
    last: u64,
}

impl Lines {
    fn open(path: &Path, delimiter: u8) -> Result<Self, DataError> {
        let file =
            File::open(path).map_err(|error| DataError::io(path, "read the file", &error))?;
        let mut reader =
            ReaderBuilder::new().delimiter(delimiter).buffer_capacity(1 << 17).from_reader(file);
        let header = reader.byte_headers().map_err(|error| fault(path, &[], error))?.clone();
        if header.is_empty() || header.len() == 1 && header[0].trim_ascii().is_empty() {
            return Err(DataError::new(DataErrorKind::Empty, "the file is empty")
                .file(path)
                .help("a text file begins with one line of column names"));
        }
        let mut names = Vec::with_capacity(header.len());
        for (field, name) in header.iter().enumerate() {
            let name = std::str::from_utf8(name.trim_ascii()).map_err(|_| {
                let column = format!("{}", field + 1);
                not_utf8().file(path).line(1).column(&column, Some(field))
            })?;
            names.push(name.to_owned());
        }
        Ok(Self { path: path.to_owned(), names, reader, record: ByteRecord::new(), last: 1 })
    }

    /// Reads the next record; `false` at the end.
    fn next(&mut self) -> Result<bool, DataError> {
        let more = self
            .reader
            .read_byte_record(&mut self.record)
            .map_err(|error| fault(&self.path, &self.names, error))?;
        if let Some(at) = self.record.position() {
            self.last = at.line();
        }
        Ok(more)
    }

    /// A field of the record, without blanks around it.
    fn field(&self, index: usize) -> Result<&str, DataError> {
        let bytes = self.record.get(index).unwrap_or_default().trim_ascii();
        std::str::from_utf8(bytes).map_err(|_| self.place(not_utf8(), index))
    }

    fn place(&self, error: DataError, index: usize) -> DataError {
        error.file(&self.path).line(self.last).column(&self.names[index], Some(index))
    }
}

fn not_utf8() -> DataError {
    DataError::new(DataErrorKind::NotUtf8, "the text is not UTF-8")
        .help("convert the file, e.g. with `iconv -f latin1 -t utf-8`")
}

fn fault(path: &Path, names: &[String], error: csv::Error) -> DataError {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let message = format!("the line has {len} fields and the header has {expected_len}");
            let mut found = DataError::new(DataErrorKind::Ragged, message).file(path);
            if let Some(at) = pos {
                found = found.line(at.line());
            }
            // The first field that has no column, or the first column that has no field.
            let (have, want) = (*len as usize, *expected_len as usize);
            if have < want
                && let Some(name) = names.get(have)
            {
                found =
                    found.column(name, Some(have)).help("fields from this column on are missing");
            } else if have > want
                && let Some(name) = names.last()
            {
                found = found
                    .column(name, Some(want - 1))
                    .help("there are fields after this last column; is a comma not quoted?");
            }
            found
        }
        csv::ErrorKind::Io(error) => DataError::io(path, "read the file", error),
        _ => DataError::new(DataErrorKind::Damaged, error.to_string()).file(path),
    }
}

/// The header of a file.
pub(super) fn header(path: &Path, delimiter: u8) -> Result<Vec<String>, DataError> {
    Ok(Lines::open(path, delimiter)?.names)
}

pub(super) fn open(
    files: Vec<PathBuf>,
    delimiter: u8,
    options: &Options,
) -> Result<Opened, DataError> {
    let missing = Missing::new(options.missing);
    let mut survey = Survey::new(&files, options);
    let mut rows = 0;
    for (file, path) in files.iter().enumerate() {
        let mut lines = Lines::open(path, delimiter)?;
        let places = survey.header(path, &lines.names)?;
        while lines.next()? {
            for (&field, guess) in places.iter().zip(survey.guesses.values_mut()) {
                let text = lines.field(field)?;
                if !missing.is_text(text) {
                    guess.see(text, At { file, line: lines.last, field });
                }
            }
            rows += 1;
            if rows % CHUNK as u64 == 0 {
                (options.tick)(rows)?;
            }
        }
    }
    survey.finish(rows, Format::Csv(delimiter))
}

/// The second pass.
pub(super) struct Chunks<'a> {
    opened: &'a Opened,
    delimiter: u8,
    options: &'a Options<'a>,
    missing: Missing,
    files: std::slice::Iter<'a, PathBuf>,
    /// The open file, and where the columns stand in it.
    lines: Option<(Lines, Vec<usize>)>,
    done: u64,
}

impl<'a> Chunks<'a> {
    pub(super) fn new(opened: &'a Opened, delimiter: u8, options: &'a Options<'a>) -> Self {
        let (files, missing) = (opened.files.iter(), Missing::new(options.missing));
        Self { opened, delimiter, options, missing, files, lines: None, done: 0 }
    }

    /// The next chunk; `None` at the end of the last file.
    fn read(&mut self) -> Result<Option<Table>, DataError> {
        let fields = &self.opened.fields;
        let names: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
        let mut builders: Vec<Builder> =
            fields.iter().map(|field| Builder::new(field.kind, CHUNK)).collect();
        let mut rows = 0;
        while rows < CHUNK {
            let Some((lines, places)) = &mut self.lines else {
                let Some(file) = self.files.next() else { break };
                let lines = Lines::open(file, self.delimiter)?;
                let places = places(fields, &lines.names, file)?;
                self.lines = Some((lines, places));
                continue;
            };
            if !lines.next()? {
                self.lines = None;
                continue;
            }
            fill(lines, places, &mut builders, &self.missing)?;
            rows += 1;
        }
        if rows == 0 {
            self.opened.whole(self.done)?;
            return Ok(None);
        }
        self.done += rows as u64;
        (self.options.tick)(self.done)?;
        let values = builders.into_iter().map(Builder::finish);
        Ok(Some(build::table(names.into_iter().zip(values), rows)))
    }
}

impl Iterator for Chunks<'_> {
    type Item = Result<Table, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// Adds a record to the columns.
fn fill(
    lines: &Lines,
    places: &[usize],
    builders: &mut [Builder],
    missing: &Missing,
) -> Result<(), DataError> {
    for (&index, builder) in places.iter().zip(builders) {
        let text = lines.field(index)?;
        if missing.is_text(text) {
            builder.missing();
        } else if let Err(why) = builder.text(text) {
            let refused = refuse(why, builder.kind(), &lines.names[index], text);
            return Err(lines.place(refused, index));
        }
    }
    Ok(())
}

/// Chunks of untyped rows: every column that has a name of its own, as a category of its texts.
pub(crate) struct Raw {
    lines: Lines,
    header: Vec<String>,
    fields: Vec<usize>,
    missing: Missing,
    /// The line of each row of the last chunk.
    pub(crate) places: Vec<u64>,
}

impl Raw {
    pub(crate) fn open(path: &Path, delimiter: u8, missing: &[String]) -> Result<Self, DataError> {
        let lines = Lines::open(path, delimiter)?;
        let (header, fields) = Header::of(&lines.names, path)?.names.into_iter().unzip();
        Ok(Self { lines, header, fields, missing: Missing::new(missing), places: Vec::new() })
    }

    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    /// At most `rows` rows; `None` at the end.
    pub(crate) fn read(&mut self, rows: usize) -> Result<Option<Table>, DataError> {
        self.places.clear();
        let kind = ColumnType::Category;
        let mut builders: Vec<Builder> =
            self.fields.iter().map(|_| Builder::new(kind, 0)).collect();
        while self.places.len() < rows && self.lines.next()? {
            fill(&self.lines, &self.fields, &mut builders, &self.missing)?;
            self.places.push(self.lines.last);
        }
        if self.places.is_empty() {
            return Ok(None);
        }
        let values = builders.into_iter().map(Builder::finish);
        Ok(Some(build::table(self.header.iter().cloned().zip(values), self.places.len())))
    }
}
