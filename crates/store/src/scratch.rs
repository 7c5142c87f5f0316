//! Scratch overlay for read-only projects: new files go to a temporary folder.
//!
//! A clone in a container, on CI or in another user's home is there to be read: `check`, `plan` and
//! `predict` need a table, and a table may have to be made. So the store of a folder that cannot be
//! written is the folder as it is, with a temporary one laid over it: a file is looked for in the
//! temporary one first, and then in the folder. What is new is written in the temporary one, which is
//! deleted at the end. A damaged file is passed over as if it were not there.
//!
//! Nothing is written below the project by construction and not by being refused: paths to write
//! to are given out by [`Layout`](crate::layout::Layout), which knows of the temporary folder.
//!
//! Rejected: objects in memory alone, since tables are mapped and streamed by path; asking for every
//! write whether it is allowed, since one forgotten place would fail or, for root, write.

use std::{path::Path, sync::Arc};

use tempfile::TempDir;

use crate::folder::Folder;

/// The temporary folder over a store that cannot be written.
#[derive(Debug)]
pub(crate) struct Scratch {
    folder: TempDir,
    pub(crate) ground: Arc<Folder>,
}

impl Scratch {
    pub(crate) fn new() -> std::io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("collegium-").tempdir()?;
        let ground = Arc::new(Folder::new(folder.path().to_owned(), false));
        Ok(Self { folder, ground })
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }
}

/// Can files be made in this folder?
pub(crate) fn can_write(folder: &Path) -> bool {
    use rustix::fs::{Access, access};
    access(folder, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}
