//! Read-ahead: a second thread reads the next chunk while the last one is used (back-pressure: one chunk).

use std::sync::mpsc;

/// Does `work` with the chunks that `chunks` reads, in their order, while a second thread reads one chunk
/// ahead. Whoever uses chunks is busy about as long as the reader is, so that reading costs little time of
/// its own; it costs the memory of one more chunk.
pub(crate) fn ahead<C: Iterator<Item: Send>, T>(
    chunks: impl FnOnce() -> C + Send,
    work: impl FnOnce(mpsc::IntoIter<C::Item>) -> T,
) -> T {
    std::thread::scope(|scope| {
        let (read, handed) = mpsc::sync_channel(0);
        scope.spawn(move || {
            for chunk in chunks() {
                // Whoever stops taking chunks has an error of their own.
                if read.send(chunk).is_err() {
                    break;
                }
            }
        });
        work(handed.into_iter())
    })
}
