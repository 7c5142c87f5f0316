//! Response curves: how the output moves with each of the most important inputs.

use collegium_records::Responses;
use maud::{Markup, html};

use crate::charts;
use crate::number::counted;
use crate::page::sentence;

/// Small multiples; nothing where no input has a curve.
pub(crate) fn responses(found: &Responses, id: &str) -> Markup {
    html! {
        @if !found.inputs.is_empty() {
            h4 { "Response curves" }
            div.multiples {
                @for (i, input) in found.inputs.iter().enumerate() {
                    div { (charts::response(input, found, &format!("{id}-response-{i}"))) }
                }
            }
            p.caption {
                "Effect on the " (charts::responding(found)) ", less its mean over " (counted(found.rows, "test row", "test rows"))
                @if !found.classes.is_empty() && found.classes.len() > 1 {
                    ", of the most frequent classes: " (found.classes.join(", ")) " (solid, dashed, dotted)"
                }
                ". Numbers: " a href="#glossary-ale" { "accumulated local effects" } "; categories, which have no order: "
                a href="#glossary-ale" { "partial dependence" } ". Bands: 95 %"
                @if let Some(groups) = found.groups { ", over " (counted(groups, "group", "groups")) }
                ". Bars below a curve: root mean square of the gradient, where the function is steep for single rows. "
                "Shown are the inputs whose shuffling costs the most, on one scale; other experts' outputs are held as they are."
            }
            @for why in &found.left_out { p.caption { "No curve: " (sentence(why)) "." } }
        }
    }
}
