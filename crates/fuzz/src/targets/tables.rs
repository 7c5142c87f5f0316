//! Helpers of the targets of data files: batches to write, and how a file is read.

use std::{path::Path, sync::Arc};

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int8Array,
    Int64Array, LargeStringArray, ListArray, NullArray, RecordBatch, StringArray, StringViewArray,
    StructArray, TimestampMicrosecondArray, UInt64Array,
    types::{Int8Type, Int64Type},
};
use arrow_schema::{DataType, Field};
use collegium_data::{DataError, DataErrorKind, read_file, read_rows};
use collegium_manifest::ReadOptions;

use crate::Refusal;

/// Reads a file as a data source does, and as `predict` does, with all columns copied.
pub(super) fn read(path: &Path) -> Result<(), Refusal> {
    let typed = read_file(path).map(drop).map_err(refusal);
    let rows = new_rows(path).map_err(refusal);
    // What neither may do counts before what either refuses.
    match (typed, rows) {
        (Err(one), Err(other)) if one.about_input => Err(other),
        (Err(one), _) => Err(one),
        (_, other) => other,
    }
}

fn new_rows(path: &Path) -> Result<(), DataError> {
    let mut rows = read_rows(path, &["NA".to_owned()], &ReadOptions::default(), None, 1000)?;
    let columns = rows.all_columns();
    rows.keep(&columns);
    for chunk in rows {
        chunk?;
    }
    Ok(())
}

fn refusal(error: DataError) -> Refusal {
    let ours = matches!(
        error.kind(),
        DataErrorKind::Store
            | DataErrorKind::Interrupted
            | DataErrorKind::Changed
            | DataErrorKind::Io
            | DataErrorKind::Query
            | DataErrorKind::MissingFile
    );
    Refusal { message: error.to_string(), about_input: !ours }
}

/// A batch of most types that a file can have.
pub(super) fn batch(rows: i64) -> RecordBatch {
    let all = || 0..rows;
    let known = |row: &i64| row % 5 != 3;
    let numbers: Int64Array = all().map(|row| known(&row).then_some(row * row - 40)).collect();
    let floats: Float64Array = all().map(|row| Some(row as f64 / 3.0)).collect();
    let truths: BooleanArray = all().map(|row| known(&row).then_some(row % 2 == 0)).collect();
    let text = |row: i64| known(&row).then(|| format!("text {}", row % 9));
    let texts: StringArray = all().map(text).collect();
    let large: LargeStringArray = all().map(text).collect();
    let views: StringViewArray =
        all().map(|row| text(row).map(|text| format!("{text} that is no short one"))).collect();
    let keys: Int8Array = all().map(|row| known(&row).then_some((row % 3) as i8)).collect();
    let levels = Arc::new(StringArray::from(vec!["low", "middle", "high"]));
    let levels = DictionaryArray::<Int8Type>::try_new(keys, levels);
    let dates: Date32Array = all().map(|row| Some(row as i32 * 100)).collect();
    let times: TimestampMicrosecondArray = all().map(|row| Some(row * 86_400_000_000)).collect();
    let decimals: Decimal128Array = all().map(|row| Some(i128::from(row) * 100)).collect();
    let decimals = decimals.with_precision_and_scale(12, 2);
    let unsigned: UInt64Array = all().map(|row| Some(row as u64)).collect();
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>(
        all().map(|row| known(&row).then(|| (0..row % 4).map(Some))),
    );
    let inner: ArrayRef = Arc::new(Int64Array::from_iter(all().map(Some)));
    let structs =
        StructArray::from(vec![(Arc::new(Field::new("x", DataType::Int64, true)), inner)]);
    let nothing = NullArray::new(rows as usize);
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("numbers", Arc::new(numbers)),
        ("floats", Arc::new(floats)),
        ("truths", Arc::new(truths)),
        ("texts", Arc::new(texts)),
        ("large", Arc::new(large)),
        ("views", Arc::new(views)),
        ("dates", Arc::new(dates)),
        ("times", Arc::new(times)),
        ("unsigned", Arc::new(unsigned)),
        ("lists", Arc::new(lists)),
        ("structs", Arc::new(structs)),
        ("nothing", Arc::new(nothing)),
    ];
    columns.extend(levels.ok().map(|levels| ("levels", Arc::new(levels) as ArrayRef)));
    columns.extend(decimals.ok().map(|decimals| ("decimals", Arc::new(decimals) as ArrayRef)));
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    match RecordBatch::try_from_iter_with_nullable(columns) {
        Ok(batch) => batch,
        Err(error) => unreachable!("the columns are as long as each other: {error}"),
    }
}

/// Of a batch the columns of these names.
pub(super) fn only(batch: &RecordBatch, names: &[&str]) -> RecordBatch {
    let places: Vec<usize> =
        names.iter().filter_map(|name| batch.schema().index_of(name).ok()).collect();
    batch.project(&places).unwrap_or_else(|error| unreachable!("the places are known: {error}"))
}
