//! Execution of one expert in a run: reuse decision, fits, outputs, metrics.

use std::sync::Arc;

use collegium_plan::{Part, explain};
use collegium_records::{LockedNode, NodeRun, Outcome, Reason, SeenRows, Standing, Verdict};
use futures_util::future::join_all;

use super::Shared;
use crate::{
    EngineError, Event, LockChange,
    needs::Need,
    reuse::{How, Ready},
    states::Parts,
    states::{NodeState, States},
};

impl Shared {
    pub(super) async fn bring_up_to_date(
        self: &Arc<Self>,
        index: usize,
        states: &Arc<States>,
        run: &mut NodeRun,
    ) -> Result<NodeState, EngineError> {
        let how = How {
            forced: self.forced.contains(&index),
            exact: self.exact.contains(&index),
            advise: false,
            mend: true,
        };
        let mut ready = self
            .blocking(index, {
                let states = states.clone();
                move |shared| {
                    let ready = shared.session.node(index).ready(&shared.wanted, &states, how)?;
                    // What it stands on can be explained only while its ingredients are filed.
                    if let Some(now) = ready.as_ref().and_then(|ready| ready.now.as_ref())
                        && ready.as_ref().is_some_and(|ready| ready.open.is_empty())
                    {
                        shared.session.store.file_recipe(now)?;
                    }
                    Ok(ready)
                }
            })
            .await?
            .ok_or_else(|| EngineError::Lost("an output of an upstream expert".to_owned()))?;
        let open = ready.missing();
        run.recipe = ready.now.as_ref().map(collegium_records::Recipe::digest);
        run.reasons = self.reasons(index, &ready, how)?;
        self.session
            .observer
            .event(Event::Queued { node: self.session.node(index).node_name(), fits: open.len() });
        if let Some(lost) = &ready.lost {
            self.session.tell(format!("{}: {lost}; it is trained exactly", run.name));
        }
        run.fits += ready.made_again.len() as u32;
        run.fitted.append(&mut ready.made_again);
        let needs = std::mem::take(&mut ready.open);
        // A blend averages the others.
        let blends = self.session.node(index).blended().is_some();
        let (last, first): (Vec<_>, Vec<_>) =
            needs.into_iter().partition(|need| blends && need.part == Part::Full);
        for needs in [first, last] {
            ready.parts.extend(self.fits(index, needs, states, how.forced, run).await?);
        }
        run.certificate = ready.certificate.clone();
        run.judgement = ready.judgement.clone();
        let held = ready.held;
        let state = self
            .blocking(index, {
                let states = states.clone();
                move |shared| {
                    let state = shared.session.node(index).state(ready, &shared.wanted, &states)?;
                    let metrics = shared.session.node(index).measure(&state)?;
                    for part in state.parts.keys() {
                        if let Part::Baseline(baseline) = part {
                            shared
                                .session
                                .node(index)
                                .measure_baseline(*baseline, &state, &states)?;
                        }
                    }
                    let absent = shared.session.node(index).explain_absent(&metrics)?;
                    let account = shared.session.node(index).account()?;
                    Ok((state, metrics, absent, account))
                }
            })
            .await;
        let (state, metrics, absent, account) = state?;
        let standing = Standing { recipe: state.recipe, realisation: state.full().model };
        run.realisation = Some(standing.realisation);
        run.recipe.get_or_insert(standing.recipe);
        for (side, measures) in &metrics {
            if measures.seen > 0 {
                let seen = SeenRows { seen: measures.seen, unseen: measures.rows };
                run.seen.insert(side.clone(), seen);
            }
        }
        run.left_out = self.session.node(index).left_out()?.map(|(left, _)| left);
        run.metrics =
            metrics.into_iter().map(|(side, measures)| (side, measures.metrics)).collect();
        run.headline = self.session.node(index).headline_of(&run.metrics);
        run.tested = Some(self.session.node(index).tested());
        run.not_measured = absent;
        run.account = Some((*account).clone());
        let before = self.session.lock.node.get(&self.session.node(index).node_name());
        let stands = before.is_some_and(|node| node.certificate == state.certificate);
        let before = before.map(LockedNode::standing);
        run.before = before.filter(|before| *before != standing);
        run.outcome = match (&state.certificate, run.fits) {
            (Some(certificate), fits) if !stands || fits > 0 => match certificate.verdict {
                Verdict::Patch => Outcome::Patched,
                _ => Outcome::Kept,
            },
            (_, 0) if held.is_some() => Outcome::Frozen,
            // Its fit was one of the trials.
            (_, 0) if self.searched.contains(&run.name) && before != Some(standing) => {
                Outcome::Trained
            }
            (_, 0) => Outcome::Cached,
            _ => Outcome::Trained,
        };
        Ok(state)
    }

    /// Why a node is trained, kept or patched; nothing for one that is up to date.
    fn reasons(&self, index: usize, ready: &Ready, how: How) -> Result<Vec<Reason>, EngineError> {
        if how.forced {
            return Ok(vec![Reason::Forced]);
        }
        if ready.held.is_some() && ready.now.is_none() {
            let settings = self.session.node(index).other_settings()?;
            return Ok(settings.map(Reason::Note).into_iter().collect());
        }
        let mut reasons = crate::reuse::reasons(ready);
        if let (Some(now), false) =
            (&ready.now, ready.open.is_empty() || ready.certificate.is_some())
        {
            let before = self.session.node(index).compared_recipe()?;
            let why = explain(before.as_ref(), now, &ready.missing());
            let mut why = self.session.node(index).with_row_change(why)?;
            self.session.node(index).without_recipe(&mut why);
            reasons.splice(0..0, why);
        }
        Ok(reasons)
    }

    /// Executes what is missing, side by side, and gathers all fits of the node.
    async fn fits(
        self: &Arc<Self>,
        index: usize,
        needs: Vec<Need>,
        states: &Arc<States>,
        forced: bool,
        run: &mut NodeRun,
    ) -> Result<Parts, EngineError> {
        if self.locked && !needs.is_empty() {
            let parts: Vec<String> = needs.iter().map(|need| need.part.to_string()).collect();
            let what = format!("would be fitted: {}", parts.join(", "));
            let name = self.session.node(index).node_name();
            return Err(EngineError::Locked(vec![LockChange { name, what }]));
        }
        let mut parts = Parts::new();
        let mut running = Vec::new();
        for need in needs {
            running.push((
                need.part,
                need.recipe.clone(),
                self.blocking(index, {
                    let states = states.clone();
                    move |shared| {
                        let warm = need.warm.as_ref();
                        let session = &shared.session;
                        session.node(index).execute(need.part, &need.recipe, warm, &states, forced)
                    }
                }),
            ));
        }
        let (names, futures): (Vec<_>, Vec<_>) =
            running.into_iter().map(|(part, recipe, future)| ((part, recipe), future)).unzip();
        let mut first_error = None;
        for ((part, recipe), result) in names.into_iter().zip(join_all(futures).await) {
            match result {
                Ok((fit, executed)) => {
                    if executed {
                        run.fits += 1;
                        run.fitted.push(part.name());
                        run.seconds += fit.cost.seconds;
                        run.fit_cpu_seconds += fit.cost.cpu_seconds;
                        run.peak_bytes = run.peak_bytes.max(fit.cost.peak_bytes);
                    }
                    parts.insert(part, (recipe.digest(), fit));
                }
                Err(error) => first_error = Some(worse(first_error, error)),
            }
        }
        first_error.map_or(Ok(parts), Err)
    }
}

/// Of two errors of one node, the one that says more: a failed fit over "the run was stopped".
fn worse(first: Option<EngineError>, second: EngineError) -> EngineError {
    match first {
        Some(first) if !matches!(first, EngineError::Interrupted) => first,
        _ => second,
    }
}
