//! Conditional permutation: the rise in loss when an input is exchanged among rows that are alike.

use collegium_records::Conditional;
use maud::{Markup, html};

use crate::number::measure;
use crate::words::metric_phrase;

pub(super) fn conditional(cost: &Conditional) -> Markup {
    html! {
        p.caption {
            @let (shown, range) = measure(cost.cost, Some(&cost.interval));
            @if cost.determined { "The other inputs determine it. " }
            "When it is exchanged among " @if cost.alike { "rows that are alike in the other inputs" } @else { "all rows" } ", "
            (metric_phrase(&cost.metric))
            " rises by " (shown) @if let Some(range) = range { " (" (range) ")" } "."
        }
    }
}
