//! Verified input files: every byte that is parsed is one that was hashed.
//!
//! A table is filed under the content of its files, and files are read more than once: for the key, for the
//! types, for the values. Somebody may replace a file meanwhile and put it back, and no time stamp need tell.
//! So the first reading keeps the hash of each block ([`Blocks`]), and every later one holds what it gets
//! against it: a byte that was not hashed is never parsed. That costs another hash of what is read, about a
//! fortieth of what parsing it costs. Rejected: one open file for all passes, which does not help against
//! writing in place; a private copy, which doubles the reading and needs the room.
//!
//! Only regular files are opened: to open a pipe may wait for ever, and a device may never end.

use std::{
    collections::{BTreeMap, VecDeque},
    fs::{File, Metadata, OpenOptions},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use collegium_digest::{Blocks, Digest};
use collegium_store::Store;

use super::bound;
use crate::{DataError, DataErrorKind};

/// Blocks of an open file that are kept: a columnar file is read at as many places as it has columns.
const KEPT: usize = 64;

/// Contents of input files, as they were at the first reading.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    known: Mutex<BTreeMap<PathBuf, Known>>,
    /// Bytes that a file may unpack to, where somebody says it.
    most: Option<u64>,
}

#[derive(Debug, Default, Clone)]
struct Known {
    digest: Option<Digest>,
    blocks: Option<Arc<Blocks>>,
}

impl Contents {
    /// Of files that may unpack to so many bytes; `None`: by their size.
    pub(crate) fn within(most: Option<u64>) -> Self {
        Self { most, ..Self::default() }
    }

    /// The digest of a file, from the store where its stamp is known there.
    pub(crate) fn digest(&self, path: &Path, store: &Store) -> Result<Digest, DataError> {
        if let Some(digest) = self.of(path).digest {
            return Ok(digest);
        }
        // What is no file is refused before anybody waits for it.
        file(path)?;
        let mut blocks = None;
        let mut hash = |file: &mut File| {
            let found = Arc::new(Blocks::of(file)?);
            let digest = found.digest();
            blocks = Some(found);
            Ok(digest)
        };
        let digest = store.file_digest_by(path, &|path| Ok(open(path)?.0), &mut hash)?;
        self.keep(path, Known { digest: Some(digest), blocks });
        Ok(digest)
    }

    /// Refuses what is there and no file.
    pub(crate) fn refuse(path: &Path) -> Result<(), DataError> {
        match std::fs::metadata(path).ok().and_then(|metadata| no_file(&metadata)) {
            Some(what) => Err(refused(path, what)),
            None => Ok(()),
        }
    }

    /// Opens a file to read it as it was when it was first looked at.
    pub(crate) fn open(&self, path: &Path) -> Result<Input, DataError> {
        let mut file = file(path)?;
        let known = self.of(path);
        let blocks = match known.blocks {
            Some(blocks) => blocks,
            None => {
                let failed = |error| DataError::io(path, "read the file", &error);
                let blocks = Arc::new(Blocks::of(&mut file).map_err(failed)?);
                file.rewind().map_err(failed)?;
                if known.digest.is_some_and(|digest| digest != blocks.digest()) {
                    return Err(changed(path));
                }
                let digest = Some(blocks.digest());
                self.keep(path, Known { digest, blocks: Some(blocks.clone()) });
                blocks
            }
        };
        let shared = Shared {
            path: path.to_owned(),
            most: self.most.unwrap_or_else(|| bound::most(blocks.length())),
            blocks,
            file: Mutex::new(Open { file, place: 0, kept: VecDeque::new() }),
            moved: AtomicBool::new(false),
        };
        Ok(Input { shared: Arc::new(shared), at: 0, block: None })
    }

    fn of(&self, path: &Path) -> Known {
        self.all().get(path).cloned().unwrap_or_default()
    }

    fn keep(&self, path: &Path, known: Known) {
        self.all().insert(path.to_owned(), known);
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file whose bytes are those that were hashed. Clones read the same file, each at its own place.
#[derive(Debug, Clone)]
pub(crate) struct Input {
    shared: Arc<Shared>,
    at: u64,
    /// The block that is read, and its number.
    block: Option<(u64, Bytes)>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    most: u64,
    blocks: Arc<Blocks>,
    file: Mutex<Open>,
    moved: AtomicBool,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// Where the file stands.
    place: u64,
    /// Blocks that were read, the last one behind.
    kept: VecDeque<(u64, Bytes)>,
}

/// Bytes that are not those that were hashed.
#[derive(Debug, thiserror::Error)]
#[error("the file changed while it was read")]
struct Moved;

impl Input {
    /// Bytes of the file.
    pub(crate) fn length(&self) -> u64 {
        self.shared.blocks.length()
    }

    /// Bytes that it may unpack to.
    pub(crate) fn most(&self) -> u64 {
        self.shared.most
    }

    pub(crate) fn path(&self) -> &Path {
        &self.shared.path
    }

    /// What the file holds.
    pub(crate) fn digest(&self) -> Digest {
        self.shared.blocks.digest()
    }

    /// An error of whoever reads the file, or the reason why it was given other bytes.
    pub(crate) fn explain(&self, error: DataError) -> DataError {
        match self.shared.moved.load(Ordering::Relaxed) {
            true => changed(&self.shared.path),
            false => error,
        }
    }

    /// Bytes at a place.
    pub(crate) fn slice(&self, start: u64, length: usize) -> io::Result<Bytes> {
        let size = Blocks::SIZE as u64;
        let end = start.checked_add(length as u64).filter(|end| *end <= self.length());
        let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
        if length == 0 {
            return Ok(Bytes::new());
        }
        let within = |block: u64, bytes: &Bytes| {
            let from = start.saturating_sub(block * size) as usize;
            bytes.slice(from..((end - block * size) as usize).min(bytes.len()))
        };
        let (first, last) = (start / size, (end - 1) / size);
        if first == last {
            return Ok(within(first, &self.shared.block(first)?));
        }
        let mut all = Vec::with_capacity(length);
        for block in first..=last {
            all.extend_from_slice(&within(block, &self.shared.block(block)?));
        }
        Ok(all.into())
    }
}

impl Shared {
    /// A block, if it is the one that was hashed.
    fn block(&self, number: u64) -> io::Result<Bytes> {
        let mut open = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = open.kept.iter().rev().find(|(known, _)| *known == number) {
            return Ok(known.clone());
        }
        let (place, size) = (number * Blocks::SIZE as u64, self.blocks.size(number));
        if open.place != place {
            open.file.seek(SeekFrom::Start(place))?;
        }
        let mut bytes = Vec::with_capacity(size);
        // Where an error leaves the file is not known.
        open.place = u64::MAX;
        (&open.file).take(size as u64).read_to_end(&mut bytes)?;
        open.place = place + bytes.len() as u64;
        if !self.blocks.is_block(number, &bytes) {
            self.moved.store(true, Ordering::Relaxed);
            return Err(io::Error::other(Moved));
        }
        let bytes = Bytes::from(bytes);
        if open.kept.len() == KEPT {
            open.kept.pop_front();
        }
        open.kept.push_back((number, bytes.clone()));
        Ok(bytes)
    }
}

impl Read for Input {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.length() || to.is_empty() {
            return Ok(0);
        }
        let (number, from) = (self.at / Blocks::SIZE as u64, self.at % Blocks::SIZE as u64);
        let block = match &self.block {
            Some((known, block)) if *known == number => block.clone(),
            _ => {
                let block = self.shared.block(number)?;
                self.block = Some((number, block.clone()));
                block
            }
        };
        let bytes = &block[from as usize..];
        let count = bytes.len().min(to.len());
        to[..count].copy_from_slice(&bytes[..count]);
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Input {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (base, by) = match to {
            SeekFrom::Start(at) => (at, 0),
            SeekFrom::End(by) => (self.length(), by),
            SeekFrom::Current(by) => (self.at, by),
        };
        self.at = base.checked_add_signed(by).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// The error for a file that is not what it was.
pub(crate) fn changed(path: &Path) -> DataError {
    DataError::new(DataErrorKind::Changed, "the file changed while it was read")
        .file(path)
        .help("wait until whatever writes it has finished and run again")
}

/// Opens a regular file.
fn file(path: &Path) -> Result<File, DataError> {
    let (file, metadata) =
        open(path).map_err(|error| DataError::io(path, "read the file", &error))?;
    match no_file(&metadata) {
        None => Ok(file),
        Some(what) => Err(refused(path, what)),
    }
}

/// The error for what is in the place of a data file and none.
pub(crate) fn refused(path: &Path, what: &str) -> DataError {
    DataError::new(DataErrorKind::NoFile, format!("it is {what}, and data are read from files"))
        .file(path)
        .help("files are read more than once and known by their content: write it to a file first")
}

/// What this is that is no regular file.
pub(crate) fn no_file(metadata: &Metadata) -> Option<&'static str> {
    let kind = metadata.file_type();
    if kind.is_file() {
        return None;
    }
    if kind.is_dir() {
        return Some("a folder");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        if kind.is_fifo() {
            return Some("a pipe");
        }
        if kind.is_socket() {
            return Some("a socket");
        }
        if kind.is_block_device() || kind.is_char_device() {
            return Some("a device");
        }
    }
    Some("something else than a file")
}

/// Opens whatever it is without waiting for somebody to write into it.
fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32);
    }
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    Ok((file, metadata))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn noise(length: usize) -> Vec<u8> {
        (0..length).map(|at| (at * 31 + at / 255) as u8).collect()
    }

    #[test]
    fn bytes_are_those_of_the_file_wherever_they_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.bin");
        for length in [0, 1, Blocks::SIZE - 1, Blocks::SIZE, Blocks::SIZE * 3 + 17] {
            let bytes = noise(length);
            fs::write(&path, &bytes).unwrap();
            let mut input = Contents::default().open(&path).unwrap();
            assert_eq!(input.digest(), Digest::of(&bytes));
            let mut read = Vec::new();
            input.read_to_end(&mut read).unwrap();
            assert_eq!(read, bytes);
            let places =
                [0, 1, Blocks::SIZE - 1, Blocks::SIZE, Blocks::SIZE + 1, length / 2, length];
            for (start, end) in places.iter().flat_map(|a| places.iter().map(move |b| (*a, *b))) {
                if start <= end && end <= length {
                    let got = input.slice(start as u64, end - start).unwrap();
                    assert_eq!(got, bytes[start..end]);
                }
            }
            assert!(input.slice(length as u64, 1).is_err());
            assert!(input.slice(u64::MAX, 2).is_err());
        }
    }

    #[test]
    fn what_was_written_since_is_never_handed_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.bin");
        let bytes = noise(Blocks::SIZE * 2);
        fs::write(&path, &bytes).unwrap();
        let contents = Contents::default();
        let mut input = contents.open(&path).unwrap();
        let mut other = bytes.clone();
        other[Blocks::SIZE + 5] ^= 1;
        fs::write(&path, &other).unwrap();
        let mut read = Vec::new();
        input.read_to_end(&mut read).unwrap_err();
        assert_eq!(read, bytes[..Blocks::SIZE], "the first block is as it was");
        let explained = input.explain(DataError::interrupted());
        assert_eq!(explained.kind(), DataErrorKind::Changed);
        // Put back, it is the file that was hashed; a shorter one is not.
        fs::write(&path, &bytes).unwrap();
        contents.open(&path).unwrap().read_to_end(&mut Vec::new()).unwrap();
        fs::write(&path, &bytes[..Blocks::SIZE]).unwrap();
        contents.open(&path).unwrap().read_to_end(&mut Vec::new()).unwrap_err();
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_a_device_and_a_folder_are_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("t.csv");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        for (path, what) in [
            (pipe.as_path(), "a pipe"),
            (Path::new("/dev/zero"), "a device"),
            (folder.path(), "a folder"),
        ] {
            let error = Contents::default().open(path).unwrap_err();
            assert_eq!(error.kind(), DataErrorKind::NoFile);
            assert!(error.to_string().contains(what), "{error}");
        }
    }
}
