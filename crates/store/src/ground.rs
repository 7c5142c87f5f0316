//! What the system said of the files of a store that an answer rests on, and whether it still says so.
//!
//! A run with nothing to do asks for thousands of files and does nothing else, so that is made cheap: the
//! files are asked for from the handle of `objects` or `realisations`, which spares the system the way
//! there, and what is remembered of each has a fixed size. For 1,000 experts that is 3,000 files; by full
//! path they took four fifths of the time, and reading them as JSON most of the rest. A handle for each
//! of the 512 folders below took more than it spared.

use std::fs::File;

use collegium_digest::Digest;
use rustix::fs::AtFlags;

use crate::{Store, layout::push_hex, stamp::Stamp};

/// Files of a store, and their state when they were looked at.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Ground {
    /// Objects, by inode.
    objects: Vec<(Digest, Stamp)>,
    /// Realisations by recipe and id, by inode.
    records: Vec<([Digest; 2], Stamp)>,
}

/// Bytes of a digest and of a stamp.
const DIGEST: usize = 32;
const STAMP: usize = Stamp::BYTES;

impl Ground {
    /// The files as bytes: how many objects there are, then each with its stamp, then the records.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = (self.objects.len() as u64).to_le_bytes().to_vec();
        for (object, stamp) in &self.objects {
            bytes.extend_from_slice(object.as_bytes());
            bytes.extend_from_slice(&stamp.to_bytes());
        }
        for (names, stamp) in &self.records {
            names.iter().for_each(|name| bytes.extend_from_slice(name.as_bytes()));
            bytes.extend_from_slice(&stamp.to_bytes());
        }
        bytes
    }

    /// What [`Ground::to_bytes`] wrote; `None` for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (count, rest) = bytes.split_first_chunk::<8>()?;
        let count = usize::try_from(u64::from_le_bytes(*count)).ok()?;
        let (objects, records) = rest.split_at_checked(count.checked_mul(DIGEST + STAMP)?)?;
        let (objects, []) = objects.as_chunks::<{ DIGEST + STAMP }>() else { return None };
        let (records, []) = records.as_chunks::<{ 2 * DIGEST + STAMP }>() else { return None };
        let digest = |bytes: &[u8]| Some(Digest::from_bytes(*bytes.first_chunk::<DIGEST>()?));
        let stamp = |bytes: &[u8]| Some(Stamp::from_bytes(bytes.last_chunk::<STAMP>()?));
        let object = |bytes: &[u8; DIGEST + STAMP]| Some((digest(bytes)?, stamp(bytes)?));
        let record = |bytes: &[u8; 2 * DIGEST + STAMP]| {
            Some(([digest(bytes)?, digest(&bytes[DIGEST..])?], stamp(bytes)?))
        };
        Some(Self {
            objects: objects.iter().map(object).collect::<Option<_>>()?,
            records: records.iter().map(record).collect::<Option<_>>()?,
        })
    }
}

impl Store {
    /// The state of objects, and of realisations by recipe and id; `None` if one of them is not there.
    pub fn ground(
        &self,
        objects: impl IntoIterator<Item = Digest>,
        records: impl IntoIterator<Item = (Digest, Digest)>,
    ) -> Option<Ground> {
        let mut objects: Vec<Digest> = objects.into_iter().collect();
        let mut records: Vec<[Digest; 2]> =
            records.into_iter().map(|(recipe, id)| [recipe, id]).collect();
        objects.sort_unstable();
        objects.dedup();
        records.sort_unstable();
        records.dedup();
        let (mut of_objects, mut of_records) = (self.asker("objects"), self.asker("realisations"));
        let object = |object| Some((object, of_objects.object(&object)?));
        let record = |record| Some((record, of_records.record(&record)?));
        let mut objects = objects.into_iter().map(object).collect::<Option<Vec<_>>>()?;
        let mut records = records.into_iter().map(record).collect::<Option<Vec<_>>>()?;
        // Files that were made one after another lie side by side in the system's memory.
        objects.sort_unstable_by_key(|(_, stamp)| stamp.inode());
        records.sort_unstable_by_key(|(_, stamp)| stamp.inode());
        Some(Ground { objects, records })
    }

    /// Are all of these files as they were?
    pub fn stands_on(&self, ground: &Ground) -> bool {
        let (mut of_objects, mut of_records) = (self.asker("objects"), self.asker("realisations"));
        ground.objects.iter().all(|(object, was)| of_objects.object(object) == Some(*was))
            && ground.records.iter().all(|(record, was)| of_records.record(record) == Some(*was))
    }

    fn asker(&self, part: &str) -> Asker {
        let folder = self.layout.folder(part);
        Asker { part: self.layout.ground(&folder).open_folder(&folder).ok(), way: String::new() }
    }
}

/// Asks the system about files below one folder of a store.
struct Asker {
    /// Not there if nothing was ever filed.
    part: Option<File>,
    /// The way to the file that is asked for; kept, since it is as long for all.
    way: String,
}

impl Asker {
    fn object(&mut self, object: &Digest) -> Option<Stamp> {
        self.way.clear();
        self.push(object);
        self.ask()
    }

    fn record(&mut self, [recipe, id]: &[Digest; 2]) -> Option<Stamp> {
        self.way.clear();
        push_hex(&mut self.way, &recipe.as_bytes()[..1]);
        self.way.push('/');
        push_hex(&mut self.way, recipe.as_bytes());
        self.way.push('/');
        push_hex(&mut self.way, id.as_bytes());
        self.way.push_str(".json");
        self.ask()
    }

    /// `ab/cdef…`
    fn push(&mut self, object: &Digest) {
        let (shard, rest) = object.as_bytes().split_at(1);
        push_hex(&mut self.way, shard);
        self.way.push('/');
        push_hex(&mut self.way, rest);
    }

    fn ask(&self) -> Option<Stamp> {
        let part = self.part.as_ref()?;
        let stat = rustix::fs::statat(part, self.way.as_str(), AtFlags::SYMLINK_NOFOLLOW).ok()?;
        Stamp::of_stat(&stat)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use super::*;

    fn filled() -> (tempfile::TempDir, Store, Ground) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let objects: Vec<Digest> = (0..40_u8).map(|n| store.put(&[n]).unwrap()).collect();
        let mut records = Vec::new();
        for object in &objects {
            let recipe =
                collegium_records::Recipe::new("fit").with("of", object.to_string().as_str());
            store.realise(&recipe, object, &"record").unwrap();
            records.push((recipe.digest(), *object));
        }
        let ground = store.ground(objects, records).unwrap();
        (folder, store, ground)
    }

    #[test]
    fn what_was_written_is_read_again_and_nothing_else_is() {
        let (_folder, store, ground) = filled();
        let bytes = ground.to_bytes();
        assert_eq!(Ground::from_bytes(&bytes), Some(ground));
        for cut in [0, 7, 8, 9, bytes.len() - 1] {
            assert_eq!(Ground::from_bytes(&bytes[..cut]).filter(|_| cut != 8), None, "{cut}");
        }
        assert_eq!(Ground::from_bytes(&u64::MAX.to_le_bytes()), None);
        assert!(store.ground([Digest::of(b"not there")], []).is_none());
    }

    #[test]
    fn any_change_to_any_file_is_seen() {
        for change in 0..4 {
            for record in [false, true] {
                let (_folder, store, ground) = filled();
                assert!(store.stands_on(&ground));
                let path = match record {
                    false => store.object_file(&ground.objects[7].0),
                    true => {
                        store.realisation_file(&ground.records[7].0[0], &ground.records[7].0[1])
                    }
                };
                let before = fs::metadata(&path).unwrap();
                let bytes = fs::read(&path).unwrap();
                match change {
                    0 => fs::remove_file(&path).unwrap(),
                    // Another file with the same content and time.
                    1 => {
                        let other = path.with_extension("other");
                        fs::write(&other, &bytes).unwrap();
                        fs::rename(&other, &path).unwrap();
                        let file = fs::File::open(&path).unwrap();
                        file.set_modified(before.modified().unwrap()).unwrap();
                    }
                    // Emptied, with its time put back.
                    2 => {
                        fs::remove_file(&path).unwrap();
                        let file = fs::File::create(&path).unwrap();
                        file.set_modified(before.modified().unwrap()).unwrap();
                    }
                    _ => {
                        fs::File::open(&path).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap()
                    }
                }
                assert!(!store.stands_on(&ground), "change {change}, record {record}");
            }
        }
    }
}
