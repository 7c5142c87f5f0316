//! The lock file: which model of each expert a pipeline uses, and why it may.

use std::collections::BTreeMap;

use collegium_digest::Digest;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, Unexpected},
};

use crate::{Certificate, FitName, LockedRotations, LockedTuned, Standing};

/// `NAME.lock` beside `NAME.toml`: one block per node, one key per line, so that git merges it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// Version of this file's format.
    pub format: u32,
    /// By `data.NAME`: the content that the last run read.
    #[serde(default)]
    pub data: BTreeMap<String, LockedData>,
    /// By `expert.NAME`.
    #[serde(default)]
    pub node: BTreeMap<String, LockedNode>,
    /// What the rotations of `evaluate.rotate` stand on; absent without them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated: Option<LockedRotations>,
}

/// The content of a data source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedData {
    /// Its rows, typed: an object.
    pub table: Digest,
    /// The side of the split that every row lies on: an object.
    pub sides: Digest,
    /// How many rows.
    #[serde(deserialize_with = "rows")]
    pub rows: u64,
    /// What its first run settled.
    #[serde(default, skip_serializing_if = "Settled::is_empty")]
    pub settled: Settled,
}

/// A number of rows that TOML can hold: what is read of a lock must be written again.
pub(crate) fn rows<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let rows = i64::deserialize(deserializer)?;
    let wrong = || de::Error::invalid_value(Unexpected::Signed(rows), &"a number of rows");
    u64::try_from(rows).map_err(|_| wrong())
}

/// What the first run settled about a data source, so that rows and columns that come later change
/// neither a row's side nor what a value means. Whatever is not settled yet is settled by the rows at
/// hand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settled {
    /// The columns whose content identifies a row, sorted by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identity: Vec<String>,
    /// How the values of each column are read: `number`, `integer`, `boolean`, `category`, `date`,
    /// `time`. Columns that are not in it are settled by their values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub types: BTreeMap<String, String>,
    /// Of a split by time whose sides are given as shares: where they begin, as ISO dates with times,
    /// by `valid_from` and `test_from`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sides: BTreeMap<String, String>,
}

impl Settled {
    /// Is nothing settled?
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The lock entry of one expert: the model in use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedNode {
    /// The full fit's recipe; of a kept expert, that of its anchor; of a patched one, the patch's.
    pub recipe: Digest,
    /// The full model's object.
    pub realisation: Digest,
    /// The `apply` recipe of its deployed outputs.
    pub outputs: Digest,
    /// Why it is not trained on what its upstreams hand over now; absent for a trained expert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Held>,
    /// Fold fits and baselines, by name (`fold 2/5`, `baseline linear`).
    #[serde(default)]
    pub parts: BTreeMap<FitName, Standing>,
    /// What it reads of its upstreams, by reference (`departure.logit`): the objects that its recipe
    /// (or its certificate) was made for.
    #[serde(default)]
    pub reads: BTreeMap<String, Reads>,
    /// What it hands to its consumers, by output and view (`logit`, `logit out-of-fold 5`).
    #[serde(default)]
    pub hands: BTreeMap<String, Digest>,
    /// The measurement that allowed it to be kept or patched although an input changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
    /// The settings that a search found for it (`tune`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tuned: Option<LockedTuned>,
    /// What `--set` said over the pipeline file in the run that wrote this block; absent where the file alone
    /// said everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<String>,
    /// A digest of the block's other lines, in the file alone: a block that was edited, or put
    /// together from two, is told by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<Digest>,
}

/// Why an expert uses a model that was not trained on its present inputs, and needs no
/// certificate for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Held {
    /// `frozen = true`
    Frozen,
    /// `pin = "…"`
    Pinned,
    /// `source = "…"`: trained by another pipeline.
    Sourced,
}

/// One upstream output as a consumer reads it: objects of rows × width over all rows of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reads {
    /// What the full model predicts: what validation, test and prediction see.
    pub deployed: Digest,
    /// What the consumer's training rows see: equal to `deployed` for in-sample reading.
    pub view: Digest,
}

impl LockedNode {
    /// The fit that it stands on.
    pub fn standing(&self) -> Standing {
        Standing { recipe: self.recipe, realisation: self.realisation }
    }

    /// Every object that this block names: models and outputs.
    pub fn objects(&self) -> Vec<Digest> {
        let mut objects = vec![self.realisation];
        objects.extend(self.parts.values().map(|part| part.realisation));
        objects.extend(self.hands.values());
        let reads = |all: &BTreeMap<String, Reads>| {
            all.values().flat_map(|one| [one.deployed, one.view]).collect::<Vec<_>>()
        };
        objects.extend(reads(&self.reads));
        if let Some(certificate) = &self.certificate {
            objects.push(certificate.anchor.realisation);
            objects.extend(certificate.anchor_parts.values().map(|part| part.realisation));
            objects.extend(reads(&certificate.anchor_reads));
        }
        objects
    }

    /// Every recipe that this block names.
    pub fn recipes(&self) -> Vec<Digest> {
        let mut recipes = vec![self.recipe, self.outputs];
        recipes.extend(self.parts.values().map(|part| part.recipe));
        recipes.extend(self.tuned.as_ref().map(|tuned| tuned.search));
        if let Some(certificate) = &self.certificate {
            recipes.push(certificate.anchor.recipe);
            recipes.extend(certificate.anchor_parts.values().map(|part| part.recipe));
        }
        recipes
    }
}
