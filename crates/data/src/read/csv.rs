//! Reader of text files (CSV, TSV): one pass settles the types, the next one reads.

use std::path::PathBuf;

use collegium_manifest::{ColumnType, ReadOptions};

use super::{
    CHUNK, Field, Format, Opened, Options,
    guess::At,
    input::Input,
    lines::{Lines, Whose},
    missing::Missing,
    style::Style,
    survey::{Header, Survey, places},
};
use crate::{DataError, DataErrorKind, Table, build, build::Builder, cast::refuse};

pub(super) fn open(
    files: Vec<PathBuf>,
    format: Format,
    options: &Options,
) -> Result<Opened, DataError> {
    let missing = Missing::new(options.missing);
    let mut survey = Survey::new(&files, options);
    let (mut rows, mut notes) = (0, Vec::new());
    for (file, path) in files.iter().enumerate() {
        let input = options.contents.open(path)?;
        let mut lines = Lines::open(input, options.read, Whose::Source)?;
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
        notes.extend(lines.notes());
    }
    let mut opened = survey.finish(rows, format)?;
    opened.notes.extend(notes);
    Ok(opened)
}

/// The second pass.
pub(super) struct Chunks<'a> {
    opened: &'a Opened,
    fields: Vec<Field>,
    style: Style,
    options: &'a Options<'a>,
    missing: Missing,
    files: std::slice::Iter<'a, PathBuf>,
    /// The open file, and where the columns stand in it.
    lines: Option<(Lines, Vec<usize>)>,
    done: u64,
}

impl<'a> Chunks<'a> {
    pub(super) fn new(opened: &'a Opened, options: &'a Options<'a>) -> Self {
        let (files, missing) = (opened.files.iter(), Missing::new(options.missing));
        let (fields, style) = (opened.wanted(options), Style::of(options.read));
        Self { opened, fields, style, options, missing, files, lines: None, done: 0 }
    }

    /// The next chunk; `None` at the end of the last file.
    fn read(&mut self) -> Result<Option<Table>, DataError> {
        let fields = &self.fields;
        let names: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
        // A wide file of few rows must not pay for rows that it has not.
        let left = self.opened.rows.saturating_sub(self.done);
        let room = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        let mut builders: Vec<Builder> =
            fields.iter().map(|field| Builder::new(field.kind, room)).collect();
        let mut rows = 0;
        while rows < CHUNK {
            let Some((lines, places)) = &mut self.lines else {
                let Some(file) = self.files.next() else { break };
                let input = self.options.contents.open(file)?;
                let lines = Lines::open(input, self.options.read, Whose::Source)?;
                let places = places(fields, &lines.names, file)?;
                self.lines = Some((lines, places));
                continue;
            };
            if !lines.next()? {
                self.lines = None;
                continue;
            }
            fill(lines, places, &mut builders, &self.missing, &self.style)?;
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
    places: &[usize],
    builders: &mut [Builder],
    missing: &Missing,
    style: &Style,
) -> Result<(), DataError> {
    for (&index, builder) in places.iter().zip(builders) {
        let text = lines.field(index)?;
        if missing.is_text(text) {
            builder.missing();
        } else if let Err(why) = builder.text(text, style) {
            let refused = refuse(why, builder.kind(), &lines.names[index], text);
            return Err(lines.place(refused, lines.last, index));
        }
    }
    Ok(())
}

/// Chunks of untyped rows: every column that has a name of its own, as a category of its texts.
pub(crate) struct Raw {
    lines: Lines,
    header: Vec<String>,
    /// The places of the header's columns in the file.
    fields: Vec<usize>,
    missing: Missing,
    /// Which columns of the header are read.
    pub(crate) wanted: Vec<usize>,
    /// Which are copied, cell by cell as they are.
    pub(crate) keep: Vec<usize>,
    /// Those cells of the last chunk, column by column.
    pub(crate) kept: Vec<Vec<Vec<u8>>>,
    /// The line of each row of the last chunk.
    pub(crate) places: Vec<u64>,
}

impl Raw {
    pub(crate) fn open(
        input: Input,
        missing: &[String],
        read: &ReadOptions,
    ) -> Result<Self, DataError> {
        let path = input.path().to_owned();
        let lines = Lines::open(input, read, Whose::NewRows)?;
        let (header, fields): (Vec<String>, Vec<usize>) =
            Header::of(&lines.names, &path)?.names.into_iter().unzip();
        let wanted = (0..header.len()).collect();
        let (missing, keep, kept) = (Missing::new(missing), Vec::new(), Vec::new());
        Ok(Self { lines, header, fields, missing, wanted, keep, kept, places: Vec::new() })
    }

    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    /// What a person should know about the lines that were read so far.
    pub(crate) fn notes(&self) -> Vec<String> {
        self.lines.notes()
    }

    /// At most `rows` rows; `None` at the end.
    pub(crate) fn read(&mut self, rows: usize) -> Result<Option<Table>, DataError> {
        self.places.clear();
        self.kept = vec![Vec::new(); self.keep.len()];
        let kind = ColumnType::Category;
        let mut builders: Vec<Builder> =
            self.wanted.iter().map(|_| Builder::new(kind, 0)).collect();
        let read: Vec<usize> = self.wanted.iter().map(|&index| self.fields[index]).collect();
        while self.places.len() < rows && self.lines.next()? {
            fill(&self.lines, &read, &mut builders, &self.missing, &Style::default())?;
            for (cells, &index) in self.kept.iter_mut().zip(&self.keep) {
                cells.push(self.lines.cell(self.fields[index]).to_vec());
            }
            self.places.push(self.lines.last);
        }
        if self.places.is_empty() {
            return Ok(None);
        }
        let names = self.wanted.iter().map(|&index| self.header[index].clone());
        let values = builders.into_iter().map(Builder::finish);
        Ok(Some(build::table(names.zip(values), self.places.len())))
    }
}
