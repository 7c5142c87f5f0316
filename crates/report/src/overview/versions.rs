//! What the report describes, by digest: with it somebody else finds the same models again.

use collegium_records::AuditReport;
use maud::{Markup, html};

use crate::number::instant;
use crate::words::short;

pub(super) fn versions(report: &AuditReport) -> Markup {
    let versions = &report.versions;
    let data = report.data.iter().filter_map(|source| Some((source, source.table?)));
    html! {
        @if !versions.tool.is_empty() {
            h3 { "Versions" }
            dl.facts.narrow {
                dt { "Collegium" } dd { (versions.tool) @if !report.created.is_empty() { ", " (instant(&report.created)) } }
                @if let Some(lock) = &versions.lock { dt { "Lock file" } dd { code title=(lock) { (lock.short()) } } }
                dt { "Commit" } dd { @match &versions.commit { Some(commit) => code title=(commit) { (commit.chars().take(12).collect::<String>()) }, None => "unknown" } }
                @for (source, table) in data { dt { "Rows of " (short(&source.name)) } dd { code title=(table) { (table.short()) } } }
            }
        }
    }
}
