//! Cancellation of a running SQLite statement.

use std::{
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    time::Duration,
};

use rusqlite::InterruptHandle;

const EVERY: Duration = Duration::from_millis(50);

/// Does `work`; as soon as `interrupted` is set, whatever SQLite is doing on the handle's connection
/// ends with an error. (SQLite's own progress callback would have to own the flag.)
pub(crate) fn watched<T>(
    handle: InterruptHandle,
    interrupted: &AtomicBool,
    work: impl FnOnce() -> T,
) -> T {
    std::thread::scope(|scope| {
        let (done, finished) = mpsc::channel::<()>();
        scope.spawn(move || {
            while finished.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                if interrupted.load(Ordering::Relaxed) {
                    handle.interrupt();
                }
            }
        });
        let result = work();
        drop(done);
        result
    })
}
