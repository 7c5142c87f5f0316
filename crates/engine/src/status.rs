//! What the lock stands on, and what is stale.

use collegium_records::{Action, FORMAT_VERSION};
use serde::Serialize;

use crate::{
    EngineError, Session,
    planning::{PlanOptions, planned},
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
}

/// One node's state.
#[derive(Debug, Clone, Serialize)]
pub struct NodeStatus {
    /// `expert.NAME`
    pub name: String,
    /// `fresh`, `stale`, `maybe-stale` or `never-fitted`.
    pub state: &'static str,
    /// Why it is not fresh, in words.
    pub reasons: Vec<String>,
    /// First digits of the model object that the lock stands on.
    pub realisation: Option<String>,
    /// When that model was made, RFC 3339 in UTC.
    pub created: Option<String>,
    /// Trainable numbers of that model.
    pub parameters: Option<u64>,
}

/// Compares the lock with what the pipeline file and the data ask for now.
///
/// # Errors
/// As [`plan`].
pub fn status(session: &Session) -> Result<StatusReport, EngineError> {
    let plan = planned(session, &PlanOptions::default(), false)?;
    let mut nodes = Vec::new();
    for node in plan.nodes {
        let index = session.index(&node.name)?;
        let fit = session.locked_fit(index)?;
        let locked = session.lock.node.get(&node.name);
        let state = match (locked, node.action) {
            (None, _) => "never-fitted",
            (Some(_), Action::Cached) => "fresh",
            (Some(_), Action::MayTrain) => "maybe-stale",
            (Some(_), _) => "stale",
        };
        nodes.push(NodeStatus {
            name: node.name,
            state,
            reasons: node.reasons,
            realisation: locked.map(|locked| locked.realisation.short()),
            created: fit.as_ref().map(|fit| fit.created.clone()),
            parameters: fit.as_ref().map(|fit| fit.parameters),
        });
    }
    Ok(StatusReport { format_version: FORMAT_VERSION, pipeline: plan.pipeline, nodes })
}
