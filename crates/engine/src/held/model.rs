//! A held model: one that is used and not trained.

use std::collections::BTreeMap;

use collegium_records::{Fit, FitName, Held, Standing};

/// A held model: one that is used and not trained.
#[derive(Debug, Clone)]
pub(crate) struct HeldModel {
    pub(crate) kind: Held,
    pub(crate) standing: Standing,
    pub(crate) fit: Fit,
    /// Fold models and baselines that belong to it, by name.
    pub(crate) parts: BTreeMap<FitName, Standing>,
}
