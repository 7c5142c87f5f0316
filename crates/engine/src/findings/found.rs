//! A finding about an expert's data, with its place in the pipeline file.

use std::ops::Range;

use collegium_records::Level;
use serde::{Deserialize, Serialize};

/// A finding about one expert, with its place in the pipeline file.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) kind: &'static str,
    pub(crate) level: Level,
    pub(crate) span: Range<usize>,
    /// What to say at that place.
    pub(crate) label: String,
    /// One sentence without a full stop, that names no expert.
    pub(crate) text: String,
    pub(crate) help: Option<String>,
}

/// A suspicion about one input.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Hint {
    pub(super) kind: String,
    /// The first input that it is about, by its place in the file.
    pub(super) input: usize,
    pub(super) label: String,
    pub(super) text: String,
    pub(super) help: Option<String>,
}
