//! SQLite's date functions without the clock and the time zone of this machine.
//!
//! What SQL gives is cached by content, so it must be made of content alone. A look at the text finds
//! `date('now')`; it cannot find `date('n' || 'ow')`, or a column that holds `now`. So the functions are ours:
//! they look at their arguments when they have them, and leave the calendar to SQLite, on a connection of
//! its own. Tables hold few dates many times, so what was asked lately is remembered.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::{
    Connection, Error, ToSql,
    functions::{Context, FunctionFlags},
    types::{ToSqlOutput, Value, ValueRef},
};

/// The functions, and at which of their arguments a moment stands.
pub(super) const FUNCTIONS: [(&str, usize); 7] = [
    ("date", 0),
    ("time", 0),
    ("datetime", 0),
    ("julianday", 0),
    ("unixepoch", 0),
    ("strftime", 1),
    ("timediff", 0),
];

/// Answers of each function that are remembered, at most.
const REMEMBERED: usize = 4096;

/// Why a call is refused; the name is the function's.
pub(super) const WHY: &str = "reads the clock or the time zone here";

/// Puts the functions into the places of SQLite's own.
pub(super) fn register(db: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    let calendar = Arc::new(Mutex::new(Connection::open_in_memory()?));
    for (name, moment) in FUNCTIONS {
        let calendar = calendar.clone();
        let known: Mutex<HashMap<Vec<u8>, Value>> = Mutex::default();
        db.create_scalar_function(name, -1, flags, move |context: &mut Context<'_>| {
            let given: Vec<ValueRef<'_>> =
                (0..context.len()).map(|at| context.get_raw(at)).collect();
            if reads_clock(name, moment, &given) {
                return Err(Error::UserFunctionError(format!("`{name}` {WHY}").into()));
            }
            let asked = key(&given);
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(value) = known.get(&asked) {
                return Ok(value.clone());
            }
            let marks = vec!["?"; given.len()].join(", ");
            let calendar = calendar.lock().unwrap_or_else(PoisonError::into_inner);
            let mut call = calendar.prepare_cached(&format!("SELECT {name}({marks})"))?;
            let given: Vec<ToSqlOutput<'_>> =
                given.into_iter().map(ToSqlOutput::Borrowed).collect();
            let given: Vec<&dyn ToSql> = given.iter().map(|value| value as &dyn ToSql).collect();
            let value = call.query_row(given.as_slice(), |row| row.get::<_, Value>(0))?;
            if known.len() == REMEMBERED {
                known.clear();
            }
            known.insert(asked, value.clone());
            Ok(value)
        })?;
    }
    Ok(())
}

/// Arguments as bytes: each with its type, and its length where that is not fixed.
fn key(given: &[ValueRef<'_>]) -> Vec<u8> {
    let mut key = Vec::new();
    for value in given {
        let (tag, bytes): (u8, &[u8]) = match value {
            ValueRef::Null => (0, &[]),
            ValueRef::Integer(value) => (1, &value.to_le_bytes()),
            ValueRef::Real(value) => (2, &value.to_bits().to_le_bytes()),
            ValueRef::Text(bytes) => (3, bytes),
            ValueRef::Blob(bytes) => (4, bytes),
        };
        key.push(tag);
        key.extend_from_slice(&bytes.len().to_le_bytes());
        key.extend_from_slice(bytes);
    }
    key
}

/// Does a call with these arguments depend on more than them?
fn reads_clock(name: &str, moment: usize, given: &[ValueRef<'_>]) -> bool {
    let is = |value: &ValueRef<'_>, words: &[&str]| match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            let bytes = bytes.trim_ascii();
            words.iter().any(|word| bytes.eq_ignore_ascii_case(word.as_bytes()))
        }
        _ => false,
    };
    let moments = if name == "timediff" { 2 } else { 1 };
    let (before, rest) = given.split_at(given.len().min(moment + moments));
    before.len() <= moment
        || before[moment..].iter().any(|value| is(value, &["now", "subsec", "subsecond"]))
        || rest.iter().any(|value| is(value, &["localtime", "utc"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(db: &Connection, sql: &str) -> rusqlite::Result<Value> {
        db.query_row(&format!("SELECT {sql}"), [], |row| row.get(0))
    }

    #[test]
    fn the_clock_and_the_zone_are_out_of_reach_by_every_route() {
        let db = Connection::open_in_memory().unwrap();
        register(&db).unwrap();
        for sql in [
            "date()",
            "date('now')",
            "date('n' || 'ow')",
            "date(' NOW ')",
            "time(x'6e6f77')",
            "strftime('%Y')",
            "strftime('%Y', lower('NOW'))",
            "datetime('2013-01-01', 'local' || 'time')",
            "datetime('2013-01-01', '+1 day', 'UTC')",
            "unixepoch('subsec')",
            "julianday('sub' || 'second')",
            "timediff('2013-01-01', 'now')",
            "timediff('now', '2013-01-01')",
            "\"date\"('now')",
        ] {
            let error = value(&db, sql).unwrap_err().to_string();
            assert!(error.contains(WHY), "{sql}: {error}");
        }
    }

    #[test]
    fn everything_else_is_as_sqlite_has_it() {
        let (db, plain) =
            (Connection::open_in_memory().unwrap(), Connection::open_in_memory().unwrap());
        register(&db).unwrap();
        for sql in [
            "date('2013-01-31', '+1 day')",
            "time('2013-01-31 17:05')",
            "datetime(1e9, 'unixepoch')",
            "julianday('2013-01-31')",
            "unixepoch('2013-01-31 00:00:00.5', 'subsec')",
            "date(NULL)",
            "strftime('%Y %j', '2013-01-31')",
            "timediff('2013-02-01', '2013-01-31')",
            "date('x')",
            "strftime(NULL, '2013-01-31')",
            "typeof(unixepoch('2013-01-31'))",
            "date(2456324)",
        ] {
            assert_eq!(value(&db, sql).unwrap(), value(&plain, sql).unwrap(), "{sql}");
        }
    }
}
