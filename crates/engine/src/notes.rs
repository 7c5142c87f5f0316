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
    /// Says something once, in the notes of what is being made.
    pub(crate) fn tell(&self, note: String) {
        lock_mutex(&self.told).push(note);
    }

    /// What was told since the last time.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *lock_mutex(&self.told))
    }

    /// Says how the data were read.
    pub(crate) fn say(&self, note: String) {
        lock_mutex(&self.said).push(note);
    }

    /// What was said of how the data were read.
    pub(crate) fn said(&self) -> Vec<String> {
        lock_mutex(&self.said).clone()
    }
}
