//! Result of loading: a pipeline with its warnings, or why a blueprint cannot be read.

use crate::{Diagnostics, Pipeline, SourceFile};

/// A pipeline without errors, and what is worth saying about it all the same.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The pipeline.
    pub pipeline: Pipeline,
    /// Warnings alone.
    pub warnings: Diagnostics,
}

/// Why a blueprint cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoBlueprint {
    /// In a few words, to stand at the caret.
    pub reason: String,
    /// A nearby name, or what there is.
    pub help: Option<String>,
}

/// Reads a blueprint by its name.
pub(crate) type ReadBlueprint<'a> = &'a dyn Fn(&str) -> Result<SourceFile, NoBlueprint>;
