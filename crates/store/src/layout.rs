//! Layout of the store's folder `.collegium/`: its parts, its version, its creation.

use std::{
    collections::HashSet,
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use collegium_digest::Digest;
use rustix::fs::FileType;

use crate::{
    StoreError, disk,
    folder::Folder,
    locked, owner,
    scratch::{Scratch, can_write},
    temporary::Temporary,
};

/// The layout version that this program writes, and the latest that it reads.
pub(crate) const VERSION: u64 = 1;

pub(crate) const FOLDERS: [&str; 9] = [
    "objects",
    "recipes",
    "realisations",
    "projects",
    "locks",
    "tmp",
    "quarantine",
    "runs",
    "cache",
];

/// More than this is no version.
const LONGEST_VERSION: u64 = 64;

const README: &str = "\
This folder is Collegium's store: what was computed, filed under what it was computed from.
Any file in it may be deleted at any time, while nothing runs: that costs time, never correctness.
It does not belong into version control; the lock file beside each pipeline does.

objects/ab/cdef...                  content, named by its BLAKE3 hash: models, outputs, tables; read-only
recipes/ab/DIGEST.json              the ingredients of a computation, in readable form
realisations/ab/RECIPE/ID.json      what a computation of that recipe produced and cost; ID is the
                                    model's object, or a hash of what came out
runs/TIME-PROCESS.json              reports of past runs; gc keeps the last hundred
reports/PIPELINE.html, .json        the last audit of each pipeline
cache/stat.json                     hashes of input files, by path, size and times
cache/memo                          what follows from hashes: a hash for a hash
cache/KEY.ground, KEY.report        what the last run of a pipeline stood on, and what it said
projects/ID                         another project that uses this store through a link
locks/RECIPE                        held by the process that computes that recipe; released when it ends
tmp/PROCESS-...                     files being written
quarantine/PATH.PROCESS             files that were found damaged; of no use but to find out why
version                             the version of this layout
.gitignore, README                  keep all this out of version control, and explain it

`collegium verify` reads all of it and moves away what is damaged; `collegium gc` frees what no lock
file stands on.
";

/// Paths below `.collegium/`.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) root: PathBuf,
    ground: Arc<Folder>,
    /// What is laid over a store that cannot be written.
    pub(crate) scratch: Option<Scratch>,
    /// Is the store reached through a link?
    pub(crate) linked: bool,
    /// Is nothing but caches written?
    pub(crate) looks: bool,
    /// Damaged files that whoever only looks passes over.
    pub(crate) ignored: Mutex<HashSet<PathBuf>>,
    /// Has this process made sure that the folders exist?
    created: AtomicBool,
    /// What is to be said of the place, until somebody asks.
    pub(crate) notes: Mutex<Vec<String>>,
}

impl Layout {
    /// To write to. A store of another owner is refused.
    pub(crate) fn new(project_root: &Path) -> Result<Self, StoreError> {
        let layout = Self::at(project_root)?;
        match layout.stranger()? {
            Some(error) => Err(error),
            None => Ok(layout),
        }
    }

    /// The same where the project cannot be written: nothing below it will be.
    pub(crate) fn to_read(project_root: &Path) -> Result<Self, StoreError> {
        let mut layout = Self { looks: true, ..Self::at(project_root)? };
        let stranger = layout.stranger()?;
        if stranger.is_some() || !layout.can_be_written(project_root) {
            let folder = std::env::temp_dir();
            layout.scratch = Some(Scratch::new().map_err(StoreError::write(&folder))?);
        }
        if stranger.is_some() {
            let root = layout.root.display();
            locked(&layout.notes).push(format!(
                "{root} belongs to another user: it is read, and nothing is written to it"
            ));
        }
        Ok(layout)
    }

    fn at(project_root: &Path) -> Result<Self, StoreError> {
        let root = project_root.join(".collegium");
        let linked = fs::symlink_metadata(&root).is_ok_and(|metadata| metadata.is_symlink());
        let ground = Arc::new(Folder::new(root.clone(), linked));
        let layout = Self {
            root,
            ground,
            scratch: None,
            linked,
            looks: false,
            ignored: Mutex::default(),
            created: AtomicBool::new(false),
            notes: Mutex::default(),
        };
        // A link may lead anywhere. It is the user's own if a store is there already.
        if linked && !matches!(layout.version(), Ok(Some(text)) if text.parse::<u64>().is_ok()) {
            let to = fs::read_link(&layout.root).unwrap_or_default();
            return Err(StoreError::Link { path: layout.root, to });
        }
        Ok(layout)
    }

    /// The refusal to write to the store, if it belongs to somebody else.
    fn stranger(&self) -> Result<Option<StoreError>, StoreError> {
        match self.ground.metadata() {
            Ok(metadata) if owner::is_ours(&metadata, &self.root) => Ok(None),
            Ok(metadata) => Ok(Some(StoreError::Owner {
                path: self.root.clone(),
                owner: std::os::unix::fs::MetadataExt::uid(&metadata),
            })),
            // There is none yet.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StoreError::Read { path: self.root.clone(), source }),
        }
    }

    fn can_be_written(&self, project_root: &Path) -> bool {
        if !self.root.is_dir() {
            // A project that is not there is another error, for whoever reads it.
            return !project_root.is_dir() || can_write(project_root);
        }
        let parts = FOLDERS.iter().map(|name| self.root.join(name)).filter(|part| part.is_dir());
        std::iter::once(self.root.clone()).chain(parts).all(|folder| can_write(&folder))
    }

    /// The folder that a path lies in: the store's, or what is laid over it.
    pub(crate) fn ground(&self, path: &Path) -> &Arc<Folder> {
        match &self.scratch {
            Some(scratch) if path.starts_with(scratch.root()) => &scratch.ground,
            _ => &self.ground,
        }
    }

    /// The bytes of a file; empty for a folder in its place, which no reader takes for a record.
    pub(crate) fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
        match self.ground(path).read(path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) => match error.kind() {
                ErrorKind::NotFound => Ok(None),
                ErrorKind::IsADirectory => Ok(Some(Vec::new())),
                _ => Err(StoreError::Read { path: path.to_owned(), source: error }),
            },
        }
    }

    /// The names in a folder, with their paths, sorted; none if there is no such folder, or if it is a
    /// stray file.
    pub(crate) fn names(&self, folder: &Path) -> Result<Vec<(String, PathBuf)>, StoreError> {
        self.ground(folder).names(folder).map_err(StoreError::read(folder))
    }

    /// A locked temporary file of this process.
    pub(crate) fn temporary(&self) -> io::Result<Temporary> {
        let folder = self.home("tmp");
        Temporary::new(self.ground(&folder), &folder, &format!("{}-", std::process::id()))
    }

    /// Where new files go: the store itself, or what is laid over it.
    pub(crate) fn writes_to(&self) -> &Path {
        self.scratch.as_ref().map_or(&self.root, Scratch::root)
    }

    /// Where new files of a part of the store go.
    pub(crate) fn home(&self, name: &str) -> PathBuf {
        self.writes_to().join(name)
    }

    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// What `version` says; `None` if it is not there.
    fn version(&self) -> Result<Option<String>, StoreError> {
        let path = self.folder("version");
        match self.ground.look(&path) {
            Ok(look) if look.kind == FileType::RegularFile && look.bytes <= LONGEST_VERSION => {}
            Ok(_) => return Ok(Some(String::new())),
            Err(error) if crate::folder::is_absent(&error) => return Ok(None),
            Err(source) => return Err(StoreError::Read { path, source }),
        }
        let bytes = self.read(&path)?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned()))
    }

    /// Looks at the version, if there is a store; says whether it is damaged.
    pub(crate) fn check(&self) -> Result<Option<String>, StoreError> {
        let Some(text) = self.version()? else { return Ok(None) };
        match text.parse::<u64>() {
            Ok(found) if found > VERSION => {
                Err(StoreError::Newer { path: self.root.clone(), found, known: VERSION })
            }
            Ok(_) => Ok(None),
            Err(_) => {
                let path = self.folder("version");
                let then = if self.looks { "is ignored" } else { "will be written anew" };
                Ok(Some(format!("{} is damaged and {then}", path.display())))
            }
        }
    }

    /// Makes the folders on this process's first write.
    pub(crate) fn ready(&self) -> Result<(), StoreError> {
        if self.created.load(Ordering::Acquire) {
            return Ok(());
        }
        self.create()?;
        let first = !self.created.swap(true, Ordering::AcqRel);
        if first && self.scratch.is_some() {
            locked(&self.notes).push(format!(
                "{} cannot be written: what has to be made is in a temporary folder, and is not kept",
                self.root.display()
            ));
        }
        // Already so while it is enrolled, which writes, too.
        self.enrol()
    }

    /// A temporary file of this store; if somebody deleted the store meanwhile, it is made again.
    pub(crate) fn new_file(&self) -> Result<Temporary, StoreError> {
        self.ready()?;
        match self.temporary() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.create()?;
                self.temporary()
            }
            result => result,
        }
        .map_err(StoreError::write(&self.home("tmp")))
    }

    /// Names files that carry no checksum: each is whole behind its name, or not there, whatever happens to
    /// the power.
    pub(crate) fn settle_whole(&self, files: Vec<(Temporary, PathBuf)>) -> Result<(), StoreError> {
        // What is temporary anyway outlives nothing.
        if self.scratch.is_none() {
            disk::sync_contents(files.iter().map(|(file, _)| file.path()))
                .map_err(|(path, source)| StoreError::Write { path, source })?;
        }
        for (file, path) in files {
            file.settle(&path, false).map_err(StoreError::write(&path))?;
        }
        Ok(())
    }

    /// Makes whatever part of the store is missing, and removes what dead processes left.
    pub(crate) fn create(&self) -> Result<(), StoreError> {
        let home = self.writes_to().to_owned();
        let ground = self.ground(&home);
        ground.make().map_err(StoreError::write(&home))?;
        for name in FOLDERS {
            let path = self.home(name);
            ground.make_folder(&path).map_err(StoreError::write(&path))?;
        }
        let version = format!("{VERSION}\n");
        let damaged = !self.looks && self.version()?.is_some_and(|v| v.parse::<u64>().is_err());
        let mut new = Vec::new();
        for (name, text) in
            [(".gitignore", "*\n"), ("README", README), ("version", version.as_str())]
        {
            let path = self.home(name);
            if ground.look(&path).is_err() || (damaged && name == "version") {
                let filled = self.temporary().and_then(|mut file| {
                    io::Write::write_all(&mut file.file, text.as_bytes()).map(|()| file)
                });
                new.push((filled.map_err(StoreError::write(&path))?, path));
            }
        }
        self.settle_whole(new)?;
        if !self.looks {
            crate::sweep::sweep(self);
        }
        Ok(())
    }
}

/// The digits of a digest. Formatting each byte by itself took more time than opening the file.
pub(crate) fn hex(digest: &Digest) -> String {
    let mut digits = String::with_capacity(2 * digest.as_bytes().len());
    push_hex(&mut digits, digest.as_bytes());
    digits
}

/// Adds the digits of some bytes.
pub(crate) fn push_hex(to: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS[usize::from(nibble)];
    // A digest at a time: thousands of names are written in a moment.
    for bytes in bytes.chunks(32) {
        let mut digits = [[0; 2]; 32];
        for (two, byte) in digits.iter_mut().zip(bytes) {
            *two = [digit(byte >> 4), digit(byte & 15)];
        }
        let digits = digits[..bytes.len()].as_flattened();
        to.push_str(str::from_utf8(digits).unwrap_or_default());
    }
}
