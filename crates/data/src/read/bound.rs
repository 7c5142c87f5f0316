//! Decompression limits (zip bombs): how many bytes a file may unpack to.
//!
//! What is packed (gzip, Zstandard) or written in short (dictionaries, runs) may hold up to [`FACTOR`] times
//! the bytes of its file, and whatever holds no more than [`FREE`] is always let in. Tables that people keep
//! shrink to a fifth or a fiftieth; what is refused can be written with less packing, and is then read. A data
//! source may say another bound (`unpacked_limit`): whoever reads asks [`super::input::Input::most`].

use std::{
    io::{self, Read},
    path::Path,
};

use crate::{DataError, DataErrorKind};

/// How many times its own size a file may hold.
const FACTOR: u64 = 200;
/// Bytes that any file may hold.
const FREE: u64 = 256 << 20;
/// Columns of a file, at most.
pub(super) const COLUMNS: usize = 1 << 17;
/// Bytes of a column's name, at most.
pub(super) const NAME: usize = 1 << 14;

/// Bytes that a file of so many may hold.
pub(crate) fn most(length: u64) -> u64 {
    length.saturating_mul(FACTOR).max(FREE)
}

/// The error for a file that holds more than `most`; `way_out` is another way to write it.
pub(crate) fn exceeded(path: &Path, length: u64, most: u64, way_out: &str) -> DataError {
    let (size, unit) = match most >> 30 {
        0 => (most >> 20, "MiB"),
        more => (more, "GiB"),
    };
    let rule = match most == self::most(length) {
        true => format!("a file may hold {FACTOR} times its own size"),
        false => "its `unpacked_limit` lets it hold no more".to_owned(),
    };
    let message = format!("its {length} bytes hold more than {size} {unit}");
    DataError::new(DataErrorKind::TooLarge, message).file(path).help(format!(
        "{rule}; if the file is meant to be so, {way_out}; or raise `unpacked_limit` of its `[data.NAME]`"
    ))
}

/// A stream that ends in an error where it holds more than it may.
pub(super) struct Bounded<R> {
    from: R,
    left: u64,
}

/// More than is let in.
#[derive(Debug, thiserror::Error)]
#[error("it holds more than is let in")]
pub(super) struct Exceeded;

impl<R> Bounded<R> {
    pub(super) fn new(from: R, most: u64) -> Self {
        Self { from, left: most }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(to)?;
        self.left =
            self.left.checked_sub(count as u64).ok_or_else(|| io::Error::other(Exceeded))?;
        Ok(count)
    }
}

/// Is this the end of a [`Bounded`] stream?
pub(super) fn is_exceeded(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Exceeded>())
}
