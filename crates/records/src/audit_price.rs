//! Price of an audit: the fits that it asks for beside those of a run.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Estimate;

/// Why an audit fits something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefitKind {
    /// Other seeds (`audit.seeds`): of the node, and of what is above a gate.
    Seeds,
    /// Permuted labels (`audit.permuted`).
    Permuted,
    /// What a gate or a mixture is compared with, of every seed.
    Controls,
}

impl fmt::Display for RefitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Seeds => "other seeds",
            Self::Permuted => "permuted labels",
            Self::Controls => "controls",
        })
    }
}

/// Fits of one kind that the audit of one node makes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditFits {
    /// `expert.NAME`
    pub node: String,
    /// Why they are made.
    pub kind: RefitKind,
    /// How many; what is in the store already is not among them.
    pub fits: u64,
    /// CPU seconds; `null` where no fit like them has been recorded.
    pub seconds: Option<Estimate>,
}

/// Fits of an audit, counted and priced before the first of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditPrice {
    /// By node and kind, in topological order; a kind without a fit is left out.
    pub nodes: Vec<AuditFits>,
    /// Fits in all: one that several nodes ask for counts once.
    pub fits: u64,
    /// CPU seconds of all; `null` where one has no price.
    pub seconds: Option<Estimate>,
    /// Is a node to be fitted first? Then some of these fits may not be needed.
    pub at_most: bool,
}

impl AuditPrice {
    /// Fits of one kind, over all nodes.
    pub fn of(&self, kind: RefitKind) -> u64 {
        self.nodes.iter().filter(|one| one.kind == kind).map(|one| one.fits).sum()
    }

    /// The kinds with their numbers of fits: `other seeds: 2, permuted labels: 1`.
    pub fn kinds(&self) -> String {
        let all = [RefitKind::Seeds, RefitKind::Permuted, RefitKind::Controls];
        let said = all.map(|kind| (kind, self.of(kind))).into_iter().filter(|(_, fits)| *fits > 0);
        said.map(|(kind, fits)| format!("{kind}: {fits}")).collect::<Vec<_>>().join(", ")
    }
}
