//! In-memory backend: for tests, and as the plainest example of a backend.
//!
//! Two stores that are given the same one share it, as two machines share a remote one.

use std::{
    collections::BTreeMap,
    io::{self, Cursor},
    sync::{Arc, Mutex},
    time::SystemTime,
};

use super::{Backend, BackendError, Content, Entry, EntryMeta, Opened, Prefix};
use crate::locked;

/// An in-memory backend, which ends with its process.
#[derive(Debug, Default)]
pub struct InMemory {
    entries: Mutex<BTreeMap<Entry, Stored>>,
}

#[derive(Debug, Clone)]
struct Stored {
    content: Arc<[u8]>,
    modified: SystemTime,
}

impl InMemory {
    /// With nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    fn stored(&self, entry: &Entry) -> Option<Stored> {
        locked(&self.entries).get(entry).cloned()
    }

    fn refused(&self, entry: &Entry, source: io::Error) -> BackendError {
        BackendError::of(self.place(entry), source)
    }
}

impl Backend for InMemory {
    fn open(&self, entry: &Entry) -> Result<Option<Opened>, BackendError> {
        Ok(self.stored(entry).map(|stored| Opened::Stream {
            length: stored.content.len() as u64,
            // It is read on, whatever is deleted meanwhile.
            reader: Box::new(Cursor::new(stored.content)),
        }))
    }

    fn look(&self, entry: &Entry) -> Result<Option<EntryMeta>, BackendError> {
        Ok(self.stored(entry).map(|stored| EntryMeta {
            bytes: stored.content.len() as u64,
            modified: stored.modified,
        }))
    }

    fn put(&self, batch: &[(Entry, Content<'_>)]) -> Result<(), BackendError> {
        for (entry, content) in batch {
            let content = content.read().map_err(|error| self.refused(entry, error))?.into();
            let stored = Stored { content, modified: SystemTime::now() };
            // Only what is whole is seen.
            locked(&self.entries).insert(*entry, stored);
        }
        Ok(())
    }

    fn list(&self, prefix: &Prefix) -> Result<Vec<Entry>, BackendError> {
        let entries = locked(&self.entries);
        Ok(entries.keys().filter(|entry| prefix.covers(entry)).copied().collect())
    }

    fn delete(&self, entry: &Entry) -> Result<bool, BackendError> {
        Ok(locked(&self.entries).remove(entry).is_some())
    }

    fn touch(&self, entry: &Entry) -> Result<(), BackendError> {
        if let Some(stored) = locked(&self.entries).get_mut(entry) {
            stored.modified = SystemTime::now();
        }
        Ok(())
    }
}
