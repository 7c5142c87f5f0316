//! Evaluation of SQL expressions row by row: `where` predicates and `derive` columns, in memory.
//!
//! Derived columns are computed here, from the typed columns of the finished query, and not in one
//! breath with the query: so that in prediction, where there are rows and no query, the same
//! expression over the same columns is the same computation.

use std::{collections::BTreeSet, sync::Arc};

use collegium_manifest::{ColumnType, Spanned};
use rusqlite::InterruptHandle;

use crate::{
    Column, ColumnFacts, DataError, Table, TableFacts, Values,
    cast::cast,
    read::Field,
    sql::{
        Database, Names, Place, Results, Shape, SqlLimits, Touched, bare, expression, names,
        quoted, reworded,
    },
};

/// Which rows of a table a SQL predicate holds for; where it is NULL it does not. `name` is the
/// table's name in the SQL, so columns are reachable as `column` and `name.column`; `facts` say how
/// SQL sees them ([`crate::ColumnFacts::whole`]).
///
/// # Errors
/// If the predicate is not one SQL expression over the columns of one row; the error points into it.
pub fn select(
    table: &Table,
    facts: &TableFacts,
    name: &str,
    predicate: &Spanned<String>,
) -> Result<Vec<bool>, DataError> {
    let whole = |column: &Arc<Column>| facts.column(&column.name).is_some_and(|known| known.whole);
    let fields: Vec<Field> =
        table.columns.iter().map(|column| field(column, whole(column))).collect();
    let job = Job { table, name, fields, in_file: false, before: "((", after: "\n) IS TRUE)" };
    let values = job
        .run("predicate", predicate.get_ref(), false, &mut |_, work| work())
        .map_err(|error| error.at(predicate))?;
    match values.0 {
        Values::Number(values) => Ok(values.into_iter().map(|v| v == 1.0).collect()),
        _ => Ok(vec![false; table.rows]),
    }
}

/// The columns that SQL expressions over a table's columns give. `whole` are the number columns that
/// were made of integers: their whole values are integers in the SQL, so that `/` cuts off; all other
/// numbers are floats. `kinds` are the types that the results are to have, where they are known.
///
/// # Errors
/// If one of them is not a SQL expression over the columns of one row.
pub fn derive(
    table: &Table,
    name: &str,
    expressions: &[(String, &str)],
    whole: &BTreeSet<String>,
    kinds: &dyn Fn(&str) -> Option<ColumnType>,
) -> Result<Vec<Column>, DataError> {
    let fields = fields(table, whole);
    let derived = |(column, sql): &(String, &str)| {
        let job =
            Job { table, name, fields: fields.clone(), in_file: false, before: "(", after: "\n)" };
        Ok(job.column(column, sql, kinds(column), &mut |_, work| work())?.0)
    };
    expressions.iter().map(derived).collect()
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

/// The columns of a table as SQLite is told about them, those of integers being known.
pub(crate) fn fields(table: &Table, whole: &BTreeSet<String>) -> Vec<Field> {
    table.columns.iter().map(|column| field(column, whole.contains(&column.name))).collect()
}

fn field(column: &Column, whole: bool) -> Field {
    Field { name: column.name.clone(), kind: column.kind(), integer: whole, dates: whole }
}

/// Runs work on a database that can be interrupted.
pub(crate) type Guarded<'a> = &'a mut dyn FnMut(
    InterruptHandle,
    &mut dyn FnMut() -> Result<(), DataError>,
) -> Result<(), DataError>;

/// An expression over the rows of a table.
pub(crate) struct Job<'a> {
    pub(crate) table: &'a Table,
    pub(crate) name: &'a str,
    pub(crate) fields: Vec<Field>,
    pub(crate) in_file: bool,
    /// What goes around the expression.
    pub(crate) before: &'a str,
    pub(crate) after: &'a str,
}

impl Job<'_> {
    /// The results as a column of the wanted type; whether all were integers.
    pub(crate) fn column(
        self,
        name: &str,
        sql: &str,
        kind: Option<ColumnType>,
        guarded: Guarded<'_>,
    ) -> Result<(Column, bool), DataError> {
        let (values, integer) = self.run(name, sql, kind == Some(ColumnType::Category), guarded)?;
        let values = match kind {
            None => values,
            Some(kind) => typed(name, values, kind)?,
        };
        Ok((Column::new(name, values), integer))
    }

    fn run(
        self,
        name: &str,
        sql: &str,
        texts: bool,
        guarded: Guarded<'_>,
    ) -> Result<(Values, bool), DataError> {
        let checked = Checked::new(self.name, self.fields, (self.before, sql, self.after))?;
        let mut database = Database::new(self.in_file)?;
        checked.create(&mut database)?;
        let mut results = None;
        guarded(database.handle(), &mut || {
            let rows = std::iter::once(Ok(self.table.clone()));
            database.fill(self.name, &checked.touched, rows)?;
            // One row's value cannot look at another row, so the budget by rows is ample.
            let budget = database.start(&SqlLimits::default())?;
            let results = results.insert(Results::one(name, checked.declared.clone(), budget));
            let mut statement = database.computed(self.name)?;
            let mut rows = statement.raw_query();
            let place = checked.place();
            while let Some(row) = rows.next().map_err(|error| database.fault(error, place))? {
                results.push(row)?;
            }
            Ok(())
        })?;
        let results = results.ok_or_else(DataError::interrupted)?;
        let integer = !results.integers().is_empty();
        let (_, values) = results.finish(|_| texts).pop().ok_or_else(DataError::interrupted)?;
        Ok((values, integer))
    }
}

/// An expression that is known to look at one row alone.
struct Checked<'a> {
    shape: Shape,
    names: Names,
    around: (&'a str, &'a str, &'a str),
    touched: Touched,
    /// The declared type of the column that it refers to plainly.
    declared: Option<String>,
}

impl<'a> Checked<'a> {
    /// `around` is what stands before the expression, the expression, and what stands after it.
    fn new(
        name: &str,
        fields: Vec<Field>,
        around: (&'a str, &'a str, &'a str),
    ) -> Result<Self, DataError> {
        let (before, sql, after) = around;
        expression(sql)?;
        let (names, shape) = (names(sql)?, Shape { name: name.to_owned(), fields });
        // First as a plain SELECT: what it names and calls is asked about there.
        let mut database = Database::new(false)?;
        database.create(shape.clone(), &names)?;
        let select = format!("SELECT {before}{sql}{after} FROM {}", quoted(name));
        let place = Place { sql, before: "SELECT ".len() + before.len() };
        let (statement, touched) = database.prepare(&select, place).map_err(reworded)?;
        let declared = statement.columns().next().and_then(|c| c.decl_type().map(str::to_owned));
        drop(statement);
        let checked = Self { shape, names, around, touched, declared };
        checked.create(&mut Database::new(false)?)?;
        Ok(checked)
    }

    fn place(&self) -> Place<'a> {
        Place { sql: self.around.1, before: self.around.0.len() }
    }

    /// Makes the table in which it is computed.
    fn create(&self, database: &mut Database) -> Result<(), DataError> {
        let (before, sql, after) = self.around;
        let expression = format!("{before}{}{after}", bare(sql, &self.shape.name)?);
        database.create_computed(self.shape.clone(), &self.names, &expression, self.place())
    }
}

/// The columns of a data source that a predicate over its rows reads.
///
/// # Errors
/// As [`select`].
pub fn predicate_reads(
    facts: &TableFacts,
    name: &str,
    predicate: &Spanned<String>,
) -> Result<BTreeSet<String>, DataError> {
    reads(&fields_of(facts), name, &[(String::from("predicate"), predicate.get_ref())])
        .map_err(|error| error.at(predicate))
}

/// The columns of `table` that expressions read.
pub(crate) fn reads(
    fields: &[Field],
    name: &str,
    expressions: &[(String, &str)],
) -> Result<BTreeSet<String>, DataError> {
    let mut columns = BTreeSet::new();
    for (_, sql) in expressions {
        let checked = Checked::new(name, fields.to_vec(), ("(", sql, "\n)"))?;
        columns.extend(checked.touched.columns.into_iter().map(|(_, column)| column));
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
