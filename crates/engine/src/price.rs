//! Cost estimate of fits, from recorded costs in the store.

use std::collections::BTreeMap;

use collegium_digest::Digest;
use collegium_plan::{Part, PlannedFit, Prices, Witness, likelihood, scale, shape};
use collegium_records::{
    Action, Estimate, Fit, FitName, Ingredient, LockedNode, NodePlan, Outcome, Recipe,
};

use crate::{EngineError, NodeRef, Session, states::States};

/// Past runs that are asked how often an expert was fitted when its upstreams were.
const RUNS: usize = 50;

/// What past runs say about an expert.
#[derive(Debug, Clone, Copy, Default)]
struct Past {
    /// Runs in which an upstream was fitted.
    moved: u32,
    /// Of these, those in which it was fitted too.
    fitted: u32,
    /// CPU seconds beside the fits, in the last run that fitted it.
    beside: Option<f64>,
}

/// What fits of a pipeline have cost, as the store recorded it.
pub struct PastCosts {
    prices: Prices,
    past: BTreeMap<String, Past>,
    /// The full fits that the lock names, by expert.
    locked: Vec<Option<Fit>>,
    /// Those that are known to be up to date; they may be newer than the lock that was opened.
    states: States,
}

impl PastCosts {
    /// Of what the lock names and of `states`.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub fn of(session: &Session, states: &States) -> Result<Self, EngineError> {
        let mut prices = Prices::default();
        let experts = 0..session.pipeline.experts.len();
        let locked = experts.map(|index| session.node(index).locked_fit());
        let locked: Vec<Option<Fit>> = locked.collect::<Result<_, _>>()?;
        locked.iter().flatten().for_each(|fit| prices.record(fit));
        states.values().for_each(|state| prices.record(state.full()));
        let mut past: BTreeMap<String, Past> = BTreeMap::new();
        for (_, run) in session.store.last_runs(RUNS)? {
            if run.pipeline != session.pipeline.name {
                continue;
            }
            let moved: Vec<&str> = run
                .nodes
                .iter()
                .filter(|node| {
                    node.fitted.iter().any(|fit| !fit.is_baseline())
                        || node.outcome == Outcome::Patched
                })
                .map(|node| node.name.as_str())
                .collect();
            for node in &run.nodes {
                let Ok(index) = session.index(&node.name) else { continue };
                let one = past.entry(node.name.clone()).or_default();
                let fitted = node.fitted.contains(&FitName::Full);
                let above = session.dag.upstream(index);
                // A first fit says nothing about how often later ones are needed.
                if node.before.is_some() || !fitted {
                    let any = above
                        .iter()
                        .any(|a| moved.contains(&session.node(*a).node_name().as_str()));
                    one.moved += u32::from(any);
                    one.fitted += u32::from(any && fitted);
                }
                if fitted {
                    one.beside = Some((node.cpu_seconds - node.fit_cpu_seconds).max(0.0));
                }
            }
        }
        for (index, fit) in locked.iter().enumerate() {
            let node = session.node(index);
            let beside = past.get(&node.node_name()).and_then(|past| past.beside);
            if let (Some(seconds), Some(fit)) = (beside, fit) {
                prices.record_application(node.all_rows(), fit.multiply_adds, seconds);
            }
        }
        Ok(Self { prices, past, locked, states: states.clone() })
    }

    /// CPU seconds of everything that a node's plan asks for.
    pub(crate) fn price(
        &self,
        session: &Session,
        index: usize,
        plan: &NodePlan,
    ) -> Result<Option<Estimate>, EngineError> {
        let past = self.past.get(&plan.name).copied().unwrap_or_default();
        let node = session.node(index);
        let Some(beside) = self.beside(node, past)? else { return Ok(None) };
        let mut sum = Estimate { min: beside, expected: beside, max: beside };
        for &part in &plan.fits {
            let Some(one) = self.fit(node, part)? else { return Ok(None) };
            sum += one;
        }
        if plan.action == Action::MayTrain {
            // An upstream that is fitted again nearly always hands over other numbers, and what reads
            // them is fitted again too, unless it may be kept or patched.
            let guess = match node.declared().reuse {
                None => 0.9,
                Some(_) => 0.2,
            };
            let likely = likelihood(past.fitted, past.moved, guess);
            sum.expected = beside + likely * (sum.expected - beside);
            // Cut off, it is at most applied and measured again.
            sum.min = 0.0;
        }
        Ok(Some(sum))
    }

    /// CPU seconds of what surrounds the fits: above all, of applying the model to all rows. `None` where it is much
    /// and nothing like it was recorded.
    fn beside(&self, node: NodeRef<'_>, past: Past) -> Result<Option<f64>, EngineError> {
        let now = node.expected_cost().apply.multiply_adds;
        let Some(seconds) = past.beside else {
            return Ok(self.prices.application(node.all_rows(), now));
        };
        let Some(fit) = &self.locked[node.index] else { return Ok(Some(seconds)) };
        let recipe = match node.locked() {
            Some(locked) => node.session.store.recipe(&locked.recipe)?,
            None => None,
        };
        Ok(Some(match recipe.as_ref().is_none_or(|recipe| node.has_shape(recipe)) {
            true => seconds,
            false => seconds * scale(now, fit.multiply_adds),
        }))
    }

    /// The recorded fit that a fit is priced by, and the digest of its recipe.
    fn witness(
        &self,
        node: NodeRef<'_>,
        part: FitName,
    ) -> Result<Option<(Digest, Option<Fit>)>, EngineError> {
        if let Some(state) = self.states.get(&node.index) {
            let parts = state.parts.iter().map(|(part, made)| (part.name(), made)).collect();
            let full = state.parts.get(&Part::Full).filter(|_| !part.is_baseline());
            let found = like(&parts, part).or(full);
            return Ok(found.map(|(recipe, fit)| (*recipe, Some(fit.clone()))));
        }
        let full = node.locked().map(LockedNode::standing);
        let standing = node
            .locked()
            .and_then(|locked| like(&locked.parts, part))
            .or(full.filter(|_| !part.is_baseline()));
        let Some(standing) = standing else { return Ok(None) };
        let fit = match full == Some(standing) {
            true => self.locked.get(node.index).cloned().flatten(),
            false => node.session.record_of(&standing)?,
        };
        Ok(Some((standing.recipe, fit)))
    }

    /// CPU seconds of a fit of a node; `None` where nothing like it was recorded. The node may be one of a
    /// variation of the pipeline ([`Session::varied`]).
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub fn fit(&self, node: NodeRef<'_>, part: FitName) -> Result<Option<Estimate>, EngineError> {
        if part == FitName::Full && node.blended().is_some() {
            // It is read and written, not trained.
            return Ok(Some(Estimate { expected: 0.0, min: 0.0, max: 0.0 }));
        }
        let witness = self.witness(node, part)?;
        let recipe = match &witness {
            Some((recipe, _)) => node.session.store.recipe(recipe)?,
            None => None,
        };
        let witness = witness.and_then(|(_, fit)| fit);
        let allowed =
            match recipe.as_ref().and_then(|recipe| recipe.ingredients.get("train.epochs")) {
                Some(Ingredient::Integer(epochs)) => *epochs as u32,
                _ => 0,
            };
        let alike = recipe.as_ref().is_none_or(|recipe| node.has_shape(recipe));
        let cost = node.expected_cost();
        let closed = matches!(part, FitName::Majority | FitName::Linear);
        let all = node.prepared().facts.sides[0];
        let own = match part {
            // A fold in time is trained on what lies before it.
            FitName::Fold { fold, of } if node.is_forward() => {
                all * u64::from(fold) / (u64::from(of) + 1)
            }
            _ => all,
        };
        let rows = witness.as_ref().map_or(own, |fit| fit.rows);
        // A recorded fit took all of its restarts.
        let restarts = witness.as_ref().map_or(1, |fit| fit.restarts.len().max(1) as u64);
        let once = match &witness {
            // Recorded widths are exact; only a changed shape is estimated.
            Some(fit) if fit.multiply_adds > 0 && alike => fit.multiply_adds,
            _ => cost.multiply_adds,
        };
        let job = PlannedFit {
            rows,
            epochs: if closed { 0 } else { cost.epochs },
            patience: node.declared().train.patience,
            multiply_adds: once * u64::from(cost.restarts) / restarts,
        };
        let witness = witness.as_ref().map(|fit| Witness { fit, allowed });
        Ok(self.prices.estimate(job, witness))
    }
}

/// The recorded fit that a fit is priced by: itself, else another fold, best of as many.
fn like<T: Copy>(parts: &BTreeMap<FitName, T>, part: FitName) -> Option<T> {
    let folds = || parts.iter().filter(|(name, _)| part.is_fold() && name.is_fold());
    let as_many = |name: &FitName| matches!((name, part), (FitName::Fold { of, .. }, FitName::Fold { of: asked, .. }) if *of == asked);
    let own = parts.get_key_value(&part);
    let found = own.or_else(|| folds().find(|(name, _)| as_many(name))).or_else(|| folds().next());
    found.map(|(_, fit)| *fit)
}

impl NodeRef<'_> {
    /// The full fit that the lock names, if it is still in the store.
    pub(crate) fn locked_fit(self) -> Result<Option<Fit>, EngineError> {
        match self.locked() {
            Some(locked) => self.session.record_of(&locked.standing()),
            None => Ok(None),
        }
    }

    /// Has a recorded fit the shape that the file asks for now?
    fn has_shape(self, recipe: &Recipe) -> bool {
        let now = shape(self.declared());
        let mut shapes = now.iter().map(|(name, now)| (recipe.ingredients.get(name), now));
        shapes.all(|(before, now)| before.is_none_or(|before| before == now))
    }
}

#[cfg(test)]
mod tests {
    use collegium_records::Standing;

    use super::*;

    #[test]
    fn a_fold_is_priced_by_a_fold_of_the_same_number_of_folds_if_there_is_one() {
        let fold = |fold, of| FitName::Fold { fold, of };
        let standing = |name: FitName| {
            let digest = Digest::of(name.to_string().as_bytes());
            Standing { recipe: digest, realisation: digest }
        };
        let parts = |names: &[FitName]| -> BTreeMap<FitName, Standing> {
            names.iter().map(|name| (*name, standing(*name))).collect()
        };
        let ten = parts(&[fold(10, 10), fold(1, 3), FitName::Linear]);
        for (asked, by) in [
            (fold(10, 10), Some(fold(10, 10))),
            (fold(4, 10), Some(fold(10, 10))),
            (fold(2, 3), Some(fold(1, 3))),
            // The first of those there are.
            (fold(1, 5), Some(fold(1, 3))),
            (FitName::Linear, Some(FitName::Linear)),
            (FitName::Single, None),
            (FitName::Full, None),
            (FitName::HeldOut, None),
        ] {
            assert_eq!(like(&ten, asked), by.map(standing), "{asked}");
        }
        assert_eq!(like(&parts(&[FitName::Linear]), fold(1, 10)), None);
    }
}
