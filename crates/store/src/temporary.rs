//! Temporary files: what is being written, below a folder that is reached by one handle.

use std::{
    ffi::OsStr,
    fs::File,
    io::{self, ErrorKind},
    os::{fd::OwnedFd, unix::fs::FileExt as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use rustix::{
    fs::{AtFlags, OFlags},
    io::Errno,
};

use crate::{
    disk::LETTERS,
    folder::{Folder, MODE},
};

/// A temporary file that is being written, under a name of its own. Dropped, it is removed.
#[derive(Debug)]
pub struct Temporary {
    pub(crate) file: File,
    path: PathBuf,
    name: String,
    folder: Arc<OwnedFd>,
    ground: Arc<Folder>,
    /// Does it still have its first name?
    left: AtomicBool,
}

impl Temporary {
    /// A new file in a folder below, locked, whose name is `prefix` and six letters.
    pub(crate) fn new(ground: &Arc<Folder>, folder: &Path, prefix: &str) -> io::Result<Self> {
        let handle = ground.folder(ground.below(folder)?, folder)?;
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC;
        for attempt in 0..TRIES {
            let name = format!("{prefix}{}", letters(attempt));
            match rustix::fs::openat(&*handle, &name, flags | OFlags::NOFOLLOW, MODE) {
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
                Ok(file) => {
                    let file = File::from(file);
                    // Nobody else has seen the file. Where locks are not supported, leftovers just stay.
                    let _ = file.try_lock();
                    let (path, ground) = (folder.join(&name), ground.clone());
                    let left = AtomicBool::new(true);
                    return Ok(Self { file, path, name, folder: handle, ground, left });
                }
            }
        }
        Err(ErrorKind::AlreadyExists.into())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Was it made below this folder, so that it can be named there?
    pub(crate) fn lies_in(&self, ground: &Arc<Folder>) -> bool {
        Arc::ptr_eq(&self.ground, ground)
    }

    /// What was written so far, whatever its name is by now.
    pub(crate) fn read(&self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; self.file.metadata()?.len() as usize];
        self.file.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    }

    /// Gives the file its name, replacing what was there; the folder is made if missing. A second call does
    /// nothing.
    ///
    /// From then on every process sees the whole file. Whether it also survives a power loss is another
    /// matter.
    pub(crate) fn settle(&self, target: &Path, read_only: bool) -> io::Result<()> {
        if !self.left.load(Ordering::Acquire) {
            return Ok(());
        }
        if read_only {
            let mut permissions = self.file.metadata()?.permissions();
            permissions.set_readonly(true);
            self.file.set_permissions(permissions)?;
        }
        for _ in 0..TRIES {
            match self.ground.rename_from(&self.folder, OsStr::new(&self.name), target) {
                Ok(()) => {
                    self.left.store(false, Ordering::Release);
                    return Ok(());
                }
                // The folder is not there yet, or `gc` removed it since, as it does with empty ones.
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    self.ground.make_folder(target.parent().unwrap_or(target))?;
                }
                Err(error) => return Err(error),
            }
        }
        Err(ErrorKind::NotFound.into())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if self.left.load(Ordering::Acquire) {
            let _ = rustix::fs::unlinkat(&*self.folder, self.name.as_str(), AtFlags::empty());
        }
    }
}

/// So often a name is tried that is taken, or a folder that vanishes.
const TRIES: usize = 20;

/// Letters that nobody else is likely to take: of the time, the thread and the attempt.
fn letters(attempt: usize) -> String {
    use std::hash::{BuildHasher as _, RandomState};
    // Keyed anew for each: the names of two processes never run in step.
    let mut number = RandomState::new().hash_one((attempt, std::thread::current().id()));
    let mut letter = || {
        let at = (number % 36) as u32;
        number /= 36;
        char::from_digit(at, 36).unwrap_or('0')
    };
    (0..LETTERS).map(|_| letter()).collect()
}
