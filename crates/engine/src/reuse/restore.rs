//! Restores lost parts of an anchor: fits them again, bit for bit.
//!
//! A kept or patched expert stands on a model whose inputs are no longer what its upstreams hand over,
//! so no present recipe leads to it. It has a recipe of its own all the same, and the lock names the
//! outputs that it was trained on. While these are in the store, a part that was lost is fitted on them
//! again, bit for bit; the record of what it has seen is taken from the parts that are left.
//!
//! Where that cannot be, the certificate is lost, and so it is said: an expert that is silently trained
//! because a file has gone would make the store a source of truth, and it is a cache.
//!
//! Only a run fits. Whoever just looks is told what is not there.

use std::{collections::BTreeMap, sync::Arc};

use collegium_digest::Digest;
use collegium_manifest::{Baseline, Input};
use collegium_plan::{Part, View, baseline_recipe, fit_recipe, reads};
use collegium_records::{
    Applied, Cost, Fit, FitName, Ingredient, Membership, Reads, Recipe, SeenByFit, Standing,
};

use super::anchor::Anchor;
use crate::{
    EngineError, Event, NodeRef, Session,
    clock::Clock,
    needs::Need,
    states::{NodeState, States},
    warm::PARENT,
};

/// What became of an expert's anchor.
pub(crate) enum Found {
    /// The lock has none, or its own settings are others now.
    Nothing,
    /// All of it is at hand, with the names of the parts that were made again for it.
    Whole(Box<Anchor>, Vec<FitName>),
    /// Some of it is not: what and why, in words.
    Lost(String),
}

/// What came of fitting a part again; the inner error says why it is lost.
type Again = Result<(), String>;

/// How a part is fitted again.
struct Way {
    recipe: Recipe,
    warm: Option<Fit>,
}

impl NodeRef<'_> {
    /// The anchor of an expert with all that a judgement and `needs` ask of it. What is lost is made
    /// again if `mend`.
    pub(crate) fn whole_anchor(
        self,
        needs: &[Need],
        states: &States,
        mend: bool,
    ) -> Result<Found, EngineError> {
        let Some((standing, parts, reads)) = self.anchor_named() else {
            return Ok(Found::Nothing);
        };
        let named = needs.iter().filter_map(|need| match need.part {
            Part::Full => Some((Part::Full, standing)),
            // It reads no upstream output: its own recipe says what it is.
            Part::Baseline(Baseline::Single) => None,
            part => Some((part, *parts.get(&part.name())?)),
        });
        let named: Vec<(Part, Standing)> = named.collect();
        let mut lost = Vec::new();
        for (part, standing) in &named {
            if self.session.fit_of(standing)?.is_none() {
                lost.push((*part, *standing));
            }
        }
        // A blend is made of the others.
        lost.sort_by_key(|(part, _)| *part == Part::Full);
        let stored = self.session.store.recipe(&standing.recipe)?;
        let mut made = Vec::new();
        if !lost.is_empty() || stored.is_none() {
            let certified = self.locked().is_some_and(|n| n.certificate.is_some());
            let Some(before) = self.states_before(&reads, states) else {
                // What was never to be judged is not told of.
                return Ok(match certified || stored.is_some_and(|r| r.kind == "fit") {
                    true => Found::Lost(format!(
                        "{}, nor all that it was trained on",
                        self.not_there(&lost)
                    )),
                    false => Found::Nothing,
                });
            };
            let Some(Way { recipe, .. }) = self.way(Part::Full, &standing, &before)? else {
                return match (&stored, certified) {
                    // Other settings: there is nothing to be kept, and its reasons say so.
                    (Some(_), _) | (None, false) => Ok(match self.anchor()? {
                        Some(anchor) => Found::Whole(Box::new(anchor), made),
                        None => Found::Nothing,
                    }),
                    (None, true) => Ok(Found::Lost(format!(
                        "{}, and the recipe of now is another",
                        self.not_there(&lost)
                    ))),
                };
            };
            self.session.store.file_recipe(&recipe)?;
            if !lost.is_empty() && !mend {
                let words = self.not_there(&lost);
                return Ok(Found::Lost(format!("{words}; `collegium run` makes it again")));
            }
            for (part, standing) in &lost {
                if let Err(why) = self.again((*part, standing), &named, &before)? {
                    return Ok(Found::Lost(format!("{}: {why}", self.not_there(&lost))));
                }
                made.push(part.name());
            }
        }
        for (part, standing) in &named {
            if !self.remembers(*part, standing, states)? {
                return Ok(Found::Lost(format!(
                    "which rows its {part} model and those behind it have seen is not in the store"
                )));
            }
        }
        Ok(match self.anchor()? {
            Some(anchor) => Found::Whole(Box::new(anchor), made),
            None => Found::Nothing,
        })
    }

    fn not_there(self, lost: &[(Part, Standing)]) -> String {
        let names: Vec<String> = lost.iter().map(|(part, _)| part.to_string()).collect();
        let what = match names.is_empty() {
            true => "the recipe".to_owned(),
            false => names.join(", "),
        };
        format!("of the last full fit of {} {what} is not in the store", self.node_name())
    }

    /// The states of the upstreams as the anchor read them; `None` if that is not in the store.
    fn states_before(self, seen: &BTreeMap<String, Reads>, states: &States) -> Option<States> {
        let view = reads(self.index, self.declared());
        let mut before: BTreeMap<usize, NodeState> = BTreeMap::new();
        for input in &self.resolved().inputs {
            let Input::Output { expert, output } = input else { continue };
            let from = self.session.pipeline.experts.get_index_of(expert)?;
            let Reads { deployed, view: trained } = *seen.get(&input.to_string())?;
            if !self.session.store.contains(&deployed) || !self.session.store.contains(&trained) {
                return None;
            }
            let now = states.get(&from)?;
            let state = before
                .entry(from)
                .or_insert_with(|| NodeState { views: BTreeMap::new(), ..(**now).clone() });
            for (view, object) in [(View::Deployed, deployed), (view, trained)] {
                let nothing = || Applied { outputs: BTreeMap::new(), cost: Cost::default() };
                let applied = state.views.entry(view).or_insert_with(nothing);
                for stored in output.stored() {
                    applied.outputs.insert(stored.name().to_owned(), object);
                }
            }
        }
        Some(before.into_iter().map(|(from, state)| (from, Arc::new(state))).collect())
    }

    /// How a part of an anchor is fitted; `None` if these settings on those inputs are another recipe.
    fn way(
        self,
        part: Part,
        standing: &Standing,
        before: &States,
    ) -> Result<Option<Way>, EngineError> {
        let Some(inputs) = self.fit_inputs(part, before)? else { return Ok(None) };
        let expert = self.declared();
        let cold = match part {
            Part::Baseline(kind @ (Baseline::Majority | Baseline::Linear)) => {
                baseline_recipe(kind, &inputs, expert)
            }
            _ => fit_recipe(expert, &inputs),
        };
        if cold.digest() == standing.recipe {
            return Ok(Some(Way { recipe: cold, warm: None }));
        }
        let Some(stored) = self.session.store.recipe(&standing.recipe)? else { return Ok(None) };
        let mut stripped = stored.clone();
        let Some(Ingredient::Digest(parent)) = stripped.ingredients.remove(PARENT) else {
            return Ok(None);
        };
        let warm = self.session.fit_by_model(&parent)?;
        Ok((stripped == cold && warm.is_some()).then_some(Way { recipe: stored, warm }))
    }

    /// Fits a part of an anchor again.
    fn again(
        self,
        (part, standing): (Part, &Standing),
        named: &[(Part, Standing)],
        before: &States,
    ) -> Result<Again, EngineError> {
        let Some(Way { recipe, warm }) = self.way(part, standing, before)? else {
            return Ok(Err(format!("{part} cannot be fitted again as it was")));
        };
        let Some(_lock) =
            self.session.store.lock_unless(&standing.recipe, &self.session.interrupted)?
        else {
            return Err(EngineError::Interrupted);
        };
        // Whoever held the lock may have made it meanwhile.
        if self.session.fit_of(standing)?.is_some() {
            return Ok(Ok(()));
        }
        let (node, name) = (self.node_name(), part.to_string());
        let epochs = match part {
            Part::Baseline(_) => 0,
            _ => self.declared().train.epochs,
        };
        self.session.observer.event(Event::FitStarted {
            node: node.clone(),
            part: name.clone(),
            epochs,
        });
        let clock = Clock::start();
        let result = self.compute(part, &recipe, warm.as_ref(), before);
        let cost = clock.stop();
        let (seconds, ok) = (cost.seconds, result.is_ok());
        self.session.observer.event(Event::FitEnded { node, part: name, seconds, ok });
        let (model, fit) = match result {
            Ok(done) => done,
            Err(EngineError::Fit(failure)) => return Ok(Err(failure.reason)),
            Err(other) => return Err(other),
        };
        let object = self.session.store.put(&model.to_bytes())?;
        if object != standing.realisation {
            return Ok(Err(format!("fitted again, {part} has other bits on this processor")));
        }
        let mut records: BTreeMap<Digest, Fit> =
            self.session.store.realisations(&standing.recipe)?;
        let fit = match records.remove(&object) {
            Some(record) => record,
            None => {
                let cost = Cost { peak_bytes: fit.cost.peak_bytes, ..cost };
                let left = self.session.left(named)?;
                let own = fit.seen.and_then(|seen| {
                    let own = seen.membership.clone()?;
                    // What the models above had seen then, every part knows.
                    let then = left.as_ref()?.seen.as_ref()?;
                    let above = then.membership.as_ref()?.above.clone();
                    let membership = Some(Membership { above, ..own });
                    let upstream = then.upstream.clone();
                    let (classes, split_by) = (then.classes.clone(), then.split_by.clone());
                    Some(SeenByFit { membership, upstream, classes, split_by, ..seen })
                });
                let Some(seen) = own else {
                    return Ok(Err(
                        "no record says which rows the models behind it have seen".into()
                    ));
                };
                let table = left.and_then(|left| left.table);
                Fit { model: object, cost, seen: Some(seen), table, ..fit }
            }
        };
        self.session.store.realise(&recipe, &object, &fit)?;
        Ok(Ok(()))
    }

    /// Is it known which rows a part of an anchor has seen? Sets that were lost are made again: they
    /// follow from the rows.
    fn remembers(
        self,
        part: Part,
        standing: &Standing,
        states: &States,
    ) -> Result<bool, EngineError> {
        let Some(fit) = self.session.fit_of(standing)? else { return Ok(false) };
        // A record of an older version says nothing, and counts as one that has seen everything.
        let Some(membership) = fit.seen.and_then(|seen| seen.membership) else { return Ok(true) };
        // Read, and not only asked for: a damaged set counts as every row, which is no reason to train.
        let whole = || -> Result<bool, EngineError> {
            for set in membership.all().flat_map(|members| [members.trained, members.chosen]) {
                if self.session.store.path(&set)?.is_none() {
                    return Ok(false);
                }
            }
            Ok(true)
        };
        if whole()? {
            return Ok(true);
        }
        self.membership(part, None, states)?;
        whole()
    }
}

impl Session {
    /// The record of a part that is not lost: fold or full, which read what the others read.
    fn left(&self, named: &[(Part, Standing)]) -> Result<Option<Fit>, EngineError> {
        for (part, standing) in named {
            if matches!(part, Part::Baseline(_)) {
                continue;
            }
            if let Some(fit) = self.record_of(standing)? {
                return Ok(Some(fit));
            }
        }
        Ok(None)
    }
}
