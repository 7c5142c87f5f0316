//! Listing: which entries lie in the folder, by the names of their files.

use std::path::{Path, PathBuf};

use collegium_digest::Digest;
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
        match prefix {
            Prefix::Objects => self.shards(&root.join("objects"), &mut |shard, name, path| {
                each(format!("{shard}{name}").parse().map(Entry::Object).map_err(|_| path));
                Ok(())
            }),
            Prefix::Recipes => self.shards(&root.join("recipes"), &mut |_, name, path| {
                each(json(name).map(Entry::Recipe).ok_or(path));
                Ok(())
            }),
            Prefix::Records => {
                self.shards(&root.join("realisations"), &mut |_, name, path| match name.parse() {
                    Ok(recipe) => self.records(recipe, &path, each),
                    Err(_) => Ok(()),
                })
            }
            Prefix::RecordsOf(recipe) => self.records(*recipe, &root.join(prefix.path()), each),
        }
    }

    fn records(
        &self,
        recipe: Digest,
        folder: &Path,
        each: &mut dyn FnMut(Named),
    ) -> Result<(), BackendError> {
        for (name, path) in self.names(folder)? {
            each(json(&name).map(|id| Entry::Record { recipe, id }).ok_or(path));
        }
        Ok(())
    }

    fn shards(
        &self,
        part: &Path,
        each: &mut dyn FnMut(&str, &str, PathBuf) -> Result<(), BackendError>,
    ) -> Result<(), BackendError> {
        for (shard, folder) in self.names(part)? {
            for (name, path) in self.names(&folder)? {
                each(&shard, &name, path)?;
            }
        }
        Ok(())
    }

    fn names(&self, folder: &Path) -> Result<Vec<(String, PathBuf)>, BackendError> {
        self.layout.names(folder).map_err(|error| self.failed(error))
    }
}

fn json(name: &str) -> Option<Digest> {
    name.strip_suffix(".json")?.parse().ok()
}
