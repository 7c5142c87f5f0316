//! The DAG of experts: topological order and cycle detection.

use std::collections::BTreeSet;

use collegium_manifest::{Input, Pipeline};
use petgraph::{
    Direction,
    algo::toposort,
    graph::{DiGraph, NodeIndex},
};

/// Everything of a pipeline that learns, as a directed acyclic graph, by position in the file.
#[derive(Debug, Clone)]
pub struct Dag {
    /// Nodes are numbers from 0 on. With a map from names to neighbours, a check of 80,000 experts spent more time
    /// here than on their data.
    graph: DiGraph<(), ()>,
    order: Vec<usize>,
}

impl Dag {
    /// Builds the graph of a resolved pipeline.
    ///
    /// # Errors
    /// The experts on a cycle could not be ordered; one of them is returned. The manifest finds
    /// cycles first and shows them in the file.
    pub fn new(pipeline: &Pipeline) -> Result<Self, usize> {
        let count = pipeline.experts.len();
        let mut graph = DiGraph::with_capacity(count, count);
        for _ in 0..count {
            graph.add_node(());
        }
        for (index, expert) in pipeline.experts.values().enumerate() {
            let read = expert.inputs.iter().filter_map(|input| match input.get_ref() {
                Input::Output { expert, .. } => Some(expert),
                Input::Column { .. } => None,
            });
            let begun_with = expert.begins_with().iter().map(|name| name.get_ref());
            let from = read.chain(begun_with);
            let from: BTreeSet<usize> =
                from.filter_map(|name| pipeline.experts.get_index_of(name)).collect();
            for from in from {
                graph.add_edge(NodeIndex::new(from), NodeIndex::new(index), ());
            }
        }
        let sorted = toposort(&graph, None).map_err(|cycle| cycle.node_id().index())?;
        // Levels first, the file's order within a level: what a person expects to read.
        let mut level = vec![0_usize; count];
        for node in sorted {
            let above = graph.neighbors_directed(node, Direction::Incoming);
            level[node.index()] = above.map(|from| level[from.index()] + 1).max().unwrap_or(0);
        }
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by_key(|&node| (level[node], node));
        Ok(Self { graph, order })
    }

    /// All experts, upstream before downstream.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// The experts that feed `node`, in the file's order.
    pub fn upstream(&self, node: usize) -> Vec<usize> {
        self.neighbours(node, Direction::Incoming)
    }

    /// The experts that `node` feeds, in the file's order.
    pub fn downstream(&self, node: usize) -> Vec<usize> {
        self.neighbours(node, Direction::Outgoing)
    }

    /// `targets` and everything that feeds them, directly or not.
    pub fn with_ancestors(&self, targets: &[usize]) -> BTreeSet<usize> {
        let mut seen = BTreeSet::new();
        let mut stack = targets.to_vec();
        while let Some(node) = stack.pop() {
            if seen.insert(node) {
                let above =
                    self.graph.neighbors_directed(NodeIndex::new(node), Direction::Incoming);
                stack.extend(above.map(NodeIndex::index));
            }
        }
        seen
    }

    fn neighbours(&self, node: usize, direction: Direction) -> Vec<usize> {
        let near = self.graph.neighbors_directed(NodeIndex::new(node), direction);
        let mut nodes: Vec<usize> = near.map(NodeIndex::index).collect();
        nodes.sort_unstable();
        nodes
    }
}
