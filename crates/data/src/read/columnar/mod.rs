//! Reader of Parquet and Arrow IPC files, which are typed already, but with more types than we have.

mod groups;
mod ipc;
mod parquet;
mod thrift;

pub(crate) use ipc::promised as promised_rows;

use std::{
    iter,
    path::{Path, PathBuf},
};

use ::parquet::file::{metadata::ParquetMetaData, statistics::Statistics};
use arrow_array::{Array as _, ArrayRef, RecordBatch, cast::AsArray as _};
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::{ArrowError, DataType, FieldRef};
use collegium_manifest::ColumnType;

use super::{
    CHUNK, Cells, Field, Format, KeptColumn, Opened, Options, ahead,
    arrays::{has_texts, kind_of, see, texts, typed, values, what_is},
    bound,
    contained::contained,
    guess::At,
    input::Input,
    missing::Missing,
    survey::{Header, Survey, places},
};
use crate::{
    DataError, DataErrorKind, Table, build,
    cast::{EXACT, refuse},
};

/// Bytes of texts that the rows of a batch may share without anybody counting them.
const SHARED: u64 = 1 << 24;

/// An open file: its columns and a stream of batches.
pub(crate) struct Batches {
    input: Input,
    /// All columns of the file.
    fields: Vec<(String, DataType)>,
    /// The same with nullability and metadata.
    declared: Vec<FieldRef>,
    /// The places of those that the batches have.
    taken: Vec<usize>,
    /// As the file declares them.
    rows: Option<u64>,
    stream: Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>,
    /// The rest of a batch that was longer than a chunk.
    rest: Option<RecordBatch>,
    /// Rows handed out.
    pub(crate) done: u64,
    /// Bytes that values may still take.
    left: u64,
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

/// The error for values that take more room than a file of this size may ask for.
fn too_large(input: &Input) -> DataError {
    let way_out = "write it with less packing (no dictionaries, no compression), or cut it into several files";
    bound::exceeded(input.path(), input.length(), input.most(), way_out)
}

impl Batches {
    /// With all columns of the file.
    pub(crate) fn open(input: Input, format: Format) -> Result<Self, DataError> {
        Self::choose(input, format, &mut |_, fields, _| Ok((0..fields.len()).collect()))
    }

    /// With some columns of the file: what is not chosen is not decoded.
    fn choose(input: Input, format: Format, choice: Choice<'_>) -> Result<Self, DataError> {
        let path = input.path().to_owned();
        let opened = contained(&path, || Self::open_columns(input.clone(), format, choice));
        opened.map_err(|error| input.explain(error))
    }

    fn open_columns(input: Input, format: Format, choice: Choice<'_>) -> Result<Self, DataError> {
        let path = input.path();
        if input.length() == 0 {
            return Err(DataError::new(DataErrorKind::Empty, "the file is empty").file(path));
        }
        let described = |schema: &arrow_schema::Schema| -> Vec<(String, DataType)> {
            let field = |f: &FieldRef| (f.name().clone(), f.data_type().clone());
            schema.fields().iter().map(field).collect()
        };
        let mut chosen = |fields: &[(String, DataType)], integers: &[Option<u64>]| {
            if fields.len() > bound::COLUMNS {
                return Err(too_many_columns(path));
            }
            let names: Vec<String> =
                fields.iter().map(|(name, _)| name.trim().to_owned()).collect();
            let mut places = choice(&names, fields, integers)?;
            places.sort_unstable();
            Ok::<_, DataError>(places)
        };
        let (fields, declared, taken, rows, stream): (
            _,
            Vec<FieldRef>,
            _,
            _,
            Box<dyn Iterator<Item = _> + Send>,
        ) = match format {
            Format::Parquet => {
                let (metadata, pages) = parquet::open(&input)?;
                let rows = promised(metadata.metadata())
                    .ok_or_else(|| damaged(path, "Parquet", "its numbers of rows do not add up"))?;
                let fields = described(metadata.schema());
                let declared = metadata.schema().fields().iter().cloned().collect();
                let integers = integers(metadata.metadata(), &fields);
                let taken = chosen(&fields, &integers)?;
                affordable(&input, rows, taken.iter().map(|place| width(&fields[*place].1)))?;
                let reader = groups::reader(pages, &metadata, &taken, CHUNK)
                    .map_err(|error| damaged(path, "Parquet", error))?;
                (fields, declared, taken, Some(rows), Box::new(reader))
            }
            Format::Ipc | Format::Csv(_) => {
                let known = input.slice(0, 6).is_ok_and(|magic| &magic[..] == b"ARROW1");
                let broken = |error: ArrowError| damaged(path, "Arrow", error);
                let rows = ipc::check(&input, known)?;
                let open = |projection: Option<Vec<usize>>| {
                    let stream: (_, Box<dyn Iterator<Item = _> + Send>) = if known {
                        let reader = FileReader::try_new(input.clone(), projection);
                        let reader = reader.map_err(broken)?;
                        (reader.schema(), Box::new(reader))
                    } else {
                        let reader = StreamReader::try_new(input.clone(), projection);
                        let reader = reader.map_err(broken)?;
                        (reader.schema(), Box::new(reader))
                    };
                    Ok::<_, DataError>(stream)
                };
                let (schema, whole) = open(None)?;
                let fields = described(&schema);
                let declared = schema.fields().iter().cloned().collect();
                let integers = vec![None; fields.len()];
                let taken = chosen(&fields, &integers)?;
                affordable(&input, rows, taken.iter().map(|place| width(&fields[*place].1)))?;
                let stream = match taken.len() == fields.len() {
                    true => whole,
                    false => {
                        drop(whole);
                        open(Some(taken.clone()))?.1
                    }
                };
                (fields, declared, taken, Some(rows), stream)
            }
        };
        let left = input.most();
        Ok(Self { input, fields, declared, taken, rows, stream, rest: None, done: 0, left })
    }

    fn path(&self) -> &Path {
        self.input.path()
    }

    /// How many rows there is room for from the beginning, whatever the file says.
    pub(crate) fn room(&self) -> u64 {
        self.rows.unwrap_or(0).min(self.input.length().saturating_mul(8))
    }

    /// The names of all columns.
    pub(crate) fn names(&self) -> Vec<String> {
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
            let (input, stream) = (&self.input, &mut self.stream);
            let next = contained(input.path(), || {
                stream.next().transpose().map_err(|error| damaged(input.path(), "table", error))
            });
            match next.map_err(|error| input.explain(error))? {
                None => return self.whole(),
                Some(batch) => {
                    self.left = self
                        .left
                        .checked_sub(weight(&batch))
                        .ok_or_else(|| too_large(&self.input))?;
                    self.rest = Some(batch);
                }
            }
        }
    }

    /// The end: are all rows there that the file declares?
    fn whole(&self) -> Result<Option<RecordBatch>, DataError> {
        match self.rows {
            Some(rows) if rows != self.done => {
                let message = format!("the file declares {rows} rows, and {} are in it", self.done);
                Err(DataError::new(DataErrorKind::Damaged, message)
                    .file(self.path())
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
        contained(self.path(), || self.converted(batch, fields, places, missing))
    }

    fn converted(
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
                damaged(self.path(), "table", "a batch lacks a column").column(&field.name, None)
            })?;
            let values = values(array, field.kind, missing).map_err(|(row, text, why)| {
                refuse(why, field.kind, &field.name, &text)
                    .file(self.path())
                    .line(first + row as u64 + 1)
                    .column(&field.name, Some(*place))
            })?;
            columns.push((field.name.clone(), values));
        }
        Ok(build::table(columns, batch.num_rows()))
    }

    /// The `wanted` columns of a batch in the types that come closest, for rows whose types others
    /// decide. What has a value that our types cannot hold becomes a text; what has no counterpart at
    /// all is left out.
    pub(crate) fn raw(
        &self,
        batch: &RecordBatch,
        wanted: &[String],
        missing: &[String],
    ) -> Result<Table, DataError> {
        contained(self.path(), || Ok(self.raw_table(batch, wanted, missing)))
    }

    fn raw_table(&self, batch: &RecordBatch, wanted: &[String], missing: &[String]) -> Table {
        let missing = Missing::new(missing);
        let mut columns = Vec::with_capacity(wanted.len());
        for (name, place) in self.usable().into_iter().filter(|(name, _)| wanted.contains(name)) {
            let Some(array) = batch.columns().get(place) else { continue };
            let known = typed(array, &missing).ok().or_else(|| texts(array, &missing).ok());
            columns.extend(known.map(|values| (name, values)));
        }
        build::table(columns, batch.num_rows())
    }

    /// The columns that [`Batches::raw`] can hand out.
    pub(crate) fn raw_names(&self) -> Vec<String> {
        self.usable().into_iter().map(|(name, _)| name).collect()
    }

    /// Columns with a name of their own and a type that has a counterpart here; and their places.
    fn usable(&self) -> Vec<(String, usize)> {
        let Ok(header) = Header::of(&self.names(), self.path()) else { return Vec::new() };
        let known = |place: usize| kind_of(&self.fields[place].1).is_some();
        header.names.into_iter().filter(|(_, place)| known(*place)).collect()
    }

    /// Columns of a batch that has all of them as they are; of no batch, without a row.
    pub(crate) fn kept(&self, batch: Option<&RecordBatch>, keep: &[String]) -> Vec<KeptColumn> {
        let names = self.names();
        let kept = |name: &String| {
            let place = names.iter().position(|known| known == name)?;
            let field = self.declared[place].as_ref().clone().with_name(name);
            let array = match batch {
                Some(batch) => batch.columns().get(place)?.clone(),
                None => arrow_array::new_empty_array(field.data_type()),
            };
            Some(KeptColumn { name: name.clone(), cells: Cells::Array(field.into(), array) })
        };
        keep.iter().filter_map(kept).collect()
    }
}

/// The error for a file of more columns than anybody means.
pub(super) fn too_many_columns(path: &Path) -> DataError {
    let message = format!("it has more than {} columns", bound::COLUMNS);
    DataError::new(DataErrorKind::TooLarge, message)
        .file(path)
        .help("are its rows and columns exchanged, or its lines of another form?")
}

/// The rows that a Parquet file promises, if all parts of it agree.
fn promised(metadata: &ParquetMetaData) -> Option<u64> {
    let groups = metadata.row_groups().iter();
    let mut rows = groups.map(|group| u64::try_from(group.num_rows()).ok());
    let rows = rows.try_fold(0_u64, |all, rows| all.checked_add(rows?))?;
    (u64::try_from(metadata.file_metadata().num_rows()) == Ok(rows)).then_some(rows)
}

/// Refuses a file that promises more values than one of its size may hold, before any is read.
fn affordable(
    input: &Input,
    rows: u64,
    widths: impl Iterator<Item = u64>,
) -> Result<(), DataError> {
    let width = widths.fold(0, u64::saturating_add).max(8);
    match rows.checked_mul(width) {
        Some(bytes) if bytes <= input.most() => Ok(()),
        _ => Err(too_large(input)),
    }
}

/// Bytes that a row of a column takes whatever it holds.
fn width(kind: &DataType) -> u64 {
    let times = |size: i32, one: u64| u64::try_from(size).unwrap_or(0).saturating_mul(one);
    match kind {
        DataType::FixedSizeBinary(size) => times(*size, 1).max(8),
        DataType::FixedSizeList(field, size) => times(*size, width(field.data_type())).max(8),
        DataType::Struct(fields) => {
            let widths = fields.iter().map(|field| width(field.data_type()));
            widths.fold(0, u64::saturating_add).max(8)
        }
        DataType::Decimal128(..) => 16,
        DataType::Decimal256(..) => 32,
        _ => 8,
    }
}

/// Bytes that the values of a batch take, roughly: more than its buffers where rows share texts.
fn weight(batch: &RecordBatch) -> u64 {
    let cells = batch.num_rows() as u64 * 8 * batch.num_columns().max(1) as u64;
    batch.columns().iter().map(text_bytes).fold(cells, u64::saturating_add)
}

/// Bytes of an array's texts, each counted for every row that has it.
fn text_bytes(array: &ArrayRef) -> u64 {
    match array.data_type() {
        DataType::Utf8 => {
            let offsets = array.as_string::<i32>().offsets();
            u64::try_from(offsets.last() - offsets.first()).unwrap_or(0)
        }
        DataType::LargeUtf8 => {
            let offsets = array.as_string::<i64>().offsets();
            u64::try_from(offsets.last() - offsets.first()).unwrap_or(0)
        }
        DataType::Utf8View => array.as_string_view().lengths().map(u64::from).sum(),
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let all = text_bytes(dictionary.values());
            // Mostly even the most that it can be is little; looking at each row would cost more.
            let most = all.saturating_mul(array.len() as u64);
            if most <= SHARED || dictionary.values().is_empty() {
                return all;
            }
            let values = dictionary.values();
            let lengths: Vec<u64> =
                (0..values.len()).map(|at| text_bytes(&values.slice(at, 1))).collect();
            let keys = dictionary.normalized_keys();
            let known = (0..array.len()).filter(|&row| array.is_valid(row));
            known.map(|row| lengths[keys[row]]).fold(0, u64::saturating_add)
        }
        _ => 0,
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
    let (mut rows, mut room) = (0, 0);
    for (file, path) in files.iter().enumerate() {
        // Columns whose type the file cannot prove are looked through.
        let mut looked: Vec<(usize, String)> = Vec::new();
        let input = options.contents.open(path)?;
        let mut batches = Batches::choose(input, format, &mut |names, fields, integers| {
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
        room += batches.room();
        // What the footer of a Parquet file says is held against its rows when they are read.
        if let (true, Some(count), Format::Parquet) = (looked.is_empty(), batches.rows, format) {
            rows += count;
            continue;
        }
        let read = || iter::from_fn(move || batches.read(CHUNK).transpose());
        ahead(read, |read| {
            let mut line = 1;
            for batch in read {
                let batch = batch?;
                for ((field, name), array) in looked.iter().zip(batch.columns()) {
                    let Some(guess) = survey.guesses.get_mut(name) else { continue };
                    contained(path, || {
                        see(array, &missing, guess, At { file, line, field: *field })
                            .map_err(|error| damaged(path, "table", error))
                    })?;
                }
                line += batch.num_rows() as u64;
                rows += batch.num_rows() as u64;
                (options.tick)(rows)?;
            }
            Ok::<_, DataError>(())
        })?;
    }
    let mut opened = survey.finish(rows, format)?;
    opened.room = room.min(rows);
    Ok(opened)
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
                let input = self.options.contents.open(file)?;
                let batches = Batches::choose(input, self.opened.format, &mut |names, _, _| {
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
