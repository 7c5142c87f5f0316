//! Schema conformance of new rows: the columns, order and types that experts were trained on.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use collegium_manifest::{ColumnType, DataSource, ImageShape};

use crate::{
    Column, DataError, DataErrorKind, Places, Table, TableFacts,
    build::{self, Builder},
    cast::{all_missing, cast_styled, refuse},
    error::choices,
    evaluate::{derive, reads},
    gather::{Gather, gather},
    read::Field,
};

/// Names that a message lists at most.
const SHOWN: usize = 12;

/// Turns chunks of new rows into the wanted columns, in the wanted order and types.
#[derive(Debug, Clone)]
pub struct Conform {
    /// Columns that are taken from the rows.
    given: Vec<(String, ColumnType)>,
    /// Columns that are computed: name and SQL.
    derived: Vec<(String, String)>,
    wanted: Vec<(String, ColumnType)>,
    /// Images that are made of given columns.
    gathers: Vec<Gather>,
    /// The shapes of the wanted images, as far as they are known.
    shapes: BTreeMap<String, ImageShape>,
    /// The data source's name in the SQL, and its columns of whole numbers and of dates.
    source: String,
    whole: BTreeSet<String>,
    /// Columns that were empty in training: whatever they hold now, nothing was learned of it.
    empty: BTreeSet<String>,
    notes: Vec<String>,
}

impl Conform {
    /// From rows with these columns to `wanted`, where images may have any shape.
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
            gathers: Vec::new(),
            shapes: BTreeMap::new(),
            source: String::new(),
            whole: BTreeSet::new(),
            empty: BTreeSet::new(),
            notes: Vec::new(),
        };
        conform.checked(header)
    }

    /// From rows with these columns to the wanted columns of a data source. A wanted column that
    /// `derive` makes is computed from the columns that it is made of, also where the rows have one of
    /// its name; notes say so. A column that was empty in training may hold anything. An image that the rows lack
    /// and that `images` makes is gathered from its columns.
    ///
    /// # Errors
    /// As [`Conform::new`]; also for a wanted column that the data source does not have.
    pub fn of_source(
        source: &DataSource,
        facts: &TableFacts,
        wanted: &[String],
        header: &[String],
    ) -> Result<Self, DataError> {
        let (mut typed, mut shapes) = (Vec::new(), BTreeMap::new());
        for name in wanted {
            let Some(known) = facts.column(name) else {
                let message =
                    format!("data source `{}` has no column `{name}`", source.name.get_ref());
                let columns = facts.columns.iter().map(|column| column.name.as_str());
                return Err(DataError::new(DataErrorKind::UnknownColumn, message)
                    .maybe_help(choices(name, columns, "its columns are")));
            };
            typed.push((name.clone(), known.kind));
            shapes.extend(known.image.map(|shape| (name.clone(), shape)));
        }
        let (mut given, mut derived) = (Vec::new(), Vec::new());
        let gathers = gathers(source, facts, &typed, header);
        let mut pixels = BTreeSet::new();
        for column in gathers.iter().flat_map(|gather| &gather.columns) {
            if pixels.insert(column.clone()) {
                given.push((column.clone(), ColumnType::Number));
            }
        }
        for (name, kind) in &typed {
            match source.derive.get(name) {
                _ if gathers.iter().any(|gather| gather.name == *name) => {}
                Some(sql) => derived.push((name.clone(), sql.get_ref().clone())),
                None => given.push((name.clone(), *kind)),
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
            let read = reads(&fields, source.name.get_ref(), &expressions)?;
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
            let own = derived.iter().filter(|(name, _)| header.contains(name));
            let own: Vec<String> = own.map(|(name, _)| format!("`{name}`")).collect();
            if !own.is_empty() {
                notes.push(format!(
                    "the rows' own {} is not read: the pipeline derives it",
                    own.join(", ")
                ));
            }
        }
        let empty = facts.columns.iter().filter(|column| {
            column.missing == facts.rows && given.iter().any(|(name, _)| *name == column.name)
        });
        let empty: BTreeSet<String> = empty.map(|column| column.name.clone()).collect();
        let whole = fields.iter().filter(|field| field.integer);
        let whole = whole.map(|field| field.name.clone()).collect();
        let source = source.name.get_ref().clone();
        Self { given, derived, wanted: typed, gathers, shapes, source, whole, empty, notes }
            .checked(header)
    }

    fn checked(mut self, header: &[String]) -> Result<Self, DataError> {
        let absent: Vec<&str> = self
            .given
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| !header.iter().any(|other| other == name))
            .collect();
        if !absent.is_empty() {
            let shown = absent.iter().take(SHOWN).map(|name| format!("`{name}`"));
            let mut list = shown.collect::<Vec<_>>().join(", ");
            if absent.len() > SHOWN {
                list.push_str(&format!(" and {} more", absent.len() - SHOWN));
            }
            let message = match absent.len() {
                1 => format!("the rows have no column {list}"),
                many => format!("the rows lack {many} columns: {list}"),
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
            let image = absent.iter().find_map(|name| Some((name, self.shapes.get(*name)?)));
            let of_derived = self.derived.iter().map(|(name, _)| format!("`{name}`"));
            let of_derived: Vec<String> = of_derived.collect();
            let help = if let Some((name, shape)) = image {
                Some(format!(
                    "`{name}` is an image of {shape}: its rows come in an IDX file, whose name says so, \
                     such as images-idx3-ubyte.gz; one holds one column"
                ))
            } else if near.is_empty() {
                let have = choices("", header.iter().map(String::as_str), "the rows have");
                match of_derived.as_slice() {
                    [] => have,
                    names => Some(format!(
                        "{} is computed from other columns and never taken from the rows{}",
                        names.join(", "),
                        have.map_or_else(String::new, |have| format!("; {have}"))
                    )),
                }
            } else {
                Some(near.join("; "))
            };
            return Err(DataError::new(DataErrorKind::UnknownColumn, message).maybe_help(help));
        }
        let extra: Vec<String> = header
            .iter()
            .filter(|name| !self.given.iter().any(|(given, _)| given == *name))
            .filter(|name| !self.derived.iter().any(|(derived, _)| derived == *name))
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

    /// The columns of the rows that are read.
    pub fn given(&self) -> impl Iterator<Item = &str> {
        self.given.iter().map(|(name, _)| name.as_str())
    }

    /// Columns that were empty in training: values of new rows in them are ignored.
    pub fn empty_in_training(&self) -> &BTreeSet<String> {
        &self.empty
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
            let Some(column) = chunk.column(name) else {
                let message = format!("the rows have no column `{name}`");
                return Err(
                    DataError::new(DataErrorKind::UnknownColumn, message).file(&places.file)
                );
            };
            let field = places.field(name);
            self.same_image(name, *kind, column)
                .map_err(|error| error.file(&places.file).column(name, field))?;
            if self.empty.contains(name) {
                columns.push(Arc::new(Column::new(name, all_missing(*kind, chunk.rows))));
                continue;
            }
            if column.kind() == *kind {
                columns.push(column.clone());
                continue;
            }
            let values = cast_styled(column.values.clone(), *kind, &places.style).map_err(
                |(row, text, why)| {
                    refuse(why, *kind, name, &text)
                        .file(&places.file)
                        .line(places.line(row))
                        .column(name, field)
                        .help(format!("the column was trained on as {}", kind.name()))
                },
            )?;
            columns.push(Arc::new(Column::new(name, values)));
        }
        let base = Table { columns, rows: chunk.rows };
        let base = gather(&self.gathers, &base).map_err(|odd| {
            let field = places.field(&odd.column);
            let line = places.line(odd.row);
            odd.error.file(&places.file).line(line).column(&odd.column, field)
        })?;
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

    /// The wanted columns without a row.
    pub fn no_rows(&self) -> Table {
        let columns = self.wanted.iter().map(|(name, kind)| {
            let builder = match kind {
                ColumnType::Image => {
                    let any = ImageShape { height: 1, width: 1, channels: 1 };
                    Builder::image(self.shapes.get(name).copied().unwrap_or(any), 0)
                }
                other => Builder::new(*other, 0),
            };
            (name.clone(), builder.finish())
        });
        build::table(columns, 0)
    }

    /// Nothing can be cast to an image, and images only stand for images of their shape.
    fn same_image(&self, name: &str, kind: ColumnType, column: &Column) -> Result<(), DataError> {
        let wrong = |message: String| Err(DataError::new(DataErrorKind::WrongType, message));
        let trained = || match self.shapes.get(name) {
            Some(shape) => format!("images of {shape}"),
            None => "images".to_owned(),
        };
        match (kind, column.values.shape()) {
            (ColumnType::Image, Some(shape)) => match self.shapes.get(name) {
                Some(known) if *known != shape => {
                    wrong(format!("it holds images of {shape} and was trained on as {}", trained()))
                }
                _ => Ok(()),
            },
            (ColumnType::Image, None) => wrong(format!(
                "it is of type {} and was trained on as {}",
                column.kind().name(),
                trained()
            )),
            (kind, Some(shape)) => {
                wrong(format!("it holds images of {shape} and was trained on as {}", kind.name()))
            }
            (_, None) => Ok(()),
        }
    }
}

/// The wanted images that rows with this header hold as columns of pixels: those of training, in the
/// order that they had there.
fn gathers(
    source: &DataSource,
    facts: &TableFacts,
    wanted: &[(String, ColumnType)],
    header: &[String],
) -> Vec<Gather> {
    let absent = wanted.iter().filter(|(name, _)| !header.contains(name));
    absent
        .filter_map(|(name, _)| {
            let (image, known) = (source.images.get(name)?, facts.column(name)?);
            Some(Gather {
                name: name.clone(),
                shape: known.image?,
                scale: image.scale,
                columns: known.pixels.clone(),
            })
        })
        .collect()
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
