//! Quarantine: what becomes of damaged files, and what a person is told of them.

use std::{
    io::{self, ErrorKind},
    path::Path,
    time::SystemTime,
};

use crate::{Aside, BackendError, Entry, Store, layout::Layout, locked};

impl Layout {
    /// Passes over a damaged file from now on.
    pub(crate) fn ignore(&self, path: &Path) {
        locked(&self.ignored).insert(path.to_owned());
    }

    /// Is this file of the store passed over?
    pub(crate) fn ignores(&self, path: &Path) -> bool {
        self.looks && locked(&self.ignored).contains(path)
    }

    /// Passes over it no longer: it was written anew.
    pub(crate) fn heed(&self, path: &Path) {
        if self.looks {
            locked(&self.ignored).remove(path);
        }
    }

    /// Moves a damaged file to quarantine, where its age counts from now. Where nothing but caches is written,
    /// it is passed over.
    pub(crate) fn set_aside(&self, path: &Path) -> io::Result<Aside> {
        if self.looks {
            self.ignore(path);
            return Ok(Aside::PassedOver);
        }
        let folder = self.folder("quarantine");
        let name: Vec<_> = path
            .strip_prefix(&self.root)
            .unwrap_or(path)
            .iter()
            .map(|part| part.to_string_lossy())
            .collect();
        let target = folder.join(format!("{}.{}", name.join("-"), std::process::id()));
        let ground = self.ground(path);
        ground.make_folder(&folder)?;
        match ground.rename(path, &target) {
            // Another process was faster.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Aside::Gone),
            result => result?,
        }
        if let Ok(file) = ground.open(&target) {
            let _ = file.set_modified(SystemTime::now());
        }
        Ok(Aside::Moved(target))
    }
}

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
