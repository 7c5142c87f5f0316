//! Figures over rotated sides (`evaluate.rotate`): every row is tested once, by models that were fitted without it.

use std::collections::BTreeMap;

use collegium_digest::Digest;
use serde::{Deserialize, Serialize};

use crate::{Estimate, FitName, Headline, Interval, Metrics};

/// What the rotations of a pipeline came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rotated {
    /// How many rotations there are.
    pub rotations: u32,
    /// In topological order.
    pub nodes: Vec<RotatedNode>,
    /// Are all fits there, and all figures of them?
    pub whole: bool,
}

/// One node over all rotations.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RotatedNode {
    /// `expert.NAME`
    pub name: String,
    /// Fits really executed by this run, by rotation (from 1).
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub fitted: BTreeMap<u32, Vec<FitName>>,
    /// CPU seconds of these fits.
    #[serde(default)]
    pub cpu_seconds: f64,
    /// The sides of each rotation.
    pub sides: Vec<RotatedSides>,
    /// By metric: the figures on the tested part. A metric that is not defined in every rotation is absent.
    pub metrics: BTreeMap<String, RotatedFigure>,
    /// By baseline (`majority`, `linear`, `single`) and metric: the node's figure less the baseline's, rotation by
    /// rotation (paired).
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub against: BTreeMap<String, BTreeMap<String, RotatedFigure>>,
    /// The figure that stands for the node.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub headline: Option<Headline>,
    /// What went wrong, by rotation.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub failed: BTreeMap<u32, String>,
}

/// Rows of a rotation that a node is trained, stopped and tested on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotatedSides {
    /// Training rows.
    pub train: u64,
    /// Validation rows.
    pub valid: u64,
    /// Tested rows.
    pub test: u64,
}

/// A figure over rotations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RotatedFigure {
    /// The mean over rotations.
    pub mean: f64,
    /// The 95 % interval of the mean, which allows for training rows that rotations share (Nadeau and Bengio 2003):
    /// Student's t with one degree of freedom less than there are rotations. Absent where all figures are the same.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub interval: Option<Interval>,
    /// The figure of each rotation.
    pub each: Vec<f64>,
}

impl RotatedNode {
    /// Puts beside the headline what it comes to on the test rows of the declared split, from the metrics there.
    pub fn beside_split(&mut self, test: Option<&Metrics>) {
        if let Some(headline) = &mut self.headline {
            headline.split = test.and_then(|test| test.get(&headline.metric)).copied();
        }
    }
}

impl Rotated {
    /// One node.
    pub fn node(&self, name: &str) -> Option<&RotatedNode> {
        self.nodes.iter().find(|node| node.name == name)
    }

    /// How many fits were really executed.
    pub fn fits(&self) -> usize {
        self.nodes.iter().flat_map(|node| node.fitted.values()).map(Vec::len).sum()
    }

    /// Did a fit fail?
    pub fn has_failed(&self) -> bool {
        self.nodes.iter().any(|node| !node.failed.is_empty())
    }
}

/// What is to do for the rotations.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RotatedPlan {
    /// How many rotations there are.
    pub rotations: u32,
    /// The nodes with something to do, in topological order.
    pub nodes: Vec<RotatedNodePlan>,
    /// CPU seconds, summed over what has a price.
    pub seconds: Estimate,
}

/// What is to do for one node in all rotations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RotatedNodePlan {
    /// `expert.NAME`
    pub name: String,
    /// Fits to execute, by rotation (from 1).
    pub fits: BTreeMap<u32, Vec<FitName>>,
    /// Does it wait for upstreams, so that it may come to nothing?
    pub may_train: bool,
    /// CPU seconds; `null` where no fit like it has been recorded.
    pub seconds: Option<Estimate>,
}

impl RotatedPlan {
    /// How many fits there are to execute.
    pub fn fits(&self) -> usize {
        self.nodes.iter().map(RotatedNodePlan::count).sum()
    }
}

impl RotatedNodePlan {
    /// How many fits there are to execute.
    pub fn count(&self) -> usize {
        self.fits.values().map(Vec::len).sum()
    }
}

/// What the lock says of rotations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedRotations {
    /// How many rotations there are.
    pub rotations: u32,
    /// An object: the locks that runs of the rotations by themselves would have written, in their order.
    pub locks: Digest,
}
