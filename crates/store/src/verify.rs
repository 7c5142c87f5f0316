//! `verify`: integrity check of every file of the store.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
};

use collegium_digest::Digest;
use collegium_records::{Amount, Checked, Damaged};

use crate::{
    Aside, BackendError, Entry, PipelineFile, Prefix, Store, StoreError, locked, memo, project,
    runs::is_run, seal, shape, stamp, traces::parse_recipe,
};

/// Progress of a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of objects that were hashed.
    pub done: u64,
    /// Bytes of all objects to hash.
    pub of: u64,
}

/// A part of the store: what the lock file of one pipeline uses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    objects: BTreeSet<Digest>,
    recipes: BTreeSet<Digest>,
}

impl Scope {
    /// What the lock of a pipeline names.
    pub fn of(pipeline: &PipelineFile) -> Self {
        let mut scope = Self::default();
        for data in pipeline.lock.data.values() {
            scope.objects.extend([data.table, data.sides]);
        }
        for node in pipeline.lock.node.values() {
            scope.objects.extend(node.objects());
            scope.recipes.extend(node.recipes());
        }
        scope
    }
}

/// What a verification found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verified {
    /// How many files of each kind were read.
    pub checked: BTreeMap<Checked, Amount>,
    /// What was damaged, and is out of the way now.
    pub damaged: Vec<Damaged>,
}

impl Store {
    /// Hashes every object, opens the seal of every record, and holds every recipe against its
    /// name; with a `scope`, only of that. What is damaged is moved to quarantine and listed with
    /// what it was, as records and the lock files of `pipelines` know it.
    ///
    /// # Errors
    /// If something is there and the system refuses to read it.
    pub fn verify(
        &self,
        pipelines: &[PipelineFile],
        scope: Option<&Scope>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Verified, StoreError> {
        self.name_staged()?;
        let mut found = Verified::default();
        let standing: HashMap<Digest, String> = project::in_words(pipelines).into_iter().collect();
        let mut words = HashMap::new();
        self.verify_records(scope, &standing, &mut words, &mut found)?;
        // What a node calls it says more than what a record does.
        words.extend(standing);
        self.verify_objects(scope, &words, &mut found, progress)?;
        if scope.is_none() {
            self.verify_runs_and_caches(&mut found)?;
        }
        Ok(found)
    }

    fn verify_objects(
        &self,
        scope: Option<&Scope>,
        words: &HashMap<Digest, String>,
        found: &mut Verified,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), StoreError> {
        let mut objects = self.objects()?;
        objects.retain(|object| scope.is_none_or(|scope| scope.objects.contains(object)));
        let near = self.nearest();
        let look = |object| near.look(&Entry::Object(object)).ok().flatten();
        let size = |object: &Digest| look(*object).map_or(0, |meta| meta.bytes);
        let sizes: Vec<u64> = objects.iter().map(size).collect();
        let of = sizes.iter().sum();
        let mut done = 0;
        for (object, bytes) in objects.iter().zip(sizes) {
            let entry = Entry::Object(*object);
            let whole = match near.open(&entry) {
                Ok(None) => None,
                Ok(Some(opened)) => {
                    let digest = Digest::of_reader(&mut opened.into_reader());
                    Some(digest.map_err(|error| self.unread(&entry, error))? == *object)
                }
                Err(BackendError::Damaged { .. }) => Some(false),
                Err(error) => return Err(StoreError::reading(error)),
            };
            done += bytes;
            progress(Progress { done, of });
            let Some(whole) = whole else { continue };
            found.count(Checked::Object, bytes);
            if !whole {
                locked(&self.verified).remove(object);
                let was = words.get(object).map_or("an object that nothing names", String::as_str);
                self.found_damaged_entry(Checked::Object, &entry, was.to_owned(), found);
            }
        }
        Ok(())
    }

    /// What lies near under a name; empty if it can be no entry.
    pub(crate) fn content(&self, entry: &Entry) -> Result<Option<Vec<u8>>, StoreError> {
        match self.nearest().open(entry) {
            Ok(None) => Ok(None),
            Ok(Some(opened)) => opened.read().map(Some).map_err(|error| self.unread(entry, error)),
            Err(BackendError::Damaged { .. }) => Ok(Some(Vec::new())),
            Err(error) => Err(StoreError::reading(error)),
        }
    }

    /// Recipes and what is filed behind them; gathers in words what the records name.
    fn verify_records(
        &self,
        scope: Option<&Scope>,
        standing: &HashMap<Digest, String>,
        words: &mut HashMap<Digest, String>,
        found: &mut Verified,
    ) -> Result<(), StoreError> {
        let named = |recipe: &Digest| match standing.get(recipe) {
            Some(name) => format!("recipe {} ({name})", recipe.short()),
            None => format!("recipe {}", recipe.short()),
        };
        let within = |recipe: &Digest| scope.is_none_or(|scope| scope.recipes.contains(recipe));
        let list = |prefix| self.nearest().list(&prefix).map_err(StoreError::reading);
        let mut kinds: HashMap<Digest, String> = HashMap::new();
        for entry in list(Prefix::Recipes)? {
            let Entry::Recipe(digest) = entry else { continue };
            let Some(bytes) = within(&digest).then(|| self.content(&entry)).transpose()?.flatten()
            else {
                continue;
            };
            found.count(Checked::Recipe, bytes.len() as u64);
            match parse_recipe(&bytes, &digest) {
                Some(recipe) => drop(kinds.insert(digest, recipe.kind)),
                None => {
                    let was = format!("ingredients of {}", named(&digest));
                    self.found_damaged_entry(Checked::Recipe, &entry, was, found);
                }
            }
        }
        for entry in list(Prefix::Records)? {
            let Entry::Record { recipe, id } = entry else { continue };
            let Some(bytes) = within(&recipe).then(|| self.content(&entry)).transpose()?.flatten()
            else {
                continue;
            };
            found.count(Checked::Record, bytes.len() as u64);
            let kind = kinds.get(&recipe).map(String::as_str);
            match seal::unseal(&[&recipe, &id], &bytes) {
                Some(record) => {
                    let needs = shape::names(kind, record).needs.into_iter();
                    words.extend(needs.map(|(object, _, what)| {
                        (object, format!("{what} of recipe {}", recipe.short()))
                    }));
                }
                None => {
                    let kind = kind.map(|kind| format!("{kind} ")).unwrap_or_default();
                    let was = format!("{kind}record of {}", named(&recipe));
                    self.found_damaged_entry(Checked::Record, &entry, was, found);
                }
            }
        }
        Ok(())
    }

    fn verify_runs_and_caches(&self, found: &mut Verified) -> Result<(), StoreError> {
        for (name, path) in self.layout.names(&self.layout.folder("runs"))? {
            let Some(stem) = name.strip_suffix(".json").filter(|_| is_run(&name)) else { continue };
            let Some(bytes) = self.layout.read(&path)? else { continue };
            found.count(Checked::Run, bytes.len() as u64);
            if seal::unseal(&[], &bytes).is_none() {
                self.found_damaged(Checked::Run, &path, format!("report of run {stem}"), found);
            }
        }
        for (name, path) in self.layout.names(&self.layout.folder("cache"))? {
            if !is_cache(&name) {
                continue;
            }
            let Some(bytes) = self.layout.read(&path)? else { continue };
            found.count(Checked::Cache, bytes.len() as u64);
            let (was, whole) = match name.as_str() {
                "stat.json" => ("hashes of input files".to_owned(), stamp::is_whole(&bytes)),
                "memo" => ("what follows from hashes".to_owned(), memo::is_whole(&bytes)),
                _ => (format!("cache entry {name}"), seal::unseal(&[], &bytes).is_some()),
            };
            if !whole {
                self.found_damaged(Checked::Cache, &path, was, found);
            }
        }
        Ok(())
    }

    fn found_damaged(&self, kind: Checked, path: &Path, was: String, found: &mut Verified) {
        let aside = self.layout.set_aside(path).ok();
        self.list_damaged(kind, path, was, aside, found);
    }

    fn found_damaged_entry(&self, kind: Checked, entry: &Entry, was: String, found: &mut Verified) {
        let aside = self.nearest().set_aside(entry).ok();
        self.list_damaged(kind, &self.nearest().place(entry), was, aside, found);
    }

    fn list_damaged(
        &self,
        kind: Checked,
        path: &Path,
        was: String,
        aside: Option<Aside>,
        found: &mut Verified,
    ) {
        let below =
            |path: &Path| path.strip_prefix(self.root()).unwrap_or(path).display().to_string();
        let quarantine = match aside {
            Some(Aside::Moved(to)) => Some(below(&to)),
            _ => None,
        };
        found.damaged.push(Damaged { kind, file: below(path), was, quarantine });
    }
}

/// Is this the name of a cache (`stat.json`, `memo`, `KEY.ground`, `KEY.report`, `WHAT-DIGEST`)? What
/// else lies there is not ours.
fn is_cache(name: &str) -> bool {
    matches!(name, "stat.json" | "memo")
        || name.ends_with(".ground")
        || name.ends_with(".report")
        || name.rsplit_once('-').is_some_and(|(_, digest)| digest.parse::<Digest>().is_ok())
}

impl Verified {
    fn count(&mut self, kind: Checked, bytes: u64) {
        self.checked.entry(kind).or_default().add(bytes, 0.0);
    }
}
