//! The memory of a project: what was computed, filed under what it was computed from.
//!
//! Everything Collegium spares its user rests on finding an earlier result again, so this crate
//! promises three things about `.collegium/`. *Nothing half-written is ever visible*: every file is
//! filled under another name and renamed. *Nothing damaged is ever believed*: an object is
//! named by the BLAKE3 hash of its bytes and a record carries its own checksum; both are checked
//! whenever they are read, and what fails is moved to `quarantine/` (by a command that only looks it is
//! passed over), mentioned once in words ([`Store::notes`]), and counts as absent. *Deleting any file costs time and never correctness*,
//! because all that is here follows from the pipeline file, the data and the lock file.
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
//! work beside running processes, for which a vanished file is a miss.
//!
//! Rejected: a database (one damaged page takes everything with it, and no two stores can be united
//! by copying files); one append-only log of records (a lookup need not read the whole history, and
//! files take 17 µs each to find, read and check: `tests/store/speed.rs`); lock files that say
//! "locked" (a killed process would leave them behind; advisory locks die with their holder);
//! reference counts (they drift; a walk over all records, at 20 to 40 µs each, always tells the truth).

mod disk;
mod error;
mod folder;
mod gc;
mod ground;
mod layout;
mod lock;
mod lockfile;
mod memo;
mod objects;
mod output;
mod owner;
mod project;
mod runs;
mod scratch;
mod seal;
mod shape;
mod shared;
mod staged;
mod stamp;
mod stamped;
mod sweep;
mod traces;
mod trust;
mod verify;

use std::{
    collections::{BTreeSet, HashMap},
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use collegium_digest::Digest;

pub use error::StoreError;
pub use gc::{Doomed, GcPlan, GcPolicy, amounts};
pub use ground::Ground;
pub use lock::RecipeLock;
pub use lockfile::{LOCK_FORMAT, broken_seals, lock_text, parse_lock, read_lock, write_lock};
pub use output::OutputFile;
pub use owner::trust_file;
pub use project::{PipelineFile, Roots, pipeline, pipelines};
pub use seal::seal;
pub use stamped::Stamped;
pub use trust::{Grant, READS, grants, revoke, stores, trust_store};
pub use verify::{Progress, Scope, Verified};

use crate::{
    folder::Temporary,
    layout::Layout,
    memo::Memo,
    staged::Staged,
    stamp::{Stamp, StatCache},
};

/// The store of one project. Share it behind an `Arc`; every method takes `&self`, and any number
/// of threads and processes may use one store at a time.
#[derive(Debug)]
pub struct Store {
    layout: Arc<Layout>,
    /// Has this process made sure that the folders exist?
    created: AtomicBool,
    /// In words, until somebody asks.
    notes: Mutex<Vec<String>>,
    /// Results that are not yet sure to survive a power loss.
    unsynced: Mutex<BTreeSet<PathBuf>>,
    /// Objects that wait for their names.
    staged: Staged,
    /// Objects whose content this process has checked, with the state of the file at that time.
    verified: Mutex<HashMap<Digest, Stamp>>,
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
        Self::of(Arc::new(Layout::new(project_root)?))
    }

    /// The same for whoever only looks. Where the project cannot be written, nothing below it is:
    /// what has to be made lies in a temporary folder until the last of the store's handles is
    /// dropped, and a note says that it is not kept.
    ///
    /// # Errors
    /// As [`Store::open`], or if there is no place for temporary files either.
    pub fn open_to_read(project_root: &Path) -> Result<Self, StoreError> {
        Self::of(Arc::new(Layout::to_read(project_root)?))
    }

    /// Another handle on the store of this place.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn at(place: &Place) -> Result<Self, StoreError> {
        let store = Self::of(place.0.clone())?;
        // Whoever opened it first was told.
        store.created.store(place.0.scratch.is_some(), Ordering::Release);
        Ok(store)
    }

    /// Where this store lies, to open it again.
    pub fn place(&self) -> Place {
        Place(self.layout.clone())
    }

    /// Is nothing below the project written, because it cannot be?
    pub fn is_read_only(&self) -> bool {
        self.layout.scratch.is_some()
    }

    fn of(layout: Arc<Layout>) -> Result<Self, StoreError> {
        let note = layout.check()?;
        let notes = layout.note.iter().cloned().chain(note).collect();
        Ok(Self {
            layout,
            created: AtomicBool::new(false),
            notes: Mutex::new(notes),
            unsynced: Mutex::default(),
            staged: Staged::default(),
            verified: Mutex::default(),
            stat: Mutex::default(),
            memo: Mutex::default(),
        })
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
        let files = std::mem::take(&mut *locked(&self.unsynced));
        if files.is_empty() || self.is_read_only() {
            return Ok(());
        }
        disk::sync_all(self.root(), files.iter())
            .map_err(|(path, source)| StoreError::Write { path, source })
    }

    /// What a person should know about the store (files found damaged), in words. Each note is
    /// handed out once.
    pub fn notes(&self) -> Vec<String> {
        std::mem::take(&mut *locked(&self.notes))
    }

    fn note(&self, text: String) {
        locked(&self.notes).push(text);
    }

    /// Makes the folders on this process's first write.
    fn create(&self) -> Result<(), StoreError> {
        if !self.created.load(Ordering::Acquire) {
            self.layout.create()?;
            if self.is_read_only() && !self.created.load(Ordering::Acquire) {
                self.note(format!(
                    "{} cannot be written: what has to be made is in a temporary folder, and is not \
                     kept",
                    self.layout.root.display()
                ));
            }
            // Already so while it is enrolled, which writes, too.
            self.created.store(true, Ordering::Release);
            self.enrol()?;
        }
        Ok(())
    }

    /// A temporary file for this store; if somebody deleted the store meanwhile, it is made again.
    fn temporary(&self) -> Result<Temporary, StoreError> {
        self.create()?;
        match self.layout.temporary() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.layout.create()?;
                self.layout.temporary()
            }
            result => result,
        }
        .map_err(StoreError::write(&self.layout.home("tmp")))
    }

    /// Names a filled temporary file, and sees to it that the next flush makes it durable.
    fn settle(&self, file: Temporary, target: &Path, read_only: bool) -> Result<(), StoreError> {
        file.settle(target, read_only).map_err(StoreError::write(target))?;
        locked(&self.unsynced).insert(target.to_owned());
        Ok(())
    }

    /// Writes a whole file of the store that may well be lost in a power loss.
    fn replace(&self, target: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        let mut file = self.temporary()?;
        file.file.write_all(bytes).map_err(StoreError::write(target))?;
        file.settle(target, false).map_err(StoreError::write(target))
    }

    /// Writes a whole file of the store that is part of a result.
    fn keep(&self, target: &Path, bytes: &[u8], read_only: bool) -> Result<(), StoreError> {
        let mut file = self.temporary()?;
        file.file.write_all(bytes).map_err(StoreError::write(target))?;
        self.settle(file, target, read_only)
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
                let mut file = self.temporary()?;
                file.file.write_all(bytes).map_err(StoreError::write(&path))?;
                new.push((file, path));
            }
            self.layout.settle_whole(new)?;
        }
        Ok(folder)
    }

    /// Moves a damaged file to quarantine, where its age counts from now. Returns its new place; `None`
    /// where nothing but caches is written, and the file is passed over.
    fn set_aside(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        if self.layout.looks {
            self.layout.ignore(path);
            return Ok(None);
        }
        let folder = self.layout.folder("quarantine");
        let name: Vec<_> = path
            .strip_prefix(&self.layout.root)
            .unwrap_or(path)
            .iter()
            .map(|part| part.to_string_lossy())
            .collect();
        let target = folder.join(format!("{}.{}", name.join("-"), std::process::id()));
        let ground = self.layout.ground(path);
        ground.make_folder(&folder)?;
        ground.rename(path, &target)?;
        if let Ok(file) = ground.open(&target) {
            let _ = file.set_modified(std::time::SystemTime::now());
        }
        Ok(Some(target))
    }

    /// Takes a damaged file out of the way and says so. `what` names it in words.
    fn quarantine(&self, path: &Path, what: &str) {
        if self.layout.ignores(path) {
            return;
        }
        self.note(match self.set_aside(path) {
            Ok(None) => format!("{what} is damaged and is ignored"),
            Ok(Some(moved)) => format!(
                "{what} was damaged; it was moved to {} and will be made again when needed",
                moved.display()
            ),
            // Another process was faster.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                format!("{what} was damaged and will be made again when needed")
            }
            Err(error) => format!(
                "{what} is damaged and is ignored; {} could not be moved away: {error}",
                path.display()
            ),
        });
    }
}

/// Where a store lies; as long as one is held, what was made in a temporary folder is there.
#[derive(Debug, Clone)]
pub struct Place(Arc<Layout>);

/// A mutex whose holder panicked still guards valid data here: every change is a single insertion.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
