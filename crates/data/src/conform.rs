//! New rows in the shape that experts were trained on.

use std::{collections::BTreeSet, sync::Arc};

use collegium_manifest::{ColumnType, DataSource};

use crate::{
    Column, DataError, DataErrorKind, Places, Table, TableFacts,
    cast::{cast, refuse},
    error::choices,
    evaluate::{derive, reads},
    read::Field,
};

/// Turns chunks of new rows into the wanted columns, in the wanted order and types.
#[derive(Debug, Clone)]
pub struct Conform {
    /// Columns that are taken from the rows.
    given: Vec<(String, ColumnType)>,
    /// Columns that are computed: name and SQL.
    derived: Vec<(String, String)>,
    wanted: Vec<(String, ColumnType)>,
    /// The data source's name in the SQL, and its columns of whole numbers and of dates.
    source: String,
    whole: BTreeSet<String>,
    notes: Vec<String>,
}

impl Conform {
    /// From rows with these columns to `wanted`.
    ///
    /// # Errors
    /// [`DataErrorKind::UnknownColumn`] naming all wanted columns that the rows do not have, with the
    /// nearest ones that they do.
    pub fn new(wanted: Vec<(String, ColumnType)>, header: &[String]) -> Result<Self, DataError> {
        let given = wanted.clone();
        let conform = Self {
            given,
            derived: Vec::new(),
            wanted,
            source: String::new(),
            whole: BTreeSet::new(),
            notes: Vec::new(),
        };
        conform.checked(header)
    }

    /// From rows with these columns to the wanted columns of a data source. A wanted column that the
    /// rows lack and that `derive` makes is computed from the columns that it is made of; a note
    /// says so.
    ///
    /// # Errors
    /// As [`Conform::new`]; also for a wanted column that the data source does not have.
    pub fn of_source(
        source: &DataSource,
        facts: &TableFacts,
        wanted: &[String],
        header: &[String],
    ) -> Result<Self, DataError> {
        let mut typed = Vec::new();
        for name in wanted {
            let Some(known) = facts.column(name) else {
                let message =
                    format!("data source `{}` has no column `{name}`", source.name.get_ref());
                let columns = facts.columns.iter().map(|column| column.name.as_str());
                return Err(DataError::new(DataErrorKind::UnknownColumn, message)
                    .maybe_help(choices(name, columns, "its columns are")));
            };
            typed.push((name.clone(), known.kind));
        }
        let (mut given, mut derived) = (Vec::new(), Vec::new());
        for (name, kind) in &typed {
            match source.derive.get(name) {
                Some(sql) if !header.contains(name) => {
                    derived.push((name.clone(), sql.get_ref().clone()))
                }
                _ => given.push((name.clone(), *kind)),
            }
        }
        let base = facts.columns.iter().filter(|column| !source.derive.contains_key(&column.name));
        let fields: Vec<Field> = base
            .map(|column| Field {
                name: column.name.clone(),
                kind: column.kind,
                integer: column.whole,
                dates: column.whole,
            })
            .collect();
        let mut notes = Vec::new();
        if !derived.is_empty() {
            let expressions: Vec<(String, &str)> =
                derived.iter().map(|(name, sql)| (name.clone(), sql.as_str())).collect();
            let read = reads(fields.clone(), source.name.get_ref(), &expressions)?;
            for field in &fields {
                let known = given.iter().any(|(name, _)| *name == field.name);
                if read.contains(&field.name) && !known {
                    given.push((field.name.clone(), field.kind));
                }
            }
            let names: Vec<String> = derived.iter().map(|(name, _)| format!("`{name}`")).collect();
            notes.push(format!(
                "computed from the other columns, as the pipeline derives them: {}",
                names.join(", ")
            ));
        }
        let whole = fields.iter().filter(|field| field.integer);
        let whole = whole.map(|field| field.name.clone()).collect();
        let source = source.name.get_ref().clone();
        Self { given, derived, wanted: typed, source, whole, notes }.checked(header)
    }

    fn checked(mut self, header: &[String]) -> Result<Self, DataError> {
        let absent: Vec<&str> = self
            .given
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| !header.iter().any(|other| other == name))
            .collect();
        if !absent.is_empty() {
            let list: Vec<String> = absent.iter().map(|name| format!("`{name}`")).collect();
            let message = match absent.len() {
                1 => format!("the rows have no column {}", list[0]),
                _ => format!("the rows lack {} columns: {}", list.len(), list.join(", ")),
            };
            let spare = || {
                let taken = |name: &String| self.given.iter().any(|(given, _)| given == name);
                header.iter().filter(move |name| !taken(name)).map(String::as_str)
            };
            let near: Vec<String> = absent
                .iter()
                .filter_map(|name| {
                    let text = choices(name, spare(), "").filter(|text| text.starts_with("did"))?;
                    Some(format!("`{name}`: {text}"))
                })
                .collect();
            let help = if near.is_empty() {
                choices("", header.iter().map(String::as_str), "the rows have")
            } else {
                Some(near.join("; "))
            };
            return Err(DataError::new(DataErrorKind::UnknownColumn, message).maybe_help(help));
        }
        let extra: Vec<String> = header
            .iter()
            .filter(|name| !self.given.iter().any(|(given, _)| given == *name))
            .map(|name| format!("`{name}`"))
            .collect();
        if !extra.is_empty() {
            self.notes.push(format!("columns that nothing reads: {}", extra.join(", ")));
        }
        Ok(self)
    }

    /// What a person should know: columns not read, columns computed.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The wanted columns, in their order.
    pub fn wanted(&self) -> &[(String, ColumnType)] {
        &self.wanted
    }

    /// A chunk in the wanted shape.
    ///
    /// # Errors
    /// A value that is not of the trained type, with file, line and column.
    pub fn apply(&self, chunk: &Table, places: &Places) -> Result<Table, DataError> {
        let mut columns: Vec<Arc<Column>> = Vec::new();
        for (name, kind) in &self.given {
            let Some((field, column)) =
                chunk.columns.iter().enumerate().find(|(_, column)| column.name == *name)
            else {
                let message = format!("the rows have no column `{name}`");
                return Err(
                    DataError::new(DataErrorKind::UnknownColumn, message).file(&places.file)
                );
            };
            if column.kind() == *kind {
                columns.push(column.clone());
                continue;
            }
            let values = cast(column.values.clone(), *kind).map_err(|(row, text, why)| {
                refuse(why, *kind, name, &text)
                    .file(&places.file)
                    .line(places.line(row))
                    .column(name, Some(field))
                    .help(format!("the column was trained on as {}", kind.name()))
            })?;
            columns.push(Arc::new(Column::new(name, values)));
        }
        let base = Table { columns, rows: chunk.rows };
        let mut all = base.columns.clone();
        if !self.derived.is_empty() && chunk.rows > 0 {
            let expressions: Vec<(String, &str)> =
                self.derived.iter().map(|(name, sql)| (name.clone(), sql.as_str())).collect();
            let kinds =
                |name: &str| self.wanted.iter().find(|(n, _)| n == name).map(|(_, kind)| *kind);
            let made = derive(&base, &self.source, &expressions, &self.whole, &kinds)?;
            all.extend(made.into_iter().map(Arc::new));
        }
        let find = |name: &str| all.iter().find(|column| column.name == name).cloned();
        let columns = self.wanted.iter().filter_map(|(name, _)| find(name)).collect();
        Ok(Table { columns, rows: chunk.rows })
    }
}

/// A chunk in the wanted columns, order and types: [`Conform`] for a single chunk.
///
/// # Errors
/// As [`Conform::new`] and [`Conform::apply`].
pub fn conform(
    chunk: &Table,
    wanted: &[(String, ColumnType)],
    places: &Places,
) -> Result<Table, DataError> {
    let header: Vec<String> = chunk.columns.iter().map(|column| column.name.clone()).collect();
    Conform::new(wanted.to_vec(), &header)?.apply(chunk, places)
}
