//! An open pipeline: its store, its data, and what each expert's columns turned out to be.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::PathBuf,
    sync::{Arc, Mutex, atomic::AtomicBool},
};

use collegium_data::{ColumnFacts, Context, Matrix, Prepared, Side, prepare};
use collegium_digest::Digest;
use collegium_manifest::{Diagnostic, Diagnostics, Expert, Input, Output, Pipeline, Task, suggest};
use collegium_plan::{Dag, TargetFacts, resolve_task};
use collegium_records::{Fit, Lock};
use collegium_store::{Store, read_lock};
use indexmap::IndexMap;

use crate::{
    EngineError, Event,
    error::data_error,
    events::Watcher,
    rows::{RowCache, Rows},
};

/// How a pipeline is opened.
pub struct Options {
    /// Who watches.
    pub observer: Watcher,
    /// Set to stop: every fit looks at it at every step.
    pub interrupted: Arc<AtomicBool>,
    /// Bytes of table data above which SQLite works in a temporary file.
    pub memory_bound: u64,
}

/// An open pipeline.
pub struct Session {
    /// The resolved file.
    pub pipeline: Pipeline,
    /// Who feeds whom.
    pub dag: Dag,
    /// `.collegium/`
    pub store: Store,
    /// The lock as it was when the pipeline was opened.
    pub lock: Lock,
    /// Who watches.
    pub(crate) observer: Watcher,
    /// Set to stop.
    pub(crate) interrupted: Arc<AtomicBool>,
    pub(crate) data: IndexMap<String, Prepared>,
    pub(crate) experts: Vec<Resolved>,
    pub(crate) rows: RowCache,
    /// The content of every input file when the pipeline was opened.
    files: Vec<(PathBuf, Digest)>,
    pub(crate) matrices: Mutex<HashMap<Digest, std::sync::Weak<Matrix>>>,
}

/// What an expert's columns turned out to be.
#[derive(Debug, Clone)]
pub(crate) struct Resolved {
    pub(crate) task: Task,
    /// In the order of the logits; empty for regression.
    pub(crate) classes: Vec<String>,
    /// Declared inputs in canonical order: by name.
    pub(crate) inputs: Vec<Input>,
    /// Raw columns that the expert and its ancestors read, in canonical order.
    pub(crate) raw: Vec<Input>,
}

impl Session {
    /// Opens a pipeline: loads its data (from the store when nothing changed) and checks every
    /// column, predicate and target that it names.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] with everything that is wrong, [`EngineError::Store`].
    pub fn open(pipeline: Pipeline, options: Options) -> Result<Self, EngineError> {
        let store = Store::open(&pipeline.root)?;
        let dag = Dag::new(&pipeline)
            .map_err(|node| EngineError::Internal(format!("expert {node} lies on a cycle")))?;
        let lock = read_lock(&lock_path(&pipeline))?;
        let base = base(&pipeline);
        let mut data = IndexMap::new();
        let mut wrong = Diagnostics::default();
        for (name, source) in &pipeline.data {
            let watcher = &options.observer;
            let progress = |what: &str, done: u64, of: Option<u64>| {
                watcher.event(Event::Loading { what: what.to_owned(), done, of });
            };
            let context = Context {
                store: &store,
                base: &base,
                progress: &progress,
                interrupted: &options.interrupted,
                memory_bound: options.memory_bound,
            };
            match prepare(source, pipeline.seed, &context) {
                Ok(prepared) => {
                    for note in &prepared.facts.notes {
                        options.observer.event(Event::Note(format!("data.{name}: {note}")));
                    }
                    data.insert(name.clone(), prepared);
                }
                Err(error) => match data_error(error, &pipeline.source) {
                    EngineError::Invalid(found) => wrong.0.extend(found.0),
                    other => return Err(other),
                },
            }
        }
        if !wrong.0.is_empty() {
            return Err(EngineError::Invalid(wrong));
        }
        let mut session = Self {
            pipeline,
            dag,
            store,
            lock,
            observer: options.observer,
            interrupted: options.interrupted,
            data,
            experts: Vec::new(),
            rows: RowCache::default(),
            files: Vec::new(),
            matrices: Mutex::default(),
        };
        session.experts = session.resolve()?;
        for prepared in session.data.values() {
            for path in prepared.files.iter().flat_map(|(_, paths)| paths) {
                session.files.push((path.clone(), session.store.file_digest(path)?));
            }
        }
        Ok(session)
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

    pub(crate) fn expert(&self, index: usize) -> &Expert {
        &self.pipeline.experts[index]
    }

    pub(crate) fn name(&self, index: usize) -> &str {
        self.pipeline.experts.get_index(index).map_or("", |(name, _)| name.as_str())
    }

    pub(crate) fn node_name(&self, index: usize) -> String {
        format!("expert.{}", self.name(index))
    }

    pub(crate) fn prepared(&self, index: usize) -> &Prepared {
        &self.data[&self.expert(index).data]
    }

    pub(crate) fn column_facts(&self, data: &str, column: &str) -> Option<&ColumnFacts> {
        self.data.get(data)?.facts.columns.iter().find(|facts| facts.name == column)
    }

    /// The realisation of a recipe to stand on: the locked one, else one of this processor's
    /// kernels, else the first by name. Its model must be in the store.
    pub(crate) fn known_fit(&self, recipe: &Digest) -> Result<Option<Fit>, EngineError> {
        let mut known: BTreeMap<Digest, Fit> = self.store.realisations(recipe)?;
        known.retain(|_, fit| self.store.contains(&fit.model));
        let key = recipe.to_string();
        let locked = self.lock.node.values().find_map(|node| {
            if node.recipe == *recipe {
                Some(node.realisation)
            } else {
                node.parts.get(&key).copied()
            }
        });
        if let Some(fit) = locked.and_then(|id| known.remove(&id)) {
            return Ok(Some(fit));
        }
        let kernel = collegium_learn::kernel_class();
        let own = known.values().find(|fit| fit.kernel == kernel).cloned();
        Ok(own.or_else(|| known.into_values().next()))
    }

    /// A matrix object, shared between those who read it at the same time.
    pub(crate) fn matrix(&self, object: &Digest) -> Result<Option<Arc<Matrix>>, EngineError> {
        let mut cache = lock_mutex(&self.matrices);
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

    fn resolve(&self) -> Result<Vec<Resolved>, EngineError> {
        let mut wrong = Vec::new();
        let mut resolved: Vec<Option<Resolved>> = vec![None; self.pipeline.experts.len()];
        let mut raw: Vec<BTreeSet<String>> = vec![BTreeSet::new(); resolved.len()];
        for &index in self.dag.order() {
            let expert = self.expert(index);
            let mut inputs = Vec::new();
            for input in &expert.inputs {
                match input.get_ref() {
                    Input::Column { data, column } => {
                        if self.column_facts(data, column).is_none() {
                            wrong.push(self.no_such_column(data, column, input.span()));
                        }
                        raw[index].insert(column.clone());
                    }
                    Input::Output { expert, output } => {
                        let Some(from) = self.pipeline.experts.get_index_of(expert) else {
                            continue;
                        };
                        let above = raw[from].clone();
                        raw[index].extend(above);
                        if let Some(upstream) = &resolved[from]
                            && !has_output(upstream.task, *output)
                        {
                            wrong.push(self.no_such_output(expert, *output, upstream, input.span()));
                        }
                    }
                }
                inputs.push(input.get_ref().clone());
            }
            inputs.sort_by_key(ToString::to_string);
            let Some(facts) = self.column_facts(&expert.data, expert.target.get_ref()) else {
                wrong.push(self.no_such_column(
                    &expert.data,
                    expert.target.get_ref(),
                    expert.target.span(),
                ));
                continue;
            };
            let target = TargetFacts {
                kind: facts.kind,
                binary: facts.binary,
                integer: facts.integer,
                levels: self.levels(index, facts)?,
            };
            match resolve_task(expert.task.as_ref().map(|task| *task.get_ref()), &target) {
                Ok((task, classes)) => {
                    let raw = raw[index]
                        .iter()
                        .map(|column| Input::Column {
                            data: expert.data.clone(),
                            column: column.clone(),
                        })
                        .collect();
                    resolved[index] = Some(Resolved { task, classes, inputs, raw });
                }
                Err(error) => wrong.push(
                    Diagnostic::error(&self.pipeline.source, expert.target.span(), error.to_string())
                        .label(format!("target of expert `{}`", self.name(index)))
                        .help(error.help()),
                ),
            }
            if let Err(error) = self.check_filter(index) {
                match error {
                    EngineError::Invalid(found) => wrong.extend(found.0),
                    other => return Err(other),
                }
            }
        }
        if !wrong.is_empty() {
            return Err(EngineError::Invalid(Diagnostics(wrong)));
        }
        Ok(resolved.into_iter().flatten().collect())
    }

    /// Evaluates an expert's `where` once per content of its table, to find what is wrong with it.
    fn check_filter(&self, index: usize) -> Result<(), EngineError> {
        let Some(filter) = &self.expert(index).filter else { return Ok(()) };
        let key = self.rows_key(Rows::Side { expert: index, side: Side::Train });
        if self.store.memo(&key).is_some() {
            return Ok(());
        }
        match self.base_mask(index) {
            Ok(_) => {
                self.store.remember(key, key);
                Ok(())
            }
            Err(EngineError::Invalid(mut found)) => {
                for diagnostic in &mut found.0 {
                    diagnostic
                        .place
                        .get_or_insert_with(|| (self.pipeline.source.clone(), filter.span()));
                }
                Err(EngineError::Invalid(found))
            }
            Err(other) => Err(other),
        }
    }

    /// The classes that a target holds: texts from the facts, whole numbers from the column.
    fn levels(&self, index: usize, facts: &ColumnFacts) -> Result<Vec<String>, EngineError> {
        let declared = self.expert(index).task.as_ref().map(|task| *task.get_ref());
        let numbers = facts.kind == collegium_manifest::ColumnType::Number && !facts.binary;
        if !numbers || declared != Some(Task::Classification) {
            return Ok(facts.levels.clone());
        }
        let table = self.table(index)?;
        let Some(column) = table.column(&facts.name) else { return Ok(Vec::new()) };
        let collegium_data::Values::Number(values) = &column.values else { return Ok(Vec::new()) };
        let distinct: BTreeSet<i64> =
            values.iter().filter(|v| !v.is_nan()).map(|&v| v as i64).collect();
        Ok(distinct.into_iter().map(|v| v.to_string()).collect())
    }

    pub(crate) fn table(&self, index: usize) -> Result<Arc<collegium_data::Table>, EngineError> {
        self.prepared(index).table().map_err(|error| data_error(error, &self.pipeline.source))
    }

    fn no_such_column(&self, data: &str, column: &str, span: std::ops::Range<usize>) -> Diagnostic {
        let known: Vec<&str> = self
            .data
            .get(data)
            .map(|prepared| prepared.facts.columns.iter().map(|c| c.name.as_str()).collect())
            .unwrap_or_default();
        let help = match suggest(column, known.iter().copied()) {
            Some(near) => format!("did you mean `{data}.{near}`?"),
            None => format!("its columns are: {}", known.join(", ")),
        };
        let message = format!("data source `{data}` has no column `{column}`");
        Diagnostic::error(&self.pipeline.source, span, message).label("no such column").help(help)
    }

    fn no_such_output(
        &self,
        expert: &str,
        output: Output,
        upstream: &Resolved,
        span: std::ops::Range<usize>,
    ) -> Diagnostic {
        let task = match upstream.task {
            Task::Classification => "classifies",
            Task::Regression => "is a regression",
        };
        let known: Vec<String> = Output::ALL
            .into_iter()
            .filter(|&output| has_output(upstream.task, output))
            .map(|output| format!("`{expert}.{output}`"))
            .collect();
        let message = format!("expert `{expert}` {task} and has no output `{output}`");
        Diagnostic::error(&self.pipeline.source, span, message)
            .label("no such output")
            .help(format!("it hands out {}", known.join(", ")))
    }
}

/// The position of an expert by `NAME` or `expert.NAME`.
pub(crate) fn expert_index(pipeline: &Pipeline, name: &str) -> Result<usize, EngineError> {
    let short = name.strip_prefix("expert.").unwrap_or(name);
    pipeline.experts.get_index_of(short).ok_or_else(|| {
        let known: Vec<&str> = pipeline.experts.keys().map(String::as_str).collect();
        let way_out = match suggest(short, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("its experts are: {}", known.join(", ")),
        };
        EngineError::Usage(format!("pipeline `{}` has no expert `{short}`; {way_out}", pipeline.name))
    })
}

/// Does a task have this output?
pub(crate) fn has_output(task: Task, output: Output) -> bool {
    match output {
        Output::Embedding => true,
        Output::Value => task == Task::Regression,
        Output::Probability | Output::Logit | Output::Label => task == Task::Classification,
    }
}

/// The folder that the pipeline's files are found from.
pub(crate) fn base(pipeline: &Pipeline) -> PathBuf {
    pipeline.source.path.parent().map_or_else(PathBuf::new, std::path::Path::to_path_buf)
}

fn lock_path(pipeline: &Pipeline) -> PathBuf {
    pipeline.source.path.with_extension("lock")
}

/// A mutex whose holder panicked still guards usable data here: every write is a single insert.
pub(crate) fn lock_mutex<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
