//! Storage backends of the content-addressed store: local folder, memory, layered (shared remote cache).
//!
//! A [`Store`](crate::Store) keeps three kinds of [`Entry`], and a backend is whatever can hold them: the folder
//! `.collegium/` ([`LocalFolder`]), memory ([`InMemory`]), the folder with something shared behind it
//! ([`Layered`]). A backend stores bytes under names and understands neither. What it gives is checked by whoever
//! asked: an entry's name says what its content must be ([`Entry::vouches_for`]), so a backend that answers with
//! wrong bytes costs a miss.
//!
//! Everything else of `.collegium/` is this machine's own and stays in the folder, whatever the backend: locks are
//! the operating system's; the stat cache holds inodes; the memo and the cache are faster than any network; files
//! in `tmp` are being written, and reports are for people here; runs say what happened here.
//!
//! # The contract
//!
//! [`Backend`] says what each method does. Above all of them:
//!
//! * *Whole or not there.* Nobody ever reads half of what was put, neither beside the writer nor after a crash.
//! * *Durable before named.* When [`Backend::put`] returns, every reader of the backend finds the entries, and
//!   the content of objects survives a power loss. After [`Backend::flush`] everything does, names included.
//! * *Absence is an answer.* `Ok(None)` means that the backend has looked and that nothing is there. Who could
//!   not look says [`BackendError::Unreachable`], and never "absent".
//! * *Any order, any number.* Threads and processes put, read and delete at a time; who reads what another
//!   deletes gets all of it or nothing.
//!
//! `tests/backends` holds every backend to it. Five methods are needed; the others have defaults.

mod content;
mod entry;
mod error;
mod layered;
mod local;
mod memory;

use std::{fmt, path::PathBuf, time::SystemTime};

pub use content::{Content, Opened};
pub use entry::{Entry, Prefix};
pub use error::BackendError;
pub use layered::Layered;
pub use local::{Ground, LocalFolder};
pub use memory::InMemory;

/// Metadata of an entry: what a backend says without giving its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryMeta {
    /// The length of its content.
    pub bytes: u64,
    /// When it was put, or touched.
    pub modified: SystemTime,
}

/// What became of an entry that was found damaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Aside {
    /// It lies there now, and may be looked at.
    Moved(PathBuf),
    /// It was deleted, by this process or by another.
    Gone,
    /// It is where it was, and counts as absent for this handle.
    PassedOver,
}

/// A storage backend: holds objects, recipes and records under their names.
pub trait Backend: fmt::Debug + Send + Sync {
    /// Begins to read an entry; `None` if it is not there. Its content is not checked.
    ///
    /// # Errors
    /// [`BackendError::Damaged`] if what is there can be no entry; `Unreachable`, `Refused`.
    fn open(&self, entry: &Entry) -> Result<Option<Opened>, BackendError>;

    /// What is known of an entry without reading it; `None` if it is not there.
    ///
    /// # Errors
    /// `Unreachable`, `Refused`.
    fn look(&self, entry: &Entry) -> Result<Option<EntryMeta>, BackendError>;

    /// Gives entries their content. Of an object or a recipe that is there already, the backend may keep what it
    /// has, since it is the same; a record takes the place of an earlier one. Some of a batch that fails may be
    /// there; to put it again is right.
    ///
    /// # Errors
    /// `Unreachable`, `Refused`.
    fn put(&self, batch: &[(Entry, Content<'_>)]) -> Result<(), BackendError>;

    /// The names of all entries that a prefix covers, sorted, each once. Names that are no entry's are passed over.
    ///
    /// # Errors
    /// `Unreachable`, `Refused`.
    fn list(&self, prefix: &Prefix) -> Result<Vec<Entry>, BackendError>;

    /// Deletes an entry; was it there?
    ///
    /// # Errors
    /// `Unreachable`, `Refused`.
    fn delete(&self, entry: &Entry) -> Result<bool, BackendError>;

    /// Takes a damaged entry out of the way, so that it can be put again.
    ///
    /// # Errors
    /// `Unreachable`, `Refused`.
    fn set_aside(&self, entry: &Entry) -> Result<Aside, BackendError> {
        self.delete(entry).map(|_| Aside::Gone)
    }

    /// Makes an entry as young as if it had just been put: somebody needs it again. A backend whose entries are
    /// not deleted for their age need do nothing.
    ///
    /// # Errors
    /// `Unreachable`, `Refused`.
    fn touch(&self, entry: &Entry) -> Result<(), BackendError> {
        let _ = entry;
        Ok(())
    }

    /// Makes everything that was put survive a power loss.
    ///
    /// # Errors
    /// `Unreachable`, `Refused`.
    fn flush(&self) -> Result<(), BackendError> {
        Ok(())
    }

    /// Where an entry lies, or would lie, as a person may look for it.
    fn place(&self, entry: &Entry) -> PathBuf {
        PathBuf::from(entry.path())
    }

    /// The folder of this machine in which entries lie as files, if there is one: what asks for thousands of
    /// files at once, or cares for them (`gc`, `verify`), does so there.
    fn folder(&self) -> Option<&LocalFolder> {
        None
    }

    /// What a person should know about the backend, in words, each handed out once.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}
