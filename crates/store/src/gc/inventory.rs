//! A look at every file of the store.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use collegium_digest::Digest;
use collegium_records::{Amount, Kept};
use rustix::fs::FileType;

use super::GcPolicy;
use crate::{
    Store, StoreError,
    folder::Look,
    layout::FOLDERS,
    runs::{is_number, is_run},
    seal,
    shape::{self, About, Names},
    sweep::is_temporary,
    traces::parse_recipe,
};

/// Reports of so many runs are kept.
const RUNS: usize = 100;

/// A file and what the system says about it.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    pub(super) modified: SystemTime,
}

/// A record and what it names.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) recipe: Digest,
    pub(super) file: Seen,
    pub(super) names: Names,
    pub(super) about: About,
}

/// What there is.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    pub(super) recipes: Vec<(Digest, Seen)>,
    pub(super) records: Vec<Record>,
    pub(super) objects: Vec<(Digest, Seen)>,
    /// What goes in any case.
    pub(super) leftovers: Vec<(Kept, Seen)>,
    /// Everything else.
    pub(super) rest: Amount,
}

impl Store {
    /// Looks. Records before objects: whoever files a record has named its objects before.
    pub(super) fn inventory(&self, policy: &GcPolicy) -> Result<Inventory, StoreError> {
        self.name_staged()?;
        let mut found = Inventory::default();
        let digest = |name: &str| name.strip_suffix(".json")?.parse::<Digest>().ok();
        for (_, shard) in self.layout.names(&self.layout.folder("recipes"))? {
            for (name, path) in self.layout.names(&shard)? {
                match (digest(&name), self.look(&path)) {
                    (Some(digest), Some(file)) => found.recipes.push((digest, file)),
                    (None, Some(file)) => found.rest.add(file.bytes, 0.0),
                    (_, None) => {}
                }
            }
        }
        for (_, shard) in self.layout.names(&self.layout.folder("realisations"))? {
            for (recipe, folder) in self.layout.names(&shard)? {
                let Ok(recipe) = recipe.parse::<Digest>() else { continue };
                self.look_at_records(recipe, &folder, &mut found)?;
            }
        }
        for (shard, folder) in self.layout.names(&self.layout.folder("objects"))? {
            for (name, path) in self.layout.names(&folder)? {
                let Some(file) = self.look(&path) else { continue };
                match format!("{shard}{name}").parse() {
                    Ok(digest) => found.objects.push((digest, file)),
                    Err(_) => found.rest.add(file.bytes, 0.0),
                }
            }
        }
        self.look_at_the_rest(policy, &mut found)?;
        Ok(found)
    }

    /// Damaged records are left for `verify`, or for whoever reads them.
    fn look_at_records(
        &self,
        recipe: Digest,
        folder: &Path,
        found: &mut Inventory,
    ) -> Result<(), StoreError> {
        let ingredients = self
            .layout
            .read(&self.layout.recipe(&recipe))?
            .and_then(|bytes| parse_recipe(&bytes, &recipe));
        let kind = ingredients.as_ref().map(|recipe| recipe.kind.as_str());
        let about = ingredients.as_ref().map(shape::about).unwrap_or_default();
        for (name, path) in self.layout.names(folder)? {
            let Some(file) = self.look(&path) else { continue };
            let id = name.strip_suffix(".json").and_then(|stem| stem.parse::<Digest>().ok());
            let bytes = if id.is_some() { self.layout.read(&path)? } else { None };
            let names = id
                .zip(bytes.as_deref())
                .and_then(|(id, bytes)| seal::unseal(&[&recipe, &id], bytes))
                .map(|record| shape::names(kind, record));
            match names {
                Some(names) => found.records.push(Record { recipe, file, names, about }),
                None => found.rest.add(file.bytes, 0.0),
            }
        }
        Ok(())
    }

    /// Only names of our own pattern are ever sorted out: what else lies there is not ours.
    fn look_at_the_rest(&self, policy: &GcPolicy, found: &mut Inventory) -> Result<(), StoreError> {
        let mut runs = self.layout.names(&self.layout.folder("runs"))?;
        runs.retain(|(name, _)| is_run(name));
        let old = runs.len().saturating_sub(RUNS);
        for (number, (_, path)) in runs.into_iter().enumerate() {
            found.sort_out(Kept::Runs, self.look(&path), |_| number < old);
        }
        for (name, path) in self.layout.names(&self.layout.folder("quarantine"))? {
            let goes = |file: &Seen| is_set_aside(&name) && !policy.spares(file.modified);
            found.sort_out(Kept::Quarantine, self.look_at_any(&path), goes);
        }
        for (name, path) in self.layout.names(&self.layout.folder("tmp"))? {
            found.sort_out(Kept::Temporary, self.look(&path), |file| {
                // Whoever is writing it holds a lock on it.
                is_temporary(&name)
                    && !policy.spares(file.modified)
                    && self.layout.ground(&path).open(&path).is_ok_and(|f| f.try_lock().is_ok())
            });
        }
        for folder in ["cache", "reports", "projects"] {
            for (_, path) in self.layout.names(&self.layout.folder(folder))? {
                found.rest.add(self.look(&path).map_or(0, |file| file.bytes), 0.0);
            }
        }
        Ok(())
    }

    /// A regular file; `None` for anything else, and for what has vanished meanwhile.
    fn look(&self, path: &Path) -> Option<Seen> {
        let look = self.layout.ground(path).look(path).ok()?;
        (look.kind == FileType::RegularFile).then(|| Seen::of(path, look))
    }

    /// The same for whatever lies there.
    fn look_at_any(&self, path: &Path) -> Option<Seen> {
        Some(Seen::of(path, self.layout.ground(path).look(path).ok()?))
    }
}

impl Seen {
    fn of(path: &Path, look: Look) -> Self {
        Self { path: path.to_owned(), bytes: look.bytes, modified: look.modified }
    }
}

impl Inventory {
    fn sort_out(&mut self, kind: Kept, file: Option<Seen>, goes: impl FnOnce(&Seen) -> bool) {
        let Some(file) = file else { return };
        match goes(&file) {
            true => self.leftovers.push((kind, file)),
            false => self.rest.add(file.bytes, 0.0),
        }
    }
}

/// Is this the name of a file in quarantine, `objects-ab-cdef.123`?
fn is_set_aside(name: &str) -> bool {
    let parts = name.rsplit_once('.').zip(name.split_once('-'));
    parts.is_some_and(|((_, process), (folder, _))| is_number(process) && FOLDERS.contains(&folder))
}
