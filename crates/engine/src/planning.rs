//! What a run would do, without doing it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use collegium_manifest::Model;
use collegium_plan::{Known, Prices, decide, demand, fit_recipe};
use collegium_records::{Action, Estimate, FORMAT_VERSION, Fit, NodePlan, PlanReport};

use crate::{
    EngineError, Session,
    inputs::States,
    node::{complete, missing},
};

/// Plans bringing the named experts (all, for no names) and their ancestors up to date.
///
/// # Errors
/// [`EngineError::Usage`] for unknown names, [`EngineError::Store`].
pub fn plan(
    session: &Session,
    nodes: &[String],
    force: &[String],
) -> Result<PlanReport, EngineError> {
    let wanted = session.dag.with_ancestors(&session.select(nodes)?);
    let forced: BTreeSet<usize> =
        force.iter().map(|name| session.index(name)).collect::<Result<_, _>>()?;
    let prices = session.prices()?;
    let mut states = States::new();
    let mut plans = Vec::new();
    let mut moving: BTreeMap<usize, Action> = BTreeMap::new();
    for &index in session.dag.order() {
        if !wanted.contains(&index) {
            continue;
        }
        let upstream: Vec<String> = session
            .dag
            .upstream(index)
            .into_iter()
            .filter(|from| moving.contains_key(from))
            .map(|from| session.name(from).to_owned())
            .collect();
        let needs =
            if upstream.is_empty() { session.needs(index, &wanted, &states)? } else { None };
        let before = session.locked_recipe(index)?;
        let own = fit_recipe(session.expert(index), &session.own_inputs(index)?);
        let after = needs.as_ref().and_then(|needs| needs.first()).map(|need| need.recipe.clone());
        let open = match &needs {
            Some(needs) if !forced.contains(&index) => missing(needs),
            _ => {
                let all = demand(&session.pipeline, index, &wanted);
                all.iter().map(ToString::to_string).collect()
            }
        };
        let decision = decide(&Known {
            before: before.as_ref(),
            after: after.as_ref(),
            own: Some(&own),
            missing: open.clone(),
            moving: upstream,
            forced: forced.contains(&index),
        });
        let fits = if decision.action == Action::Cached { Vec::new() } else { open };
        let seconds = session.price(index, &fits, decision.action, &prices)?;
        plans.push(NodePlan {
            name: session.node_name(index),
            action: decision.action,
            reasons: decision.reasons,
            peak_bytes: if fits.is_empty() { 0 } else { session.memory(index) },
            fits,
            recipe: after.map(|recipe| recipe.digest()),
            seconds,
            judgement: None,
            advice: None,
        });
        if decision.action == Action::Cached {
            if let Some(parts) = needs.and_then(complete) {
                let state = session.state(index, parts, &states)?;
                states.insert(index, Arc::new(state));
            }
        } else {
            moving.insert(index, decision.action);
        }
    }
    let total =
        plans.iter().filter_map(|plan| plan.seconds).fold(Estimate::default(), |sum, one| {
            Estimate {
                min: sum.min + one.min,
                expected: sum.expected + one.expected,
                max: sum.max + one.max,
            }
        });
    session.store.flush()?;
    let peak_bytes = plans.iter().map(|plan| plan.peak_bytes).max().unwrap_or(0);
    Ok(PlanReport {
        format_version: FORMAT_VERSION,
        pipeline: session.pipeline.name.clone(),
        nodes: plans,
        seconds: total,
        peak_bytes,
        memory_limit: session.pipeline.memory_limit,
    })
}

impl Session {
    /// Recorded costs of the fits that the lock stands on.
    fn prices(&self) -> Result<Prices, EngineError> {
        let mut prices = Prices::default();
        for index in 0..self.pipeline.experts.len() {
            if let Some(fit) = self.locked_fit(index)? {
                prices.record(&fit);
            }
        }
        Ok(prices)
    }

    /// The full fit that the lock stands on, if it is still in the store.
    pub(crate) fn locked_fit(&self, index: usize) -> Result<Option<Fit>, EngineError> {
        let Some(locked) = self.lock.node.get(&self.node_name(index)) else { return Ok(None) };
        let mut known: BTreeMap<_, Fit> = self.store.realisations(&locked.recipe)?;
        Ok(known.remove(&locked.realisation))
    }

    fn price(
        &self,
        index: usize,
        fits: &[String],
        action: Action,
        prices: &Prices,
    ) -> Result<Option<Estimate>, EngineError> {
        // Closed forms cost next to nothing beside trained networks.
        let trained = fits
            .iter()
            .filter(|fit| !matches!(fit.as_str(), "baseline majority" | "baseline linear"))
            .count() as f64;
        if fits.is_empty() {
            return Ok(Some(Estimate::default()));
        }
        let expert = self.expert(index);
        let rows = self.prepared(index).facts.sides[0];
        let recorded = self.locked_fit(index)?;
        let multiply_adds =
            recorded.as_ref().map_or_else(|| self.rough_multiply_adds(index), |f| f.multiply_adds);
        let rows = recorded.as_ref().map_or(rows, |fit| fit.rows);
        let Some(one) = prices.estimate(rows, u64::from(expert.train.epochs), multiply_adds) else {
            return Ok(None);
        };
        let likely = if action == Action::MayTrain { 0.5 } else { 1.0 };
        Ok(Some(Estimate {
            min: if action == Action::MayTrain { 0.0 } else { one.min * trained },
            expected: one.expected * trained * likely,
            max: one.max * trained,
        }))
    }

    fn rough_multiply_adds(&self, index: usize) -> u64 {
        let Model::Mlp(mlp) = &self.expert(index).model;
        let resolved = &self.experts[index];
        let mut width = resolved.inputs.len() as u64 * 2;
        let mut sum = 0;
        let last = resolved.classes.len().max(1) as u64;
        for next in mlp.hidden.iter().map(|&h| u64::from(h)).chain([last]) {
            sum += width * next;
            width = next;
        }
        sum
    }

    fn memory(&self, index: usize) -> u64 {
        let Model::Mlp(mlp) = &self.expert(index).model;
        let facts = &self.prepared(index).facts;
        collegium_learn::estimate_bytes(
            mlp,
            self.experts[index].inputs.len() * 2,
            self.experts[index].classes.len().max(1),
            facts.sides[0] + facts.sides[1],
            self.expert(index).train.batch,
        )
    }
}
