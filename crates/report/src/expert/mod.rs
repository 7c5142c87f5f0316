//! The page of one expert, in the order in which a reviewer asks: what was found, how good it is beside
//! baselines, what it uses, where it errs, what to do next. What only a researcher asks is folded away in an
//! appendix, which is not printed.
//!
//! Without skill on held-out rows nothing of what it uses is drawn, whatever the record holds.

mod appendix;
mod classes;
mod errors;
mod head;
mod merit;
mod metrics;
mod next;
mod provenance;
mod rotated;
mod slices;
mod training;
mod tuning;

pub(crate) use classes::classes;
pub(crate) use metrics::{direction, metrics};
pub(crate) use slices::{probability, weak};

use collegium_records::NodeAudit;
use maud::{Markup, html};

use crate::page::anchor;
use crate::views::{combined, composite, slices::declared, uses};
use crate::words::{Health, short, verdict, verdict_title};

/// A part of an expert's page.
pub(crate) struct Part {
    /// The end of its id.
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) body: Markup,
}

pub(crate) fn section(node: &NodeAudit, index: usize) -> Markup {
    let id = format!("e{index}");
    let health = Health::of(node);
    let appendix = appendix::parts(node, &id);
    html! {
        section.expert id=(anchor(&node.name)) aria-labelledby={ (id) "-title" } {
            h2 id={ (id) "-title" } { (short(&node.name)) " " span class={ "health " (health.class()) } { (health.words()) } }
            (head::about(node))
            p.verdict.alert[!node.skill.beats_baseline] {
                @let title = verdict_title(node);
                @if !title.is_empty() { strong { (title) } " " }
                (verdict(node))
            }
            (head::findings(node))
            (head::standing(node))
            @for part in parts(node, &id) { (shown(&part, &id)) }
            details.appendix {
                summary { "Appendix: " @for (i, part) in appendix.iter().enumerate() { @if i > 0 { ", " } (part.title.to_lowercase()) } }
                @for part in &appendix { (shown(part, &id)) }
            }
        }
    }
}

fn shown(part: &Part, id: &str) -> Markup {
    html! {
        h3 id={ (id) "-" (part.id) } { (part.title) }
        (part.body)
    }
}

/// What there is something to show for.
fn parts(node: &NodeAudit, id: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    // What stands for it comes first.
    if let Some(body) = rotated::table(node) {
        parts.push(Part { id: "rotated", title: "Over rotated sides, beside baselines", body });
    }
    let title = match node.stands_on() {
        Some(_) => "On the test rows of the declared split",
        None => "Figure of merit, beside baselines",
    };
    parts.push(Part { id: "merit", title, body: merit::merit(node) });
    if let Some(of) = &node.combined {
        let title = if of.kind == "mixture" { "Mixture and controls" } else { "Gate and controls" };
        parts.push(Part { id: "combined", title, body: combined::combined(node, of) });
    }
    parts.push(Part { id: "uses", title: "What it uses", body: uses::uses(node, id) });
    if let Some(of) = &node.composite {
        let title = "What its upstreams contribute";
        parts.push(Part { id: "composite", title, body: composite::composite(node, of) });
    }
    if let Some(body) = errors::errors(node, id) {
        parts.push(Part { id: "errors", title: "Errors", body });
    }
    if let Some(found) = node.performance.slices.as_ref().filter(|found| found.tested > 0) {
        let body = weak(found, "test row", "test rows", &node.target);
        parts.push(Part { id: "slices", title: "Where it does worse", body });
    }
    if let Some(found) = &node.performance.declared_slices {
        let body = declared(found, "test row", "test rows");
        parts.push(Part { id: "declared-slices", title: "Declared slices", body });
    }
    if node.skill.is_shown() || !node.findings.is_empty() {
        parts.push(Part { id: "next", title: "What to do next", body: next::next(node) });
    }
    parts
}
