//! One value per row: `where` predicates and `derive` expressions over a table in memory.
//!
//! Derived columns are computed here, from the typed columns of the finished query, and not in one
//! breath with the query: so that in prediction, where there are rows and no query, the same
//! expression over the same columns is the same computation.

use std::collections::BTreeSet;

use collegium_manifest::ColumnType;
use rusqlite::InterruptHandle;

use crate::{
    Column, ColumnFacts, DataError, DataErrorKind, Table, TableFacts, Values,
    cast::cast,
    read::Field,
    sql::{Database, Place, Results, Shape, expression, quoted},
    time::DAY,
};

/// Which rows of a table a SQL predicate holds for; where it is NULL it does not. `name` is the
/// table's name in the SQL, so columns are reachable as `column` and `name.column`.
///
/// # Errors
/// If the predicate is not one SQL expression over these columns that gives a value per row.
pub fn select(table: &Table, name: &str, predicate: &str) -> Result<Vec<bool>, DataError> {
    let fields: Vec<Field> = table.columns.iter().map(|column| field(column)).collect();
    let expressions = [(String::from("predicate"), predicate)];
    let job = Job { table, name, fields, in_file: false, before: "((", after: "\n) IS TRUE)" };
    let mut values = job.run(&expressions, &|_| false, &mut |_, work| work())?;
    match values.pop() {
        Some((_, Values::Number(values))) => Ok(values.into_iter().map(|v| v == 1.0).collect()),
        _ => Ok(vec![false; table.rows]),
    }
}

/// The columns that SQL expressions over a table's columns give. `whole` are the number columns that
/// were made of integers (their whole values are integers in the SQL, so that `/` cuts off; all other
/// numbers are floats) and the time columns that held only dates. `kinds` are the types that the
/// results are to have, where they are known.
///
/// # Errors
/// If one of them is not a SQL expression over these columns that gives a value per row.
pub fn derive(
    table: &Table,
    name: &str,
    expressions: &[(String, &str)],
    whole: &BTreeSet<String>,
    kinds: &dyn Fn(&str) -> Option<ColumnType>,
) -> Result<Vec<Column>, DataError> {
    let fields = fields(table, whole);
    let job = Job { table, name, fields, in_file: false, before: "(", after: "\n)" };
    job.columns(expressions, kinds, &mut |_, work| work())
}

/// The columns of a table as SQLite is told about them, those of integers and dates being known.
pub(crate) fn fields(table: &Table, whole: &BTreeSet<String>) -> Vec<Field> {
    let field = |column: &std::sync::Arc<Column>| {
        let whole = whole.contains(&column.name);
        Field { name: column.name.clone(), kind: column.kind(), integer: whole, dates: whole }
    };
    table.columns.iter().map(field).collect()
}

/// The columns of a table of which only the facts are known, as SQLite is told about them.
pub(crate) fn fields_of(facts: &TableFacts) -> Vec<Field> {
    let field = |column: &ColumnFacts| Field {
        name: column.name.clone(),
        kind: column.kind,
        integer: column.whole,
        dates: column.whole,
    };
    facts.columns.iter().map(field).collect()
}

/// What SQLite is told about a column of which only the values are known.
fn field(column: &Column) -> Field {
    let (mut integer, mut dates) = (false, false);
    match &column.values {
        Values::Number(values) => integer = values.iter().all(|v| v.is_nan() || v.fract() == 0.0),
        Values::Time(values) => {
            let date = |row: usize| values[row].rem_euclid(DAY) == 0;
            dates = (0..values.len()).all(|row| column.is_missing(row) || date(row));
        }
        _ => {}
    }
    Field { name: column.name.clone(), kind: column.kind(), integer, dates }
}

/// Runs work on a database, with somebody who can interrupt it.
pub(crate) type Guarded<'a> = &'a mut dyn FnMut(
    InterruptHandle,
    &mut dyn FnMut() -> Result<(), DataError>,
) -> Result<(), DataError>;

/// Expressions over one table.
pub(crate) struct Job<'a> {
    pub(crate) table: &'a Table,
    pub(crate) name: &'a str,
    pub(crate) fields: Vec<Field>,
    pub(crate) in_file: bool,
    /// What goes around each expression.
    pub(crate) before: &'a str,
    pub(crate) after: &'a str,
}

impl Job<'_> {
    /// The results as columns of the wanted types.
    pub(crate) fn columns(
        self,
        expressions: &[(String, &str)],
        kinds: &dyn Fn(&str) -> Option<ColumnType>,
        guarded: Guarded<'_>,
    ) -> Result<Vec<Column>, DataError> {
        let texts = |name: &str| kinds(name) == Some(ColumnType::Category);
        let mut columns = Vec::new();
        for (name, values) in self.run(expressions, &texts, guarded)? {
            let values = match kinds(&name) {
                None => values,
                Some(kind) => typed(&name, values, kind)?,
            };
            columns.push(Column::new(name, values));
        }
        Ok(columns)
    }

    fn run(
        self,
        expressions: &[(String, &str)],
        texts: &dyn Fn(&str) -> bool,
        guarded: Guarded<'_>,
    ) -> Result<Vec<(String, Values)>, DataError> {
        let mut database = Database::new(self.in_file)?;
        let row_number = ["rowid", "_rowid_", "oid"]
            .into_iter()
            .find(|name| self.fields.iter().all(|field| !field.name.eq_ignore_ascii_case(name)));
        database.create(Shape { name: self.name.to_owned(), fields: self.fields })?;
        let mut parts = Vec::new();
        let mut touched = crate::sql::Touched::default();
        for (name, sql) in expressions {
            expression(sql)?;
            // Compiled alone first: an error then has a place in this expression.
            let part = format!("{}{sql}{} AS {}", self.before, self.after, quoted(name));
            let alone = format!("SELECT {part} FROM {}", quoted(self.name));
            let place = Place { sql, before: "SELECT ".len() + self.before.len() };
            let (_, found) = database.prepare(&alone, place)?;
            touched.columns.extend(found.columns);
            touched.more |= found.more;
            parts.push(part);
        }
        let order = row_number.map(|name| format!(" ORDER BY {name}")).unwrap_or_default();
        let sql = format!("SELECT {} FROM {}{order}", parts.join(", "), quoted(self.name));
        let mut results = None;
        guarded(database.handle(), &mut || {
            database.fill(self.name, &touched, std::iter::once(Ok(self.table.clone())))?;
            let place =
                Place { sql: expressions.first().map_or("", |(_, sql)| sql), before: sql.len() };
            let (mut statement, _) = database.prepare(&sql, place)?;
            let mut found = Results::new(&statement)?;
            let mut rows = statement.raw_query();
            while let Some(row) = rows.next().map_err(|error| database.fault(error, place))? {
                found.push(row)?;
            }
            results = Some(found);
            Ok(())
        })?;
        let results = results.ok_or_else(DataError::interrupted)?;
        if results.rows() != self.table.rows as u64 {
            let message = format!(
                "the expression gives {} values for {} rows; it must give one value per row",
                results.rows(),
                self.table.rows
            );
            return Err(DataError::new(DataErrorKind::Query, message)
                .help("an aggregate such as avg(x) belongs into `query`, or needs OVER ()"));
        }
        Ok(results.finish(texts))
    }
}

/// The columns of a data source that a predicate over its rows reads.
///
/// # Errors
/// As [`select`].
pub fn predicate_reads(
    facts: &TableFacts,
    name: &str,
    predicate: &str,
) -> Result<BTreeSet<String>, DataError> {
    reads(fields_of(facts), name, &[(String::from("predicate"), predicate)])
}

/// The columns of `table` that expressions read.
pub(crate) fn reads(
    fields: Vec<Field>,
    name: &str,
    expressions: &[(String, &str)],
) -> Result<BTreeSet<String>, DataError> {
    let mut database = Database::new(false)?;
    let names: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
    database.create(Shape { name: name.to_owned(), fields })?;
    let mut columns = BTreeSet::new();
    for (_, sql) in expressions {
        expression(sql)?;
        let place = Place { sql, before: "SELECT (".len() };
        let alone = format!("SELECT ({sql}\n) FROM {}", quoted(name));
        let (_, touched) = database.prepare(&alone, place)?;
        columns.extend(touched.columns.into_iter().map(|(_, column)| column));
        if touched.more {
            columns.extend(names.iter().cloned());
        }
    }
    columns.remove("");
    Ok(columns)
}

/// The values of a result as a wanted type.
pub(crate) fn typed(name: &str, values: Values, kind: ColumnType) -> Result<Values, DataError> {
    cast(values, kind).map_err(|(row, text, why)| {
        crate::cast::refuse(why, kind, name, &text).line(row as u64 + 1).column(name, None)
    })
}
