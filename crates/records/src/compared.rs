//! `log --json` and `compare --json`: past runs, and several of them side by side.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Headline, Outcome, RunReport};

/// `log --json`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LogReport {
    /// [`crate::FORMAT_VERSION`]
    pub format_version: u32,
    /// Newest last.
    pub runs: Vec<PastRun>,
}

/// A run that has ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PastRun {
    /// Its number among the runs of its pipeline, from 1.
    #[serde(default)]
    pub number: usize,
    /// When it ended, RFC 3339 in UTC.
    pub when: String,
    /// What came of it.
    pub run: RunReport,
}

/// `log --metrics --json`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricsReport {
    /// [`crate::FORMAT_VERSION`]
    pub format_version: u32,
    /// Newest last, those that measured nothing among them.
    pub runs: Vec<RunFigures>,
}

/// The figures of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunFigures {
    /// Its number among the runs of its pipeline, from 1.
    pub number: usize,
    /// When it ended, RFC 3339 in UTC.
    pub when: String,
    /// What `--set` said over the pipeline file.
    pub overrides: Vec<String>,
    /// By `expert.NAME`: the figure that stands for it, where one was measured.
    pub figures: BTreeMap<String, Headline>,
}

/// `compare --json`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CompareReport {
    /// [`crate::FORMAT_VERSION`]
    pub format_version: u32,
    /// The pipeline's name.
    pub pipeline: String,
    /// In the order in which they were named.
    pub runs: Vec<ComparedRun>,
    /// Every expert of any of them.
    pub nodes: Vec<ComparedNode>,
}

/// A run that is compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparedRun {
    /// Its number among the runs of its pipeline, from 1.
    pub number: usize,
    /// When it ended, RFC 3339 in UTC.
    pub when: String,
    /// Wall-clock seconds of the whole run.
    pub seconds: f64,
    /// What `--set` said over the pipeline file.
    pub overrides: Vec<String>,
}

/// An expert in several runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparedNode {
    /// `expert.NAME`
    pub name: String,
    /// The metric that is compared: that of the first run that measured one.
    pub metric: Option<String>,
    /// In the order of the runs; null where a run did not come to it.
    pub runs: Vec<Option<ComparedFigure>>,
    /// Settings of its fit that are not the same in all of them, each with its values in the order of the runs;
    /// null where a run has none, or where its recipe is not known any more.
    pub settings: BTreeMap<String, Vec<Option<String>>>,
    /// The same of what was read, by the first digits of digests: columns, rows, outputs of upstream experts.
    pub contents: BTreeMap<String, Vec<Option<String>>>,
    /// Of runs whose recipe is not in the store any more: what differed is not known. Numbers of runs.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub unknown: Vec<usize>,
}

/// An expert in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparedFigure {
    /// What happened.
    pub outcome: Outcome,
    /// The figure that stands for it, on test rows.
    pub headline: Option<Headline>,
    /// Why this figure is compared with no other; absent where it is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub not_compared: Option<NotCompared>,
    /// Is it the best of those that are compared, and not as good as all of them?
    pub best: bool,
    /// Fits really executed, folds and baselines included.
    pub fits: u32,
    /// CPU seconds of everything that was done for it.
    pub cpu_seconds: f64,
}

/// Why two figures cannot be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotCompared {
    /// Nothing was measured.
    NotMeasured,
    /// Another metric stands for it.
    AnotherMetric,
    /// The table has another content.
    AnotherTable,
    /// Other rows of it are tested, or another target.
    OtherTestRows,
    /// One is a mean over rotations of the sides, and the other is not, or over another number of them.
    OtherRotations,
    /// An older version wrote one of the runs, and not which rows it tested.
    RowsNotKnown,
}

impl NotCompared {
    /// In words, after "run 3: ".
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotMeasured => "nothing was measured",
            Self::AnotherMetric => "another metric",
            Self::AnotherTable => "another table",
            Self::OtherTestRows => "other test rows",
            Self::OtherRotations => "other rotations of the sides",
            Self::RowsNotKnown => "which rows were tested is not known",
        }
    }
}
