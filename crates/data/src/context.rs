//! Context of data preparation: folders, store, and the observer of progress.

use std::{path::Path, sync::atomic::AtomicBool};

use collegium_manifest::Fence;
use collegium_store::Store;

use crate::{DataError, SqlLimits};

/// Context of data preparation: folders, store, and the observer of progress.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Keeps prepared tables.
    pub store: &'a Store,
    /// The folder of the pipeline file: paths are relative to it.
    pub base: &'a Path,
    /// The folders in which files of the pipeline may lie.
    pub fence: &'a Fence,
    /// Told what is being done, how many rows (or columns) are done, and of how many, when that is
    /// known.
    pub progress: &'a (dyn Fn(&str, u64, Option<u64>) + Sync),
    /// Set to stop: the work ends within a fraction of a second with an error that
    /// [`DataError::is_interrupted`].
    pub interrupted: &'a AtomicBool,
    /// Bytes of values above which SQLite works in a temporary file.
    pub memory_bound: u64,
    /// What a query may take.
    pub limits: SqlLimits,
}

impl Context<'_> {
    pub(crate) fn check(&self) -> Result<(), DataError> {
        if self.interrupted.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(DataError::interrupted());
        }
        Ok(())
    }
}
