//! Notes of a session: messages to the user beside the results.

use std::sync::{Mutex, atomic::AtomicUsize};

use crate::mutex::lock_mutex;

/// Notes that wait for a report.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    told: Mutex<Vec<String>>,
    said: Mutex<Vec<String>>,
    /// Columns that were compared with wrong names.
    pub(crate) compared: AtomicUsize,
}

impl Notes {
    /// Adds a note to the next report.
    pub(crate) fn tell(&self, note: String) {
        lock_mutex(&self.told).push(note);
    }

    /// The notes since the last call.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *lock_mutex(&self.told))
    }

    /// Adds a note on how the data were read.
    pub(crate) fn say(&self, note: String) {
        lock_mutex(&self.said).push(note);
    }

    /// The notes on how the data were read.
    pub(crate) fn said(&self) -> Vec<String> {
        lock_mutex(&self.said).clone()
    }
}
