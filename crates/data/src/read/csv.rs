//! Text files: one pass settles the types, the next one reads.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use collegium_manifest::ColumnType;
use csv::{ByteRecord, Reader, ReaderBuilder};

use super::{CHUNK, Field, Format, Opened, Options, agree, check_names};
use crate::{
    DataError, DataErrorKind, Table, build,
    build::Builder,
    cast::{Why, named_boolean, number, refuse},
    time,
};

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
        check_names(&names, path)?;
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

/// What is known of a column's type so far.
struct Guess {
    forced: Option<ColumnType>,
    present: u64,
    numbers: u64,
    boolean: bool,
    time: bool,
    integer: bool,
    dates: bool,
    /// The first value that is no number, and its line.
    odd: Option<(u64, String)>,
    /// The first number that cannot be held, where it stands, ready to be raised.
    bad: Option<DataError>,
}

impl Guess {
    fn new(forced: Option<ColumnType>) -> Self {
        Self {
            forced,
            present: 0,
            numbers: 0,
            boolean: true,
            time: true,
            integer: true,
            dates: true,
            odd: None,
            bad: None,
        }
    }

    fn see(&mut self, text: &str, lines: &Lines, index: usize) {
        self.present += 1;
        if matches!(self.forced, None | Some(ColumnType::Number)) {
            match number(text) {
                Ok(value) => {
                    self.numbers += 1;
                    self.integer &= value.fract() == 0.0 && !text.contains(['.', 'e', 'E']);
                }
                Err(Why::Wrong) => {
                    self.odd.get_or_insert_with(|| (lines.last, text.to_owned()));
                }
                Err(why) => {
                    self.numbers += 1;
                    if self.bad.is_none() {
                        let kind = ColumnType::Number;
                        let error = refuse(why, kind, &lines.names[index], text);
                        self.bad = Some(lines.place(error, index));
                    }
                }
            }
        }
        self.boolean = self.boolean && named_boolean(text).is_some();
        let dated = matches!(self.forced, None | Some(ColumnType::Time));
        if self.time && dated {
            match time::parse(text) {
                Some(at) => self.dates &= at.rem_euclid(time::DAY) == 0 && text.len() == 10,
                None => self.time = false,
            }
        }
    }

    fn kind(&self) -> ColumnType {
        match self.forced {
            Some(kind) => kind,
            None if self.numbers == self.present => ColumnType::Number,
            None if self.boolean => ColumnType::Boolean,
            None if self.time => ColumnType::Time,
            None => ColumnType::Category,
        }
    }

    /// A hint for a column that is nearly numbers, or nothing at all.
    fn note(&self, name: &str) -> Option<String> {
        if self.present == 0 {
            return Some(format!("column `{name}` has no values"));
        }
        let (line, text) = self.odd.as_ref()?;
        let others = self.present - self.numbers;
        (self.forced.is_none() && self.numbers * 10 >= self.present * 9).then(|| {
            format!(
                "column `{name}` is a category, because {others} of its {} values are no numbers, first \
                 `{text}` in line {line}; name it in `missing` if it means missing",
                self.present
            )
        })
    }
}

pub(super) fn open(
    files: Vec<PathBuf>,
    delimiter: u8,
    options: &Options,
) -> Result<Opened, DataError> {
    let mut names: Vec<String> = Vec::new();
    let mut guesses: Vec<Guess> = Vec::new();
    let mut rows = 0;
    for file in &files {
        let mut lines = Lines::open(file, delimiter)?;
        if names.is_empty() {
            names = lines.names.clone();
            guesses =
                names.iter().map(|name| Guess::new(options.types.get(name).copied())).collect();
        } else {
            agree(&files[0], &names, file, &lines.names)?;
        }
        while lines.next()? {
            for (index, guess) in guesses.iter_mut().enumerate() {
                let text = lines.field(index)?;
                if !is_missing(text, options.missing) {
                    guess.see(text, &lines, index);
                }
            }
            rows += 1;
            if rows % CHUNK as u64 == 0 {
                (options.tick)(rows)?;
            }
        }
    }
    let (mut fields, mut notes) = (Vec::new(), Vec::new());
    for (name, guess) in names.into_iter().zip(guesses) {
        notes.extend(guess.note(&name));
        let kind = guess.kind();
        let integer = kind == ColumnType::Number && guess.integer;
        let dates = kind == ColumnType::Time && guess.dates;
        if kind == ColumnType::Number
            && let Some(error) = guess.bad
        {
            return Err(error);
        }
        fields.push(Field { name, kind, integer, dates });
    }
    Ok(Opened { fields, rows, notes, files, format: Format::Csv(delimiter) })
}

fn is_missing(text: &str, missing: &[String]) -> bool {
    missing.iter().any(|token| token == text)
}

/// The second pass.
pub(super) struct Chunks<'a> {
    opened: &'a Opened,
    delimiter: u8,
    options: &'a Options<'a>,
    files: std::slice::Iter<'a, PathBuf>,
    lines: Option<Lines>,
    done: u64,
}

impl<'a> Chunks<'a> {
    pub(super) fn new(opened: &'a Opened, delimiter: u8, options: &'a Options<'a>) -> Self {
        Self { opened, delimiter, options, files: opened.files.iter(), lines: None, done: 0 }
    }

    /// The next chunk; `None` at the end of the last file.
    fn read(&mut self) -> Result<Option<Table>, DataError> {
        let fields = &self.opened.fields;
        let names: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
        let mut builders: Vec<Builder> =
            fields.iter().map(|field| Builder::new(field.kind, CHUNK)).collect();
        let mut rows = 0;
        while rows < CHUNK {
            let Some(lines) = &mut self.lines else {
                let Some(file) = self.files.next() else { break };
                let lines = Lines::open(file, self.delimiter)?;
                // The file may have been replaced since the first pass.
                agree(&self.opened.files[0], &names, file, &lines.names)?;
                self.lines = Some(lines);
                continue;
            };
            if !lines.next()? {
                self.lines = None;
                continue;
            }
            fill(lines, &mut builders, self.options.missing)?;
            rows += 1;
        }
        if rows == 0 {
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
fn fill(lines: &Lines, builders: &mut [Builder], missing: &[String]) -> Result<(), DataError> {
    for (index, builder) in builders.iter_mut().enumerate() {
        let text = lines.field(index)?;
        if is_missing(text, missing) {
            builder.missing();
        } else if let Err(why) = builder.text(text) {
            let refused = refuse(why, builder.kind(), &lines.names[index], text);
            return Err(lines.place(refused, index));
        }
    }
    Ok(())
}

/// Chunks of untyped rows: every column a category of its texts.
pub(crate) struct Raw {
    lines: Lines,
    missing: Vec<String>,
    /// The line of each row of the last chunk.
    pub(crate) places: Vec<u64>,
}

impl Raw {
    pub(crate) fn open(path: &Path, delimiter: u8, missing: &[String]) -> Result<Self, DataError> {
        let lines = Lines::open(path, delimiter)?;
        Ok(Self { lines, missing: missing.to_vec(), places: Vec::new() })
    }

    pub(crate) fn header(&self) -> &[String] {
        &self.lines.names
    }

    /// At most `rows` rows; `None` at the end.
    pub(crate) fn read(&mut self, rows: usize) -> Result<Option<Table>, DataError> {
        self.places.clear();
        let kind = ColumnType::Category;
        let mut builders: Vec<Builder> =
            self.lines.names.iter().map(|_| Builder::new(kind, 0)).collect();
        while self.places.len() < rows && self.lines.next()? {
            fill(&self.lines, &mut builders, &self.missing)?;
            self.places.push(self.lines.last);
        }
        if self.places.is_empty() {
            return Ok(None);
        }
        let values = builders.into_iter().map(Builder::finish);
        Ok(Some(build::table(self.lines.names.iter().cloned().zip(values), self.places.len())))
    }
}
