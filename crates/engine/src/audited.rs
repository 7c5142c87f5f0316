//! Cache key of an audit: everything that the audit of a node depends on.

use collegium_manifest::Input;
use collegium_plan::Part;
use collegium_records::Recipe;

use crate::{
    EngineError, NodeRef,
    states::{NodeState, States},
};

/// Part of the key that seeds the resamples. Another number would move every interval, so it stays: what a view
/// measures has a version of its own.
const FORM: u32 = 11;

impl NodeRef<'_> {
    /// Everything that an expert's part of an audit depends on. Its digest is what the resamples of its
    /// metrics are drawn by.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub fn audit_recipe(self, state: &NodeState, states: &States) -> Result<Recipe, EngineError> {
        let audit = &self.session.pipeline.audit;
        let mut recipe = self
            .measure_recipe("audit", state, None)?
            .with("name", self.node_name())
            .with("audit.rows", audit.rows)
            .with("audit.bootstrap", audit.bootstrap)
            .with("audit.form", FORM)
            .with("audit.seeds", audit.seeds)
            .with("audit.permuted", audit.permuted)
            .with("seed", self.session.pipeline.seed.to_string());
        // Which folds are at hand depends on who else is audited, and nothing here reads them.
        let read = state.parts.iter().filter(|(part, _)| !matches!(part, Part::Fold { .. }));
        for (part, (_, fit)) in read {
            recipe.set(format!("fit.{part}"), fit.model);
        }
        // Raw columns are seen through the models above, whatever these hand over.
        for above in self.session.dag.with_ancestors(&[self.index]) {
            if above != self.index
                && let Some(state) = states.get(&above)
            {
                recipe
                    .set(format!("above.{}", self.session.node(above).name()), state.full().model);
            }
        }
        for input in self.resolved().raw.iter() {
            if let Input::Column { data, column } = input
                && let Some(facts) = self.session.column_facts(data, column)
            {
                recipe.set(format!("raw.{input}"), facts.digest);
            }
        }
        self.add_groups(&mut recipe, state)?;
        Ok(recipe)
    }
}
