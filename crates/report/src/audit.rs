//! Audit page: overview, a section for each expert, glossary.

use collegium_records::AuditReport;
use maud::{Markup, html};

use crate::number::{counted, instant};
use crate::page::{Page, document, link};
use crate::words::{Health, short};
use crate::{expert, glossary, overview};

pub(crate) fn page(report: &AuditReport) -> Markup {
    document(&Page {
        title: &format!("{}: what was learned", report.pipeline),
        kicker: "Audit of a pipeline",
        heading: &report.pipeline,
        lead: html! {
            (counted(report.nodes.len() as u64, "expert", "experts")) " on "
            (counted(report.data.len() as u64, "data source", "data sources"))
            @if !report.created.is_empty() { " · " time datetime=(report.created) { (instant(&report.created)) } }
        },
        contents: contents(report),
        inside: html! {
            (overview::overview(report))
            @for (index, node) in report.nodes.iter().enumerate() {
                (expert::section(node, index))
            }
            (glossary::glossary())
        },
        footer: html! {
            p { "Written by Collegium from the audit's record (format " (report.format_version) "). "
                "Every number is measured; test rows took no part in training or in choosing the epoch." }
        },
    })
}

fn contents(report: &AuditReport) -> Markup {
    html! {
        p.contents-title { (report.pipeline) }
        ul {
            li { a href="#overview" { "Overview" } }
            @if !report.nodes.is_empty() {
                li {
                    span.group { "Experts" }
                    ul {
                        @for node in &report.nodes {
                            @let health = Health::of(node);
                            li { a href=(link(&node.name)) {
                                (short(&node.name))
                                @if health.class() == "alert" { span.dot { span.hidden { " (" (health.words()) ")" } } }
                            } }
                        }
                    }
                }
            }
            li { a href="#glossary" { "Glossary" } }
        }
    }
}
