//! The text of a file, kept for messages.

use std::path::PathBuf;

/// A file's text and the path to show for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Where it was read.
    pub path: PathBuf,
    /// What it said.
    pub text: String,
}
