//! Node handle: one expert of an open pipeline, and what is known of it without reading any row.

use std::sync::Arc;

use collegium_data::Prepared;
use collegium_manifest::Expert;
use collegium_records::LockedNode;

use crate::{EngineError, Session, error::data_error, held::model::HeldModel, resolved::Resolved};

/// One expert of an open pipeline. A handle is two words and is copied; what it hands out lives as long as
/// the session.
#[derive(Clone, Copy)]
pub struct NodeRef<'s> {
    /// The pipeline it belongs to.
    pub session: &'s Session,
    /// Its position in the pipeline file, which is also its number in the [`Dag`](collegium_plan::Dag).
    pub index: usize,
}

impl Session {
    /// The expert at a position, one of [`Session::select`] or of the DAG.
    pub fn node(&self, index: usize) -> NodeRef<'_> {
        NodeRef { session: self, index }
    }
}

impl<'s> NodeRef<'s> {
    /// What the pipeline file declares.
    pub fn declared(self) -> &'s Expert {
        &self.session.pipeline.experts[self.index]
    }

    /// Its resolved columns: types, classes, task.
    pub fn resolved(self) -> &'s Resolved {
        &self.session.resolved[self.index]
    }

    /// `NAME`
    pub fn name(self) -> &'s str {
        self.session.pipeline.experts.get_index(self.index).map_or("", |(name, _)| name.as_str())
    }

    /// `expert.NAME`, `gate.NAME`, `mixture.NAME`: its name in the lock and in every record.
    pub fn node_name(self) -> String {
        let node = self.session.pipeline.experts.get_index(self.index);
        node.map_or_else(String::new, |(name, expert)| format!("{}.{name}", expert.section()))
    }

    /// Its entry in the lock as the pipeline was opened.
    pub(crate) fn locked(self) -> Option<&'s LockedNode> {
        self.session.lock.node.get(&self.node_name())
    }

    /// The held model that it uses without training (frozen, pinned, or another pipeline's), if it has one.
    pub(crate) fn held_model(self) -> Option<&'s HeldModel> {
        self.session.held.get(self.index)?.as_deref()
    }

    /// Its data source, read.
    pub fn prepared(self) -> &'s Prepared {
        &self.session.data[&self.declared().data]
    }

    /// The columns of an expert's table that anything reads.
    pub fn table(self) -> Result<Arc<collegium_table::Table>, EngineError> {
        let name = &self.declared().data;
        let wanted = self.session.wanted(name);
        self.session.data[name]
            .columns(&wanted)
            .map_err(|error| data_error(error, &self.session.pipeline.source))
    }
}
