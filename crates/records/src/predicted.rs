//! Provenance of predictions (`OUTPUT.provenance.json`): which experts made the file beside it.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

use collegium_digest::Digest;
use serde::{Deserialize, Serialize};

/// What `predict` writes beside its output, so that a later pipeline that reads the output as a table
/// knows its labels for what they are.
///
/// A rename replaces one file and not two. So this one speaks of contents and not of a name: it is
/// written first, with the content that is to come beside the one that is still there, and whatever
/// happens between the two renames, the file that is there is spoken of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PredictedBy {
    /// [`crate::FORMAT_VERSION`]
    pub format_version: u32,
    /// The contents that it speaks of, the last one written first. One that is not there any more
    /// speaks of nothing.
    pub files: Vec<PredictedFile>,
}

/// One content, and the experts that made it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PredictedFile {
    /// The BLAKE3 hash of the file, as `b3sum` prints it.
    pub content: Digest,
    /// Its rows.
    pub rows: u64,
    /// One more than the largest generation among `experts`, and no less than that of the rows that
    /// they were given.
    pub generation: u32,
    /// The experts that were applied, the upstreams of the asked ones among them.
    pub experts: Vec<Maker>,
    /// The experts that made the tables which these were trained on, as far as it is known, and
    /// those that made the tables of those.
    #[serde(default)]
    pub ancestry: Vec<Maker>,
    /// Columns copied from the input, with their generation there: 0 where nobody says that a model
    /// made them.
    #[serde(default)]
    pub kept: BTreeMap<String, u32>,
}

impl PredictedFile {
    /// The generation of one column; of one that was added later, from who knows which, that of the
    /// file.
    pub fn generation_of(&self, column: &str) -> u32 {
        self.kept.get(column).copied().unwrap_or(self.generation)
    }

    /// Every expert that it descends from.
    pub fn makers(&self) -> impl Iterator<Item = &Maker> {
        self.experts.iter().chain(&self.ancestry)
    }
}

/// One model of one expert.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Maker {
    /// The pipeline's name.
    pub pipeline: String,
    /// `expert.NAME`
    pub expert: String,
    /// The full fit's recipe.
    pub recipe: Digest,
    /// The model object.
    pub model: Digest,
    /// The expert's own generation: 0 if all that it was trained on was measured.
    pub generation: u32,
    /// The columns that it wrote.
    #[serde(default)]
    pub columns: Vec<String>,
}

/// What is put behind the name of the file.
const SUFFIX: &str = ".provenance.json";

impl PredictedBy {
    /// The path of the provenance file of `path`.
    pub fn beside(path: &Path) -> PathBuf {
        let mut name = OsString::from(path);
        name.push(SUFFIX);
        PathBuf::from(name)
    }

    /// Is this the name of such a file?
    pub fn is_one(path: &Path) -> bool {
        path.to_string_lossy().ends_with(SUFFIX)
    }

    /// The provenance of this content.
    pub fn of(&self, content: &Digest) -> Option<&PredictedFile> {
        self.files.iter().find(|file| file.content == *content)
    }
}
