//! Export of the DAG: Graphviz, Mermaid, JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Graph, NodeKind, resolved};

/// Graphviz's language. Self-loops and edges to unknown nodes are left out.
pub fn dot(graph: &Graph) -> String {
    let mut out = String::from(
        "digraph pipeline {\n  rankdir=LR;\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n  edge [fontname=\"sans-serif\"];\n",
    );
    for node in &graph.nodes {
        let _ = write!(out, "  {} [label={}", quoted(&node.name), quoted(&label(node).join("\n")));
        if node.muted {
            out.push_str(", style=\"rounded,dashed\", color=gray40, fontcolor=gray25");
        }
        if node.kind == NodeKind::Data {
            out.push_str(", shape=cylinder, style=solid");
        }
        if let Some(href) = &node.href {
            let _ = write!(out, ", URL={}", quoted(href));
        }
        out.push_str("];\n");
    }
    for (_, _, index) in resolved(graph) {
        let edge = &graph.edges[index];
        let _ = write!(out, "  {} -> {}", quoted(&edge.from), quoted(&edge.to));
        let mut attributes = Vec::new();
        if let Some(label) = edge.short_label() {
            attributes.push(format!("label={}", quoted(label)));
        }
        if let Some(weight) = edge.finite_weight() {
            attributes.push(format!("penwidth={:.2}", 1.0 + 7.0 * weight));
        }
        if let Some(all) = &edge.label {
            attributes.push(format!("tooltip={}", quoted(all)));
        }
        if !attributes.is_empty() {
            let _ = write!(out, " [{}]", attributes.join(", "));
        }
        out.push_str(";\n");
    }
    out.push_str("}\n");
    out
}

/// A Mermaid flowchart. Self-loops and edges to unknown nodes are left out.
pub fn mermaid(graph: &Graph) -> String {
    let mut out = String::from("flowchart LR\n");
    for (index, node) in graph.nodes.iter().enumerate() {
        let label: Vec<String> = label(node).iter().map(|line| entities(line)).collect();
        let (open, close) = match node.kind {
            NodeKind::Data => ("[(", ")]"),
            NodeKind::Expert => ("(", ")"),
        };
        let _ = writeln!(out, "  n{index}{open}\"{}\"{close}", label.join("<br/>"));
    }
    let mut styles = String::new();
    for (drawn, (from, to, index)) in resolved(graph).into_iter().enumerate() {
        let edge = &graph.edges[index];
        match edge.short_label() {
            Some(label) => {
                let _ = writeln!(out, "  n{from} -->|\"{}\"| n{to}", entities(label));
            }
            None => {
                let _ = writeln!(out, "  n{from} --> n{to}");
            }
        }
        if let Some(weight) = edge.finite_weight() {
            let _ =
                writeln!(styles, "  linkStyle {drawn} stroke-width:{:.1}px", 1.0 + 7.0 * weight);
        }
    }
    out.push_str(&styles);
    let muted: Vec<String> = graph
        .nodes
        .iter()
        .enumerate()
        .filter(|(_, node)| node.muted)
        .map(|(index, _)| format!("n{index}"))
        .collect();
    if !muted.is_empty() {
        let _ = writeln!(out, "  classDef muted stroke-dasharray:5 4,color:#555,fill:#f4f4f4");
        let _ = writeln!(out, "  class {} muted", muted.join(","));
    }
    out
}

/// The graph as JSON, with `"format_version": 1`; nothing is left out.
pub fn json(graph: &Graph) -> Value {
    let nodes: Vec<Value> = graph
        .nodes
        .iter()
        .map(|node| {
            json!({
                "name": node.name,
                "kind": match node.kind { NodeKind::Data => "data", NodeKind::Expert => "expert" },
                "lines": node.lines,
                "state": node.state,
                "muted": node.muted,
                "href": node.href,
            })
        })
        .collect();
    let edges: Vec<Value> = graph
        .edges
        .iter()
        .map(|edge| {
            json!({
                "from": edge.from,
                "to": edge.to,
                "label": edge.label,
                "weight": edge.weight.filter(|w| w.is_finite()),
            })
        })
        .collect();
    json!({ "format_version": collegium_records::FORMAT_VERSION, "nodes": nodes, "edges": edges })
}

/// The lines of a node's label.
fn label(node: &super::GraphNode) -> Vec<&str> {
    std::iter::once(node.short_name())
        .chain(node.lines.iter().map(String::as_str))
        .chain(node.state.as_deref())
        .collect()
}

/// A quoted string of the DOT language.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Text inside a quoted Mermaid label: what could end it, or be read as markup, as an entity.
fn entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '<' | '>' | '&' | '#' | '`' | '\\' | '|' => {
                let _ = write!(out, "#{};", u32::from(c));
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
