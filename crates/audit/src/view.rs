//! The trait of an audit view: what it measures, and the cache of its record.

use std::collections::BTreeMap;

use collegium_engine::EngineError;
use collegium_records::{NodeAudit, Recipe};
use serde::{Serialize, de::DeserializeOwned};

use crate::looked::Looked;

/// An audit view: a measurement of a node, and its record.
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

    /// Tells the views after it what they rest on.
    fn tell(&self, _: &Looked) {}

    /// Puts the record where readers of the audit look for it.
    fn place(self, audit: &mut NodeAudit);
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
    // What was stopped on its way is no measurement.
    looked.auditor.session().go_on()?;
    store.realise(&recipe, &recipe.digest(), &made)?;
    Ok(made)
}
