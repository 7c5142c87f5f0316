//! The folder `.collegium/`: its parts, its version, and how it comes into being.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use collegium_digest::Digest;

use crate::{
    StoreError, disk,
    scratch::{Scratch, can_write},
};

/// The layout version that this program writes, and the latest that it reads.
pub(crate) const VERSION: u64 = 1;

const FOLDERS: [&str; 8] =
    ["objects", "recipes", "realisations", "locks", "tmp", "quarantine", "runs", "cache"];

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
locks/RECIPE                        held by the process that computes that recipe; released when it ends
tmp/PROCESS-...                     files being written
quarantine/PATH.PROCESS             files that were found damaged; of no use but to find out why
version                             the version of this layout
.gitignore, README                  keep all this out of version control, and explain it

`collegium verify` reads all of it and moves away what is damaged; `collegium gc` frees what no lock
file stands on.
";

/// Where things lie below `.collegium/`.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) root: PathBuf,
    /// What is laid over a store that cannot be written.
    pub(crate) scratch: Option<Scratch>,
}

impl Layout {
    pub(crate) fn new(project_root: &Path) -> Self {
        Self { root: project_root.join(".collegium"), scratch: None }
    }

    /// The same where the project cannot be written: nothing below it will be.
    pub(crate) fn to_read(project_root: &Path) -> Result<Self, StoreError> {
        let mut layout = Self::new(project_root);
        if !layout.can_be_written(project_root) {
            let folder = std::env::temp_dir();
            layout.scratch = Some(Scratch::new().map_err(StoreError::write(&folder))?);
        }
        Ok(layout)
    }

    fn can_be_written(&self, project_root: &Path) -> bool {
        if !self.root.is_dir() {
            // A project that is not there is another error, for whoever reads it.
            return !project_root.is_dir() || can_write(project_root);
        }
        let parts = FOLDERS.iter().map(|name| self.root.join(name)).filter(|part| part.is_dir());
        std::iter::once(self.root.clone()).chain(parts).all(|folder| can_write(&folder))
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

    pub(crate) fn object(&self, object: &Digest) -> PathBuf {
        let name = hex(object);
        self.below("objects", &[&name[..2], &name[2..]])
    }

    pub(crate) fn recipe(&self, recipe: &Digest) -> PathBuf {
        let name = hex(recipe);
        self.below("recipes", &[&name[..2], &(name.clone() + ".json")])
    }

    pub(crate) fn realisations(&self, recipe: &Digest) -> PathBuf {
        let name = hex(recipe);
        path(&self.root, "realisations", &[&name[..2], &name])
    }

    /// The folders that realisations of a recipe may lie in.
    pub(crate) fn all_realisations(&self, recipe: &Digest) -> impl Iterator<Item = PathBuf> {
        let over = self.scratch.as_ref().map(|scratch| {
            let name = hex(recipe);
            path(scratch.root(), "realisations", &[&name[..2], &name])
        });
        std::iter::once(self.realisations(recipe)).chain(over)
    }

    /// Is this file of the store passed over?
    pub(crate) fn ignores(&self, path: &Path) -> bool {
        self.scratch.as_ref().is_some_and(|scratch| path.exists() && !scratch.is_below(path))
    }

    pub(crate) fn realisation(&self, recipe: &Digest, id: &Digest) -> PathBuf {
        let name = hex(recipe);
        self.below("realisations", &[&name[..2], &name, &(hex(id) + ".json")])
    }

    /// A file of the store: where it is, else where it would be written.
    fn below(&self, folder: &str, names: &[&str]) -> PathBuf {
        let own = path(&self.root, folder, names);
        match &self.scratch {
            Some(scratch) if !scratch.is_below(&own) => path(scratch.root(), folder, names),
            _ => own,
        }
    }

    /// Looks at the version, if there is a store; says whether `version` is missing or unreadable
    /// as a number, so that it has to be written anew.
    pub(crate) fn check(&self) -> Result<Option<String>, StoreError> {
        let path = self.folder("version");
        let text = match fs::read(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).trim().to_owned(),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StoreError::Read { path, source }),
        };
        match text.parse::<u64>() {
            Ok(found) if found > VERSION => {
                Err(StoreError::Newer { path: self.root.clone(), found, known: VERSION })
            }
            Ok(_) => Ok(None),
            Err(_) if self.scratch.is_some() => {
                Ok(Some(format!("{} is damaged and is ignored", path.display())))
            }
            Err(_) => {
                // Out of the way, so that `create` writes it again.
                let _ = fs::remove_file(&path);
                Ok(Some(format!("{} was damaged and is written anew", path.display())))
            }
        }
    }

    /// Makes whatever part of the store is missing.
    pub(crate) fn create(&self) -> Result<(), StoreError> {
        for name in FOLDERS {
            let path = self.home(name);
            fs::create_dir_all(&path).map_err(StoreError::write(&path))?;
        }
        let version = format!("{VERSION}\n");
        for (name, text) in
            [(".gitignore", "*\n"), ("README", README), ("version", version.as_str())]
        {
            let path = self.home(name);
            if !path.exists() {
                disk::replace(&self.home("tmp"), "", &path, text.as_bytes(), false)
                    .map_err(StoreError::write(&path))?;
            }
        }
        Ok(())
    }
}

fn path(root: &Path, folder: &str, names: &[&str]) -> PathBuf {
    // One allocation: this is on the way of every lookup.
    let mut path = PathBuf::with_capacity(root.as_os_str().len() + 240);
    path.push(root);
    path.push(folder);
    names.iter().for_each(|name| path.push(name));
    path
}

/// The digits of a digest. Formatting each byte by itself took more time than opening the file.
pub(crate) fn hex(digest: &Digest) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    digest.as_bytes().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
