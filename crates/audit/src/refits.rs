//! Refits of an expert for noise floors: with other seeds, and on permuted labels.
//!
//! They are fits like any others, under recipes of their own, so a second audit finds them. What a
//! seed moves is chance; what permuted labels teach is nothing.

use collegium_learn::Model;
use collegium_plan::{Part, blended, fit_recipe};
use collegium_records::{Fit, Metrics, Recipe};

use collegium_engine::{
    EngineError,
    fit::PERMUTED,
    rows::{Rows, Side},
    states::NodeState,
};

use crate::Auditor;

/// Refits of one expert.
#[derive(Default)]
pub(super) struct Refits {
    pub(super) seeds: Vec<Model>,
    pub(super) permuted: Vec<Model>,
    /// Test metrics of each seed's fit.
    pub(super) metrics: Vec<Metrics>,
}

impl Auditor<'_> {
    /// The refits that `audit.seeds` and `audit.permuted` ask for. An expert that uses a held or patched
    /// model has none: that model is no fit of its recipe.
    pub(super) fn refits(self, state: &NodeState, model: &Model) -> Result<Refits, EngineError> {
        let mut refits = Refits::default();
        let full = state.full();
        if !has_refits(state) {
            return Ok(refits);
        }
        for seed in 1..=self.session().pipeline.audit.seeds {
            let Some(fit) = self.refit(Refit::Seed(seed))? else { break };
            // Nothing is drawn at random in it: other seeds make the same model, and there is no spread.
            if fit.model == full.model {
                break;
            }
            let again = self.session().model(&fit)?;
            if again.encoder == model.encoder {
                let test = Rows::HeldOut { expert: self.node.index, side: Side::Test };
                let predicted = self.node.model_predicted(
                    Part::Full,
                    (fit.model, &again),
                    self.states,
                    test,
                )?;
                refits.metrics.push(predicted.metrics());
                refits.seeds.push(again);
            }
        }
        for time in 1..=self.session().pipeline.audit.permuted {
            let Some(fit) = self.refit(Refit::Permuted(time))? else { break };
            let again = self.session().model(&fit)?;
            if again.encoder == model.encoder {
                refits.permuted.push(again);
            }
        }
        Ok(refits)
    }

    /// One refit, looked up or executed.
    pub(crate) fn refit(self, refit: Refit) -> Result<Option<Fit>, EngineError> {
        let Some(recipe) = self.refit_recipe(refit)? else { return Ok(None) };
        let part = self.refitted_part();
        let (fit, _) = self.node.execute(part, &recipe, None, self.states, false)?;
        Ok(Some(fit))
    }

    /// Of a blend the model of all training rows is fitted again, not the whole of it.
    pub(crate) fn refitted_part(self) -> Part {
        let blends = blended(self.node.declared()).is_some();
        if blends { Part::Member } else { Part::Full }
    }

    /// The recipe of a refit; `None` while an upstream is not up to date.
    pub(crate) fn refit_recipe(self, refit: Refit) -> Result<Option<Recipe>, EngineError> {
        let part = self.refitted_part();
        let Some(inputs) = self.node.fit_inputs(part, self.states)? else { return Ok(None) };
        let mut expert = self.node.declared().clone();
        if let Refit::Seed(seed) = refit {
            expert.seed = expert.seed.wrapping_add(u64::from(seed));
        }
        let mut recipe = fit_recipe(&expert, &inputs);
        if let Refit::Permuted(time) = refit {
            recipe.set(PERMUTED, time);
        }
        Ok(Some(recipe))
    }
}

/// Is the model of a node a fit of its recipe, which can be fitted again?
pub(crate) fn has_refits(state: &NodeState) -> bool {
    state.held.is_none() && state.full().parent.is_none()
}

/// What differs from the expert's own fit.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Refit {
    /// The seed, by so much.
    Seed(u32),
    /// The labels, permuted in this way.
    Permuted(u32),
}
