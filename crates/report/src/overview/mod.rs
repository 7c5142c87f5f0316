//! Page one: what the pipeline is worth, what is required and met, what needs attention, and what it all rests on.
//!
//! A reader who did not build the pipeline stops here, or knows after it where to look first.

mod ends;
mod experts;
mod network;
mod reading;
mod rows;
mod versions;

use collegium_records::{AuditReport, Finding, NodeAudit, RequirementOutcome};
use maud::{Markup, html};

use crate::number::{common_decimals, counted};
use crate::page::{figure, link, sentence};
use crate::words::short;

pub(crate) fn overview(report: &AuditReport) -> Markup {
    html! {
        section #overview aria-labelledby="overview-title" {
            h2 #overview-title { "Summary" }
            @if report.nodes.is_empty() {
                p.summary { "This pipeline has no experts yet, so there is nothing to show." }
            } @else {
                (in_short(report))
                (requirements(&report.requirements))
                (attention(report))
                (ends::against(report))
                (experts::table(report))
            }
            (rows::rows(report))
            (network::drawing(report))
            (versions::versions(report))
            @if !report.nodes.is_empty() { (reading::reading()) }
        }
    }
}

/// The answers to the first questions, in a few sentences.
fn in_short(report: &AuditReport) -> Markup {
    let total = report.nodes.len();
    let unjudged = report.nodes.iter().filter(|node| node.skill.not_judged.is_some()).count();
    let skilled = report.nodes.iter().filter(|node| node.skill.beats_baseline).count();
    let nothing = total - skilled - unjudged;
    let missed = report.requirements.iter().filter(|one| !one.met).count();
    html! {
        p.summary {
            @for sentence in ends::sentences(report) { (sentence) " " }
            @match (report.requirements.len(), missed) {
                (0, _) => {}
                (1, 0) => { "The requirement is met" (beyond(report)) ". " }
                (all, 0) => { "All " (all) " requirements are met" (beyond(report)) ". " }
                (all, missed) => { strong.alarm { (missed) " of " (counted(all as u64, "requirement", "requirements")) (if missed == 1 { " is" } else { " are" }) " not met." } " " }
            }
            @if skilled == total { (if total == 1 { "It has" } else { "Every expert has" }) " skill on test rows: it is better than the constant baseline." }
            @else {
                (skilled) " of " (counted(total as u64, "expert", "experts")) @if skilled == 1 { " has" } @else { " have" } " skill on test rows (better than the constant baseline)"
                @if nothing > 0 { "; " strong { (nothing) " learned nothing" } }
                @if unjudged > 0 { "; " strong { (unjudged) " cannot be judged" } }
                "."
            }
        }
    }
}

/// Of how many of the requirements that are met the interval reaches beyond the bound, in words.
fn beyond(report: &AuditReport) -> String {
    let all = report.requirements.len();
    match report.requirements.iter().filter(|one| one.doubt().is_some()).count() {
        0 => String::new(),
        _ if all == 1 => ", but its 95 % interval reaches beyond the bound".to_owned(),
        some => format!(", but the 95 % interval of {some} of them reaches beyond the bound"),
    }
}

/// What the pipeline file requires, and what was measured.
fn requirements(all: &[RequirementOutcome]) -> Markup {
    html! {
        h3 { "Requirements" }
        @if all.is_empty() {
            p { "The pipeline file requires nothing (" code { "evaluate.require" } ")." }
        } @else {
            table.plain.requirements {
                thead { tr { th scope="col" { "Required" } th.figure scope="col" { "Measured" } th scope="col" { "Verdict" } } }
                tbody { @for one in all { tr {
                    th scope="row" { code { (one.text) } }
                    td.figure {
                        @match one.value {
                            Some(value) => (figure(value, one.interval.as_ref(), common_decimals(&[(value, one.interval.as_ref())]))),
                            None => span.soft { (one.not_measured.as_deref().unwrap_or("not measured")) },
                        }
                    }
                    td { span.health.good[one.met].alert[!one.met] { (one.verdict_words()) } @if let Some(doubt) = one.doubt() { span.aside { (doubt) } } }
                } } }
            }
        }
    }
}

/// Every warning of every expert, from its one list of findings, and what else was looked for.
fn attention(report: &AuditReport) -> Markup {
    let of = |node| NodeAudit::warnings(node).map(move |finding| (node, finding));
    let all: Vec<(&NodeAudit, &Finding)> = report.nodes.iter().flat_map(of).collect();
    html! {
        h3 { "Needs attention" }
        @if all.is_empty() { p { "Nothing: no expert has a warning." } } @else {
            ul.findings {
                @for (node, finding) in &all {
                    li.warning { a href=(link(&node.name)) { (short(&node.name)) } " " (sentence(&finding.text)) }
                }
            }
        }
        @let quiet = report.found_nothing();
        @if !quiet.is_empty() { p.caption { "Looked for, without a warning: " (quiet.join("; ")) "." } }
    }
}
