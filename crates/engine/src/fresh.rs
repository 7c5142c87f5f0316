//! Fast up-to-date check: finds that a run has nothing to do, by file stamps, without reading any data.
//!
//! A finished run that left everything up to date files what that rests on: the bytes of the pipeline
//! file, its blueprints and its lock, the state (device, inode, size, times) of every data file, and
//! that of every model, output and record in the store that it stands on. While all of them are as
//! they were there is nothing to do, and the answer is the one that was given then. Anything else
//! (another file, a missing object, a moved stamp) is no answer at all, and the long way is taken: this
//! is never a reason to call something stale, only one to call it fresh.
//!
//! It reads three small files and asks the system about the others, so that a thousand experts cost
//! what `make` or `ninja` would ask for a thousand files.

use std::{
    collections::HashMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use collegium_digest::{Digest, Hasher};
use collegium_manifest::{DataSource, StandsOn, asks, project_root};
use collegium_records::{
    Action, DataFinding, ENGINE_EPOCH, Estimate, NodePlan, Outcome, PlanReport, PredictedBy,
    Reason, RequirementOutcome, RotatedPlan, RunReport,
};
use collegium_store::{Ground as Files, Stamped, Store};
use serde::{Deserialize, Serialize};

use crate::{
    EngineError, Session, consent::fence_around, findings::held::HELD_SETTINGS, rotate::RotatedRun,
    session::base, states::States,
};

/// What "up to date" rested on.
#[derive(Debug, Serialize, Deserialize)]
struct Ground {
    /// Of every small file that was read: pipeline (and what `--set` said over it), lock, blueprints, other
    /// pipelines' locks, and what is said beside tables of who made them.
    texts: Digest,
    /// Other pipelines' locks, relative to the pipeline file.
    sources: Vec<PathBuf>,
    /// `pipeline.reads`.
    reads: Vec<String>,
    /// Patterns of data files, and what they named.
    patterns: Vec<(String, Vec<PathBuf>)>,
    /// Data files.
    data: Vec<Stamped>,
    /// The pipeline's name.
    pipeline: String,
    /// Experts.
    experts: usize,
    /// `evaluate.require`, each with its outcome.
    requirements: Vec<RequirementOutcome>,
    /// What should be known of the data.
    findings: Vec<DataFinding>,
    /// What is to be said every time.
    notes: Vec<String>,
}

/// The notes of a report that hold as long as it does.
fn standing_notes(report: &RunReport) -> Vec<String> {
    report.nodes.iter().flat_map(crate::membership::notes).collect()
}

/// A pipeline with nothing to do.
pub struct Fresh {
    /// The pipeline's name.
    pub pipeline: String,
    /// How many experts are up to date.
    pub experts: usize,
    /// `evaluate.require`, each with its outcome.
    pub requirements: Vec<RequirementOutcome>,
    /// What is to be said every time: models that have seen held-out rows.
    pub notes: Vec<String>,
    findings: Vec<DataFinding>,
    /// What `--set` says over the pipeline file.
    overrides: Vec<String>,
    store: Store,
    key: String,
}

impl Fresh {
    /// The report of a run that does nothing, node by node; `None` if it was damaged. It is as large
    /// as the pipeline: most of the time of finding out that there is nothing to do would go into
    /// reading it.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub fn report(&self) -> Result<Option<RunReport>, EngineError> {
        let Some(bytes) = self.store.cached(&format!("{}.report", self.key))? else {
            return Ok(None);
        };
        Ok(serde_json::from_slice(&bytes).ok())
    }

    /// The plan of doing nothing; `None` if its record was damaged.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub fn plan(&self) -> Result<Option<PlanReport>, EngineError> {
        let Some(report) = self.report()? else { return Ok(None) };
        let nodes = report.nodes.into_iter().map(|node| NodePlan {
            name: node.name,
            action: match node.outcome {
                Outcome::Frozen => Action::Frozen,
                _ => Action::Cached,
            },
            reasons: node.reasons,
            fits: Vec::new(),
            recipe: node.recipe,
            seconds: Some(Estimate::default()),
            peak_bytes: 0,
            search: None,
            judgement: None,
            advice: None,
        });
        Ok(Some(PlanReport {
            format_version: report.format_version,
            pipeline: report.pipeline,
            nodes: nodes.collect(),
            seconds: Estimate::default(),
            peak_bytes: 0,
            memory_limit: None,
            audit: None,
            rotated: report
                .rotated
                .map(|of| RotatedPlan { rotations: of.rotations, ..RotatedPlan::default() }),
        }))
    }

    /// Has a node settings that its held model was not trained with? Then a plan says it.
    pub fn has_held_settings(&self) -> bool {
        self.findings.iter().any(|finding| finding.kind == HELD_SETTINGS)
    }

    /// The same without its nodes.
    pub fn summary(&self, seconds: f64) -> RunReport {
        RunReport {
            format_version: collegium_records::FORMAT_VERSION,
            pipeline: self.pipeline.clone(),
            seconds,
            peak_bytes: crate::run::peak_memory(),
            nodes: Vec::new(),
            requirements: self.requirements.clone(),
            end_to_end: Vec::new(),
            notes: self.notes.clone(),
            findings: self.findings.clone(),
            interrupted: false,
            report: None,
            audit: None,
            rotated: None,
            searches: Vec::new(),
            overrides: self.overrides.clone(),
        }
    }

    /// Logs a run that did nothing.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub fn log(&self, seconds: f64) -> Result<(), EngineError> {
        Ok(self.store.log_run(&self.summary(seconds))?)
    }
}

/// Is there nothing to do for the pipeline in this file, with these values of `--set` over it? `allowed` are folders
/// that its user lets it read.
/// `None`: this cannot be said without a full check.
///
/// # Errors
/// Only what a longer look would meet too: a store that cannot be read.
pub fn fresh(
    pipeline: &Path,
    overrides: &[String],
    allowed: &[PathBuf],
) -> Result<Option<Fresh>, EngineError> {
    let root = project_root(pipeline);
    let store = Store::open_to_read(&root)?;
    let key = key(pipeline);
    let Some(bytes) = store.cached(&format!("{key}.ground"))? else { return Ok(None) };
    let Some((ground, files)) = decode(&bytes) else { return Ok(None) };
    let folder = pipeline.parent().unwrap_or(Path::new(""));
    let asked = asks(
        pipeline,
        &root,
        ground.reads.iter().map(String::as_str),
        ground.patterns.iter().map(|(pattern, _)| pattern.as_str()),
        ground.sources.iter().map(PathBuf::as_path),
    );
    let fence = fence_around(pipeline, &root, &asked, allowed);
    let tables = ground.patterns.iter().flat_map(|(_, files)| files);
    // Consent that was taken back is missed at once.
    let same = ground.sources.iter().all(|lock| fence.admit(&folder.join(lock)).is_ok())
        && texts(pipeline, overrides, &root, &ground.sources, tables) == Some(ground.texts)
        && ground.patterns.iter().all(|(pattern, files)| {
            collegium_data::files_of(folder, &fence, pattern).is_some_and(|now| now == *files)
        })
        && ground.data.iter().all(Stamped::is_as_it_was)
        && store.stands_on(&files);
    let Ground { pipeline, experts, requirements, notes, findings, .. } = ground;
    let overrides = overrides.to_vec();
    let fresh = Fresh { pipeline, experts, requirements, notes, findings, overrides, store, key };
    Ok(same.then_some(fresh))
}

impl Session {
    /// Is any object damaged that these states use? Each is read, unless this process has written or
    /// checked it; what is damaged is out of the way then, and is made again. Nothing rests on the stamp of
    /// a file that was not looked into: cut to nothing before it was first stamped, it would pass for ever.
    pub(crate) fn any_damaged(&self, states: &States) -> Result<bool, EngineError> {
        let mut damaged = false;
        for object in objects(states) {
            damaged |= self.store.path(&object)?.is_none();
        }
        Ok(damaged)
    }

    /// Files what this run's "everything is up to date" rests on. Not being able to is no failure:
    /// the next run only takes the long way.
    pub(crate) fn file_fresh(
        &self,
        states: &States,
        rotated: Option<&RotatedRun>,
        report: &RunReport,
    ) -> Result<(), EngineError> {
        let whole = match (&self.pipeline.evaluate.rotate, rotated) {
            (None, _) => true,
            (Some(_), Some(rotated)) => rotated.report.whole && !rotated.report.has_failed(),
            (Some(_), None) => false,
        };
        let done = whole && states.len() == self.pipeline.experts.len()
            // What is said of models that have seen held-out rows is said again; other notes are news.
            && report.notes == standing_notes(report)
            && report
                .nodes
                .iter()
                .all(|n| !matches!(n.outcome, Outcome::Failed | Outcome::Blocked));
        let path = &self.pipeline.source.path;
        let key = key(path);
        if !done {
            return Ok(());
        }
        let rotations = rotated.map_or(&[][..], |rotated| &rotated.states);
        let Some((ground, files)) = self.ground_of(states, rotations, report)? else {
            return Ok(());
        };
        let mut idle = report.clone();
        for node in &mut idle.nodes {
            let index = self.index(&node.name)?;
            let held = states.get(&index).is_some_and(|state| state.held.is_some());
            node.outcome = if held { Outcome::Frozen } else { Outcome::Cached };
            (node.fits, node.seconds, node.cpu_seconds, node.fit_cpu_seconds) = (0, 0.0, 0.0, 0.0);
            (node.peak_bytes, node.before) = (0, None);
            node.fitted.clear();
            // What it stands on stays said; why it was trained then is no reason now.
            match &node.certificate {
                Some(certificate) => {
                    let stands = collegium_plan::reuse::certificate_words(certificate);
                    node.reasons = vec![Reason::Note(stands)];
                }
                None => {
                    let settings = self.node(index).other_settings()?;
                    node.reasons = settings.map(Reason::Note).into_iter().collect();
                }
            }
            node.judgement = None;
        }
        for node in idle.rotated.iter_mut().flat_map(|rotated| &mut rotated.nodes) {
            node.fitted.clear();
            node.cpu_seconds = 0.0;
        }
        idle.end_to_end.clear();
        idle.searches.clear();
        idle.seconds = 0.0;
        let encode = |error: serde_json::Error| {
            EngineError::Internal(format!("filing what is up to date: {error}"))
        };
        let ground = [serde_json::to_vec(&ground).map_err(encode)?, files];
        let idle = serde_json::to_vec(&idle).map_err(encode)?;
        self.store.cache(&format!("{key}.report"), &idle)?;
        Ok(self.store.cache(&format!("{key}.ground"), &ground.join(&0))?)
    }

    fn ground_of(
        &self,
        states: &States,
        rotations: &[States],
        report: &RunReport,
    ) -> Result<Option<(Ground, Vec<u8>)>, EngineError> {
        let path = &self.pipeline.source.path;
        let sources: Vec<PathBuf> = self
            .pipeline
            .experts
            .values()
            .filter_map(|expert| match &expert.stands_on {
                StandsOn::Source { pipeline, .. } => {
                    Some(Path::new(pipeline.get_ref()).with_extension("lock"))
                }
                _ => None,
            })
            .collect();
        let base = base(&self.pipeline);
        let mut patterns = Vec::new();
        for pattern in self.pipeline.data.values().flat_map(DataSource::patterns) {
            let text = pattern.get_ref().clone();
            let Some(files) = collegium_data::files_of(&base, &self.fence, &text) else {
                return Ok(None);
            };
            patterns.push((text, files));
        }
        let tables = patterns.iter().flat_map(|(_, files): &(_, Vec<PathBuf>)| files);
        let overrides = self.overrides();
        let Some(texts) = texts(path, &overrides, &self.pipeline.root, &sources, tables) else {
            return Ok(None);
        };
        let data: Option<Vec<Stamped>> =
            self.files.iter().map(|(path, _)| Stamped::settled(path)).collect();
        // A file that was changed a moment ago may change again under the same stamp.
        let Some(data) = data else { return Ok(None) };
        let all = || std::iter::once(states).chain(rotations);
        let parts = all().flat_map(HashMap::values).flat_map(|state| state.parts.values());
        let records = parts.map(|(recipe, fit)| (*recipe, fit.model));
        let Some(files) = self.store.ground(all().flat_map(objects), records) else {
            return Ok(None);
        };
        let experts = self.pipeline.experts.len();
        let pipeline = self.pipeline.name.clone();
        let (requirements, notes) = (report.requirements.clone(), report.notes.clone());
        let findings = report.findings.clone();
        let ground = Ground {
            texts,
            sources,
            reads: self.pipeline.reads.iter().map(|folder| folder.get_ref().clone()).collect(),
            patterns,
            data,
            pipeline,
            experts,
            requirements,
            notes,
            findings,
        };
        Ok(Some((ground, files)))
    }
}

/// The models and outputs that states use.
fn objects(states: &States) -> impl Iterator<Item = Digest> {
    let models = states.values().flat_map(|state| state.parts.values()).map(|(_, fit)| fit.model);
    let outputs = states
        .values()
        .flat_map(|state| state.views.values())
        .flat_map(|applied| applied.outputs.values());
    models.chain(outputs.copied())
}

/// JSON, which has no byte 0, then that byte, then the files of the store.
fn decode(bytes: &[u8]) -> Option<(Ground, Files<'_>)> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    let ground = serde_json::from_slice(&bytes[..end]).ok()?;
    Some((ground, Files::from_bytes(&bytes[end + 1..])?))
}

/// The name of a pipeline's entry in the cache.
fn key(pipeline: &Path) -> String {
    let absolute = std::path::absolute(pipeline).unwrap_or_else(|_| pipeline.to_owned());
    let name = Hasher::new("fresh").text(&absolute.to_string_lossy()).finish();
    format!("fresh-{}", name.short())
}

/// A digest over every small file that decides what is up to date, over what is set over the pipeline file, and
/// over the program.
fn texts<'a>(
    pipeline: &Path,
    overrides: &[String],
    root: &Path,
    sources: &[PathBuf],
    tables: impl Iterator<Item = &'a PathBuf>,
) -> Option<Digest> {
    let mut hasher = Hasher::new("texts");
    hasher.count(u64::from(ENGINE_EPOCH)).text(env!("CARGO_PKG_VERSION"));
    hasher.list(overrides.len());
    overrides.iter().for_each(|one| {
        hasher.text(one);
    });
    let folder = pipeline.parent().unwrap_or(Path::new(""));
    let locks = sources.iter().map(|source| folder.join(source));
    for path in [pipeline.to_owned(), pipeline.with_extension("lock")].into_iter().chain(locks) {
        hasher.digest(&content(&path).ok()?);
    }
    let mut blueprints: Vec<PathBuf> = match fs::read_dir(root.join("models")) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(_) => Vec::new(),
    };
    blueprints.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    blueprints.sort();
    for path in blueprints {
        hasher.text(&path.file_name()?.to_string_lossy()).digest(&content(&path).ok()?);
    }
    // Most tables have nothing beside them; where one has, or had, its place counts too.
    for (at, table) in tables.enumerate() {
        match content(&PredictedBy::beside(table)) {
            Ok(said) => hasher.count(at as u64).digest(&said),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(_) => return None,
        };
    }
    Some(hasher.finish())
}

/// The digest of a file, which may be a lock of megabytes: it is not held in memory.
fn content(path: &Path) -> io::Result<Digest> {
    Digest::of_reader(&mut File::open(path)?)
}
