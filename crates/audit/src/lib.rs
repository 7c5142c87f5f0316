//! Model audits: metrics, importances, ablations and layers of each expert, and `diff` of two versions.
//!
//! An audit stands above the engine and only reads: it takes the models, outputs and rows of an open pipeline and
//! measures them by the pure functions of `collegium-probe`. It fits nothing but the refits that `[audit]` asks for and
//! the controls of a gate, which are fits like any others, under recipes of their own.
//!
//! What is measured of one node are its *views* (`views/`). A view is a module with a record, a way to measure it, and a
//! place in [`NodeAudit`]. Its record is kept in the store under a recipe that names the node's fits, outputs and
//! settings, the view, and the view's version, so that an audit after a change measures again only what moved, and
//! an audit by a newer Collegium only the views that are newer. What is asked for on the command line, comparisons
//! between experts and where labels come from are added to the views and not kept. Sentences (`findings/`) follow
//! from the numbers, so they are made anew each time.
//!
//! [`diff`] compares two versions of a lock by what they do: their predictions on the same rows, and what they look at.
//!
//! Rejected: one record for all views (a change to one measured all of them again); views as objects behind a
//! pointer (each has a record of its own type, and nobody but the registry calls one without knowing which).

mod auditor;
mod diff;
mod findings;
mod looked;
mod peers;
mod price;
mod progress;
mod refits;
mod seeded;
mod shown;
mod skill;
mod subject;
mod view;
mod views;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use collegium_digest::Digest;
use collegium_manifest::{Baseline, Input, Spanned, Upstream, bare_name};
use collegium_plan::{Part, blended};
use collegium_records::{
    AuditPrice, AuditReport, Cost, DataSummary, Edge, FORMAT_VERSION, Headline, NodeAudit,
    Performance, Probe, RequirementOutcome, Rotated, Versions,
};

pub(crate) use auditor::Auditor;
pub use diff::{Version, diff};
use looked::Looked;
pub use price::{price, price_current};
use progress::Progress;
pub(crate) use refits::Refit;
use skill::no_skill;
pub(crate) use subject::Subject;
pub use views::{cues::Without, views};

use collegium_engine::{
    EngineError, Session,
    reuse::Judged,
    rows::{SIDES, side_name},
};

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
/// `audit.permuted` ask for; `told` hears the price of that before the first fit.
///
/// # Errors
/// [`EngineError::Usage`] naming the experts that are not up to date, or unknown, and for inputs and
/// rows that nobody reads or has; [`EngineError::Interrupted`] soon after somebody asked to stop: views that were
/// measured by then are kept.
pub fn audit(
    session: &Session,
    options: &AuditOptions,
    told: &dyn Fn(&AuditPrice),
) -> Result<(AuditReport, AuditPrice), EngineError> {
    let chosen: BTreeSet<usize> = session.select(&options.nodes)?.into_iter().collect();
    let states = session.current_states(&chosen)?;
    let price = price::of(session, &chosen, &states, false)?;
    told(&price);
    // Folds are asked for by those that read an expert.
    let read = chosen.iter().flat_map(|&index| session.dag.downstream(index));
    let with_readers: BTreeSet<usize> = chosen.iter().copied().chain(read).collect();
    let all = match with_readers == chosen {
        true => states.clone(),
        false => session.current_and_stale(&with_readers)?.0,
    };
    let order: Vec<usize> =
        session.dag.order().iter().copied().filter(|index| chosen.contains(index)).collect();
    peers::check_without(session, &options.without, &order)?;
    let progress = Progress::new(session, &order);
    let one = |index: usize| {
        session.go_on()?;
        progress.begins(index);
        let auditor = Auditor::new(session, index, &states);
        let looked = Looked::new(auditor, &all)?;
        let mut audit = node_audit(&looked, &progress)?;
        auditor.add_standing(&mut audit)?;
        auditor.add_asked(options, &mut audit)?;
        auditor.add_account(&mut audit)?;
        add_findings(&looked, &mut audit)?;
        Ok(audit)
    };
    // Before minutes of measuring: rotations that are not up to date are known at once.
    let rotated = session.rotated_figures(&chosen)?;
    let mut audits = side_by_side(&order, options.jobs, &one)?;
    for audit in &mut audits {
        add_rotated(rotated.as_ref(), audit);
    }
    peers::add_peers(session, &order, &states, &mut audits)?;
    let requirements = session.requirements_of(&audits);
    add_doubts(session, &requirements, &mut audits);
    session.go_on()?;
    session.store.flush()?;
    let report = AuditReport {
        format_version: FORMAT_VERSION,
        pipeline: session.pipeline.name.clone(),
        created: collegium_engine::now(),
        versions: Versions {
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            lock: std::fs::read(session.lock_path()).ok().map(|lock| Digest::of(&lock)),
            commit: None,
        },
        requirements,
        data: data_summaries(session, &chosen),
        edges: edges(session, &audits),
        nodes: audits,
        price: None,
    };
    Ok((report, price))
}

/// Says of an expert that meets a requirement by its value, though not by its whole interval.
fn add_doubts(session: &Session, requirements: &[RequirementOutcome], audits: &mut [NodeAudit]) {
    for asked in session.pipeline.evaluate.require.iter().map(Spanned::get_ref) {
        let outcome = requirements.iter().find(|outcome| outcome.text == asked.text);
        let node = audits.iter_mut().find(|node| bare_name(&node.name) == asked.expert);
        if let (Some(finding), Some(node)) = (outcome.and_then(findings::doubt), node) {
            node.findings.push(finding);
        }
    }
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
                    done.lock().unwrap_or_else(PoisonError::into_inner).insert(at, result);
                }
            });
        }
    });
    let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.into_values().collect()
}

fn data_summaries(session: &Session, chosen: &BTreeSet<usize>) -> Vec<DataSummary> {
    let used: BTreeSet<&str> =
        chosen.iter().map(|&index| session.node(index).declared().data.as_str()).collect();
    session
        .data
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
            files: session.pipeline.data[name]
                .tables
                .values()
                .map(|pattern| pattern.get_ref().clone())
                .collect(),
            total: prepared.facts.rows,
            split: {
                let split = &session.pipeline.data[name].split;
                split.words() + &split.came_out(prepared.facts.sides).unwrap_or_default()
            },
            by: session.pipeline.data[name]
                .split
                .by
                .iter()
                .map(|column| column.get_ref().clone())
                .collect(),
            table: Some(prepared.object()),
        })
        .collect()
}

/// Every edge between the audited experts, their upstreams and their data, with the consumer's
/// reliance on it.
fn edges(session: &Session, audits: &[NodeAudit]) -> Vec<Edge> {
    let mut edges = Vec::new();
    for audit in audits {
        let Ok(index) = session.index(&audit.name) else { continue };
        let mut by_source: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for input in &session.node(index).declared().inputs {
            let from = match input.get_ref() {
                Input::Column { data, .. } => format!("data.{data}"),
                Input::Output { expert, .. } => session.pipeline.node_name(expert),
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
            let fed = match session.node(index).declared().upstream {
                _ if from.starts_with("data.") => None,
                Upstream::OutOfFold => Some("out-of-fold".to_owned()),
                Upstream::HeldOut => Some("held-out".to_owned()),
                Upstream::InSample => Some("in-sample".to_owned()),
            };
            edges.push(Edge { from, to: audit.name.clone(), inputs, share, fed });
        }
    }
    edges
}

impl Auditor<'_> {
    /// What an expert's standing rests on, and whether retraining would help, or did.
    fn add_standing(self, audit: &mut NodeAudit) -> Result<(), EngineError> {
        let Some(state) = self.states.get(&self.node.index) else { return Ok(()) };
        audit.certificate.clone_from(&state.certificate);
        let Some(now) = self.node.full_recipe(self.states)? else { return Ok(()) };
        if state.certificate.is_some() {
            if let Some(anchor) = self.node.anchor()?
                && let Judged::Known(judgement) = self.node.judge(&anchor, &now, self.states)?
            {
                audit.advice = Some(collegium_plan::reuse::advice(&judgement));
                audit.judgement = Some(*judgement);
            }
            return Ok(());
        }
        let name = self.node.node_name();
        let last = self.session().last_fit(&name, state.full().model)?;
        if let Some(run) = last
            && let Some(earlier) = self.session().earlier(&run)?
            && let Judged::Known(judgement) = self.node.judge(&earlier, &now, self.states)?
        {
            audit.advice = Some(collegium_engine::hindsight(&judgement, &run));
            audit.judgement = Some(*judgement);
        }
        Ok(())
    }

    /// What became of its rows, and why a metric is absent.
    fn add_account(self, audit: &mut NodeAudit) -> Result<(), EngineError> {
        audit.not_measured = self.node.explain_absent(&audit.metrics)?;
        audit.account = Some((*self.node.account()?).clone());
        audit.left_out = self.node.left_out()?.map(|(left, _)| left).filter(|left| *left > 0);
        Ok(())
    }
}

/// The figures over rotations: their mean stands for the node, and what the declared split has stays beside it.
fn add_rotated(rotated: Option<&Rotated>, audit: &mut NodeAudit) {
    let Some(mut found) = rotated.and_then(|of| of.node(&audit.name)).cloned() else { return };
    found.beside_split(audit.metrics.get("test").map(|test| &test.metrics));
    audit.headline = found.headline.clone().or(audit.headline.take());
    audit.rotated = Some(found);
}

/// Sentences follow from the numbers, so they are made anew and never cached with them.
fn add_findings(looked: &Looked, audit: &mut NodeAudit) -> Result<(), EngineError> {
    let node = looked.auditor.node;
    let notes = looked.model()?.encoder.notes();
    audit.uses = findings::uses(audit);
    let mut said = findings::of(audit, &notes, node.declared().train.epochs);
    // Of the data first: the figures rest on it.
    said.splice(0..0, node.findings_of()?);
    said.sort_by_key(|finding| finding.level);
    audit.findings = said;
    Ok(())
}

/// What its model cost: of a blend, all that it averages.
fn spent(looked: &Looked) -> Cost {
    let mut cost = looked.state.full().cost;
    for part in blended(looked.auditor.node.declared()).unwrap_or_default() {
        let Some((_, fit)) = looked.state.parts.get(&part) else { continue };
        cost.seconds += fit.cost.seconds;
        cost.cpu_seconds += fit.cost.cpu_seconds;
        cost.peak_bytes = cost.peak_bytes.max(fit.cost.peak_bytes);
    }
    cost
}

/// Its views, and what of its fit is shown beside them.
fn node_audit(looked: &Looked, progress: &Progress) -> Result<NodeAudit, EngineError> {
    let node = looked.auditor.node;
    let (expert, full) = (node.declared(), looked.state.full());
    let mut audit = NodeAudit {
        name: node.node_name(),
        task: full.task.clone(),
        target: format!("{}.{}", expert.data, expert.target.get_ref()),
        inputs: expert.inputs.iter().map(|input| input.get_ref().to_string()).collect(),
        filter: expert.filter.as_ref().map(|filter| filter.get_ref().clone()),
        model: expert.describe(),
        noun: expert.model.noun().to_owned(),
        classes: node.resolved().classes.clone(),
        decided: None,
        metrics: BTreeMap::new(),
        headline: None,
        rotated: None,
        out_of_fold: None,
        shift: None,
        not_measured: BTreeMap::new(),
        account: None,
        left_out: None,
        baselines: BTreeMap::new(),
        against: BTreeMap::new(),
        margins: node.session.pipeline.audit.margin.clone(),
        skill: no_skill(),
        confusion: None,
        reliability: None,
        agop: None,
        withheld: None,
        epochs: full.epochs.clone(),
        best_epoch: full.best_epoch,
        parameters: full.parameters,
        kept: full.kept,
        multiply_adds: full.multiply_adds,
        rows: full.rows,
        cost: spent(looked),
        recipe: looked.state.recipe,
        realisation: full.model,
        certificate: None,
        judgement: None,
        advice: None,
        performance: Performance::default(),
        probe: Probe::default(),
        combined: None,
        composite: None,
        search: node.searched()?,
        provenance: None,
        uses: Vec::new(),
        findings: Vec::new(),
    };
    views::place(looked, &mut audit, progress)?;
    seeded::carry(&mut audit);
    views::out_of_fold::add_shift(looked, &mut audit)?;
    let test = audit.metrics.get("test");
    audit.headline =
        test.and_then(|test| Headline::of_measures(&audit.task, audit.classes.len(), test));
    Ok(audit)
}

/// The baselines among a node's parts.
pub(crate) fn baselines(parts: &collegium_engine::states::Parts) -> Vec<Baseline> {
    parts
        .keys()
        .filter_map(|part| match part {
            Part::Baseline(baseline) => Some(*baseline),
            _ => None,
        })
        .collect()
}
