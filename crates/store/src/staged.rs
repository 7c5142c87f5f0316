//! Objects that are written and not yet named: an object has no name before its content is durable.
//!
//! To sync every object by itself costs some milliseconds each, most of them spent waiting. So what
//! is put waits under its temporary name, readable in this process, and all that wait are synced
//! and named together: before a record that may name them is filed, before the path of one is
//! handed out, at a flush, and when many wait. Whoever comes while that goes on waits for it and
//! shares the next one.

use std::{
    collections::HashMap,
    io,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use collegium_digest::Digest;

use crate::{Store, StoreError, disk, folder::Temporary, locked};

/// So many objects may wait: each holds a file open.
pub(crate) const MANY: usize = 64;

/// What waits for its name.
#[derive(Debug, Default)]
pub(crate) struct Staged {
    files: Mutex<HashMap<Digest, Temporary>>,
    /// Held by whoever is syncing and naming.
    naming: Mutex<()>,
}

impl Staged {
    /// Does this process hold the object, unnamed?
    pub(crate) fn contains(&self, object: &Digest) -> bool {
        locked(&self.files).contains_key(object)
    }

    /// The content of an unnamed object.
    pub(crate) fn read(&self, object: &Digest) -> io::Result<Option<Vec<u8>>> {
        // Under the lock: the file must not get its name between the look and the reading.
        locked(&self.files).get(object).map(Temporary::read).transpose()
    }
}

impl Store {
    /// Lets an object wait for its name.
    pub(crate) fn stage(&self, object: Digest, file: Temporary) -> Result<(), StoreError> {
        let waiting = {
            let mut files = locked(&self.staged.files);
            // Another thread may have staged the same; then this copy is dropped.
            files.entry(object).or_insert(file);
            files.len()
        };
        if waiting >= MANY { self.name_staged() } else { Ok(()) }
    }

    /// Makes the content of all waiting objects durable, then gives them their names. The names
    /// themselves are durable from the next flush on.
    pub(crate) fn name_staged(&self) -> Result<(), StoreError> {
        if locked(&self.staged.files).is_empty() {
            return Ok(());
        }
        let _naming = self.staged.naming.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting: Vec<(Digest, PathBuf)> = locked(&self.staged.files)
            .iter()
            .map(|(object, file)| (*object, file.path().to_owned()))
            .collect();
        disk::sync_contents(waiting.iter().map(|(_, path)| path.as_path()))
            .map_err(|(path, source)| StoreError::Write { path, source })?;
        for (object, _) in waiting {
            // Readers find it here until it is found there.
            let mut files = locked(&self.staged.files);
            let Some(file) = files.remove(&object) else { continue };
            let target = self.layout.object(&object);
            self.settle(file, &target, true)?;
            drop(files);
            self.trust(&object, &target);
        }
        Ok(())
    }
}
