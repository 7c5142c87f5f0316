//! Documents of `--json`. Fields are added, never renamed or removed.

use std::{collections::BTreeMap, iter::Sum, ops::AddAssign};

use collegium_digest::Digest;
use serde::{Deserialize, Serialize};

use crate::{
    AuditPrice, Certificate, Change, DataFinding, EndToEnd, FitName, Headline, Interval, Judgement,
    Metrics, NotMeasured, Reason, Rotated, RotatedPlan, RowAccount, SearchPlan, SearchRun,
    Standing,
};

/// `run --json`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunReport {
    /// [`crate::FORMAT_VERSION`]
    pub format_version: u32,
    /// The pipeline's name.
    pub pipeline: String,
    /// Wall-clock seconds of the whole run.
    pub seconds: f64,
    /// Most bytes the process held at once, as the system counts them.
    pub peak_bytes: u64,
    /// In topological order.
    pub nodes: Vec<NodeRun>,
    /// `evaluate.require`, each with its outcome.
    pub requirements: Vec<RequirementOutcome>,
    /// After anything was kept or patched: the sinks below it, measured end to end.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub end_to_end: Vec<EndToEnd>,
    /// Things worth a person's attention, in words.
    pub notes: Vec<String>,
    /// What should be known of the data of the experts: rows without a target, classes
    /// without a training row.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub findings: Vec<DataFinding>,
    /// Was it stopped by Ctrl-C?
    #[serde(default)]
    pub interrupted: bool,
    /// Where the audit was written, with `--audit`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub report: Option<String>,
    /// The fits of that audit, as they were told before the first of them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub audit: Option<AuditPrice>,
    /// With `evaluate.rotate`: figures over rotated sides.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rotated: Option<Rotated>,
    /// Searches for settings (`tune`) that it began with.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub searches: Vec<SearchRun>,
    /// What `--set` said over the pipeline file, in its order: `expert.a.train.epochs=3`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub overrides: Vec<String>,
}

/// What happened to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Fits were executed.
    Trained,
    /// Everything was at hand.
    Cached,
    /// Certified unchanged enough.
    Kept,
    /// Repaired in closed form.
    Patched,
    /// Never to be retrained.
    Frozen,
    /// A fit failed.
    Failed,
    /// An upstream failed.
    Blocked,
}

/// One node of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NodeRun {
    /// `expert.NAME`
    pub name: String,
    /// What happened.
    pub outcome: Outcome,
    /// Fits really executed, folds and baselines included.
    pub fits: u32,
    /// The fits really executed, by name: `full`, `fold 2/5`, `baseline linear`.
    pub fitted: Vec<FitName>,
    /// Why, in words.
    pub reasons: Vec<Reason>,
    /// The full fit's recipe, as far as known.
    pub recipe: Option<Digest>,
    /// The full fit's model object.
    pub realisation: Option<Digest>,
    /// Wall-clock seconds in fits of this node, summed.
    pub seconds: f64,
    /// CPU seconds of everything that was done for this node: fits, judging, applying, measuring.
    #[serde(default)]
    pub cpu_seconds: f64,
    /// CPU seconds of its fits alone.
    #[serde(default)]
    pub fit_cpu_seconds: f64,
    /// Largest estimated memory of one of its fits.
    pub peak_bytes: u64,
    /// Of a node that is fed forward in time: training rows that it is not trained on, because what
    /// feeds it has no out-of-fold output there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub left_out: Option<u64>,
    /// By `train`, `valid`, `test`.
    pub metrics: BTreeMap<String, Metrics>,
    /// The one figure that stands for it: of its deployed model, on test rows.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub headline: Option<Headline>,
    /// What the figures on test rows are figures of.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tested: Option<Tested>,
    /// Of the sides on which its model has seen rows: how many rows its figures leave out.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub seen: BTreeMap<String, SeenRows>,
    /// Why a metric of its task is absent from `metrics`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub not_measured: NotMeasured,
    /// What became of the rows of its table.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub account: Option<RowAccount>,
    /// The model in the lock before, when it was another one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<Standing>,
    /// The certificate that allows an earlier fit or a patch.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub certificate: Option<Certificate>,
    /// Would retraining help? Of experts whose upstreams moved, as far as it was measured.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub judgement: Option<Judgement>,
    /// Of a failed node: what went wrong.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
}

/// Test rows and their target: figures of two models may be compared where these are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tested {
    /// The table: an object.
    pub table: Digest,
    /// A digest of what chooses the rows of it that are tested, and of the target.
    pub rows: Digest,
}

/// Data leakage: held-out rows that a model has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenRows {
    /// Rows that are left out of its figures: it was trained, stopped or chosen on them.
    pub seen: u64,
    /// Rows that it has not seen. Below 30 its figures are withheld.
    pub unseen: u64,
}

/// `forget --json`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForgetReport {
    /// [`crate::FORMAT_VERSION`]
    pub format_version: u32,
    /// The pipeline's name.
    pub pipeline: String,
    /// Rows that were asked for.
    pub rows: u64,
    /// The models in the lock that have seen some of them.
    pub models: Vec<SeenBy>,
    /// Models of which it cannot be said, with the reason: `expert.NAME, full, 5 of 5 folds: …`.
    pub unknown: Vec<String>,
    /// Other models in the store that have seen some of them: earlier fits, or those of other pipelines.
    pub older: u64,
    /// Models of rotations (`evaluate.rotate`) that have seen some of them. A run without the rows makes them again; they
    /// are not in `fits` and `seconds`.
    #[serde(default)]
    pub rotated: u64,
    /// Fits that would make the models again; absent unless `--retrain` asked for it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fits: Option<u64>,
    /// Their CPU seconds, where it was asked for and there are any.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seconds: Option<Estimate>,
}

/// A model that has seen some of given rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeenBy {
    /// `expert.NAME`
    pub node: String,
    /// `full`, `fold 2/5`, `baseline linear`.
    pub part: String,
    /// The model's object.
    pub model: Digest,
    /// Rows that it was trained on.
    pub trained: u64,
    /// Rows that it was stopped, tuned, calibrated or chosen on.
    pub chosen: u64,
    /// Rows that another model has seen which it started from or whose outputs it was trained on: the
    /// most of any one.
    pub through_others: u64,
}

/// A line of `evaluate.require` and how it went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequirementOutcome {
    /// As written.
    pub text: String,
    /// The metric's value, when the expert has one.
    pub value: Option<f64>,
    /// Why there is no value, when there is none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub not_measured: Option<String>,
    /// The metric's 95 % interval, where it was measured.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub interval: Option<Interval>,
    /// Of one that is met: to which side of the bound the interval reaches, if it does not stay on the side that is
    /// required. The value meets it then, and other test rows might not.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reaches: Option<Beyond>,
    /// Met?
    pub met: bool,
}

/// A side of a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Beyond {
    /// Values below the bound.
    Below,
    /// Values above the bound.
    Above,
}

impl RequirementOutcome {
    /// `met` or `not met`.
    pub fn verdict_words(&self) -> &'static str {
        if self.met { "met" } else { "not met" }
    }

    /// What is to be said beside *met*: `its 95 % interval reaches below the bound`.
    pub fn doubt(&self) -> Option<&'static str> {
        self.reaches.map(|side| match side {
            Beyond::Below => "its 95 % interval reaches below the bound",
            Beyond::Above => "its 95 % interval reaches above the bound",
        })
    }
}

/// `plan --json`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanReport {
    /// [`crate::FORMAT_VERSION`]
    pub format_version: u32,
    /// The pipeline's name.
    pub pipeline: String,
    /// In topological order.
    pub nodes: Vec<NodePlan>,
    /// Sum over nodes.
    pub seconds: Estimate,
    /// Largest estimated memory of one fit.
    #[serde(default)]
    pub peak_bytes: u64,
    /// `pipeline.memory_limit` in bytes, or four fifths of the machine's memory; null where nobody knows.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub memory_limit: Option<u64>,
    /// The fits of an audit behind the run, with `--audit`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub audit: Option<AuditPrice>,
    /// With `evaluate.rotate`: what is to do for the rotations. `seconds` has their price too.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rotated: Option<RotatedPlan>,
}

/// What would happen to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Nothing to do.
    Cached,
    /// Will be fitted.
    Train,
    /// An upstream's outputs decide.
    MayTrain,
    /// Will be certified.
    Keep,
    /// Will be patched.
    Patch,
    /// Never to be retrained.
    Frozen,
}

/// One node of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodePlan {
    /// `expert.NAME`
    pub name: String,
    /// What would happen.
    pub action: Action,
    /// Why, in words.
    pub reasons: Vec<Reason>,
    /// Fits to execute (for `may-train`: if it comes to that), by name.
    pub fits: Vec<FitName>,
    /// The full fit's recipe, when its inputs are known.
    pub recipe: Option<Digest>,
    /// CPU seconds; `null` where no fit like it has been recorded.
    pub seconds: Option<Estimate>,
    /// Estimated memory of the largest fit.
    pub peak_bytes: u64,
    /// The search for its settings (`tune`) that comes before; it is in `seconds`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub search: Option<SearchPlan>,
    /// Would retraining help? Of experts whose upstreams moved.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub judgement: Option<Judgement>,
    /// The same in a sentence.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub advice: Option<String>,
}

/// A range of CPU seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// If every cutoff comes.
    pub min: f64,
    /// Expected.
    pub expected: f64,
    /// If none does.
    pub max: f64,
}

impl AddAssign for Estimate {
    fn add_assign(&mut self, more: Self) {
        self.min += more.min;
        self.expected += more.expected;
        self.max += more.max;
    }
}

impl Sum for Estimate {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |mut sum, one| {
            sum += one;
            sum
        })
    }
}

/// `why --json`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WhyReport {
    /// [`crate::FORMAT_VERSION`]
    pub format_version: u32,
    /// `expert.NAME`
    pub node: String,
    /// In words.
    pub summary: String,
    /// Ingredient by ingredient.
    pub changes: Vec<Change>,
    /// All moved inputs together: the change of the expert's raw output that its AGOP predicts, and
    /// the one that is measured. An explanation, not a proof.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub output_change: Option<OutputChange>,
    /// Why no drift is given, where its rows cannot be held against those of before one by one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub no_drift: Option<String>,
    /// Would retraining help?
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub judgement: Option<Judgement>,
    /// The same in a sentence.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub advice: Option<String>,
}

/// Root mean square change of an expert's raw outputs (logits; for regression in standard deviations
/// of the target) over validation rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OutputChange {
    /// √tr(G Σ): G the expert's AGOP, Σ the second moments of what its encoded inputs moved by. It
    /// takes gradients and changes for independent of each other, and the change for small.
    pub predicted: f64,
    /// √(1/n Σ ‖Jᵢ Δᵢ‖²): gradients and changes row by row. Right while inputs move little, wrong when
    /// they move far.
    pub first_order: f64,
    /// What it is.
    pub measured: f64,
}
