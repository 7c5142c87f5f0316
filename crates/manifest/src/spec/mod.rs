//! The resolved pipeline as the rest of the workspace sees it: with defaults, in the file's order.
//!
//! Nothing here is optional that a default can fill, and every name that may later turn out to be
//! wrong (a column, a query) carries its span, so that an error found with the data at hand still
//! points into the file.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

mod average;
mod combine;
mod decide;
mod encode;
mod pattern;
mod read;
mod rotate;
mod split;
mod train;
mod tune;

pub use average::*;
pub use collegium_table::{ColumnType, ImageShape};
pub use combine::*;
pub use decide::*;
pub use encode::*;
pub use pattern::InputPattern;
pub use read::*;
pub use rotate::*;
pub use split::*;
pub use train::*;
pub use tune::*;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::{Params, Section, SourceFile};

/// One pipeline file, parsed and resolved.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// The file itself, for messages.
    pub source: Arc<SourceFile>,
    /// The folder that `.collegium/` lies in.
    pub root: PathBuf,
    /// `pipeline.name`.
    pub name: String,
    /// `pipeline.seed`.
    pub seed: u64,
    /// `pipeline.memory_limit`, in bytes: no fit that would need more is started.
    pub memory_limit: Option<u64>,
    /// `pipeline.reads`: folders outside of the project that it asks for, relative to the file.
    pub reads: Vec<Spanned<String>>,
    /// `pipeline.sql_steps`: the most steps of a query.
    pub sql_steps: Option<u64>,
    /// `pipeline.sql_memory`, in bytes: the most that a query may return.
    pub sql_memory: Option<u64>,
    /// `[data.NAME]`, in the order of the file.
    pub data: IndexMap<String, DataSource>,
    /// Everything that learns: `[expert.NAME]`, `[gate.NAME]` and `[mixture.NAME]`, each in the order
    /// of the file; `extends` and blueprints are already applied.
    pub experts: IndexMap<String, Expert>,
    /// `[evaluate]`.
    pub evaluate: Evaluate,
    /// `[audit]`.
    pub audit: Audit,
}

/// `[data.NAME]`: a table of rows and typed columns.
#[derive(Debug, Clone)]
pub struct DataSource {
    /// Its name, as references spell it.
    pub name: Spanned<String>,
    /// Table name to file pattern, relative to the pipeline file. `path = "x.csv"` is one table
    /// named like the data source. Of IDX files: column name to file pattern.
    pub tables: IndexMap<String, Spanned<String>>,
    /// The tables are columns of one table, side by side (`idx = { … }`); there is no query then.
    pub idx: bool,
    /// How text files are written.
    pub read: ReadOptions,
    /// The same for single tables, instead of `read`.
    pub reads: IndexMap<String, ReadOptions>,
    /// Bytes that one file may hold once it is unpacked; `None`: by its size. It enters no recipe.
    pub unpacked_limit: Option<u64>,
    /// SQL over the tables; without one, the single table is taken as it is.
    pub query: Option<Spanned<String>>,
    /// Images that are gathered from numeric columns of the query: name to columns and shape. The
    /// columns leave the table.
    pub images: IndexMap<String, GatheredImage>,
    /// Added columns: name to SQL expression over the query's columns.
    pub derive: IndexMap<String, Spanned<String>>,
    /// Forced column types, by column name.
    pub types: IndexMap<String, Spanned<ColumnType>>,
    /// Texts that mean "missing" in text files; by default the empty text and `NA`.
    pub missing: Vec<String>,
    /// How rows are divided.
    pub split: Split,
    /// Where the rows come from. It enters no recipe.
    pub origin: SourceOrigin,
    /// What is said of single tables, over `origin`.
    pub origins: IndexMap<String, Spanned<Origin>>,
    /// Those of `derive` that come from the rules of gates.
    pub rules: Vec<String>,
}

impl DataSource {
    /// How the text files of a table are written.
    pub fn read_of(&self, table: &str) -> &ReadOptions {
        self.reads.get(table).unwrap_or(&self.read)
    }

    /// How text files of new rows are written: as those of the only table, or else as `read` says.
    pub fn read_of_rows(&self) -> &ReadOptions {
        match self.tables.keys().next() {
            Some(only) if self.tables.len() == 1 => self.read_of(only),
            _ => &self.read,
        }
    }

    /// Every pattern that its rows are read from: those of the tables, and of the split's own files.
    pub fn patterns(&self) -> impl Iterator<Item = &Spanned<String>> {
        let files = match &self.split.rule {
            SplitRule::Files(files) => files.valid.iter().chain(Some(&files.test)).collect(),
            _ => Vec::new(),
        };
        self.tables.values().chain(files)
    }

    /// What the file says of a table; not said: measured.
    pub fn origin_of(&self, table: &str) -> Origin {
        match (self.origins.get(table), &self.origin) {
            (Some(said), _) => *said.get_ref(),
            (None, SourceOrigin::Whole(said)) => *said,
            // The rows say it, not the tables.
            (None, SourceOrigin::ByRow { .. }) => Origin::Measured,
        }
    }
}

/// Where labels come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// From the world: instruments, people, records.
    Measured,
    /// A model made them.
    Synthetic,
}

impl Origin {
    /// The name in files and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Synthetic => "synthetic",
        }
    }
}

/// `data.NAME.origin`
#[derive(Debug, Clone)]
pub enum SourceOrigin {
    /// One word for all rows.
    Whole(Origin),
    /// A column tells it row by row.
    ByRow {
        /// The column of the data source.
        column: Spanned<String>,
        /// Its values that mean "synthetic"; every other means "measured".
        synthetic: Vec<Spanned<String>>,
    },
}

/// `images = { NAME = { … } }`: an image that numeric columns make.
#[derive(Debug, Clone)]
pub struct GatheredImage {
    /// Its pixels' columns.
    pub columns: Spanned<PixelColumns>,
    /// Its shape: as many numbers as there are columns.
    pub shape: ImageShape,
    /// The number that stands for full brightness; 0 stands for none.
    pub scale: f64,
}

/// Which columns are the pixels of an image, in the order row, column, channel.
#[derive(Debug, Clone)]
pub enum PixelColumns {
    /// Those whose names a glob matches, in the order of the table.
    Pattern(String),
    /// These, in this order.
    List(Vec<Spanned<String>>),
}

/// `[expert.NAME]`: one small model with declared inputs, a target and named outputs. A gate is one
/// whose inputs include its experts' predictions, a mixture one whose model has experts inside.
#[derive(Debug, Clone)]
pub struct Expert {
    /// Its name, as references spell it.
    pub name: Spanned<String>,
    /// The data source whose rows it sees.
    pub data: String,
    /// What it is given, in the order of the file; no duplicates.
    pub inputs: Vec<Spanned<Input>>,
    /// Patterns of further columns that it is given; none once the table is known and `inputs` holds
    /// what they come to.
    pub patterns: Vec<Spanned<InputPattern>>,
    /// The column of `data` that it predicts.
    pub target: Spanned<String>,
    /// Columns of `data` that it learns to predict beside its target, in training alone. No key of the
    /// file asks for it: controls do.
    pub auxiliary: Vec<String>,
    /// What kind of prediction; `None` lets the target's type decide.
    pub task: Option<Spanned<Task>>,
    /// SQL predicate over the data source: the rows it is trained on.
    pub filter: Option<Spanned<String>>,
    /// How its inputs are encoded.
    pub encode: Encode,
    /// What it is.
    pub model: Box<dyn Params>,
    /// How it is trained.
    pub train: Train,
    /// Of how many models it is the average.
    pub average: Average,
    /// What it sees of its upstream experts on training rows.
    pub upstream: Upstream,
    /// Folds for `upstream`: by default 5.
    pub folds: u32,
    /// The seed of its random streams: by default the pipeline's.
    pub seed: u64,
    /// Keep or patch it instead of retraining, on evidence; `None` always retrains.
    pub reuse: Option<Reuse>,
    /// The model that it uses, where that is not what its recipe gives.
    pub stands_on: StandsOn,
    /// Begin a fit from the last model instead of from random weights.
    pub warm_start: Option<WarmStart>,
    /// How two classes are decided and measured.
    pub decide: Decide,
    /// The search for those of its settings that the file leaves open.
    pub tune: Option<Box<Tune>>,
}

/// `reuse`: how much an expert may lose by not being retrained when its upstreams change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reuse {
    /// Largest tolerated increase of the validation loss, as a share of min(loss, skill).
    pub tolerance: f64,
    /// Of the one-sided bound.
    pub confidence: f64,
}

/// Which model an expert uses: that of its recipe, or a held one.
#[derive(Debug, Clone, PartialEq)]
pub enum StandsOn {
    /// The fit of its recipe.
    Recipe,
    /// `frozen = true`: what the lock has, whatever changes; a fit only if there is none.
    Frozen(Spanned<bool>),
    /// `pin = "DIGEST PREFIX"`: the model object whose digest begins so.
    Pin(Spanned<String>),
    /// `source = "other.toml"` with `expert = "NAME"`: the model in another pipeline's lock.
    Source {
        /// The other pipeline's file, relative to this one.
        pipeline: Spanned<String>,
        /// Its expert.
        expert: Spanned<String>,
    },
}

/// `warm_start`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WarmStart {
    /// A cold refit after this many warm ones in a row.
    pub cold_every: u32,
}

impl Expert {
    /// What it is, in a few words: `mlp 64-32 relu`, `mlp 128-64 gelu, blended with 5 folds`.
    pub fn describe(&self) -> String {
        format!("{}{}", self.model.describe(), self.average.describe(self.folds))
    }

    /// The table of the file that it stands in, and how its name begins in messages and records.
    pub fn section(&self) -> &'static str {
        self.model.section().name()
    }

    /// The gate that it is.
    pub fn gate(&self) -> Option<&Gate> {
        self.model.gate()
    }

    /// The mixture that it is.
    pub fn mixture(&self) -> Option<&Mixture> {
        self.model.mixture()
    }

    /// Does it combine experts, as gates and mixtures do?
    pub fn combines(&self) -> bool {
        self.model.section() != Section::Expert
    }

    /// The experts whose weights a mixture begins with.
    pub fn begins_with(&self) -> &[Spanned<String>] {
        self.mixture().map_or(&[], |mixture| &mixture.warm_start)
    }

    /// Is this input given to the combination as it is, and not standardised?
    pub fn is_handed(&self, input: &Input) -> bool {
        match (self.gate(), input) {
            (Some(_), Input::Output { output, .. }) => *output == Output::Prediction,
            (Some(gate), Input::Column { column, .. }) => gate.rule.columns().contains(column),
            _ => false,
        }
    }
}

impl Pipeline {
    /// `expert.NAME`, `gate.NAME` or `mixture.NAME`; as an expert, if there is none of the name.
    pub fn node_name(&self, name: &str) -> String {
        let section = self.experts.get(name).map_or("expert", Expert::section);
        format!("{section}.{name}")
    }
}

/// A node's name without the table that it stands in.
pub fn bare_name(node: &str) -> &str {
    let sections = ["expert.", "gate.", "mixture."];
    sections.into_iter().find_map(|section| node.strip_prefix(section)).unwrap_or(node)
}

/// One declared input.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Input {
    /// `flights.distance`
    Column {
        /// The data source.
        data: String,
        /// The column.
        column: String,
    },
    /// `departure.probability`
    Output {
        /// The upstream expert.
        expert: String,
        /// Which of its outputs.
        output: Output,
    },
}

impl Input {
    /// Its column, unless it is an output of an upstream expert.
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::Column { column, .. } => Some(column),
            Self::Output { .. } => None,
        }
    }
}

impl std::fmt::Display for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Column { data, column } => write!(f, "{data}.{column}"),
            Self::Output { expert, output } => write!(f, "{expert}.{output}"),
        }
    }
}

/// A named output of an expert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Output {
    /// Regression: the prediction in the target's units. Width 1.
    Value,
    /// Classification: probability of the positive class (width 1) or of each class (width C).
    Probability,
    /// Classification: log odds (width 1) or one logit per class (width C).
    Logit,
    /// Classification: the most probable class.
    Label,
    /// The last hidden layer's activations.
    Embedding,
    /// What a gate is given of its experts: the probability, or the value.
    Prediction,
}

impl Output {
    /// Every output that a reference can name, for messages and completion.
    pub const ALL: [Self; 5] =
        [Self::Value, Self::Probability, Self::Logit, Self::Label, Self::Embedding];

    /// The outputs of which the one that there is, is meant.
    pub const fn stored(self) -> &'static [Self] {
        match self {
            Self::Value => &[Self::Value],
            Self::Probability => &[Self::Probability],
            Self::Logit => &[Self::Logit],
            Self::Label => &[Self::Label],
            Self::Embedding => &[Self::Embedding],
            Self::Prediction => &[Self::Value, Self::Probability],
        }
    }

    /// The name in references.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Probability => "probability",
            Self::Logit => "logit",
            Self::Label => "label",
            Self::Embedding => "embedding",
            Self::Prediction => "prediction",
        }
    }
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// What is predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// A class.
    Classification,
    /// A number.
    Regression,
}

/// What a consumer sees of its upstream experts on training rows. On all other rows it always sees
/// the full model's outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Upstream {
    /// What fold models predict for rows they were not trained on (stacking).
    OutOfFold,
    /// One upstream fit without fold 0; the consumer is trained on fold 0 alone (blending).
    HeldOut,
    /// The full model's outputs on its own training rows: optimistic.
    InSample,
}

/// `[evaluate]`.
#[derive(Debug, Clone, Default)]
pub struct Evaluate {
    /// Baselines trained beside every expert.
    pub baselines: Vec<Baseline>,
    /// Conditions that a run must meet.
    pub require: Vec<Spanned<Requirement>>,
    /// The least share of training labels that should be measured, from 0 to 1.
    pub least_measured: Option<Spanned<f64>>,
    /// Into how many parts all rows are dealt, each of which is tested once by models fitted without it.
    pub rotate: Option<Spanned<u32>>,
}

/// A baseline.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Baseline {
    /// The most frequent class, or the mean: constant.
    Majority,
    /// Logistic or ridge regression on the expert's own inputs.
    Linear,
    /// For an expert with upstreams: one network of the same hidden layers on all raw columns that
    /// it and its ancestors read.
    Single,
}

impl Baseline {
    /// Its name in files and records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Majority => "majority",
            Self::Linear => "linear",
            Self::Single => "single",
        }
    }
}

/// `expert.arrival test auc >= 0.70`
#[derive(Debug, Clone, PartialEq)]
pub struct Requirement {
    /// The expert, without the `expert.` prefix.
    pub expert: String,
    /// `train`, `valid` or `test`.
    pub split: String,
    /// A metric's name.
    pub metric: String,
    /// `>=`, `<=`, `>` or `<`.
    pub comparison: Comparator,
    /// The bound.
    pub bound: f64,
    /// As written.
    pub text: String,
}

/// How a requirement compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparator {
    /// `>=`
    AtLeast,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `<`
    Below,
}

/// `[audit]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Audit {
    /// Rows probed, drawn by key from the held-out rows.
    pub rows: u32,
    /// Bootstrap resamples behind every interval of the probe.
    pub bootstrap: u32,
    /// Refits with other seeds.
    pub seeds: u32,
    /// Refits on permuted labels.
    pub permuted: u32,
    /// Differences of metrics that are too small to matter, by name.
    pub margin: BTreeMap<String, f64>,
    /// Parts of the rows that are measured by themselves.
    pub slices: Vec<Spanned<Slice>>,
}

/// A declared slice of the rows of a data source: all levels of a column, or the rows that a condition holds for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// The data source.
    pub data: String,
    /// `adult.sex` or, as SQL, `adult.age >= 60`.
    pub text: String,
}

impl Slice {
    /// The column, if there is one of this name: a condition can look like one.
    pub fn column(&self) -> Option<&str> {
        self.text.strip_prefix(&self.data)?.strip_prefix('.')
    }
}
