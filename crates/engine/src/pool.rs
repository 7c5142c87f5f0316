//! Memory pool, the back-pressure of the scheduler: a fit waits until enough memory is free.

use std::sync::{Condvar, Mutex};

use crate::mutex::lock_mutex;

/// Bytes that running fits hold, by estimate.
#[derive(Debug, Default)]
pub(crate) struct MemoryPool {
    bytes: Mutex<u64>,
    less: Condvar,
}

/// A share of the limit, given back when dropped.
pub(crate) struct Share<'a> {
    held: &'a MemoryPool,
    bytes: u64,
}

impl MemoryPool {
    /// Waits until `bytes` more fit under the limit, or nothing else is running.
    pub(crate) fn take(&self, bytes: u64, limit: Option<u64>) -> Share<'_> {
        let mut held = lock_mutex(&self.bytes);
        while let Some(limit) = limit
            && *held > 0
            && *held + bytes > limit
        {
            held = self.less.wait(held).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        *held += bytes;
        Share { held: self, bytes }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        *lock_mutex(&self.held.bytes) -= self.bytes;
        self.held.less.notify_all();
    }
}
