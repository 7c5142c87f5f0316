//! Advisory lock per recipe: one process at a time computes it.
//!
//! The lock is the operating system's, on an open file: it ends with its holder, however that
//! happens, so there is nothing to unlock by hand. The file itself means nothing. A holder removes
//! it on release, so whoever gets the lock makes sure that the file it locked is still the one that
//! others would open.

use std::{
    fs::{File, TryLockError},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use collegium_digest::Digest;

use crate::{Store, StoreError, folder::Folder, layout::hex};

/// The exclusive right to compute a recipe, until dropped.
#[derive(Debug)]
#[must_use = "the lock is released as soon as it is dropped"]
pub struct RecipeLock {
    path: PathBuf,
    file: File,
    ground: Arc<Folder>,
}

impl Drop for RecipeLock {
    fn drop(&mut self) {
        // While the lock is still held; closing the file then releases it.
        if is_current(&self.file, &self.path, &self.ground).unwrap_or(false) {
            let _ = self.ground.remove(&self.path);
        }
    }
}

impl Store {
    /// Waits for the exclusive right to compute a recipe, among threads and processes alike.
    ///
    /// A thread must hold at most one such lock at a time, and not ask for one it holds: then
    /// nobody ever waits in a circle. Look for a realisation again once the lock is there: whoever
    /// held it has probably made one.
    ///
    /// # Errors
    /// If the lock's file cannot be made.
    pub fn lock(&self, recipe: &Digest) -> Result<RecipeLock, StoreError> {
        loop {
            let (file, path, ground) = self.lock_candidate(recipe)?;
            file.lock().map_err(StoreError::write(&path))?;
            if is_current(&file, &path, &ground).map_err(StoreError::write(&path))? {
                return Ok(RecipeLock { path, file, ground });
            }
        }
    }

    /// As [`Store::lock`], but gives up with `None` soon after `interrupted` was set.
    ///
    /// # Errors
    /// If the lock's file cannot be made.
    pub fn lock_unless(
        &self,
        recipe: &Digest,
        interrupted: &AtomicBool,
    ) -> Result<Option<RecipeLock>, StoreError> {
        while !interrupted.load(Ordering::Relaxed) {
            if let Some(lock) = self.try_lock(recipe)? {
                return Ok(Some(lock));
            }
            // The holder is fitting: this wait is short beside that, and costs nothing.
            thread::sleep(Duration::from_millis(20));
        }
        Ok(None)
    }

    /// As [`Store::lock`], but `None` at once if somebody else holds it.
    ///
    /// # Errors
    /// If the lock's file cannot be made.
    pub fn try_lock(&self, recipe: &Digest) -> Result<Option<RecipeLock>, StoreError> {
        loop {
            let (file, path, ground) = self.lock_candidate(recipe)?;
            match file.try_lock() {
                Ok(())
                    if is_current(&file, &path, &ground).map_err(StoreError::write(&path))? =>
                {
                    return Ok(Some(RecipeLock { path, file, ground }));
                }
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(source)) => {
                    return Err(StoreError::Write { path, source });
                }
            }
        }
    }

    fn lock_candidate(&self, recipe: &Digest) -> Result<(File, PathBuf, Arc<Folder>), StoreError> {
        self.layout.ready()?;
        let path = self.layout.home("locks").join(hex(recipe));
        let ground = self.layout.ground(&path);
        let open = || ground.open_or_make(&path);
        let file = match open() {
            // Somebody deleted the store meanwhile.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.layout.create()?;
                open()
            }
            result => result,
        }
        .map_err(StoreError::write(&path))?;
        Ok((file, path, ground.clone()))
    }
}

/// Is the open file still the one at this path?
fn is_current(file: &File, path: &Path, ground: &Folder) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let mine = file.metadata()?;
    match ground.open(path).and_then(|there| there.metadata()) {
        Ok(there) => Ok((there.dev(), there.ino()) == (mine.dev(), mine.ino())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
