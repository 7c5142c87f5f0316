//! Label provenance: where an expert's labels come from.

use collegium_records::Provenance;
use maud::{Markup, html};

use crate::number::percent;
use crate::page::sentence;

pub(super) fn provenance(provenance: &Provenance) -> Markup {
    let short = provenance.least_measured.is_some_and(|least| provenance.measured_share < least);
    html! {
        dl.facts.narrow {
            dt { a href="#glossary-generation" { "Generation" } }
            dd { (provenance.generation) " · " (generation(provenance.generation)) }
            dt { "Training labels that were measured" }
            dd {
                span.alarm[short] { (percent(provenance.measured_share)) }
                @match provenance.least_measured {
                    Some(least) if short => { ", less than the " (percent(least)) " that the pipeline asks for" }
                    Some(least) => { ", at least " (percent(least)) " is asked for" }
                    None => {}
                }
            }
            @if !provenance.tables.is_empty() {
                dt { "Tables" }
                dd { @for (i, (table, kind)) in provenance.tables.iter().enumerate() {
                    @if i > 0 { br; }
                    code { (table) } " " @if kind == "measured" { (kind) } @else { strong { (kind) } }
                } }
            }
        }
        @if !provenance.notes.is_empty() {
            ul.findings { @for note in &provenance.notes { li { (sentence(note)) } } }
        }
    }
}

fn generation(generation: u32) -> &'static str {
    match generation {
        0 => "all that it reads and predicts was measured",
        1 => "it is trained on what a model made",
        _ => "it is trained on what a model made that was itself trained on what a model made",
    }
}
