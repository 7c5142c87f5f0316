//! Searches for settings (`tune`): what the lock keeps of one, and the record of all that was tried.

use std::collections::BTreeMap;

use collegium_digest::Digest;
use serde::{Deserialize, Serialize};

/// In the lock: the settings that a search found for an expert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedTuned {
    /// A digest of what was asked for: the `tune` table, the target, and every setting of the expert without a search. With
    /// another one the values are not used.
    pub asked: Digest,
    /// The recipe of the search, whose record is its [`Search`].
    pub search: Digest,
    /// How many settings were tried, the untuned ones among them.
    pub trials: u32,
    /// By key of the expert (`train.learning_rate`): its value as TOML.
    pub values: BTreeMap<String, String>,
}

/// On which rows settings are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScoredOn {
    /// The validation rows.
    Validation,
    /// Training rows, each predicted by the model of the folds that was not trained on it.
    OutOfFold,
}

/// A search: all that was tried, and what came of it. No test row is behind any of its figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// The space that was searched.
    pub space: String,
    /// The rows on which settings are compared.
    pub scored_on: ScoredOn,
    /// How many they are.
    pub rows: u64,
    /// The loss that is compared: `log_loss`, `squared_error`, `pinball`, `huber`.
    pub metric: String,
    /// By number, from 0: the untuned settings first.
    pub trials: Vec<Trial>,
    /// The number of the chosen ones.
    pub chosen: u32,
    /// By key: how much of the differences between trials it explains; the most first.
    pub settings: Vec<SettingWeight>,
    /// How far the loss of the chosen settings is too good, being the least of several.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub optimism: Option<Optimism>,
}

/// Settings that were tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// By key of the expert: its value as TOML.
    pub values: BTreeMap<String, String>,
    /// One for each rung that it came to.
    pub fits: Vec<TrialFit>,
}

/// A rung of a trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialFit {
    /// Epochs of each fit.
    pub epochs: u32,
    /// Mean loss over the rows; null where a fit failed.
    pub loss: Option<f64>,
    /// The recipes of the fits: one, or one for each fold.
    pub recipes: Vec<Digest>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub failed: Option<String>,
}

/// How much of the differences between trials a setting explains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SettingWeight {
    /// `train.learning_rate`
    pub key: String,
    /// The share of the variance of the trials' ranks in the first rung that lies between its values, corrected for chance
    /// (ε² of Kelley 1935); from 0 to 1.
    pub share: f64,
}

/// How far the loss of the chosen settings is too good.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Optimism {
    /// Their loss on the rows on which they were chosen.
    pub chosen: f64,
    /// The loss on rows that took no part in the choice: settings are chosen anew on resampled rows, and measured on the others
    /// (bootstrap bias correction, Tsamardinos et al. 2018).
    pub corrected: f64,
    /// The loss of the untuned settings.
    pub untuned: f64,
    /// In how many of the resamples other settings than the untuned ones were chosen and were better than these on the other
    /// rows, as a share.
    pub better: f64,
    /// Settings that were whole fits and so took part in the last choice.
    pub settings: u32,
    /// Resamples.
    pub resamples: u32,
}

impl Search {
    /// Fits that it is made of, executed or found.
    pub fn fits(&self) -> usize {
        self.trials.iter().flat_map(|trial| &trial.fits).map(|fit| fit.recipes.len()).sum()
    }

    /// The loss of a trial's whole fits, if it came to them.
    pub fn loss(&self, trial: &Trial) -> Option<f64> {
        let rungs = self.trials.iter().map(|trial| trial.fits.len()).max()?;
        trial.fits.get(rungs.checked_sub(1)?)?.loss
    }
}

/// A search of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchRun {
    /// `expert.NAME`
    pub node: String,
    /// Fits that were executed; the others were in the store.
    pub fits: u32,
    /// CPU seconds of these.
    pub cpu_seconds: f64,
    /// Settings that were tried.
    pub trials: u32,
    /// Loss of the untuned settings; null where they could not be fitted.
    pub untuned: Option<f64>,
    /// Loss of the chosen ones on the same rows.
    pub loss: f64,
    /// By key of the expert: the chosen value as TOML.
    pub values: BTreeMap<String, String>,
}

/// `tune --json`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TuneReport {
    /// [`crate::FORMAT_VERSION`]
    pub format_version: u32,
    /// The pipeline's name.
    pub pipeline: String,
    /// In topological order.
    pub nodes: Vec<TunedNode>,
}

/// An expert whose settings were searched, now or before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TunedNode {
    /// `expert.NAME`
    pub name: String,
    /// Was it searched now? Else the lock had its values.
    pub searched: bool,
    /// By key of the expert: its value as TOML.
    pub values: BTreeMap<String, String>,
    /// All that was tried; null where its record has gone from the store.
    pub search: Option<Search>,
    /// Were the values written into the pipeline file?
    pub written: bool,
}

/// A search that a run would begin with.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SearchPlan {
    /// Settings to try.
    pub trials: u32,
    /// Fits, at most; those that are in the store are not executed.
    pub fits: u32,
}
