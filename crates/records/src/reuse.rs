//! Keep, patch or retrain: the record of a reuse decision and of its figures.
//!
//! Losses are means over an expert's validation rows: log loss in nats for classification, squared
//! error in squared target units for regression, each row weighted by its class where the expert is
//! trained with class weights.

use std::collections::BTreeMap;

use collegium_digest::Digest;
use serde::{Deserialize, Serialize};

use crate::{FitName, Reads};

/// One realisation of one recipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// What it was computed from.
    pub recipe: Digest,
    /// The model's object.
    pub realisation: Digest,
}

/// Keep, patch or retrain: what to do with an expert whose upstream outputs changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It does as well on the new outputs as it is.
    Keep,
    /// A repair in closed form recovers what retraining would.
    Patch,
    /// Retraining would gain more than that.
    Retrain,
}

/// A way to go on with a trained expert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Candidate {
    /// As it is.
    Deployed,
    /// The new outputs are mapped back to the old ones: least squares, no labels.
    Shim,
    /// The same, and its last layer is fitted again.
    ShimRefit,
    /// The new outputs are standardised by themselves, and its last layer is fitted again.
    RestandardiseRefit,
}

impl Candidate {
    /// In the order in which they are tried.
    pub const ALL: [Self; 4] =
        [Self::Deployed, Self::Shim, Self::ShimRefit, Self::RestandardiseRefit];

    /// Its name in records and words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deployed => "deployed",
            Self::Shim => "shim",
            Self::ShimRefit => "shim-refit",
            Self::RestandardiseRefit => "restandardise-refit",
        }
    }
}

/// How a candidate does on the new outputs, against the anchor on those it was trained on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// Mean loss.
    pub loss: f64,
    /// Mean increase over the anchor's loss, row by row.
    pub increase: f64,
    /// One-sided upper confidence bound of `increase`, in its ratio form.
    pub bound: f64,
    /// (Σ|d|)²/Σd² of the rows' differences d, or of their sums over groups where rows come in groups; absent
    /// where no row differs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub effective_rows: Option<f64>,
    /// Groups (`split.by`, or blocks of time) that the bound is over; absent where each row stands for itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub groups: Option<u64>,
}

/// A reuse judgement of an expert whose upstream outputs changed: all figures, and the decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The decision, were the expert to follow the rule (whether or not it has `reuse`).
    pub verdict: Verdict,
    /// The candidate of least loss.
    pub candidate: Candidate,
    /// The full fit that everything is compared with.
    pub anchor: Standing,
    /// The inputs that moved.
    pub moved: Vec<String>,
    /// `log_loss` or `squared_error`.
    pub metric: String,
    /// Validation rows.
    pub rows: u64,
    /// The anchor's loss on the outputs that it was trained on.
    pub loss: f64,
    /// The loss of the best constant prediction.
    pub constant: f64,
    /// Largest tolerated increase: tolerance × min(loss, constant − loss).
    pub budget: f64,
    /// What was asked for.
    pub tolerance: f64,
    /// What was asked for.
    pub confidence: f64,
    /// By candidate; those that do not fit the new outputs are absent.
    pub effects: BTreeMap<Candidate, Effect>,
    /// Estimated loss after retraining: an augmented refit on the new outputs, less what the same
    /// refit gains on the old ones.
    pub retrained: f64,
    /// What retraining would gain over the deployed expert, as a share of the anchor's loss.
    pub total: f64,
    /// What retraining would gain over the best candidate, as a share of the anchor's loss.
    pub rest: f64,
    /// Standard errors of the two, over validation rows.
    pub total_error: f64,
    /// See `total_error`.
    pub rest_error: f64,
    /// How far the candidate's last layer goes from the present one to the refitted one: where the
    /// validation loss is least.
    #[serde(default = "whole")]
    pub blend: f64,
    /// Is the bound of what would be deployed within the budget, on enough rows?
    pub certified: bool,
    /// Is even the best candidate worse than the budget allows, while retraining would not help?
    pub upstream_worse: bool,
    /// The patched full model, when the verdict is a patch.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub patched: Option<Standing>,
}

fn whole() -> f64 {
    1.0
}

/// The part of a judgement that allows the model in a lock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// Kept or patched.
    pub verdict: Verdict,
    /// The candidate that is deployed.
    pub candidate: Candidate,
    /// The full fit that it is compared with: never a patch.
    pub anchor: Standing,
    /// Its fold fits and baselines, by name.
    #[serde(default)]
    pub anchor_parts: BTreeMap<FitName, Standing>,
    /// What the anchor was trained on.
    #[serde(default)]
    pub anchor_reads: BTreeMap<String, Reads>,
    /// The validation rows that were measured, by number.
    pub rows_digest: Digest,
    /// How many.
    #[serde(deserialize_with = "crate::lock::rows")]
    pub rows: u64,
    /// As asked for; a certificate for another tolerance does not hold.
    pub tolerance: f64,
    /// As asked for.
    pub confidence: f64,
    /// Groups that the bound is over; absent where each row stands for itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub groups: Option<u64>,
    /// The anchor's loss on the outputs that it was trained on.
    pub loss: f64,
    /// Mean increase of what is deployed over it.
    pub increase: f64,
    /// Upper confidence bound of the increase.
    pub bound: f64,
    /// Largest tolerated increase.
    pub budget: f64,
    /// What retraining would gain over what is deployed, as a share of the loss.
    pub rest: f64,
    /// Is the bound within the budget, on enough rows? If not, it stands because retraining would
    /// not help.
    pub certified: bool,
    /// The upstream got worse by more than the budget, and retraining would not recover it.
    #[serde(default)]
    pub upstream_worse: bool,
}

/// A sink of the pipeline after a run that kept or patched something above it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EndToEnd {
    /// `expert.NAME`
    pub node: String,
    /// `log_loss` or `squared_error`
    pub metric: String,
    /// Its loss before the change, on validation rows.
    pub before: f64,
    /// Its loss now, through everything that was kept or patched.
    pub after: f64,
    /// Upper confidence bound of the mean increase.
    pub bound: f64,
    /// Largest tolerated increase.
    pub budget: f64,
    /// Is the bound within the budget?
    pub within: bool,
}

/// A change of the loss, as a share of it: `loss unchanged`, `loss +0.4 %`.
pub fn loss_change(share: f64) -> String {
    match (share, share.abs()) {
        (_, size) if size < NOTHING => "loss unchanged".to_owned(),
        (below, size) if below < 0.0 => format!("loss −{}", whole_percent(size)),
        (_, size) => format!("loss +{}", whole_percent(size)),
    }
}

/// The same with its upper bound and what is allowed, all as shares of the loss:
/// `loss unchanged; upper bound < 0.05 % (budget 0.3 %)`.
pub fn loss_within(change: f64, bound: f64, budget: f64) -> String {
    let bound = match bound {
        small if small < NOTHING => "< 0.05 %".to_owned(),
        large => whole_percent(large),
    };
    format!("{}; upper bound {bound} (budget {})", loss_change(change), whole_percent(budget))
}

/// A share that is written as no change.
const NOTHING: f64 = 5e-4;

/// A share that is not below 0 as a percentage of two significant digits; a trace of it is 0.1 %.
pub fn whole_percent(share: f64) -> String {
    match share * 100.0 {
        h if h >= 9.95 => format!("{h:.0} %"),
        h if h >= 0.05 => format!("{h:.1} %"),
        h if h > 0.0 => "0.1 %".to_owned(),
        _ => "0 %".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_the_loss_is_said_with_its_bound_and_its_budget() {
        let said = |change, bound, budget| loss_within(change, bound, budget);
        assert_eq!(said(0.0, 1e-4, 0.003), "loss unchanged; upper bound < 0.05 % (budget 0.3 %)");
        assert_eq!(said(0.004, 0.011, 0.02), "loss +0.4 %; upper bound 1.1 % (budget 2.0 %)");
        assert_eq!(said(-0.12, -0.05, 0.02), "loss −12 %; upper bound < 0.05 % (budget 2.0 %)");
    }
}
