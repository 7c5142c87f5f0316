//! The lock file: which realisation of each expert a pipeline stands on.

use std::collections::BTreeMap;

use collegium_digest::Digest;
use serde::{Deserialize, Serialize};

/// `NAME.lock` beside `NAME.toml`: one table per node, one key per line, so that git merges it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// Version of this file's format.
    pub format: u32,
    /// By `expert.NAME`.
    #[serde(default)]
    pub node: BTreeMap<String, LockedNode>,
}

/// What one expert stands on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedNode {
    /// The full fit's recipe.
    pub recipe: Digest,
    /// The full fit's model object.
    pub realisation: Digest,
    /// Recipe to model object of its fold fits and baselines.
    #[serde(default)]
    pub parts: BTreeMap<String, Digest>,
    /// The `apply` recipe of its deployed outputs.
    pub outputs: Digest,
}
