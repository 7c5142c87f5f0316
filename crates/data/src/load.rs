//! Loading of a data source: read, query, cast, derive.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use collegium_manifest::{ColumnType, DataSource, Spanned};
use collegium_records::Settled;
use indexmap::IndexMap;

use crate::{
    Context, DataError, DataErrorKind, MISSING_TIME, Remark, Table, Unfit, Values, beside, build,
    build::Builder,
    cast::{all_missing, cast, refuse},
    error::choices,
    evaluate::{Job, fields, reads, typed},
    gather::{self, Gather},
    read::{Contents, Field, Opened, Options, ahead, open},
    settle::{self, Reading, Readings},
    sql::{Database, Place, Results, Shape, names, statement, watched},
    time::DAY,
    unfit::{left_out, mentions},
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
    /// What a person who reads a column should know about it.
    pub(crate) remarks: BTreeMap<String, Remark>,
    /// Columns that nothing must read as they are.
    pub(crate) unfit: Vec<Unfit>,
    /// How columns are read from now on, as the lock names them.
    pub(crate) types: BTreeMap<String, String>,
}

/// Makes the table of a data source, of which so much was settled by an earlier run.
pub(crate) fn load(
    source: &DataSource,
    settled: &Settled,
    files: &Files,
    contents: &Contents,
    cx: &Context,
) -> Result<Loaded, DataError> {
    let mut settling = Settling::new(settled);
    let types: IndexMap<String, ColumnType> =
        source.types.iter().map(|(name, kind)| (name.clone(), *kind.get_ref())).collect();
    let mut tables = IndexMap::new();
    let (mut notes, mut remarks) = (Vec::new(), BTreeMap::new());
    let mut known: BTreeSet<String> = BTreeSet::new();
    for (name, files) in files.iter().filter(|_| !source.idx) {
        let tick = |rows| tick(cx, &format!("scanning {name}"), rows, None);
        let key = |column: &str| match &source.query {
            Some(_) => settle::of_table(name, column),
            None => column.to_owned(),
        };
        let readings = settling.of_file(&key(""));
        let options = options(source, name, &types, &readings, None, contents, &tick);
        let mut opened =
            open(files.clone(), &options).map_err(|error| place(error, source, name))?;
        opened.unfit = opened.unfit.into_iter().map(|unfit| unfit.of_table(name)).collect();
        let remarks = opened.remarks.into_iter();
        opened.remarks = remarks.map(|(column, one)| (column, one.of_table(name))).collect();
        notes.extend(opened.notes.iter().cloned());
        known.extend(opened.fields.iter().map(|field| field.name.clone()));
        known.extend(opened.unfit.iter().map(|unfit| unfit.name.clone()));
        for unfit in &opened.unfit {
            settling.forget(&key(&unfit.name));
        }
        for (column, reading) in &opened.readings {
            settling.settle(key(column), *reading);
        }
        tables.insert(name.clone(), opened);
    }
    let (mut table, mut whole, gathers) = match &source.query {
        _ if source.idx => {
            let (table, whole) = beside::table(source, files, contents, cx)?;
            (table, whole, Vec::new())
        }
        Some(sql) => {
            let (table, whole) =
                query(source, sql, &tables, &types, &mut settling, &mut remarks, contents, cx)?;
            let columns: Vec<(String, ColumnType)> =
                table.columns.iter().map(|column| (column.name.clone(), column.kind())).collect();
            let gathers = gather::find(source, &columns)?;
            (gathered(source, &gathers, table, 0)?, whole, gathers)
        }
        None => whole(source, &tables, &types, contents, cx)?,
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
    if source.query.is_none() {
        for opened in tables.values() {
            let said = opened.remarks.iter();
            remarks.extend(said.map(|(name, remark)| (name.clone(), remark.clone())));
            settling.unfit.extend(opened.unfit.iter().cloned());
        }
    }
    let derived = derive(source, &table, &mut whole, &types, &mut settling, files, cx)
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
    let (unfit, types) = settling.finish();
    Ok(Loaded { table, notes, whole, gathers, remarks, unfit, types })
}

/// How columns are read, from what was settled to what is settled now.
struct Settling {
    given: BTreeMap<String, String>,
    now: BTreeMap<String, String>,
    /// The names of columns that SQL makes, in this run.
    made: BTreeSet<String>,
    unfit: Vec<Unfit>,
}

impl Settling {
    fn new(settled: &Settled) -> Self {
        let (given, now) = (settled.types.clone(), settled.types.clone());
        Self { given, now, made: BTreeSet::new(), unfit: Vec::new() }
    }

    /// How the columns of a file were read so far, whose names begin like this in the lock.
    fn of_file(&self, prefix: &str) -> Readings {
        let reading = |(key, reading): (&String, &String)| {
            Some((key.strip_prefix(prefix)?.to_owned(), Reading::parse(reading)?))
        };
        self.given.iter().filter_map(reading).collect()
    }

    fn settle(&mut self, key: String, reading: Reading) {
        self.now.insert(key, reading.name().to_owned());
    }

    fn forget(&mut self, key: &str) {
        self.now.remove(key);
    }

    /// How a column that SQL makes was read so far.
    fn of_sql(&self, name: &str, sql: &str) -> Option<Reading> {
        Reading::parse(self.given.get(&settle::of_sql(name, sql))?)
    }

    /// A column that SQL made, as it was read so far or is settled now; whether it is `whole`.
    fn made(&mut self, name: &str, sql: &str, values: Values, whole: bool) -> (Values, bool) {
        let key = settle::of_sql(name, sql);
        self.made.insert(key.clone());
        let given = self.given.get(&key).and_then(|reading| Reading::parse(reading));
        let empty = (0..values.len()).all(|row| values.is_missing(row));
        let Some(reading) = given else {
            if let (false, Some(reading)) = (empty, Reading::of(values.kind(), whole)) {
                self.settle(key, reading);
            }
            return (values, whole);
        };
        let kind = reading.kind();
        if values.kind() == kind {
            return (values, reading.whole());
        }
        if empty {
            return (all_missing(kind, values.len()), reading.whole());
        }
        match cast(values.clone(), kind) {
            Ok(values) => (values, reading.whole()),
            Err((row, text, why)) => {
                let error = refuse(why, kind, name, &text).line(row as u64 + 1);
                let what = format!("no longer of type {}", kind.name());
                self.unfit.push(Unfit::new(name, true, &error, &[]).what(what));
                self.forget(&key);
                (values, whole)
            }
        }
    }

    /// Unfit columns, and what is settled. What another SQL made is gone.
    fn finish(mut self) -> (Vec<Unfit>, BTreeMap<String, String>) {
        let made = &self.made;
        self.now.retain(|key, _| !settle::is_of_sql(key) || made.contains(key));
        (self.unfit, self.now)
    }
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

/// How the files of a table are read.
fn options<'a>(
    source: &'a DataSource,
    table: &str,
    types: &'a IndexMap<String, ColumnType>,
    settled: &'a Readings,
    only: Option<&'a BTreeSet<String>>,
    contents: &'a Contents,
    tick: &'a (dyn Fn(u64) -> Result<(), DataError> + Sync),
) -> Options<'a> {
    let (missing, read) = (source.missing.as_slice(), source.read_of(table));
    Options { missing, read, types, settled, only, contents, tick }
}

/// The one table of a source without a query, as it is.
fn whole(
    source: &DataSource,
    tables: &IndexMap<String, Opened>,
    types: &IndexMap<String, ColumnType>,
    contents: &Contents,
    cx: &Context,
) -> Result<(Table, BTreeSet<String>, Vec<Gather>), DataError> {
    let (Some((name, opened)), true) = (tables.first(), tables.len() == 1) else {
        let message = format!("{} tables and no query that makes one of them", tables.len());
        return Err(DataError::new(DataErrorKind::Query, message).at(&source.name).help(
            "add `query = \"SELECT … FROM … JOIN …\"`, or make each table a data source of its own",
        ));
    };
    let tick = |rows| tick(cx, &format!("reading {name}"), rows, Some(opened.rows));
    let options = options(source, name, types, &opened.readings, None, contents, &tick);
    let columns: Vec<(String, ColumnType)> =
        opened.fields.iter().map(|field| (field.name.clone(), field.kind)).collect();
    let gathers = gather::find(source, &columns).map_err(|error| {
        let column = error.fault().column.as_deref();
        let unfit = opened.unfit.iter().find(|unfit| Some(unfit.name.as_str()) == column);
        match (unfit, source.images.values().next()) {
            (Some(unfit), Some(image)) => unfit.error([(name, &opened.files)]).at(&image.columns),
            _ => error,
        }
    })?;
    let gone = |name: &String| gathers.iter().any(|gather| gather.columns.contains(name));
    let rows = usize::try_from(opened.room).unwrap_or(0);
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
#[allow(clippy::too_many_arguments, reason = "what a load knows")]
fn query(
    source: &DataSource,
    sql: &Spanned<String>,
    tables: &IndexMap<String, Opened>,
    types: &IndexMap<String, ColumnType>,
    settling: &mut Settling,
    remarks: &mut BTreeMap<String, Remark>,
    contents: &Contents,
    cx: &Context,
) -> Result<(Table, BTreeSet<String>), DataError> {
    let bytes: u64 = tables.values().map(Opened::bytes).sum();
    let mut database = Database::new(bytes > cx.memory_bound)?;
    let in_query = |error: DataError| error.at(sql);
    let text = statement(sql.get_ref()).map_err(in_query)?;
    let names = names(text).map_err(in_query)?;
    for (name, opened) in tables {
        let shape = Shape { name: name.clone(), fields: opened.fields.clone() };
        database.create(shape, &names).map_err(in_query)?;
    }
    let place_in_sql = Place { sql: text, before: 0 };
    // Wrong SQL is found before any row is read.
    let files = tables.iter().map(|(name, opened)| (name, &opened.files));
    let unfit: Vec<Unfit> = tables.values().flat_map(|opened| opened.unfit.clone()).collect();
    let mut touched = match database.prepare(text, place_in_sql) {
        Ok((_, touched)) => touched,
        Err(error) => {
            let error = left_out(&unfit, &error).map_or(error, |unfit| unfit.error(files));
            return Err(in_query(error));
        }
    };
    for (name, opened) in tables {
        let reads = |column: &str| touched.columns.contains(&(name.clone(), column.to_owned()));
        let named = |unfit: &&Unfit| reads(&unfit.name) && mentions(text, &unfit.name);
        if let Some(unfit) = opened.unfit.iter().find(named) {
            return Err(in_query(unfit.error(files)));
        }
        let read = opened.remarks.iter().filter(|(column, _)| reads(column));
        remarks.extend(read.map(|(column, one)| (settle::of_table(name, column), one.clone())));
    }
    names.beside(&mut touched);
    let results = watched(database.handle(), cx.interrupted, || {
        for (name, opened) in tables {
            let tick = |rows| tick(cx, &format!("reading {name}"), rows, Some(opened.rows));
            let only = database.touches(name, &touched);
            let options =
                options(source, name, types, &opened.readings, Some(&only), contents, &tick);
            ahead(|| opened.chunks(&options), |chunks| database.fill(name, &touched, chunks))
                .map_err(|error| place(error, source, name))?;
        }
        let budget = database.start(&cx.limits).map_err(in_query)?;
        let (mut statement, _) = database.prepare(text, place_in_sql).map_err(in_query)?;
        let mut results = Results::new(&statement, budget).map_err(in_query)?;
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
    let texts = |name: &str| {
        types.get(name) == Some(&ColumnType::Category)
            || settling.of_sql(name, text) == Some(Reading::Category)
    };
    let integers = results.integers();
    let results: Vec<(String, Values)> = results.finish(texts);
    let dates = whole_columns(&results, &integers);
    let (mut columns, mut whole) = (Vec::new(), BTreeSet::new());
    for (name, values) in results {
        let dated = dates.contains(&name);
        let (values, is_whole) = match types.get(&name) {
            Some(kind) => (typed(&name, values, *kind).map_err(in_query)?, dated),
            None => settling.made(&name, text, values, dated),
        };
        if is_whole {
            whole.insert(name.clone());
        }
        columns.push((name, values));
    }
    // What `*` hands on is as unfit as it was; a column that the query makes is a new one.
    let made = |name: &str| columns.iter().any(|(column, _)| column == name);
    settling.unfit.extend(unfit.into_iter().filter(|unfit| unfit.held == made(&unfit.name)));
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

/// The columns of `derive`; those of integers and of dates join the `whole` ones.
fn derive(
    source: &DataSource,
    table: &Table,
    whole: &mut BTreeSet<String>,
    types: &IndexMap<String, ColumnType>,
    settling: &mut Settling,
    files: &Files,
    cx: &Context,
) -> Result<Vec<crate::Column>, DataError> {
    let mut columns = Vec::new();
    let fields = fields(table, whole);
    // Names that SQL could not tell apart.
    let mut seen: BTreeSet<String> =
        table.names().into_iter().map(str::to_ascii_lowercase).collect();
    for (name, sql) in &source.derive {
        if !seen.insert(name.to_ascii_lowercase()) {
            let message = format!("`derive` makes a column `{name}`, which exists already");
            return Err(DataError::new(DataErrorKind::DuplicateColumn, message)
                .at(sql)
                .help("choose another name"));
        }
        tick(cx, &format!("deriving {name}"), 0, None)?;
        refuse_unfit(source, sql, &fields, &settling.unfit, files)?;
        let job = Job {
            table,
            name: source.name.get_ref(),
            fields: fields.clone(),
            in_file: table.bytes() > cx.memory_bound,
            before: "(",
            after: "\n)",
        };
        let kind = types.get(name).copied();
        let (column, integer) = job
            .column(name, sql.get_ref(), kind, &mut |handle, work| {
                watched(handle, cx.interrupted, work)
            })
            .map_err(|error| {
                let unfit = left_out(&settling.unfit, &error);
                unfit.map_or(error, |unfit| unfit.error(files)).at(sql)
            })?;
        let results = [(name.clone(), column.values)];
        let integers = if integer { BTreeSet::from([name.clone()]) } else { BTreeSet::new() };
        let is_whole = !whole_columns(&results, &integers).is_empty();
        for (name, values) in results {
            let (values, is_whole) = match types.contains_key(&name) {
                true => (values, is_whole),
                false => settling.made(&name, sql.get_ref(), values, is_whole),
            };
            if is_whole {
                whole.insert(name.clone());
            }
            columns.push(crate::Column::new(name, values));
        }
    }
    Ok(columns)
}

/// Refuses an expression that reads a column which is not what it seems to be.
fn refuse_unfit(
    source: &DataSource,
    sql: &Spanned<String>,
    fields: &[Field],
    unfit: &[Unfit],
    files: &Files,
) -> Result<(), DataError> {
    let mentioned = |unfit: &&Unfit| unfit.held && mentions(sql.get_ref(), &unfit.name);
    if !unfit.iter().any(|unfit| mentioned(&unfit)) {
        return Ok(());
    }
    let expression = [(String::new(), sql.get_ref().as_str())];
    let read = reads(fields, source.name.get_ref(), &expression).map_err(|e| e.at(sql))?;
    match unfit.iter().find(|unfit| unfit.held && read.contains(&unfit.name)) {
        Some(unfit) => Err(unfit.error(files).at(sql)),
        None => Ok(()),
    }
}
