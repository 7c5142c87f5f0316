//! `audit --json`: the audit report, which is also all that the HTML report is made from.

use std::collections::BTreeMap;

use collegium_digest::Digest;
use serde::{Deserialize, Serialize};

use crate::{
    Agop, AuditPrice, Certificate, ClassThreshold, ColumnShift, Combined, Composite, Conditional,
    Cost, Epoch, Headline, Interval, Judgement, MetricDiff, NotMeasured, Performance, Probe,
    Recalibration, RequirementOutcome, RotatedNode, RowAccount, Search, SkillTest, SkillVerdict,
    SplitMeasures,
};

/// `audit --json`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditReport {
    /// [`crate::FORMAT_VERSION`]
    pub format_version: u32,
    /// The pipeline's name.
    pub pipeline: String,
    /// When the audit was made, RFC 3339 in UTC.
    pub created: String,
    /// What it describes, and what wrote it.
    #[serde(default)]
    pub versions: Versions,
    /// The conditions of `evaluate.require` on the audited experts, and whether they are met.
    #[serde(default)]
    pub requirements: Vec<RequirementOutcome>,
    /// Data sources: name, rows by split, columns.
    pub data: Vec<DataSummary>,
    /// In topological order.
    pub nodes: Vec<NodeAudit>,
    /// Every edge of the DAG.
    pub edges: Vec<Edge>,
    /// The fits that this audit asked for, as they were told before the first of them; only in `--json`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub price: Option<AuditPrice>,
}

/// Versions of all that a report rests on: with them somebody else finds the same models again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// Version of Collegium that wrote it: `0.1.0`.
    pub tool: String,
    /// Digest of the lock file's bytes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lock: Option<Digest>,
    /// Commit that was checked out in the project's folder; absent outside of a git repository.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub commit: Option<String>,
}

/// A data source in a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataSummary {
    /// Its name.
    pub name: String,
    /// Rows on each side: `train`, `valid`, `test`.
    pub rows: BTreeMap<String, u64>,
    /// Columns.
    pub columns: u64,
    /// The files it was read from, as the pipeline names them.
    pub files: Vec<String>,
    /// Rows of the table; those that are on no side are among them.
    #[serde(default)]
    pub total: u64,
    /// How rows fall on sides, in words; where whole groups are drawn, with the shares that came out.
    #[serde(default)]
    pub split: String,
    /// Columns whose equal values make a group of rows (`split.by`), which is on one side and resampled as one.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub by: Vec<String>,
    /// Digest of the table's typed rows.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub table: Option<Digest>,
}

/// An edge of the DAG: data source or expert to expert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Edge {
    /// `data.NAME` or `expert.NAME`
    pub from: String,
    /// `expert.NAME`
    pub to: String,
    /// The declared inputs that run along it.
    pub inputs: Vec<String>,
    /// The consumer's reliance: its share of importance that these inputs hold; absent when the
    /// consumer has no skill.
    pub share: Option<f64>,
    /// What the consumer's training rows see of an expert: `out-of-fold`, `held-out` or `in-sample`; absent for a
    /// data source.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fed: Option<String>,
}

/// The audit of one expert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeAudit {
    /// `expert.NAME`
    pub name: String,
    /// `classification` or `regression`
    pub task: String,
    /// What it predicts: `flights.arrives_late`
    pub target: String,
    /// Declared inputs, in the file's order.
    pub inputs: Vec<String>,
    /// The rows it is trained on, as SQL; absent: all.
    pub filter: Option<String>,
    /// The model in words: `mlp 64-32 relu`
    pub model: String,
    /// What a model of its kind is called: `network`, `linear model`, `gate`.
    pub noun: String,
    /// Class names in the order of the logits.
    pub classes: Vec<String>,
    /// Of a target with two classes: which class is positive, and above which probability it is predicted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub decided: Option<ClassThreshold>,
    /// By `train`, `valid`, `test`.
    pub metrics: BTreeMap<String, SplitMeasures>,
    /// The one figure that stands for it: of its deployed model, on test rows.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub headline: Option<Headline>,
    /// With `evaluate.rotate`: figures over rotated sides.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rotated: Option<RotatedNode>,
    /// Of its fold models on its training rows, each on the rows that it was not trained on: what tells
    /// overfitting from a shift. Absent of an expert without fold models.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub out_of_fold: Option<SplitMeasures>,
    /// Where test rows lose certainly more than out-of-fold rows do: the raw columns that moved between training and
    /// test rows, most moved first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub shift: Option<Vec<ColumnShift>>,
    /// Why a metric of its task is absent from `metrics`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub not_measured: NotMeasured,
    /// What became of the rows of its table.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub account: Option<RowAccount>,
    /// Of a node that is fed forward in time: training rows that it is not trained on, because what
    /// feeds it has no out-of-fold output there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub left_out: Option<u64>,
    /// Baselines by name (`majority`, `linear`, `single`), each by split.
    pub baselines: BTreeMap<String, BTreeMap<String, SplitMeasures>>,
    /// The expert (`after`) against each baseline (`before`) on the same test rows, by baseline and metric. The interval
    /// is of the difference, expert less baseline, under the same resamples.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub against: BTreeMap<String, BTreeMap<String, MetricDiff>>,
    /// Differences that are declared too small to matter (`[audit] margin`), by metric: comparisons whose whole interval
    /// lies within say *the same*.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub margins: BTreeMap<String, f64>,
    /// Does it know anything?
    pub skill: Skill,
    /// Test rows: `counts[true class][predicted class]`; classification only.
    pub confusion: Option<Confusion>,
    /// Test rows; binary classification, or top-label for more classes.
    pub reliability: Option<Reliability>,
    /// Feature importance; withheld when it has no skill.
    pub agop: Option<Agop>,
    /// Why `agop` is absent, when it is.
    pub withheld: Option<String>,
    /// Losses by epoch.
    pub epochs: Vec<Epoch>,
    /// The epoch whose weights were kept.
    pub best_epoch: u32,
    /// Numbers that were trained.
    pub parameters: u64,
    /// Numbers of training rows that the model keeps as they are.
    #[serde(skip_serializing_if = "crate::metrics::is_zero", default)]
    pub kept: u64,
    /// Multiply-adds per row.
    pub multiply_adds: u64,
    /// Training rows.
    pub rows: u64,
    /// What the full fit cost.
    pub cost: Cost,
    /// The full fit's recipe.
    pub recipe: Digest,
    /// Its model object.
    pub realisation: Digest,
    /// The certificate that allows an earlier fit or a patch.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub certificate: Option<Certificate>,
    /// Of an expert whose upstreams moved since the fit before this one: would retraining help?
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub judgement: Option<Judgement>,
    /// The same in a sentence, with what retraining did gain where it was done.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub advice: Option<String>,
    /// Beyond single numbers: classes, curves, residuals, weak slices.
    #[serde(default)]
    pub performance: Performance,
    /// Beyond the AGOP at the declared inputs: raw columns, rows, layers, images, comparisons, cues.
    #[serde(default)]
    pub probe: Probe,
    /// Of a gate or a mixture: its routes, and whether it pays.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub combined: Option<Combined>,
    /// Of one that reads experts: what each of them is to it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub composite: Option<Composite>,
    /// Of one whose settings were searched (`tune`): all that was tried.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub search: Option<Search>,
    /// Where its labels come from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub provenance: Option<Provenance>,
    /// What each input does to it, largest effect first; empty when nothing of the kind is shown.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub uses: Vec<InputUse>,
    /// Sentences that follow from the numbers, most important first. This is the one list that the page,
    /// the card and the terminal take their warnings from.
    pub findings: Vec<Finding>,
}

impl NodeAudit {
    /// What of its findings needs attention.
    pub fn warnings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.level == Level::Warning)
    }
}

/// A declared input, or several that vary together, and what it does to an expert: effect and
/// sensitivity together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputUse {
    /// One declared input; of a group that is exchanged as one, several.
    pub inputs: Vec<String>,
    /// What follows from the two measurements below.
    pub reading: Reading,
    /// Share of the AGOP (sensitivity), of a group as one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub share: Option<f64>,
    /// Rise in loss when it is shuffled within similar rows (effect).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub effect: Option<Conditional>,
}

/// What an input is to an expert. Effects are tested together (Holm): all that is said of one expert's
/// inputs is right in 95 of 100 cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reading {
    /// Sensitivity above noise, and a measurable effect.
    Used,
    /// A measurable effect, with low average sensitivity.
    EffectOnly,
    /// Sensitivity above noise, and no measurable effect of its own.
    SensitivityOnly,
    /// Its effect disappears when correlated inputs are held fixed.
    Proxy,
    /// Shuffling it lowers the loss.
    Harmful,
    /// Neither.
    NoEffect,
}

impl Reading {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::EffectOnly => "low average sensitivity, measurable effect",
            Self::SensitivityOnly => "high sensitivity, no measurable effect",
            Self::Proxy => "proxy",
            Self::Harmful => "harmful: shuffling it lowers the loss",
            Self::NoEffect => "no measurable effect",
        }
    }
}

/// A sentence about an expert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How much it matters.
    pub level: Level,
    /// What it is about.
    #[serde(default)]
    pub topic: Topic,
    /// The sentence: one line that says what was found.
    pub text: String,
    /// The figures and conditions behind it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<String>,
}

impl Finding {
    /// A finding that is one sentence.
    pub fn new(level: Level, topic: Topic, text: impl Into<String>) -> Self {
        Self { level, topic, text: text.into(), detail: None, next: None }
    }

    /// With the figures and conditions behind it.
    #[must_use]
    pub fn detail(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    /// With what to do about it.
    #[must_use]
    pub fn next(self, next: impl Into<String>) -> Self {
        Self { next: Some(next.into()), ..self }
    }
}

/// What a finding is about: where on the page its figures are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// None of the others.
    #[default]
    Other,
    /// The data: rows without a target, codes read as quantities, rare levels.
    Data,
    /// Rows and groups that figures are of.
    Rows,
    /// Skill against a constant.
    Skill,
    /// Comparison with baselines.
    Baselines,
    /// A gate or a mixture against its controls, and its routes.
    Combined,
    /// Fit on training rows against new rows; epochs.
    Fit,
    /// Calibration of probabilities.
    Calibration,
    /// What it uses.
    Inputs,
    /// Rows on which it does worse.
    Slices,
    /// Hidden layers.
    Layers,
    /// Where its labels come from.
    Labels,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Needs attention.
    Warning,
    /// Worth knowing.
    Note,
}

/// Held-out skill against the constant baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Skill {
    /// `log_loss` or `rmse`, on test rows, as the expert predicts.
    pub metric: String,
    /// The expert's value.
    pub value: f64,
    /// The constant baseline's value.
    pub baseline: f64,
    /// Share of the baseline's loss that the expert removes: 1 − value/baseline (squared errors for
    /// regression, i.e. R²).
    pub gain: f64,
    /// 95 % paired bootstrap interval of `gain`.
    pub gain_interval: Interval,
    /// Has it skill? As `verdict` says.
    pub beats_baseline: bool,
    /// What the tests come to.
    #[serde(default)]
    pub verdict: SkillVerdict,
    /// The metrics that skill was asked for in, each against its baseline on the same test rows.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub tests: Vec<SkillTest>,
    /// The correction behind the recalibrated metric, fitted on validation rows; absent without enough of them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub recalibration: Option<Recalibration>,
    /// Why it is not judged at all, when it is not: then it beats nothing.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub not_judged: Option<String>,
    /// It is not judged since rows or groups are too few, and the 95 % interval of its AUC or R² lies clearly above chance:
    /// it may be looked into.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub above_chance: bool,
}

impl Skill {
    /// May pictures of what it uses be shown? Of what learned nothing they say nothing about the task.
    pub fn is_shown(&self) -> bool {
        self.verdict.is_skill() || self.above_chance
    }

    /// That skill is not judged, and why, in a sentence; `None` where it is.
    pub fn not_judged_words(&self) -> Option<String> {
        self.not_judged.as_ref().map(|why| format!("Skill is not judged: {why}."))
    }
}

/// Confusion matrix: true classes by predicted classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Confusion {
    /// Class names.
    pub classes: Vec<String>,
    /// `counts[i][j]`: rows of class i predicted as class j.
    pub counts: Vec<Vec<u64>>,
}

/// Reliability diagram (calibration): predicted against observed frequency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// Expected calibration error: Σ share · |mean prediction − frequency|, 15 equal-width bins.
    pub ece: f64,
    /// The bins that hold rows.
    pub bins: Vec<ReliabilityBin>,
}

/// One bin of a reliability curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Mean predicted probability.
    pub predicted: f64,
    /// Observed frequency.
    pub observed: f64,
    /// Rows in the bin.
    pub rows: u64,
}

/// Label provenance: where an expert's labels come from. Model collapse, the decay of models that are
/// trained on the output of models, cannot be seen in any one model; this is where it can be seen coming.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// 0: all that it reads and predicts was measured; else the largest generation among the tables
    /// that it and its upstreams read, where a table's is one more than that of the experts that
    /// made it, and 1 where it is not known who did.
    pub generation: u32,
    /// Share of its training labels that were measured. Of a query over a synthetic table the least
    /// that it can be, of a table of several files that of all rows; notes say so.
    pub measured_share: f64,
    /// The bound that the pipeline states, if it does.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub least_measured: Option<f64>,
    /// `data.NAME`, or `data.NAME.TABLE` of several, to where it comes from: `measured` (also where
    /// nobody says), `synthetic` (the pipeline file says so, or what `predict` wrote beside it), `by
    /// row` (a column says it).
    pub tables: BTreeMap<String, String>,
    /// What a person should know, in sentences.
    pub notes: Vec<String>,
}
