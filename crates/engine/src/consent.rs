//! Permissions: the folders that a pipeline may read: its project, and those that its user allows.
//!
//! Consent comes from the command line (`--allow-read`) or from the user's own file ([`collegium_store::Grant`]),
//! never from the pipeline: that only asks.

use std::path::{Path, PathBuf};

use collegium_manifest::{Fence, Pipeline, real};
use collegium_store::{Grant, READS};

/// The [`Fence`] of a pipeline: which folders may be read, with those allowed on the command line.
pub fn fence(pipeline: &Pipeline, allowed: &[PathBuf]) -> Fence {
    fence_around(&pipeline.source.path, &pipeline.root, &pipeline.asks(), allowed)
}

/// The same from what the pipeline asks for.
pub(crate) fn fence_around(
    pipeline: &Path,
    root: &Path,
    asked: &[PathBuf],
    allowed: &[PathBuf],
) -> Fence {
    let mut consented = allowed.to_vec();
    if !asked.is_empty() && Grant::new(READS, &real(root), asked).is_given() {
        consented.extend_from_slice(asked);
    }
    Fence::new(pipeline, root, asked, &consented)
}
