//! The documents of `explain --json`.

use serde::{Deserialize, Serialize};

use crate::{Code, Subject};

/// `collegium explain CODE`: an error at length.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// [`crate::FORMAT_VERSION`]
    pub format_version: u32,
    /// Which.
    pub code: Code,
    /// What it is about.
    pub subject: Subject,
    /// What it means, in a line.
    pub line: String,
    /// What it means and its common causes, in paragraphs.
    pub text: Vec<String>,
    /// What it looks like.
    pub examples: Vec<CodeExample>,
    /// What to do.
    pub way_out: String,
    /// Pages that say more, from the root of the repository, with their headings: `docs/data.md#limits`.
    pub pages: Vec<String>,
}

/// A few lines of a file or of a command line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeExample {
    /// `wrong`, `right` or `example`.
    pub label: String,
    /// `toml`, `csv` or `text`.
    pub language: String,
    /// The lines.
    pub text: String,
}

/// `collegium explain`: all codes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeList {
    /// [`crate::FORMAT_VERSION`]
    pub format_version: u32,
    /// By subject.
    pub codes: Vec<CodeLine>,
}

/// A code in a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeLine {
    /// Which.
    pub code: Code,
    /// What it is about.
    pub subject: Subject,
    /// What it means, in a line.
    pub line: String,
}
