//! Feature importance of the raw columns, through every expert above.

use collegium_records::RawAgop;
use maud::{Markup, html};

use crate::charts;
use crate::page::sentence;

pub(super) fn raw(raw: &RawAgop) -> Markup {
    html! {
        h4 { "Raw columns, through all upstream experts" }
        (charts::raw(raw))
        p.caption {
            "Jacobians are chained row by row from the data's own columns through all experts, and only then averaged ("
            a href="#glossary-raw" { "why" } ")."
        }
        @for note in &raw.notes { p.caption { (sentence(note)) } }
    }
}
