//! `--locked`: refuses every change of the lock file.
//!
//! Before anything is fitted the plan is asked: whatever would be trained, kept or patched is a change of the
//! lock. What a plan cannot foresee (the content of a table that nothing reads, a model that came out with
//! other bits) shows when the lock would be written, and it is not written.

use collegium_records::{Action, Lock, Reason};

use crate::{EngineError, LockChange, PlanOptions, Session, planning::planned, rotate::Rotations};

/// Refuses what would change the lock of these experts.
///
/// # Errors
/// [`EngineError::Locked`], with each change in words; and as [`crate::plan`].
pub fn keep_lock(session: &Session, options: &PlanOptions) -> Result<(), EngineError> {
    refuse(changes(session, options, false)?)
}

/// The same for whoever reads the deployed models alone: what else of the store is lost may stay so.
///
/// # Errors
/// As [`keep_lock`].
pub fn keep_models(session: &Session, nodes: &[String]) -> Result<(), EngineError> {
    let options = PlanOptions { nodes: nodes.to_vec(), ..PlanOptions::default() };
    refuse(changes(session, &options, true)?)
}

pub(crate) fn refuse(changes: Vec<LockChange>) -> Result<(), EngineError> {
    if changes.is_empty() { Ok(()) } else { Err(EngineError::Locked(changes)) }
}

fn changes(
    session: &Session,
    options: &PlanOptions,
    models_alone: bool,
) -> Result<Vec<LockChange>, EngineError> {
    let mut changes = Vec::new();
    for node in planned(session, options, false, session)?.nodes {
        let what = match node.action {
            Action::Cached | Action::Frozen if !session.lock.node.contains_key(&node.name) => {
                "would be added"
            }
            Action::Cached | Action::Frozen => continue,
            Action::Train => "would be trained",
            Action::MayTrain => "might be trained",
            Action::Keep => "would be kept under another certificate",
            Action::Patch => "would be patched",
        };
        // Where models and data that are at hand are enough, a plan still names what a run would make again.
        let gone = |reason: &Reason| matches!(reason, Reason::NotInStore(_));
        let lost = !node.reasons.is_empty() && node.reasons.iter().all(gone);
        if models_alone && lost {
            continue;
        }
        let why = match node.reasons.is_empty() {
            true => String::new(),
            false => format!(": {}", Reason::list(&node.reasons)),
        };
        changes.push(LockChange { name: node.name, what: format!("{what}{why}") });
    }
    if !models_alone {
        changes.extend(changed_rotations(session, options)?);
    }
    Ok(changes)
}

/// What would be fitted in rotations.
fn changed_rotations(
    session: &Session,
    options: &PlanOptions,
) -> Result<Vec<LockChange>, EngineError> {
    let Some(rotations) = Rotations::open(session)? else { return Ok(Vec::new()) };
    let plan = rotations.plan(session, options)?;
    let change = |node: &collegium_records::RotatedNodePlan| LockChange {
        name: node.name.clone(),
        what: format!("{} fits of rotations would be executed", node.count()),
    };
    Ok(plan.nodes.iter().map(change).collect())
}

/// Differences between two lock files, block by block.
pub(crate) fn differences(before: &Lock, after: &Lock) -> Vec<LockChange> {
    let mut changes = Vec::new();
    let mut add = |name: &String, what: String| {
        changes.push(LockChange { name: name.clone(), what });
    };
    for (name, now) in &after.data {
        match before.data.get(name) {
            Some(was) if was == now => {}
            None => add(name, "would be added".to_owned()),
            Some(was) if was.table != now.table => add(name, "has another content".to_owned()),
            Some(was) if was.sides != now.sides => {
                add(name, "has other sides of the split".to_owned())
            }
            Some(_) => add(name, "has other settings of its first run".to_owned()),
        }
    }
    for (name, now) in &after.node {
        match before.node.get(name) {
            Some(was) if was == now => {}
            None => add(name, "would be added".to_owned()),
            Some(was) if was.realisation != now.realisation => {
                let (was, now) = (was.realisation.short(), now.realisation.short());
                add(name, format!("would stand on model {now} instead of {was}"));
            }
            Some(was) if was.certificate != now.certificate => {
                add(name, "would have another certificate".to_owned());
            }
            Some(was) => {
                let mut lines = Vec::new();
                for (line, differs) in [
                    ("recipe", was.recipe != now.recipe),
                    ("outputs", was.outputs != now.outputs),
                    ("held", was.held != now.held),
                    ("parts", was.parts != now.parts),
                    ("reads", was.reads != now.reads),
                    ("hands", was.hands != now.hands),
                    ("tuned", was.tuned != now.tuned),
                    ("overrides", was.overrides != now.overrides),
                ] {
                    lines.extend(differs.then_some(line));
                }
                add(name, format!("would have other lines: {}", lines.join(", ")));
            }
        }
    }
    if before.rotated != after.rotated {
        add(&"rotations".to_owned(), "would stand on other models".to_owned());
    }
    let gone = |name: &String, there: bool| (!there).then(|| name.clone());
    let data = before.data.keys().filter_map(|name| gone(name, after.data.contains_key(name)));
    let nodes = before.node.keys().filter_map(|name| gone(name, after.node.contains_key(name)));
    let gone: Vec<String> = data.chain(nodes).collect();
    for name in &gone {
        add(name, "would be removed".to_owned());
    }
    changes
}
