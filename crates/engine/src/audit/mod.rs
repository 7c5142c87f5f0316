//! Everything that is measured of a pipeline's experts, as one record.
//!
//! An audit reads; it fits nothing but the refits that `[audit]` asks for. Each expert's part is cached
//! under a recipe of its own, so that an audit after a change measures again only what moved. What is
//! asked for on the command line, and comparisons between experts, are added to it and not cached.

mod combined;
mod conditional;
mod cues;
mod expert;
mod findings;
mod images;
mod layers;
mod looked_at;
mod measures;
mod peers;
mod raw;
mod refits;
mod rows;
mod shown;
mod subject;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use collegium_manifest::{Baseline, Input};
use collegium_plan::Part;
use collegium_records::{AuditReport, DataSummary, Edge, FORMAT_VERSION, NodeAudit, Recipe};

pub use cues::Without;
pub(crate) use measures::{RESAMPLES, reliability_of, with_intervals};
pub(crate) use refits::{PERMUTED, Refit};
pub(crate) use rows::losses_of;
pub(crate) use subject::Subject;

use crate::{
    EngineError, NodeRef, Session,
    inputs::{NodeState, States},
    reuse::{How, Judged},
    rows::{SIDES, side_name},
    session::lock_mutex,
};

/// Raised when an audit measures more or otherwise, so that no cached part of an older form is shown.
const FORM: u32 = 11;

/// What an audit is to measure.
#[derive(Debug, Clone)]
pub struct AuditOptions {
    /// Experts; empty: all.
    pub nodes: Vec<String>,
    /// Experts that are measured side by side.
    pub jobs: usize,
    /// Inputs that are taken from the whole pipeline, as a test.
    pub without: Vec<Without>,
    /// Rows of the data source whose outputs are to be explained, by number.
    pub rows: Vec<u64>,
}

impl Default for AuditOptions {
    fn default() -> Self {
        Self { nodes: Vec::new(), jobs: 1, without: Vec::new(), rows: Vec::new() }
    }
}

/// Audits the named experts. Their ancestors must be up to date. Fits nothing but what `audit.seeds` and
/// `audit.permuted` ask for.
///
/// # Errors
/// [`EngineError::Usage`] naming the experts that are not up to date, or unknown, and for inputs and
/// rows that nobody reads or has.
pub fn audit(
    session: &Session,
    options: &AuditOptions,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<AuditReport, EngineError> {
    let chosen: BTreeSet<usize> = session.select(&options.nodes)?.into_iter().collect();
    let states = session.current_states(&chosen)?;
    let order: Vec<usize> =
        session.dag.order().iter().copied().filter(|index| chosen.contains(index)).collect();
    session.check_without(&options.without, &order)?;
    let one = |index: usize| {
        if session.interrupted.load(Ordering::Relaxed) {
            return Err(EngineError::Interrupted);
        }
        progress(&session.node(index).node_name());
        let mut audit = session.node(index).node_audit(&states)?;
        session.node(index).add_standing(&states, &mut audit)?;
        session.node(index).add_asked(&states, options, &mut audit)?;
        session.node(index).add_account(&mut audit)?;
        session.node(index).add_findings(&states, &mut audit)?;
        Ok(audit)
    };
    let mut audits = side_by_side(&order, options.jobs, &one)?;
    session.add_peers(&order, &states, &mut audits)?;
    session.store.flush()?;
    Ok(AuditReport {
        format_version: FORMAT_VERSION,
        pipeline: session.pipeline.name.clone(),
        created: crate::run::now(),
        data: session.data_summaries(&chosen),
        edges: session.edges(&audits),
        nodes: audits,
    })
}

/// The results of `work` on each item, in their order, by some threads.
fn side_by_side<T: Send>(
    items: &[usize],
    jobs: usize,
    work: &(dyn Fn(usize) -> Result<T, EngineError> + Sync),
) -> Result<Vec<T>, EngineError> {
    let next = AtomicUsize::new(0);
    let done: Mutex<BTreeMap<usize, Result<T, EngineError>>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, items.len().max(1)) {
            scope.spawn(|| {
                while let Some(at) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).filter(|at| *at < items.len())
                {
                    let result = work(items[at]);
                    if result.is_err() {
                        next.store(items.len(), Ordering::Relaxed);
                    }
                    lock_mutex(&done).insert(at, result);
                }
            });
        }
    });
    let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.into_values().collect()
}

impl Session {
    /// The states of experts and their ancestors, when every one is up to date.
    pub(crate) fn current_states(&self, chosen: &BTreeSet<usize>) -> Result<States, EngineError> {
        let (states, stale) = self.current_and_stale(chosen)?;
        if stale.is_empty() {
            return Ok(states);
        }
        Err(EngineError::Usage(format!(
            "not up to date: {}; run `collegium run` first (`collegium plan` says why)",
            stale.join(", ")
        )))
    }

    /// The states of those of the experts and their ancestors that are up to date, and the names of
    /// the others.
    pub(crate) fn current_and_stale(
        &self,
        chosen: &BTreeSet<usize>,
    ) -> Result<(States, Vec<String>), EngineError> {
        let targets: Vec<usize> = chosen.iter().copied().collect();
        let wanted = self.dag.with_ancestors(&targets);
        let mut states = States::new();
        let mut stale = Vec::new();
        for &index in self.dag.order() {
            if !wanted.contains(&index) {
                continue;
            }
            match self.node(index).ready(&wanted, &states, How::default())? {
                Some(ready) if ready.open.is_empty() => {
                    let state = self.node(index).state(ready, &wanted, &states)?;
                    states.insert(index, Arc::new(state));
                }
                _ => stale.push(self.node(index).node_name()),
            }
        }
        Ok((states, stale))
    }

    fn data_summaries(&self, chosen: &BTreeSet<usize>) -> Vec<DataSummary> {
        let used: BTreeSet<&str> =
            chosen.iter().map(|&index| self.node(index).declared().data.as_str()).collect();
        self.data
            .iter()
            .filter(|(name, _)| used.contains(name.as_str()))
            .map(|(name, prepared)| DataSummary {
                name: name.clone(),
                rows: SIDES
                    .iter()
                    .zip(prepared.facts.sides)
                    .map(|(&side, rows)| (side_name(side).to_owned(), rows))
                    .collect(),
                columns: prepared.facts.columns.len() as u64,
                files: self.pipeline.data[name]
                    .tables
                    .values()
                    .map(|pattern| pattern.get_ref().clone())
                    .collect(),
            })
            .collect()
    }

    /// Every edge between the audited experts, their upstreams and their data, with the consumer's
    /// reliance on it.
    fn edges(&self, audits: &[NodeAudit]) -> Vec<Edge> {
        let mut edges = Vec::new();
        for audit in audits {
            let Ok(index) = self.index(&audit.name) else { continue };
            let mut by_source: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for input in &self.node(index).declared().inputs {
                let from = match input.get_ref() {
                    Input::Column { data, .. } => format!("data.{data}"),
                    Input::Output { expert, .. } => self.pipeline.node_name(expert),
                };
                by_source.entry(from).or_default().push(input.get_ref().to_string());
            }
            for (from, inputs) in by_source {
                let share = audit.agop.as_ref().map(|agop| {
                    agop.importance
                        .iter()
                        .filter(|importance| inputs.contains(&importance.input))
                        .map(|importance| importance.share)
                        .sum()
                });
                edges.push(Edge { from, to: audit.name.clone(), inputs, share });
            }
        }
        edges
    }
}

impl NodeRef<'_> {
    /// What an expert's standing rests on, and whether retraining would help, or did.
    fn add_standing(self, states: &States, audit: &mut NodeAudit) -> Result<(), EngineError> {
        let Some(state) = states.get(&self.index) else { return Ok(()) };
        audit.certificate.clone_from(&state.certificate);
        let Some(now) = self.full_recipe(states)? else { return Ok(()) };
        if state.certificate.is_some() {
            if let Some(anchor) = self.anchor()?
                && let Judged::Known(judgement) = self.judge(&anchor, &now, states)?
            {
                audit.advice = Some(collegium_plan::reuse::advice(&judgement));
                audit.judgement = Some(*judgement);
            }
            return Ok(());
        }
        let name = self.node_name();
        let last = self.session.last_fit(&name, state.full().model)?;
        if let Some(run) = last
            && let Some(earlier) = self.session.earlier(&run)?
            && let Judged::Known(judgement) = self.judge(&earlier, &now, states)?
        {
            audit.advice = Some(crate::explain::hindsight(&judgement, &run));
            audit.judgement = Some(*judgement);
        }
        Ok(())
    }

    /// What became of its rows, and why a metric is absent.
    fn add_account(self, audit: &mut NodeAudit) -> Result<(), EngineError> {
        audit.not_measured = self.explain_absent(&audit.metrics)?;
        audit.account = Some((*self.account()?).clone());
        audit.left_out = self.left_out()?.map(|(left, _)| left).filter(|left| *left > 0);
        Ok(())
    }

    /// Sentences follow from the numbers, so they are made anew and never cached with them.
    fn add_findings(self, states: &States, audit: &mut NodeAudit) -> Result<(), EngineError> {
        let Some(state) = states.get(&self.index) else { return Ok(()) };
        let notes = self.session.model(state.full())?.encoder.notes();
        let mut said = findings::of(audit, &notes, self.declared().train.epochs);
        // Of the data first: the figures rest on it.
        said.splice(0..0, self.findings_of()?);
        said.sort_by_key(|finding| finding.level);
        audit.findings = said;
        Ok(())
    }

    fn node_audit(self, states: &States) -> Result<NodeAudit, EngineError> {
        let state = states
            .get(&self.index)
            .cloned()
            .ok_or_else(|| EngineError::Internal("an expert without a state".to_owned()))?;
        let recipe = self.audit_recipe(&state, states)?;
        let known: BTreeMap<_, NodeAudit> = self.session.store.realisations(&recipe.digest())?;
        if let Some(known) = known.into_values().next() {
            return Ok(known);
        }
        let made = self.make_audit(&state, states, &recipe.digest())?;
        self.session.store.realise(&recipe, &recipe.digest(), &made)?;
        Ok(made)
    }

    /// Everything that an expert's part of an audit depends on. Its digest is what the resamples of its
    /// metrics are drawn by.
    pub(crate) fn audit_recipe(
        self,
        state: &NodeState,
        states: &States,
    ) -> Result<Recipe, EngineError> {
        let audit = &self.session.pipeline.audit;
        let mut recipe = self
            .measure_recipe("audit", state, None)?
            .with("name", self.node_name())
            .with("audit.rows", audit.rows)
            .with("audit.bootstrap", audit.bootstrap)
            .with("audit.form", FORM)
            .with("audit.seeds", audit.seeds)
            .with("audit.permuted", audit.permuted)
            .with("seed", self.session.pipeline.seed.to_string());
        // Which folds are at hand depends on who else is audited, and nothing here reads them.
        let read = state.parts.iter().filter(|(part, _)| !matches!(part, Part::Fold { .. }));
        for (part, (_, fit)) in read {
            recipe.set(format!("fit.{part}"), fit.model);
        }
        // Raw columns are seen through the models above, whatever these hand over.
        for above in self.session.dag.with_ancestors(&[self.index]) {
            if above != self.index
                && let Some(state) = states.get(&above)
            {
                recipe
                    .set(format!("above.{}", self.session.node(above).name()), state.full().model);
            }
        }
        for input in self.resolved().raw.iter() {
            if let Input::Column { data, column } = input
                && let Some(facts) = self.session.column_facts(data, column)
            {
                recipe.set(format!("raw.{input}"), facts.digest);
            }
        }
        self.add_groups(&mut recipe)?;
        Ok(recipe)
    }
}

/// The baselines among a node's parts.
pub(crate) fn baselines(parts: &crate::apply::Parts) -> Vec<Baseline> {
    parts
        .keys()
        .filter_map(|part| match part {
            Part::Baseline(baseline) => Some(*baseline),
            _ => None,
        })
        .collect()
}

/// How a baseline is named in records.
pub(crate) fn baseline_name(baseline: Baseline) -> &'static str {
    match baseline {
        Baseline::Majority => "majority",
        Baseline::Linear => "linear",
        Baseline::Single => "single",
    }
}
