//! One node's fits: what they are made of and which are at hand.

use std::collections::BTreeSet;

use collegium_manifest::Baseline;
use collegium_plan::{Part, baseline_recipe, demand, fit_recipe};
use collegium_records::{Fit, Reason, Recipe};

use crate::{EngineError, Session, inputs::States, warm::Start};

/// A fit that a node owes.
#[derive(Debug, Clone)]
pub(crate) struct Need {
    pub(crate) part: Part,
    pub(crate) recipe: Recipe,
    /// The realisation to stand on, when there is one.
    pub(crate) fit: Option<Fit>,
    /// Where a warm start begins.
    pub(crate) warm: Option<Fit>,
    /// Why it begins cold although the file asks for a warm start.
    pub(crate) cold: Option<String>,
}

impl Session {
    /// The fits that a node owes when `wanted` experts are brought up to date; `None` while an
    /// upstream is not done.
    pub(crate) fn needs(
        &self,
        index: usize,
        wanted: &BTreeSet<usize>,
        states: &States,
    ) -> Result<Option<Vec<Need>>, EngineError> {
        let mut needs = Vec::new();
        for part in demand(&self.pipeline, index, wanted) {
            let Some(inputs) = self.fit_inputs(index, part, states)? else { return Ok(None) };
            let expert = self.expert(index);
            let recipe = match part {
                Part::Baseline(kind @ (Baseline::Majority | Baseline::Linear)) => {
                    baseline_recipe(kind, &inputs, &expert.train)
                }
                Part::Full | Part::Fold { .. } | Part::Baseline(Baseline::Single) => {
                    fit_recipe(expert, &inputs)
                }
            };
            let start = match part {
                Part::Baseline(_) => Start { recipe, parent: None, cold: None },
                _ => self.warmed(index, part, recipe)?,
            };
            let Start { recipe, parent: warm, cold } = start;
            let fit = self.known_fit(&recipe.digest())?;
            needs.push(Need { part, recipe, fit, warm, cold });
        }
        Ok(Some(needs))
    }

    /// The recipe of a full fit on the present inputs; `None` while an upstream is not done.
    pub(crate) fn full_recipe(
        &self,
        index: usize,
        states: &States,
    ) -> Result<Option<Recipe>, EngineError> {
        let Some(inputs) = self.fit_inputs(index, Part::Full, states)? else { return Ok(None) };
        let cold = fit_recipe(self.expert(index), &inputs);
        Ok(Some(self.warmed(index, Part::Full, cold)?.recipe))
    }

    /// The recipe to compare the present one with: that of the last full fit.
    pub(crate) fn compared_recipe(&self, index: usize) -> Result<Option<Recipe>, EngineError> {
        match self.lock.node.get(&self.node_name(index)).and_then(|node| node.certificate.as_ref())
        {
            Some(certificate) => Ok(self.store.recipe(&certificate.anchor.recipe)?),
            None => self.locked_recipe(index),
        }
    }

    /// Why a node whose last full fit cannot be looked up has to be fitted.
    pub(crate) fn without_recipe(&self, index: usize, reasons: &mut [Reason]) {
        if self.lock.node.contains_key(&self.node_name(index)) {
            for reason in reasons.iter_mut().filter(|reason| **reason == Reason::NeverFitted) {
                *reason = Reason::LockNotInStore;
            }
        }
    }

    /// The recipe that the lock stands on, if its manifest is still in the store.
    pub(crate) fn locked_recipe(&self, index: usize) -> Result<Option<Recipe>, EngineError> {
        match self.lock.node.get(&self.node_name(index)) {
            Some(locked) => Ok(self.store.recipe(&locked.recipe)?),
            None => Ok(None),
        }
    }
}
