//! Raw schema of the file, as written: every key typed, every value with its span, nothing resolved.
//!
//! These types are the one truth about the keys of the format. Serde reads files through them,
//! schemars makes the JSON Schema from them, and the doc comments are what an editor shows. All keys
//! are optional here: what must be there is known only after `extends`.

mod choices;
mod combine;
mod data;
mod decide;
mod expert;
mod memory;
mod origin;
mod read;
mod split;
mod switch;
mod tune;

use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) use choices::{BatchChoice, ByTaskChoice, ClassWeightsChoice, ColumnsChoice};
pub use combine::RawGate;
pub(crate) use combine::{RawMixture, RawRouter};
pub(crate) use data::{RawData, RawImage};
pub(crate) use decide::{RawCriterion, RawDecide, ThresholdChoice};
pub use expert::RawPerceptron;
pub(crate) use expert::{RawEncode, RawExpert, RawTrain};
pub(crate) use memory::Memory;
pub(crate) use origin::{OriginChoice, RawOriginColumn};
pub(crate) use read::RawRead;
pub(crate) use split::{Amount, Cell, RawSplit};
pub(crate) use switch::{RawReuse, Switch};
pub(crate) use tune::RawTune;

use crate::{
    At, Audit, Baseline, Preset, TomlTable,
    defaults::{BASELINES, FORMAT, LEAST_STEPS, MOST_REFITS, MOST_ROTATIONS, SEED},
};

/// A Collegium pipeline: data sources, the experts that are trained on them, and what combines them.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
#[schemars(title = "Collegium pipeline", rename = "PipelineFile")]
pub(crate) struct RawFile<'i> {
    /// What holds for the whole pipeline.
    pub(crate) pipeline: Option<RawPipeline>,
    /// Data sources by name: tables of rows and typed columns.
    pub(crate) data: TomlTable<RawData>,
    /// Experts by name: small models with declared inputs, a target and named outputs.
    pub(crate) expert: TomlTable<Box<RawExpert<'i>>>,
    /// Gates by name: combinations of experts that are trained by themselves.
    pub(crate) gate: TomlTable<RawGate>,
    /// Mixtures by name: experts and gate trained together.
    pub(crate) mixture: TomlTable<RawMixture<'i>>,
    /// Baselines, and conditions that a run must meet.
    pub(crate) evaluate: Option<RawEvaluate>,
    /// How much the audit measures.
    pub(crate) audit: Option<RawAudit>,
}

/// What holds for the whole pipeline.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
#[schemars(rename = "Pipeline")]
pub(crate) struct RawPipeline {
    /// Its name in reports. Default: the file's name without `.toml`.
    pub(crate) name: Option<At<String>>,
    /// The version of this file's format: 1. Default: 1.
    #[schemars(extend("const" = FORMAT, "default" = FORMAT))]
    pub(crate) format: Option<At<u32>>,
    /// The seed of every random number: splits, weights, shuffles, folds. Default: 0.
    #[schemars(extend("default" = SEED))]
    pub(crate) seed: Option<At<u64>>,
    /// The most memory of a fit, such as `"2 GiB"` or a number of bytes, at least 1 MiB: one that
    /// would need more is not started. Default: four fifths of the machine's memory, or of what the process
    /// may use of it.
    pub(crate) memory_limit: Option<At<Memory>>,
    /// Folders outside of the project that its files may lie in, relative to this file. It only asks: the
    /// user consents, with `collegium trust` or `--allow-read`. Default: none.
    #[schemars(extend("default" = []))]
    pub(crate) reads: Option<Vec<At<String>>>,
    /// The most steps of SQLite's machine that a query may take, at least 1,000. Default: a thousand
    /// million, and 20,000 more for each row of its tables.
    #[schemars(range(min = LEAST_STEPS))]
    pub(crate) sql_steps: Option<At<u64>>,
    /// The most memory of what a query returns, such as `"2 GiB"` or a number of bytes. Default: 256 MiB
    /// and sixteen times what it reads; never more than the machine's memory allows.
    pub(crate) sql_memory: Option<At<Memory>>,
    /// The preset of experts that name none: layers, encoders and training that were chosen together.
    /// Default: `"default"`.
    #[schemars(extend("default" = Preset::default()))]
    pub(crate) preset: Option<At<Preset>>,
    /// Keep or patch experts instead of retraining them, on evidence, where an expert says nothing:
    /// `true`, or a table of `tolerance` and `confidence`. Default: false.
    #[schemars(extend("default" = false))]
    pub(crate) reuse: Option<At<Switch<RawReuse>>>,
}

/// Baselines, and conditions that a run must meet.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
#[schemars(rename = "Evaluate")]
pub(crate) struct RawEvaluate {
    /// Baselines trained beside every expert. Default: `["majority", "linear"]`.
    #[schemars(extend("default" = BASELINES))]
    pub(crate) baselines: Option<Vec<At<Baseline>>>,
    /// Conditions that a run must meet, each `"expert.NAME SPLIT METRIC >= BOUND"` with SPLIT one of
    /// train, valid, test and the comparison one of >=, <=, >, <. Default: none.
    #[schemars(extend("default" = []))]
    pub(crate) require: Option<Vec<At<String>>>,
    /// The least share of an expert's training labels that should be measured and not made by a
    /// model, from 0 to 1: `check`, `plan` and `run` warn below it. Default: no bound.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) least_measured: Option<At<f64>>,
    /// Measure on rotated sides too: the rows are dealt into so many parts, from 2 to 50, and every part is tested by
    /// models that were fitted without it. The figure that stands for an expert is then the mean over these
    /// rotations. For small tables; they are fits like any others, cached. Default: no rotations.
    #[schemars(range(min = 2, max = MOST_ROTATIONS))]
    pub(crate) rotate: Option<At<u32>>,
}

/// How much the audit measures.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
#[schemars(rename = "Audit")]
pub(crate) struct RawAudit {
    /// Held-out rows on which experts are probed, at least 1. Default: 2000.
    #[schemars(range(min = 1), extend("default" = Audit::default().rows))]
    pub(crate) rows: Option<At<u32>>,
    /// Bootstrap resamples behind the intervals of an audit, at least 2. Those of inputs taken away are of 100 at least,
    /// those of importances and responses of 200; those of metrics are always of 200, of shuffling within similar rows of
    /// 2000. Default: 100.
    #[schemars(range(min = 2), extend("default" = Audit::default().bootstrap))]
    pub(crate) bootstrap: Option<At<u32>>,
    /// Refits of every expert with other seeds, which say how much of what it looks at is chance; of a
    /// gate or a mixture, everything in it and all that it is compared with. They are fits like any
    /// others, cached. Default: 0.
    #[schemars(range(max = MOST_REFITS), extend("default" = Audit::default().seeds))]
    pub(crate) seeds: Option<At<u32>>,
    /// Refits of every expert on permuted labels, which say what it would look at if there were
    /// nothing to learn. Default: 0.
    #[schemars(range(max = MOST_REFITS), extend("default" = Audit::default().permuted))]
    pub(crate) permuted: Option<At<u32>>,
    /// Differences that are too small to matter, by metric: `{ auc = 0.005, log_loss = 0.01 }`. Two models whose whole
    /// interval lies within are called the same. Default: none.
    pub(crate) margin: Option<TomlTable<At<f64>>>,
    /// Parts of the rows on which every expert of their data source is measured by itself and against the rest, by
    /// `audit` and by `evaluate`: `"source.column"` for each level of a column (a number: by its quartiles), or a
    /// condition in SQL on columns written so: `["adult.sex", "adult.age >= 60"]`. Default: none.
    #[schemars(extend("default" = []))]
    pub(crate) slices: Option<Vec<At<String>>>,
}
