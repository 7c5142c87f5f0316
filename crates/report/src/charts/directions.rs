//! Chart of a direction (eigenvector of the AGOP) as named loadings.

use collegium_records::Direction;
use maud::{Markup, html};

use super::diverging;
use crate::number::{number, percent};
use crate::page::breakable;

/// Bars to both sides, largest first.
pub(crate) fn direction(direction: &Direction, index: usize) -> Markup {
    let rows = direction
        .loadings
        .iter()
        .map(|loading| (html! { (breakable(&loading.column)) }, loading.weight, vec![]))
        .collect();
    html! {
        h5 { "Direction " (index + 1) span.aside { (percent(direction.share)) " of the sum, eigenvalue " (number(direction.eigenvalue)) } }
        (diverging("Column", &["Loading"], rows))
    }
}
