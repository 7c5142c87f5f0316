//! Listing: which entries lie in the folder, by the names of their files.

use std::path::{Path, PathBuf};

use collegium_records::Amount;
use rustix::fs::FileType;

use super::LocalFolder;
use crate::backend::{BackendError, Entry, Prefix};

/// A file among entries: one of them, or somebody else's.
type Named = Result<Entry, PathBuf>;

impl LocalFolder {
    pub(super) fn listed(&self, prefix: &Prefix) -> Result<Vec<Entry>, BackendError> {
        let mut entries = Vec::new();
        let scratch = self.layout.scratch.as_ref().map(|scratch| scratch.root());
        for root in [Some(self.layout.root.as_path()), scratch].into_iter().flatten() {
            self.walk(root, prefix, &mut |named| entries.extend(named))?;
        }
        entries.sort_unstable();
        entries.dedup();
        Ok(entries)
    }

    /// Files that lie among the entries and are none of them.
    pub(crate) fn strangers(&self) -> Result<Amount, BackendError> {
        let mut found = Amount::default();
        let root = &self.layout.root;
        for prefix in [Prefix::Objects, Prefix::Recipes, Prefix::Records] {
            self.walk(root, &prefix, &mut |named| {
                let Err(path) = named else { return };
                let look = self.layout.ground(&path).look(&path);
                if let Some(file) = look.ok().filter(|look| look.kind == FileType::RegularFile) {
                    found.add(file.bytes, 0.0);
                }
            })?;
        }
        Ok(found)
    }

    /// Every file where entries of a prefix lie. A stray file in the place of a folder holds none.
    fn walk(
        &self,
        root: &Path,
        prefix: &Prefix,
        each: &mut dyn FnMut(Named),
    ) -> Result<(), BackendError> {
        let folders = match prefix {
            Prefix::Objects | Prefix::Recipes => 1,
            Prefix::Records => 2,
            Prefix::RecordsOf(_) => 0,
        };
        self.files(&root.join(prefix.path()), folders, &mut |path| {
            let name = path.strip_prefix(root).ok().and_then(Path::to_str);
            each(name.and_then(Entry::from_path).ok_or(path));
        })
    }

    /// The files that lie so many folders below one.
    fn files(
        &self,
        folder: &Path,
        folders: u32,
        each: &mut dyn FnMut(PathBuf),
    ) -> Result<(), BackendError> {
        for (_, path) in self.names(folder)? {
            match folders {
                0 => each(path),
                _ => self.files(&path, folders - 1, each)?,
            }
        }
        Ok(())
    }

    fn names(&self, folder: &Path) -> Result<Vec<(String, PathBuf)>, BackendError> {
        self.layout.names(folder).map_err(|error| self.failed(error))
    }
}
