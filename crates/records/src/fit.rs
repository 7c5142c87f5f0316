//! Stored results of recipes: fits, outputs, metrics.

use std::collections::BTreeMap;

use collegium_digest::Digest;
use serde::{Deserialize, Serialize};

use crate::{ClassThreshold, Reads, SplitMeasures};

/// A realisation of a `fit` recipe: one trained model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// The model's object (weights and encoder); its digest names the realisation.
    pub model: Digest,
    /// What kind of model, `mlp`, `linear`, `majority`, `gate` or `mixture`.
    pub kind: String,
    /// `classification` or `regression`.
    pub task: String,
    /// Class names in the order of the logits; empty for regression.
    pub classes: Vec<String>,
    /// Losses by epoch.
    pub epochs: Vec<Epoch>,
    /// The epoch whose weights were kept, from 1; 0 for closed forms.
    pub best_epoch: u32,
    /// Numbers that were trained.
    pub parameters: u64,
    /// Numbers of training rows that the model keeps as they are.
    #[serde(skip_serializing_if = "crate::metrics::is_zero", default)]
    pub kept: u64,
    /// Multiply-adds of one row's forward pass.
    pub multiply_adds: u64,
    /// Training rows.
    pub rows: u64,
    /// What it cost.
    pub cost: Cost,
    /// Which processor kernels computed it (results may differ between classes).
    pub kernel: String,
    /// When it was made, RFC 3339 in UTC.
    pub created: String,
    /// The table that it was trained on, for comparisons while the store still has it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub table: Option<Digest>,
    /// The model that this one was made from: a patch's anchor, or where a warm start began.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parent: Option<Digest>,
    /// Warm starts since the last cold one.
    #[serde(skip_serializing_if = "crate::metrics::is_zero", default)]
    pub generation: u32,
    /// What it was trained on, as objects: for comparisons while the store still has them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seen: Option<SeenByFit>,
    /// Of a mixture with restarts: the best validation loss of each; none for one that diverged.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub restarts: Vec<Option<f64>>,
    /// Of a gate of type `self`: the experts whose own networks were trained for it, and not taken
    /// from the store.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub judged: Vec<String>,
}

/// What a fit read, beyond the digests of its recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeenByFit {
    /// Its training rows, by number.
    pub train_rows: Digest,
    /// Its validation rows, by number.
    pub valid_rows: Digest,
    /// How rows were divided: every setting of the split, by its key.
    #[serde(default)]
    pub split_by: BTreeMap<String, String>,
    /// Outputs of upstream experts, by reference.
    #[serde(default)]
    pub upstream: BTreeMap<String, Reads>,
    /// The classes that those outputs speak of, by reference; none for a regression's.
    #[serde(default)]
    pub classes: BTreeMap<String, Vec<String>>,
    /// Which rows it has seen. A model without it (of an older version, or made from one without it)
    /// counts as having seen every row.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub membership: Option<Membership>,
}

/// Training-set membership: rows that a model has seen, by itself and through the models that it was made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Membership {
    /// By itself.
    pub own: Members,
    /// Through the model that it started from.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub inherited: Vec<Members>,
    /// Through the models whose outputs it was trained on.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub above: Vec<Members>,
}

impl Membership {
    /// All of it.
    pub fn all(&self) -> impl Iterator<Item = &Members> {
        std::iter::once(&self.own).chain(&self.inherited).chain(&self.above)
    }
}

/// A set of rows of one table, by identity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Members {
    /// The rows of the table by their content.
    pub content: Who,
    /// The rows of the table by their key, where the split names one: a row that is edited keeps it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub key: Option<Who>,
    /// Those that were trained on: an object, a bit for each row of the table.
    pub trained: Digest,
    /// Those that it was stopped, tuned, calibrated or chosen on: an object of the same form.
    pub chosen: Digest,
}

impl Members {
    /// The objects that it names.
    pub fn objects(&self) -> impl Iterator<Item = Digest> {
        let key = self.key.as_ref().map(|key| key.rows);
        [self.content.rows, self.trained, self.chosen].into_iter().chain(key)
    }
}

/// Row identities of a table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Who {
    /// The columns that identify a row.
    pub columns: Vec<String>,
    /// The identity of every row by these columns: an object.
    pub rows: Digest,
}

/// One pass over the training rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Mean training loss (with dropout, as it was minimised).
    pub train: f64,
    /// Mean validation loss.
    pub valid: f64,
}

/// What a computation cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Wall-clock seconds.
    pub seconds: f64,
    /// Seconds of the thread that ran it.
    pub cpu_seconds: f64,
    /// Estimated peak of the memory that it held, in bytes.
    pub peak_bytes: u64,
    /// Joules, where the machine exposes its energy counters (RAPL): the package's energy meanwhile,
    /// by this thread's share of the processor time that was used.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub joules: Option<f64>,
}

/// A realisation of an `apply` recipe: the outputs of one model on all rows of its data source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Applied {
    /// Output name to object (a matrix of rows × width).
    pub outputs: BTreeMap<String, Digest>,
    /// What it cost.
    #[serde(default)]
    pub cost: Cost,
}

/// A realisation of a `measure` recipe: metrics by `train`, `valid`, `test`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// By side of the split.
    pub splits: BTreeMap<String, SplitMeasures>,
    /// How two classes were decided.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub decided: Option<ClassThreshold>,
    /// What it cost.
    #[serde(default)]
    pub cost: Cost,
}
