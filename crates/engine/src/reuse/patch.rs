//! Patches: repaired models, stored as realisations of their own. A patch is always made from an
//! anchor, never from a patch: ten patches on top of each other were measured to drift by 1 to 6 %.

use std::collections::BTreeMap;

use collegium_digest::Digest;
use collegium_learn::{Model, Network, kernel_class};
use collegium_plan::Part;
use collegium_records::{Candidate, Cost, Fit, Recipe, Standing};

use super::anchor::Anchor;
use crate::{EngineError, NodeRef, Session, clock::Clock, fit::training_error, states::States};

/// What a patch of one part is made of: the anchor's model of that part, and the recipe that a fit on
/// the present inputs would have.
fn recipe(parent: &Digest, now: &Recipe, (candidate, blend): (Candidate, f64)) -> Recipe {
    Recipe::new("patch")
        .with("parent", *parent)
        .with("now", now.digest())
        .with("method", candidate.name())
        .with("blend", blend)
}

impl Session {
    /// Files a patched full model.
    pub(super) fn file_patch(
        &self,
        anchor: &Anchor,
        now: &Recipe,
        how: (Candidate, f64),
        model: &Model,
        cost: Cost,
    ) -> Result<Standing, EngineError> {
        let recipe = recipe(&anchor.standing.realisation, now, how);
        self.file(&recipe, model, &anchor.fit, cost).map(|(standing, _)| standing)
    }

    fn file(
        &self,
        recipe: &Recipe,
        model: &Model,
        parent: &Fit,
        cost: Cost,
    ) -> Result<(Standing, Fit), EngineError> {
        let object = self.store.put(&model.to_bytes())?;
        let fit = Fit {
            model: object,
            parent: Some(parent.model),
            parameters: model.parameters(),
            kept: model.kept(),
            multiply_adds: model.multiply_adds(),
            cost,
            kernel: kernel_class(),
            created: crate::clock::now(),
            ..parent.clone()
        };
        self.store.realise(recipe, &object, &fit)?;
        Ok((Standing { recipe: recipe.digest(), realisation: object }, fit))
    }
}

impl NodeRef<'_> {
    /// The patch of a fold model, made as the full model's was; looked up or made.
    pub(super) fn patched_part(
        self,
        anchor: &Anchor,
        part: Part,
        (now, how, moved): (&Recipe, (Candidate, f64), &[String]),
        states: &States,
    ) -> Result<Option<(Digest, Fit)>, EngineError> {
        let Some(standing) = anchor.parts.get(&part.name()) else { return Ok(None) };
        let Some(parent) = self.session.fit_of(standing)? else { return Ok(None) };
        let recipe = recipe(&standing.realisation, now, how);
        let known: BTreeMap<Digest, Fit> = self.session.store.realisations(&recipe.digest())?;
        if let Some(fit) = known.into_values().find(|fit| self.session.store.contains(&fit.model)) {
            return Ok(Some((recipe.digest(), fit)));
        }
        let clock = Clock::start();
        let Ok(ground) = self.ground(anchor, part, moved, states)? else { return Ok(None) };
        let repair = ground.repair(self.resolved().classes.len(), &self.session.interrupted);
        let failed = |error| {
            training_error(error, |what| {
                EngineError::Internal(format!("patching {}: {what}", self.name()))
            })
        };
        let (candidate, blend) = how;
        let refitted = |network: Network| -> Result<Network, EngineError> {
            let whole = repair.refit(&network).map_err(failed)?;
            Ok(network.blended(&whole, blend))
        };
        let network = match candidate {
            Candidate::Deployed => Some(ground.network.clone()),
            Candidate::Shim => repair.shim(),
            Candidate::ShimRefit => match repair.shim() {
                Some(shim) => Some(refitted(shim)?),
                None => None,
            },
            Candidate::RestandardiseRefit => match repair.restandardised() {
                Some(same) => Some(refitted(same)?),
                None => None,
            },
        };
        let Some(network) = network else { return Ok(None) };
        let model = ground.patched(network);
        let (standing, fit) = self.session.file(&recipe, &model, &parent, clock.stop())?;
        Ok(Some((standing.recipe, fit)))
    }
}
