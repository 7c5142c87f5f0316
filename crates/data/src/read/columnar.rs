//! Parquet and Arrow IPC files: typed already, but with more types than we have.

use std::{
    fs::File,
    io::{BufReader, Read as _, Seek as _},
    path::{Path, PathBuf},
};

use arrow::ipc::reader::{FileReader, StreamReader};
use arrow::{array::RecordBatch, datatypes::DataType, error::ArrowError};
use collegium_manifest::ColumnType;
use parquet::{
    arrow::{ProjectionMask, arrow_reader::ParquetRecordBatchReaderBuilder},
    file::{metadata::ParquetMetaData, statistics::Statistics},
};

use super::{
    CHUNK, Field, Format, Opened, Options,
    arrays::{has_texts, kind_of, see, texts, typed, values, what_is},
    guess::At,
    missing::Missing,
    survey::{Header, Survey, places},
};
use crate::{
    DataError, DataErrorKind, Table, build,
    cast::{EXACT, refuse},
};

/// An open file: its columns and a stream of batches.
pub(crate) struct Batches {
    pub(crate) path: PathBuf,
    /// All columns of the file.
    fields: Vec<(String, DataType)>,
    /// The places of those that the batches have.
    taken: Vec<usize>,
    /// As the file declares them.
    rows: Option<u64>,
    stream: Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>>>,
    /// The rest of a batch that was longer than a chunk.
    rest: Option<RecordBatch>,
    /// Rows handed out.
    pub(crate) done: u64,
}

/// Which columns of a file are read, by their places.
type Choice<'a> = &'a mut dyn FnMut(
    &[String],
    &[(String, DataType)],
    &[Option<u64>],
) -> Result<Vec<usize>, DataError>;

fn damaged(path: &Path, what: &str, error: impl std::fmt::Display) -> DataError {
    DataError::new(DataErrorKind::Damaged, format!("not a whole {what} file: {error}"))
        .file(path)
        .help("was it cut off while it was copied or written? make it again")
}

impl Batches {
    /// With all columns of the file.
    pub(crate) fn open(path: &Path, format: Format) -> Result<Self, DataError> {
        Self::choose(path, format, &mut |_, fields, _| Ok((0..fields.len()).collect()))
    }

    /// With some columns of the file: what is not chosen is not decoded.
    fn choose(path: &Path, format: Format, choice: Choice<'_>) -> Result<Self, DataError> {
        let io = |error: &std::io::Error| DataError::io(path, "read the file", error);
        let mut file = File::open(path).map_err(|error| io(&error))?;
        if file.metadata().map_err(|error| io(&error))?.len() == 0 {
            return Err(DataError::new(DataErrorKind::Empty, "the file is empty").file(path));
        }
        let described = |schema: &arrow::datatypes::Schema| -> Vec<(String, DataType)> {
            let field = |f: &arrow::datatypes::FieldRef| (f.name().clone(), f.data_type().clone());
            schema.fields().iter().map(field).collect()
        };
        let mut chosen = |fields: &[(String, DataType)], integers: &[Option<u64>]| {
            let names: Vec<String> =
                fields.iter().map(|(name, _)| name.trim().to_owned()).collect();
            let mut places = choice(&names, fields, integers)?;
            places.sort_unstable();
            Ok::<_, DataError>(places)
        };
        let (fields, taken, rows, stream): (_, _, _, Box<dyn Iterator<Item = _>>) = match format {
            Format::Parquet => {
                let builder = ParquetRecordBatchReaderBuilder::try_new(file)
                    .map_err(|error| damaged(path, "Parquet", error))?;
                let rows = u64::try_from(builder.metadata().file_metadata().num_rows()).ok();
                let fields = described(builder.schema());
                let integers = integers(builder.metadata(), &fields);
                let taken = chosen(&fields, &integers)?;
                let mask = ProjectionMask::roots(builder.parquet_schema(), taken.clone());
                let reader = builder
                    .with_batch_size(CHUNK)
                    .with_projection(mask)
                    .build()
                    .map_err(|error| damaged(path, "Parquet", error))?;
                (fields, taken, rows, Box::new(reader))
            }
            Format::Ipc | Format::Csv(_) => {
                let mut magic = [0; 6];
                let known = file.read_exact(&mut magic).is_ok() && &magic == b"ARROW1";
                let broken = |error: ArrowError| damaged(path, "Arrow", error);
                let mut open = |projection: Option<Vec<usize>>| {
                    file.rewind().map_err(|error| io(&error))?;
                    let file = file.try_clone().map_err(|error| io(&error))?;
                    let file = BufReader::with_capacity(1 << 17, file);
                    let stream: (_, Box<dyn Iterator<Item = _>>) = if known {
                        let reader = FileReader::try_new(file, projection).map_err(broken)?;
                        (reader.schema(), Box::new(reader))
                    } else {
                        let reader = StreamReader::try_new(file, projection).map_err(broken)?;
                        (reader.schema(), Box::new(reader))
                    };
                    Ok::<_, DataError>(stream)
                };
                let (schema, whole) = open(None)?;
                let fields = described(&schema);
                let integers = vec![None; fields.len()];
                let taken = chosen(&fields, &integers)?;
                let stream = match taken.len() == fields.len() {
                    true => whole,
                    false => {
                        drop(whole);
                        open(Some(taken.clone()))?.1
                    }
                };
                (fields, taken, None, stream)
            }
        };
        let path = path.to_owned();
        Ok(Self { path, fields, taken, rows, stream, rest: None, done: 0 })
    }

    fn names(&self) -> Vec<String> {
        self.fields.iter().map(|(name, _)| name.trim().to_owned()).collect()
    }

    /// At most `rows` rows, as Arrow has them; `None` at the end.
    pub(crate) fn read(&mut self, rows: usize) -> Result<Option<RecordBatch>, DataError> {
        loop {
            if let Some(rest) = self.rest.take().filter(|rest| rest.num_rows() > 0) {
                let take = rest.num_rows().min(rows);
                self.rest = Some(rest.slice(take, rest.num_rows() - take));
                self.done += take as u64;
                return Ok(Some(rest.slice(0, take)));
            }
            match self.stream.next() {
                None => return self.whole(),
                Some(Ok(batch)) => self.rest = Some(batch),
                Some(Err(error)) => return Err(damaged(&self.path, "table", error)),
            }
        }
    }

    /// The end: are all rows there that the file declares?
    fn whole(&self) -> Result<Option<RecordBatch>, DataError> {
        match self.rows {
            Some(rows) if rows != self.done => {
                let message = format!("the file declares {rows} rows, and {} are in it", self.done);
                Err(DataError::new(DataErrorKind::Damaged, message)
                    .file(&self.path)
                    .help("it was written wrongly: make it again"))
            }
            _ => Ok(None),
        }
    }

    /// A batch in our types, those of `fields`, which stand at `places` of the file.
    fn convert(
        &self,
        batch: &RecordBatch,
        fields: &[Field],
        places: &[usize],
        missing: &Missing,
    ) -> Result<Table, DataError> {
        let first = self.done - batch.num_rows() as u64;
        let mut columns = Vec::with_capacity(fields.len());
        for (field, place) in fields.iter().zip(places) {
            let index = self.taken.iter().position(|taken| taken == place);
            let array = index.and_then(|index| batch.columns().get(index)).ok_or_else(|| {
                damaged(&self.path, "table", "a batch lacks a column").column(&field.name, None)
            })?;
            let values = values(array, field.kind, missing).map_err(|(row, text, why)| {
                refuse(why, field.kind, &field.name, &text)
                    .file(&self.path)
                    .line(first + row as u64 + 1)
                    .column(&field.name, Some(*place))
            })?;
            columns.push((field.name.clone(), values));
        }
        Ok(build::table(columns, batch.num_rows()))
    }

    /// A batch in the types that come closest, for rows whose types others decide. What has a value
    /// that our types cannot hold becomes a text; what has no counterpart at all is left out.
    pub(crate) fn raw(&self, batch: &RecordBatch, missing: &[String]) -> Table {
        let missing = Missing::new(missing);
        let mut columns = Vec::with_capacity(batch.num_columns());
        for (name, place) in self.usable() {
            let Some(array) = batch.columns().get(place) else { continue };
            let known = typed(array, &missing).ok().or_else(|| texts(array, &missing).ok());
            columns.extend(known.map(|values| (name, values)));
        }
        build::table(columns, batch.num_rows())
    }

    /// The columns that [`Batches::raw`] hands out.
    pub(crate) fn raw_names(&self) -> Vec<String> {
        self.usable().into_iter().map(|(name, _)| name).collect()
    }

    /// Columns with a name of their own and a type that has a counterpart here; and their places.
    fn usable(&self) -> Vec<(String, usize)> {
        let Ok(header) = Header::of(&self.names(), &self.path) else { return Vec::new() };
        let known = |place: usize| kind_of(&self.fields[place].1).is_some();
        header.names.into_iter().filter(|(_, place)| known(*place)).collect()
    }
}

/// Of each column: how many integers it has that a float holds exactly, where all of its values are
/// such and the file's statistics say so.
fn integers(metadata: &ParquetMetaData, fields: &[(String, DataType)]) -> Vec<Option<u64>> {
    let schema = metadata.file_metadata().schema_descr();
    let leaf_of = |root: usize| {
        let mut leaves =
            (0..schema.num_columns()).filter(|&leaf| schema.get_column_root_idx(leaf) == root);
        leaves.next().filter(|_| leaves.next().is_none())
    };
    let count = |root: usize| {
        let leaf = leaf_of(root)?;
        let mut count = 0;
        for group in metadata.row_groups() {
            let statistics = group.column(leaf).statistics()?;
            let nulls = statistics.null_count_opt()?;
            let rows = u64::try_from(group.num_rows()).ok()?;
            if nulls < rows {
                let exact = match statistics {
                    Statistics::Int32(_) => true,
                    Statistics::Int64(of) => {
                        let small = |v: &i64| v.unsigned_abs() <= EXACT as u64;
                        of.min_opt().is_some_and(small) && of.max_opt().is_some_and(small)
                    }
                    _ => false,
                };
                if !exact {
                    return None;
                }
            }
            count += rows.checked_sub(nulls)?;
        }
        Some(count)
    };
    let integer = |kind: &DataType| kind.is_signed_integer();
    fields.iter().enumerate().map(|(root, (_, kind))| integer(kind).then(|| count(root))?).collect()
}

pub(super) fn open(
    files: Vec<PathBuf>,
    format: Format,
    options: &Options,
) -> Result<Opened, DataError> {
    let missing = Missing::new(options.missing);
    let mut survey = Survey::new(&files, options);
    let mut rows = 0;
    for (file, path) in files.iter().enumerate() {
        // Columns whose type the file cannot prove are looked through.
        let mut looked: Vec<(usize, String)> = Vec::new();
        let mut batches = Batches::choose(path, format, &mut |names, fields, integers| {
            let places = survey.header(path, names)?;
            for place in places {
                let (name, given) = (&names[place], &fields[place].1);
                let forced = options.types.get(name);
                let named = forced == Some(&ColumnType::Category) && has_texts(given);
                if kind_of(given).is_none() && !named {
                    let error = unsupported(given).file(path).column(name, Some(place));
                    if forced.is_some() {
                        return Err(error);
                    }
                    survey.leave_out(name, &error, what_is(given));
                    continue;
                }
                let at = At { file, line: 1, field: place };
                match (integers[place], survey.guesses.get_mut(name)) {
                    (Some(count), Some(guess))
                        if missing.has_no_number() && guess.takes_numbers() =>
                    {
                        guess.see_integers(count, at);
                    }
                    _ => looked.push((place, name.clone())),
                }
            }
            Ok(looked.iter().map(|(place, _)| *place).collect())
        })?;
        looked.sort_unstable();
        if let (true, Some(count)) = (looked.is_empty(), batches.rows) {
            rows += count;
            continue;
        }
        while let Some(batch) = batches.read(CHUNK)? {
            let line = batches.done - batch.num_rows() as u64 + 1;
            for ((field, name), array) in looked.iter().zip(batch.columns()) {
                let Some(guess) = survey.guesses.get_mut(name) else { continue };
                see(array, &missing, guess, At { file, line, field: *field })
                    .map_err(|error| damaged(path, "table", error))?;
            }
            rows += batch.num_rows() as u64;
            (options.tick)(rows)?;
        }
    }
    survey.finish(rows, format)
}

fn unsupported(given: &DataType) -> DataError {
    let help = match has_texts(given) {
        true => {
            "`types = { … = \"category\" }` reads its texts; or make a number of it when the file is written"
        }
        false => {
            "columns are numbers, booleans, texts, dates or times: drop this one or flatten it when the \
             file is written"
        }
    };
    let message = format!("its type {given} has no counterpart here");
    DataError::new(DataErrorKind::Unsupported, message).help(help)
}

/// The rows of all files.
pub(super) struct Chunks<'a> {
    opened: &'a Opened,
    fields: Vec<Field>,
    options: &'a Options<'a>,
    missing: Missing,
    files: std::slice::Iter<'a, PathBuf>,
    /// The open file, and where the columns stand in it.
    batches: Option<(Batches, Vec<usize>)>,
    done: u64,
}

impl<'a> Chunks<'a> {
    pub(super) fn new(opened: &'a Opened, options: &'a Options<'a>) -> Self {
        let (files, missing) = (opened.files.iter(), Missing::new(options.missing));
        let fields = opened.wanted(options);
        Self { opened, fields, options, missing, files, batches: None, done: 0 }
    }

    fn read(&mut self) -> Result<Option<Table>, DataError> {
        let fields = &self.fields;
        loop {
            let Some((batches, places)) = &mut self.batches else {
                let Some(file) = self.files.next() else {
                    self.opened.whole(self.done)?;
                    return Ok(None);
                };
                let mut found = Vec::new();
                let batches = Batches::choose(file, self.opened.format, &mut |names, _, _| {
                    found = places(fields, names, file)?;
                    Ok(found.clone())
                })?;
                self.batches = Some((batches, found));
                continue;
            };
            let Some(batch) = batches.read(CHUNK)? else {
                self.batches = None;
                continue;
            };
            let table = batches.convert(&batch, fields, places, &self.missing)?;
            self.done += table.rows as u64;
            (self.options.tick)(self.done)?;
            return Ok(Some(table));
        }
    }
}

impl Iterator for Chunks<'_> {
    type Item = Result<Table, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}
