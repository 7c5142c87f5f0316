//! Audit context of one node.

use collegium_engine::{
    EngineError, NodeRef, Session,
    states::{NodeState, States},
};
use collegium_probe::Groups;

/// A node that is audited: its handle, and what the fits of all nodes gave. It is copied like the handle.
#[derive(Clone, Copy)]
pub(crate) struct Auditor<'s> {
    pub(crate) node: NodeRef<'s>,
    pub(crate) states: &'s States,
}

impl<'s> Auditor<'s> {
    pub(crate) fn new(session: &'s Session, index: usize, states: &'s States) -> Self {
        Self { node: session.node(index), states }
    }

    pub(crate) fn session(self) -> &'s Session {
        self.node.session
    }

    /// The state of this node.
    pub(crate) fn state(self) -> Result<&'s NodeState, EngineError> {
        let state = self.states.get(&self.node.index).map(AsRef::as_ref);
        state.ok_or_else(|| EngineError::Internal("an expert without a state".to_owned()))
    }

    /// The groups that some of the node's rows are resampled by; `None` where each stands for itself.
    pub(crate) fn groups_of(self, rows: &[u32]) -> Result<Option<Groups>, EngineError> {
        self.node.groups_of(self.state()?, rows)
    }

    /// Another node of the same pipeline.
    pub(crate) fn of(self, index: usize) -> Self {
        Self { node: self.session().node(index), ..self }
    }
}
