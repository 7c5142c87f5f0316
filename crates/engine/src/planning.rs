//! `plan`, a dry run: what a run would do, without doing it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use collegium_plan::{Known, Part, decide, demand, fit_recipe, reuse};
use collegium_records::{Action, Estimate, FORMAT_VERSION, NodePlan, PlanReport, Reason, Verdict};

use crate::{
    EngineError, NodeRef, Session,
    price::PastCosts,
    reuse::{How, Ready},
    states::States,
    tune::tuned_again,
};

/// What to plan.
#[derive(Debug, Clone, Default)]
pub struct PlanOptions {
    /// Experts to bring up to date, with their ancestors; empty: all.
    pub nodes: Vec<String>,
    /// Experts to fit again although everything is at hand.
    pub force: Vec<String>,
    /// As for a run: ignore every certificate.
    pub exact: bool,
    /// As for a run: search settings again, of these experts; of all for no names.
    pub retune: Option<Vec<String>>,
}

/// Plans bringing the named experts (all, for no names) and their ancestors up to date in this session, rotations left
/// aside; with or without judging experts that do not ask for `reuse`. Fits are priced by what `priced` has recorded.
pub(crate) fn planned(
    session: &Session,
    options: &PlanOptions,
    advise: bool,
    priced: &Session,
) -> Result<PlanReport, EngineError> {
    let wanted = session.dag.with_ancestors(&session.select(&options.nodes)?);
    let forced: BTreeSet<usize> =
        options.force.iter().map(|name| session.index(name)).collect::<Result<_, _>>()?;
    let again = tuned_again(session, options.retune.as_deref())?;
    let mut records: Option<PastCosts> = None;
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
            .map(|from| session.node(from).name().to_owned())
            .collect();
        let how =
            How { exact: options.exact, forced: forced.contains(&index), advise, mend: false };
        // With the settings that are found it is another fit.
        let pending = session.is_pending(index) || again.contains(&index);
        let ready = match upstream.is_empty() && !pending {
            true => session.node(index).ready(&wanted, &states, how)?,
            false => None,
        };
        let mut plan = session.node(index).plan_of(&wanted, ready.as_ref(), upstream, how)?;
        if pending {
            session.node(index).plan_search(&mut plan)?;
        }
        if !plan.fits.is_empty() || !matches!(plan.action, Action::Cached | Action::Frozen) {
            let records = match &mut records {
                Some(records) => records,
                none => none.insert(PastCosts::of(priced, &States::new())?),
            };
            plan.seconds = records.price(priced, index, &plan)?;
            if let (Some(search), Some(seconds)) = (plan.search, &mut plan.seconds) {
                match session.node(index).search_seconds(search, records)? {
                    Some(more) => *seconds += more,
                    None => plan.seconds = None,
                }
            }
            plan.peak_bytes = session.node(index).memory();
        }
        // A patch makes other outputs, but not before it is made.
        match ready {
            Some(ready) if ready.open.is_empty() && plan.action != Action::Patch => {
                let state = session.node(index).state(ready, &wanted, &states)?;
                states.insert(index, Arc::new(state));
            }
            _ => drop(moving.insert(index, plan.action)),
        }
        plans.push(plan);
    }
    let total = plans.iter().filter_map(|plan| plan.seconds).sum();
    session.store.flush()?;
    let peak_bytes = plans.iter().map(|plan| plan.peak_bytes).max().unwrap_or(0);
    Ok(PlanReport {
        format_version: FORMAT_VERSION,
        pipeline: session.pipeline.name.clone(),
        nodes: plans,
        seconds: total,
        peak_bytes,
        memory_limit: session.memory_limit(),
        audit: None,
        rotated: None,
    })
}

impl NodeRef<'_> {
    fn plan_of(
        self,
        wanted: &BTreeSet<usize>,
        ready: Option<&Ready>,
        upstream: Vec<String>,
        how: How,
    ) -> Result<NodePlan, EngineError> {
        let mut plan = NodePlan {
            name: self.node_name(),
            action: Action::Cached,
            reasons: Vec::new(),
            peak_bytes: 0,
            search: None,
            fits: Vec::new(),
            recipe: ready.and_then(|r| r.now.as_ref()).map(collegium_records::Recipe::digest),
            seconds: Some(Estimate::default()),
            judgement: ready.and_then(|ready| ready.judgement.clone()),
            advice: None,
        };
        plan.advice = plan.judgement.as_ref().map(reuse::advice);
        if self.held_model().is_some() {
            self.refuse_force(how.forced)?;
            plan.action = Action::Frozen;
            plan.reasons.extend(self.other_settings()?.map(Reason::Note));
            return Ok(plan);
        }
        if let Some(ready) = ready
            && let Some(certificate) = &ready.certificate
        {
            let locked =
                self.session.lock.node.get(&plan.name).and_then(|n| n.certificate.as_ref());
            plan.fits = ready.missing();
            plan.reasons = match locked == Some(certificate) && !plan.fits.is_empty() {
                // Nothing changed: something has gone.
                true => vec![Reason::NotInStore(plan.fits.clone())],
                false => crate::reuse::reasons(ready),
            };
            plan.action = match certificate.verdict {
                _ if locked == Some(certificate) && plan.fits.is_empty() => Action::Cached,
                Verdict::Patch => Action::Patch,
                _ => Action::Keep,
            };
            return Ok(plan);
        }
        let before = self.compared_recipe()?;
        let missing = match ready {
            Some(ready) => ready.missing(),
            None => {
                demand(&self.session.pipeline, self.index, wanted).iter().map(Part::name).collect()
            }
        };
        // What can be said without the upstreams is only asked for where they are not done.
        let own = match ready {
            Some(_) => None,
            None => Some(fit_recipe(self.declared(), &self.own_inputs()?)),
        };
        let decision = decide(&Known {
            before: before.as_ref(),
            after: ready.and_then(|ready| ready.now.as_ref()),
            own: own.as_ref(),
            // A forced fit is not done because something is missing.
            missing: if how.forced { Vec::new() } else { missing.clone() },
            moving: upstream,
            forced: how.forced,
        });
        plan.action = decision.action;
        plan.reasons = match ready.is_some_and(|ready| ready.lost.is_some()) {
            // Else it would be no matter what changed.
            true => Vec::new(),
            false => self.with_row_change(decision.reasons)?,
        };
        self.without_recipe(&mut plan.reasons);
        if plan.action != Action::Cached {
            plan.fits = missing;
            plan.reasons.extend(ready.into_iter().flat_map(crate::reuse::reasons));
        }
        Ok(plan)
    }
}
