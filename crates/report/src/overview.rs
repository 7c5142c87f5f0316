//! Overview of the page: what needs attention, the DAG, a line per expert.

use std::collections::BTreeMap;

use collegium_records::{AuditReport, Edge, Level, NodeAudit};
use maud::{Markup, html};

use crate::attention::{Item, first};
use crate::graph::{Graph, GraphEdge, GraphNode, NodeKind, draw};
use crate::number::{count, counted, measure, percent, px};
use crate::page::{anchor, breakable, link, sentence};
use crate::words::{
    Health, baseline_name, finite, headline, headline_absent, metric_name, on, short,
};

/// Top inputs named in the table.
const TOP_INPUTS: usize = 2;

pub(crate) fn overview(report: &AuditReport) -> Markup {
    let unjudged = report.nodes.iter().filter(|node| node.skill.not_judged.is_some()).count();
    let skilled = report.nodes.iter().filter(|node| node.skill.beats_baseline).count();
    let nothing = report.nodes.len() - skilled - unjudged;
    html! {
        section #overview aria-labelledby="overview-title" {
            h2 #overview-title { "Overview" }
            @if report.nodes.is_empty() {
                p.summary { "This pipeline has no experts yet, so there is nothing to show." }
            } @else {
                p.summary {
                    @if nothing + unjudged == 0 { "Every expert knows more than a constant guess on rows it has not seen." }
                    @else {
                        (skilled) " of " (counted(report.nodes.len() as u64, "expert", "experts"))
                        @if skilled == 1 { " knows" } @else { " know" }
                        " more than a constant guess on rows not seen in training; "
                        @if nothing > 0 { strong { (nothing) " learned nothing" } }
                        @if nothing > 0 && unjudged > 0 { ", " }
                        @if unjudged > 0 { strong { (unjudged) " cannot be judged" } }
                        "."
                    }
                }
                (attention(report))
                (glance(report))
            }
            (hanging_together(report))
            (data(report))
        }
    }
}

fn attention(report: &AuditReport) -> Markup {
    let mut all: Vec<(usize, &NodeAudit, Item)> = Vec::new();
    for (index, node) in report.nodes.iter().enumerate() {
        all.extend(first(node).into_iter().map(|item| (index, node, item)));
    }
    all.sort_by_key(|(_, _, item)| item.level);
    html! {
        h3 { "Needs attention first" }
        @if all.is_empty() {
            p { "Nothing: no expert has a warning. The column “Health” below says which are not shown to beat a linear model." }
        } @else {
            ul.findings {
                @for (index, node, item) in &all {
                    li.warning[item.level == Level::Warning] {
                        a href=(link(&node.name)) { (short(&node.name)) } " " (sentence(&item.text))
                        @if let Some(part) = item.part { " " a.more href={ "#e" (index) "-" (part.id()) } { (part.link()) } }
                    }
                }
            }
        }
    }
}

/// A line per expert.
fn glance(report: &AuditReport) -> Markup {
    html! {
        h3 { "The experts at a glance" }
        table.glance role="table" {
            thead role="rowgroup" { tr role="row" {
                @for heading in ["Expert", "Predicts", "On test rows", "Baselines", "Health", "Looks most at"] {
                    th scope="col" role="columnheader" { (heading) }
                }
            } }
            tbody role="rowgroup" {
                @for node in &report.nodes {
                    @let health = Health::of(node);
                    tr role="row" {
                        th scope="row" role="rowheader" { a href=(link(&node.name)) { (short(&node.name)) } }
                        td role="cell" data-label="Predicts" { span.cell { (breakable(&node.target)) span.aside { (node.task) } } }
                        td role="cell" data-label="On test rows" { span.cell { (headline_cell(node)) } }
                        td role="cell" data-label="Baselines" { span.cell { (baselines_cell(node)) } }
                        td role="cell" data-label="Health" { span.cell { span class={ "health " (health.class()) } { (health.words()) } } }
                        td role="cell" data-label="Looks most at" { span.cell { (top_inputs(node)) } }
                    }
                }
            }
        }
    }
}

fn headline_cell(node: &NodeAudit) -> Markup {
    let Some((metric, (value, interval))) =
        headline(node).and_then(|metric| Some((metric, on(node.metrics.get("test"), metric)?)))
    else {
        return match headline_absent(node) {
            Some((_, why)) => html! { "not measured" span.aside { (why) } },
            None => html! { "not measured" },
        };
    };
    let (value, range) = measure(value, interval);
    html! {
        span.line { (metric_name(metric)) " " strong { (value) } }
        @if let Some(range) = range { span.aside { (range) } }
        @if let Some((name, why)) = headline_absent(node) { span.aside { "no " (metric_name(name)) ": " (why) } }
    }
}

fn baselines_cell(node: &NodeAudit) -> Markup {
    let values: Vec<(String, f64)> = headline(node)
        .map(|metric| {
            node.baselines
                .iter()
                .filter_map(|(name, by)| {
                    let value = finite(&by.get("test")?.metrics, metric)?;
                    Some((baseline_name(name, node), value))
                })
                .collect()
        })
        .unwrap_or_default();
    html! {
        @if values.is_empty() { "none" }
        @for (name, value) in values {
            // A headline is a share of something: what rounds to nothing is shown as nothing.
            span.line { (name) " " (if value.abs() < 5e-4 { "0".to_owned() } else { measure(value, None).0 }) }
        }
    }
}

fn top_inputs(node: &NodeAudit) -> Markup {
    let Some(agop) = &node.agop else {
        return html! { span.soft { "withheld" } };
    };
    html! {
        @for row in agop.importance.iter().filter(|row| row.above_noise).take(TOP_INPUTS) {
            span.line { (breakable(&row.input)) " " span.soft { (percent(row.share)) } }
        }
        @if !agop.importance.iter().any(|row| row.above_noise) { span.soft { "nothing above noise" } }
    }
}

fn hanging_together(report: &AuditReport) -> Markup {
    html! {
        @if !report.nodes.is_empty() || !report.data.is_empty() {
            @let (drawing, width) = draw(&graph(report));
            h3 { "How they hang together" }
            figure.dag style={ "--natural:" (px(width)) "px" } {
                div.scroll tabindex="0" role="region" aria-label="Graph of the pipeline" { (drawing) }
                figcaption {
                    "Left to right: data sources (grey), then experts (blue). A line is as thick as the consumer's reliance on it; "
                    "the figure above it is its share of all that the consumer looks at. "
                    "Dashed: learned nothing, so its reliance is not shown."
                }
            }
        }
    }
}

fn data(report: &AuditReport) -> Markup {
    let sides = ["train", "valid", "test"];
    html! {
        @if !report.data.is_empty() {
            h3 { "Data" }
            div.scroll tabindex="0" role="region" aria-label="Data sources" {
                table.plain {
                    thead { tr {
                        th scope="col" { "Source" }
                        th.figure scope="col" { "Train" } th.figure scope="col" { "Valid" } th.figure scope="col" { "Test" }
                        th.figure scope="col" { "Columns" }
                    } }
                    tbody {
                        @for source in &report.data {
                            tr id=(anchor(&data_name(&source.name))) {
                                th scope="row" { (short(&source.name)) @for file in &source.files { span.aside.file { (file) } } }
                                @for side in sides { td.figure { (source.rows.get(side).map_or_else(|| "0".to_owned(), |n| count(*n))) } }
                                td.figure { (count(source.columns)) }
                            }
                        }
                    }
                }
            }
            p.caption { "Rows on each side of the split." }
        }
    }
}

/// `data.NAME`, whether or not the record says `data.`.
fn data_name(name: &str) -> String {
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
        let value = headline(node).and_then(|metric| {
            let (value, interval) = on(node.metrics.get("test"), metric)?;
            Some(format!("{} {}", metric_name(metric), measure(value, interval).0))
        });
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
