//! Stat cache: digests of input files, without reading them again.
//!
//! A file whose device, inode, size, modification and change times are all as they were is taken
//! to hold what it held. That fails for a file that was changed so shortly before it was hashed
//! that a second change may carry the same time; as in git, such a *racily clean* entry is not
//! kept, and the file is hashed again until its times are safely in the past.

use std::{
    collections::BTreeMap,
    fs::{self, File, Metadata},
    io,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use collegium_digest::Digest;
use serde::{Deserialize, Serialize};

use crate::{Store, StoreError, locked, objects::hash_open, seal};

/// Times closer to the moment of hashing than this are not trusted: the coarsest file systems
/// count in steps of two seconds.
const RACY: i128 = 2_000_000_000;

/// What the system says about a file without opening it; times in ns since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: i64,
    changed: i64,
}

impl Stamp {
    /// Bytes of [`Stamp::to_bytes`].
    pub(crate) const BYTES: usize = 40;

    pub(crate) fn inode(&self) -> u64 {
        self.inode
    }

    pub(crate) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let parts = [self.device, self.inode, self.size, self.modified as u64, self.changed as u64];
        for (to, part) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(parts) {
            *to = part.to_le_bytes();
        }
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let part = |at: usize| u64::from_le_bytes(bytes.as_chunks::<8>().0[at]);
        Self {
            device: part(0),
            inode: part(1),
            size: part(2),
            modified: part(3) as i64,
            changed: part(4) as i64,
        }
    }

    /// As [`Stamp::of`], of what `statat` gives.
    pub(crate) fn of_stat(stat: &rustix::fs::Stat) -> Option<Self> {
        let nanoseconds = |seconds: i64, rest: u64| {
            seconds.checked_mul(1_000_000_000)?.checked_add(i64::try_from(rest).ok()?)
        };
        Some(Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            size: u64::try_from(stat.st_size).ok()?,
            modified: nanoseconds(stat.st_mtime, stat.st_mtime_nsec)?,
            changed: nanoseconds(stat.st_ctime, stat.st_ctime_nsec)?,
        })
    }

    /// `None` where the system tells times beyond the year 2262.
    pub(crate) fn of(metadata: &Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt as _;
        let nanoseconds =
            |seconds: i64, rest: i64| seconds.checked_mul(1_000_000_000)?.checked_add(rest);
        Some(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec())?,
            changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec())?,
        })
    }

    /// May a file hashed at `at` be changed again without its stamp showing it?
    pub(crate) fn is_racy(&self, at: i128) -> bool {
        i128::from(self.modified.max(self.changed)) + RACY >= at
    }
}

/// Is this a whole cache of file hashes?
pub(crate) fn is_whole(file: &[u8]) -> bool {
    decode(file).is_some()
}

fn decode(file: &[u8]) -> Option<Entries> {
    serde_json::from_slice(seal::unseal(&[], file)?).ok()
}

/// Path to stamp and digest.
type Entries = BTreeMap<String, (Stamp, Digest)>;

#[derive(Debug, Default)]
pub(crate) struct StatCache {
    /// `None` until first used.
    entries: Option<Entries>,
    changed: bool,
}

impl Store {
    /// The digest of a file outside the store, by its stamp where that can be trusted.
    ///
    /// # Errors
    /// If the file cannot be read, or does not hold still.
    pub fn file_digest(&self, path: &Path) -> Result<Digest, StoreError> {
        self.file_digest_by(path, &|path| File::open(path), &mut hash_open)
    }

    /// The same, where somebody else opens and hashes the file: who does not wait for pipes, or keeps more
    /// of it than its digest.
    ///
    /// # Errors
    /// As [`Store::file_digest`].
    pub fn file_digest_by(
        &self,
        path: &Path,
        open: &dyn Fn(&Path) -> io::Result<File>,
        hash: &mut dyn FnMut(&mut File) -> io::Result<Digest>,
    ) -> Result<Digest, StoreError> {
        let input = |source| StoreError::Input { path: path.to_owned(), source };
        let key = std::path::absolute(path).map_err(input)?;
        let key = key.to_str();
        let now = Stamp::of(&fs::metadata(path).map_err(input)?);
        if let (Some(stamp), Some(key)) = (now, key)
            && let Some((known, digest)) = self.stat_entries(|entries| entries.get(key).copied())
            && known == stamp
        {
            return Ok(digest);
        }
        for _ in 0..3 {
            // The stamp is that of the file which is read: another may have the path a moment later, and
            // this one again in the end.
            let mut file = open(path).map_err(input)?;
            let stamp = |file: &File| file.metadata().map(|data| Stamp::of(&data)).map_err(input);
            let (before, at) = (stamp(&file)?, nanoseconds_now());
            let digest = hash(&mut file).map_err(input)?;
            if before == stamp(&file)? {
                if let (Some(stamp), Some(key)) = (before, key)
                    && !stamp.is_racy(at)
                {
                    self.stat_entries(|entries| entries.insert(key.to_owned(), (stamp, digest)));
                    locked(&self.stat).changed = true;
                }
                return Ok(digest);
            }
        }
        Err(StoreError::Unsettled { path: path.to_owned() })
    }

    /// Something with the entries, which are read on first use.
    fn stat_entries<R>(&self, with: impl FnOnce(&mut Entries) -> R) -> R {
        let mut cache = locked(&self.stat);
        with(cache.entries.get_or_insert_with(|| self.read_stat()))
    }

    /// What is on the disk; nothing if it is not there or not whole.
    fn read_stat(&self) -> Entries {
        let path = self.layout.folder("cache").join("stat.json");
        let Ok(Some(bytes)) = self.layout.read(&path) else { return Entries::new() };
        match decode(&bytes) {
            Some(entries) => entries,
            None => {
                self.quarantine(&path, "the cache of file hashes");
                Entries::new()
            }
        }
    }

    pub(crate) fn flush_stat(&self) -> Result<(), StoreError> {
        let mut cache = locked(&self.stat);
        if !std::mem::take(&mut cache.changed) || self.is_read_only() {
            return Ok(());
        }
        // Another process may have written since; to lose its last word is harmless.
        let mut entries = self.read_stat();
        entries.extend(cache.entries.iter().flatten().map(|(key, entry)| (key.clone(), *entry)));
        entries.retain(|path, _| Path::new(path).exists());
        let record = serde_json::to_vec(&entries).map_err(|error| StoreError::Record {
            what: "file hashes".to_owned(),
            message: error.to_string(),
        })?;
        let path = self.layout.folder("cache").join("stat.json");
        self.replace(&path, &seal::seal(&[], &record))
    }
}

pub(crate) fn nanoseconds_now() -> i128 {
    // Before 1970 everything is racy, which is safe.
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i128::try_from(since.as_nanos()).ok())
        .unwrap_or(0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::objects::hash_file;

    /// A file that is old enough: the crate's own manifest.
    fn old() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
    }

    #[test]
    fn a_file_with_a_known_stamp_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.file_digest(old()).unwrap();
        // Were the file read, this would not be its digest.
        let sentinel = Digest::of(b"sentinel");
        store.stat_entries(|entries| entries.values_mut().for_each(|entry| entry.1 = sentinel));
        assert_eq!(store.file_digest(old()).unwrap(), sentinel);
        store.flush().unwrap();
        assert_eq!(Store::open(folder.path()).unwrap().file_digest(old()).unwrap(), sentinel);
    }

    #[test]
    fn any_other_part_of_a_stamp_makes_it_unknown() {
        let truth = hash_file(old()).unwrap();
        let differ: [fn(&mut Stamp); 5] = [
            |s| s.device ^= 1,
            |s| s.inode ^= 1,
            |s| s.size ^= 1,
            |s| s.modified ^= 1,
            |s| s.changed ^= 1,
        ];
        for differ in differ {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(folder.path()).unwrap();
            store.file_digest(old()).unwrap();
            store.stat_entries(|entries| {
                for (stamp, digest) in entries.values_mut() {
                    differ(stamp);
                    *digest = Digest::of(b"sentinel");
                }
            });
            assert_eq!(store.file_digest(old()).unwrap(), truth);
        }
    }

    proptest! {
        #[test]
        fn only_times_well_before_the_hashing_are_trusted(modified in any::<i64>(), changed in any::<i64>(), at in any::<i64>()) {
            let stamp = Stamp { device: 1, inode: 2, size: 3, modified, changed };
            let age = i128::from(at) - i128::from(modified.max(changed));
            prop_assert_eq!(stamp.is_racy(i128::from(at)), age <= RACY);
        }
    }
}
