//! Layered backend (a shared remote cache): the folder of a project with another backend behind it.
//!
//! What is not in the folder is looked for on the far side, checked, and copied into the folder, where it can be
//! mapped and asked for by the thousand. What is made goes into the folder, and at a flush to the far side as well:
//! objects first, then recipes, then records, so that nobody finds there a record without its objects.
//!
//! The far side spares work and is never needed. If it fails, a person is told and the run goes on as if nothing
//! were there; once it has not answered at all it is not asked again, since a time-out for every entry would cost
//! more than the work. Nothing is ever deleted there: others stand on it, and a copy that was cut on its way says
//! nothing of what it was copied from.

use std::{
    collections::BTreeSet,
    io::{ErrorKind, Read as _, Write as _},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{Aside, Backend, BackendError, Content, Entry, EntryMeta, LocalFolder, Opened, Prefix};
use crate::{locked, temporary::Temporary};

/// Two backends in layers: a folder, and the shared one that is asked behind it.
#[derive(Debug)]
pub struct Layered {
    near: LocalFolder,
    far: Arc<dyn Backend>,
    /// What was put and is not yet on the far side: objects, recipes, records, in this order.
    pending: Mutex<BTreeSet<Entry>>,
    /// What was found damaged on the far side, and is not fetched again.
    damaged: Mutex<BTreeSet<Entry>>,
    /// Has the far side once not answered?
    away: AtomicBool,
    notes: Mutex<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    unheard: Vec<String>,
    said: BTreeSet<String>,
}

/// So many bytes are copied at a time.
const PIECE: usize = 1 << 17;

impl Layered {
    /// A folder with `far` behind it.
    pub fn new(near: LocalFolder, far: Arc<dyn Backend>) -> Self {
        Self {
            near,
            far,
            pending: Mutex::default(),
            damaged: Mutex::default(),
            away: AtomicBool::new(false),
            notes: Mutex::default(),
        }
    }

    /// Asks the far side. Its failure is no answer.
    fn ask<T>(&self, question: impl FnOnce(&dyn Backend) -> Result<T, BackendError>) -> Option<T> {
        if self.away.load(Ordering::Acquire) {
            return None;
        }
        question(&*self.far).map_err(|error| self.gave_up(&error)).ok()
    }

    /// Tells a failure of the far side, of one cause once, and remembers if it does not answer.
    fn gave_up(&self, error: &BackendError) {
        let (cause, then) = match error {
            BackendError::Unreachable { .. } => {
                self.away.store(true, Ordering::Release);
                ("away".to_owned(), "not asked again")
            }
            // The same refusal of the next entry is no news.
            BackendError::Refused { source, .. } => (source.to_string(), "passed over"),
            BackendError::Damaged { .. } => (error.to_string(), "passed over"),
        };
        self.note(cause, format!("{error}; it is {then}, and nothing depends on it"));
    }

    fn note(&self, cause: String, text: String) {
        let mut notes = locked(&self.notes);
        if notes.said.insert(cause) {
            notes.unheard.push(text);
        }
    }

    /// Copies an entry from the far side into the folder, if its content is what its name stands for.
    fn fetch(&self, entry: &Entry) -> Result<bool, BackendError> {
        if locked(&self.damaged).contains(entry) {
            return Ok(false);
        }
        let Some(opened) = self.ask(|far| far.open(entry)).flatten() else { return Ok(false) };
        let Some(file) = self.copied(entry, opened)? else { return Ok(false) };
        let content = Content::File(&file);
        let whole = entry.vouches_for_all_of(&mut content.reader());
        if !whole.map_err(|error| BackendError::of(self.near.place(entry), error))? {
            locked(&self.damaged).insert(*entry);
            let place = self.far.place(entry);
            let text = format!("{entry} is damaged in {} and is ignored", place.display());
            self.note(text.clone(), text);
            return Ok(false);
        }
        self.near.put(&[(*entry, content)])?;
        Ok(true)
    }

    /// A file of the folder with all that comes from the far side; `None` if it does not come to its end.
    fn copied(&self, entry: &Entry, from: Opened) -> Result<Option<Temporary>, BackendError> {
        let mut file = self.near.new_file()?;
        let mut reader = from.into_reader();
        let mut piece = vec![0; PIECE];
        loop {
            let read = match reader.read(&mut piece) {
                Ok(0) => return Ok(Some(file)),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.gave_up(&BackendError::of(self.far.place(entry), error));
                    return Ok(None);
                }
            };
            let written = file.file.write_all(&piece[..read]);
            written.map_err(|error| BackendError::of(self.near.place(entry), error))?;
        }
    }

    /// Puts an entry of the folder on the far side. `None`: the far side fails.
    fn push(&self, entry: &Entry) -> Option<()> {
        let unchanging = !matches!(entry, Entry::Record { .. });
        if unchanging && self.ask(|far| far.look(entry))?.is_some() {
            return Some(());
        }
        // What is gone since, or damaged, is not spread.
        let Ok(Some(Opened::File { file, .. })) = self.near.open(entry) else { return Some(()) };
        let content = Content::Stored(&file);
        match entry.vouches_for_all_of(&mut content.reader()) {
            Ok(true) => self.ask(|far| far.put(&[(*entry, content)])),
            Ok(false) | Err(_) => Some(()),
        }
    }
}

impl Backend for Layered {
    fn open(&self, entry: &Entry) -> Result<Option<Opened>, BackendError> {
        match self.near.open(entry)? {
            None if self.fetch(entry)? => self.near.open(entry),
            found => Ok(found),
        }
    }

    fn look(&self, entry: &Entry) -> Result<Option<EntryMeta>, BackendError> {
        match self.near.look(entry)? {
            None if !locked(&self.damaged).contains(entry) => {
                Ok(self.ask(|far| far.look(entry)).flatten())
            }
            found => Ok(found),
        }
    }

    fn put(&self, batch: &[(Entry, Content<'_>)]) -> Result<(), BackendError> {
        self.near.put(batch)?;
        locked(&self.pending).extend(batch.iter().map(|(entry, _)| *entry));
        Ok(())
    }

    /// Of both sides.
    fn list(&self, prefix: &Prefix) -> Result<Vec<Entry>, BackendError> {
        let mut entries = self.near.list(prefix)?;
        entries.extend(self.ask(|far| far.list(prefix)).into_iter().flatten());
        entries.sort_unstable();
        entries.dedup();
        Ok(entries)
    }

    /// From the folder alone.
    fn delete(&self, entry: &Entry) -> Result<bool, BackendError> {
        locked(&self.pending).remove(entry);
        self.near.delete(entry)
    }

    /// In the folder alone.
    fn set_aside(&self, entry: &Entry) -> Result<Aside, BackendError> {
        self.near.set_aside(entry)
    }

    /// In the folder alone.
    fn touch(&self, entry: &Entry) -> Result<(), BackendError> {
        self.near.touch(entry)
    }

    /// Of the folder; then what is new goes to the far side, as far as that is possible.
    fn flush(&self) -> Result<(), BackendError> {
        self.near.flush()?;
        let mut pending = std::mem::take(&mut *locked(&self.pending));
        while let Some(entry) = pending.pop_first() {
            if self.push(&entry).is_none() {
                pending.insert(entry);
                break;
            }
        }
        // For the next flush, if there is one; what is new since stands beside it.
        locked(&self.pending).extend(pending);
        Ok(())
    }

    fn place(&self, entry: &Entry) -> PathBuf {
        self.near.place(entry)
    }

    fn folder(&self) -> Option<&LocalFolder> {
        Some(&self.near)
    }

    fn notes(&self) -> Vec<String> {
        std::mem::take(&mut locked(&self.notes).unheard)
    }
}
