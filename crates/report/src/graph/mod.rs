//! Drawing of the DAG of a pipeline, as a picture and as text.
//!
//! [`Graph`] is a small struct of its own, so that the report (which knows shares and health) and
//! `collegium graph` (which knows only the pipeline file) draw with the same hand.

mod compact;
mod layout;
mod svg;
mod text;

pub(crate) use svg::draw;
pub use svg::svg;
pub use text::{dot, json, mermaid};

/// What is drawn.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Graph {
    /// The nodes, by name; the order decides ties of the layout.
    pub nodes: Vec<GraphNode>,
    /// The edges; one whose ends are not both among the nodes is not drawn.
    pub edges: Vec<GraphEdge>,
}

/// What a node stands for; it decides the node's form.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NodeKind {
    /// A data source: on the left, square corners.
    Data,
    /// An expert: round corners.
    #[default]
    Expert,
}

/// A node.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GraphNode {
    /// Unique; drawn without its `data.` or `expert.`.
    pub name: String,
    /// Its form.
    pub kind: NodeKind,
    /// Lines under the name.
    pub lines: Vec<String>,
    /// A word or two set apart: `cached`, `learned nothing`.
    pub state: Option<String>,
    /// Drawn grey with a dashed outline: not to be relied on.
    pub muted: bool,
    /// Where a click leads.
    pub href: Option<String>,
}

/// An edge.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GraphEdge {
    /// Name of the node that feeds.
    pub from: String,
    /// Name of the node that is fed.
    pub to: String,
    /// The first line is written at the edge; all of it is in its tooltip.
    pub label: Option<String>,
    /// From 0 to 1: the thickness.
    pub weight: Option<f64>,
}

impl GraphNode {
    /// The name as it is drawn: `departure` for `expert.departure`.
    pub fn short_name(&self) -> &str {
        crate::words::short(&self.name)
    }
}

impl GraphEdge {
    /// The line that is written at the edge.
    fn short_label(&self) -> Option<&str> {
        self.label.as_deref().and_then(|label| label.lines().next()).filter(|line| !line.is_empty())
    }

    /// The weight, if it is a number, between 0 and 1.
    fn finite_weight(&self) -> Option<f64> {
        self.weight.filter(|w| w.is_finite()).map(|w| w.clamp(0.0, 1.0))
    }
}

/// Edges as pairs of positions in `nodes`, with the position of each in `edges`; self-loops and
/// edges to unknown nodes are left out.
fn resolved(graph: &Graph) -> Vec<(usize, usize, usize)> {
    let positions: std::collections::BTreeMap<&str, usize> =
        graph.nodes.iter().enumerate().map(|(i, node)| (node.name.as_str(), i)).collect();
    graph
        .edges
        .iter()
        .enumerate()
        .filter_map(|(i, edge)| {
            let from = *positions.get(edge.from.as_str())?;
            let to = *positions.get(edge.to.as_str())?;
            (from != to).then_some((from, to, i))
        })
        .collect()
}
