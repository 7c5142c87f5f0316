//! Feature importance (AGOP) of an expert.

use collegium_records::{Agop, NodeAudit};
use maud::{Markup, html};

use super::{images, raw, rows};
use crate::charts;
use crate::number::{counted, measure, number};
use crate::words::capital;

/// Directions that are shown at once; the rest folds away.
const DIRECTIONS: usize = 4;

pub(crate) fn importance(node: &NodeAudit, id: &str) -> Markup {
    let agop = node.agop.as_ref().filter(|_| node.skill.is_shown());
    let Some(agop) = agop else {
        let why = node.withheld.as_deref().unwrap_or("None was recorded for this expert.");
        return html! { p.withheld { strong { "No picture. " } (why) } };
    };
    html! {
        (head(agop))
        (charts::importance(agop, &node.noun))
        @if !agop.groups.is_empty() {
            h4 { "Correlated inputs" }
            (charts::groups(agop))
            p.caption {
                "Inputs with a correlation above .9: how the AGOP is divided among them varies from seed to seed. "
                "The share is that of the " a href="#glossary-groups" { "group as one" } "."
            }
        }
        @if !agop.upstream.is_empty() {
            h4 { "Through other experts" }
            (charts::upstream(agop))
            p.caption { "Share of the AGOP that runs through the outputs of each upstream expert." }
        }
        @if let Some(raw) = &node.probe.raw { (raw::raw(raw)) }
        @if let Some(spectrum) = charts::spectrum(agop, &node.noun, &format!("{id}-spectrum")) {
            h4 { "How many directions" }
            div.pair { div { (spectrum) } div { (ranks(agop, &node.noun)) } }
        }
        (directions(agop, node))
        @if let Some(shares) = agop.classes.as_ref().filter(|_| agop.importance.len() > 1) {
            h4 { "AGOP share by class" }
            (charts::classes(shares, agop))
        }
        (images::images(node, agop))
        @if !node.probe.rows.is_empty() {
            h4 { "Single rows" }
            (rows::rows(&node.probe.rows, node))
        }
    }
}

fn head(agop: &Agop) -> Markup {
    let output = if agop.output == "value" { "predicted value" } else { agop.output.as_str() };
    let floor = &agop.noise_floor;
    html! {
        p.caption.above {
            "Share of each declared input in the " a href="#glossary-agop" { "AGOP" } " of the " (output) ", "
            a href="#glossary-share" { "scale-free" } ", over " (counted(agop.rows, "row", "rows"))
            " of the " (agop.split) " side. Two random halves of these rows agree to a cosine of "
            (measure(floor.split_half_cosine, None).0)
            @if let Some(seeds) = &floor.seeds {
                "; " (counted(u64::from(seeds.of), "fit", "fits")) " that differ in the " a href="#glossary-seeds" { "seed" }
                " alone agree to no less than " (measure(seeds.cosine, None).0)
            }
            "."
        }
    }
}

/// How many directions, beside models that learned nothing.
fn ranks(agop: &Agop, noun: &str) -> Markup {
    let floor = &agop.noise_floor;
    html! {
        table.plain {
            thead { tr { th scope="col" { (capital(noun)) } th.figure scope="col" { a href="#glossary-rank" { "Effective rank" } } th.figure scope="col" { a href="#glossary-participation" { "Participation" } } } }
            tbody {
                tr { th scope="row" { "this expert" } td.figure { (number(agop.effective_rank)) }
                    td.figure { @if agop.participation > 0.0 { (number(agop.participation)) } @else { "–" } } }
                @if floor.no_untrained.is_none() {
                    tr { th scope="row" { "untrained" } td.figure { (number(floor.untrained_effective_rank)) } td.figure { "–" } }
                }
                @if let Some(null) = &floor.permuted {
                    tr { th scope="row" { "permuted labels" } td.figure { (number(null.effective_rank)) } td.figure { "–" } }
                }
            }
        }
        p.caption {
            "Directions of the input to which the output is sensitive. Fewer than in a model that had nothing to learn: "
            "training found what matters."
        }
    }
}

/// Named loadings; folded away where the same directions are shown as images.
fn directions(agop: &Agop, node: &NodeAudit) -> Markup {
    let all = &agop.directions;
    let images = node.probe.images.iter().any(|maps| !maps.directions.is_empty());
    let (first, rest) = all.split_at(if images { 0 } else { all.len().min(DIRECTIONS) });
    let panels = |directions: &[collegium_records::Direction], from: usize| {
        html! {
            div.pair.panels { @for (i, direction) in directions.iter().enumerate() { div { (charts::direction(direction, from + i)) } } }
        }
    };
    html! {
        @if !all.is_empty() {
            h4 { "Directions" }
            @if !first.is_empty() { (panels(first, 0)) }
            @if !rest.is_empty() {
                details.numbers[images] {
                    summary { @if images { "Loadings by column; the pictures are below" } @else { (counted(rest.len() as u64, "more direction", "more directions")) } }
                    (panels(rest, first.len()))
                }
            }
            p.caption {
                "Combinations of standardised columns to which the output is sensitive, as " a href="#glossary-directions" { "loadings" }
                ": with more of a column to the right, and less of one to the left, it rises. The squares of all loadings sum to 1; the largest are shown."
            }
        }
    }
}
