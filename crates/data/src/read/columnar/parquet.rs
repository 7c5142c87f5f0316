//! Validation of Parquet files before a reader allocates or recurses by what they say.
//!
//! The reader of the `parquet` crate makes room for a page as large as its header says, for a dictionary of
//! as many values, and descends into a schema as deep as the footer says. So the footer is looked through
//! before it is given to the reader, and each header of a page when it asks for it.

use std::{
    collections::BTreeSet,
    io::Cursor,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use collegium_digest::Blocks;
use parquet::{
    arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions},
    errors::{ParquetError, Result as Answer},
    file::reader::{ChunkReader, Length},
};

use super::{
    damaged,
    thrift::{Event, Kind, look},
};
use crate::{DataError, DataErrorKind, read::input::Input};

/// Groups in groups of a schema, at most.
const DEEPEST: usize = 32;
/// Bytes of a page's header, at most: it may hold the smallest and the largest value of the page.
const HEADER: u64 = 1 << 24;

/// The footer, checked and parsed, and what hands out pages.
pub(super) fn open(input: &Input) -> Result<(ArrowReaderMetadata, Pages), DataError> {
    check_footer(input)?;
    let wrong = |error: ParquetError| damaged(input.path(), "Parquet", error);
    let whole = Whole(input.clone());
    let metadata = ArrowReaderMetadata::load(&whole, ArrowReaderOptions::new()).map_err(wrong)?;
    let pages = Pages { input: input.clone(), seen: Mutex::default() };
    Ok((metadata, pages))
}

/// Is the footer within the file, and its schema of a depth that can be walked?
fn check_footer(input: &Input) -> Result<(), DataError> {
    let wrong = |what: &str| Err(damaged(input.path(), "Parquet", what));
    let read = |start: u64, length: usize| {
        input.slice(start, length).map_err(|error| damaged(input.path(), "Parquet", error))
    };
    let length = input.length();
    if length < 12 {
        return wrong("it is shorter than an empty one");
    }
    let tail = read(length - 8, 8)?;
    match &tail[4..] {
        b"PAR1" => {}
        b"PARE" => {
            return Err(DataError::new(DataErrorKind::Unsupported, "its footer is encrypted")
                .file(input.path())
                .help("write it without encryption"));
        }
        _ => return wrong("it does not end in `PAR1`"),
    }
    let size = u64::from(u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]));
    if size + 8 > length {
        return wrong("its footer is longer than the file");
    }
    let footer = read(length - 8 - size, size as usize)?;
    // Of each element of the schema, how many children it has.
    let (mut children, mut lists): (Vec<Option<i64>>, u32) = (Vec::new(), 0);
    let mut twice = false;
    let looked = look(&footer, &of_footer, &mut |path, event| match (path, event) {
        ([2], Event::List) => lists += 1,
        ([2], Event::Element) => children.push(None),
        ([2, 5], Event::Number(count)) => {
            if let Some(last) = children.last_mut() {
                twice |= last.replace(count).is_some();
            }
        }
        _ => {}
    });
    if looked.is_err() || lists != 1 || twice {
        return wrong("its footer is not one");
    }
    match depth(&children) {
        Some(depth) if depth <= DEEPEST => Ok(()),
        Some(_) => Err(DataError::new(
            DataErrorKind::Unsupported,
            format!("its columns are nested more than {DEEPEST} levels deep"),
        )
        .file(input.path())
        .help(
            "columns are numbers, booleans, texts, dates or times: flatten it when it is written",
        )),
        None => wrong("its schema promises more columns than it has"),
    }
}

/// The kinds of a footer's fields, as far as its schema.
fn of_footer(path: &[i16]) -> Option<Kind> {
    Some(match path {
        [1] | [2, 1..=3 | 5..=9] => Kind::Integer,
        [3] => Kind::Long,
        [2 | 4 | 5 | 7] => Kind::List,
        [6] | [2, 4] => Kind::Bytes,
        [2, 10] => Kind::Struct,
        _ => return None,
    })
}

/// The kinds of the fields of a page's header.
fn of_page(path: &[i16]) -> Option<Kind> {
    Some(match path {
        [1..=4] | [5, 1..=4] | [7, 1 | 2] | [8, 1..=6] => Kind::Integer,
        [5..=8] | [5, 5] | [8, 8] => Kind::Struct,
        [7, 3] | [8, 7] => Kind::Boolean,
        _ => return None,
    })
}

/// How many groups stand in each other at most; elements stand in the order of a walk through the tree.
fn depth(children: &[Option<i64>]) -> Option<usize> {
    let (mut open, mut deepest): (Vec<i64>, usize) = (Vec::new(), 0);
    for count in children {
        while open.last() == Some(&0) {
            open.pop();
        }
        if let Some(left) = open.last_mut() {
            *left -= 1;
        }
        if let Some(count @ 1..) = count {
            open.push(*count);
            deepest = deepest.max(open.len());
        }
    }
    open.iter().all(|left| *left == 0).then_some(deepest)
}

/// The file as the reader of the footer wants it.
struct Whole(Input);

/// The file as the reader of pages wants it: it asks for a stream where a page's header stands, and for
/// bytes where its content does.
pub(super) struct Pages {
    input: Input,
    seen: Mutex<Seen>,
}

/// What is known of the pages so far.
#[derive(Debug, Default)]
struct Seen {
    /// Where contents stand whose headers were looked at and that were not fetched yet.
    peeked: BTreeSet<u64>,
    /// Values that the pages say they have.
    values: i64,
}

impl Pages {
    /// Does the page that begins here make room for no more than the file may hold?
    fn check(&self, start: u64) -> Answer<()> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // A header that was looked at is kept by the reader, which then asks for what stands behind it.
        if seen.peeked.contains(&start) {
            return Ok(());
        }
        let length = self.input.length();
        let left = length.saturating_sub(start);
        let block = Blocks::SIZE as u64;
        // Mostly a header is a few bytes, and the block that it stands in is wanted next.
        let near = (block - start % block).min(left);
        let mut sizes = [near, left.min(HEADER)].into_iter();
        let (size, page) = loop {
            let Some(size) = sizes.next() else { return Err(refused("a page without a header")) };
            let mut page = Page::default();
            let bytes = self.input.slice(start, size as usize)?;
            if let Ok(size) = look(&bytes, &of_page, &mut |path, event| page.see(path, event)) {
                break (size, page);
            }
        };
        let most = i64::try_from(self.input.most()).unwrap_or(i64::MAX);
        if page.unpacked > most {
            return Err(refused("a page that unpacks to more than a file of its size may hold"));
        }
        // A value of a dictionary takes a byte or more.
        if page.dictionary > page.unpacked.max(0) || page.values < 0 {
            return Err(refused("a page of fewer bytes than it has values"));
        }
        // Of lists, rows do not say how many values there are.
        seen.values = seen.values.saturating_add(page.most_values);
        if seen.values.saturating_mul(8) > most {
            return Err(refused("a page of more values than a file of its size may hold"));
        }
        if page.packed > 0 {
            seen.peeked.insert(start + size as u64);
        }
        Ok(())
    }
}

fn refused(what: &str) -> ParquetError {
    ParquetError::General(format!("there is {what}"))
}

/// What the header of a page says.
#[derive(Debug, Default)]
struct Page {
    unpacked: i64,
    packed: i64,
    /// Values of a dictionary.
    dictionary: i64,
    /// Values of a page of data: the fewest and the most that it says.
    values: i64,
    most_values: i64,
}

impl Page {
    fn see(&mut self, path: &[i16], event: Event) {
        let Event::Number(number) = event else { return };
        match path {
            [2] => self.unpacked = self.unpacked.max(number),
            [3] => self.packed = self.packed.max(number),
            [7, 1] => self.dictionary = self.dictionary.max(number),
            [5 | 8, 1] => {
                self.values = self.values.min(number);
                self.most_values = self.most_values.max(number);
            }
            _ => {}
        }
    }
}

/// A stream over some bytes at a time.
pub(super) struct Stream {
    input: Input,
    at: u64,
    bytes: Cursor<Bytes>,
}

impl Stream {
    fn new(input: &Input, at: u64) -> Self {
        Self { input: input.clone(), at, bytes: Cursor::new(Bytes::new()) }
    }
}

impl std::io::Read for Stream {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        if self.bytes.position() == self.bytes.get_ref().len() as u64 {
            let block = Blocks::SIZE as u64;
            let left = self.input.length().saturating_sub(self.at);
            let bytes = self.input.slice(self.at, (block - self.at % block).min(left) as usize)?;
            self.at += bytes.len() as u64;
            self.bytes = Cursor::new(bytes);
        }
        self.bytes.read(to)
    }
}

impl Length for Whole {
    fn len(&self) -> u64 {
        self.0.length()
    }
}

impl ChunkReader for Whole {
    type T = Stream;

    fn get_read(&self, start: u64) -> Answer<Stream> {
        Ok(Stream::new(&self.0, start))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Answer<Bytes> {
        Ok(self.0.slice(start, length)?)
    }
}

impl Length for Pages {
    fn len(&self) -> u64 {
        self.input.length()
    }
}

impl ChunkReader for Pages {
    type T = Stream;

    fn get_read(&self, start: u64) -> Answer<Stream> {
        self.check(start)?;
        Ok(Stream::new(&self.input, start))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Answer<Bytes> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).peeked.remove(&start);
        Ok(self.input.slice(start, length)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_depth_of_a_schema_is_found_without_walking_it() {
        let group = |count| Some(count);
        assert_eq!(depth(&[group(2), None, None]), Some(1));
        assert_eq!(depth(&[group(2), group(1), None, group(2), group(1), None, None]), Some(3));
        assert_eq!(depth(&[group(0)]), Some(0));
        assert_eq!(depth(&[]), Some(0));
        assert_eq!(depth(&[group(3), None]), None, "two columns are missing");
        let deep: Vec<Option<i64>> = (0..10_000).map(|_| group(1)).chain([None]).collect();
        assert_eq!(depth(&deep), Some(10_000));
    }
}
