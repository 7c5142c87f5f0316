//! `status`: which models the lock uses, and which are stale.

use collegium_manifest::Pipeline;
use collegium_records::{Action, FORMAT_VERSION, Reason, RotatedPlan, Verdict};
use collegium_store::{broken_seals, read_lock};
use serde::Serialize;

use crate::{
    EngineError, ReportStatus, Session,
    planning::{PlanOptions, planned},
    rotate::Rotations,
    session::lock_path,
};

/// `status --json`
#[derive(Debug, Clone, Serialize)]
pub struct StatusReport {
    /// [`FORMAT_VERSION`]
    pub format_version: u32,
    /// The pipeline's name.
    pub pipeline: String,
    /// In topological order.
    pub nodes: Vec<NodeStatus>,
    /// The audit's pages of this pipeline, and whether they describe the models that the lock names.
    pub reports: Vec<ReportStatus>,
    /// With `evaluate.rotate`: what is to do for the rotations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotated: Option<RotatedPlan>,
}

/// One node's state.
#[derive(Debug, Clone, Serialize)]
pub struct NodeStatus {
    /// `expert.NAME`
    pub name: String,
    /// `fresh`, `kept`, `patched`, `frozen`, `stale`, `maybe-stale` or `never-fitted`.
    pub state: &'static str,
    /// Why it is not fresh.
    pub reasons: Vec<Reason>,
    /// First digits of the model object that the lock names.
    pub realisation: Option<String>,
    /// When that model was made, RFC 3339 in UTC.
    pub created: Option<String>,
    /// Trainable numbers of that model.
    pub parameters: Option<u64>,
    /// What `--set` said over the pipeline file in the run that wrote its block of the lock.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<String>,
}

/// `status --check --json`
#[derive(Debug, Clone, Serialize)]
pub struct CheckReport {
    /// [`FORMAT_VERSION`]
    pub format_version: u32,
    /// The pipeline's name.
    pub pipeline: String,
    /// Was every node trained on what its upstreams hand over, or has it a certificate for it?
    pub sound: bool,
    /// In the order of the file.
    pub nodes: Vec<CheckedNode>,
}

/// One node of a lock.
#[derive(Debug, Clone, Serialize)]
pub struct CheckedNode {
    /// `expert.NAME`
    pub name: String,
    /// `fit`, `kept`, `patched`, `held` or `nothing`.
    pub stands_on: &'static str,
    /// What is wrong, in words.
    pub findings: Vec<String>,
    /// What `--set` said over the pipeline file in the run that wrote its block; nothing is wrong with that.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<String>,
}

/// Checks a pipeline's lock against its file, without data and without a store.
///
/// # Errors
/// [`EngineError::Store`] for a lock file that cannot be read.
pub fn check_lock(pipeline: &Pipeline) -> Result<CheckReport, EngineError> {
    let lock = read_lock(&lock_path(pipeline))?;
    let broken = broken_seals(&lock_path(pipeline))?;
    let edited = |mut node: collegium_plan::NodeCheck| {
        if broken.contains(&node.name) {
            node.findings.push("its block is not as it was written".to_owned());
        }
        node
    };
    let overrides = |name: &str| lock.node.get(name).map(|node| node.overrides.clone());
    let nodes: Vec<CheckedNode> = collegium_plan::check(pipeline, &lock)
        .into_iter()
        .map(edited)
        .map(|node| CheckedNode {
            overrides: overrides(&node.name).unwrap_or_default(),
            name: node.name,
            stands_on: node.stands_on,
            findings: node.findings,
        })
        .collect();
    let sound = nodes.iter().all(|node| node.findings.is_empty());
    let pipeline = pipeline.name.clone();
    Ok(CheckReport { format_version: FORMAT_VERSION, pipeline, sound, nodes })
}

/// Compares the lock with what the pipeline file and the data ask for now.
///
/// # Errors
/// As [`crate::plan`].
pub fn status(session: &Session) -> Result<StatusReport, EngineError> {
    let plan = planned(session, &PlanOptions::default(), false, session)?;
    let mut nodes = Vec::new();
    for node in plan.nodes {
        let index = session.index(&node.name)?;
        let fit = session.node(index).locked_fit()?;
        let locked = session.lock.node.get(&node.name);
        let state = match (locked, node.action) {
            (None, _) => "never-fitted",
            (Some(locked), Action::Cached) => match &locked.certificate {
                Some(c) if c.verdict == Verdict::Patch => "patched",
                Some(_) => "kept",
                None => "fresh",
            },
            (Some(_), Action::Frozen) => "frozen",
            (Some(_), Action::MayTrain) => "maybe-stale",
            (Some(_), _) => "stale",
        };
        let mut reasons = node.reasons;
        if let Some(locked) = locked {
            reasons.extend(session.other_bits(&node.name, locked)?.into_iter().map(Reason::Note));
        }
        reasons.extend(session.node(index).seen_words()?.into_iter().map(Reason::Note));
        nodes.push(NodeStatus {
            name: node.name,
            state,
            reasons,
            realisation: locked.map(|locked| locked.realisation.short()),
            created: fit.as_ref().map(|fit| fit.created.clone()),
            parameters: fit.as_ref().map(|fit| fit.parameters),
            overrides: locked.map(|locked| locked.overrides.clone()).unwrap_or_default(),
        });
    }
    let reports = session.reports()?;
    let rotated = match Rotations::open(session)? {
        Some(rotations) => Some(rotations.plan(session, &PlanOptions::default())?),
        None => None,
    };
    let (format_version, pipeline) = (FORMAT_VERSION, plan.pipeline);
    Ok(StatusReport { format_version, pipeline, nodes, reports, rotated })
}
