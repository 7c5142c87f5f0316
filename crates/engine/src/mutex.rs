//! Locking of a mutex that was poisoned by a panic.

use std::sync::Mutex;

/// A mutex whose holder panicked still guards usable data here: every write is a single insert.
pub(crate) fn lock_mutex<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
