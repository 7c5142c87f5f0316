//! Table serialisation for the store: one Arrow IPC file, uncompressed, with the same bytes for the
//! same table whoever writes it.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufReader, Write},
    path::Path,
    sync::Arc,
};

use arrow_array::{
    Array as _, ArrayRef, BooleanArray, DictionaryArray, FixedSizeBinaryArray, Float64Array,
    RecordBatch, StringArray, TimestampMicrosecondArray, UInt32Array,
    cast::AsArray as _,
    types::{Float64Type, TimestampMicrosecondType, UInt32Type},
};
use arrow_buffer::Buffer;
use arrow_ipc::{reader::FileReader, writer::FileWriter};
use arrow_schema::{ArrowError, DataType, Field, Schema, TimeUnit};

use collegium_manifest::{ColumnType, ImageShape};

use crate::{
    Column, DataError, DataErrorKind, MISSING_BOOLEAN, MISSING_CODE, MISSING_TIME, Table, Values,
    build,
    build::Builder,
    read::{contained, promised_rows},
};

/// Rows of a record batch, at most …
const BATCH: usize = 65_536;
/// … and bytes of images, and of other values, in it: writing and reading hold one batch beside the table,
/// with all of its columns, whichever are wanted.
const BATCH_PIXELS: usize = 1 << 20;
const BATCH_BYTES: usize = 64 << 20;
/// Where a field keeps the shape of its images, `28x28x1`; the one entry, so that it has no order.
const SHAPE: &str = "image";

/// Writes a table, a batch at a time.
pub(crate) fn write(table: &Table, to: &mut dyn Write) -> Result<(), ArrowError> {
    let levels: Vec<Option<ArrayRef>> = table.columns.iter().map(|column| levels(column)).collect();
    let schema = Arc::new(schema(table));
    let mut writer = FileWriter::try_new(to, &schema)?;
    let batch = batch_rows(table);
    for first in (0..table.rows).step_by(batch) {
        let rows = first..table.rows.min(first + batch);
        let arrays = table
            .columns
            .iter()
            .zip(&levels)
            .map(|(column, levels)| array(column, levels.as_ref(), rows.clone()))
            .collect::<Result<_, _>>()?;
        writer.write(&RecordBatch::try_new(schema.clone(), arrays)?)?;
    }
    writer.finish()
}

/// Rows of a batch.
fn batch_rows(table: &Table) -> usize {
    let shapes = table.columns.iter().filter_map(|column| column.values.shape());
    match shapes.map(|shape| shape.size()).sum() {
        0 => (BATCH_BYTES / (8 * table.columns.len().max(1))).clamp(1, BATCH),
        bytes => (BATCH_PIXELS / bytes).clamp(1, BATCH),
    }
}

/// The columns as Arrow sees them.
pub(crate) fn schema(table: &Table) -> Schema {
    let field = |column: &Arc<Column>| {
        let kind = match &column.values {
            Values::Number(_) => DataType::Float64,
            Values::Boolean(_) => DataType::Boolean,
            Values::Category { .. } => {
                DataType::Dictionary(Box::new(DataType::UInt32), Box::new(DataType::Utf8))
            }
            Values::Time(_) => DataType::Timestamp(TimeUnit::Microsecond, None),
            Values::Image { shape, .. } => {
                let ImageShape { height, width, channels } = shape;
                let text = format!("{height}x{width}x{channels}");
                return Field::new(&column.name, DataType::FixedSizeBinary(bytes_of(*shape)), true)
                    .with_metadata(HashMap::from([(SHAPE.to_owned(), text)]));
            }
        };
        Field::new(&column.name, kind, true)
    };
    Schema::new(table.columns.iter().map(field).collect::<Vec<_>>())
}

/// Bytes of an image, as Arrow counts them; no image is larger (see `MOST_PIXELS`).
fn bytes_of(shape: ImageShape) -> i32 {
    i32::try_from(shape.size()).unwrap_or(i32::MAX)
}

/// The shape that a field's metadata holds.
fn shape_of(field: &Field, bytes: i32) -> Option<ImageShape> {
    let mut sides = field.metadata().get(SHAPE)?.split('x').map(|side| side.parse().ok());
    let mut side = || sides.next().flatten();
    let shape = ImageShape { height: side()?, width: side()?, channels: side()? };
    let size = shape.height.checked_mul(shape.width)?.checked_mul(shape.channels)?;
    (size > 0 && usize::try_from(bytes) == Ok(size)).then_some(shape)
}

/// The texts of a category, shared by all batches.
pub(crate) fn levels(column: &Column) -> Option<ArrayRef> {
    match &column.values {
        Values::Category { levels, .. } => Some(Arc::new(StringArray::from_iter_values(levels))),
        _ => None,
    }
}

/// Some rows of a column.
pub(crate) fn array(
    column: &Column,
    levels: Option<&ArrayRef>,
    rows: std::ops::Range<usize>,
) -> Result<ArrayRef, ArrowError> {
    Ok(match &column.values {
        Values::Number(values) => {
            let values = values[rows].iter().map(|&v| (!v.is_nan()).then_some(v));
            Arc::new(values.collect::<Float64Array>())
        }
        Values::Boolean(values) => {
            let values = values[rows].iter().map(|&v| (v <= 1).then_some(v == 1));
            Arc::new(values.collect::<BooleanArray>())
        }
        Values::Category { codes, .. } => {
            let codes = codes[rows].iter().map(|&v| (v != MISSING_CODE).then_some(v));
            let codes: UInt32Array = codes.collect();
            let levels = levels.cloned().unwrap_or_else(|| Arc::new(StringArray::new_null(0)));
            Arc::new(DictionaryArray::<UInt32Type>::try_new(codes, levels)?)
        }
        Values::Time(values) => {
            let values = values[rows].iter().map(|&v| (v != MISSING_TIME).then_some(v));
            Arc::new(values.collect::<TimestampMicrosecondArray>())
        }
        Values::Image { shape, pixels } => {
            let size = shape.size();
            let pixels = Buffer::from(&pixels[rows.start * size..rows.end * size]);
            Arc::new(FixedSizeBinaryArray::try_new(bytes_of(*shape), pixels, None)?)
        }
    })
}

/// Reads the wanted columns of a table that [`write`] wrote; the bytes of the others are skipped over. `None` if
/// it is something else: a store may come from a stranger, with names that fit what it holds.
pub(crate) fn read(path: &Path, rows: usize, wanted: &dyn Fn(&str) -> bool) -> Option<Table> {
    let file = File::open(path).ok()?;
    let length = usize::try_from(file.metadata().ok()?.len()).ok()?;
    let promised = usize::try_from(promised_rows(&file)?).ok()?;
    // A truth takes a bit; whatever is promised, there is no room for more rows.
    let room = rows.min(promised).min(length.saturating_mul(8));
    let read = || {
        let read = read_columns(path, room, length, wanted);
        read.map_err(|error| DataError::new(DataErrorKind::Damaged, error.to_string()))
    };
    contained(path, read).ok()
}

fn read_columns(
    path: &Path,
    rows: usize,
    length: usize,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Table, ArrowError> {
    let open = |projection| {
        let file = BufReader::with_capacity(1 << 17, File::open(path)?);
        FileReader::try_new(file, projection)
    };
    let mut reader = open(None)?;
    let names = reader.schema();
    let places: Vec<usize> = names
        .fields()
        .iter()
        .enumerate()
        .filter(|(_, field)| wanted(field.name()))
        .map(|(place, _)| place)
        .collect();
    if places.len() < names.fields().len() {
        reader = open(Some(places))?;
    }
    let schema = reader.schema();
    let strange = || ArrowError::SchemaError("not a table of ours".to_owned());
    let mut builders = Vec::new();
    for field in schema.fields() {
        let kind = match field.data_type() {
            DataType::Float64 => ColumnType::Number,
            DataType::Boolean => ColumnType::Boolean,
            DataType::Dictionary(..) => ColumnType::Category,
            DataType::Timestamp(..) => ColumnType::Time,
            DataType::FixedSizeBinary(bytes) => {
                let shape = shape_of(field, *bytes).ok_or_else(strange)?;
                builders.push(Builder::image(shape, rows.min(length / shape.size())));
                continue;
            }
            _ => return Err(strange()),
        };
        builders.push(Builder::new(kind, rows));
    }
    let mut levels: Vec<Vec<String>> = vec![Vec::new(); builders.len()];
    let mut done = 0;
    for batch in reader {
        let batch = batch?;
        done += batch.num_rows();
        for ((builder, levels), array) in builders.iter_mut().zip(&mut levels).zip(batch.columns())
        {
            match builder {
                Builder::Number(to) => {
                    let from = array.as_primitive_opt::<Float64Type>().ok_or_else(strange)?;
                    to.extend(from.iter().map(|v| v.unwrap_or(f64::NAN)));
                }
                Builder::Boolean(to) => {
                    let from = array.as_boolean_opt().ok_or_else(strange)?;
                    to.extend(from.iter().map(|v| v.map_or(MISSING_BOOLEAN, u8::from)));
                }
                Builder::Time(to) => {
                    let from = array.as_primitive_opt::<TimestampMicrosecondType>();
                    let from = from.ok_or_else(strange)?;
                    to.extend(from.iter().map(|v| v.unwrap_or(MISSING_TIME)));
                }
                Builder::Category(to, _) => {
                    let from = array.as_dictionary_opt::<UInt32Type>().ok_or_else(strange)?;
                    if levels.is_empty() {
                        let texts = from.values().as_string_opt::<i32>().ok_or_else(strange)?;
                        *levels = texts.iter().map(|t| t.unwrap_or_default().to_owned()).collect();
                    }
                    to.extend(from.keys().iter().map(|code| code.unwrap_or(MISSING_CODE)));
                }
                Builder::Image(_, to) => {
                    let from = array.as_fixed_size_binary_opt().ok_or_else(strange)?;
                    (0..from.len()).for_each(|row| to.extend_from_slice(from.value(row)));
                }
            }
        }
    }
    let columns =
        schema.fields().iter().zip(builders).zip(levels).map(|((field, builder), texts)| {
            let values = match builder.finish() {
                Values::Category { codes, .. } => Values::Category { codes, levels: texts },
                other => other,
            };
            (field.name().clone(), values)
        });
    Ok(build::table(columns, done))
}
