//! Parquet and Arrow IPC files: typed already, but with more types than we have.

use std::{
    fs::File,
    io::{BufReader, Read as _, Seek as _},
    path::{Path, PathBuf},
};

use arrow::{
    array::{Array, ArrayRef, AsArray as _, RecordBatch},
    compute::cast as arrow_cast,
    datatypes::{DataType, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType},
    error::ArrowError,
    ipc::reader::{FileReader, StreamReader},
};
use collegium_manifest::ColumnType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{CHUNK, Field, Format, Opened, Options, agree, check_names};
use crate::{
    DataError, DataErrorKind, MISSING_BOOLEAN, MISSING_CODE, MISSING_TIME, Table, Values, build,
    cast::{EXACT, Interner, Why, cast, refuse},
};

/// An open file: its columns and a stream of batches.
pub(crate) struct Batches {
    pub(crate) path: PathBuf,
    fields: Vec<(String, DataType)>,
    rows: Option<u64>,
    stream: Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>>>,
    /// The rest of a batch that was longer than a chunk.
    rest: Option<RecordBatch>,
    /// Rows handed out.
    pub(crate) done: u64,
}

fn damaged(path: &Path, what: &str, error: impl std::fmt::Display) -> DataError {
    DataError::new(DataErrorKind::Damaged, format!("not a whole {what} file: {error}"))
        .file(path)
        .help("was it cut off while it was copied or written? make it again")
}

impl Batches {
    pub(crate) fn open(path: &Path, format: Format) -> Result<Self, DataError> {
        let io = |error: &std::io::Error| DataError::io(path, "read the file", error);
        let mut file = File::open(path).map_err(|error| io(&error))?;
        if file.metadata().map_err(|error| io(&error))?.len() == 0 {
            return Err(DataError::new(DataErrorKind::Empty, "the file is empty").file(path));
        }
        let (schema, rows, stream): (_, _, Box<dyn Iterator<Item = _>>) = match format {
            Format::Parquet => {
                let builder = ParquetRecordBatchReaderBuilder::try_new(file)
                    .map_err(|error| damaged(path, "Parquet", error))?;
                let rows = u64::try_from(builder.metadata().file_metadata().num_rows()).ok();
                let schema = builder.schema().clone();
                let reader = builder
                    .with_batch_size(CHUNK)
                    .build()
                    .map_err(|error| damaged(path, "Parquet", error))?;
                (schema, rows, Box::new(reader))
            }
            Format::Ipc | Format::Csv(_) => {
                let mut magic = [0; 6];
                let known = file.read_exact(&mut magic).is_ok() && &magic == b"ARROW1";
                file.rewind().map_err(|error| io(&error))?;
                let file = BufReader::with_capacity(1 << 17, file);
                if known {
                    let reader = FileReader::try_new(file, None)
                        .map_err(|error| damaged(path, "Arrow", error))?;
                    (reader.schema(), None, Box::new(reader))
                } else {
                    let reader = StreamReader::try_new(file, None)
                        .map_err(|error| damaged(path, "Arrow", error))?;
                    (reader.schema(), None, Box::new(reader))
                }
            }
        };
        let fields: Vec<(String, DataType)> = schema
            .fields()
            .iter()
            .map(|field| (field.name().clone(), field.data_type().clone()))
            .collect();
        let batches = Self { path: path.to_owned(), fields, rows, stream, rest: None, done: 0 };
        check_names(&batches.names(), path)?;
        Ok(batches)
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.fields.iter().map(|(name, _)| name.clone()).collect()
    }

    /// The columns, with the types that they have or are forced to.
    fn columns(&self, options: &Options) -> Result<Vec<Field>, DataError> {
        self.fields
            .iter()
            .enumerate()
            .map(|(index, (name, given))| {
                let (kind, integer, dates) = kind_of(given).ok_or_else(|| {
                    let message = format!("its type {given} has no counterpart here");
                    DataError::new(DataErrorKind::Unsupported, message)
                        .file(&self.path)
                        .column(name, Some(index))
                        .help(
                            "columns are numbers, booleans, texts, dates or times: drop this one or \
                             flatten it when the file is written",
                        )
                })?;
                let forced = options.types.get(name).copied();
                let (integer, dates) =
                    if forced.is_some_and(|f| f != kind) { (false, false) } else { (integer, dates) };
                Ok(Field { name: name.clone(), kind: forced.unwrap_or(kind), integer, dates })
            })
            .collect()
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
                None => return Ok(None),
                Some(Ok(batch)) => self.rest = Some(batch),
                Some(Err(error)) => return Err(damaged(&self.path, "table", error)),
            }
        }
    }

    /// A batch in our types, those of `fields`.
    fn convert(
        &self,
        batch: &RecordBatch,
        fields: &[Field],
        missing: &[String],
    ) -> Result<Table, DataError> {
        let first = self.done - batch.num_rows() as u64;
        let mut columns = Vec::with_capacity(batch.num_columns());
        for (index, array) in batch.columns().iter().enumerate() {
            let (name, kind) = (&self.fields[index].0, fields[index].kind);
            let values = values(array, Some(kind), missing).and_then(|values| cast(values, kind));
            let values = values.map_err(|(row, text, why)| {
                refuse(why, kind, name, &text)
                    .file(&self.path)
                    .line(first + row as u64 + 1)
                    .column(name, Some(index))
            })?;
            columns.push((name.clone(), values));
        }
        Ok(build::table(columns, batch.num_rows()))
    }

    /// A batch in the types that come closest, for rows whose types others decide. What has a value
    /// that our types cannot hold becomes a text; what has no counterpart at all is left out.
    pub(crate) fn raw(&self, batch: &RecordBatch, missing: &[String]) -> Table {
        let mut columns = Vec::with_capacity(batch.num_columns());
        for ((name, given), array) in self.fields.iter().zip(batch.columns()) {
            if kind_of(given).is_none() {
                continue;
            }
            let known = values(array, None, missing)
                .ok()
                .or_else(|| arrow_cast(array, &DataType::Utf8).ok().map(|array| texts(&array)));
            columns.extend(known.map(|values| (name.clone(), values)));
        }
        build::table(columns, batch.num_rows())
    }

    /// The columns that [`Batches::raw`] hands out.
    pub(crate) fn raw_names(&self) -> Vec<String> {
        let known = self.fields.iter().filter(|(_, given)| kind_of(given).is_some());
        known.map(|(name, _)| name.clone()).collect()
    }
}

/// Our type for one of Arrow's; whether its values are whole numbers; whether they are dates.
fn kind_of(given: &DataType) -> Option<(ColumnType, bool, bool)> {
    use DataType as D;
    Some(match given {
        given if given.is_integer() => (ColumnType::Number, true, false),
        D::Float16 | D::Float32 | D::Float64 | D::Null => (ColumnType::Number, false, false),
        D::Decimal32(..) | D::Decimal64(..) | D::Decimal128(..) | D::Decimal256(..) => {
            (ColumnType::Number, false, false)
        }
        D::Boolean => (ColumnType::Boolean, false, false),
        D::Utf8 | D::LargeUtf8 | D::Utf8View => (ColumnType::Category, false, false),
        D::Date32 => (ColumnType::Time, false, true),
        D::Date64 | D::Timestamp(..) => (ColumnType::Time, false, false),
        D::Dictionary(_, inner) if !matches!(**inner, D::Dictionary(..)) => kind_of(inner)?,
        _ => return None,
    })
}

/// An array's values. A wish for categories is granted here for whole numbers, which may be too
/// large for a float.
fn values(
    array: &ArrayRef,
    wanted: Option<ColumnType>,
    missing: &[String],
) -> Result<Values, (usize, String, Why)> {
    use DataType as D;
    let to = |kind: &DataType| {
        arrow_cast(array, kind).map_err(|error| (0, error.to_string(), Why::Wrong))
    };
    match array.data_type() {
        D::Dictionary(_, inner) => values(&to(inner)?, wanted, missing),
        D::Null => Ok(Values::Number(vec![f64::NAN; array.len()])),
        D::UInt64 if wanted == Some(ColumnType::Category) => Ok(texts(&to(&D::Utf8)?)),
        kind if kind.is_integer() && wanted == Some(ColumnType::Category) => {
            Ok(texts(&to(&D::Utf8)?))
        }
        D::UInt64 => {
            let all = array.as_primitive::<arrow::datatypes::UInt64Type>();
            let exact = |(row, value): (usize, Option<u64>)| match value {
                None => Ok(f64::NAN),
                Some(v) if v <= EXACT as u64 => Ok(v as f64),
                Some(v) => Err((row, v.to_string(), Why::Inexact)),
            };
            all.iter().enumerate().map(exact).collect::<Result<_, _>>().map(Values::Number)
        }
        kind if kind.is_integer() => {
            let all = to(&D::Int64)?;
            let exact = |(row, value): (usize, Option<i64>)| match value {
                None => Ok(f64::NAN),
                Some(v) if v.unsigned_abs() <= EXACT as u64 => Ok(v as f64),
                Some(v) => Err((row, v.to_string(), Why::Inexact)),
            };
            let all = all.as_primitive::<Int64Type>().iter();
            all.enumerate().map(exact).collect::<Result<_, _>>().map(Values::Number)
        }
        D::Boolean => {
            let all = array.as_boolean().iter();
            Ok(Values::Boolean(all.map(|v| v.map_or(MISSING_BOOLEAN, u8::from)).collect()))
        }
        D::Utf8 => Ok(texts(array)),
        D::LargeUtf8 | D::Utf8View => Ok(texts(&to(&D::Utf8)?)),
        D::Date32 | D::Date64 | D::Timestamp(..) => times(array),
        _ => {
            let all = to(&D::Float64)?;
            let finite = |(row, value): (usize, Option<f64>)| match value {
                Some(v) if v.is_finite() => Ok(v),
                None => Ok(f64::NAN),
                Some(v) => {
                    let text = v.to_string();
                    let known = missing.iter().any(|token| token.eq_ignore_ascii_case(&text));
                    if known { Ok(f64::NAN) } else { Err((row, text, Why::NotFinite)) }
                }
            };
            let all = all.as_primitive::<Float64Type>().iter();
            all.enumerate().map(finite).collect::<Result<_, _>>().map(Values::Number)
        }
    }
}

/// Texts of a `Utf8` array.
fn texts(array: &ArrayRef) -> Values {
    let mut levels = Interner::default();
    let all = array.as_string::<i32>().iter();
    let codes = all.map(|text| text.map_or(MISSING_CODE, |text| levels.code(text))).collect();
    Values::Category { codes, levels: levels.into_levels() }
}

/// Dates and time stamps as microseconds. Those with a zone are kept in UTC already.
fn times(array: &ArrayRef) -> Result<Values, (usize, String, Why)> {
    let fault = |error: ArrowError| (0, error.to_string(), Why::Wrong);
    let target = DataType::Timestamp(TimeUnit::Microsecond, None);
    let all = match array.data_type() {
        DataType::Timestamp(unit, Some(_)) => {
            // Arrow would shift the clock when the zone is dropped: go by way of plain integers.
            let plain = arrow_cast(array, &DataType::Int64).map_err(fault)?;
            let plain = arrow_cast(&plain, &DataType::Timestamp(*unit, None)).map_err(fault)?;
            arrow_cast(&plain, &target).map_err(fault)?
        }
        _ => arrow_cast(array, &target).map_err(fault)?,
    };
    let all = all.as_primitive::<TimestampMicrosecondType>();
    // A value that does not fit would otherwise turn into a missing one.
    if let Some(row) = (0..array.len()).find(|&row| array.is_valid(row) != all.is_valid(row)) {
        return Err((row, "a time out of range".to_owned(), Why::Wrong));
    }
    Ok(Values::Time(all.iter().map(|v| v.unwrap_or(MISSING_TIME)).collect()))
}

pub(super) fn open(
    files: Vec<PathBuf>,
    format: Format,
    options: &Options,
) -> Result<Opened, DataError> {
    let mut fields: Vec<Field> = Vec::new();
    let mut rows = 0;
    for file in &files {
        let mut batches = Batches::open(file, format)?;
        let columns = batches.columns(options)?;
        if fields.is_empty() {
            fields = columns;
        } else {
            let names: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
            agree(&files[0], &names, file, &batches.names())?;
            for (known, new) in fields.iter_mut().zip(&columns) {
                if known.kind != new.kind {
                    let (a, b) = (new.kind.name(), known.kind.name());
                    let message = format!("is of type {a} here and {b} in {}", files[0].display());
                    return Err(DataError::new(DataErrorKind::Disagree, message)
                        .file(file)
                        .column(&new.name, None)
                        .help("say which it is in `types`"));
                }
                known.integer &= new.integer;
                known.dates &= new.dates;
            }
        }
        // Arrow files do not say how many rows they have.
        match batches.rows {
            Some(count) => rows += count,
            None => {
                while let Some(batch) = batches.read(CHUNK)? {
                    rows += batch.num_rows() as u64;
                    (options.tick)(rows)?;
                }
            }
        }
    }
    Ok(Opened { fields, rows, notes: Vec::new(), files, format })
}

/// The rows of all files.
pub(super) struct Chunks<'a> {
    opened: &'a Opened,
    options: &'a Options<'a>,
    files: std::slice::Iter<'a, PathBuf>,
    batches: Option<Batches>,
    done: u64,
}

impl<'a> Chunks<'a> {
    pub(super) fn new(opened: &'a Opened, options: &'a Options<'a>) -> Self {
        Self { opened, options, files: opened.files.iter(), batches: None, done: 0 }
    }

    fn read(&mut self) -> Result<Option<Table>, DataError> {
        let fields = &self.opened.fields;
        loop {
            let Some(batches) = &mut self.batches else {
                let Some(file) = self.files.next() else { return Ok(None) };
                let batches = Batches::open(file, self.opened.format)?;
                let names: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
                agree(&self.opened.files[0], &names, file, &batches.names())?;
                self.batches = Some(batches);
                continue;
            };
            let Some(batch) = batches.read(CHUNK)? else {
                self.batches = None;
                continue;
            };
            let table = batches.convert(&batch, fields, self.options.missing)?;
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
