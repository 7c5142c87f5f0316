//! Audit context of one node.

use collegium_engine::{NodeRef, Session, states::States};

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

    /// Another node of the same pipeline.
    pub(crate) fn of(self, index: usize) -> Self {
        Self { node: self.session().node(index), ..self }
    }
}
