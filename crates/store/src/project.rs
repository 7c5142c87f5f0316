//! Pipelines of a project, and the garbage collection roots that their lock files name.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use collegium_digest::Digest;
use collegium_records::{FitName, Lock, LockedNode, Missing};

use crate::{Entry, Prefix, Store, StoreError, layout::hex, read_lock};

/// A pipeline file with its lock.
#[derive(Debug, Clone)]
pub struct PipelineFile {
    /// `NAME.toml`
    pub path: PathBuf,
    /// `NAME.lock` beside it; empty if there is none.
    pub lock: Lock,
    /// The beginnings of model digests that its experts are pinned to.
    pub pins: Vec<String>,
}

/// All pipeline files below a project root, sorted: hidden folders and `target` are not searched,
/// and `Cargo.toml` and its like, which have lock files of another kind, are passed over.
///
/// # Errors
/// If a lock file cannot be read, or a folder.
pub fn pipelines(root: &Path) -> Result<Vec<PipelineFile>, StoreError> {
    let mut found = Vec::new();
    search(root, &mut BTreeSet::new(), &mut found)?;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn search(
    folder: &Path,
    seen: &mut BTreeSet<PathBuf>,
    found: &mut Vec<PipelineFile>,
) -> Result<(), StoreError> {
    // A link may lead back up.
    let Ok(real) = folder.canonicalize() else { return Ok(()) };
    if !seen.insert(real) {
        return Ok(());
    }
    for (name, path) in entries(folder)? {
        if name.starts_with('.') || name == "target" {
            continue;
        }
        if path.is_dir() {
            // A project within a project has a store of its own.
            if path.join(".collegium").is_dir() || path.join("pipelines").is_dir() {
                continue;
            }
            search(&path, seen, found)?;
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            found.extend(pipeline(&path)?);
        }
    }
    Ok(())
}

/// The names in a folder of the project, with their paths.
fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, StoreError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(StoreError::read(folder))? {
        let entry = entry.map_err(StoreError::read(folder))?;
        found.extend(entry.file_name().into_string().ok().map(|name| (name, entry.path())));
    }
    Ok(found)
}

/// The pipeline in a TOML file, if it is one.
///
/// # Errors
/// If it cannot be read, or its lock cannot.
pub fn pipeline(path: &Path) -> Result<Option<PipelineFile>, StoreError> {
    let text = fs::read(path).map_err(StoreError::read(path))?;
    let text = String::from_utf8_lossy(&text);
    let lock = path.with_extension("lock");
    let table: Option<toml::Table> = text.parse().ok();
    let ours = match &table {
        Some(table) => table.contains_key("pipeline") || table.contains_key("expert"),
        // Broken by an edit that is under way: its lock is as good as ever.
        None => ["[pipeline", "[expert."].iter().any(|head| text.contains(head)),
    };
    if !ours {
        return Ok(None);
    }
    let pins = match &table {
        Some(table) => pins(table),
        None => text.lines().filter_map(pin_of_line).collect(),
    };
    Ok(Some(PipelineFile { path: path.to_owned(), lock: read_lock(&lock)?, pins }))
}

fn pins(file: &toml::Table) -> Vec<String> {
    let experts = file.get("expert").and_then(toml::Value::as_table).into_iter().flatten();
    experts.filter_map(|(_, expert)| Some(expert.get("pin")?.as_str()?.to_owned())).collect()
}

/// The value of `pin = "…"`.
fn pin_of_line(line: &str) -> Option<String> {
    let value = line.trim_start().strip_prefix("pin")?.trim_start().strip_prefix('=')?;
    Some(value.split(['"', '\'']).nth(1)?.to_owned())
}

/// Garbage collection roots: what must not be removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roots {
    /// Objects that lock files and pins name.
    pub objects: BTreeSet<Digest>,
    /// Models of recent runs.
    pub recent: BTreeSet<Digest>,
    /// Recipes that lock files and recent runs name.
    pub recipes: BTreeSet<Digest>,
    /// Models that experts are pinned to: their fold models belong to them.
    pub pinned: BTreeSet<Digest>,
}

impl Roots {
    fn add(&mut self, lock: &Lock) {
        for data in lock.data.values() {
            self.objects.extend([data.table, data.sides]);
        }
        for node in lock.node.values() {
            self.objects.extend(node.objects());
            self.recipes.extend(node.recipes());
        }
    }
}

/// So many of the last runs keep their models.
const RECENT_RUNS: usize = 10;

impl Store {
    /// Garbage collection roots: what the pipelines of this project, and its last ten runs, use.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn roots(&self, pipelines: &[PipelineFile]) -> Result<Roots, StoreError> {
        let mut roots = Roots::default();
        for pipeline in pipelines {
            let rotated = pipeline.lock.rotated.as_ref();
            roots.objects.extend(rotated.map(|rotated| rotated.locks));
            let rotations = self.rotated_locks(rotated)?;
            for lock in std::iter::once(&pipeline.lock).chain(&rotations) {
                roots.add(lock);
            }
        }
        let pins: Vec<&String> =
            pipelines.iter().flat_map(|p| &p.pins).filter(|pin| !pin.is_empty()).collect();
        if !pins.is_empty() {
            for object in self.objects()? {
                let name = hex(&object);
                if pins.iter().any(|pin| name.starts_with(pin.to_lowercase().as_str())) {
                    roots.objects.insert(object);
                    roots.pinned.insert(object);
                }
            }
        }
        for (_, run) in self.last_runs(RECENT_RUNS)? {
            for node in run.nodes {
                roots.recent.extend(node.realisation);
                roots.recipes.extend(node.recipe);
            }
        }
        Ok(roots)
    }

    /// What a pipeline's lock names and the store does not have.
    ///
    /// # Errors
    /// If a folder of the store cannot be read.
    pub fn missing(&self, pipeline: &PipelineFile) -> Result<Vec<Missing>, StoreError> {
        let mut missing = BTreeSet::new();
        let mut note = |node: &str, what: String, read_by_anchor: bool, digest: Digest| {
            let pipeline = pipeline.path.display().to_string();
            missing.insert(Missing {
                pipeline,
                node: node.to_owned(),
                what,
                read_by_anchor,
                digest,
            });
        };
        let rotated = pipeline.lock.rotated.as_ref();
        if let Some(rotated) = rotated
            && !self.contains(&rotated.locks)
        {
            note("rotations", "locks".to_owned(), false, rotated.locks);
        }
        let rotations = self.rotated_locks(rotated)?;
        let of = rotations.len();
        let number = |at| format!("rotation {} of {of}: ", at + 1);
        let rotations = rotations.iter().enumerate().map(|(at, lock)| (number(at), lock));
        for (which, lock) in std::iter::once((String::new(), &pipeline.lock)).chain(rotations) {
            for (name, data) in &lock.data {
                let name = &format!("{which}{name}");
                for (what, object) in [("table", data.table), ("sides of the split", data.sides)] {
                    if !self.contains(&object) {
                        note(name, what.to_owned(), false, object);
                    }
                }
            }
            for (name, node) in &lock.node {
                let name = &format!("{which}{name}");
                for (what, read_by_anchor, object) in objects_in_words(node) {
                    if !self.contains(&object) {
                        note(name, what, read_by_anchor, object);
                    }
                }
                let fits =
                    node.parts.iter().map(|(part, one)| (*part, one.recipe, one.realisation));
                let full = (FitName::Full, node.recipe, node.realisation);
                for (part, recipe, model) in fits.chain([full]) {
                    let record = Entry::Record { recipe, id: model };
                    if !self.backend.look(&record).is_ok_and(|meta| meta.is_some()) {
                        note(name, format!("record of fit {part}"), false, recipe);
                    }
                }
                let outputs = Prefix::RecordsOf(node.outputs);
                if self.backend.list(&outputs).map_err(StoreError::reading)?.is_empty() {
                    note(name, "record of its outputs".to_owned(), false, node.outputs);
                }
            }
        }
        Ok(missing.into_iter().collect())
    }
}

/// The objects of a node, each with what it is, and whether only its anchor has read it.
fn objects_in_words(node: &LockedNode) -> Vec<(String, bool, Digest)> {
    let mut found = vec![("model".to_owned(), false, node.realisation)];
    found.extend(
        node.parts.iter().map(|(part, one)| (format!("model of {part}"), false, one.realisation)),
    );
    found.extend(
        node.hands.iter().map(|(output, object)| (format!("output {output}"), false, *object)),
    );
    if let Some(certificate) = &node.certificate {
        found.push(("model of the anchor".to_owned(), false, certificate.anchor.realisation));
        let parts = certificate.anchor_parts.iter();
        found.extend(parts.map(|(part, one)| (format!("anchor's {part}"), false, one.realisation)));
        let reads = certificate.anchor_reads.iter().flat_map(|(reference, reads)| {
            let words = format!("{reference} as the anchor read it");
            [reads.deployed, reads.view].map(|object| (words.clone(), true, object))
        });
        found.extend(reads);
    }
    found
}

/// In words, what each object and recipe of some pipelines is: `expert.size: output value`.
pub(crate) fn in_words(pipelines: &[PipelineFile]) -> Vec<(Digest, String)> {
    let mut found = Vec::new();
    for pipeline in pipelines {
        for (name, data) in &pipeline.lock.data {
            found.push((data.table, format!("{name}: table")));
            found.push((data.sides, format!("{name}: sides of the split")));
        }
        for (name, node) in &pipeline.lock.node {
            let objects = objects_in_words(node).into_iter();
            found.extend(objects.map(|(what, _, object)| (object, format!("{name}: {what}"))));
            let parts = node.parts.iter().map(|(part, one)| (part.to_string(), one.recipe));
            let own = [("full", node.recipe), ("outputs", node.outputs)];
            let recipes = parts.chain(own.map(|(what, recipe)| (what.to_owned(), recipe)));
            found.extend(recipes.map(|(part, recipe)| (recipe, format!("{name}: {part}"))));
        }
    }
    found
}
