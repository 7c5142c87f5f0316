//! File stamps: files that are taken as unchanged by size, times and inode; and small entries of
//! the cache that depend on such files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use collegium_digest::Digest;
use serde::{Deserialize, Serialize};

use crate::{
    Entry, Ground, Store, StoreError, seal,
    stamp::{Stamp, nanoseconds_now},
};

/// A file, and its state when it was looked at.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stamped {
    path: PathBuf,
    stamp: Stamp,
}

impl Stamped {
    /// A file that anybody may write. `None` if it is not there, or changed so lately that it could
    /// change again under the same stamp.
    pub fn settled(path: &Path) -> Option<Self> {
        let stamp = Stamp::of(&fs::metadata(path).ok()?)?;
        let settled = !stamp.is_racy(nanoseconds_now());
        settled.then(|| Self { path: path.to_owned(), stamp })
    }

    /// Is it still what it was?
    pub fn is_as_it_was(&self) -> bool {
        let now = fs::metadata(&self.path).ok().and_then(|m| Stamp::of(&m));
        now == Some(self.stamp)
    }
}

impl Store {
    /// The file of an object, whether or not it is there.
    pub fn object_file(&self, object: &Digest) -> PathBuf {
        self.backend.place(&Entry::Object(*object))
    }

    /// The file of a realisation, whether or not it is there.
    pub fn realisation_file(&self, recipe: &Digest, id: &Digest) -> PathBuf {
        self.backend.place(&Entry::Record { recipe: *recipe, id: *id })
    }

    /// The state of the files of objects, and of realisations by recipe and id, as bytes that
    /// [`Ground::from_bytes`] reads; `None` if one of them is not there, or no file.
    pub fn ground(
        &self,
        objects: impl IntoIterator<Item = Digest>,
        records: impl IntoIterator<Item = (Digest, Digest)>,
    ) -> Option<Vec<u8>> {
        self.backend.folder()?.ground(objects, records)
    }

    /// Are all of these files as they were?
    pub fn stands_on(&self, ground: &Ground) -> bool {
        self.backend.folder().is_some_and(|folder| folder.stands_on(ground))
    }

    /// A small entry of the cache; `None` if it is not there or was damaged.
    ///
    /// # Errors
    /// If it is there and the system refuses to read it.
    pub fn cached(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.layout.folder("cache").join(name);
        let Some(bytes) = self.layout.read(&path)? else { return Ok(None) };
        let record = seal::unsealed(bytes);
        if record.is_none() {
            self.quarantine(&path, &format!("the cache entry {name}"));
        }
        Ok(record)
    }

    /// Writes a small entry of the cache: JSON that costs nothing but time to lose. Where the store
    /// cannot be written there is none.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn cache(&self, name: &str, record: &[u8]) -> Result<(), StoreError> {
        if self.is_read_only() {
            return Ok(());
        }
        self.replace(&self.layout.folder("cache").join(name), &seal::seal(&[], record))
    }
}
