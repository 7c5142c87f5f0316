//! Comparisons of importances: two versions, two sides of the split, or two experts of one task.

use collegium_records::{Changed, Comparison, NodeAudit};
use maud::{Markup, html};

use crate::charts;
use crate::number::fixed;
use crate::page::sentence;
use crate::words::capital;

pub(crate) fn comparisons(node: &NodeAudit) -> Markup {
    html! {
        p.caption.above {
            "Are the importances the same? A difference smaller than between two halves of the rows, or between two seeds of one version, is none. "
            a href="#glossary-angles" { "How it is measured" } "."
        }
        @for comparison in &node.probe.comparisons { (one(comparison)) }
    }
}

fn one(comparison: &Comparison) -> Markup {
    let (class, words) = match comparison.changed {
        Changed::Yes => ("alert", "no: importances differ"),
        Changed::No => ("good", "yes: the same"),
        Changed::CannotTell => ("plain", "cannot tell"),
    };
    html! {
        div.comparison {
            h4 { (capital(&comparison.what)) " " span class={ "health " (class) } { (words) } }
            p { (sentence(&capital(&comparison.reason))) "." }
            (charts::agreement(comparison))
            @if !comparison.angles.is_empty() {
                p.caption {
                    @if comparison.k == 1 { "Angle between the first directions: " } @else { "Principal angles between the first " (comparison.k) " directions of each: " }
                    @for (i, angle) in comparison.angles.iter().enumerate() { @if i > 0 { ", " } (fixed(*angle, 1)) "°" }
                    "."
                }
            }
        }
    }
}
