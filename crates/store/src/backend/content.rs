//! Content of entries: the bytes that a backend stores and gives back.

use std::{
    fmt,
    fs::File,
    io::{self, ErrorKind, Read},
    os::unix::fs::FileExt as _,
    path::PathBuf,
};

use crate::temporary::Temporary;

/// What is to be stored. It can be read any number of times.
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    /// Bytes at hand.
    Bytes(&'a [u8]),
    /// A file that is whole and has no name yet. A backend on the same file system may give it one, and others
    /// copy it; the store holds it until [`put`](crate::Backend::put) has returned.
    File(&'a Temporary),
    /// A file that is stored elsewhere, to be copied.
    Stored(&'a File),
}

impl<'a> Content<'a> {
    /// The number of bytes.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn length(&self) -> io::Result<u64> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.len() as u64),
            Self::File(temporary) => Ok(temporary.file.metadata()?.len()),
            Self::Stored(file) => Ok(file.metadata()?.len()),
        }
    }

    /// From its beginning, in pieces.
    pub fn reader(&self) -> Box<dyn Read + 'a> {
        match *self {
            Self::Bytes(bytes) => Box::new(bytes),
            Self::File(temporary) => Box::new(FromStart { file: &temporary.file, at: 0 }),
            Self::Stored(file) => Box::new(FromStart { file, at: 0 }),
        }
    }

    /// All of it.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(self.length()? as usize);
        self.reader().read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// Reads a file that others read, too: by place, and not from where the last one stopped.
struct FromStart<'a> {
    file: &'a File,
    at: u64,
}

impl Read for FromStart<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(to, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// An entry that is there, to be read once.
pub enum Opened {
    /// A file of this machine, which may be mapped, and must not be written to.
    File {
        /// Open at its beginning.
        file: File,
        /// Where it lies.
        path: PathBuf,
    },
    /// Bytes that come as they are read.
    Stream {
        /// So many were announced: fewer are a transfer that was cut.
        length: u64,
        /// Where they come from.
        reader: Box<dyn Read + Send>,
    },
}

impl Opened {
    /// All of it.
    ///
    /// # Errors
    /// If it cannot be read to its end; [`ErrorKind::UnexpectedEof`] if a stream ends early.
    pub fn read(self) -> io::Result<Vec<u8>> {
        let length = match &self {
            Self::File { file, .. } => file.metadata().map_or(0, |metadata| metadata.len()),
            // What is announced is only believed as far as it comes.
            Self::Stream { length, .. } => (*length).min(1 << 20),
        };
        let mut bytes = Vec::with_capacity(length as usize);
        self.into_reader().read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// In pieces; the errors are those of [`Opened::read`].
    pub fn into_reader(self) -> Box<dyn Read + Send> {
        match self {
            Self::File { file, .. } => Box::new(file),
            Self::Stream { length, reader } => Box::new(Announced { left: length, reader }),
        }
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, .. } => f.debug_tuple("File").field(path).finish(),
            Self::Stream { length, .. } => f.debug_tuple("Stream").field(length).finish(),
        }
    }
}

/// A stream whose end is not believed before all of it has come.
struct Announced {
    left: u64,
    reader: Box<dyn Read + Send>,
}

impl Read for Announced {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(to)?;
        if read == 0 && self.left > 0 && !to.is_empty() {
            let message = format!("{} bytes of it did not come", self.left);
            return Err(io::Error::new(ErrorKind::UnexpectedEof, message));
        }
        self.left = self.left.saturating_sub(read as u64);
        Ok(read)
    }
}
