//! Cleanup of temporary files that dead processes left in `tmp/`.
//!
//! Only files of our own pattern go, `PROCESS-abc123`, which are some minutes old and which nobody holds a
//! lock on. Whoever only looks removes nothing.

use std::time::SystemTime;

use rustix::fs::FileType;

use crate::{
    disk::{GRACE, is_letters},
    layout::Layout,
};

/// Removes them. Failing to is no harm.
pub(crate) fn sweep(layout: &Layout) {
    let folder = layout.home("tmp");
    let now = SystemTime::now();
    for (name, path) in layout.names(&folder).unwrap_or_default() {
        let ground = layout.ground(&path);
        let left = is_temporary(&name)
            && ground.look(&path).is_ok_and(|look| {
                look.kind == FileType::RegularFile
                    && now.duration_since(look.modified).is_ok_and(|age| age > GRACE)
            })
            && ground.open(&path).is_ok_and(|file| file.try_lock().is_ok());
        if left {
            let _ = ground.remove(&path);
        }
    }
}

/// Is this the name of a temporary file? Those of earlier versions have capitals, too.
pub(crate) fn is_temporary(name: &str) -> bool {
    let Some((process, letters)) = name.split_once('-') else { return false };
    let number = process.bytes().all(|byte| byte.is_ascii_digit());
    number && !process.is_empty() && is_letters(letters)
}
