//! Content-addressed cache of prepared tables.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
};

use collegium_digest::{Digest, Hasher};
use collegium_manifest::{DataSource, Fence, SplitRule};
use collegium_records::{Ingredient, Recipe, Settled};
use collegium_store::{Place, Store};
use serde::{Deserialize, Serialize};

use crate::{
    Column, Context, DataError, DataErrorKind, Side, SqlLimits, Table, TableFacts, Unfit,
    evaluate::{fields_of, reads},
    facts::facts,
    identity,
    ingredients::{recipe as recipe_of, with_settled},
    load::{Files, Loaded, load},
    object,
    read::Contents,
    side, split,
    unfit::{left_out, mentions},
};

/// A prepared data source: its facts are known, and its table is loaded when it is needed.
pub struct Prepared {
    /// The data source's name.
    pub name: String,
    /// Identity of content and split.
    pub key: Digest,
    /// What is known without the rows.
    pub facts: TableFacts,
    /// The files it was made from, by table.
    pub files: Vec<(String, Vec<PathBuf>)>,
    record: Record,
    source: DataSource,
    /// What was settled when it was opened.
    given: Settled,
    recipe: Recipe,
    base: PathBuf,
    fence: Fence,
    memory_bound: u64,
    limits: SqlLimits,
    place: Place,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The columns that were asked for so far; right after the table was made, all of them.
    columns: BTreeMap<String, Arc<Column>>,
    /// The names of the columns that were asked for by name.
    read: BTreeSet<String>,
    sides: Option<Arc<Vec<Side>>>,
    identities: Option<Arc<Vec<u64>>>,
    groups: Option<Arc<Vec<u64>>>,
    times: Option<Arc<Vec<f64>>>,
    notes: Vec<String>,
}

/// What was made again from the files.
struct Made {
    sides: Arc<Vec<Side>>,
    identities: Arc<Vec<u64>>,
    groups: Option<Arc<Vec<u64>>>,
}

/// A realisation of a `table` recipe.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    /// The rows: an Arrow IPC file.
    table: Digest,
    /// The side of every row.
    sides: Digest,
    /// The identity of every row, by its content.
    identities: Digest,
    /// The group of every row, where the split names a key.
    groups: Option<Digest>,
    facts: TableFacts,
    /// What is settled now: what was given, and what these rows add.
    settled: Settled,
}

impl Record {
    fn key(&self) -> Digest {
        let mut hasher = Hasher::new("table");
        hasher.digest(&self.table).digest(&self.sides).digest(&self.identities);
        // Folds follow groups, also where sides do not.
        hasher.boolean(self.groups.is_some());
        if let Some(groups) = &self.groups {
            hasher.digest(groups);
        }
        hasher.finish()
    }

    fn at_hand(&self, store: &Store) -> bool {
        let objects = [self.table, self.sides, self.identities];
        objects.iter().chain(&self.groups).all(|object| store.contains(object))
    }
}

/// Makes the table of a data source, or finds it in the store: then no data is touched, and files
/// are hashed only if their stat changed. `settled` is what an earlier run settled about it, and
/// empty before the first.
///
/// # Errors
/// Everything that can be wrong with files, SQL and split, with its place; an interruption; the
/// store's own errors. Nothing is recorded then.
pub fn prepare(
    source: &DataSource,
    settled: &Settled,
    cx: &Context,
) -> Result<Prepared, DataError> {
    let files = find(source, cx)?;
    let contents = Contents::within(source.unpacked_limit);
    let recipe = recipe_of(source, settled, &files, &contents, cx)?;
    let digest = recipe.digest();
    let finish = |record: Record, state: State, notes: Vec<String>| {
        let mut facts = record.facts.clone();
        facts.notes.extend(notes);
        Prepared {
            name: source.name.get_ref().clone(),
            key: record.key(),
            facts,
            files: files.clone().into_iter().collect(),
            record,
            source: source.clone(),
            given: settled.clone(),
            recipe: recipe.clone(),
            base: cx.base.to_owned(),
            fence: cx.fence.clone(),
            memory_bound: cx.memory_bound,
            limits: cx.limits,
            place: cx.store.place(),
            state: Mutex::new(state),
        }
    };
    let (known, _) = look_up(cx.store, &digest)?;
    if let Some(record) = known {
        return Ok(finish(record, State::default(), Vec::new()));
    }
    let _lock = cx.store.lock(&digest)?;
    // Another process may have made it while this one waited.
    let (known, damaged) = look_up(cx.store, &digest)?;
    if let Some(record) = known {
        return Ok(finish(record, State::default(), Vec::new()));
    }
    let mut notes = Vec::new();
    if damaged {
        notes.push(
            "its stored table was gone or damaged, so it was made again from the files".to_owned(),
        );
    }
    let (record, state) = make(source, settled, &files, &contents, &recipe, cx)?;
    Ok(finish(record, state, notes))
}

/// The recorded table of a recipe; whether there is a record without its objects.
fn look_up(store: &Store, recipe: &Digest) -> Result<(Option<Record>, bool), DataError> {
    let known = store.realisations::<Record>(recipe)?;
    let damaged = !known.is_empty();
    Ok((known.into_values().find(|record| record.at_hand(store)), damaged))
}

fn find(source: &DataSource, cx: &Context) -> Result<Files, DataError> {
    let mut files = Files::new();
    for (name, pattern) in &source.tables {
        files.insert(name.clone(), split::files::of_table(source, pattern, cx)?.0);
    }
    if files.is_empty() {
        return Err(DataError::new(DataErrorKind::MissingFile, "the data source has no files")
            .at(&source.name)
            .help("add `path = \"FILE\"` or `tables = { NAME = \"FILE\" }`"));
    }
    Ok(files)
}

/// Loads, splits, stores and records. The bytes that are read are those whose digests are in the recipe
/// ([`Contents`]), so the table is the recipe's, whatever the files hold by now.
fn make(
    source: &DataSource,
    given: &Settled,
    files: &Files,
    contents: &Contents,
    recipe: &Recipe,
    cx: &Context,
) -> Result<(Record, State), DataError> {
    let Loaded { table: rows, notes, whole, gathers, remarks, unfit, types } =
        load(source, given, files, contents, cx)?;
    let mut settled = Settled { types, ..given.clone() };
    let described = || {
        let file_rows = split::files::rows(source, files, rows.rows, contents, cx)?;
        readable_split(source, &rows, &unfit, files)?;
        let mut dealt = split::deal(&rows, source, &mut settled, file_rows)?;
        cx.check()?;
        let of = rows.columns.len() as u64;
        let tick = |columns| {
            (cx.progress)("hashing columns", columns, Some(of));
            cx.check()
        };
        let notes = notes.into_iter().chain(std::mem::take(&mut dealt.notes)).collect();
        let facts = facts(&rows, &whole, &gathers, &dealt.sides, notes, &tick)?;
        (cx.progress)("storing", 0, Some(rows.rows as u64));
        Ok::<_, DataError>((dealt, facts))
    };
    // Nothing that is found about the rows changes them, so they are written meanwhile. Where something is
    // wrong, the object never gets a name.
    let (described, table) = std::thread::scope(|scope| {
        let write = || cx.store.put_with(&mut |to| object::write(&rows, to).map_err(into_io));
        let written = scope.spawn(write);
        let described = described();
        (described, written.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let ((dealt, mut facts), table) = (described?, table?);
    facts.remarks = remarks;
    facts.unfit = unfit;
    cx.check()?;
    let split::Dealt { sides, identities, groups, .. } = dealt;
    let sides_object = cx.store.put(&side::sides_to_bytes(&sides))?;
    let ids = cx.store.put(&identity::identities_to_bytes(&identities))?;
    let grouped = match &groups {
        Some(groups) => Some(cx.store.put(&identity::identities_to_bytes(groups))?),
        None => None,
    };
    let record =
        Record { table, sides: sides_object, identities: ids, groups: grouped, facts, settled };
    // The next run is told what this one settled, and finds the same table. That record comes first: where
    // a run is cut off between the two, the table is made again, and so are both.
    if record.settled != *given {
        cx.store.realise(&with_settled(recipe.clone(), &record.settled), &record.key(), &record)?;
    }
    cx.store.realise(recipe, &record.key(), &record)?;
    let state = State {
        columns: by_name(&rows),
        read: BTreeSet::new(),
        sides: Some(Arc::new(sides)),
        identities: Some(Arc::new(identities)),
        groups: groups.map(Arc::new),
        times: None,
        notes: Vec::new(),
    };
    Ok((record, state))
}

fn by_name(table: &Table) -> BTreeMap<String, Arc<Column>> {
    table.columns.iter().map(|column| (column.name.clone(), column.clone())).collect()
}

/// A split that names a column which was left out of the table is told why it was. One that is there as
/// texts is as good as any: a row's side is made of texts.
fn readable_split(
    source: &DataSource,
    table: &Table,
    unfit: &[Unfit],
    files: &Files,
) -> Result<(), DataError> {
    let split = &source.split;
    for name in split.by.iter().chain(&split.stratify).chain(split.column()) {
        let why = unfit.iter().find(|unfit| !unfit.held && unfit.name == *name.get_ref());
        if let (None, Some(why)) = (table.column(name.get_ref()), why) {
            return Err(why.error(files).at(name));
        }
    }
    // Texts in place of times divide nothing.
    if let SplitRule::Time(rule) = &split.rule
        && let Some(why) = unfit.iter().find(|unfit| unfit.name == *rule.column.get_ref())
    {
        return Err(why.error(files).at(&rule.column));
    }
    Ok(())
}

/// Keeps the kind of an error of the disk, on which the advice depends.
fn into_io(error: arrow_schema::ArrowError) -> std::io::Error {
    match error {
        arrow_schema::ArrowError::IoError(_, error) => error,
        other => std::io::Error::other(other),
    }
}

impl Prepared {
    /// The recipe that the table was made by.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The files that the table was made of and the digests of what was read of them.
    pub fn contents(&self) -> Vec<(PathBuf, Digest)> {
        let digests = |table: &str| match self.recipe.ingredients.get(&format!("tables.{table}")) {
            Some(Ingredient::List(digests)) => digests.clone(),
            _ => Vec::new(),
        };
        let content = |(path, digest): (&PathBuf, Ingredient)| match digest {
            Ingredient::Digest(digest) => Some((path.clone(), digest)),
            _ => None,
        };
        let of_table = |(table, paths): &(String, Vec<PathBuf>)| -> Vec<(PathBuf, Digest)> {
            paths.iter().zip(digests(table)).filter_map(content).collect()
        };
        self.files.iter().flat_map(of_table).collect()
    }

    /// The object that holds the rows: an Arrow IPC file, see [`read_table`].
    pub fn object(&self) -> Digest {
        self.record.table
    }

    /// What is settled about it, for the lock.
    pub fn settled(&self) -> &Settled {
        &self.record.settled
    }

    /// The object that holds the side of every row.
    pub fn sides_object(&self) -> Digest {
        self.record.sides
    }

    /// What happened since to the stored table, in words; each note is handed out once.
    pub fn notes(&self) -> Vec<String> {
        std::mem::take(&mut self.state().notes)
    }

    /// Frees the rows; they are loaded again when they are needed.
    pub fn release(&self) {
        let mut state = self.state();
        state.columns.clear();
        state.groups = None;
        state.times = None;
    }

    /// What is remarked on a column, with examples and their places: [`crate::TableFacts::remarks`].
    pub fn remark(&self, column: &str) -> Option<String> {
        let remark = self.facts.remarks.get(column)?;
        Some(remark.sentence(self.files.iter().map(|(table, paths)| (table, paths))))
    }

    /// Why a column of the files must not be read as it is: the error for whoever names it.
    pub fn refusal(&self, column: &str) -> Option<DataError> {
        let unfit = self.facts.unfit.iter().find(|unfit| unfit.name == column)?;
        Some(unfit.error(self.files.iter().map(|(table, paths)| (table, paths))))
    }

    /// Why a SQL expression over the table must not be evaluated: it reads a column that is unfit, or
    /// failed with `error` for want of one that was left out.
    ///
    /// # Errors
    /// If it is no SQL expression over these columns.
    pub fn refusal_of_sql(
        &self,
        sql: &str,
        error: Option<&DataError>,
    ) -> Result<Option<DataError>, DataError> {
        if let Some(unfit) = error.and_then(|error| left_out(&self.facts.unfit, error)) {
            return Ok(self.refusal(&unfit.name));
        }
        let mentioned = |unfit: &&Unfit| unfit.held && mentions(sql, &unfit.name);
        let suspects: Vec<&Unfit> = self.facts.unfit.iter().filter(mentioned).collect();
        if suspects.is_empty() || error.is_some() {
            return Ok(None);
        }
        let fields = fields_of(&self.facts);
        let read = reads(&fields, &self.name, &[(String::new(), sql)])?;
        let found = suspects.into_iter().find(|unfit| read.contains(&unfit.name));
        Ok(found.and_then(|unfit| self.refusal(&unfit.name)))
    }

    /// What is settled about the columns that are read, and about those that were settled before:
    /// what the lock keeps. `reads` says whether a column is read.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn settled_for(
        &self,
        store: &Store,
        reads: &dyn Fn(&str) -> bool,
    ) -> Result<Settled, DataError> {
        let mut settled = self.record.settled.clone();
        let given = &self.given.types;
        // Names of columns behind a query have their table before them, those that SQL makes a digest
        // behind them: they are few, and the SQL reads them.
        let plain = |key: &str| self.source.query.is_none() && !crate::settle::is_of_sql(key);
        settled.types.retain(|key, _| !plain(key) || given.contains_key(key) || reads(key));
        if settled != self.given && settled != self.record.settled {
            let recipe = with_settled(self.recipe.clone(), &settled);
            store.realise(&recipe, &self.record.key(), &self.record)?;
        }
        Ok(settled)
    }

    /// The table with all of its columns, loaded on first use. If the stored one was damaged meanwhile it
    /// is made again from the files, and [`Prepared::notes`] says so.
    ///
    /// # Errors
    /// If it has to be made again and cannot be, or if the files changed since.
    pub fn table(&self) -> Result<Arc<Table>, DataError> {
        let mut state = self.state();
        let all = self.facts.columns.iter().map(|column| column.name.as_str());
        self.load(&mut state, all)
    }

    /// The table with some of its columns, in the table's order: the others are neither read from the
    /// store nor kept in memory. Names that it does not have are passed over.
    ///
    /// # Errors
    /// As [`Prepared::table`].
    pub fn columns(&self, wanted: &BTreeSet<String>) -> Result<Arc<Table>, DataError> {
        let mut state = self.state();
        let columns = self.facts.columns.iter().map(|column| column.name.as_str());
        let table = self.load(&mut state, columns.filter(|name| wanted.contains(*name)))?;
        // Right after the table was made all of it is there.
        let read = &mut state.read;
        read.extend(wanted.iter().cloned());
        let State { columns, read, .. } = &mut *state;
        columns.retain(|name, _| read.contains(name));
        Ok(table)
    }

    /// A table of columns, those that are not at hand loaded.
    fn load<'a>(
        &self,
        state: &mut State,
        wanted: impl Iterator<Item = &'a str>,
    ) -> Result<Arc<Table>, DataError> {
        let wanted: Vec<&str> = wanted.collect();
        let rows = usize::try_from(self.facts.rows).unwrap_or(0);
        let absent: BTreeSet<&str> =
            wanted.iter().copied().filter(|name| !state.columns.contains_key(*name)).collect();
        if !absent.is_empty() {
            let store = Store::at(&self.place)?;
            let read = |path: PathBuf| object::read(&path, rows, &|name| absent.contains(name));
            let stored = store.path(&self.record.table)?.and_then(read);
            let whole = |table: &Table| table.rows == rows && table.columns.len() == absent.len();
            match stored.filter(whole) {
                Some(table) => state.columns.extend(by_name(&table)),
                None => drop(self.again(&store, state)?),
            }
        }
        let columns = wanted.iter().filter_map(|name| state.columns.get(*name).cloned()).collect();
        Ok(Arc::new(Table { columns, rows }))
    }

    /// The side of every row.
    ///
    /// # Errors
    /// As [`Prepared::table`].
    pub fn sides(&self) -> Result<Arc<Vec<Side>>, DataError> {
        let mut state = self.state();
        if let Some(sides) = &state.sides {
            return Ok(sides.clone());
        }
        let store = Store::at(&self.place)?;
        let stored =
            store.get(&self.record.sides)?.and_then(|bytes| side::sides_from_bytes(&bytes));
        let sides = match stored.filter(|sides| sides.len() as u64 == self.facts.rows) {
            Some(sides) => Arc::new(sides),
            None => self.again(&store, &mut state)?.sides,
        };
        state.sides = Some(sides.clone());
        Ok(sides)
    }

    /// The object that holds the identity of every row.
    pub fn identities_object(&self) -> Digest {
        self.record.identities
    }

    /// The identity of every row: 64 bits of the content of the columns that [`Settled::identity`]
    /// names, see [`crate::row_identities`].
    ///
    /// # Errors
    /// As [`Prepared::table`].
    pub fn identities(&self) -> Result<Arc<Vec<u64>>, DataError> {
        let mut state = self.state();
        if let Some(identities) = &state.identities {
            return Ok(identities.clone());
        }
        let store = Store::at(&self.place)?;
        let stored = store
            .get(&self.record.identities)?
            .and_then(|bytes| identity::identities_from_bytes(&bytes));
        let identities = match stored.filter(|ids| ids.len() as u64 == self.facts.rows) {
            Some(identities) => Arc::new(identities),
            None => self.again(&store, &mut state)?.identities,
        };
        state.identities = Some(identities.clone());
        Ok(identities)
    }

    /// The object that holds the group of every row; `None` if the split keeps no groups together.
    pub fn groups_object(&self) -> Option<Digest> {
        self.record.groups
    }

    /// A hash of `split.by` for every row; `None` if the split keeps no groups together.
    ///
    /// # Errors
    /// As [`Prepared::table`].
    pub fn groups(&self) -> Result<Option<Arc<Vec<u64>>>, DataError> {
        let Some(object) = self.record.groups else { return Ok(None) };
        let mut state = self.state();
        if let Some(groups) = &state.groups {
            return Ok(Some(groups.clone()));
        }
        let store = Store::at(&self.place)?;
        let stored = store.get(&object)?.and_then(|bytes| identity::identities_from_bytes(&bytes));
        let groups = match stored.filter(|groups| groups.len() as u64 == self.facts.rows) {
            Some(groups) => Some(Arc::new(groups)),
            None => self.again(&store, &mut state)?.groups,
        };
        state.groups.clone_from(&groups);
        Ok(groups)
    }

    /// The time of every row, in the unit of [`Prepared::gap`] (microseconds since 1970, or the numbers
    /// of a numeric column), NaN where it is missing; `None` if the split does not go by time.
    ///
    /// # Errors
    /// As [`Prepared::table`].
    pub fn times(&self) -> Result<Option<Arc<Vec<f64>>>, DataError> {
        let Some(rule) = self.source.split.time() else { return Ok(None) };
        if let Some(times) = &self.state().times {
            return Ok(Some(times.clone()));
        }
        let table = self.columns(&BTreeSet::from([rule.column.get_ref().clone()]))?;
        let times = Arc::new(split::time::times(&table, &rule.column)?);
        self.state().times = Some(times.clone());
        Ok(Some(times))
    }

    /// How long before a boundary in time rows are left out: 0 without a gap.
    pub fn gap(&self) -> f64 {
        let gap = self.source.split.time().and_then(|rule| rule.gap.as_ref());
        gap.map_or(0.0, |gap| gap.get_ref().length())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the stored objects again from the files.
    fn again(&self, store: &Store, state: &mut State) -> Result<Made, DataError> {
        let interrupted = AtomicBool::new(false);
        let cx = Context {
            store,
            base: &self.base,
            progress: &|_, _, _| {},
            interrupted: &interrupted,
            fence: &self.fence,
            memory_bound: self.memory_bound,
            limits: self.limits,
        };
        let files = find(&self.source, &cx)?;
        let contents = Contents::within(self.source.unpacked_limit);
        let recipe = recipe_of(&self.source, &self.given, &files, &contents, &cx)?;
        let (record, made) = make(&self.source, &self.given, &files, &contents, &recipe, &cx)?;
        if record.key() != self.key {
            return Err(DataError::new(
                DataErrorKind::Changed,
                "its stored table is damaged, and the files have changed since the run began",
            )
            .at(&self.source.name)
            .help("run again: the table will be made from the files as they are now"));
        }
        state.notes.push(format!(
            "data.{}: its stored table was gone or damaged, so it was made again from the files",
            self.name
        ));
        state.columns = made.columns;
        match (made.sides, made.identities) {
            (Some(sides), Some(identities)) => Ok(Made { sides, identities, groups: made.groups }),
            _ => Err(DataError::interrupted()),
        }
    }
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rows = self.facts.rows;
        write!(f, "Prepared {{ name: {:?}, key: {:?}, rows: {rows} }}", self.name, self.key)
    }
}

/// A table as [`Prepared::object`] holds it; `None` for a file that is none.
pub fn read_table(path: &Path) -> Option<Table> {
    object::read(path, 0, &|_| true)
}
