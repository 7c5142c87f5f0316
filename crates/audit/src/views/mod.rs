//! Views: what an audit measures of one node.
//!
//! A view is a module: its record, how it is measured, and where the record goes in the audit. Each record is
//! kept in the store under a recipe of its own, which names the view and its version. A view that
//! measures more, or otherwise, raises its version, and nothing else is measured again.

pub(crate) mod combined;
mod comparisons;
mod composite;
mod conditional;
pub(crate) mod cues;
mod images;
pub(crate) mod importance;
mod layers;
pub(crate) mod performance;
mod raw;
pub(crate) mod rows;
mod seeds;

use std::collections::BTreeMap;

use collegium_engine::EngineError;
use collegium_records::{NodeAudit, Recipe};
use serde::{Serialize, de::DeserializeOwned};

use crate::looked::Looked;

/// What is measured of a node, and the record of it.
pub(crate) trait AuditView: Serialize + DeserializeOwned {
    /// Its name in recipes. The section of the page that shows it has the same.
    const NAME: &'static str;

    /// Raised when it measures more or otherwise, so that no record of the older form is shown.
    const VERSION: u32;

    /// Is there such a thing at this node? If not, nothing is measured and nothing filed.
    ///
    /// # Errors
    /// [`EngineError::Store`], [`EngineError::Lost`].
    fn applies(looked: &Looked) -> Result<bool, EngineError>;

    /// Adds what else it rests on than the node's fits, outputs and settings: what it reads of other views.
    ///
    /// # Errors
    /// Those of the views that it reads.
    fn rests_on(_: &Looked, recipe: Recipe) -> Result<Recipe, EngineError> {
        Ok(recipe)
    }

    /// Measures it.
    ///
    /// # Errors
    /// Those of the engine: [`EngineError::Store`], [`EngineError::Lost`], a failed refit.
    fn measure(looked: &Looked) -> Result<Self, EngineError>;

    /// Puts the record where readers of the audit look for it.
    fn place(self, audit: &mut NodeAudit);
}

/// A view, its type forgotten.
pub(crate) struct Entry {
    name: &'static str,
    place: fn(&Looked, &mut NodeAudit) -> Result<(), EngineError>,
}

const fn entry<V: AuditView>() -> Entry {
    Entry { name: V::NAME, place: placed::<V> }
}

/// All views, in the order in which they are placed.
static VIEWS: [Entry; 12] = [
    entry::<performance::Performed>(),
    entry::<seeds::Seeds>(),
    entry::<importance::Importance>(),
    entry::<cues::Cues>(),
    entry::<conditional::Conditionals>(),
    entry::<raw::Raw>(),
    entry::<rows::Rows>(),
    entry::<layers::Layers>(),
    entry::<images::Images>(),
    entry::<comparisons::Sides>(),
    entry::<combined::Pays>(),
    entry::<composite::Upstreams>(),
];

/// The names of all views.
pub fn views() -> impl Iterator<Item = &'static str> {
    VIEWS.iter().map(|view| view.name)
}

/// Fills in what all views say of a node.
pub(crate) fn place(looked: &Looked, audit: &mut NodeAudit) -> Result<(), EngineError> {
    VIEWS.iter().try_for_each(|view| (view.place)(looked, audit))
}

fn placed<V: AuditView>(looked: &Looked, audit: &mut NodeAudit) -> Result<(), EngineError> {
    if V::applies(looked)? {
        record::<V>(looked)?.place(audit);
    }
    Ok(())
}

/// The record of a view, from the store or measured now.
pub(crate) fn record<V: AuditView>(looked: &Looked) -> Result<V, EngineError> {
    let store = &looked.auditor.session().store;
    let recipe = Recipe::new("audit")
        .with("outputs", looked.state.applied)
        .with("of", looked.key)
        .with("view", V::NAME)
        .with("view.version", V::VERSION);
    let recipe = V::rests_on(looked, recipe)?;
    let known: BTreeMap<_, V> = store.realisations(&recipe.digest())?;
    if let Some(known) = known.into_values().next() {
        return Ok(known);
    }
    let made = V::measure(looked)?;
    store.realise(&recipe, &recipe.digest(), &made)?;
    Ok(made)
}
