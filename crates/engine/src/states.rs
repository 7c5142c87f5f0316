//! State of an expert whose fits are all in the store: models, outputs, certificate.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use collegium_digest::Digest;
use collegium_plan::{Part, View};
use collegium_records::{Applied, Certificate, Fit, Held, Reads};

use crate::membership::Memberships;

/// The fits of a node, with their recipes.
pub type Parts = BTreeMap<Part, (Digest, Fit)>;

/// State of an expert whose fits are all in the store.
#[derive(Debug, Clone)]
pub struct NodeState {
    /// The full fit's recipe.
    pub recipe: Digest,
    /// All of its fits, with their recipes.
    pub parts: BTreeMap<Part, (Digest, Fit)>,
    /// The `apply` recipe of the deployed outputs.
    pub applied: Digest,
    /// Outputs by who sees them; [`View::Deployed`] is always there.
    pub views: BTreeMap<View, Applied>,
    /// What it reads of its upstreams, by reference.
    pub reads: BTreeMap<String, Reads>,
    /// The certificate that allows an earlier fit or a patch.
    pub certificate: Option<Certificate>,
    /// Why it uses a held model, which needs no certificate.
    pub held: Option<Held>,
    /// What its models, and those above it, have seen beside its present rows.
    pub foreign: Arc<Memberships>,
}

impl NodeState {
    /// The fit on all training rows.
    pub fn full(&self) -> &Fit {
        // `parts` always holds the full fit: a state is only made when every part is at hand.
        &self.parts[&Part::Full].1
    }
}

/// States by position, of the experts that are done.
pub type States = HashMap<usize, Arc<NodeState>>;
