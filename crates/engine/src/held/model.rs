//! A model that is not to be trained.

use std::collections::BTreeMap;

use collegium_records::{Fit, FitName, Held, Standing};

/// A model that is not to be trained.
#[derive(Debug, Clone)]
pub(crate) struct HeldModel {
    pub(crate) kind: Held,
    pub(crate) standing: Standing,
    pub(crate) fit: Fit,
    /// Fold models and baselines that belong to it, by name.
    pub(crate) parts: BTreeMap<FitName, Standing>,
}
