//! Reuse of models: an expert uses an exact fit, a held model, or an earlier fit (its anchor) with a
//! certificate.
//!
//! [`NodeRef::ready`](crate::NodeRef::ready) is asked by everything that looks at an expert: `plan`, `run`, `audit`,
//! `why`. It says which models are at hand, which have to be fitted, and on what evidence an expert need
//! not be. An exact fit goes before everything; a certificate is only looked for where the full fit
//! is missing, the expert asks for `reuse`, and nobody asked for exactness.

mod anchor;
mod end_to_end;
mod ground;
mod judge;
mod patch;
pub(crate) mod ready;
mod restore;

use std::collections::BTreeSet;

use collegium_manifest::{Baseline, StandsOn};
use collegium_plan::{Part, reuse};
use collegium_records::{Certificate, Code, Fit, Held, Judgement, Reason, Recipe, Verdict};

pub use anchor::{Anchor, ReadAs};
pub(crate) use end_to_end::Ends;
pub use judge::Judged;
pub use ready::{How, Ready};
use restore::Found;

use crate::{
    EngineError, FitFailure, NodeRef,
    membership::{Use, closure},
    needs::Need,
    rows::{Rows, Side},
    states::Parts,
    states::States,
};

/// The end of the reason why an expert whose own ingredients changed cannot be judged.
pub(crate) const OWN: &str = "not only what upstreams hand over";

impl NodeRef<'_> {
    /// The models that an expert uses when `wanted` experts are brought up to date; `None` while an
    /// upstream is not done.
    pub fn ready(
        self,
        wanted: &BTreeSet<usize>,
        states: &States,
        how: How,
    ) -> Result<Option<Ready>, EngineError> {
        if let Some(held) = self.held_model() {
            self.refuse_force(how.forced)?;
            return self.held_parts(held, wanted, states);
        }
        let Some(needs) = self.needs(wanted, states)? else { return Ok(None) };
        let now = needs.first().map(|need| need.recipe.clone());
        if let Some(now) = &now {
            self.may_fit_frozen(now)?;
        }
        let mut ready = Ready {
            parts: Parts::new(),
            open: Vec::new(),
            now: now.clone(),
            certificate: None,
            judgement: None,
            unjudged: None,
            lost: None,
            made_again: Vec::new(),
            // From its first fit on a frozen expert stands on it.
            held: matches!(self.declared().stands_on, StandsOn::Frozen(_)).then_some(Held::Frozen),
        };
        let trained = needs.first().is_some_and(|need| need.fit.is_some());
        let reuse = self.declared().reuse.is_some() && !how.exact;
        if let Some(now) = now.filter(|_| !trained && !how.forced && (reuse || how.advise))
            && let Some(anchor) = self.anchor_of(&needs, states, (reuse, how), &mut ready)?
        {
            match self.judge(&anchor, &now, states)? {
                // That an expert of changed settings cannot be judged goes without saying, unless it
                // stood on a certificate that lapses with it.
                Judged::Not(why) if reuse && why == ground::GONE => {
                    ready.lost = Some(self.kept_by_lost(why));
                }
                Judged::Not(why) => {
                    let stood = self
                        .session
                        .lock
                        .node
                        .get(&self.node_name())
                        .is_some_and(|node| node.certificate.is_some());
                    ready.unjudged = (reuse && (stood || !why.ends_with(OWN))).then_some(why);
                }
                Judged::Known(judgement) => {
                    if reuse && judgement.verdict != Verdict::Retrain {
                        let stands = self.stand(&anchor, &judgement, &needs, states, &mut ready)?;
                        if stands {
                            ready.judgement = Some(*judgement);
                            return Ok(Some(ready));
                        }
                    }
                    ready.judgement = Some(*judgement);
                }
            }
        }
        for need in needs {
            match &need.fit {
                Some(fit) if !how.forced => {
                    ready.parts.insert(need.part, (need.recipe.digest(), fit.clone()));
                }
                _ => ready.open.push(need),
            }
        }
        Ok(Some(ready))
    }

    /// The anchor to judge an expert by. With `reuse`, what it has lost is made again, or is said.
    fn anchor_of(
        self,
        needs: &[Need],
        states: &States,
        (reuse, how): (bool, How),
        ready: &mut Ready,
    ) -> Result<Option<Anchor>, EngineError> {
        if !reuse {
            return self.anchor();
        }
        Ok(match self.whole_anchor(needs, states, how.mend)? {
            Found::Nothing => None,
            Found::Whole(anchor, made) => {
                ready.made_again = made;
                Some(*anchor)
            }
            Found::Lost(why) => {
                ready.lost = Some(self.kept_by_lost(why));
                None
            }
        })
    }

    fn kept_by_lost(self, why: String) -> Reason {
        let node = self.locked();
        Reason::KeptByLost { certificate: node.is_some_and(|node| node.certificate.is_some()), why }
    }

    /// A frozen expert whose model was lost is fitted again if that makes the same model.
    fn may_fit_frozen(self, now: &Recipe) -> Result<(), EngineError> {
        let locked = self.locked();
        match (&self.declared().stands_on, locked) {
            (StandsOn::Frozen(_), Some(locked)) if locked.recipe != now.digest() => {
                Err(EngineError::Fit(FitFailure {
                    node: self.node_name(),
                    part: Part::Full.to_string(),
                    reason: format!(
                        "its frozen model {} is not in the store, and what it was trained on has \
                         changed since; bring the model back, take the change back, or remove \
                         `frozen`",
                        locked.realisation.short()
                    ),
                }))
            }
            _ => Ok(()),
        }
    }

    /// Refuses `--force` for a held model, which is not to be trained.
    pub(crate) fn refuse_force(self, forced: bool) -> Result<(), EngineError> {
        if !forced {
            return Ok(());
        }
        Err(EngineError::Usage(
            Code::BadArguments,
            format!(
                "{} stands on a model that is not to be trained: take `frozen`, `pin` or `source` out of the \
             file before it is forced",
                self.node_name()
            ),
        ))
    }

    /// Says where fold models of a held model were trained on rows that they are to predict for
    /// consumers: these are trained on answers that are better than any new row will get.
    fn tell_of_folds(self, parts: &Parts) -> Result<(), EngineError> {
        let (mut folds, mut telling, mut known, mut all) = (0, 0, 0, 0);
        for (part, (_, fit)) in parts {
            let Part::Fold { view, fold } = *part else { continue };
            let rows = self.session.rows(Rows::Fold { expert: self.index, view, fold })?;
            let seen = self.seen_among(&closure(fit), Use::Trained, &rows)?.len();
            folds += 1;
            if seen > 0 {
                (telling, known, all) = (telling + 1, known + seen, all + rows.len());
            }
        }
        if known > 0 {
            self.session.observer.event(crate::Event::Note(format!(
                "{}: in {telling} of {folds} folds the fold model of its held model has seen rows that it \
                 predicts for consumers ({known} of {all}); on these they are fed in-sample",
                self.node_name(),
            )));
        }
        Ok(())
    }

    /// Puts an expert on its anchor, or on patches of it; `false` where a part of either is lost.
    fn stand(
        self,
        anchor: &Anchor,
        judgement: &Judgement,
        needs: &[Need],
        states: &States,
        ready: &mut Ready,
    ) -> Result<bool, EngineError> {
        let patch = judgement.patched.as_ref();
        let (mut parts, mut open) = (Parts::new(), Vec::new());
        for need in needs {
            let found: Option<(collegium_digest::Digest, Fit)> = match (need.part, patch) {
                (Part::Full, None) => Some((anchor.standing.recipe, anchor.fit.clone())),
                (Part::Full, Some(patched)) => {
                    self.session.fit_of(patched)?.map(|fit| (patched.recipe, fit))
                }
                (Part::Fold { .. }, Some(_)) => {
                    let how = (judgement.candidate, judgement.blend);
                    let how = (&need.recipe, how, judgement.moved.as_slice());
                    self.patched_part(anchor, need.part, how, states)?
                }
                // A baseline on inputs that moved far is none: it is fitted again, at little cost. The
                // single network reads no upstream output, so its own recipe says what it is.
                (Part::Baseline(Baseline::Single), _)
                | (Part::Baseline(Baseline::Majority | Baseline::Linear), Some(_)) => None,
                (part, _) => match anchor.parts.get(&part.name()) {
                    Some(standing) => {
                        self.session.fit_of(standing)?.map(|fit| (standing.recipe, fit))
                    }
                    None => None,
                },
            };
            match (found, &need.fit) {
                (Some(found), _) => drop(parts.insert(need.part, found)),
                // Its anchor had one: another in its place would be another expert.
                (None, _) if need.part == Part::Full || is_fold_of(anchor, need.part) => {
                    let why = format!(
                        "{} of what it stands on is not in the store, nor all that it is made of",
                        need.part
                    );
                    ready.lost = Some(self.kept_by_lost(why));
                    return Ok(false);
                }
                (None, Some(fit)) => {
                    parts.insert(need.part, (need.recipe.digest(), fit.clone()));
                }
                (None, None) => open.push(need.clone()),
            }
        }
        (ready.parts, ready.open) = (parts, open);
        let best = judgement.effects.get(&judgement.candidate);
        ready.certificate = Some(Certificate {
            verdict: judgement.verdict,
            candidate: judgement.candidate,
            anchor: anchor.standing,
            anchor_parts: anchor.parts.clone(),
            anchor_reads: anchor.reads.clone(),
            rows_digest: self
                .session
                .rows_digest(Rows::Side { expert: self.index, side: Side::Valid })?,
            rows: judgement.rows,
            groups: best.and_then(|effect| effect.groups),
            tolerance: judgement.tolerance,
            confidence: judgement.confidence,
            loss: judgement.loss,
            increase: best.map_or(0.0, |effect| effect.increase),
            bound: best.map_or(0.0, |effect| effect.bound),
            budget: judgement.budget,
            rest: judgement.rest,
            certified: judgement.certified,
            upstream_worse: judgement.upstream_worse,
        });
        Ok(true)
    }

    /// The parts of a held model: its own where it has them. A consumer that reads it out of fold
    /// needs its fold models; a model of another pipeline has none here, and everybody sees the
    /// full one.
    fn held_parts(
        self,
        held: &crate::held::model::HeldModel,
        wanted: &BTreeSet<usize>,
        states: &States,
    ) -> Result<Option<Ready>, EngineError> {
        for from in self.session.dag.upstream(self.index) {
            if !states.contains_key(&from) {
                return Ok(None);
            }
        }
        let mut parts = Parts::new();
        parts.insert(Part::Full, (held.standing.recipe, held.fit.clone()));
        let asked = collegium_plan::asked(&self.session.pipeline, self.name(), wanted);
        for part in collegium_plan::demand(&self.session.pipeline, self.index, wanted) {
            let name = part.name();
            if let Some(standing) = held.parts.get(&name)
                && let Some(fit) = self.session.fit_of(standing)?
            {
                parts.insert(part, (standing.recipe, fit));
            } else if asked.contains(&part) && held.kind != Held::Sourced {
                return Err(EngineError::Fit(FitFailure {
                    node: self.node_name(),
                    part: name.to_string(),
                    reason:
                        "its model is held, and there is no fold model that belongs to it; set \
                             `upstream = \"in-sample\"` on the experts that read it, or let it be \
                             trained once more"
                            .to_owned(),
                }));
            }
        }
        self.tell_of_folds(&parts)?;
        Ok(Some(Ready {
            parts,
            open: Vec::new(),
            now: None,
            certificate: None,
            judgement: None,
            unjudged: None,
            lost: None,
            made_again: Vec::new(),
            held: Some(held.kind),
        }))
    }
}

/// Has an anchor this fold model?
fn is_fold_of(anchor: &Anchor, part: Part) -> bool {
    matches!(part, Part::Fold { .. }) && anchor.parts.contains_key(&part.name())
}

/// Why fits that are missing begin cold although a warm start was asked for; each reason once.
pub(crate) fn cold(ready: &Ready) -> Vec<String> {
    let mut found: Vec<String> = ready.open.iter().filter_map(|need| need.cold.clone()).collect();
    found.dedup();
    found.truncate(1);
    found
}

/// Why a node is not trained, or is although it need not have been.
pub(crate) fn reasons(ready: &Ready) -> Vec<Reason> {
    let again = (!ready.made_again.is_empty()).then(|| Reason::MadeAgain(ready.made_again.clone()));
    if let Some(certificate) = &ready.certificate {
        let stands = Reason::Note(reuse::certificate_words(certificate));
        return again.into_iter().chain([stands]).collect();
    }
    if let Some(lost) = &ready.lost {
        return vec![lost.clone()];
    }
    let judged = ready.judgement.as_ref().map(reuse::advice);
    let unjudged = ready.unjudged.as_ref().map(|why| format!("not judged: {why}"));
    let notes = judged.into_iter().chain(unjudged).chain(cold(ready)).map(Reason::Note);
    again.into_iter().chain(notes).collect()
}
