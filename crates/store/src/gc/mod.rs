//! Garbage collection: removes objects that no lock file, pin or recent run uses (eviction by cost and age).
//!
//! First a look ([`inventory`]): every file of the store, and which objects each record names. Then
//! a plan, made from that look alone ([`mark`]: what is reached from the [`Roots`]; [`evict`]: in
//! which order the rest goes). Only then is anything deleted, in an order that leaves a sound store
//! wherever it is cut off: records before the objects that they name, objects before the recipes
//! that explain them.
//!
//! Other processes may work on meanwhile. What they have just made is younger than the grace window
//! and stays; an object that one of them needed again since the look stays too
//! ([`Store::put`](crate::Store::put) makes it young); and whatever else vanishes under them is a
//! miss, as after any other deletion.

mod evict;
mod inventory;
mod mark;

use std::{
    collections::BTreeMap,
    io::ErrorKind,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use collegium_digest::Digest;
use collegium_records::{Amount, Kept};

use crate::{Entry, Prefix, Roots, Store, StoreError, locked};

/// Policy of a garbage collection: what may stay although nothing uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GcPolicy {
    /// Nothing more is evicted once the store has no more bytes than this.
    pub keep: u64,
    /// What is younger than this stays, with all that it names.
    pub grace: Duration,
    /// From when age is counted.
    pub now: SystemTime,
}

impl GcPolicy {
    /// Is a file of this time within the grace window? One from the future is.
    fn spares(&self, modified: SystemTime) -> bool {
        self.now.duration_since(modified).map_or(true, |age| age < self.grace)
    }
}

/// A file that is to go.
#[derive(Debug, Clone, PartialEq)]
pub struct Doomed {
    /// What it is.
    pub kind: Kept,
    /// Where it lies.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// CPU seconds that it cost to make, as far as it was recorded.
    pub cpu_seconds: f64,
    /// Its name, if it is an object.
    pub object: Option<Digest>,
    /// What it is for the backend; of any other file, nothing.
    entry: Option<Entry>,
    modified: SystemTime,
}

/// What would be freed, in the order of deletion.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GcPlan {
    /// What goes.
    pub doomed: Vec<Doomed>,
    /// What stays.
    pub kept: Amount,
    /// Of that, what nothing uses.
    pub spared: Amount,
}

/// Files by kind.
pub fn amounts<'a>(files: impl IntoIterator<Item = &'a Doomed>) -> BTreeMap<Kept, Amount> {
    let mut amounts: BTreeMap<Kept, Amount> = BTreeMap::new();
    for file in files {
        amounts.entry(file.kind).or_default().add(file.bytes, file.cpu_seconds);
    }
    amounts
}

impl Store {
    /// Looks at the store and says what would be freed; deletes nothing.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn plan_gc(&self, roots: &Roots, policy: &GcPolicy) -> Result<GcPlan, StoreError> {
        Ok(evict::plan(&self.inventory(policy)?, roots, policy))
    }

    /// Deletes what a plan says, less what somebody needed since, and returns what was deleted.
    ///
    /// # Errors
    /// If a file cannot be deleted; the rest is left for the next time.
    pub fn gc<'a>(&self, plan: &'a GcPlan) -> Result<Vec<&'a Doomed>, StoreError> {
        let mut deleted = Vec::new();
        for doomed in &plan.doomed {
            let gone = match &doomed.entry {
                Some(entry) => self.evict(entry, doomed.modified)?,
                None => self.remove(doomed)?,
            };
            if gone {
                deleted.push(doomed);
            }
            if let Some(object) = &doomed.object {
                locked(&self.verified).remove(object);
            }
        }
        Ok(deleted)
    }

    /// Deletes an entry, unless somebody needed it since the look; was it there?
    fn evict(&self, entry: &Entry, modified: SystemTime) -> Result<bool, StoreError> {
        let near = self.nearest();
        let now = near.look(entry).ok().flatten();
        if now.is_none_or(|now| now.modified != modified) {
            return Ok(false);
        }
        // Was a record filed behind this recipe meanwhile?
        if let Entry::Recipe(recipe) = entry {
            let records = near.list(&Prefix::RecordsOf(*recipe)).map_err(StoreError::reading)?;
            if !records.is_empty() {
                return Ok(false);
            }
        }
        near.delete(entry).map_err(StoreError::writing)
    }

    /// The same for a file of this machine.
    fn remove(&self, doomed: &Doomed) -> Result<bool, StoreError> {
        let path = &doomed.path;
        let ground = self.layout.ground(path);
        if !ground.look(path).is_ok_and(|look| look.modified == doomed.modified) {
            return Ok(false);
        }
        let removed = match doomed.kind {
            // There, a folder may lie that lay in place of a file.
            Kept::Quarantine => ground.remove_all(path),
            _ => ground.remove(path),
        };
        match removed {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(source) => Err(StoreError::Write { path: path.clone(), source }),
        }
    }
}
