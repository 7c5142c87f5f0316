//! Query results as typed columns (type inference).
//!
//! SQLite types values, not columns, so a column's type follows from what came: numbers, or texts
//! (times, if every text is an ISO date or time). The declared type that a plain reference carries
//! decides where values alone cannot: booleans, and categories that look like dates.

use std::collections::BTreeSet;

use collegium_manifest::ColumnType;
use rusqlite::{Statement, types::ValueRef};

use super::{Budget, database::declared};
use crate::{
    DataError, DataErrorKind, MISSING_BOOLEAN, MISSING_CODE, Values,
    cast::{EXACT, Interner, all_missing, cast},
};

/// Bytes of a number, of the code of a text, and of a text that was not met before beside its letters.
const NUMBER: u64 = 8;
const CODE: u64 = 4;
const LEVEL: u64 = 64;

/// Columns of a result, growing row by row.
pub(crate) struct Results {
    columns: Vec<Growing>,
    rows: u64,
    /// Bytes so far, or about that.
    bytes: u64,
    budget: Budget,
}

struct Growing {
    name: String,
    declared: Option<String>,
    /// Were all of its numbers integers?
    integer: bool,
    values: State,
}

enum State {
    /// Nothing but missing values so far.
    Unknown(usize),
    Numbers(Vec<f64>),
    Texts(Vec<u32>, Interner),
}

impl Results {
    /// For the columns of a statement.
    pub(crate) fn new(statement: &Statement<'_>, budget: Budget) -> Result<Self, DataError> {
        let mut columns: Vec<Growing> = Vec::new();
        for column in statement.columns() {
            let name = column.name().to_owned();
            if columns.iter().any(|other| other.name == name) {
                let message = format!("the query returns two columns named `{name}`");
                return Err(DataError::new(DataErrorKind::DuplicateColumn, message).help(
                    "name one of them differently with AS, or list the columns instead of `*`",
                ));
            }
            let declared = column.decl_type().map(str::to_owned);
            columns.push(Growing { name, declared, integer: true, values: State::Unknown(0) });
        }
        Ok(Self { columns, rows: 0, bytes: 0, budget })
    }

    /// For one column, with the declared type of the column that it refers to plainly, if it does.
    pub(crate) fn one(name: &str, declared: Option<String>, budget: Budget) -> Self {
        let values = State::Unknown(0);
        let column = Growing { name: name.to_owned(), declared, integer: true, values };
        Self { columns: vec![column], rows: 0, bytes: 0, budget }
    }

    /// Rows so far.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// The columns in which every number was an integer.
    pub(crate) fn integers(&self) -> BTreeSet<String> {
        let integer = self.columns.iter().filter(|column| column.integer);
        integer.map(|column| column.name.clone()).collect()
    }

    /// One more row.
    pub(crate) fn push(&mut self, row: &rusqlite::Row<'_>) -> Result<(), DataError> {
        self.rows += 1;
        for (index, column) in self.columns.iter_mut().enumerate() {
            let value = row.get_ref(index).map_err(super::fault::plain)?;
            self.bytes += column.push(value, self.rows)?;
        }
        match self.bytes > self.budget.memory {
            true => Err(self.budget.too_much_memory(self.rows)),
            false => Ok(()),
        }
    }

    /// The finished columns, with their names, in the query's order. `texts` names columns whose
    /// texts stay texts, even if they all look like dates.
    pub(crate) fn finish(self, texts: impl Fn(&str) -> bool) -> Vec<(String, Values)> {
        let finish = |column: Growing| {
            let keep = texts(&column.name);
            column.finish(keep)
        };
        self.columns.into_iter().map(finish).collect()
    }
}

impl Growing {
    /// Takes one more value; returns how many bytes that adds.
    fn push(&mut self, value: ValueRef<'_>, row: u64) -> Result<u64, DataError> {
        let fault = |kind, message: &str, help: &str| {
            Err(DataError::new(kind, message).line(row).column(&self.name, None).help(help))
        };
        let number = match value {
            ValueRef::Null => {
                match &mut self.values {
                    State::Unknown(rows) => *rows += 1,
                    State::Numbers(values) => values.push(f64::NAN),
                    State::Texts(codes, _) => codes.push(MISSING_CODE),
                }
                return Ok(NUMBER);
            }
            ValueRef::Integer(value) if value.unsigned_abs() > EXACT as u64 => {
                return fault(
                    DataErrorKind::Inexact,
                    &format!(
                        "{value} is a whole number beyond 2^53, which a 64-bit float cannot hold exactly"
                    ),
                    "if it is an identifier, make it a text: CAST(… AS TEXT)",
                );
            }
            ValueRef::Integer(value) => value as f64,
            ValueRef::Real(value) if !value.is_finite() => {
                return fault(
                    DataErrorKind::NotFinite,
                    "the result is infinite",
                    "guard the expression, e.g. with CASE or NULLIF",
                );
            }
            ValueRef::Real(value) => {
                self.integer = false;
                value
            }
            ValueRef::Text(bytes) => {
                let Ok(text) = std::str::from_utf8(bytes) else {
                    return fault(
                        DataErrorKind::NotUtf8,
                        "the text is not UTF-8",
                        "CAST the bytes to numbers",
                    );
                };
                if let State::Unknown(rows) = self.values {
                    self.values = State::Texts(vec![MISSING_CODE; rows], Interner::default());
                }
                return match &mut self.values {
                    State::Texts(codes, levels) => {
                        let known = levels.len();
                        codes.push(levels.code(text));
                        let new = levels.len() > known;
                        Ok(CODE + if new { text.len() as u64 + LEVEL } else { 0 })
                    }
                    _ => mixed(&self.name, row, &format!("the text `{text}`")),
                };
            }
            ValueRef::Blob(_) => {
                return fault(
                    DataErrorKind::WrongType,
                    "the result is a blob",
                    "CAST it to a text or a number",
                );
            }
        };
        if let State::Unknown(rows) = self.values {
            self.values = State::Numbers(vec![f64::NAN; rows]);
        }
        match &mut self.values {
            State::Numbers(values) => {
                values.push(number);
                Ok(NUMBER)
            }
            _ => mixed(&self.name, row, &format!("the number {number}")),
        }
    }

    fn finish(self, keep_texts: bool) -> (String, Values) {
        let was = |kind: ColumnType| self.declared.as_deref() == Some(declared(kind));
        let values = match self.values {
            State::Unknown(rows) => {
                let kinds = [ColumnType::Boolean, ColumnType::Category, ColumnType::Time];
                all_missing(kinds.into_iter().find(|&k| was(k)).unwrap_or(ColumnType::Number), rows)
            }
            State::Numbers(values)
                if was(ColumnType::Boolean)
                    && values.iter().all(|&v| v == 0.0 || v == 1.0 || v.is_nan()) =>
            {
                let boolean =
                    |v: f64| if v.is_nan() { MISSING_BOOLEAN } else { u8::from(v == 1.0) };
                Values::Boolean(values.into_iter().map(boolean).collect())
            }
            State::Numbers(mut values) => {
                values.shrink_to_fit();
                Values::Number(values)
            }
            State::Texts(mut codes, levels) => {
                codes.shrink_to_fit();
                let levels = levels.into_levels();
                let dated = !keep_texts
                    && !was(ColumnType::Category)
                    && levels.iter().all(|level| crate::time::parse(level).is_some());
                let texts = Values::Category { codes, levels };
                if dated {
                    cast(texts, ColumnType::Time).expect("every level was parsed just before")
                } else {
                    texts
                }
            }
        };
        (self.name, values)
    }
}

fn mixed(column: &str, row: u64, what: &str) -> Result<u64, DataError> {
    let message = format!("{what} stands in a column that held the other kind before");
    Err(DataError::new(DataErrorKind::WrongType, message)
        .line(row)
        .column(column, None)
        .help("CAST(… AS TEXT) or CAST(… AS REAL) makes the expression one type"))
}
