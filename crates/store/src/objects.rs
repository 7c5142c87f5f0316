//! Content, named by its hash.

use std::{
    fs::File,
    io::{self, BufWriter, ErrorKind, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use collegium_digest::Digest;

use rustix::fs::FileType;

use crate::{Store, StoreError, folder::Look, locked, stamp::Stamp};

/// An object that was written or found needed more recently than this counts as young as it is.
const FRESH: Duration = Duration::from_secs(600);

impl Store {
    /// Keeps `bytes` and returns their digest. What is there already is not written again.
    ///
    /// This process can read the object at once. Others see it when its content is durable: when
    /// the next record is filed ([`Store::realise`]), when its [`Store::path`] is asked for, or at
    /// the next [`Store::flush`].
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        let digest = Digest::of(bytes);
        if !self.holds(&digest)? {
            let mut file = self.temporary()?;
            file.file.write_all(bytes).map_err(StoreError::write(file.path()))?;
            self.stage(digest, file)?;
        }
        Ok(digest)
    }

    /// [`Store::put`] for what `fill` writes, however large. If `fill` fails nothing is kept.
    ///
    /// # Errors
    /// If the store cannot be written, or with what `fill` returned.
    pub fn put_with(
        &self,
        fill: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> Result<Digest, StoreError> {
        let mut file = self.temporary()?;
        let path = file.path().to_owned();
        let hasher = blake3::Hasher::new();
        let mut writer = BufWriter::with_capacity(1 << 17, Hashing { to: &mut file.file, hasher });
        fill(&mut writer).map_err(StoreError::write(&path))?;
        writer.flush().map_err(StoreError::write(&path))?;
        let digest = Digest::from_bytes(*writer.get_ref().hasher.finalize().as_bytes());
        drop(writer);
        if !self.holds(&digest)? {
            self.stage(digest, file)?;
        }
        Ok(digest)
    }

    /// Is the object here, whole? If it is, it counts as young again: `gc` must not take it from
    /// whoever has just found that it need not be written.
    fn holds(&self, object: &Digest) -> Result<bool, StoreError> {
        if self.staged.contains(object) {
            return Ok(true);
        }
        let Some(path) = self.sound(object)? else { return Ok(false) };
        let now = SystemTime::now();
        let ground = self.layout.ground(&path);
        let old = ground
            .look(&path)
            .is_ok_and(|look| now.duration_since(look.modified).is_ok_and(|age| age > FRESH));
        if old
            && !self.is_read_only()
            && ground.open(&path).is_ok_and(|file| file.set_modified(now).is_ok())
        {
            self.trust(object, &path);
        }
        Ok(true)
    }

    /// The content of an object, checked; `None` if it is not there or was damaged.
    ///
    /// # Errors
    /// If it is there and the system refuses to read it.
    pub fn get(&self, object: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.layout.object(object);
        if let Some(bytes) = self.staged.read(object).map_err(StoreError::read(&path))? {
            return Ok(Some(bytes));
        }
        match self.layout.ground(&path).read(&path) {
            Ok(bytes) if Digest::of(&bytes) == *object => Ok(Some(bytes)),
            Ok(_) => Ok(self.damaged_object(&path, object)),
            Err(error) => match error.kind() {
                ErrorKind::NotFound => Ok(None),
                ErrorKind::IsADirectory => Ok(self.damaged_object(&path, object)),
                _ => Err(StoreError::Read { path, source: error }),
            },
        }
    }

    /// The file of an object, to be mapped or streamed; `None` if it is not there or was damaged.
    /// Its content is checked once per process, and again if the file changed since. The file must
    /// not be written to.
    ///
    /// # Errors
    /// If it is there and the system refuses to read it, or if it waits for its name and cannot be
    /// made durable.
    pub fn path(&self, object: &Digest) -> Result<Option<PathBuf>, StoreError> {
        if self.staged.contains(object) {
            self.name_staged()?;
        }
        self.sound(object)
    }

    /// The file of a named object, if it is what its name says.
    fn sound(&self, object: &Digest) -> Result<Option<PathBuf>, StoreError> {
        let path = self.layout.object(object);
        let opened = self.layout.ground(&path).open(&path).and_then(|file| {
            let metadata = file.metadata()?;
            Ok((file, metadata))
        });
        let (file, metadata) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                return match error.kind() {
                    ErrorKind::NotFound => Ok(None),
                    ErrorKind::IsADirectory => Ok(self.damaged_object(&path, object)),
                    _ => Err(StoreError::Read { path, source: error }),
                };
            }
        };
        let stamp = Stamp::of(&metadata);
        if stamp.is_some() && locked(&self.verified).get(object) == stamp.as_ref() {
            return Ok(Some(path));
        }
        match hash(file) {
            Ok(digest) if digest == *object => {}
            Ok(_) => return Ok(self.damaged_object(&path, object)),
            Err(source) => return Err(StoreError::Read { path, source }),
        }
        if let Some(stamp) = stamp {
            locked(&self.verified).insert(*object, stamp);
        }
        Ok(Some(path))
    }

    /// Is there a file for this object? Its content is not checked; one that was found damaged is none.
    pub fn contains(&self, object: &Digest) -> bool {
        let path = self.layout.object(object);
        let is_file = |look: Look| look.kind == FileType::RegularFile;
        self.staged.contains(object)
            || (self.layout.ground(&path).look(&path).is_ok_and(is_file)
                && !self.layout.ignores(&path))
    }

    /// The digests of all objects, sorted, by their names alone.
    ///
    /// # Errors
    /// If a folder is there and cannot be read, or an object cannot be made durable.
    pub fn objects(&self) -> Result<Vec<Digest>, StoreError> {
        self.name_staged()?;
        let mut digests = Vec::new();
        for (shard, folder) in self.layout.names(&self.layout.folder("objects"))? {
            for (rest, _) in self.layout.names(&folder)? {
                digests.extend(format!("{shard}{rest}").parse::<Digest>());
            }
        }
        digests.sort_unstable();
        Ok(digests)
    }

    /// Spares [`Store::path`] the reading of what this process has just written.
    pub(crate) fn trust(&self, object: &Digest, path: &Path) {
        let metadata = self.layout.ground(path).open(path).and_then(|file| file.metadata());
        if let Some(stamp) = metadata.ok().and_then(|metadata| Stamp::of(&metadata)) {
            locked(&self.verified).insert(*object, stamp);
        }
    }

    fn damaged_object<T>(&self, path: &Path, object: &Digest) -> Option<T> {
        self.quarantine(path, &format!("object {}", object.short()));
        None
    }
}

/// The digest of a file's bytes, in bounded memory.
#[cfg(test)]
pub(crate) fn hash_file(path: &Path) -> io::Result<Digest> {
    hash(File::open(path)?)
}

/// The digest of what is left of an open file, in bounded memory.
pub(crate) fn hash(mut file: File) -> io::Result<Digest> {
    hash_open(&mut file)
}

/// The same of a file that stays open.
pub(crate) fn hash_open(file: &mut File) -> io::Result<Digest> {
    Digest::of_reader(file)
}

/// Passes bytes on and hashes them.
struct Hashing<'a> {
    to: &'a mut File,
    hasher: blake3::Hasher,
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
