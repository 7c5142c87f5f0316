//! Audit context of one node.

use collegium_engine::{
    EngineError, NodeRef, Session,
    measure::Predicted,
    states::{NodeState, States},
};
use collegium_probe::{ClassDecision, Groups};

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

    /// Predictions (rows × `width`) beside the truth of these rows, decided as the deployed model is.
    pub(crate) fn with_truth(
        self,
        data: Vec<f32>,
        width: usize,
        rows: &[u32],
    ) -> Result<Predicted, EngineError> {
        Ok(self.node.with_truth(data, width, rows)?.decided(self.decision()?))
    }

    /// How classes are decided: as the deployed model decides, and where the expert is not up to date (`diff`), as the
    /// file says.
    pub(crate) fn decision(self) -> Result<ClassDecision, EngineError> {
        match self.states.get(&self.node.index) {
            Some(state) => self.node.decision(state),
            None => Ok(self.node.declared_decision()),
        }
    }

    /// Another node of the same pipeline.
    pub(crate) fn of(self, index: usize) -> Self {
        Self { node: self.session().node(index), ..self }
    }
}
