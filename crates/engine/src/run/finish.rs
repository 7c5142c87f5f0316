//! End of a run: writes the lock file and the log, and makes the report.

use std::{collections::BTreeMap, sync::atomic::Ordering};

use collegium_digest::{Digest, Hasher};
use collegium_manifest::bare_name;
use collegium_plan::{Part, view_name};
use collegium_records::{
    EndToEnd, FORMAT_VERSION, Fit, Held, Lock, LockedNode, NodeRun, Outcome, Recipe, RunReport,
    SearchRun, Standing,
};
use collegium_store::{LOCK_FORMAT, read_lock, write_lock};

use super::Shared;
use crate::{
    Depth, EngineError, Event, Session, locked as locked_out, membership,
    mutex::lock_mutex,
    requirement,
    rotate::RotatedRun,
    states::{NodeState, States},
};

/// Writes the lock and the log, and makes the report.
pub(super) fn finish(
    shared: &Shared,
    end_to_end: Vec<EndToEnd>,
    rotated: Option<RotatedRun>,
    searches: Vec<SearchRun>,
) -> Result<RunReport, EngineError> {
    shared.session.observer.event(Event::Ended);
    let session = &shared.session;
    let states = lock_mutex(&shared.states);
    let mut runs = lock_mutex(&shared.runs);
    // Another run may have written its nodes meanwhile: only our own are replaced, one run at a time.
    let path = session.lock_path();
    let name = Hasher::new("lock file").text(&path.to_string_lossy()).finish();
    let held = session.store.lock(&name)?;
    let earlier = Lock { format: LOCK_FORMAT, ..read_lock(&path)? };
    let mut lock = earlier.clone();
    place(session, &states, &mut lock, !shared.locked)?;
    for index in states.keys() {
        if let Some(block) = lock.node.get_mut(&session.node(*index).node_name()) {
            block.overrides = session.overrides();
        }
    }
    // A run that failed somewhere does not speak for all of the data.
    let whole = !runs.values().any(|run| matches!(run.outcome, Outcome::Failed | Outcome::Blocked));
    if whole {
        lock.data = session.locked_data()?;
    }
    // Where rotations were not come to, because something failed before, what they stood on stays.
    match &rotated {
        Some(rotated) => lock.rotated = Some(rotated.locked),
        None if session.pipeline.evaluate.rotate.is_none() => lock.rotated = None,
        None => {}
    }
    let mut notes = Vec::new();
    if shared.locked {
        match lock_mutex(&shared.fatal).take() {
            Some(error) => return Err(error),
            None => locked_out::refuse(locked_out::differences(&earlier, &lock))?,
        }
    } else {
        notes = session.note_other_bits(&earlier, &lock)?;
        // What the lock names must be durable before the lock is.
        session.store.flush()?;
        write_lock(&path, &lock)?;
    }
    drop(held);
    notes.extend(session.changed_inputs());
    notes.extend(session.notes());
    let wanted: Vec<String> = shared.wanted.iter().map(|&i| session.node(i).node_name()).collect();
    notes.extend(session.provenance_notes(&wanted)?);
    let findings = session.findings(&wanted, Depth::Counts)?;
    let mut nodes: Vec<NodeRun> =
        session.dag.order().iter().filter_map(|index| runs.remove(index)).collect();
    notes.extend(nodes.iter().flat_map(membership::notes));
    for node in &mut nodes {
        let of = rotated.as_ref().and_then(|rotated| rotated.report.node(&node.name));
        if let Some(headline) = of.and_then(|of| of.headline.clone()) {
            node.headline = Some(headline);
        }
    }
    let requirements: Vec<_> =
        session.pipeline.evaluate.require.iter().map(|r| r.get_ref()).collect();
    let interrupted = session.interrupted.load(Ordering::Relaxed);
    let requirements = match shared.wanted.len() == session.pipeline.experts.len() {
        // Nothing is held against a run that was stopped.
        _ if interrupted => Vec::new(),
        true => requirement::check(&requirements, &nodes),
        // A partial run is only held to what it ran.
        false => {
            let ran = |name: &str| nodes.iter().any(|node| bare_name(&node.name) == name);
            let held: Vec<_> = requirements.into_iter().filter(|r| ran(&r.expert)).collect();
            requirement::check(&held, &nodes)
        }
    };
    let report = RunReport {
        format_version: FORMAT_VERSION,
        pipeline: session.pipeline.name.clone(),
        seconds: 0.0,
        peak_bytes: peak_memory(),
        nodes,
        requirements,
        end_to_end,
        notes,
        findings,
        interrupted,
        report: None,
        audit: None,
        rotated: rotated.as_ref().map(|rotated| rotated.report.clone()),
        searches,
        overrides: session.overrides(),
    };
    session.store.log_run(&report)?;
    if lock_mutex(&shared.fatal).is_none() && shared.exact.is_empty() {
        session.file_fresh(&states, rotated.as_ref(), &report)?;
    }
    session.store.flush()?;
    match lock_mutex(&shared.fatal).take() {
        Some(error) => Err(error),
        None => Ok(report),
    }
}

/// Puts the blocks of these states in a lock.
pub(crate) fn place(
    session: &Session,
    states: &States,
    lock: &mut Lock,
    file: bool,
) -> Result<(), EngineError> {
    lock.node.retain(|name, _| session.index(name).is_ok());
    for (&index, state) in states {
        let mut block = locked(session, state);
        block.tuned = session.node(index).tuned().cloned();
        let name = session.node(index).node_name();
        // A run of some experts does not ask the others' folds; what they stand on stays.
        if let Some(before) = lock.node.remove(&name)
            && (before.realisation, before.outputs) == (block.realisation, block.outputs)
        {
            for (part, standing) in before.parts {
                block.parts.entry(part).or_insert(standing);
            }
            for (output, object) in before.hands {
                block.hands.entry(output).or_insert(object);
            }
        }
        if file {
            session.file_standing(&block)?;
        }
        lock.node.insert(name, block);
    }
    Ok(())
}

impl Session {
    /// Files which fold models belong to a full model, so that a pin to it finds them.
    fn file_standing(&self, block: &LockedNode) -> Result<(), EngineError> {
        let others = matches!(block.held, Some(Held::Pinned | Held::Sourced));
        if others || !block.parts.keys().any(|name| name.is_fold()) {
            return Ok(());
        }
        let recipe = Recipe::new("standing").with("realisation", block.realisation);
        let known: BTreeMap<Digest, LockedNode> = self.store.realisations(&recipe.digest())?;
        if known.values().any(|known| known.parts == block.parts) {
            return Ok(());
        }
        Ok(self.store.realise(&recipe, &recipe.digest(), block)?)
    }
}

fn locked(session: &Session, state: &NodeState) -> LockedNode {
    let full = state.full();
    let standing =
        |(recipe, fit): &(Digest, Fit)| Standing { recipe: *recipe, realisation: fit.model };
    let mut hands = BTreeMap::new();
    for (view, applied) in &state.views {
        for (output, object) in &applied.outputs {
            hands.insert(view_name(&session.pipeline, output, *view), *object);
        }
    }
    LockedNode {
        recipe: state.recipe,
        realisation: full.model,
        outputs: state.applied,
        held: state.held,
        parts: state
            .parts
            .iter()
            .filter(|(part, _)| **part != Part::Full)
            .map(|(part, made)| (part.name(), standing(made)))
            .collect(),
        reads: state.reads.clone(),
        hands,
        certificate: state.certificate.clone(),
        tuned: None,
        overrides: Vec::new(),
        seal: None,
    }
}

/// Most bytes that this process held at once, as the system counts them; 0 where it does not say.
pub fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<u64>().ok())
        .map_or(0, |kib| kib * 1024)
}
