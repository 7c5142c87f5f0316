//! Group commit of objects: they are written, then synced and named together.
//!
//! To sync every object by itself costs some milliseconds each, most of them spent waiting. So what
//! is put waits under its temporary name, readable in this process, and all that wait are handed to the
//! backend together, which syncs and names them: before a record that may name them is filed, before the path
//! of one is handed out, at a flush, and when many wait. Whoever comes while that goes on waits for it and
//! shares the next one.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use collegium_digest::Digest;

use crate::{Content, Entry, Store, StoreError, locked, temporary::Temporary};

/// So many objects may wait: each holds a file open.
pub(crate) const MANY: usize = 64;

/// Objects that wait for their names.
#[derive(Debug, Default)]
pub(crate) struct Staged {
    files: Mutex<HashMap<Digest, Arc<Temporary>>>,
    /// Held by whoever is syncing and naming.
    naming: Mutex<()>,
}

impl Staged {
    /// Does this process hold the object, unnamed?
    pub(crate) fn contains(&self, object: &Digest) -> bool {
        locked(&self.files).contains_key(object)
    }

    /// The content of an unnamed object. It is read from the open file, which may get its name meanwhile.
    pub(crate) fn read(&self, object: &Digest) -> io::Result<Option<Vec<u8>>> {
        let file = locked(&self.files).get(object).cloned();
        file.map(|file| file.read()).transpose()
    }
}

impl Store {
    /// Lets an object wait for its name.
    pub(crate) fn stage(&self, object: Digest, file: Temporary) -> Result<(), StoreError> {
        let waiting = {
            let mut files = locked(&self.staged.files);
            // Another thread may have staged the same; then this copy is dropped.
            files.entry(object).or_insert_with(|| Arc::new(file));
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
        let waiting: Vec<(Digest, Arc<Temporary>)> =
            locked(&self.staged.files).iter().map(|(o, file)| (*o, file.clone())).collect();
        let batch: Vec<(Entry, Content<'_>)> = waiting
            .iter()
            .map(|(object, file)| (Entry::Object(*object), Content::File(file)))
            .collect();
        self.backend.put(&batch).map_err(StoreError::writing)?;
        for (object, _) in &waiting {
            // Readers have found it here until now, and find it there.
            locked(&self.staged.files).remove(object);
            self.trust(object);
        }
        Ok(())
    }
}
