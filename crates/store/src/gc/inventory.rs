//! A look at every file of the store.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::SystemTime,
};

use collegium_digest::Digest;
use collegium_records::{Amount, Kept};

use super::GcPolicy;
use crate::{
    Store, StoreError,
    objects::names,
    seal,
    shape::{self, About, Names},
    traces::{self, parse_recipe},
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
        for (_, shard) in names(&self.layout.folder("recipes"))? {
            for (name, path) in names(&shard)? {
                match (digest(&name), look(&path)) {
                    (Some(digest), Some(file)) => found.recipes.push((digest, file)),
                    (None, Some(file)) => found.rest.add(file.bytes, 0.0),
                    (_, None) => {}
                }
            }
        }
        for (_, shard) in names(&self.layout.folder("realisations"))? {
            for (recipe, folder) in names(&shard)? {
                let Ok(recipe) = recipe.parse::<Digest>() else { continue };
                self.look_at_records(recipe, &folder, &mut found)?;
            }
        }
        for (shard, folder) in names(&self.layout.folder("objects"))? {
            for (name, path) in names(&folder)? {
                let Some(file) = look(&path) else { continue };
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
        let ingredients = traces::read(&self.layout.recipe(&recipe))?
            .and_then(|bytes| parse_recipe(&bytes, &recipe));
        let kind = ingredients.as_ref().map(|recipe| recipe.kind.as_str());
        let about = ingredients.as_ref().map(shape::about).unwrap_or_default();
        for (name, path) in names(folder)? {
            let Some(file) = look(&path) else { continue };
            let id = name.strip_suffix(".json").and_then(|stem| stem.parse::<Digest>().ok());
            let bytes = if id.is_some() { traces::read(&path)? } else { None };
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

    fn look_at_the_rest(&self, policy: &GcPolicy, found: &mut Inventory) -> Result<(), StoreError> {
        let runs = names(&self.layout.folder("runs"))?;
        let old = runs.len().saturating_sub(RUNS);
        for (number, (_, path)) in runs.into_iter().enumerate() {
            found.sort_out(Kept::Runs, &path, |_| number < old);
        }
        for (_, path) in names(&self.layout.folder("quarantine"))? {
            found.sort_out(Kept::Quarantine, &path, |file| !policy.spares(file.modified));
        }
        for (_, path) in names(&self.layout.folder("tmp"))? {
            found.sort_out(Kept::Temporary, &path, |file| {
                // Whoever is writing it holds a lock on it.
                !policy.spares(file.modified)
                    && File::open(&file.path).is_ok_and(|file| file.try_lock().is_ok())
            });
        }
        for folder in ["cache", "reports"] {
            for (_, path) in names(&self.layout.folder(folder))? {
                found.rest.add(look(&path).map_or(0, |file| file.bytes), 0.0);
            }
        }
        Ok(())
    }
}

impl Inventory {
    fn sort_out(&mut self, kind: Kept, path: &Path, goes: impl FnOnce(&Seen) -> bool) {
        let Some(file) = look(path) else { return };
        match goes(&file) {
            true => self.leftovers.push((kind, file)),
            false => self.rest.add(file.bytes, 0.0),
        }
    }
}

/// `None` for what has vanished meanwhile.
fn look(path: &Path) -> Option<Seen> {
    let metadata = fs::symlink_metadata(path).ok()?;
    let modified = metadata.modified().ok()?;
    Some(Seen { path: path.to_owned(), bytes: metadata.len(), modified })
}
