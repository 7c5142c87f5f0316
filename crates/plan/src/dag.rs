//! Who feeds whom.

use std::collections::BTreeSet;

use collegium_manifest::{Input, Pipeline};

/// Everything of a pipeline that learns, as a directed acyclic graph, by position in the file.
///
/// Two lists of neighbours, since all nodes are numbers from 0 on: with maps of a graph library, a check of 80,000
/// experts spent more time here than on their data.
#[derive(Debug, Clone)]
pub struct Dag {
    /// By node: those that feed it, in the file's order, each once.
    above: Vec<Vec<usize>>,
    /// By node: those that it feeds, in the file's order.
    below: Vec<Vec<usize>>,
    order: Vec<usize>,
}

impl Dag {
    /// Builds the graph of a resolved pipeline.
    ///
    /// # Errors
    /// The experts on a cycle could not be ordered; one of them is returned. The manifest finds
    /// cycles first and shows them in the file.
    pub fn new(pipeline: &Pipeline) -> Result<Self, usize> {
        let mut above: Vec<Vec<usize>> = Vec::with_capacity(pipeline.experts.len());
        let mut below: Vec<Vec<usize>> = vec![Vec::new(); pipeline.experts.len()];
        for (index, expert) in pipeline.experts.values().enumerate() {
            let read = expert.inputs.iter().filter_map(|input| match input.get_ref() {
                Input::Output { expert, .. } => Some(expert),
                Input::Column { .. } => None,
            });
            let begun_with = expert.begins_with().iter().map(|name| name.get_ref());
            let from = read.chain(begun_with);
            let mut from: Vec<usize> =
                from.filter_map(|name| pipeline.experts.get_index_of(name)).collect();
            from.sort_unstable();
            from.dedup();
            from.iter().for_each(|&from| below[from].push(index));
            above.push(from);
        }
        // Levels first, the file's order within a level: what a person expects to read.
        let level = levels(&above, &below)?;
        let mut order: Vec<usize> = (0..level.len()).collect();
        order.sort_by_key(|&node| (level[node], node));
        Ok(Self { above, below, order })
    }

    /// All experts, upstream before downstream.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// The experts that feed `node`, in the file's order.
    pub fn upstream(&self, node: usize) -> Vec<usize> {
        self.above[node].clone()
    }

    /// The experts that `node` feeds, in the file's order.
    pub fn downstream(&self, node: usize) -> Vec<usize> {
        self.below[node].clone()
    }

    /// `targets` and everything that feeds them, directly or not.
    pub fn with_ancestors(&self, targets: &[usize]) -> BTreeSet<usize> {
        let mut seen = BTreeSet::new();
        let mut stack = targets.to_vec();
        while let Some(node) = stack.pop() {
            if seen.insert(node) {
                stack.extend(&self.above[node]);
            }
        }
        seen
    }
}

/// The length of the longest way to each node (Kahn's algorithm), or a node on a cycle.
fn levels(above: &[Vec<usize>], below: &[Vec<usize>]) -> Result<Vec<usize>, usize> {
    let mut level = vec![0; above.len()];
    let mut open: Vec<usize> = above.iter().map(Vec::len).collect();
    let mut ready: Vec<usize> = (0..above.len()).filter(|&node| open[node] == 0).collect();
    while let Some(node) = ready.pop() {
        for &to in &below[node] {
            level[to] = level[to].max(level[node] + 1);
            open[to] -= 1;
            if open[to] == 0 {
                ready.push(to);
            }
        }
    }
    let unordered = |node: &usize| open[*node] > 0;
    let Some(mut node) = (0..above.len()).find(unordered) else { return Ok(level) };
    // Each of them has another above it: after as many steps as there are nodes, the way is on a cycle.
    for _ in 0..above.len() {
        node = above[node].iter().copied().find(unordered).unwrap_or(node);
    }
    Err(node)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    proptest! {
        #[test]
        fn a_node_comes_behind_all_that_feed_it_or_one_on_a_cycle_is_named(
            edges in vec((0..12_usize, 0..12_usize), 0..20),
        ) {
            let (mut above, mut below) = (vec![Vec::new(); 12], vec![Vec::new(); 12]);
            let edges: BTreeSet<(usize, usize)> = edges.into_iter().collect();
            for &(from, to) in &edges {
                above[to].push(from);
                below[from].push(to);
            }
            let reached = |from: usize| {
                let mut seen = BTreeSet::new();
                let mut open = below[from].clone();
                while let Some(node) = open.pop() {
                    if seen.insert(node) {
                        open.extend(&below[node]);
                    }
                }
                seen
            };
            match levels(&above, &below) {
                Ok(level) => for node in 0..12 {
                    let least = above[node].iter().map(|&from| level[from] + 1).max();
                    prop_assert_eq!(level[node], least.unwrap_or(0));
                },
                Err(node) => prop_assert!(reached(node).contains(&node), "{node} of {edges:?}"),
            }
            let cycle = (0..12).any(|node| reached(node).contains(&node));
            prop_assert_eq!(levels(&above, &below).is_err(), cycle);
        }
    }
}
