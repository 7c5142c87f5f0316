//! A table as an object of the store: one Arrow IPC file, uncompressed, with the same bytes for the
//! same table whoever writes it.

use std::{
    fs::File,
    io::{BufReader, Write},
    path::Path,
    sync::Arc,
};

use arrow::{
    array::{
        ArrayRef, AsArray as _, BooleanArray, DictionaryArray, Float64Array, StringArray,
        TimestampMicrosecondArray, UInt32Array,
    },
    datatypes::{
        DataType, Field, Float64Type, Schema, TimeUnit, TimestampMicrosecondType, UInt32Type,
    },
    error::ArrowError,
    ipc::{reader::FileReader, writer::FileWriter},
    record_batch::RecordBatch,
};

use crate::{
    Column, MISSING_BOOLEAN, MISSING_CODE, MISSING_TIME, Table, Values, build, build::Builder,
};

/// Rows of a record batch.
const BATCH: usize = 65_536;

/// Writes a table, a batch at a time.
pub(crate) fn write(table: &Table, to: &mut dyn Write) -> Result<(), ArrowError> {
    let levels: Vec<Option<ArrayRef>> = table.columns.iter().map(|column| levels(column)).collect();
    let schema = Arc::new(schema(table));
    let mut writer = FileWriter::try_new(to, &schema)?;
    for first in (0..table.rows).step_by(BATCH) {
        let rows = first..table.rows.min(first + BATCH);
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
        };
        Field::new(&column.name, kind, true)
    };
    Schema::new(table.columns.iter().map(field).collect::<Vec<_>>())
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
    })
}

/// Reads a table that [`write`] wrote.
pub(crate) fn read(path: &Path, rows: usize) -> Result<Table, ArrowError> {
    let file = BufReader::with_capacity(1 << 17, File::open(path)?);
    let reader = FileReader::try_new(file, None)?;
    let schema = reader.schema();
    let strange = || ArrowError::SchemaError("not a table of ours".to_owned());
    let mut builders = Vec::new();
    for field in schema.fields() {
        let kind = match field.data_type() {
            DataType::Float64 => collegium_manifest::ColumnType::Number,
            DataType::Boolean => collegium_manifest::ColumnType::Boolean,
            DataType::Dictionary(..) => collegium_manifest::ColumnType::Category,
            DataType::Timestamp(..) => collegium_manifest::ColumnType::Time,
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
