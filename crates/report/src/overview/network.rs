//! Dependency graph of the pipeline.

use std::collections::{BTreeMap, BTreeSet};

use collegium_records::{AuditReport, Edge};
use maud::{Markup, html};

use crate::graph::{Graph, GraphEdge, GraphNode, NodeKind, draw};
use crate::number::{counted, measure, percent, px};
use crate::page::link;
use crate::words::{Health, headline, metric_name, on, over_rotations, short};

pub(super) fn drawing(report: &AuditReport) -> Markup {
    html! {
        @if !report.nodes.is_empty() || !report.data.is_empty() {
            @let (drawing, width) = draw(&graph(report));
            h3 { "Dependency graph" }
            figure.dag style={ "--natural:" (px(width)) "px" } {
                div.scroll tabindex="0" role="region" aria-label="Dependency graph of the pipeline" { (drawing) }
                figcaption {
                    "Left to right: data sources (grey), then experts (blue). The figure at a line, and its thickness: the share of the consumer's "
                    a href="#glossary-agop" { "AGOP" } " (average gradient outer product: how strongly an input moves the prediction) that runs along it."
                    @if let Some(text) = fed(&report.edges) { " " (text) }
                    @if report.nodes.iter().any(|node| muted(Health::of(node))) { " Dashed: no skill, or skill not judged." }
                }
            }
        }
    }
}

/// `data.NAME`, whether or not the record says `data.`.
pub(super) fn data_name(name: &str) -> String {
    if name.starts_with("data.") { name.to_owned() } else { format!("data.{name}") }
}

/// Is it drawn as one that is not to be relied on?
fn muted(health: Health) -> bool {
    matches!(health, Health::LearnedNothing | Health::NotJudged)
}

/// What consumers see of an expert on their training rows.
fn fed(edges: &[Edge]) -> Option<String> {
    let mut by_way: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for edge in edges {
        if let Some(way) = &edge.fed {
            by_way.entry(way).or_default().insert(short(&edge.to));
        }
    }
    let one = by_way.len() == 1;
    let each = by_way.iter().map(|(way, to)| {
        let to: Vec<&str> = to.iter().copied().collect();
        let who = if one { "an expert's consumers".to_owned() } else { to.join(", ") };
        let words = match *way {
            "out-of-fold" => "out-of-fold outputs, of models that were not trained on the row",
            "held-out" => "held-out outputs, of a model that was not trained on these rows",
            "in-sample" => {
                "in-sample outputs, of the model that was trained on the same rows (optimistic)"
            }
            other => other,
        };
        format!("{who} {} {words}", if one || to.len() > 1 { "read" } else { "reads" })
    });
    let each: Vec<String> = each.collect();
    (!each.is_empty()).then(|| format!("On training rows {}.", each.join("; ")))
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
            muted: muted(health),
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
