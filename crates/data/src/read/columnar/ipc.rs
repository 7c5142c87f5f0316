//! Validation of Arrow IPC files and streams before a reader allocates by what they say.
//!
//! Each message has a head, which says how long its body is, where in it each buffer lies, and to how many
//! bytes a packed one unpacks. All heads are looked at before the first message is read; bodies only where
//! buffers are packed, and of these eight bytes each. Flatbuffers are checked by their own verifier, which
//! bounds how deep they are.

use std::{fs::File, io, os::unix::fs::FileExt as _};

use arrow_ipc::{Message, MessageHeader, RecordBatch, root_as_footer, root_as_message};
use bytes::Bytes;

use super::damaged;
use crate::{
    DataError,
    read::{bound::most, input::Input},
};

/// Bytes before the head of a message: a mark and the head's length.
const PREFIX: usize = 8;
const MARK: [u8; 4] = [0xff; 4];

/// What can be read at any place.
trait Pieces {
    fn length(&self) -> u64;
    fn slice(&self, start: u64, length: usize) -> io::Result<Bytes>;
}

impl Pieces for Input {
    fn length(&self) -> u64 {
        self.length()
    }

    fn slice(&self, start: u64, length: usize) -> io::Result<Bytes> {
        self.slice(start, length)
    }
}

/// A file of the store, whose bytes were held against its name before.
struct Object<'a> {
    file: &'a File,
    length: u64,
}

impl Pieces for Object<'_> {
    fn length(&self) -> u64 {
        self.length
    }

    fn slice(&self, start: u64, length: usize) -> io::Result<Bytes> {
        let end = start.checked_add(length as u64);
        if end.is_none_or(|end| end > self.length) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, start)?;
        Ok(bytes.into())
    }
}

/// How many rows an object of the store promises; `None` where a reader must not go by what it says.
pub(crate) fn promised(file: &File) -> Option<u64> {
    let length = file.metadata().ok()?.len();
    let mut look = Look { input: &Object { file, length }, left: most(length), rows: 0 };
    look.file().ok().map(|()| look.rows)
}

/// Checks a file, or a stream where `file` is false; returns how many rows its batches promise.
pub(super) fn check(input: &Input, file: bool) -> Result<u64, DataError> {
    let mut look = Look { input, left: input.most(), rows: 0 };
    let checked = if file { look.file() } else { look.stream() };
    match checked {
        Ok(()) => Ok(look.rows),
        Err(Wrong::Said(what)) => Err(damaged(input.path(), "Arrow", what)),
        Err(Wrong::Read(error)) => Err(damaged(input.path(), "Arrow", error)),
        Err(Wrong::TooLarge) => Err(super::too_large(input)),
    }
}

enum Wrong {
    Said(String),
    Read(std::io::Error),
    TooLarge,
}

impl From<std::io::Error> for Wrong {
    fn from(error: std::io::Error) -> Self {
        Self::Read(error)
    }
}

fn said<T>(what: &str) -> Result<T, Wrong> {
    Err(Wrong::Said(what.to_owned()))
}

fn size(number: impl TryInto<u64>, what: &str) -> Result<u64, Wrong> {
    number.try_into().or_else(|_| said(&format!("{what} is negative")))
}

struct Look<'a> {
    input: &'a dyn Pieces,
    /// Bytes that packed buffers may still unpack to.
    left: u64,
    rows: u64,
}

impl Look<'_> {
    fn file(&mut self) -> Result<(), Wrong> {
        let length = self.input.length();
        if length < 18 {
            return said("it is shorter than an empty one");
        }
        let tail = self.input.slice(length - 10, 10)?;
        if &tail[4..] != b"ARROW1" {
            return said("it does not end in `ARROW1`");
        }
        let footer = size(
            i32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]),
            "the length of its footer",
        )?;
        if footer + 10 > length {
            return said("its footer is longer than the file");
        }
        let bytes = self.input.slice(length - 10 - footer, footer as usize)?;
        let footer = root_as_footer(&bytes)
            .or_else(|error| said(&format!("its footer is damaged: {}", first_line(&error))))?;
        let blocks = footer.dictionaries().into_iter().chain(footer.recordBatches()).flatten();
        for block in blocks {
            let start = size(block.offset(), "the place of a batch")?;
            let head = size(block.metaDataLength(), "the length of a head")?;
            let body = size(block.bodyLength(), "the length of a body")?;
            let end = start.checked_add(head).and_then(|end| end.checked_add(body));
            if end.is_none_or(|end| end > length) || head < PREFIX as u64 {
                return said("a batch lies outside of the file");
            }
            let bytes = self.input.slice(start, head as usize)?;
            let skip = if bytes[..4] == MARK { PREFIX } else { 4 };
            self.message(&bytes[skip..], start + head, body)?;
        }
        Ok(())
    }

    fn stream(&mut self) -> Result<(), Wrong> {
        let length = self.input.length();
        let mut at = 0;
        loop {
            // A stream may end without saying so.
            if at + 4 > length {
                return Ok(());
            }
            let mut prefix = self.input.slice(at, 4)?;
            at += 4;
            if prefix[..] == MARK {
                prefix = self.input.slice(at, 4)?;
                at += 4;
            }
            let head = i32::from_le_bytes([prefix[0], prefix[1], prefix[2], prefix[3]]);
            let head = size(head, "the length of a head")?;
            if head == 0 {
                return Ok(());
            }
            if at + head > length {
                return said("it is cut off in the head of a message");
            }
            let bytes = self.input.slice(at, head as usize)?;
            at += head;
            at += self.message(&bytes, at, length - at)?;
        }
    }

    /// Checks a message whose body begins at `start` and has no more than `room` bytes; returns how many.
    fn message(&mut self, head: &[u8], start: u64, room: u64) -> Result<u64, Wrong> {
        let message = root_as_message(head)
            .or_else(|error| said(&format!("a message is damaged: {}", first_line(&error))))?;
        let body = size(message.bodyLength(), "the length of a body")?;
        if body > room {
            return said("the body of a message is longer than what is there");
        }
        if let Some((batch, rows)) = batch(&message) {
            if rows {
                let rows = size(batch.length(), "a number of rows")?;
                self.rows = self.rows.saturating_add(rows);
            }
            self.batch(&batch, start, body)?;
        }
        Ok(body)
    }

    fn batch(&mut self, batch: &RecordBatch<'_>, start: u64, body: u64) -> Result<(), Wrong> {
        for node in batch.nodes().into_iter().flatten() {
            let length = size(node.length(), "the length of a column")?;
            if size(node.null_count(), "a number of missing values")? > length {
                return said("a column has more missing values than rows");
            }
        }
        let packed = batch.compression().is_some();
        for buffer in batch.buffers().into_iter().flatten() {
            let at = size(buffer.offset(), "the place of a buffer")?;
            let length = size(buffer.length(), "the length of a buffer")?;
            if at.checked_add(length).is_none_or(|end| end > body) {
                return said("a buffer lies outside of its message");
            }
            if packed && length > 0 {
                if length < 8 {
                    return said("a packed buffer does not say its length");
                }
                let bytes = self.input.slice(start + at, 8)?;
                let unpacked = i64::from_le_bytes(bytes[..].try_into().unwrap_or_default());
                // -1: it is not packed after all.
                if unpacked != -1 {
                    let unpacked = size(unpacked, "the length of a packed buffer")?;
                    self.left = self.left.checked_sub(unpacked).ok_or(Wrong::TooLarge)?;
                }
            }
        }
        Ok(())
    }
}

/// The batch of a message, and whether it is one of rows.
fn batch<'a>(message: &Message<'a>) -> Option<(RecordBatch<'a>, bool)> {
    match message.header_type() {
        MessageHeader::RecordBatch => Some((message.header_as_record_batch()?, true)),
        MessageHeader::DictionaryBatch => {
            Some((message.header_as_dictionary_batch()?.data()?, false))
        }
        _ => None,
    }
}

fn first_line(error: &dyn std::fmt::Display) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
