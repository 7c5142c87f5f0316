//! Dependency graph of the pipeline.

use std::collections::BTreeMap;

use collegium_records::{AuditReport, Edge};
use maud::{Markup, html};

use crate::graph::{Graph, GraphEdge, GraphNode, NodeKind, draw};
use crate::number::{counted, measure, percent, px};
use crate::page::link;
use crate::words::{Health, headline, metric_name, on, over_rotations};

pub(super) fn drawing(report: &AuditReport) -> Markup {
    html! {
        @if !report.nodes.is_empty() || !report.data.is_empty() {
            @let (drawing, width) = draw(&graph(report));
            h3 { "Dependency graph" }
            figure.dag style={ "--natural:" (px(width)) "px" } {
                div.scroll tabindex="0" role="region" aria-label="Dependency graph of the pipeline" { (drawing) }
                figcaption {
                    "Left to right: data sources (grey), then experts (blue). The figure at a line, and its thickness: share of the consumer's "
                    a href="#glossary-agop" { "AGOP" } " (sensitivity) that runs along it. Dashed: no skill, so no share is shown."
                }
            }
        }
    }
}

/// `data.NAME`, whether or not the record says `data.`.
pub(super) fn data_name(name: &str) -> String {
    if name.starts_with("data.") { name.to_owned() } else { format!("data.{name}") }
}

/// The DAG of a report: rows and headline metrics in the nodes, shares at the edges.
fn graph(report: &AuditReport) -> Graph {
    let data = report.data.iter().map(|source| {
        let name = data_name(&source.name);
        let rows = source.rows.values().fold(0u64, |sum, rows| sum.saturating_add(*rows));
        let lines =
            vec![counted(rows, "row", "rows"), counted(source.columns, "column", "columns")];
        GraphNode {
            href: Some(link(&name)),
            lines,
            name,
            kind: NodeKind::Data,
            ..GraphNode::default()
        }
    });
    let experts = report.nodes.iter().map(|node| {
        let health = Health::of(node);
        let value = match over_rotations(node) {
            Some((of, _)) => {
                let value = measure(of.value, of.interval.as_ref()).0;
                Some(format!("{} {value}", metric_name(&of.metric)))
            }
            None => headline(node).and_then(|metric| {
                let (value, interval) = on(node.metrics.get("test"), metric)?;
                Some(format!("{} {}", metric_name(metric), measure(value, interval).0))
            }),
        };
        GraphNode {
            name: node.name.clone(),
            kind: NodeKind::Expert,
            lines: std::iter::once(node.task.clone()).chain(value).collect(),
            state: (health != Health::Sound).then(|| health.words()),
            muted: matches!(health, Health::LearnedNothing | Health::NotJudged),
            href: Some(link(&node.name)),
        }
    });
    Graph { nodes: data.chain(experts).collect(), edges: report.edges.iter().map(edge).collect() }
}

fn edge(edge: &Edge) -> GraphEdge {
    let share = edge.share.filter(|share| share.is_finite());
    // Groups of inputs by source would repeat it: the edge is between the two already.
    let inputs: BTreeMap<&str, ()> = edge.inputs.iter().map(|input| (input.as_str(), ())).collect();
    let inputs: Vec<&str> = inputs.into_keys().collect();
    let first = share.map(percent).unwrap_or_default();
    GraphEdge {
        from: edge.from.clone(),
        to: edge.to.clone(),
        label: Some(format!("{first}\n{}", inputs.join(", "))),
        weight: share,
    }
}
