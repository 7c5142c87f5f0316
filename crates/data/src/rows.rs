//! Streaming reader of new rows for prediction, in the types that the file gives them.

use std::path::{Path, PathBuf};

use collegium_digest::Digest;
use collegium_manifest::{ColumnType, DataSource, ReadOptions};

use crate::{
    Column, DataError, Table, TableFacts, build,
    read::{Batches, Cells, Contents, Format, Idx, KeptColumn, Raw, Style, format, is_idx},
};

/// Chunks of the rows of a file. Columns of text files are categories of their texts; which type
/// they really have is for [`crate::Conform`] to say.
pub struct RowReader {
    path: PathBuf,
    header: Vec<String>,
    wanted: Vec<String>,
    keep: Vec<String>,
    kept: Vec<KeptColumn>,
    missing: Vec<String>,
    chunk: usize,
    from: From,
    places: Places,
    failed: bool,
    done: u64,
    content: Digest,
}

enum From {
    Text(Box<Raw>),
    Arrow(Box<Batches>),
    Idx(Box<Idx>),
}

/// Where the rows of a chunk stand in their file.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// The file.
    pub file: PathBuf,
    /// The line of each row, for text files; empty for binary ones.
    pub lines: Vec<u64>,
    /// The number of the first row, from 1.
    pub first: u64,
    /// How the file writes numbers and times.
    pub style: Style,
    /// The columns of the file, in its order.
    pub header: Vec<String>,
}

impl Places {
    /// The line (or row) number of a row of the chunk.
    pub fn line(&self, row: usize) -> u64 {
        self.lines.get(row).copied().unwrap_or(self.first + row as u64)
    }

    /// The place of a column in the file, from 0.
    pub(crate) fn field(&self, column: &str) -> Option<usize> {
        self.header.iter().position(|name| name == column)
    }
}

/// Opens a CSV, TSV, Parquet, Arrow or IDX file for streaming in chunks of at most `chunk` rows.
/// `missing` are the texts that mean "missing" in text files, `read` says how these are written, and `most`
/// how many bytes it may unpack to (`None`: by its size). The one column of an IDX file is called by the
/// file's name; see [`RowReader::adopt`].
///
/// # Errors
/// If the file is not there, is not a table, or has a header that cannot be used.
pub fn read_rows(
    path: &Path,
    missing: &[String],
    read: &ReadOptions,
    most: Option<u64>,
    chunk: usize,
) -> Result<RowReader, DataError> {
    let mut style = Style::default();
    let format = match format(path) {
        // The name of a pipe says nothing: what is no file is refused as such.
        Err(error) if !is_idx(path) => {
            Contents::refuse(path)?;
            return Err(error);
        }
        other => other,
    };
    let input = Contents::within(most).open(path)?;
    let content = input.digest();
    let (from, header) = match format {
        Err(_) => {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (From::Idx(Box::new(Idx::open(input)?)), vec![name])
        }
        Ok(Format::Csv(_)) => {
            style = Style::of(read);
            let raw = Raw::open(input, missing, read)?;
            let header = raw.header().to_vec();
            (From::Text(Box::new(raw)), header)
        }
        Ok(format) => {
            let batches = Batches::open(input, format)?;
            let header = batches.raw_names();
            (From::Arrow(Box::new(batches)), header)
        }
    };
    let places = Places {
        file: path.to_owned(),
        lines: Vec::new(),
        first: 1,
        style,
        header: header.clone(),
    };
    Ok(RowReader {
        path: path.to_owned(),
        wanted: header.clone(),
        header,
        keep: Vec::new(),
        kept: Vec::new(),
        missing: missing.to_vec(),
        chunk: chunk.max(1),
        from,
        places,
        failed: false,
        done: 0,
        content,
    })
}

impl RowReader {
    /// [`read_rows`] of a file for a data source, by what the source says of its files.
    ///
    /// # Errors
    /// As [`read_rows`].
    pub fn of_source(source: &DataSource, path: &Path, chunk: usize) -> Result<Self, DataError> {
        read_rows(path, &source.missing, source.read_of_rows(), source.unpacked_limit, chunk)
    }

    /// The column names, in the file's order. Columns of types that have no counterpart here are not
    /// among them.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// All columns that can be kept, of whatever type.
    pub fn all_columns(&self) -> Vec<String> {
        match &self.from {
            From::Arrow(batches) => batches.names(),
            From::Text(_) | From::Idx(_) => self.header.clone(),
        }
    }

    /// Is it a file of one column, and no table?
    pub fn is_one_column(&self) -> bool {
        matches!(self.from, From::Idx(_))
    }

    /// Says which columns chunks are to have; all others are not looked at. Without it, all.
    pub fn only(&mut self, wanted: impl IntoIterator<Item = String>) {
        self.wanted = wanted.into_iter().collect();
        if let From::Text(raw) = &mut self.from {
            let names = self.header.iter().enumerate();
            let wanted = names.filter(|(_, name)| self.wanted.contains(name));
            raw.wanted = wanted.map(|(index, _)| index).collect();
        }
    }

    /// Says which columns are copied as they are ([`RowReader::kept`]), in this order; each is one of
    /// [`RowReader::all_columns`].
    pub fn keep(&mut self, names: &[String]) {
        self.keep = names.to_vec();
        match &mut self.from {
            From::Text(raw) => {
                let place = |name| self.header.iter().position(|other| other == name);
                raw.keep = names.iter().filter_map(place).collect();
                let nothing = |name: &String| KeptColumn {
                    name: name.clone(),
                    cells: Cells::Bytes(Vec::new()),
                };
                self.kept = names.iter().map(nothing).collect();
            }
            From::Arrow(batches) => self.kept = batches.kept(None, names),
            From::Idx(_) => {}
        }
    }

    /// The columns that are copied, for the rows of the last chunk; for no rows before the first.
    pub fn kept(&self) -> &[KeptColumn] {
        &self.kept
    }

    /// Gives the column of a file that does not name it (IDX) the name of the one among `wanted`,
    /// columns of a data source, that is of its type. Where several are, or none, it keeps the
    /// file's name. Other files stay as they are.
    pub fn adopt(&mut self, facts: &TableFacts, wanted: &[String]) {
        let From::Idx(idx) = &self.from else { return };
        let kind = if idx.shape.is_some() { ColumnType::Image } else { ColumnType::Number };
        let of_kind = |name: &&String| facts.column(name).is_some_and(|known| known.kind == kind);
        let mut fitting = wanted.iter().filter(of_kind);
        if let (Some(only), None) = (fitting.next(), fitting.next()) {
            self.header = vec![only.clone()];
            self.places.header.clone_from(&self.header);
            self.wanted.clone_from(&self.header);
        }
    }

    /// What the file holds: the rows are made of these bytes, whatever becomes of the file.
    pub fn content(&self) -> Digest {
        self.content
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the rows of the last chunk stand in the file.
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// Rows that were handed out so far.
    pub fn done(&self) -> u64 {
        self.done
    }

    /// What a person should know about the lines of a text file that were read so far.
    pub fn notes(&self) -> Vec<String> {
        match &self.from {
            From::Text(raw) => raw.notes(),
            From::Arrow(_) | From::Idx(_) => Vec::new(),
        }
    }

    fn read(&mut self) -> Result<Option<Table>, DataError> {
        match &mut self.from {
            From::Text(raw) => {
                let table = raw.read(self.chunk)?;
                self.places.first += self.places.lines.len() as u64;
                self.places.lines.clone_from(&raw.places);
                let cells = std::mem::take(&mut raw.kept);
                let kept = |(name, cells): (&String, _)| KeptColumn {
                    name: name.clone(),
                    cells: Cells::Bytes(cells),
                };
                self.kept = self.keep.iter().zip(cells).map(kept).collect();
                Ok(table)
            }
            From::Arrow(batches) => {
                self.places.first = batches.done + 1;
                let batch = batches.read(self.chunk)?;
                if let Some(batch) = &batch {
                    self.kept = batches.kept(Some(batch), &self.keep);
                }
                batch.map(|batch| batches.raw(&batch, &self.wanted, &self.missing)).transpose()
            }
            From::Idx(idx) => {
                self.places.first = idx.done + 1;
                let values = idx.read(self.chunk)?;
                Ok(values.map(|values| {
                    let rows = values.len();
                    let column = |name: &String| Column::new(name.clone(), values.clone());
                    let kept = |name| KeptColumn {
                        name: String::clone(name),
                        cells: Cells::Column(column(name)),
                    };
                    self.kept = self.keep.iter().map(kept).collect();
                    build::table(self.header.iter().cloned().zip([values]), rows)
                }))
            }
        }
    }
}

impl Iterator for RowReader {
    type Item = Result<Table, DataError>;

    /// After an error there is nothing more: the rows behind it would be out of step.
    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.read().transpose();
        match &next {
            Some(Ok(chunk)) => self.done += chunk.rows as u64,
            Some(Err(_)) => self.failed = true,
            None => {}
        }
        next
    }
}
