//! Errors that point into a file.

use std::{ops::Range, sync::Arc};

use crate::SourceFile;

/// One finding: what is wrong, where, and the way out.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// What is wrong, in one line without a full stop.
    pub message: String,
    /// The file and the bytes that the caret goes under; `None` when there is no text to show.
    pub place: Option<(Arc<SourceFile>, Range<usize>)>,
    /// What to say at the caret.
    pub label: String,
    /// What to do: `did you mean …?` or an instruction.
    pub help: Option<String>,
    /// A warning does not stop anything.
    pub warning: bool,
}

/// All findings of a file at once; never empty when it is an error.
#[derive(Debug, Clone, Default)]
pub struct Diagnostics(pub Vec<Diagnostic>);
