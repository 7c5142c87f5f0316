//! The section of one expert, in the order in which a reviewer asks: what was found, how well it does,
//! what it looks at, how it works inside, whether that changed, what it could do without, how it was
//! trained, and where its labels come from.
//!
//! Without skill on held-out rows nothing of what it looks at is drawn, whatever the record holds.

mod classes;
mod head;
mod metrics;
mod provenance;
mod slices;
mod training;

pub(crate) use classes::classes;
pub(crate) use metrics::{direction, metrics, seen};
pub(crate) use slices::{probability, weak};

use collegium_records::NodeAudit;
use maud::{Markup, html};

use crate::attention::{Part, has_skill, items};
use crate::page::anchor;
use crate::views::{combined, comparisons, composite, cues, importance, layers, performance};
use crate::words::{Health, short, verdict, verdict_title};

pub(crate) fn section(node: &NodeAudit, index: usize) -> Markup {
    let id = format!("e{index}");
    let health = Health::of(node);
    let parts = parts(node, &id);
    html! {
        section.expert id=(anchor(&node.name)) aria-labelledby={ (id) "-title" } {
            h2 id={ (id) "-title" } { (short(&node.name)) " " span class={ "health " (health.class()) } { (health.words()) } }
            (head::about(node))
            p.verdict.alert[!node.skill.beats_baseline] { strong { (verdict_title(node)) } " " (verdict(node)) }
            (head::findings(&items(node), index))
            (head::standing(node))
            nav.jump aria-label={ "Parts of " (short(&node.name)) } {
                @for (part, _) in &parts { a href={ "#" (id) "-" (part.id()) } { (part.title()) } " " }
            }
            @for (part, body) in &parts {
                h3 id={ (id) "-" (part.id()) } { (part.title()) }
                (body)
            }
        }
    }
}

/// What there is something to show for.
fn parts(node: &NodeAudit, id: &str) -> Vec<(Part, Markup)> {
    let shown = has_skill(node);
    let mut parts = vec![
        (Part::Performance, performance::performance(node, id)),
        (Part::Looks, importance::importance(node, id)),
    ];
    if let Some(of) = &node.combined {
        parts.insert(1, (Part::Combined, combined::combined(node, of)));
    }
    if let Some(of) = &node.composite {
        parts.push((Part::Composite, composite::composite(node, of)));
    }
    if shown && !node.probe.layers.is_empty() {
        parts.push((Part::Layers, layers::layers(node, id)));
    }
    if shown && !node.probe.comparisons.is_empty() {
        parts.push((Part::Comparisons, comparisons::comparisons(node)));
    }
    if shown && !node.probe.cues.is_empty() {
        parts.push((Part::Cues, cues::cues(node)));
    }
    parts.push((Part::Training, training::training(node, id)));
    if let Some(provenance) = &node.provenance {
        parts.push((Part::Provenance, provenance::provenance(provenance)));
    }
    parts
}
