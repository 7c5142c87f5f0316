//! An open pipeline: its store, its data, and each expert's resolved columns.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use collegium_data::{ColumnFacts, Context, DataErrorKind, Prepared, SqlLimits, prepare};
use collegium_digest::Digest;
use collegium_manifest::{Diagnostics, Fence, Pipeline, bare_name, suggest};
use collegium_plan::Dag;
use collegium_probe::Resampling;
use collegium_records::{Code, Fit, Lock, LockedData};
use collegium_store::{Store, read_lock};
use collegium_table::Matrix;
use indexmap::IndexMap;

use crate::{
    EngineError, Event,
    alike::Alike,
    error::data_error,
    events::Watcher,
    held::model::HeldModel,
    memo::Memo,
    mutex::lock_mutex,
    notes::Notes,
    resolved::Resolved,
    tune::{self, Tuned},
};

/// How a pipeline is opened.
pub struct Options {
    /// Who watches.
    pub observer: Watcher,
    /// Set to stop: every fit looks at it at every step.
    pub interrupted: Arc<AtomicBool>,
    /// Must what is made be kept? Else a project that cannot be written is only read.
    pub keeps: bool,
    /// Bytes of table data above which SQLite works in a temporary file.
    pub memory_bound: u64,
    /// Find the dates of splits by shares of time anew, from today's rows.
    pub advance_split: bool,
    /// Folders outside of the project that the user allows to be read.
    pub allowed: Vec<PathBuf>,
    /// Steps after which a query is left unfinished ([`EngineError::Unfinished`]).
    pub look: Option<u64>,
}

/// An open pipeline.
pub struct Session {
    /// The resolved file.
    pub pipeline: Pipeline,
    /// The DAG of experts.
    pub dag: Dag,
    /// `.collegium/`
    pub store: Arc<Store>,
    /// The lock as it was when the pipeline was opened.
    pub lock: Lock,
    /// Where its files may lie.
    pub(crate) fence: Fence,
    /// Who watches.
    pub(crate) observer: Watcher,
    /// Set to stop.
    pub interrupted: Arc<AtomicBool>,
    /// Recipe to realisation, of all models in the lock.
    pub(crate) locked: HashMap<Digest, Digest>,
    /// The data sources, read.
    pub data: Arc<IndexMap<String, Prepared>>,
    pub(crate) resolved: Vec<Resolved>,
    /// Models that are not to be trained.
    pub(crate) held: Vec<Option<Box<HeldModel>>>,
    /// Bytes of table data above which SQLite works in a temporary file.
    pub(crate) memory_bound: u64,
    /// The content of every input file when the pipeline was opened.
    pub(crate) files: Vec<(PathBuf, Digest)>,
    /// What was found out once and is asked for again.
    pub(crate) memo: Memo,
    /// What is to be said beside the results.
    pub(crate) told: Notes,
    /// What running fits hold.
    pub(crate) memory_held: Arc<crate::pool::MemoryPool>,
    /// What is odd about patterns among inputs, by expert.
    pub(crate) patterns: Vec<(usize, crate::findings::found::Found)>,
    /// Searches for settings that are done.
    pub(crate) tuned: Tuned,
}

impl Session {
    /// Opens a pipeline: loads its data (from the store when nothing changed) and checks every
    /// column, predicate and target that it names.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] with everything that is wrong, [`EngineError::Store`].
    pub fn open(pipeline: Pipeline, options: Options) -> Result<Self, EngineError> {
        let store = match options.keeps {
            true => Store::open(&pipeline.root)?,
            false => Store::open_to_read(&pipeline.root)?,
        };
        Self::over(pipeline, options, Arc::new(store))
    }

    /// The same over a store that is open already, wherever its objects lie.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub fn over(
        pipeline: Pipeline,
        options: Options,
        store: Arc<Store>,
    ) -> Result<Self, EngineError> {
        let lock = read_lock(&lock_path(&pipeline))?;
        let fence = crate::fence(&pipeline, &options.allowed);
        let (pipeline, tuned) = tune::applied(pipeline, &lock);
        let session = Self::with_lock(pipeline, options, store, lock, fence)?;
        Ok(Self { tuned, ..session })
    }

    /// One rotation of this pipeline, over the same store: the same rows under another deal. `lock` is what the
    /// rotation stood on before.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub(crate) fn rotated(
        &self,
        pipeline: Pipeline,
        observer: Watcher,
        mut lock: Lock,
    ) -> Result<Self, EngineError> {
        // Rows are known by the same columns, and values read in the same way, as in the declared split.
        lock.data = self.locked_data()?;
        let options = Options {
            observer,
            interrupted: self.interrupted.clone(),
            keeps: true,
            memory_bound: self.memory_bound,
            advance_split: false,
            allowed: Vec::new(),
            look: None,
        };
        let (store, fence) = (self.store.clone(), self.fence.clone());
        let session = Self::with_lock(pipeline, options, store, lock, fence)?;
        // Its experts have the settings of the declared split.
        Ok(Self { tuned: self.tuned.clone(), ..session })
    }

    fn with_lock(
        pipeline: Pipeline,
        options: Options,
        store: Arc<Store>,
        session_lock: Lock,
        fence: Fence,
    ) -> Result<Self, EngineError> {
        let dag = Dag::new(&pipeline)
            .map_err(|node| EngineError::Internal(format!("expert {node} lies on a cycle")))?;
        let base = base(&pipeline);
        let limits = SqlLimits {
            steps: pipeline.sql_steps,
            memory: pipeline.sql_memory,
            look: options.look,
        };
        let mut data = IndexMap::new();
        let (mut wrong, mut unfinished) = (Diagnostics::default(), Diagnostics::default());
        let told = Notes::default();
        for (name, source) in &pipeline.data {
            let watcher = &options.observer;
            let progress = |what: &str, done: u64, of: Option<u64>| {
                watcher.event(Event::Loading { what: what.to_owned(), done, of });
            };
            let context = Context {
                store: &store,
                base: &base,
                fence: &fence,
                progress: &progress,
                interrupted: &options.interrupted,
                memory_bound: options.memory_bound,
                limits,
            };
            let locked = session_lock.data.get(&format!("data.{name}"));
            let mut settled = locked.map(|data| data.settled.clone()).unwrap_or_default();
            if options.advance_split && source.split.is_forward() {
                settled.sides.clear();
            }
            match prepare(source, &settled, &context) {
                Ok(prepared) => {
                    let facts = &prepared.facts;
                    for note in facts.notes.iter().chain(&facts.left_out()) {
                        let note = format!("data.{name}: {note}");
                        options.observer.event(Event::Note(note.clone()));
                        told.say(note);
                    }
                    data.insert(name.clone(), prepared);
                }
                Err(error) if error.kind() == DataErrorKind::Unfinished => {
                    unfinished.push(error.diagnostic(&pipeline.source));
                }
                Err(error) => match data_error(error, &pipeline.source) {
                    EngineError::Invalid(found) => wrong.0.extend(found.0),
                    other => return Err(other),
                },
            }
        }
        // Nothing is loading any more, whatever is done with it next.
        options.observer.event(Event::Loaded);
        if !wrong.0.is_empty() {
            return Err(EngineError::Invalid(wrong));
        }
        if !unfinished.is_empty() {
            return Err(EngineError::Unfinished(unfinished));
        }
        let mut session = Self {
            pipeline,
            dag,
            store,
            fence,
            locked: locked_realisations(&session_lock),
            lock: session_lock,
            observer: options.observer,
            interrupted: options.interrupted,
            data: Arc::new(data),
            resolved: Vec::new(),
            held: Vec::new(),
            memory_bound: options.memory_bound,
            files: Vec::new(),
            memo: Memo::default(),
            told,
            memory_held: Arc::default(),
            patterns: Vec::new(),
            tuned: Tuned::default(),
        };
        session.expand_patterns()?;
        session.resolved = session.resolve()?;
        session.note_columns();
        session.held = session.hold()?;
        session.memo.rows.forget_keys();
        for prepared in session.data.values() {
            session.files.extend(prepared.contents());
        }
        Ok(session)
    }

    /// What `--set` said over the pipeline file.
    pub(crate) fn overrides(&self) -> Vec<String> {
        self.pipeline.source.overrides().map(str::to_owned).collect()
    }

    /// What the lock says of the data sources as they were read.
    pub(crate) fn locked_data(&self) -> Result<BTreeMap<String, LockedData>, EngineError> {
        let locked = |(name, data): (&String, &Prepared)| {
            let named = self.named(name);
            let settled = data
                .settled_for(&self.store, &|column| self.is_wanted(&named, column))
                .map_err(|error| data_error(error, &self.pipeline.source))?;
            let locked = LockedData {
                table: data.object(),
                sides: data.sides_object(),
                rows: data.facts.rows,
                settled,
            };
            Ok::<_, EngineError>((format!("data.{name}"), locked))
        };
        self.data.iter().map(locked).collect()
    }

    /// Input files whose content changed since the pipeline was opened, in words. What was fitted
    /// is filed under the content that was read.
    pub(crate) fn changed_inputs(&self) -> Vec<String> {
        self.files
            .iter()
            .filter(|(path, before)| {
                self.store.file_digest(path).map_or(true, |now| now != *before)
            })
            .map(|(path, _)| {
                format!(
                    "{} changed during the run; the results are those of its content before, and \
                     the next run will see the change",
                    path.display()
                )
            })
            .collect()
    }

    /// What was found damaged and made again, in words; each note is handed out once.
    pub fn notes(&self) -> Vec<String> {
        let data = self.data.values().flat_map(collegium_data::Prepared::notes);
        let told = self.told.take();
        self.store.notes().into_iter().chain(data).chain(told).collect()
    }

    /// Which experts are alike; asked for once all are resolved.
    pub(crate) fn alike(&self) -> &Alike {
        self.memo.alike.get_or_init(|| {
            Alike::of(&self.pipeline, &self.resolved, |index| self.node(index).is_forward())
        })
    }

    /// Adds a note to the next report.
    pub(crate) fn tell(&self, note: String) {
        self.told.tell(note);
    }

    /// Where the lock file lies.
    pub fn lock_path(&self) -> PathBuf {
        lock_path(&self.pipeline)
    }

    /// The positions of the named experts (`NAME` or `expert.NAME`); all of them for no names.
    ///
    /// # Errors
    /// [`EngineError::Usage`] for a name that no expert has.
    pub fn select(&self, names: &[String]) -> Result<Vec<usize>, EngineError> {
        if names.is_empty() {
            return Ok((0..self.pipeline.experts.len()).collect());
        }
        names.iter().map(|name| self.index(name)).collect()
    }

    /// The position of one expert.
    ///
    /// # Errors
    /// [`EngineError::Usage`] for a name that no expert has.
    pub fn index(&self, name: &str) -> Result<usize, EngineError> {
        expert_index(&self.pipeline, name)
    }

    /// What is known of a column of a data source.
    pub(crate) fn column_facts(&self, data: &str, column: &str) -> Option<&ColumnFacts> {
        self.data.get(data)?.facts.columns.iter().find(|facts| facts.name == column)
    }

    /// The realisation of a recipe to use: the locked one, else one of this processor's
    /// kernels, else the first by name. Its model must be in the store.
    pub(crate) fn known_fit(&self, recipe: &Digest) -> Result<Option<Fit>, EngineError> {
        let mut known: BTreeMap<Digest, Fit> = self.store.realisations(recipe)?;
        known.retain(|_, fit| self.store.contains(&fit.model));
        if let Some(fit) = self.locked.get(recipe).and_then(|id| known.remove(id)) {
            return Ok(Some(fit));
        }
        let kernel = collegium_learn::kernel_class();
        let own = known.values().find(|fit| fit.kernel == kernel).cloned();
        Ok(own.or_else(|| known.into_values().next()))
    }

    /// Tells the observer.
    pub fn tell_of(&self, event: Event) {
        self.observer.event(event);
    }

    /// How rows are drawn again, until somebody asks to stop. Whoever keeps what is measured asks
    /// [`go_on`](Self::go_on) before.
    pub fn resampling<'a>(&'a self, resamples: u32, key: &'a Digest) -> Resampling<'a> {
        Resampling::of_rows(resamples, key).until(&self.interrupted)
    }

    /// May work go on?
    ///
    /// # Errors
    /// [`EngineError::Interrupted`] once somebody asked to stop.
    pub fn go_on(&self) -> Result<(), EngineError> {
        match self.interrupted.load(Ordering::Relaxed) {
            true => Err(EngineError::Interrupted),
            false => Ok(()),
        }
    }

    /// Is there a model of this recipe in the store?
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub fn is_fitted(&self, recipe: &Digest) -> Result<bool, EngineError> {
        Ok(self.known_fit(recipe)?.is_some())
    }

    /// A matrix object, shared between those who read it at the same time.
    pub fn matrix(&self, object: &Digest) -> Result<Option<Arc<Matrix>>, EngineError> {
        let mut cache = lock_mutex(&self.memo.matrices);
        if let Some(matrix) = cache.get(object).and_then(std::sync::Weak::upgrade) {
            return Ok(Some(matrix));
        }
        let Some(bytes) = self.store.get(object)? else { return Ok(None) };
        let matrix = Matrix::from_bytes(&bytes)
            .map_err(|error| EngineError::Internal(format!("output object {object}: {error}")))?;
        let matrix = Arc::new(matrix);
        cache.insert(*object, Arc::downgrade(&matrix));
        Ok(Some(matrix))
    }
}

/// Recipe to realisation, of full fits, parts and anchors.
fn locked_realisations(lock: &Lock) -> HashMap<Digest, Digest> {
    let mut known = HashMap::new();
    for node in lock.node.values() {
        let anchors = node.certificate.iter().flat_map(|certificate| {
            std::iter::once(&certificate.anchor).chain(certificate.anchor_parts.values())
        });
        for one in node.parts.values().chain(anchors) {
            known.insert(one.recipe, one.realisation);
        }
        known.insert(node.recipe, node.realisation);
    }
    known
}

/// The position of an expert by `NAME` or `expert.NAME`.
pub(crate) fn expert_index(pipeline: &Pipeline, name: &str) -> Result<usize, EngineError> {
    let short = bare_name(name);
    pipeline.experts.get_index_of(short).ok_or_else(|| {
        let known: Vec<&str> = pipeline.experts.keys().map(String::as_str).collect();
        let way_out = match suggest(short, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("its experts are: {}", known.join(", ")),
        };
        EngineError::Usage(
            Code::NoSuchNode,
            format!("pipeline `{}` has no expert `{short}`; {way_out}", pipeline.name),
        )
    })
}

/// The folder that the pipeline's files are found from.
pub(crate) fn base(pipeline: &Pipeline) -> PathBuf {
    pipeline.source.path.parent().map_or_else(PathBuf::new, std::path::Path::to_path_buf)
}

pub(crate) fn lock_path(pipeline: &Pipeline) -> PathBuf {
    let path = pipeline.source.path.with_extension("lock");
    match path.parent() {
        // A bare name has no folder to sync, so it is given one.
        Some(folder) if folder.as_os_str().is_empty() => PathBuf::from(".").join(path),
        _ => path,
    }
}
