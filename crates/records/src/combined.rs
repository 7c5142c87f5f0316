//! Comparison of a gate or a mixture with its controls, and error attribution to upstreams.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Agop, Measure, MetricDiff, Metrics, PairedVerdict, RoutingDiagnostics};

/// Audit of a gate or a mixture, beside what is measured of every expert. All of it on test
/// rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Combined {
    /// `uniform`, `softmax`, …, or `mixture`.
    pub kind: String,
    /// How rows are divided among the experts; of a gate without weights (`stack`) absent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub routing: Option<RoutingDiagnostics>,
    /// What decides the route: the AGOP of the routing network by its own inputs, one output for each
    /// expert.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gate: Option<Agop>,
    /// What the controls are compared in, on test rows: `log_loss` or `squared_error`; of a cascade, whose
    /// threshold is about errors, `error`.
    pub loss: String,
    /// Numbers that were trained, in the gate and everything above it.
    pub parameters: u64,
    /// Multiply-adds of a row, in the mean of the test rows: of those who answer, and all above them.
    pub multiply_adds: f64,
    /// Of a cascade: when it goes on to the next expert.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cascade: Option<CascadeFigures>,
    /// Of a mixture with restarts: the best validation loss of each; none for one that diverged.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub restarts: Vec<Option<f64>>,
    /// Its own test metrics: first as it is, then by other seed of everything in it.
    pub metrics: Vec<Metrics>,
    /// What it is compared with.
    pub controls: Vec<Control>,
    /// Whether it beats its controls, in which metric and in which not, in sentences.
    pub verdict: Vec<String>,
}

/// A cascade at work, on test rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CascadeFigures {
    /// Calibrated confidence below which the next expert is asked; above 1: always.
    pub threshold: f64,
    /// Of each expert: what its log probabilities are divided by to be calibrated.
    pub temperatures: Vec<f64>,
    /// Share of rows in which each expert is asked.
    pub asked: Vec<f64>,
    /// Multiply-adds of a row that each adds to those before it.
    pub costs: Vec<u64>,
}

impl Combined {
    /// Does it decide anything row by row, so that there are routes to speak of?
    pub fn decides(&self) -> bool {
        let same = ["uniform", "geometric", "noisy-or", "fixed", "best", "stack"];
        !same.contains(&self.kind.as_str())
    }
}

/// A control (baseline): something simpler that was given the same rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Control {
    /// `best`, `uniform`, `geometric`, `stack`, `dense`, `active`, `multi-task`, `longer`, `random`.
    pub name: String,
    /// What it is, in words.
    pub what: String,
    /// Numbers that were trained.
    pub parameters: u64,
    /// Multiply-adds of a row.
    pub multiply_adds: f64,
    /// Test metrics, seed by seed as [`Combined::metrics`].
    pub metrics: Vec<Metrics>,
    /// Its loss ([`Combined::loss`]) less that of the gate, seed by seed on the same rows: above 0
    /// the gate is better. A 95 % interval over seeds (Student's t), or with one seed over rows
    /// (bootstrap).
    pub lead: Measure,
    /// `seeds` or `rows`: what the interval of `lead` is over.
    pub over: String,
    /// The same difference, in the mean of the seeds, with a 95 % interval over the test rows,
    /// or over their groups where there are any.
    pub over_rows: Measure,
    /// The gate (`after`) against it (`before`), metric by metric on the same test rows, both as fitted with the
    /// pipeline's own seeds: `accuracy`, `auc`, `log_loss` and the others of its task, and
    /// `recalibrated_log_loss` (`recalibrated_rmse`), where each is corrected on validation rows by itself.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub against: BTreeMap<String, MetricDiff>,
    /// Is the gate worse in every one of several seeds?
    #[serde(default)]
    pub worse_in_all: bool,
    /// Are both intervals above 0 (true) or below (false)?
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pays: Option<bool>,
    /// Do both intervals lie within the margin that is declared for the loss?
    #[serde(skip_serializing_if = "crate::metrics::is_zero", default)]
    pub same: bool,
}

impl Control {
    /// How the gate does against it.
    pub fn verdict(&self) -> PairedVerdict {
        match self.pays {
            Some(true) => PairedVerdict::Better,
            Some(false) => PairedVerdict::Worse,
            None if self.same => PairedVerdict::Same,
            None => PairedVerdict::CannotTell,
        }
    }

    /// The same in words.
    pub fn verdict_words(&self) -> &'static str {
        match self.verdict() {
            PairedVerdict::Better => "the gate beats it",
            PairedVerdict::Worse => "the gate does not beat it: it is better",
            PairedVerdict::Same => "the same within the declared margin",
            PairedVerdict::CannotTell => PairedVerdict::CannotTell.words(),
        }
    }
}

/// Error attribution: an expert with upstreams in four modes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Composite {
    /// `log_loss` or `squared_error`
    pub loss: String,
    /// Test loss in the pipeline, as everything is.
    pub pipeline: f64,
    /// The same with the truth in the place of all upstream outputs that have one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub oracle: Option<f64>,
    /// Upstream by upstream.
    pub upstream: Vec<UpstreamPart>,
}

/// The effect of one upstream on an expert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UpstreamPart {
    /// `expert.NAME`
    pub name: String,
    /// By itself: the metrics of its own test rows.
    pub isolated: Metrics,
    /// The consumer's loss with the truth in the place of its outputs; absent where its target is the
    /// consumer's own, or none of its outputs has a truth.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub oracle: Option<f64>,
    /// The consumer's loss with its outputs replaced by their means over the training rows.
    pub ablated: f64,
    /// Share of the consumer's loss that goes away if it alone were never wrong.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub share: Option<f64>,
}
