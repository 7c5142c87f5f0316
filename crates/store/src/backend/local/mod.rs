//! Local file system backend: entries as files below `.collegium/`, as every project has them.
//!
//! Each entry is a file at its [path](Entry::path). It is filled under another name in `tmp` and renamed, from
//! the handle of the store's folder and through no link. The content of objects is synced before they are named,
//! a batch in one go; names, recipes and records wait for [`Backend::flush`]. Where the folder cannot be written,
//! entries are read from it and from the temporary folder laid over it, and written to that alone.

mod ground;
mod list;

use std::{
    collections::BTreeSet,
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::SystemTime,
};

use rustix::fs::FileType;

pub use ground::Ground;

use super::{Aside, Backend, BackendError, Content, Entry, EntryMeta, Opened, Prefix};
use crate::{StoreError, disk, layout::Layout, locked, temporary::Temporary};

/// The file system backend of a project: the files of its `.collegium/`.
#[derive(Debug)]
pub struct LocalFolder {
    pub(crate) layout: Arc<Layout>,
    /// What is not yet sure to survive a power loss.
    unsynced: Mutex<BTreeSet<PathBuf>>,
}

/// A file that is to be named: the caller's, or one that was filled here.
enum Filled<'a> {
    Theirs(&'a Temporary),
    Ours(Temporary),
}

impl Filled<'_> {
    fn file(&self) -> &Temporary {
        match self {
            Self::Theirs(file) => file,
            Self::Ours(file) => file,
        }
    }
}

impl LocalFolder {
    /// The folder of the project at `project_root`; it is made when there is something to put.
    ///
    /// # Errors
    /// As [`Store::open`](crate::Store::open).
    pub fn open(project_root: &Path) -> Result<Self, StoreError> {
        let layout = Layout::new(project_root)?;
        layout.check()?;
        Ok(Self::of(Arc::new(layout)))
    }

    pub(crate) fn of(layout: Arc<Layout>) -> Self {
        Self { layout, unsynced: Mutex::default() }
    }

    /// A file of this folder that is to be filled, and put.
    pub(crate) fn new_file(&self) -> Result<Temporary, BackendError> {
        self.layout.new_file().map_err(|error| self.failed(error))
    }

    /// Where new entries go.
    fn home(&self, entry: &Entry) -> PathBuf {
        below(self.layout.writes_to(), entry)
    }

    /// Where an entry may lie: in what is laid over the folder, and in the folder. Damaged files that were passed
    /// over once are none.
    fn places(&self, entry: &Entry) -> impl Iterator<Item = PathBuf> {
        let over = self.layout.scratch.as_ref().map(|scratch| below(scratch.root(), entry));
        let own = below(&self.layout.root, entry);
        over.into_iter().chain([own]).filter(|path| !self.layout.ignores(path))
    }

    /// The first place where something lies.
    fn found(&self, entry: &Entry) -> Option<PathBuf> {
        self.places(entry).find(|path| self.layout.ground(path).look(path).is_ok())
    }

    /// A file with this content, to be named.
    fn filled<'a>(&self, target: &Path, content: &Content<'a>) -> Result<Filled<'a>, BackendError> {
        match content {
            Content::File(file) if file.lies_in(self.layout.ground(target)) => {
                Ok(Filled::Theirs(file))
            }
            _ => self.copied(target, content).map(Filled::Ours),
        }
    }

    fn copied(&self, target: &Path, content: &Content<'_>) -> Result<Temporary, BackendError> {
        let mut own = self.new_file()?;
        let written = match content {
            Content::Bytes(bytes) => own.file.write_all(bytes),
            Content::File(_) | Content::Stored(_) => {
                io::copy(&mut content.reader(), &mut own.file).map(drop)
            }
        };
        written.map_err(|error| BackendError::of(target.to_owned(), error))?;
        Ok(own)
    }

    /// Names a file whose content is durable.
    fn named(&self, target: &Path, file: &Temporary, is_object: bool) -> Result<(), BackendError> {
        let failed = |error| BackendError::of(target.to_owned(), error);
        match file.settle(target, is_object) {
            // Somebody deleted the store, and the file with it; it is open, and has its content still.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let copy = self.copied(target, &Content::File(file))?;
                copy.file.sync_all().map_err(failed)?;
                copy.settle(target, is_object).map_err(failed)
            }
            result => result.map_err(failed),
        }
    }

    /// An error of the layout, in the words of a backend.
    fn failed(&self, error: StoreError) -> BackendError {
        match error {
            StoreError::Write { path, source } | StoreError::Read { path, source } => {
                BackendError::of(path, source)
            }
            other => BackendError::Refused {
                place: self.layout.root.clone(),
                source: io::Error::other(other),
            },
        }
    }
}

impl Backend for LocalFolder {
    fn open(&self, entry: &Entry) -> Result<Option<Opened>, BackendError> {
        for path in self.places(entry) {
            match self.layout.ground(&path).open(&path) {
                Ok(file) => return Ok(Some(Opened::File { file, path })),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(BackendError::of(path, error)),
            }
        }
        Ok(None)
    }

    fn look(&self, entry: &Entry) -> Result<Option<EntryMeta>, BackendError> {
        for path in self.places(entry) {
            match self.layout.ground(&path).look(&path) {
                Ok(look) if look.kind == FileType::RegularFile => {
                    return Ok(Some(EntryMeta { bytes: look.bytes, modified: look.modified }));
                }
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(BackendError::of(path, error)),
            }
        }
        Ok(None)
    }

    fn put(&self, batch: &[(Entry, Content<'_>)]) -> Result<(), BackendError> {
        let mut files = Vec::with_capacity(batch.len());
        for (entry, content) in batch {
            let target = self.home(entry);
            let filled = self.filled(&target, content)?;
            files.push((matches!(entry, Entry::Object(_)), target, filled));
        }
        // What is temporary anyway outlives nothing.
        if self.layout.scratch.is_none() {
            let objects = files.iter().filter(|(is_object, ..)| *is_object);
            let objects: Vec<&Path> = objects.map(|(_, _, filled)| filled.file().path()).collect();
            disk::sync_contents(objects.into_iter())
                .map_err(|(path, source)| BackendError::of(path, source))?;
        }
        for (object, target, filled) in files {
            self.named(&target, filled.file(), object)?;
            self.layout.heed(&target);
            locked(&self.unsynced).insert(target);
        }
        Ok(())
    }

    fn list(&self, prefix: &Prefix) -> Result<Vec<Entry>, BackendError> {
        self.listed(prefix)
    }

    fn delete(&self, entry: &Entry) -> Result<bool, BackendError> {
        let path = self.home(entry);
        let ground = self.layout.ground(&path);
        let there = match ground.remove(&path) {
            Ok(()) => true,
            Err(error) if error.kind() == ErrorKind::NotFound => false,
            Err(error) => return Err(BackendError::of(path, error)),
        };
        if let (Entry::Record { .. }, Some(folder)) = (entry, path.parent()) {
            // Fails unless it is empty, as it should.
            let _ = ground.remove(folder);
        }
        Ok(there)
    }

    fn set_aside(&self, entry: &Entry) -> Result<Aside, BackendError> {
        let Some(path) = self.found(entry) else { return Ok(Aside::Gone) };
        self.layout.set_aside(&path).map_err(|error| BackendError::of(path, error))
    }

    fn touch(&self, entry: &Entry) -> Result<(), BackendError> {
        if self.layout.scratch.is_none()
            && let Some(Opened::File { file, path }) = self.open(entry)?
        {
            file.set_modified(SystemTime::now()).map_err(|error| BackendError::of(path, error))?;
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), BackendError> {
        let files = std::mem::take(&mut *locked(&self.unsynced));
        if files.is_empty() || self.layout.scratch.is_some() {
            return Ok(());
        }
        disk::sync_all(&self.layout.root, files.iter())
            .map_err(|(path, source)| BackendError::of(path, source))
    }

    fn place(&self, entry: &Entry) -> PathBuf {
        match &self.layout.scratch {
            Some(_) => self.found(entry).unwrap_or_else(|| self.home(entry)),
            None => self.home(entry),
        }
    }

    fn folder(&self) -> Option<&LocalFolder> {
        Some(self)
    }
}

fn below(root: &Path, entry: &Entry) -> PathBuf {
    root.join(entry.path())
}
