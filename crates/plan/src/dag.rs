//! Who feeds whom.

use std::collections::BTreeSet;

use collegium_manifest::{Input, Pipeline};
use petgraph::{Direction, algo::toposort, graphmap::DiGraphMap};

/// Everything of a pipeline that learns, as a directed acyclic graph, by position in the file.
#[derive(Debug, Clone)]
pub struct Dag {
    graph: DiGraphMap<usize, ()>,
    order: Vec<usize>,
}

impl Dag {
    /// Builds the graph of a resolved pipeline.
    ///
    /// # Errors
    /// The experts on a cycle could not be ordered; one of them is returned. The manifest finds
    /// cycles first and shows them in the file.
    pub fn new(pipeline: &Pipeline) -> Result<Self, usize> {
        let mut graph = DiGraphMap::new();
        for index in 0..pipeline.experts.len() {
            graph.add_node(index);
        }
        for (index, expert) in pipeline.experts.values().enumerate() {
            let read = expert.inputs.iter().filter_map(|input| match input.get_ref() {
                Input::Output { expert, .. } => Some(expert),
                Input::Column { .. } => None,
            });
            let begun_with = expert.begins_with().iter().map(|name| name.get_ref());
            for from in read.chain(begun_with) {
                if let Some(from) = pipeline.experts.get_index_of(from) {
                    graph.add_edge(from, index, ());
                }
            }
        }
        let order = toposort(&graph, None).map_err(|cycle| cycle.node_id())?;
        // Levels first, the file's order within a level: what a person expects to read.
        let mut level = vec![0usize; pipeline.experts.len()];
        for &node in &order {
            level[node] = graph
                .neighbors_directed(node, Direction::Incoming)
                .map(|from| level[from] + 1)
                .max()
                .unwrap_or(0);
        }
        let mut order: Vec<usize> = (0..level.len()).collect();
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
                stack.extend(self.graph.neighbors_directed(node, Direction::Incoming));
            }
        }
        seen
    }

    fn neighbours(&self, node: usize, direction: Direction) -> Vec<usize> {
        let mut nodes: Vec<usize> = self.graph.neighbors_directed(node, direction).collect();
        nodes.sort_unstable();
        nodes
    }
}
