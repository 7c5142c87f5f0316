//! Inventory of the store: every file, and the objects that each record names.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use collegium_digest::Digest;
use collegium_records::{Amount, Kept};
use rustix::fs::FileType;

use super::GcPolicy;
use crate::{
    BackendError, Entry, Prefix, Store, StoreError,
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
    /// What it is for the backend, if it lies there.
    pub(super) entry: Option<Entry>,
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

/// The inventory of a store.
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
    /// Makes the inventory. Records before objects: whoever files a record has named its objects before.
    pub(super) fn inventory(&self, policy: &GcPolicy) -> Result<Inventory, StoreError> {
        self.name_staged()?;
        let mut found = Inventory::default();
        let list = |prefix| self.nearest().list(&prefix).map_err(StoreError::reading);
        for entry in list(Prefix::Recipes)? {
            if let (Entry::Recipe(recipe), Some(file)) = (entry, self.look_at(&entry)?) {
                found.recipes.push((recipe, file));
            }
        }
        // Of one recipe after the other, which is read once for all its records.
        let mut last = None;
        for entry in list(Prefix::Records)? {
            let Entry::Record { recipe, id } = entry else { continue };
            let (_, kind, about) = match &last {
                Some(known @ (of, _, _)) if *of == recipe => known,
                _ => last.insert(self.look_at_recipe(recipe)?),
            };
            let Some(file) = self.look_at(&entry)? else { continue };
            let names = self.content(&entry)?.and_then(|bytes| {
                let record = seal::unseal(&[&recipe, &id], &bytes)?;
                Some(shape::names(kind.as_deref(), record))
            });
            match names {
                Some(names) => found.records.push(Record { recipe, file, names, about: *about }),
                // Damaged ones are left for `verify`, or for whoever reads them.
                None => found.rest.add(file.bytes, 0.0),
            }
        }
        for entry in list(Prefix::Objects)? {
            if let (Entry::Object(object), Some(file)) = (entry, self.look_at(&entry)?) {
                found.objects.push((object, file));
            }
        }
        if let Some(folder) = self.backend.folder() {
            let strangers = folder.strangers().map_err(StoreError::reading)?;
            found.rest.files += strangers.files;
            found.rest.bytes += strangers.bytes;
        }
        self.look_at_the_rest(policy, &mut found)?;
        Ok(found)
    }

    /// A recipe, its kind, and what its records are about.
    fn look_at_recipe(
        &self,
        digest: Digest,
    ) -> Result<(Digest, Option<String>, About), StoreError> {
        let content = self.content(&Entry::Recipe(digest))?;
        let recipe = content.and_then(|bytes| parse_recipe(&bytes, &digest));
        let about = recipe.as_ref().map(shape::about).unwrap_or_default();
        Ok((digest, recipe.map(|recipe| recipe.kind), about))
    }

    /// What is known of an entry; `None` for what has vanished meanwhile, or is no file. A backend that does not
    /// answer is an error: nothing may be freed for want of an answer.
    fn look_at(&self, entry: &Entry) -> Result<Option<Seen>, StoreError> {
        let near = self.nearest();
        let meta = match near.look(entry) {
            Err(error @ BackendError::Unreachable { .. }) => {
                return Err(StoreError::reading(error));
            }
            result => result.ok().flatten(),
        };
        Ok(meta.map(|meta| Seen {
            entry: Some(*entry),
            path: near.place(entry),
            bytes: meta.bytes,
            modified: meta.modified,
        }))
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
        Self { entry: None, path: path.to_owned(), bytes: look.bytes, modified: look.modified }
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
