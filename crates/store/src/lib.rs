//! Content-addressed store of a project: results, filed under what they were computed from.
//!
//! Everything Collegium spares its user rests on finding an earlier result again, so this crate
//! promises three things about `.collegium/`. *Nothing half-written is ever visible*: every file is
//! filled under another name and renamed. *Nothing damaged is ever believed*: an object is
//! named by the BLAKE3 hash of its bytes and a record carries its own checksum; both are checked
//! whenever they are read, and what fails is moved to `quarantine/` (by a command that only looks it is
//! passed over), mentioned once in words ([`Store::notes`]), and counts as absent. *Deleting any file costs time and
//! never correctness*, because all that is here follows from the pipeline file, the data and the lock file.
//!
//! Objects, recipes and realisations lie in a [`Backend`], which for a project is its folder ([`LocalFolder`]); the
//! rest of the layout is this machine's own state, whatever the backend ([`backend`]).
//!
//! | file | holds |
//! |---|---|
//! | `objects/ab/cdef…` | content: models, outputs, tables; read-only |
//! | `recipes/ab/<digest>.json` | a [`Recipe`](collegium_records::Recipe), readable; its digest is its checksum |
//! | `realisations/ab/<recipe>/<id>.json` | one record of what that recipe gave, sealed with a checksum |
//! | `runs/<time>-<process>.json` | a past [`RunReport`](collegium_records::RunReport), sealed |
//! | `reports/<pipeline>.html`, `.json` | its last audit, for people: the store itself never reads it |
//! | `cache/stat.json`, `cache/memo` | digests of input files, sealed; a digest-to-digest map with its hash |
//! | `cache/<key>.ground`, `.report` | small entries that rest on files as they were ([`Stamped`]), sealed |
//! | `projects/<id>` | the folder of another project that reaches this store through a link |
//! | `locks/<recipe>` | held by whoever computes that recipe |
//! | `tmp/<process>-…` | being written, or left by the dead |
//! | `quarantine/<path>.<process>` | found damaged |
//! | `version`, `README`, `.gitignore` | of this layout; an explanation; `*` |
//!
//! An object gets its name when its content is durable, not before: a name never stands for an empty
//! or torn file, whatever happens to the power. That is bought in groups. A synced file and its
//! synced folder took 9 to 11 ms per object here (ext4 on a virtual disk, with another engineer's
//! builds on it), the file alone 2.4 to 7 ms; so objects wait unnamed, readable in this process, and
//! are synced together just before a record that may name them is filed (`staged.rs`). A fit with
//! its one model then takes 3.2 to 4.3 ms, an object in a group of 64 takes 0.6 to 1.2 ms. Folders are
//! not synced one by one: a forgotten name is a miss. Records wait for the next [`Store::flush`],
//! which makes all names durable before a lock file stands on them; until then a power loss may
//! forget them, or leave them empty, and either is a miss. A killed process forgets nothing that it
//! filed. What carries no checksum that its reader asks for (lock files, reports, results in places that
//! a person named, `version`, `README`, `.gitignore`) is synced before it is named, like an object.
//!
//! A command that only looks also works where nothing can be written ([`Store::open_to_read`]):
//! what it has to make lies in a temporary folder (`scratch.rs`).
//!
//! Two commands care for it. [`Store::verify`] reads everything and names what was damaged;
//! [`Store::plan_gc`] and [`Store::gc`] free what no lock file, pin or recent run stands on. Both
//! work beside running processes, for which a vanished file is a miss. Both care for the folder alone, where
//! there is one: something shared behind it has other users.
//!
//! Rejected: a database (one damaged page takes everything with it, and no two stores can be united
//! by copying files); one append-only log of records (a lookup need not read the whole history, and
//! files take 17 µs each to find, read and check: `tests/store/speed.rs`); lock files that say
//! "locked" (a killed process would leave them behind; advisory locks die with their holder);
//! reference counts (they drift; a walk over all records, at 20 to 40 µs each, always tells the truth).

pub mod backend;
mod disk;
mod error;
mod folder;
mod gc;
mod layout;
mod lock;
mod lockfile;
mod memo;
mod objects;
mod output;
mod owner;
mod project;
mod quarantine;
mod rotated;
mod runs;
mod scratch;
mod seal;
mod shape;
mod shared;
mod staged;
mod stamp;
mod stamped;
mod sweep;
mod temporary;
mod traces;
mod trust;
mod verify;

use std::{
    collections::HashMap,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use collegium_digest::Digest;

pub use backend::{
    Aside, Backend, BackendError, Content, Entry, EntryMeta, Ground, InMemory, Layered,
    LocalFolder, Opened, Prefix,
};
pub use error::StoreError;
pub use gc::{Doomed, GcPlan, GcPolicy, amounts};
pub use lock::RecipeLock;
pub use lockfile::{LOCK_FORMAT, broken_seals, lock_text, parse_lock, read_lock, write_lock};
pub use output::OutputFile;
pub use owner::trust_file;
pub use project::{PipelineFile, Roots, pipeline, pipelines};
pub use seal::seal;
pub use stamped::Stamped;
pub use temporary::Temporary;
pub use trust::{Grant, READS, grants, revoke, stores, trust_store};
pub use verify::{Progress, Scope, Verified};

use crate::{
    layout::Layout,
    memo::Memo,
    objects::Copies,
    staged::Staged,
    stamp::{Stamp, StatCache},
};

/// The store of one project. Share it behind an `Arc`; every method takes `&self`, and any number
/// of threads and processes may use one store at a time.
#[derive(Debug)]
pub struct Store {
    /// What is this machine's own.
    layout: Arc<Layout>,
    /// Objects, recipes and records.
    backend: Arc<dyn Backend>,
    /// In words, until somebody asks.
    notes: Mutex<Vec<String>>,
    /// Objects that wait for their names.
    staged: Staged,
    /// Objects whose content this process has checked, with the state of the file at that time.
    verified: Mutex<HashMap<Digest, Stamp>>,
    /// Files of objects that the backend does not have as files.
    copies: Copies,
    stat: Mutex<StatCache>,
    memo: Mutex<Memo>,
}

impl Store {
    /// The store of the project at `project_root`. Nothing is written before there is something to
    /// keep; what has to be kept and cannot be written is an error then.
    ///
    /// # Errors
    /// If the store there has a newer layout, belongs to another user, is a link to what is no store,
    /// or is not a folder that can be read.
    pub fn open(project_root: &Path) -> Result<Self, StoreError> {
        Self::of(Layout::new(project_root)?)
    }

    /// The same for whoever only looks. Where the project cannot be written, nothing below it is:
    /// what has to be made lies in a temporary folder until the last of the store's handles is
    /// dropped, and a note says that it is not kept.
    ///
    /// # Errors
    /// As [`Store::open`], or if there is no place for temporary files either.
    pub fn open_to_read(project_root: &Path) -> Result<Self, StoreError> {
        Self::of(Layout::to_read(project_root)?)
    }

    /// The store of the project at `project_root` with its objects and records in `backend`; what is this
    /// machine's own is in the project's folder.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn over(project_root: &Path, backend: Arc<dyn Backend>) -> Result<Self, StoreError> {
        let layout = Arc::new(Layout::new(project_root)?);
        let note = layout.check()?;
        // Of the same folder one handle serves both: files that are filled by it are named by it.
        let shared = backend.folder().map(|folder| folder.layout.clone());
        let layout = shared.filter(|shared| shared.root == layout.root).unwrap_or(layout);
        locked(&layout.notes).extend(note);
        Ok(Self::on(layout, backend))
    }

    /// Another handle on the store of this place.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn at(place: &Place) -> Result<Self, StoreError> {
        // Whoever opened it first was told.
        place.layout.check()?;
        Ok(Self::on(place.layout.clone(), place.backend.clone()))
    }

    /// Where this store lies, to open it again.
    pub fn place(&self) -> Place {
        Place { layout: self.layout.clone(), backend: self.backend.clone() }
    }

    /// Is nothing below the project written, because it cannot be?
    pub fn is_read_only(&self) -> bool {
        self.layout.scratch.is_some()
    }

    fn of(layout: Layout) -> Result<Self, StoreError> {
        let note = layout.check()?;
        locked(&layout.notes).extend(note);
        let layout = Arc::new(layout);
        Ok(Self::on(layout.clone(), Arc::new(LocalFolder::of(layout))))
    }

    fn on(layout: Arc<Layout>, backend: Arc<dyn Backend>) -> Self {
        Self {
            layout,
            backend,
            notes: Mutex::default(),
            staged: Staged::default(),
            verified: Mutex::default(),
            copies: Copies::default(),
            stat: Mutex::default(),
            memo: Mutex::default(),
        }
    }

    /// What is asked whether something has to be written, and what `gc` and `verify` care for: the folder, if
    /// there is one, and not what is shared behind it.
    fn nearest(&self) -> &dyn Backend {
        match self.backend.folder() {
            Some(folder) => folder,
            None => &*self.backend,
        }
    }

    /// The folder `.collegium/`.
    pub fn root(&self) -> &Path {
        &self.layout.root
    }

    /// Writes the stat cache and the memo, if they changed, and makes every result since the last
    /// flush survive a power loss. Call it before a lock file is written, and at the end; if there
    /// is nothing new it does nothing.
    ///
    /// # Errors
    /// If something cannot be written.
    pub fn flush(&self) -> Result<(), StoreError> {
        self.name_staged()?;
        self.flush_stat()?;
        self.flush_memo()?;
        self.backend.flush().map_err(StoreError::writing)
    }

    /// Writes a whole file of the store that may well be lost in a power loss.
    fn replace(&self, target: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        let mut file = self.layout.new_file()?;
        file.file.write_all(bytes).map_err(StoreError::write(target))?;
        file.settle(target, false).map_err(StoreError::write(target))
    }

    /// Writes the files of an audit's report, each by its way below `reports/`, replacing the last ones;
    /// returns the folder. They are for people, who check no sums: a power loss leaves each as it was, or new.
    ///
    /// # Errors
    /// If one cannot be written, if a link lies on the way, or if a name leads out of the folder.
    pub fn report(&self, files: &[(PathBuf, &[u8])]) -> Result<PathBuf, StoreError> {
        let folder = self.layout.folder("reports");
        for some in files.chunks(staged::MANY) {
            let mut new = Vec::new();
            for (name, bytes) in some {
                let path = folder.join(name);
                if !path.starts_with(&folder) {
                    let source = io::Error::other("it does not lie in the folder of reports");
                    return Err(StoreError::Write { path, source });
                }
                let mut file = self.layout.new_file()?;
                file.file.write_all(bytes).map_err(StoreError::write(&path))?;
                new.push((file, path));
            }
            self.layout.settle_whole(new)?;
        }
        Ok(folder)
    }
}

/// Where a store lies; as long as one is held, what was made in a temporary folder is there.
#[derive(Debug, Clone)]
pub struct Place {
    layout: Arc<Layout>,
    backend: Arc<dyn Backend>,
}

/// A mutex whose holder panicked still guards valid data here: every change is a single insertion.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
