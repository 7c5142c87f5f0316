//! Deterministic date functions for SQLite, without the clock and the time zone of this machine.
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
/// Bytes of arguments and answer of a call that is remembered, at most.
const REMEMBERED_BYTES: usize = 256;

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
        let known: Mutex<Known> = Mutex::default();
        db.create_scalar_function(name, -1, flags, move |context: &mut Context<'_>| {
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            let given = (0..context.len()).map(|at| context.get_raw(at));
            if let Some(value) = known.last(given) {
                return Ok(value);
            }
            let given: Vec<ValueRef<'_>> =
                (0..context.len()).map(|at| context.get_raw(at)).collect();
            if reads_clock(name, moment, &given) {
                return Err(Error::UserFunctionError(format!("`{name}` {WHY}").into()));
            }
            if let Some(value) = known.earlier() {
                return Ok(value);
            }
            let marks = vec!["?"; given.len()].join(", ");
            let calendar = calendar.lock().unwrap_or_else(PoisonError::into_inner);
            let mut call = calendar.prepare_cached(&format!("SELECT {name}({marks})"))?;
            let given: Vec<ToSqlOutput<'_>> =
                given.into_iter().map(ToSqlOutput::Borrowed).collect();
            let given: Vec<&dyn ToSql> = given.iter().map(|value| value as &dyn ToSql).collect();
            let value = call.query_row(given.as_slice(), |row| row.get::<_, Value>(0))?;
            known.learn(value.clone());
            Ok(value)
        })?;
    }
    Ok(())
}

/// What was asked of a function, and its answers.
#[derive(Debug, Default)]
struct Known {
    /// The arguments of the last call but the present one, as bytes, and its answer: rows often stand in
    /// the order of their dates.
    last: Option<(Vec<u8>, Value)>,
    /// The arguments of the present call.
    asked: Vec<u8>,
    answers: HashMap<Vec<u8>, Value>,
}

impl Known {
    /// The answer to these arguments, if the last call had the same.
    fn last<'a>(&mut self, given: impl Iterator<Item = ValueRef<'a>>) -> Option<Value> {
        write(given, &mut self.asked);
        let (asked, value) = self.last.as_ref()?;
        (*asked == self.asked).then(|| value.clone())
    }

    /// The answer to the present call, if an earlier one had the same arguments.
    fn earlier(&mut self) -> Option<Value> {
        let value = self.answers.get(&self.asked)?.clone();
        self.last = Some((self.asked.clone(), value.clone()));
        Some(value)
    }

    /// Remembers the answer to the present call.
    fn learn(&mut self, value: Value) {
        let length = match &value {
            Value::Text(text) => text.len(),
            Value::Blob(bytes) => bytes.len(),
            _ => 0,
        };
        if self.asked.len() + length > REMEMBERED_BYTES {
            return;
        }
        if self.answers.len() == REMEMBERED {
            self.answers.clear();
        }
        self.last = Some((self.asked.clone(), value.clone()));
        self.answers.insert(self.asked.clone(), value);
    }
}

/// Arguments as bytes: each with its type and its length.
fn write<'a>(given: impl Iterator<Item = ValueRef<'a>>, into: &mut Vec<u8>) {
    into.clear();
    for value in given {
        let (tag, bytes): (u8, &[u8]) = match &value {
            ValueRef::Null => (0, &[]),
            ValueRef::Integer(value) => (1, &value.to_le_bytes()),
            ValueRef::Real(value) => (2, &value.to_bits().to_le_bytes()),
            ValueRef::Text(bytes) => (3, bytes),
            ValueRef::Blob(bytes) => (4, bytes),
        };
        into.push(tag);
        into.extend_from_slice(&bytes.len().to_le_bytes());
        into.extend_from_slice(bytes);
    }
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
