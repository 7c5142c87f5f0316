//! Text files: one pass settles the types, the next one reads.

use std::path::{Path, PathBuf};

use collegium_manifest::{ColumnType, ReadOptions};

use super::{CHUNK, Field, Format, Opened, Options, agree, lines::Lines, style::Style};
use crate::{
    DataError, DataErrorKind, Table, build,
    build::Builder,
    cast::{Why, named_boolean, refuse},
    time,
};

/// What is known of a column's type so far.
struct Guess {
    forced: Option<ColumnType>,
    present: u64,
    numbers: u64,
    style: Style,
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
    fn new(forced: Option<ColumnType>, style: Style) -> Self {
        Self {
            forced,
            present: 0,
            numbers: 0,
            style,
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
            match self.style.number(text) {
                Ok(value) => {
                    self.numbers += 1;
                    self.integer &= value.fract() == 0.0 && self.style.is_written_whole(text);
                }
                Err(Why::Wrong) => {
                    self.odd.get_or_insert_with(|| (lines.last, text.to_owned()));
                }
                Err(why) => {
                    self.numbers += 1;
                    if self.bad.is_none() {
                        let kind = ColumnType::Number;
                        let error = refuse(why, kind, &lines.names[index], text);
                        self.bad = Some(lines.place(error, lines.last, index));
                    }
                }
            }
        }
        self.boolean = self.boolean && named_boolean(text).is_some();
        let dated = matches!(self.forced, None | Some(ColumnType::Time));
        if self.time && dated {
            match self.style.time(text) {
                Some(at) => {
                    let date = text.len() == 10 || self.style.has_date_format();
                    self.dates &= at.rem_euclid(time::DAY) == 0 && date;
                }
                None => self.time = false,
            }
        }
    }

    fn kind(&self) -> ColumnType {
        match self.forced {
            Some(kind) => kind,
            // A declared format may be one of digits alone.
            None if self.time && self.present > 0 && self.style.has_date_format() => {
                ColumnType::Time
            }
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
    format: Format,
    options: &Options,
) -> Result<Opened, DataError> {
    let mut names: Vec<String> = Vec::new();
    let mut guesses: Vec<Guess> = Vec::new();
    let (mut rows, mut notes) = (0, Vec::new());
    for file in &files {
        let mut lines = Lines::open(file, options.read)?;
        if names.is_empty() {
            names = lines.names.clone();
            guesses = {
                let style = Style::of(options.read);
                let guess = |name| Guess::new(options.types.get(name).copied(), style.clone());
                names.iter().map(guess).collect()
            };
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
        notes.extend(lines.notes());
    }
    let mut fields = Vec::new();
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
    Ok(Opened { fields, rows, notes, files, format })
}

fn is_missing(text: &str, missing: &[String]) -> bool {
    missing.iter().any(|token| token == text)
}

/// The second pass.
pub(super) struct Chunks<'a> {
    opened: &'a Opened,
    style: Style,
    options: &'a Options<'a>,
    files: std::slice::Iter<'a, PathBuf>,
    lines: Option<Lines>,
    done: u64,
}

impl<'a> Chunks<'a> {
    pub(super) fn new(opened: &'a Opened, options: &'a Options<'a>) -> Self {
        let style = Style::of(options.read);
        Self { opened, style, options, files: opened.files.iter(), lines: None, done: 0 }
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
                let lines = Lines::open(file, self.options.read)?;
                // The file may have been replaced since the first pass.
                agree(&self.opened.files[0], &names, file, &lines.names)?;
                self.lines = Some(lines);
                continue;
            };
            if !lines.next()? {
                self.lines = None;
                continue;
            }
            fill(lines, &mut builders, self.options.missing, &self.style)?;
            rows += 1;
        }
        self.done += rows as u64;
        if rows < CHUNK && self.done != self.opened.rows {
            let message = format!(
                "{} rows were read at first, and {} now: a data file changed while it was read",
                self.opened.rows, self.done
            );
            return Err(DataError::new(DataErrorKind::Changed, message)
                .file(&self.opened.files[0])
                .help("wait until whatever writes it has finished and run again"));
        }
        if rows == 0 {
            return Ok(None);
        }
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
    builders: &mut [Builder],
    missing: &[String],
    style: &Style,
) -> Result<(), DataError> {
    for (index, builder) in builders.iter_mut().enumerate() {
        let text = lines.field(index)?;
        if is_missing(text, missing) {
            builder.missing();
        } else if let Err(why) = builder.text(text, style) {
            let refused = refuse(why, builder.kind(), &lines.names[index], text);
            return Err(lines.place(refused, lines.last, index));
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
    pub(crate) fn open(
        path: &Path,
        missing: &[String],
        read: &ReadOptions,
    ) -> Result<Self, DataError> {
        let lines = Lines::open(path, read)?;
        Ok(Self { lines, missing: missing.to_vec(), places: Vec::new() })
    }

    pub(crate) fn header(&self) -> &[String] {
        &self.lines.names
    }

    /// What a person should know about the lines that were read so far.
    pub(crate) fn notes(&self) -> Vec<String> {
        self.lines.notes()
    }

    /// At most `rows` rows; `None` at the end.
    pub(crate) fn read(&mut self, rows: usize) -> Result<Option<Table>, DataError> {
        self.places.clear();
        let kind = ColumnType::Category;
        let mut builders: Vec<Builder> =
            self.lines.names.iter().map(|_| Builder::new(kind, 0)).collect();
        while self.places.len() < rows && self.lines.next()? {
            fill(&self.lines, &mut builders, &self.missing, &Style::default())?;
            self.places.push(self.lines.last);
        }
        if self.places.is_empty() {
            return Ok(None);
        }
        let values = builders.into_iter().map(Builder::finish);
        Ok(Some(build::table(self.lines.names.iter().cloned().zip(values), self.places.len())))
    }
}
