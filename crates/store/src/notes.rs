//! What a person should know about the store, and what becomes of damaged files.

use std::{io, path::Path};

use crate::{Aside, BackendError, Entry, Store, locked};

impl Store {
    /// What a person should know about the store (files found damaged), in words. Each note is
    /// handed out once.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = std::mem::take(&mut *locked(&self.layout.notes));
        notes.append(&mut locked(&self.notes));
        notes.extend(self.backend.notes());
        notes
    }

    pub(crate) fn note(&self, text: String) {
        locked(&self.notes).push(text);
    }

    /// Takes a damaged file of this machine out of the way and says so. `what` names it in words.
    pub(crate) fn quarantine(&self, path: &Path, what: &str) {
        if !self.layout.ignores(path) {
            self.note_damage(what, path, self.layout.set_aside(path));
        }
    }

    /// Takes a damaged entry out of the way and says so.
    pub(crate) fn quarantine_entry(&self, entry: &Entry) {
        let aside = self.backend.set_aside(entry).map_err(|error| match error {
            BackendError::Refused { source, .. } => source,
            other => io::Error::other(other),
        });
        self.note_damage(&entry.to_string(), &self.backend.place(entry), aside);
    }

    fn note_damage(&self, what: &str, path: &Path, aside: io::Result<Aside>) {
        self.note(match aside {
            Ok(Aside::PassedOver) => format!("{what} is damaged and is ignored"),
            Ok(Aside::Moved(to)) => format!(
                "{what} was damaged; it was moved to {} and will be made again when needed",
                to.display()
            ),
            Ok(Aside::Gone) => format!("{what} was damaged and will be made again when needed"),
            Err(error) => format!(
                "{what} is damaged and is ignored; {} could not be moved away: {error}",
                path.display()
            ),
        });
    }
}
