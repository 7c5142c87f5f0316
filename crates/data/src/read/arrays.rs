//! Conversion of Arrow arrays to column values.
//!
//! Texts are read as those of a text file are: blanks around them do not count, and the texts that mean
//! "missing" are missing; so are the numbers and times that such a text stands for.

use arrow_array::{
    Array, ArrayRef,
    cast::AsArray as _,
    types::{Float64Type, Int64Type, TimestampMicrosecondType, UInt64Type},
};
use arrow_cast::cast as arrow_cast;
use arrow_schema::{ArrowError, DataType, TimeUnit};
use collegium_manifest::ColumnType;

use super::{
    guess::{At, Guess},
    missing::Missing,
};
use crate::{
    MISSING_BOOLEAN, MISSING_CODE, MISSING_TIME, Values,
    cast::{EXACT, Interner, Why, cast},
    number_text, time,
};

/// A value without a counterpart: its row, its text, and why.
pub(super) type Odd = (usize, String, Why);

/// The column type for an Arrow type.
pub(super) fn kind_of(given: &DataType) -> Option<ColumnType> {
    use DataType as D;
    Some(match given {
        given if given.is_numeric() => ColumnType::Number,
        D::Null => ColumnType::Number,
        D::Boolean => ColumnType::Boolean,
        D::Utf8 | D::LargeUtf8 | D::Utf8View => ColumnType::Category,
        D::Date32 | D::Date64 | D::Timestamp(..) => ColumnType::Time,
        D::Dictionary(_, inner) if !matches!(**inner, D::Dictionary(..)) => kind_of(inner)?,
        _ => return None,
    })
}

/// What a type without a counterpart is, in few words.
pub(super) fn what_is(given: &DataType) -> &'static str {
    use DataType as D;
    match given {
        D::List(_) | D::LargeList(_) | D::FixedSizeList(..) | D::ListView(_) => "a list",
        D::Struct(_) => "a struct",
        D::Map(..) => "a map",
        D::Duration(_) | D::Interval(_) => "a duration",
        D::Time32(_) | D::Time64(_) => "a time of day",
        D::Binary | D::LargeBinary | D::BinaryView | D::FixedSizeBinary(_) => "bytes",
        _ => "a type without a counterpart",
    }
}

/// Has this type texts, although it has no counterpart here?
pub(super) fn has_texts(given: &DataType) -> bool {
    matches!(given, DataType::Time32(_) | DataType::Time64(_) | DataType::Duration(_))
}

/// Integers, or decimals without decimals.
fn is_whole(given: &DataType) -> bool {
    use DataType as D;
    match given {
        D::Decimal32(_, scale)
        | D::Decimal64(_, scale)
        | D::Decimal128(_, scale)
        | D::Decimal256(_, scale) => *scale <= 0,
        other => other.is_integer(),
    }
}

/// Shows a guess all values of an array; `at` is the place of its first row.
pub(super) fn see(
    array: &ArrayRef,
    missing: &Missing,
    guess: &mut Guess,
    at: At,
) -> Result<(), ArrowError> {
    use DataType as D;
    let place = |row: usize| At { line: at.line + row as u64, ..at };
    match array.data_type() {
        D::Dictionary(_, inner) if !is_text(inner) => {
            see(&arrow_cast(array, inner)?, missing, guess, at)?;
        }
        D::Null => {}
        D::Boolean => {
            for (row, value) in array.as_boolean().iter().enumerate() {
                if let Some(value) = value.filter(|value| !missing.is_boolean(*value)) {
                    guess.see_boolean(value, place(row));
                }
            }
        }
        D::Date32 | D::Date64 | D::Timestamp(..) => {
            let all = moments(array)?;
            let all = all.as_primitive::<TimestampMicrosecondType>();
            for row in (0..array.len()).filter(|&row| array.is_valid(row)) {
                let moment = all.is_valid(row).then(|| all.value(row));
                if !moment.is_some_and(|moment| missing.is_time(moment)) {
                    guess.see_time(moment, place(row));
                }
            }
        }
        D::UInt64 => {
            for (row, value) in array.as_primitive::<UInt64Type>().iter().enumerate() {
                let Some(value) = value.filter(|v| !missing.is_number(*v as f64)) else { continue };
                match value <= EXACT as u64 {
                    true => guess.see_number(value as f64, true, place(row)),
                    false => guess.see_inexact(value.to_string(), place(row)),
                }
            }
        }
        kind if kind.is_integer() => {
            let all = arrow_cast(array, &D::Int64)?;
            for (row, value) in all.as_primitive::<Int64Type>().iter().enumerate() {
                let Some(value) = value.filter(|v| !missing.is_number(*v as f64)) else { continue };
                match value.unsigned_abs() <= EXACT as u64 {
                    true => guess.see_number(value as f64, true, place(row)),
                    false => guess.see_inexact(value.to_string(), place(row)),
                }
            }
        }
        kind if kind.is_numeric() => {
            let whole = is_whole(kind);
            let all = arrow_cast(array, &D::Float64)?;
            for (row, value) in all.as_primitive::<Float64Type>().iter().enumerate() {
                if let Some(value) = value.filter(|value| !missing.is_number(*value)) {
                    guess.see_number(value, whole, place(row));
                }
            }
        }
        _ => each_text(array, |row, text| {
            let text = text.map(str::trim_ascii).filter(|text| !missing.is_text(text));
            if let Some(text) = text {
                guess.see(text, place(row));
            }
        })?,
    }
    Ok(())
}

/// An array's values as this type.
pub(super) fn values(array: &ArrayRef, kind: ColumnType, missing: &Missing) -> Result<Values, Odd> {
    match kind {
        ColumnType::Category => texts(array, missing).map_err(fault),
        kind => cast(typed(array, missing)?, kind),
    }
}

/// An array's values as the type that comes closest.
pub(super) fn typed(array: &ArrayRef, missing: &Missing) -> Result<Values, Odd> {
    use DataType as D;
    let to = |kind: &DataType| arrow_cast(array, kind).map_err(fault);
    match array.data_type() {
        D::Dictionary(_, inner) if !is_text(inner) => typed(&to(inner)?, missing),
        D::Null => Ok(Values::Number(vec![f64::NAN; array.len()])),
        D::UInt64 => {
            let exact = |(row, value): (usize, Option<u64>)| match value {
                Some(v) if missing.is_number(v as f64) => Ok(f64::NAN),
                None => Ok(f64::NAN),
                Some(v) if v <= EXACT as u64 => Ok(v as f64),
                Some(v) => Err((row, v.to_string(), Why::Inexact)),
            };
            let all = array.as_primitive::<UInt64Type>().iter().enumerate();
            all.map(exact).collect::<Result<_, _>>().map(Values::Number)
        }
        kind if kind.is_integer() => {
            let all = to(&D::Int64)?;
            let exact = |(row, value): (usize, Option<i64>)| match value {
                Some(v) if missing.is_number(v as f64) => Ok(f64::NAN),
                None => Ok(f64::NAN),
                Some(v) if v.unsigned_abs() <= EXACT as u64 => Ok(v as f64),
                Some(v) => Err((row, v.to_string(), Why::Inexact)),
            };
            let all = all.as_primitive::<Int64Type>().iter().enumerate();
            all.map(exact).collect::<Result<_, _>>().map(Values::Number)
        }
        kind if kind.is_numeric() => {
            let whole = is_whole(kind);
            let all = to(&D::Float64)?;
            let finite = |(row, value): (usize, Option<f64>)| match value {
                Some(v) if missing.is_number(v) => Ok(f64::NAN),
                None => Ok(f64::NAN),
                Some(v) if whole && v.abs() > EXACT as f64 => {
                    Err((row, number_text(v), Why::Inexact))
                }
                Some(v) if v.is_finite() => Ok(v),
                Some(v) => Err((row, number_text(v), Why::NotFinite)),
            };
            let all = all.as_primitive::<Float64Type>().iter().enumerate();
            all.map(finite).collect::<Result<_, _>>().map(Values::Number)
        }
        D::Boolean => {
            let known = |v: Option<bool>| v.filter(|v| !missing.is_boolean(*v));
            let all = array.as_boolean().iter();
            Ok(Values::Boolean(all.map(|v| known(v).map_or(MISSING_BOOLEAN, u8::from)).collect()))
        }
        D::Date32 | D::Date64 | D::Timestamp(..) => {
            let all = moments(array).map_err(fault)?;
            let all = all.as_primitive::<TimestampMicrosecondType>();
            // A value that does not fit would otherwise turn into a missing one.
            if let Some(row) =
                (0..array.len()).find(|&row| array.is_valid(row) != all.is_valid(row))
            {
                return Err((row, "a time out of range".to_owned(), Why::Wrong));
            }
            let known = |v: Option<i64>| v.filter(|v| !missing.is_time(*v)).unwrap_or(MISSING_TIME);
            Ok(Values::Time(all.iter().map(known).collect()))
        }
        _ => texts(array, missing).map_err(fault),
    }
}

/// An array's values as texts, as a text file would have them; whatever they are.
pub(super) fn texts(array: &ArrayRef, missing: &Missing) -> Result<Values, ArrowError> {
    use DataType as D;
    let mut levels = Interner::default();
    let mut code = |text: Option<&str>| text.map_or(MISSING_CODE, |text| levels.code(text));
    let codes: Vec<u32> = match array.data_type() {
        D::Dictionary(_, inner) if !is_text(inner) => {
            return texts(&arrow_cast(array, inner)?, missing);
        }
        D::Null => vec![MISSING_CODE; array.len()],
        D::Boolean => {
            let known = |v: Option<bool>| v.filter(|v| !missing.is_boolean(*v));
            let name = |v: bool| if v { "true" } else { "false" };
            array.as_boolean().iter().map(|v| code(known(v).map(name))).collect()
        }
        D::Date32 | D::Date64 | D::Timestamp(..) => {
            let all = moments(array)?;
            let all = all.as_primitive::<TimestampMicrosecondType>();
            // What is out of range has no text but the number that the file holds.
            let raw = arrow_cast(array, &D::Int64)?;
            let raw = raw.as_primitive::<Int64Type>();
            let text = |row: usize| match (array.is_valid(row), all.is_valid(row)) {
                (false, _) => None,
                (true, true) if missing.is_time(all.value(row)) => None,
                (true, true) => Some(time::text(all.value(row))),
                (true, false) => Some(raw.value(row).to_string()),
            };
            (0..array.len()).map(|row| code(text(row).as_deref())).collect()
        }
        kind if kind.is_numeric() && !kind.is_integer() => {
            let all = arrow_cast(array, &D::Float64)?;
            let known = |v: Option<f64>| v.filter(|v| !missing.is_number(*v)).map(number_text);
            let all = all.as_primitive::<Float64Type>().iter();
            all.map(|v| code(known(v).as_deref())).collect()
        }
        _ => {
            let known = |text: &&str| !missing.is_text(text);
            let mut codes = Vec::with_capacity(array.len());
            each_text(array, |_, text| codes.push(code(text.map(str::trim_ascii).filter(known))))?;
            codes
        }
    };
    Ok(Values::Category { codes, levels: levels.into_levels() })
}

/// Is it one of Arrow's types of texts?
fn is_text(given: &DataType) -> bool {
    matches!(given, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Shows the text of each row. Rows that share a text (in a dictionary, by a view) share it here, too: to
/// copy it for each of them could take any amount of memory.
fn each_text(array: &ArrayRef, mut see: impl FnMut(usize, Option<&str>)) -> Result<(), ArrowError> {
    match array.data_type() {
        DataType::Dictionary(_, inner) if is_text(inner) => {
            let dictionary = array.as_any_dictionary();
            let values = dictionary.values();
            if values.is_empty() {
                (0..array.len()).for_each(|row| see(row, None));
                return Ok(());
            }
            let keys = dictionary.normalized_keys();
            let key = |row: usize| array.is_valid(row).then(|| keys[row]);
            macro_rules! by_key {
                ($texts:expr) => {{
                    let texts = $texts;
                    for row in 0..array.len() {
                        let key = key(row).filter(|&key| texts.is_valid(key));
                        see(row, key.map(|key| texts.value(key)));
                    }
                }};
            }
            match inner.as_ref() {
                DataType::Utf8 => by_key!(values.as_string::<i32>()),
                DataType::LargeUtf8 => by_key!(values.as_string::<i64>()),
                _ => by_key!(values.as_string_view()),
            }
        }
        DataType::Utf8 => {
            array.as_string::<i32>().iter().enumerate().for_each(|(row, text)| see(row, text));
        }
        DataType::LargeUtf8 => {
            array.as_string::<i64>().iter().enumerate().for_each(|(row, text)| see(row, text));
        }
        DataType::Utf8View => {
            array.as_string_view().iter().enumerate().for_each(|(row, text)| see(row, text));
        }
        _ => {
            let all = arrow_cast(array, &DataType::Utf8)?;
            all.as_string::<i32>().iter().enumerate().for_each(|(row, text)| see(row, text));
        }
    }
    Ok(())
}

fn fault(error: ArrowError) -> Odd {
    (0, error.to_string(), Why::Wrong)
}

/// Dates and time stamps as microseconds; null where that is out of range. Those with a zone are kept in
/// UTC already.
fn moments(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let target = DataType::Timestamp(TimeUnit::Microsecond, None);
    match array.data_type() {
        DataType::Timestamp(unit, Some(_)) => {
            // Arrow would shift the clock when the zone is dropped: go by way of plain integers.
            let plain = arrow_cast(array, &DataType::Int64)?;
            let plain = arrow_cast(&plain, &DataType::Timestamp(*unit, None))?;
            arrow_cast(&plain, &target)
        }
        _ => arrow_cast(array, &target),
    }
}
