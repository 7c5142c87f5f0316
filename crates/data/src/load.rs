//! From a data source to its table: read, query, cast, derive.

use std::{collections::BTreeSet, path::PathBuf};

use collegium_manifest::{ColumnType, DataSource, Spanned};
use indexmap::IndexMap;

use crate::{
    Context, DataError, DataErrorKind, MISSING_TIME, Table, Values, beside, build,
    build::Builder,
    error::choices,
    evaluate::{Job, fields, typed},
    gather::{self, Gather},
    read::{Field, Opened, Options, open},
    sql::{Database, Place, Results, Shape, statement, watched},
    time::DAY,
};

/// Files of each table, by the table's name.
pub(crate) type Files = IndexMap<String, Vec<PathBuf>>;

/// A finished table, and what a person should know about it.
pub(crate) struct Loaded {
    pub(crate) table: Table,
    pub(crate) notes: Vec<String>,
    /// Columns of integers and of dates.
    pub(crate) whole: BTreeSet<String>,
    /// The images that columns were gathered into.
    pub(crate) gathers: Vec<Gather>,
}

/// Makes the table of a data source.
pub(crate) fn load(source: &DataSource, files: &Files, cx: &Context) -> Result<Loaded, DataError> {
    let types: IndexMap<String, ColumnType> =
        source.types.iter().map(|(name, kind)| (name.clone(), *kind.get_ref())).collect();
    let mut tables = IndexMap::new();
    let mut notes = Vec::new();
    let mut known: BTreeSet<String> = BTreeSet::new();
    for (name, files) in files.iter().filter(|_| !source.idx) {
        let tick = |rows| tick(cx, &format!("scanning {name}"), rows, None);
        let options = Options {
            missing: &source.missing,
            read: source.read_of(name),
            types: &types,
            tick: &tick,
        };
        let opened = open(files.clone(), &options).map_err(|error| place(error, source, name))?;
        notes.extend(opened.notes.iter().cloned());
        known.extend(opened.fields.iter().map(|field| field.name.clone()));
        tables.insert(name.clone(), opened);
    }
    let (mut table, whole, gathers) = match &source.query {
        _ if source.idx => {
            let (table, whole) = beside::table(source, files, cx)?;
            (table, whole, Vec::new())
        }
        Some(sql) => {
            let (table, whole) = query(source, sql, &tables, &types, cx)?;
            let columns: Vec<(String, ColumnType)> =
                table.columns.iter().map(|column| (column.name.clone(), column.kind())).collect();
            let gathers = gather::find(source, &columns)?;
            (gathered(source, &gathers, table, 0)?, whole, gathers)
        }
        None => whole(source, &tables, &types, cx)?,
    };
    if table.rows == 0 {
        let error = DataError::new(DataErrorKind::Empty, "there are no rows");
        return Err(match &source.query {
            Some(sql) => {
                let counts: Vec<String> =
                    tables.iter().map(|(name, t)| format!("`{name}` has {}", t.rows)).collect();
                error
                    .at(sql)
                    .help(format!("the query returned none; of its tables {}", counts.join(", ")))
            }
            None => {
                let file = files.values().flatten().next();
                let error = error.at(&source.name);
                match file {
                    Some(file) => error.file(file).help("the file holds a header and nothing more"),
                    None => error,
                }
            }
        });
    }
    let derived = derive(source, &table, &whole, &types, cx)
        .map_err(|error| about_pixels(error, &gathers))?;
    table.columns.extend(derived.into_iter().map(std::sync::Arc::new));
    for (name, kind) in &source.types {
        if table.column(name).is_none() && !known.contains(name) {
            let columns = table.names().into_iter().chain(known.iter().map(String::as_str));
            let message = format!("`types` names a column `{name}` that does not exist");
            return Err(DataError::new(DataErrorKind::UnknownColumn, message)
                .at(kind)
                .maybe_help(choices(name, columns, "the columns are")));
        }
    }
    Ok(Loaded { table, notes, whole, gathers })
}

/// A table, or a chunk of one whose first row is `first`, with the images of its source.
fn gathered(
    source: &DataSource,
    gathers: &[Gather],
    table: Table,
    first: usize,
) -> Result<Table, DataError> {
    if gathers.is_empty() {
        return Ok(table);
    }
    gather::gather(gathers, &table).map_err(|odd| {
        let owner = gathers.iter().find(|gather| gather.columns.contains(&odd.column));
        let error = odd.error.line((first + odd.row) as u64 + 1).column(&odd.column, None);
        match owner.and_then(|gather| source.images.get(&gather.name)) {
            Some(image) => error.at(&image.columns),
            None => error,
        }
    })
}

/// Says where a column has gone that an expression asks for in vain.
fn about_pixels(error: DataError, gathers: &[Gather]) -> DataError {
    let message = error.fault().message.clone();
    let gone = gathers.iter().find_map(|gather| {
        let column = gather.columns.iter().find(|c| message.ends_with(&format!("column: {c}")))?;
        Some((column, &gather.name))
    });
    match gone {
        Some((column, image)) => error.help(format!(
            "`{column}` is a pixel of the image `{image}` by now: make such a column in `query`"
        )),
        None => error,
    }
}

pub(crate) fn tick(cx: &Context, what: &str, rows: u64, of: Option<u64>) -> Result<(), DataError> {
    (cx.progress)(what, rows, of);
    cx.check()
}

/// An error in a table's files points to where the pipeline names them.
fn place(error: DataError, source: &DataSource, table: &str) -> DataError {
    match source.tables.get(table) {
        Some(pattern) => error.at(pattern),
        None => error,
    }
}

/// The one table of a source without a query, as it is.
fn whole(
    source: &DataSource,
    tables: &IndexMap<String, Opened>,
    types: &IndexMap<String, ColumnType>,
    cx: &Context,
) -> Result<(Table, BTreeSet<String>, Vec<Gather>), DataError> {
    let (Some((name, opened)), true) = (tables.first(), tables.len() == 1) else {
        let message = format!("{} tables and no query that makes one of them", tables.len());
        return Err(DataError::new(DataErrorKind::Query, message).at(&source.name).help(
            "add `query = \"SELECT … FROM … JOIN …\"`, or make each table a data source of its own",
        ));
    };
    let tick = |rows| tick(cx, &format!("reading {name}"), rows, Some(opened.rows));
    let options =
        Options { missing: &source.missing, read: source.read_of(name), types, tick: &tick };
    let columns: Vec<(String, ColumnType)> =
        opened.fields.iter().map(|field| (field.name.clone(), field.kind)).collect();
    let gathers = gather::find(source, &columns)?;
    let gone = |name: &String| gathers.iter().any(|gather| gather.columns.contains(name));
    let rows = usize::try_from(opened.rows).unwrap_or(0);
    let kept: Vec<&Field> = opened.fields.iter().filter(|field| !gone(&field.name)).collect();
    let mut builders: Vec<Builder> =
        kept.iter().map(|field| Builder::new(field.kind, rows)).collect();
    builders.extend(gathers.iter().map(|gather| Builder::image(gather.shape, rows)));
    let mut rows = 0;
    for chunk in opened.chunks(&options) {
        let chunk = chunk.map_err(|error| place(error, source, name))?;
        let chunk = gathered(source, &gathers, chunk, rows)?;
        rows += chunk.rows;
        for (builder, column) in builders.iter_mut().zip(&chunk.columns) {
            builder.append(&column.values);
        }
    }
    let whole = kept.iter().filter(|field| field.integer || field.dates);
    let whole = whole.map(|field| field.name.clone()).collect();
    let images = gathers.iter().map(|gather| gather.name.clone());
    let names: Vec<String> = kept.iter().map(|field| field.name.clone()).chain(images).collect();
    let columns = names.into_iter().zip(builders.into_iter().map(Builder::finish));
    Ok((build::table(columns, rows), whole, gathers))
}

/// What the query makes of the tables.
fn query(
    source: &DataSource,
    sql: &Spanned<String>,
    tables: &IndexMap<String, Opened>,
    types: &IndexMap<String, ColumnType>,
    cx: &Context,
) -> Result<(Table, BTreeSet<String>), DataError> {
    let bytes: u64 = tables.values().map(Opened::bytes).sum();
    let mut database = Database::new(bytes > cx.memory_bound)?;
    for (name, opened) in tables {
        database
            .create(Shape { name: name.clone(), fields: opened.fields.clone() })
            .map_err(|error| place(error, source, name))?;
    }
    let text = statement(sql.get_ref()).map_err(|error| error.at(sql))?;
    let place_in_sql = Place { sql: text, before: 0 };
    let in_query = |error: DataError| error.at(sql);
    // Wrong SQL is found before any row is read. All columns are loaded: what a statement reads is
    // known only without joins (see `Touched::more`).
    let mut touched = database.prepare(text, place_in_sql).map_err(in_query)?.1;
    touched.more = true;
    let results = watched(database.handle(), cx.interrupted, || {
        for (name, opened) in tables {
            let tick = |rows| tick(cx, &format!("reading {name}"), rows, Some(opened.rows));
            let options = Options {
                missing: &source.missing,
                read: source.read_of(name),
                types,
                tick: &tick,
            };
            database
                .fill(name, &touched, opened.chunks(&options))
                .map_err(|error| place(error, source, name))?;
        }
        let (mut statement, _) = database.prepare(text, place_in_sql).map_err(in_query)?;
        let mut results = Results::new(&statement).map_err(in_query)?;
        let mut rows = statement.raw_query();
        tick(cx, "querying", 0, None)?;
        loop {
            match rows.next().map_err(|error| in_query(database.fault(error, place_in_sql)))? {
                None => break,
                Some(row) => results.push(row).map_err(in_query)?,
            }
            if results.rows().is_multiple_of(16_384) {
                tick(cx, "querying", results.rows(), None)?;
            }
        }
        Ok::<_, DataError>(results)
    })?;
    // SQLite's copy of the tables goes before the columns are put into their final form.
    drop(database);
    let rows = usize::try_from(results.rows()).unwrap_or(usize::MAX);
    let texts = |name: &str| types.get(name) == Some(&ColumnType::Category);
    let integers = results.integers();
    let mut columns = Vec::new();
    for (name, values) in results.finish(texts) {
        let values = match types.get(&name) {
            Some(kind) => typed(&name, values, *kind).map_err(in_query)?,
            None => values,
        };
        columns.push((name, values));
    }
    let whole = whole_columns(&columns, &integers);
    Ok((build::table(columns, rows), whole))
}

/// The columns of a result that hold integers, or times that are all dates.
fn whole_columns(columns: &[(String, Values)], integers: &BTreeSet<String>) -> BTreeSet<String> {
    let date = |at: &i64| *at == MISSING_TIME || at.rem_euclid(DAY) == 0;
    let whole = |(name, values): &&(String, Values)| match values {
        Values::Number(_) => integers.contains(name),
        Values::Time(values) => values.iter().all(date),
        _ => false,
    };
    columns.iter().filter(whole).map(|(name, _)| name.clone()).collect()
}

/// The columns of `derive`.
fn derive(
    source: &DataSource,
    table: &Table,
    whole: &BTreeSet<String>,
    types: &IndexMap<String, ColumnType>,
    cx: &Context,
) -> Result<Vec<crate::Column>, DataError> {
    let mut columns = Vec::new();
    let fields = fields(table, whole);
    let kinds = |name: &str| types.get(name).copied();
    for (name, sql) in &source.derive {
        if table.names().iter().any(|other| other.eq_ignore_ascii_case(name)) {
            let message = format!("`derive` makes a column `{name}`, which exists already");
            return Err(DataError::new(DataErrorKind::DuplicateColumn, message)
                .at(sql)
                .help("choose another name"));
        }
        tick(cx, &format!("deriving {name}"), 0, None)?;
        let job = Job {
            table,
            name: source.name.get_ref(),
            fields: fields.clone(),
            in_file: table.bytes() > cx.memory_bound,
            before: "(",
            after: "\n)",
        };
        let expressions = [(name.clone(), sql.get_ref().as_str())];
        let derived = job
            .columns(&expressions, &kinds, &mut |handle, work| {
                watched(handle, cx.interrupted, work)
            })
            .map_err(|error| error.at(sql))?;
        columns.extend(derived);
    }
    Ok(columns)
}
