//! `gc --json` (garbage collection) and `verify --json` (integrity check).

use std::collections::BTreeMap;

use collegium_digest::Digest;
use serde::{Deserialize, Serialize};

use crate::FitName;

/// What a file of the store is, for counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kept {
    /// A model's object.
    Models,
    /// An object of outputs on all rows.
    Outputs,
    /// A table's object, or the sides of its split.
    Tables,
    /// An object that no record names.
    OtherObjects,
    /// A record of what a computation gave.
    Records,
    /// The ingredients of a computation.
    Recipes,
    /// The report of a past run.
    Runs,
    /// A file that was found damaged.
    Quarantine,
    /// What a dead process was writing.
    Temporary,
}

impl Kept {
    /// Its name in words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Models => "models",
            Self::Outputs => "outputs",
            Self::Tables => "tables",
            Self::OtherObjects => "other objects",
            Self::Records => "records",
            Self::Recipes => "recipes",
            Self::Runs => "run reports",
            Self::Quarantine => "quarantine",
            Self::Temporary => "temporary files",
        }
    }
}

/// Number and size of files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Amount {
    /// How many.
    pub files: u64,
    /// Their size.
    pub bytes: u64,
    /// CPU seconds that they cost to make, as far as it was recorded.
    pub cpu_seconds: f64,
}

impl Amount {
    /// One more file.
    pub fn add(&mut self, bytes: u64, cpu_seconds: f64) {
        self.files += 1;
        self.bytes += bytes;
        self.cpu_seconds += cpu_seconds;
    }
}

/// `gc --json`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GcReport {
    /// [`crate::FORMAT_VERSION`]
    pub format_version: u32,
    /// The store's folder.
    pub store: String,
    /// Was nothing deleted?
    pub dry_run: bool,
    /// What was freed, or would be.
    pub freed: BTreeMap<Kept, Amount>,
    /// Their sum.
    pub total: Amount,
    /// What stays.
    pub kept: Amount,
    /// Of that, what nothing uses: `--keep` or the grace window spared it.
    pub spared: Amount,
}

/// What kind of file was found damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Checked {
    /// Content.
    Object,
    /// A record of what a computation gave.
    Record,
    /// The ingredients of a computation.
    Recipe,
    /// The report of a past run.
    Run,
    /// Hashes of input files, and what follows from them.
    Cache,
}

/// A damaged file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damaged {
    /// What kind of file.
    pub kind: Checked,
    /// Its path below the store.
    pub file: String,
    /// What it was, in words.
    pub was: String,
    /// Where it was moved, below the store; absent if it could not be moved.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub quarantine: Option<String>,
}

/// Something that a lock file names and the store does not have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Missing {
    /// The pipeline file.
    pub pipeline: String,
    /// `expert.NAME` or `data.NAME`
    pub node: String,
    /// What of it, in words.
    pub what: String,
    /// Is it only what an earlier fit was trained on? The models that made it are not in use any more.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub read_by_anchor: bool,
    /// The object or recipe.
    pub digest: Digest,
}

/// What `--repair` did for one pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PipelineRepair {
    /// The pipeline file.
    pub pipeline: String,
    /// The fits that were executed, by node.
    pub fitted: BTreeMap<String, Vec<FitName>>,
    /// What went wrong, in words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
}

/// `verify --json`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VerifyReport {
    /// [`crate::FORMAT_VERSION`]
    pub format_version: u32,
    /// The store's folder.
    pub store: String,
    /// How many files of each kind were checked.
    pub checked: BTreeMap<Checked, Amount>,
    /// What was damaged: all of it is out of the way now.
    pub damaged: Vec<Damaged>,
    /// What lock files name and the store does not have; after `--repair`, what it still lacks.
    pub missing: Vec<Missing>,
    /// What `--repair` did.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub repaired: Vec<PipelineRepair>,
    /// Is nothing damaged, or everything made again that a lock file names?
    pub sound: bool,
}
