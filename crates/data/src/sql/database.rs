//! SQLite database with the tables of a data source.

use std::{collections::BTreeSet, ops::Range};

use collegium_manifest::ColumnType;
use rusqlite::{Connection, InterruptHandle, Statement, config::DbConfig};
use tempfile::TempDir;

use super::{
    clock,
    fault::{self, Place, plain},
    guard::{Guard, Touched},
    limit::{Budget, Filled, Meter, SqlLimits},
    math, moment,
    names::Names,
    row,
};
use crate::{
    DataError, DataErrorKind, MISSING_CODE, MISSING_TIME, Table, Values,
    read::{CHUNK, Field},
    time,
};

/// The schema of a table, as declared to SQLite.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) name: String,
    pub(crate) fields: Vec<Field>,
}

impl Shape {
    pub(super) fn columns(&self) -> Vec<&str> {
        self.fields.iter().map(|field| field.name.as_str()).collect()
    }

    fn is_image(&self, column: &str) -> bool {
        self.fields.iter().any(|field| field.name == column && field.kind == ColumnType::Image)
    }
}

/// A SQLite database that lives as long as this value.
pub(crate) struct Database {
    db: Connection,
    guard: Guard,
    meter: Meter,
    filled: Filled,
    budget: Option<Budget>,
    tables: Vec<Shape>,
    /// Of each table the positions of the fields that SQLite was told of.
    declared: Vec<Vec<usize>>,
    /// The folder of the database file, unless it is in memory; deleted after the connection.
    _folder: Option<TempDir>,
}

/// The declared type of a column. It comes back with every plain reference to the column, which is
/// how booleans, categories and times survive a query; `TEXT` in it makes SQLite compare as texts.
pub(super) fn declared(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Number => "",
        ColumnType::Boolean => "BOOLEAN",
        ColumnType::Category => "CATEGORY_TEXT",
        ColumnType::Time => "TIME_TEXT",
        ColumnType::Image => "IMAGE",
    }
}

/// A column's declaration.
fn declaration(field: &Field) -> String {
    let collation = match field.kind {
        ColumnType::Time => format!(" COLLATE {}", moment::COLLATION),
        _ => String::new(),
    };
    format!("{} {}{collation}", quoted(&field.name), declared(field.kind))
}

pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Database {
    /// An empty database, in memory or in a temporary file.
    pub(crate) fn new(in_file: bool) -> Result<Self, DataError> {
        let io = |error: std::io::Error| {
            DataError::new(DataErrorKind::Io, format!("cannot make a temporary file: {error}"))
        };
        let folder = if in_file { Some(tempfile::tempdir().map_err(io)?) } else { None };
        let mut db = match &folder {
            Some(folder) => Connection::open(folder.path().join("tables.sqlite")),
            None => Connection::open_in_memory(),
        }
        .map_err(plain)?;
        // Nothing here outlives a crash, so nothing has to be synced or undone.
        db.execute_batch(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;
             PRAGMA cache_size = -65536; PRAGMA trusted_schema = OFF;",
        )
        .map_err(plain)?;
        // "x" must be a column or an error, never silently the text 'x'.
        for (setting, on) in [
            (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
            (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
            (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        ] {
            db.set_db_config(setting, on).map_err(plain)?;
        }
        math::register(&db).map_err(plain)?;
        clock::register(&db).map_err(plain)?;
        db.create_collation(moment::COLLATION, moment::compare).map_err(plain)?;
        let guard = Guard::default();
        guard.stand(&mut db).map_err(plain)?;
        let meter = Meter::default();
        meter.attach(&mut db).map_err(plain)?;
        let (tables, declared) = (Vec::new(), Vec::new());
        let (filled, budget) = (Filled::default(), None);
        Ok(Self { db, guard, meter, filled, budget, tables, declared, _folder: folder })
    }

    /// Declares a table with the columns that `names` names.
    pub(crate) fn create(&mut self, shape: Shape, names: &Names) -> Result<(), DataError> {
        let declared = names.choose(&shape.name, &shape.fields)?;
        self.db.execute_batch(&creation(&shape, &declared, None)).map_err(|error| {
            let message = format!("table `{}` cannot be queried: {error}", shape.name);
            DataError::new(DataErrorKind::Query, message)
                .help("SQLite does not tell upper from lower case in names: rename the table")
        })?;
        self.admit(shape, declared);
        Ok(())
    }

    /// Declares a table with the columns that `names` names and one more, [`COMPUTED`], which is the
    /// value of an expression over each row. `place` is where the user's expression stands in it.
    pub(crate) fn create_computed(
        &mut self,
        shape: Shape,
        names: &Names,
        expression: &str,
        place: Place<'_>,
    ) -> Result<(), DataError> {
        let declared = names.choose(&shape.name, &shape.fields)?;
        let sql = creation(&shape, &declared, Some(expression));
        let before = sql.len() - (expression.len() + ")) ".len()) + place.before;
        let tables = std::slice::from_ref(&shape);
        self.db
            .execute_batch(&sql)
            .map_err(|error| row::refused(error, Place { before, ..place }, tables))?;
        self.admit(shape, declared);
        Ok(())
    }

    fn admit(&mut self, shape: Shape, declared: Vec<usize>) {
        self.guard.admit(&shape.name);
        self.tables.push(shape);
        self.declared.push(declared);
    }

    /// To stop it from another thread.
    pub(crate) fn handle(&self) -> InterruptHandle {
        self.db.get_interrupt_handle()
    }

    /// From here on what statements take is counted; returns what they may take.
    pub(crate) fn start(&mut self, limits: &SqlLimits) -> Result<Budget, DataError> {
        let budget = Budget::of(limits, self.filled);
        self.meter.start(&self.db, &budget).map_err(plain)?;
        self.budget = Some(budget);
        Ok(budget)
    }

    /// Compiles a user's SELECT, which stands at `place` in `sql`, under guard.
    pub(crate) fn prepare(
        &self,
        sql: &str,
        place: Place<'_>,
    ) -> Result<(Statement<'_>, Touched), DataError> {
        self.guard.raise();
        let prepared = self.db.prepare(sql);
        let touched = self.guard.lower();
        let statement = prepared.map_err(|error| {
            let limited = self.meter.fault(&error, self.budget.as_ref());
            limited.unwrap_or_else(|| fault::of_sql(error, place, &touched, &self.tables))
        })?;
        let refuse = |why: &str| Err(DataError::new(DataErrorKind::Query, why));
        if statement.is_explain() != 0 || !statement.readonly() || statement.column_count() == 0 {
            return refuse("a query can only read: it is a SELECT");
        }
        if statement.parameter_count() > 0 {
            return refuse("there are no parameters to fill in");
        }
        let image = |(table, column): &&(String, String)| {
            let shape = self.tables.iter().find(|shape| shape.name == *table);
            shape.is_some_and(|shape| shape.is_image(column))
        };
        if let Some((_, column)) = touched.columns.iter().find(image) {
            return Err(fault::of_image(column, place));
        }
        Ok((statement, touched))
    }

    /// An error while a user's SQL ran.
    pub(crate) fn fault(&self, error: rusqlite::Error, place: Place<'_>) -> DataError {
        let limited = self.meter.fault(&error, self.budget.as_ref());
        limited.unwrap_or_else(|| row::refused(error, place, &self.tables))
    }

    /// The computed column of a table, for every row in order.
    pub(crate) fn computed(&self, table: &str) -> Result<Statement<'_>, DataError> {
        let sql = format!("SELECT {} FROM {}", quoted(COMPUTED), quoted(table));
        self.db.prepare(&sql).map_err(plain)
    }

    /// The columns of a declared table that a statement touches. All others would be carried in vain.
    pub(crate) fn touches(&self, table: &str, touched: &Touched) -> BTreeSet<String> {
        let own = self.tables.iter().zip(&self.declared).filter(|(shape, _)| shape.name == table);
        let columns = own.flat_map(|(shape, declared)| declared.iter().map(|&i| &shape.fields[i]));
        columns
            .filter(|field| field.kind != ColumnType::Image)
            .map(|field| field.name.clone())
            .filter(|name| {
                touched.every
                    || touched.columns.contains(&(table.to_owned(), name.clone()))
                    || touched.using.iter().any(|used| used.eq_ignore_ascii_case(name))
            })
            .collect()
    }

    /// Fills a declared table: the columns that a statement touches. Rows get the numbers 1, 2, …
    pub(crate) fn fill(
        &mut self,
        table: &str,
        touched: &Touched,
        chunks: impl Iterator<Item = Result<Table, DataError>>,
    ) -> Result<(), DataError> {
        let Some(shape) = self.tables.iter().find(|shape| shape.name == table) else {
            return Err(DataError::new(DataErrorKind::Query, format!("no table `{table}`")));
        };
        let read = self.touches(table, touched);
        let wanted: Vec<usize> =
            (0..shape.fields.len()).filter(|&i| read.contains(&shape.fields[i].name)).collect();
        let names: Vec<String> = wanted.iter().map(|&i| quoted(&shape.fields[i].name)).collect();
        let marks = vec!["?"; wanted.len()].join(", ");
        let sql = if wanted.is_empty() {
            format!("INSERT INTO {} DEFAULT VALUES", quoted(table))
        } else {
            format!("INSERT INTO {} ({}) VALUES ({marks})", quoted(table), names.join(", "))
        };
        self.db.execute_batch("BEGIN").map_err(plain)?;
        {
            let mut insert = self.db.prepare(&sql).map_err(plain)?;
            for chunk in chunks {
                let chunk = chunk?;
                for first in (0..chunk.rows).step_by(CHUNK) {
                    let run = first..chunk.rows.min(first + CHUNK);
                    let texts: Vec<Vec<String>> = wanted
                        .iter()
                        .map(|&i| time_texts(column(&chunk, &shape.fields[i])?, run.clone()))
                        .collect::<Result<_, _>>()?;
                    let columns: Vec<(&Values, &Field)> = wanted
                        .iter()
                        .map(|&i| Ok((column(&chunk, &shape.fields[i])?, &shape.fields[i])))
                        .collect::<Result<_, DataError>>()?;
                    for row in run {
                        let mut width = 0;
                        for (mark, (values, field)) in columns.iter().enumerate() {
                            let text = texts[mark].get(row - first).map_or("", String::as_str);
                            let value = value(values, row, field, text);
                            width += bytes(&value);
                            insert.raw_bind_parameter(mark + 1, value).map_err(plain)?;
                        }
                        insert.raw_execute().map_err(plain)?;
                        self.filled.rows += 1;
                        self.filled.bytes += width;
                        self.filled.widest = self.filled.widest.max(width);
                    }
                }
            }
        }
        self.db.execute_batch("COMMIT").map_err(plain)
    }
}

/// The column of a table that one more column of a row's values is computed in; no column of ours can be
/// meant by it, since what an expression names is checked without it.
const COMPUTED: &str = "= computed";
/// A column that every table has, since SQLite knows no table without one.
const ROW: &str = "= row";

/// The statement that declares a table.
fn creation(shape: &Shape, declared: &[usize], computed: Option<&str>) -> String {
    let mut columns: Vec<String> =
        declared.iter().map(|&index| declaration(&shape.fields[index])).collect();
    if columns.is_empty() {
        columns.push(quoted(ROW));
    }
    if let Some(expression) = computed {
        columns.push(format!("{} AS ({expression})", quoted(COMPUTED)));
    }
    format!("CREATE TABLE {} ({}) ", quoted(&shape.name), columns.join(", "))
}

/// The values of a field in a chunk.
fn column<'a>(chunk: &'a Table, field: &Field) -> Result<&'a Values, DataError> {
    let gone = || {
        let message = format!("column `{}` was not read", field.name);
        DataError::new(DataErrorKind::UnknownColumn, message)
    };
    Ok(&chunk.column(&field.name).ok_or_else(gone)?.values)
}

/// The texts of a chunk's times.
fn time_texts(values: &Values, run: Range<usize>) -> Result<Vec<String>, DataError> {
    Ok(match values {
        Values::Time(values) => values[run]
            .iter()
            .map(|&v| if v == MISSING_TIME { String::new() } else { time::text(v) })
            .collect(),
        _ => Vec::new(),
    })
}

/// Bytes that a value takes, or about that.
fn bytes(value: &rusqlite::types::ToSqlOutput<'_>) -> u64 {
    use rusqlite::types::{ToSqlOutput, ValueRef};
    match value {
        ToSqlOutput::Borrowed(ValueRef::Text(text)) => text.len() as u64 + 4,
        _ => 9,
    }
}

/// A value as SQLite takes it.
fn value<'a>(
    values: &'a Values,
    row: usize,
    field: &Field,
    text: &'a str,
) -> rusqlite::types::ToSqlOutput<'a> {
    use rusqlite::types::{ToSqlOutput, ValueRef};
    ToSqlOutput::Borrowed(match values {
        Values::Number(values) => {
            let value = values[row];
            if value.is_nan() {
                ValueRef::Null
            } else if field.integer && value.fract() == 0.0 && value.abs() < 9e18 {
                ValueRef::Integer(value as i64)
            } else {
                ValueRef::Real(value)
            }
        }
        Values::Boolean(values) if values[row] > 1 => ValueRef::Null,
        Values::Boolean(values) => ValueRef::Integer(i64::from(values[row])),
        Values::Category { codes, levels } => match codes[row] {
            MISSING_CODE => ValueRef::Null,
            code => ValueRef::Text(levels[code as usize].as_bytes()),
        },
        Values::Time(values) if values[row] == MISSING_TIME => ValueRef::Null,
        Values::Time(_) => ValueRef::Text(text.as_bytes()),
        // No statement that reads an image is compiled, and none is filled in.
        Values::Image { .. } => ValueRef::Null,
    })
}
