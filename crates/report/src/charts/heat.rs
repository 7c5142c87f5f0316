//! Heat map of importance by class: a table that is shaded and still readable without its shading.

use collegium_records::{Agop, ClassShares};
use maud::{Markup, html};

use super::confusion::shade;
use crate::number::percent;
use crate::page::breakable;

/// Inputs that get a column, in the order of importance.
const SHOWN: usize = 24;

/// Classes in rows, inputs in columns.
pub(crate) fn classes(shares: &ClassShares, agop: &Agop) -> Markup {
    let inputs = &agop.importance[..agop.importance.len().min(SHOWN)];
    let left = agop.importance.len() - inputs.len();
    html! {
        div.scroll tabindex="0" role="region" aria-label="Class by input" {
            table.confusion.heat {
                thead { tr {
                    th.corner scope="col" { "Class" }
                    @for input in inputs { th scope="col" { (breakable(&input.input)) } }
                    th.total scope="col" { "Of the whole" }
                } }
                tbody {
                    @for (i, class) in shares.classes.iter().enumerate() {
                        tr {
                            th scope="row" { (class) }
                            @for j in 0..inputs.len() {
                                @match shares.shares.get(i).and_then(|row| row.get(j)) {
                                    Some(share) => td style={ "background:" (shade(*share)) } { (percent(*share)) },
                                    None => td { "–" },
                                }
                            }
                            td.total { (shares.totals.get(i).map_or_else(|| "–".to_owned(), |total| percent(*total))) }
                        }
                    }
                }
            }
        }
        p.caption {
            "Each row sums to 100 %: what sets this class apart from the mean of all logits ("
            a href="#glossary-per-class" { "per-class AGOP" } "). The last column: the share of this class in the whole."
            @if left > 0 { " The " (left) " inputs of least importance are in the JSON of the audit." }
        }
    }
}
