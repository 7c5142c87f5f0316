//! Audit page: overview, a section for each expert, glossary.

use collegium_records::AuditReport;
use maud::{Markup, html};

use crate::number::{counted, instant};
use crate::page::{Page, document, link};
use crate::words::{Health, short};
use crate::{expert, glossary, overview};

pub(crate) fn page(report: &AuditReport) -> Markup {
    document(&Page {
        title: &format!("{}: audit", report.pipeline),
        kicker: "Audit of a pipeline",
        heading: &report.pipeline,
        lead: html! {
            (counted(report.nodes.len() as u64, "expert", "experts")) " on "
            (counted(report.data.len() as u64, "data source", "data sources"))
            @if !report.created.is_empty() { " · " time datetime=(report.created) { (instant(&report.created)) } }
        },
        meta: meta(report),
        contents: contents(report),
        inside: html! {
            (overview::overview(report))
            @for (index, node) in report.nodes.iter().enumerate() {
                (expert::section(node, index))
            }
            (glossary::glossary())
            p.unprinted { "The appendices of the experts and the glossary are on the screen and not in print; every number is in the JSON beside this page." }
        },
        footer: html! {
            p { "Written by Collegium from the audit's record (format " (report.format_version) "). "
                "Test rows took no part in training or in choosing the epoch." }
        },
    })
}

/// Which models the page describes: `collegium status` compares them with the lock.
fn meta(report: &AuditReport) -> Vec<(&'static str, String)> {
    let models = report.nodes.iter().map(|node| format!("{} {}", node.name, node.realisation));
    let lock = report.versions.lock.map(|lock| ("collegium-lock", lock.to_string()));
    let models = models.collect::<Vec<_>>().join(", ");
    lock.into_iter().chain([("collegium-models", models)]).collect()
}

fn contents(report: &AuditReport) -> Markup {
    html! {
        p.contents-title { (report.pipeline) }
        ul {
            li { a href="#overview" { "Summary" } }
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
