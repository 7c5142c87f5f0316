//! Progress of an audit: how far it is through the views of all nodes, by what they cost.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use collegium_engine::{Event, Session};

use crate::views;

/// Multiply-adds that reading, dealing and summing a row are worth.
const ROW: u64 = 1000;

/// The audit of some nodes, on its way.
pub(crate) struct Progress<'s> {
    session: &'s Session,
    /// What a node's views cost, in about the same units for all nodes, by position.
    costs: BTreeMap<usize, u64>,
    done: AtomicU64,
}

impl<'s> Progress<'s> {
    pub(crate) fn new(session: &'s Session, nodes: &[usize]) -> Self {
        let cost = |&index: &usize| {
            let node = session.node(index);
            let rows: u64 = node.prepared().facts.sides.iter().sum();
            let products = node.expected_cost().apply.multiply_adds.saturating_add(ROW);
            // Thousands, so that sums of many stay far from the end.
            (index, (rows.saturating_mul(products) / 1000).max(1))
        };
        let costs = nodes.iter().map(cost).collect();
        Self { session, costs, done: AtomicU64::new(0) }
    }

    /// A node begins.
    pub(crate) fn begins(&self, index: usize) {
        self.tell(index, None, 0);
    }

    /// A view of a node begins.
    pub(crate) fn view(&self, index: usize, view: &'static str) {
        self.tell(index, Some(view), 0);
    }

    /// A view of a node is done, or has nothing to do.
    pub(crate) fn viewed(&self, index: usize, view: &'static str) {
        self.tell(index, Some(view), self.cost(index) * views::weight(view));
    }

    fn cost(&self, index: usize) -> u64 {
        self.costs.get(&index).copied().unwrap_or_default()
    }

    fn tell(&self, index: usize, view: Option<&'static str>, more: u64) {
        let done = self.done.fetch_add(more, Ordering::Relaxed) + more;
        let weights: u64 = views::views().map(views::weight).sum();
        let of = self.costs.values().sum::<u64>() * weights;
        let node = self.session.node(index).node_name();
        self.session.tell_of(Event::Auditing { node, view, done, of });
    }
}
