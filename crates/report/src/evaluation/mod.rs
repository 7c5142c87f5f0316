//! Evaluation page: metrics on new rows beside those on test rows, and where in the DAG quality is lost.

mod inputs;
mod nodes;

use collegium_records::{EvaluationReport, Level, METRICS, NodeEvaluation, Quality};
use maud::{Markup, html};

use crate::graph::{Graph, GraphEdge, GraphNode, NodeKind, draw};
use crate::number::{count, counted, instant, measure, number, px};
use crate::page::{Page, anchor, breakable, document, link, sentence};
use crate::words::{capital, finite, metric_name, short};

pub(crate) fn page(report: &EvaluationReport) -> Markup {
    let lead = html! {
        (counted(report.rows, "row", "rows")) " of " span.file { (report.input) } " beside the test rows"
        @if !report.created.is_empty() { " · " time datetime=(report.created) { (instant(&report.created)) } }
    };
    let inside = html! {
        (overview(report))
        (inputs::inputs(report))
        @for (index, node) in report.nodes.iter().enumerate() { (nodes::section(node, index)) }
        (reading(report))
    };
    document(&Page {
        title: &format!("{}: new rows", report.pipeline),
        kicker: "Evaluation on new rows",
        heading: &report.pipeline,
        lead,
        meta: Vec::new(),
        contents: contents(report),
        inside,
        footer: html! {
            p { "Written by Collegium from the record of an evaluation (format " (report.format_version) "). "
                "Every number is measured; the models are those that the lock stands on." }
        },
    })
}

fn contents(report: &EvaluationReport) -> Markup {
    html! {
        p.contents-title { (report.pipeline) }
        ul {
            li { a href="#overview" { "Overview" } }
            @if !report.inputs.is_empty() { li { a href="#inputs" { "What moved" } } }
            li {
                span.group { "Experts" }
                ul { @for node in &report.nodes {
                    li { a href=(link(&node.name)) {
                        (short(&node.name))
                        @if node.verdict == Quality::Worse { span.dot { span.hidden { " (worse)" } } }
                    } }
                } }
            }
            li { a href="#reading" { "How to read this" } }
        }
    }
}

/// What is said of a node in a word or two, and the class of its mark.
fn verdict(node: &NodeEvaluation) -> (&'static str, &'static str) {
    match node.verdict {
        _ if node.unmeasured.is_some() => ("not measured", "plain"),
        Quality::Worse => ("worse", "alert"),
        Quality::Better => ("better", "good"),
        Quality::Same => ("no change shown", "good"),
        Quality::Unknown if node.test_withheld.is_some() => ("not compared", "plain"),
        Quality::Unknown => ("too few rows", "plain"),
    }
}

/// The metric that a line shows: the one that the verdict names, else the first.
fn shown(node: &NodeEvaluation) -> Option<&str> {
    let named = node.metric.as_deref();
    named.or_else(|| METRICS.into_iter().find(|metric| finite(&node.new.metrics, metric).is_some()))
}

fn overview(report: &EvaluationReport) -> Markup {
    html! {
        section #overview aria-labelledby="overview-title" {
            h2 #overview-title { "Overview" }
            @if !report.findings.is_empty() {
                ul.findings { @for finding in &report.findings {
                    li.warning[finding.level == Level::Warning] { (sentence(&capital(&finding.text))) }
                } }
            }
            h3 { "Where in the pipeline" }
            @let (drawing, width) = draw(&graph(report));
            figure.dag style={ "--natural:" (px(width)) "px" } {
                div.scroll tabindex="0" role="region" aria-label="Graph of the pipeline" { (drawing) }
                figcaption { "Left to right: the rows, then experts, each with a metric on test rows and on these. "
                    "Dashed: not measured here." }
            }
            (glance(report))
            (requirements(report))
        }
    }
}

fn graph(report: &EvaluationReport) -> Graph {
    let moved = report.inputs.iter().filter(|input| input.moved).count() as u64;
    let data = GraphNode {
        name: report.data.clone(),
        kind: NodeKind::Data,
        lines: vec![
            counted(report.rows, "row", "rows"),
            format!("{} moved", counted(moved, "input", "inputs")),
        ],
        href: (!report.inputs.is_empty()).then(|| "#inputs".to_owned()),
        ..GraphNode::default()
    };
    let nodes = report.nodes.iter().map(|node| {
        let line = shown(node).and_then(|metric| {
            let new = measure(finite(&node.new.metrics, metric)?, None).0;
            let text = match finite(&node.test.metrics, metric) {
                Some(test) => format!("{} {} → {new}", metric_name(metric), measure(test, None).0),
                None => format!("{} {new}", metric_name(metric)),
            };
            Some(text)
        });
        let (words, class) = verdict(node);
        GraphNode {
            name: node.name.clone(),
            kind: NodeKind::Expert,
            lines: line.into_iter().collect(),
            state: (class != "good" || node.verdict == Quality::Better).then(|| words.to_owned()),
            muted: node.unmeasured.is_some(),
            href: Some(link(&node.name)),
        }
    });
    let edge = |from: &str, to: &str| GraphEdge {
        from: from.to_owned(),
        to: to.to_owned(),
        ..GraphEdge::default()
    };
    let mut edges = Vec::new();
    for node in &report.nodes {
        if !node.columns.is_empty() {
            edges.push(edge(&report.data, &node.name));
        }
        edges.extend(node.upstream.iter().map(|from| edge(from, &node.name)));
    }
    Graph { nodes: std::iter::once(data).chain(nodes).collect(), edges }
}

/// A line per expert.
fn glance(report: &EvaluationReport) -> Markup {
    html! {
        h3 { "Experts" }
        table.glance role="table" {
            thead role="rowgroup" { tr role="row" {
                @for heading in ["Expert", "Predicts", "Rows", "On test rows", "On these rows", "Verdict"] {
                    th scope="col" role="columnheader" { (heading) }
                }
            } }
            tbody role="rowgroup" {
                @for node in &report.nodes {
                    @let (words, class) = verdict(node);
                    tr role="row" {
                        th scope="row" role="rowheader" { a href=(link(&node.name)) { (short(&node.name)) } }
                        td role="cell" data-label="Predicts" { span.cell { (breakable(&node.target)) span.aside { (node.task) } } }
                        td role="cell" data-label="Rows" { span.cell { (count(node.new.rows)) } }
                        td role="cell" data-label="On test rows" { span.cell { (one(node, &node.test)) } }
                        td role="cell" data-label="On these rows" { span.cell { (one(node, &node.new)) } }
                        td role="cell" data-label="Verdict" { span.cell { span class={ "health " (class) } { (words) } } }
                    }
                }
            }
        }
    }
}

fn one(node: &NodeEvaluation, side: &collegium_records::SplitMeasures) -> Markup {
    let found = shown(node).and_then(|metric| Some((metric, finite(&side.metrics, metric)?)));
    html! {
        @if let Some((metric, value)) = found {
            @let (value, range) = measure(value, side.intervals.get(metric));
            span.line { (metric_name(metric)) " " strong { (value) } }
            @if let Some(range) = range { span.aside { (range) } }
        } @else { span.soft { "–" } }
    }
}

fn requirements(report: &EvaluationReport) -> Markup {
    html! {
        @if !report.requirements.is_empty() {
            h3 { "Requirements, on these rows" }
            ul.findings { @for requirement in &report.requirements {
                li.warning[!requirement.met] {
                    code { (requirement.text) } ": "
                    @if requirement.met { (requirement.verdict_words()) } @else { strong { (requirement.verdict_words()) } }
                    @if let Some(doubt) = requirement.doubt() { "; " (doubt) }
                    " (" (requirement.value.map_or_else(|| "not measured".to_owned(), number)) ")"
                }
            } }
        }
    }
}

fn reading(report: &EvaluationReport) -> Markup {
    html! {
        section #reading aria-labelledby="reading-title" {
            h2 #reading-title { "How to read this" }
            p { "An expert is " strong { "worse" } " where chance does not explain that a metric is: the difference over the "
                "deviation of its bootstrap resamples (both sides drawn again, each by itself), at 5 % over all "
                "experts and two metrics of each (Holm). Fewer than 30 rows on a side decide nothing." }
            p { "The " strong { "population stability index" } " is Σ (new − training) · ln(new / training) over shares of bins: "
                "tenths of the training rows of a number, levels of a category, and missing values. By custom, below 0.1 "
                "is little and above 0.25 much. Beside it stands what chance makes of so many rows." }
            p { "A " strong { "two-sample test" } " (Kolmogorov and Smirnov of numbers and times, χ² or Fisher of categories and of "
                "missing values) says whether chance explains a difference, corrected over all inputs (Holm). With many "
                "rows it finds differences that matter to nobody; the index says how large they are." }
            p #glossary-slices { "A " strong { "slice" } " where an expert does worse was proposed by a shallow tree on validation rows and tested on "
                "these rows; its p-value is corrected over all slices that were tested (Holm)." }
            @if let Some(sampled) = report.sampled {
                p { "Tests of numbers and slices look at " (count(sampled)) " rows, drawn evenly; all else is of all rows." }
            }
            @if !report.notes.is_empty() { ul.findings { @for note in &report.notes { li { (sentence(&capital(note))) } } } }
        }
    }
}

/// The id of a node's parts.
fn id(index: usize) -> String {
    format!("n{index}")
}

/// The section's own anchor, for `nodes`.
fn section_id(node: &NodeEvaluation) -> String {
    anchor(&node.name)
}
