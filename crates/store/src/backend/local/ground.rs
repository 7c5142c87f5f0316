//! Freshness check of store files: are their stamps (size, times, inode) what they were?
//!
//! A run with nothing to do asks for thousands of files and does nothing else, so that is made cheap: the
//! files are asked for from the handle of `objects` or `realisations`, which spares the system the way
//! there, and what is remembered of each has a fixed size. For 1,000 experts that is 3,000 files; by full
//! path they took four fifths of the time, and reading them as JSON most of the rest. Where there are many, they are
//! asked for from the handle of the folder that they lie in; below some thousands, opening the 512 folders takes more
//! than it spares.

use std::{fs::File, os::fd::OwnedFd};

use collegium_digest::Digest;
use rustix::fs::{AtFlags, Mode, OFlags, openat, statat};

use super::LocalFolder;
use crate::{layout::push_hex, stamp::Stamp};

/// Files of a store, and their state when they were looked at, as [`Store::ground`](crate::Store::ground) wrote
/// them. They are asked for as they lie there: a copy of millions of bytes costs more than reading them.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Ground<'a> {
    /// Objects, by inode.
    objects: &'a [[u8; OBJECT]],
    /// Realisations by recipe and id, by inode.
    records: &'a [[u8; RECORD]],
}

/// Bytes of a digest and of a stamp.
const DIGEST: usize = 32;
const STAMP: usize = Stamp::BYTES;
/// Bytes of an object and of a record, each with its stamp.
const OBJECT: usize = DIGEST + STAMP;
const RECORD: usize = 2 * DIGEST + STAMP;

/// So many files of one part of the store are asked for from handles of its folders: of fewer, opening the
/// folders takes more than it spares.
const MANY: usize = 4_000;

impl<'a> Ground<'a> {
    /// What [`Store::ground`](crate::Store::ground) wrote: how many objects there are, then each with its stamp,
    /// then the records; `None` for anything else.
    pub fn from_bytes(bytes: &'a [u8]) -> Option<Self> {
        let (count, rest) = bytes.split_first_chunk::<8>()?;
        let count = usize::try_from(u64::from_le_bytes(*count)).ok()?;
        let (objects, records) = rest.split_at_checked(count.checked_mul(OBJECT)?)?;
        let (objects, []) = objects.as_chunks::<OBJECT>() else { return None };
        let (records, []) = records.as_chunks::<RECORD>() else { return None };
        Some(Self { objects, records })
    }
}

/// The digest at a place of an entry.
fn digest(entry: &[u8], at: usize) -> Option<&[u8; DIGEST]> {
    entry.get(at..)?.first_chunk()
}

fn stamp(entry: &[u8]) -> Option<Stamp> {
    Some(Stamp::from_bytes(entry.last_chunk::<STAMP>()?))
}

impl LocalFolder {
    /// As [`Store::ground`](crate::Store::ground).
    pub(crate) fn ground(
        &self,
        objects: impl IntoIterator<Item = Digest>,
        records: impl IntoIterator<Item = (Digest, Digest)>,
    ) -> Option<Vec<u8>> {
        let mut objects: Vec<Digest> = objects.into_iter().collect();
        let mut records: Vec<[Digest; 2]> =
            records.into_iter().map(|(recipe, id)| [recipe, id]).collect();
        objects.sort_unstable();
        objects.dedup();
        records.sort_unstable();
        records.dedup();
        let mut of_objects = self.asker("objects", objects.len());
        let object = |object: Digest| Some((object, of_objects.object(object.as_bytes())?));
        let mut objects = objects.into_iter().map(object).collect::<Option<Vec<_>>>()?;
        // Its folders are closed before others are opened.
        drop(of_objects);
        let mut of_records = self.asker("realisations", records.len());
        let record = |[recipe, id]: [Digest; 2]| {
            Some(([recipe, id], of_records.record(recipe.as_bytes(), id.as_bytes())?))
        };
        let mut records = records.into_iter().map(record).collect::<Option<Vec<_>>>()?;
        // Files that were made one after another lie side by side in the system's memory.
        objects.sort_unstable_by_key(|(_, stamp)| stamp.inode());
        records.sort_unstable_by_key(|(_, stamp)| stamp.inode());
        let mut bytes = (objects.len() as u64).to_le_bytes().to_vec();
        for (object, stamp) in &objects {
            bytes.extend_from_slice(object.as_bytes());
            bytes.extend_from_slice(&stamp.to_bytes());
        }
        for (names, stamp) in &records {
            names.iter().for_each(|name| bytes.extend_from_slice(name.as_bytes()));
            bytes.extend_from_slice(&stamp.to_bytes());
        }
        Some(bytes)
    }

    /// As [`Store::stands_on`](crate::Store::stands_on).
    pub(crate) fn stands_on(&self, ground: &Ground) -> bool {
        let mut of_objects = self.asker("objects", ground.objects.len());
        let objects = ground.objects.iter().all(|entry| {
            let now = digest(entry, 0).and_then(|object| of_objects.object(object));
            now.is_some() && now == stamp(entry)
        });
        drop(of_objects);
        let mut of_records = self.asker("realisations", ground.records.len());
        objects
            && ground.records.iter().all(|entry| {
                let names = digest(entry, 0).zip(digest(entry, DIGEST));
                let now = names.and_then(|(recipe, id)| of_records.record(recipe, id));
                now.is_some() && now == stamp(entry)
            })
    }

    /// Who asks for so many files of a part of the store.
    fn asker(&self, part: &str, files: usize) -> Asker {
        let folder = self.layout.folder(part);
        let shards = if files < MANY { Vec::new() } else { (0..256).map(|_| None).collect() };
        let part = self.layout.ground(&folder).open_folder(&folder).ok();
        Asker { part, shards, way: String::new() }
    }
}

/// Asks the system about files below one folder of a store.
struct Asker {
    /// Not there if nothing was ever filed.
    part: Option<File>,
    /// Its folders by the first byte of what lies in them, as far as they are open; none where few files are
    /// asked for.
    shards: Vec<Option<OwnedFd>>,
    /// The way to the file that is asked for; kept, since it is as long for all.
    way: String,
}

impl Asker {
    /// `ab/cdef…`
    fn object(&mut self, object: &[u8; DIGEST]) -> Option<Stamp> {
        self.begin(object[0]);
        push_hex(&mut self.way, &object[1..]);
        self.ask(object[0])
    }

    /// `ab/abcdef…/0123….json`
    fn record(&mut self, recipe: &[u8; DIGEST], id: &[u8; DIGEST]) -> Option<Stamp> {
        self.begin(recipe[0]);
        push_hex(&mut self.way, recipe);
        self.way.push('/');
        push_hex(&mut self.way, id);
        self.way.push_str(".json");
        self.ask(recipe[0])
    }

    fn begin(&mut self, shard: u8) {
        self.way.clear();
        push_hex(&mut self.way, &[shard]);
        self.way.push('/');
    }

    fn ask(&mut self, shard: u8) -> Option<Stamp> {
        let part = self.part.as_ref()?;
        let way = self.way.as_str();
        let (folder, name) = way.split_once('/')?;
        let stat = match self.shards.get_mut(usize::from(shard)) {
            Some(open) => {
                if open.is_none() {
                    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                    *open = openat(part, folder, flags, Mode::empty()).ok();
                }
                match open {
                    Some(open) => statat(open, name, AtFlags::SYMLINK_NOFOLLOW),
                    // Too many are open.
                    None => statat(part, way, AtFlags::SYMLINK_NOFOLLOW),
                }
            }
            None => statat(part, way, AtFlags::SYMLINK_NOFOLLOW),
        };
        Stamp::of_stat(&stat.ok()?)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use super::*;
    use crate::Store;

    fn filled(files: u32) -> (tempfile::TempDir, Store, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let objects: Vec<Digest> =
            (0..files).map(|n| store.put(&n.to_le_bytes()).unwrap()).collect();
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

    fn stands(store: &Store, ground: &[u8]) -> bool {
        store.stands_on(&Ground::from_bytes(ground).unwrap())
    }

    fn file(store: &Store, ground: &[u8], record: bool) -> std::path::PathBuf {
        let ground = Ground::from_bytes(ground).unwrap();
        let name = |entry: &[u8], at| Digest::from_bytes(*digest(entry, at).unwrap());
        match record {
            false => store.object_file(&name(&ground.objects[7], 0)),
            true => {
                let entry = &ground.records[7];
                store.realisation_file(&name(entry, 0), &name(entry, DIGEST))
            }
        }
    }

    #[test]
    fn what_was_written_is_read_again_and_nothing_else_is() {
        let (_folder, store, bytes) = filled(40);
        let ground = Ground::from_bytes(&bytes).unwrap();
        assert_eq!((ground.objects.len(), ground.records.len()), (40, 40));
        for cut in [0, 7, 8, 9, bytes.len() - 1] {
            assert_eq!(Ground::from_bytes(&bytes[..cut]).filter(|_| cut != 8), None, "{cut}");
        }
        assert_eq!(Ground::from_bytes(&u64::MAX.to_le_bytes()), None);
        assert!(store.ground([Digest::of(b"not there")], []).is_none());
    }

    #[test]
    fn of_many_files_too_each_is_asked_for() {
        let (_folder, store, ground) = filled(MANY as u32);
        assert!(stands(&store, &ground));
        for record in [false, true] {
            let path = file(&store, &ground, record);
            let before = fs::metadata(&path).unwrap().modified().unwrap();
            let change = |time| fs::File::open(&path).unwrap().set_modified(time).unwrap();
            change(std::time::UNIX_EPOCH);
            assert!(!stands(&store, &ground), "record {record}");
            change(before);
        }
    }

    #[test]
    fn any_change_to_any_file_is_seen() {
        for change in 0..4 {
            for record in [false, true] {
                let (_folder, store, ground) = filled(40);
                assert!(stands(&store, &ground));
                let path = file(&store, &ground, record);
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
                assert!(!stands(&store, &ground), "change {change}, record {record}");
            }
        }
    }
}
