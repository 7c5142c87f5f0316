//! Unseen categories, missing values and values out of range in new rows, for programs.

use std::collections::BTreeSet;

use collegium_table::{OutOfRange, Surprises};
use serde::Serialize;

/// Unseen, missing and out-of-range values of one input of one expert, among the rows that it was applied to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Surprise {
    /// `expert.NAME`
    pub node: String,
    /// As declared.
    pub input: String,
    /// Rows with a category that training never saw.
    pub unseen: u64,
    /// Rows without a value, where training had none such.
    pub missing: u64,
    /// Rows with a value outside of the training range.
    pub outside: Option<OutOfRange>,
}

impl Surprise {
    /// One for each input that was odd, by name.
    pub(super) fn all(node: &str, found: &Surprises) -> Vec<Self> {
        let inputs: BTreeSet<&String> =
            found.unseen.keys().chain(found.missing.keys()).chain(found.outside.keys()).collect();
        let surprise = |input: &String| Self {
            node: node.to_owned(),
            input: input.clone(),
            unseen: found.unseen.get(input).copied().unwrap_or(0),
            missing: found.missing.get(input).copied().unwrap_or(0),
            outside: found.outside.get(input).copied(),
        };
        inputs.into_iter().map(surprise).collect()
    }
}
