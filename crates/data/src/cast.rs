//! Parsing of texts into values, and casts from one column type to another.

use collegium_manifest::ColumnType;
use indexmap::IndexSet;

use crate::{
    DataError, DataErrorKind, MISSING_BOOLEAN, MISSING_CODE, MISSING_TIME, Values, number_text,
    read::Style, time,
};

/// The largest whole number up to which a 64-bit float holds every whole number.
pub(crate) const EXACT: i64 = 1 << 53;

/// Why a text or a value cannot be read as a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// It is something else.
    Wrong,
    /// NaN or an infinity.
    NotFinite,
    /// A whole number that a 64-bit float would change.
    Inexact,
}

/// A finite number that a 64-bit float can hold.
pub(crate) fn number(text: &str) -> Result<f64, Why> {
    let value: f64 = text.parse().map_err(|_| Why::Wrong)?;
    if !value.is_finite() {
        return Err(Why::NotFinite);
    }
    if value.abs() > EXACT as f64 || value.abs() == EXACT as f64 {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        if digits.bytes().all(|b| b.is_ascii_digit()) && !is_exact(digits, value.abs()) {
            return Err(Why::Inexact);
        }
    }
    Ok(value)
}

/// Does this string of digits stand for exactly this float?
fn is_exact(digits: &str, value: f64) -> bool {
    digits.trim_start_matches('0') == format!("{value:.0}")
}

/// `true` or `false` in any case, 1 or 0.
pub(crate) fn boolean(text: &str) -> Option<u8> {
    match text {
        "0" => Some(0),
        "1" => Some(1),
        _ => named_boolean(text),
    }
}

/// `true` or `false` in any case.
pub(crate) fn named_boolean(text: &str) -> Option<u8> {
    if text.eq_ignore_ascii_case("true") {
        Some(1)
    } else if text.eq_ignore_ascii_case("false") {
        Some(0)
    } else {
        None
    }
}

/// The error for a value that is not of its column's type; the caller adds the place.
pub(crate) fn refuse(why: Why, kind: ColumnType, column: &str, text: &str) -> DataError {
    let shown: String = text.chars().take(40).collect();
    let quoted = format!("{:?}", shown);
    match why {
        Why::NotFinite => {
            DataError::new(DataErrorKind::NotFinite, format!("`{shown}` is not a finite number"))
                .help(format!(
                    "if it means that the value is missing, add `missing = [\"\", \"NA\", {quoted}]` \
                     to the data source"
                ))
        }
        Why::Inexact => DataError::new(
            DataErrorKind::Inexact,
            format!("{shown} is a whole number beyond 2^53, which a 64-bit float cannot hold exactly"),
        )
        .help(format!(
            "if it is an identifier, add `types = {{ \"{column}\" = \"category\" }}` to the data source"
        )),
        Why::Wrong => {
            let what = match kind {
                ColumnType::Number => "a number",
                ColumnType::Boolean => "true or false",
                ColumnType::Category => "a text",
                ColumnType::Time => "an ISO date or time such as 2013-01-31 or 2013-01-31 17:05",
                ColumnType::Image => "an image",
            };
            DataError::new(DataErrorKind::WrongType, format!("`{shown}` is not {what}")).help(format!(
                "correct it; or, if it means that the value is missing, name {quoted} in `missing`; or \
                 declare another type for the column in `types`"
            ))
        }
    }
}

/// String interning: distinct texts in the order in which they first came.
#[derive(Debug, Default)]
pub(crate) struct Interner(IndexSet<String>);

impl Interner {
    /// The code of a text, new or known.
    pub(crate) fn code(&mut self, text: &str) -> u32 {
        let index = match self.0.get_index_of(text) {
            Some(index) => index,
            None => self.0.insert_full(text.to_owned()).0,
        };
        index as u32
    }

    /// How many different texts.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The texts; a text's place is its code.
    pub(crate) fn into_levels(self) -> Vec<String> {
        self.0.into_iter().collect()
    }
}

/// The same values as another type. An error names the first row that has no counterpart, and its
/// text.
pub(crate) fn cast(values: Values, kind: ColumnType) -> Result<Values, (usize, String, Why)> {
    cast_styled(values, kind, &Style::default())
}

/// The same where texts write numbers and times in a way of their own.
pub(crate) fn cast_styled(
    values: Values,
    kind: ColumnType,
    style: &Style,
) -> Result<Values, (usize, String, Why)> {
    use ColumnType as T;
    if values.kind() == kind {
        return Ok(values);
    }
    if values.kind() == T::Image || kind == T::Image {
        return Err((0, format!("a column of type {}", values.kind().name()), Why::Wrong));
    }
    Ok(match (values, kind) {
        (Values::Category { codes, levels }, T::Number) => {
            Values::Number(by_level(&codes, &levels, f64::NAN, |text| style.number(text))?)
        }
        (Values::Category { codes, levels }, T::Boolean) => {
            let parse = |text: &str| boolean(text).ok_or(Why::Wrong);
            Values::Boolean(by_level(&codes, &levels, MISSING_BOOLEAN, parse)?)
        }
        (Values::Category { codes, levels }, T::Time) => {
            let parse = |text: &str| style.time(text).ok_or(Why::Wrong);
            Values::Time(by_level(&codes, &levels, MISSING_TIME, parse)?)
        }
        (Values::Number(values), T::Boolean) => {
            let convert = |(row, value): (usize, f64)| match value {
                0.0 => Ok(0),
                1.0 => Ok(1),
                _ if value.is_nan() => Ok(MISSING_BOOLEAN),
                _ => Err((row, number_text(value), Why::Wrong)),
            };
            Values::Boolean(values.into_iter().enumerate().map(convert).collect::<Result<_, _>>()?)
        }
        (Values::Boolean(values), T::Number) => Values::Number(
            values.into_iter().map(|v| if v > 1 { f64::NAN } else { f64::from(v) }).collect(),
        ),
        (other, T::Category) => {
            let mut levels = Interner::default();
            let codes = match other {
                Values::Number(values) => {
                    let text = |v: f64| (!v.is_nan()).then(|| number_text(v));
                    values.into_iter().map(|v| coded(text(v), &mut levels)).collect()
                }
                Values::Boolean(values) => {
                    let text = |v: u8| (v <= 1).then(|| (v == 1).to_string());
                    values.into_iter().map(|v| coded(text(v), &mut levels)).collect()
                }
                Values::Time(values) => {
                    let text = |v: i64| (v != MISSING_TIME).then(|| time::text(v));
                    values.into_iter().map(|v| coded(text(v), &mut levels)).collect()
                }
                Values::Category { codes, .. } => codes,
                Values::Image { .. } => unreachable!("refused above"),
            };
            Values::Category { codes, levels: levels.into_levels() }
        }
        (other, _) => match (0..other.len()).find(|&row| !other.is_missing(row)) {
            // Times are no numbers and no truth values, and the reverse.
            Some(row) => {
                let text = crate::Column::new("", other).text(row).unwrap_or_default();
                return Err((row, text, Why::Wrong));
            }
            None => all_missing(kind, other.len()),
        },
    })
}

/// A column of `rows` missing values.
pub(crate) fn all_missing(kind: ColumnType, rows: usize) -> Values {
    match kind {
        ColumnType::Number => Values::Number(vec![f64::NAN; rows]),
        ColumnType::Boolean => Values::Boolean(vec![MISSING_BOOLEAN; rows]),
        ColumnType::Category => {
            Values::Category { codes: vec![MISSING_CODE; rows], levels: Vec::new() }
        }
        ColumnType::Time => Values::Time(vec![MISSING_TIME; rows]),
        ColumnType::Image => unreachable!("an image is never missing"),
    }
}

fn coded(text: Option<String>, levels: &mut Interner) -> u32 {
    text.map_or(MISSING_CODE, |text| levels.code(&text))
}

/// Parses every level once; one that is not of the type is an error at the first row that has it.
fn by_level<T: Copy>(
    codes: &[u32],
    levels: &[String],
    missing: T,
    parse: impl Fn(&str) -> Result<T, Why>,
) -> Result<Vec<T>, (usize, String, Why)> {
    let parsed: Vec<Result<T, Why>> = levels.iter().map(|level| parse(level)).collect();
    let value = |(row, &code): (usize, &u32)| match code {
        MISSING_CODE => Ok(missing),
        _ => parsed[code as usize].map_err(|why| (row, levels[code as usize].clone(), why)),
    };
    codes.iter().enumerate().map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_beyond_two_to_the_53_are_refused_unless_they_are_exact() {
        assert_eq!(number("9007199254740992"), Ok(9_007_199_254_740_992.0));
        assert_eq!(number("9007199254740993"), Err(Why::Inexact));
        assert_eq!(number("-9007199254740993"), Err(Why::Inexact));
        assert_eq!(number("18014398509481984"), Ok(18_014_398_509_481_984.0));
        assert_eq!(number("1e300"), Ok(1e300), "written as a float, it is meant as one");
        assert_eq!(number("1e999"), Err(Why::NotFinite));
        assert_eq!(number("nan"), Err(Why::NotFinite));
        assert_eq!(number("1,5"), Err(Why::Wrong));
    }

    #[test]
    fn a_failed_cast_names_the_first_row_that_does_not_fit() {
        let codes = vec![0, MISSING_CODE, 1, 2];
        let levels = vec!["1".to_owned(), "x".to_owned(), "y".to_owned()];
        let error = cast(Values::Category { codes, levels }, ColumnType::Number).unwrap_err();
        assert_eq!(error, (2, "x".to_owned(), Why::Wrong));
    }

    #[test]
    fn casting_keeps_missing_values_missing() {
        let missing = Values::Number(vec![f64::NAN, 1.0]);
        for kind in [ColumnType::Boolean, ColumnType::Category] {
            let cast = cast(missing.clone(), kind).unwrap();
            assert_eq!(cast.kind(), kind);
            assert!(cast.is_missing(0) && !cast.is_missing(1));
        }
    }
}
