//! `collegium graph`: the DAG as text or picture.

use std::process::ExitCode;

use collegium_manifest::{Input, Pipeline};
use collegium_report::graph::{Graph, GraphEdge, GraphNode, NodeKind, dot, json, mermaid, svg};

use crate::{
    args::{Args, GraphFormat},
    failure::Failure,
};

pub(crate) fn graph(
    args: &Args,
    named: Option<&str>,
    format: GraphFormat,
) -> Result<ExitCode, Failure> {
    let graph = of(&crate::locate::load(args, named)?);
    let text = match if args.json { GraphFormat::Json } else { format } {
        GraphFormat::Svg => svg(&graph),
        GraphFormat::Dot => dot(&graph),
        GraphFormat::Mermaid => mermaid(&graph),
        GraphFormat::Json => format!("{:#}", json(&graph)),
    };
    crate::human::put(&format!("{}\n", text.trim_end()))?;
    Ok(ExitCode::SUCCESS)
}

fn of(pipeline: &Pipeline) -> Graph {
    let mut graph = Graph { nodes: Vec::new(), edges: Vec::new() };
    for name in pipeline.data.keys() {
        graph.nodes.push(node(format!("data.{name}"), NodeKind::Data, Vec::new()));
    }
    for (name, expert) in &pipeline.experts {
        let to = pipeline.node_name(name);
        let target = format!("→ {}", expert.target.get_ref());
        graph.nodes.push(node(to.clone(), NodeKind::Expert, vec![target]));
        let mut seen: Vec<(String, usize)> = Vec::new();
        for input in &expert.inputs {
            let from = match input.get_ref() {
                Input::Column { data, .. } => format!("data.{data}"),
                Input::Output { expert, .. } => pipeline.node_name(expert),
            };
            match seen.iter_mut().find(|(known, _)| *known == from) {
                Some((_, count)) => *count += 1,
                None => seen.push((from, 1)),
            }
        }
        for pattern in expert.patterns.iter().filter(|pattern| !pattern.get_ref().exclude) {
            let from = format!("data.{}", pattern.get_ref().data);
            if !seen.iter().any(|(known, _)| *known == from) {
                seen.push((from, 1));
            }
        }
        for (from, count) in seen {
            let label = (count > 1).then(|| format!("{count} inputs"));
            graph.edges.push(GraphEdge { from, to: to.clone(), label, weight: None });
        }
    }
    graph
}

fn node(name: String, kind: NodeKind, lines: Vec<String>) -> GraphNode {
    GraphNode { name, kind, lines, ..GraphNode::default() }
}
