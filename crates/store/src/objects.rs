//! Objects of the content-addressed store: content, named by its hash.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::PathBuf,
    sync::Mutex,
    time::{Duration, SystemTime},
};

use collegium_digest::Digest;
use tempfile::{NamedTempFile, TempDir};

use crate::{
    Backend, BackendError, Entry, Opened, Prefix, Store, StoreError, layout::hex, locked,
    stamp::Stamp,
};

/// A temporary folder, once it is needed.
pub(crate) type Copies = Mutex<Option<TempDir>>;

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
            let mut file = self.layout.new_file()?;
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
        let mut file = self.layout.new_file()?;
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
        let (near, entry) = (self.nearest(), Entry::Object(*object));
        let Some(opened) = self.opened(near, &entry)? else { return Ok(false) };
        if !self.is_sound(object, opened)? {
            return Ok(false);
        }
        let now = SystemTime::now();
        let old = near
            .look(&entry)
            .ok()
            .flatten()
            .is_some_and(|meta| now.duration_since(meta.modified).is_ok_and(|age| age > FRESH));
        if old && near.touch(&entry).is_ok() {
            self.trust(object);
        }
        Ok(true)
    }

    /// The content of an object, checked; `None` if it is not there or was damaged.
    ///
    /// # Errors
    /// If it is there and the system refuses to read it, or if nobody knows whether it is there.
    pub fn get(&self, object: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        let entry = Entry::Object(*object);
        let staged = self.staged.read(object);
        if let Some(bytes) = staged.map_err(|e| self.unread(&entry, e))? {
            return Ok(Some(bytes));
        }
        let Some(bytes) = self.bytes(&*self.backend, &entry)? else { return Ok(None) };
        if entry.vouches_for(&bytes) {
            return Ok(Some(bytes));
        }
        self.quarantine_entry(&entry);
        Ok(None)
    }

    /// The file of an object, to be mapped or streamed; `None` if it is not there or was damaged.
    /// Its content is checked once per process, and again if the file changed since. The file must
    /// not be written to. Of an object that the backend does not have as a file, it is a copy, as long as this
    /// handle is held.
    ///
    /// # Errors
    /// If it is there and the system refuses to read it, if nobody knows whether it is there, or if it waits for
    /// its name and cannot be made durable.
    pub fn path(&self, object: &Digest) -> Result<Option<PathBuf>, StoreError> {
        if self.staged.contains(object) {
            self.name_staged()?;
        }
        match self.opened(&*self.backend, &Entry::Object(*object))? {
            None => Ok(None),
            Some(Opened::File { file, path }) => {
                let opened = Opened::File { file, path: path.clone() };
                Ok(self.is_sound(object, opened)?.then_some(path))
            }
            Some(stream) => self.copy(object, stream),
        }
    }

    /// Begins to read an entry; `None` if it is not there, or damaged at first sight.
    pub(crate) fn opened(
        &self,
        backend: &dyn Backend,
        entry: &Entry,
    ) -> Result<Option<Opened>, StoreError> {
        match backend.open(entry) {
            Err(BackendError::Damaged { .. }) => {
                self.quarantine_entry(entry);
                Ok(None)
            }
            result => result.map_err(StoreError::reading),
        }
    }

    /// The bytes of an entry, not yet checked.
    pub(crate) fn bytes(
        &self,
        backend: &dyn Backend,
        entry: &Entry,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(opened) = self.opened(backend, entry)? else { return Ok(None) };
        opened.read().map(Some).map_err(|error| self.unread(entry, error))
    }

    /// The error for an entry whose content does not come.
    pub(crate) fn unread(&self, entry: &Entry, error: io::Error) -> StoreError {
        StoreError::reading(BackendError::of(self.backend.place(entry), error))
    }

    /// Is this the content of the object? If not, it is taken out of the way. A file is read once per process,
    /// and again if it changed.
    fn is_sound(&self, object: &Digest, opened: Opened) -> Result<bool, StoreError> {
        let entry = Entry::Object(*object);
        let stamp = match &opened {
            Opened::File { file, .. } => file.metadata().map(|metadata| Stamp::of(&metadata)),
            Opened::Stream { .. } => Ok(None),
        };
        let stamp = stamp.map_err(|error| self.unread(&entry, error))?;
        if stamp.is_some() && locked(&self.verified).get(object) == stamp.as_ref() {
            return Ok(true);
        }
        let digest = Digest::of_reader(&mut opened.into_reader());
        if digest.map_err(|error| self.unread(&entry, error))? != *object {
            self.quarantine_entry(&entry);
            return Ok(false);
        }
        if let Some(stamp) = stamp {
            locked(&self.verified).insert(*object, stamp);
        }
        Ok(true)
    }

    /// A file with the content of a stream, if that is the object's.
    fn copy(&self, object: &Digest, stream: Opened) -> Result<Option<PathBuf>, StoreError> {
        let entry = Entry::Object(*object);
        let mut copies = locked(&self.copies);
        let folder = match &mut *copies {
            Some(folder) => folder.path(),
            none => none.insert(temporary_folder()?).path(),
        };
        let path = folder.join(hex(object));
        if path.exists() {
            return Ok(Some(path));
        }
        let mut file = NamedTempFile::new_in(folder).map_err(StoreError::write(&path))?;
        let mut to = Hashing { to: file.as_file_mut(), hasher: blake3::Hasher::new() };
        io::copy(&mut stream.into_reader(), &mut to).map_err(|e| self.unread(&entry, e))?;
        if Digest::from_bytes(*to.hasher.finalize().as_bytes()) != *object {
            self.quarantine_entry(&entry);
            return Ok(None);
        }
        file.persist(&path).map_err(|refused| StoreError::write(&path)(refused.error))?;
        Ok(Some(path))
    }

    /// Is there such an object? Its content is not checked; one that was found damaged is none, and so is one
    /// that nobody can tell of.
    pub fn contains(&self, object: &Digest) -> bool {
        self.staged.contains(object)
            || self.backend.look(&Entry::Object(*object)).is_ok_and(|meta| meta.is_some())
    }

    /// The digests of all objects, sorted, by their names alone: of the folder, where there is one.
    ///
    /// # Errors
    /// If a folder is there and cannot be read, or an object cannot be made durable.
    pub fn objects(&self) -> Result<Vec<Digest>, StoreError> {
        self.name_staged()?;
        let entries = self.nearest().list(&Prefix::Objects).map_err(StoreError::reading)?;
        let object = |entry| match entry {
            Entry::Object(object) => Some(object),
            _ => None,
        };
        Ok(entries.into_iter().filter_map(object).collect())
    }

    /// Spares [`Store::path`] the reading of what this process has just written.
    pub(crate) fn trust(&self, object: &Digest) {
        if let Ok(Some(Opened::File { file, .. })) = self.nearest().open(&Entry::Object(*object))
            && let Some(stamp) = file.metadata().ok().and_then(|metadata| Stamp::of(&metadata))
        {
            locked(&self.verified).insert(*object, stamp);
        }
    }
}

fn temporary_folder() -> Result<TempDir, StoreError> {
    tempfile::tempdir().map_err(StoreError::write(&std::env::temp_dir()))
}

/// The digest of a file's bytes, in bounded memory.
#[cfg(test)]
pub(crate) fn hash_file(path: &std::path::Path) -> io::Result<Digest> {
    hash_open(&mut File::open(path)?)
}

/// The digest of what is left of an open file, in bounded memory.
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
