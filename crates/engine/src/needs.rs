//! Fits that a node needs: their recipes, and which are already in the store.

use std::collections::BTreeSet;

use collegium_manifest::Baseline;
use collegium_plan::{Part, baseline_recipe, demand, fit_recipe};
use collegium_records::{Fit, Reason, Recipe};

use crate::{EngineError, NodeRef, states::States, warm::Start};

/// A fit that a node needs, with its model where there is one.
#[derive(Debug, Clone)]
pub(crate) struct Need {
    pub(crate) part: Part,
    pub(crate) recipe: Recipe,
    /// The realisation to use, when there is one.
    pub(crate) fit: Option<Fit>,
    /// Where a warm start begins.
    pub(crate) warm: Option<Fit>,
    /// Why it begins cold although the file asks for a warm start.
    pub(crate) cold: Option<String>,
}

impl NodeRef<'_> {
    /// The fits that a node needs when `wanted` experts are brought up to date; `None` while an
    /// upstream is not done.
    pub(crate) fn needs(
        self,
        wanted: &BTreeSet<usize>,
        states: &States,
    ) -> Result<Option<Vec<Need>>, EngineError> {
        let mut needs = Vec::new();
        for part in demand(&self.session.pipeline, self.index, wanted) {
            let Some(inputs) = self.fit_inputs(part, states)? else { return Ok(None) };
            let expert = self.declared();
            let recipe = match part {
                Part::Baseline(kind @ (Baseline::Majority | Baseline::Linear)) => {
                    baseline_recipe(kind, &inputs, expert)
                }
                Part::Full
                | Part::Member
                | Part::Fold { .. }
                | Part::Baseline(Baseline::Single) => fit_recipe(expert, &inputs),
            };
            let start = match part {
                Part::Baseline(_) => Start { recipe, parent: None, cold: None },
                _ => self.warmed(part, recipe)?,
            };
            let Start { recipe, parent: warm, cold } = start;
            let fit = self.session.known_fit(&recipe.digest())?;
            needs.push(Need { part, recipe, fit, warm, cold });
        }
        Ok(Some(needs))
    }

    /// The recipe of a full fit on the present inputs; `None` while an upstream is not done.
    pub fn full_recipe(self, states: &States) -> Result<Option<Recipe>, EngineError> {
        let Some(inputs) = self.fit_inputs(Part::Full, states)? else { return Ok(None) };
        let cold = fit_recipe(self.declared(), &inputs);
        Ok(Some(self.warmed(Part::Full, cold)?.recipe))
    }

    /// The recipe to compare the present one with: that of the last full fit.
    pub(crate) fn compared_recipe(self) -> Result<Option<Recipe>, EngineError> {
        match self.locked().and_then(|node| node.certificate.as_ref()) {
            Some(certificate) => Ok(self.session.store.recipe(&certificate.anchor.recipe)?),
            None => self.locked_recipe(),
        }
    }

    /// Why a node whose last full fit cannot be looked up has to be fitted.
    pub(crate) fn without_recipe(self, reasons: &mut [Reason]) {
        if self.session.lock.node.contains_key(&self.node_name()) {
            for reason in reasons.iter_mut().filter(|reason| **reason == Reason::NeverFitted) {
                *reason = Reason::LockNotInStore;
            }
        }
    }

    /// The recipe of the model in the lock, if its manifest is still in the store.
    pub(crate) fn locked_recipe(self) -> Result<Option<Recipe>, EngineError> {
        match self.locked() {
            Some(locked) => Ok(self.session.store.recipe(&locked.recipe)?),
            None => Ok(None),
        }
    }
}
