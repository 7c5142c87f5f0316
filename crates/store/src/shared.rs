//! Shared store: one store for several projects.
//!
//! A project shares the store of another by a link: its `.collegium` leads to the other's. Then `gc` in one
//! of them must know what the others stand on. The project that owns the folder is known from where the
//! folder lies; every other is filed in `projects/` as soon as it writes to the store.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use collegium_digest::{Digest, Hasher};

use crate::{PipelineFile, Store, StoreError, layout::Layout, pipelines};

impl Layout {
    /// Files a project that reaches this store through a link.
    pub(crate) fn enrol(&self) -> Result<(), StoreError> {
        let (true, false) = (self.linked, self.looks) else { return Ok(()) };
        let Some(project) = self.root.parent() else { return Ok(()) };
        let project = if project == Path::new("") { Path::new(".") } else { project };
        let project = fs::canonicalize(project).map_err(StoreError::read(project))?;
        // A path that is no text cannot be filed, nor can it be named in a pipeline.
        let Some(text) = project.to_str() else { return Ok(()) };
        let path = self.folder("projects").join(name(text).short());
        if self.read(&path)?.as_deref() == Some(text.as_bytes()) {
            return Ok(());
        }
        let mut file = self.new_file()?;
        file.file.write_all(text.as_bytes()).map_err(StoreError::write(&path))?;
        // Whoever reads a torn one frees what this project stands on.
        self.settle_whole(vec![(file, path)])
    }
}

impl Store {
    /// The folders of the other projects that use this store, sorted.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn other_projects(&self) -> Result<Vec<PathBuf>, StoreError> {
        let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let own = real(
            self.layout.root.parent().filter(|p| *p != Path::new("")).unwrap_or(Path::new(".")),
        );
        let mut others: Vec<PathBuf> =
            real(&self.layout.root).parent().map(Path::to_owned).into_iter().collect();
        for (_, path) in self.layout.names(&self.layout.folder("projects"))? {
            let text = self.layout.read(&path)?.and_then(|bytes| String::from_utf8(bytes).ok());
            others.extend(text.map(PathBuf::from).filter(|path| path.is_absolute()));
        }
        others.retain(|other| real(other) != own);
        others.sort();
        others.dedup();
        Ok(others)
    }

    /// The pipelines of a project, and of all others that use its store: what must not be freed follows
    /// from them.
    ///
    /// # Errors
    /// As [`pipelines`], or if one of the other projects is not there: what it stands on is not known.
    pub fn all_pipelines(&self, root: &Path) -> Result<Vec<PipelineFile>, StoreError> {
        let mut found = pipelines(root)?;
        for other in self.other_projects()? {
            if !other.is_dir() {
                let file = other
                    .to_str()
                    .map(|text| self.layout.folder("projects").join(name(text).short()));
                return Err(StoreError::Away { path: other, file: file.unwrap_or_default() });
            }
            found.extend(pipelines(&other)?);
        }
        Ok(found)
    }
}

fn name(project: &str) -> Digest {
    Hasher::new("project").text(project).finish()
}
