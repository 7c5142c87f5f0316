//! SQL errors with spans: SQLite's errors, with the place in the user's SQL.

use std::ops::Range;

use rusqlite::ErrorCode;

use super::{Shape, guard::Touched};
use crate::{DataError, DataErrorKind, error::choices};

/// A user's SQL inside of ours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// As the user wrote it.
    pub(crate) sql: &'a str,
    /// Bytes of our SQL before it.
    pub(crate) before: usize,
}

/// Any error of SQLite that is not about a user's SQL.
pub(crate) fn plain(error: rusqlite::Error) -> DataError {
    if interrupted(&error) {
        return DataError::interrupted();
    }
    let full = error.sqlite_error_code() == Some(ErrorCode::DiskFull);
    let found = DataError::new(DataErrorKind::Query, format!("SQLite: {error}"));
    if full {
        found.help("free some space in the folder for temporary files (TMPDIR)")
    } else {
        found
    }
}

fn interrupted(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted)
}

/// An error of a user's SQL.
pub(crate) fn of_sql(
    error: rusqlite::Error,
    place: Place<'_>,
    touched: &Touched,
    tables: &[Shape],
) -> DataError {
    if interrupted(&error) {
        return DataError::interrupted();
    }
    if let Some(why) = &touched.refused {
        let found = DataError::new(DataErrorKind::Query, why.clone());
        return match word_of(place.sql, why) {
            Some(at) => found.part(place.sql, at),
            None => found,
        };
    }
    let (message, offset) = match &error {
        rusqlite::Error::SqlInputError { msg, offset, .. } => {
            (msg.clone(), usize::try_from(*offset).ok())
        }
        rusqlite::Error::SqliteFailure(_, Some(message)) => (message.clone(), None),
        rusqlite::Error::MultipleStatement => ("a query is one statement".to_owned(), None),
        other => (other.to_string(), None),
    };
    let unknown = message.strip_prefix("no such column: ").map(unquoted);
    let missing = message.strip_prefix("no such table: ").map(unquoted);
    let kind = if unknown.is_some() { DataErrorKind::UnknownColumn } else { DataErrorKind::Query };
    let help = match (unknown, missing) {
        (Some(name), _) => near_column(name, tables),
        (_, Some(name)) => {
            choices(name, tables.iter().map(|table| table.name.as_str()), "the tables are")
        }
        _ => None,
    };
    let found = DataError::new(kind, message.clone()).maybe_help(help);
    match offset.and_then(|offset| offset.checked_sub(place.before)) {
        Some(start) if start <= place.sql.len() => {
            found.part(place.sql, start..start + token(place.sql, start))
        }
        _ => found,
    }
}

/// SQL that reads an image.
pub(super) fn of_image(column: &str, place: Place<'_>) -> DataError {
    let message = format!("`{column}` is an image, which SQL cannot read");
    let found = DataError::new(DataErrorKind::Query, message.clone()).help(
        "SQL reads numbers, texts, booleans and times: use labels or other columns here; experts read \
         images as `inputs`",
    );
    match word_of(place.sql, &message) {
        Some(at) => found.part(place.sql, at),
        None => found,
    }
}

/// The name in `"origin" - should this be a string literal in single-quotes?`
fn unquoted(text: &str) -> &str {
    text.split(" - ").next().unwrap_or(text).trim_matches('"')
}

fn near_column(name: &str, tables: &[Shape]) -> Option<String> {
    let (table, column) = match name.rsplit_once('.') {
        Some((table, column)) => (Some(table), column),
        None => (None, name),
    };
    let of_table =
        tables.iter().find(|shape| table.is_some_and(|t| shape.name.eq_ignore_ascii_case(t)));
    let mut columns: Vec<&str> = match of_table {
        Some(shape) => shape.columns(),
        None => tables.iter().flat_map(Shape::columns).collect(),
    };
    columns.sort_unstable();
    columns.dedup();
    choices(column, columns, "the columns are")
}

/// Bytes of the word, or of the quoted name, that stands at `start`.
fn token(sql: &str, start: usize) -> usize {
    let rest = sql.get(start..).unwrap_or_default();
    let close = match rest.chars().next() {
        Some('[') => Some(']'),
        quote @ Some('"' | '`') => quote,
        _ => None,
    };
    if let Some(length) = close.and_then(|close| rest[1..].find(close)) {
        return length + 2;
    }
    let length =
        rest.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '.')).unwrap_or(rest.len());
    length.max(rest.chars().next().map_or(0, char::len_utf8))
}

/// Where the first word in backticks of a refusal stands in the SQL.
fn word_of(sql: &str, why: &str) -> Option<Range<usize>> {
    let word = why.split('`').nth(1)?;
    let start = sql.to_ascii_lowercase().find(&word.to_ascii_lowercase())?;
    Some(start..start + word.len())
}
