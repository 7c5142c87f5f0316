//! Local explanations: input attributions of single rows.

use collegium_records::{NodeAudit, RowAttribution};
use maud::{Markup, html};

use crate::charts::diverging;
use crate::number::{count, number};
use crate::page::breakable;
use crate::words::capital;

pub(super) fn rows(rows: &[RowAttribution], node: &NodeAudit) -> Markup {
    let rises =
        if node.task == "regression" { "the value" } else { "the output for the predicted class" };
    html! {
        div.pair.panels {
            @for row in rows {
                div {
                    h5 { (capital(&row.why.to_string())) span.aside { "row " (count(row.row)) " · true " strong { (row.truth) } ", predicted " strong { (row.predicted) } " · loss " (number(row.loss)) } }
                    (inputs(row))
                }
            }
        }
        p.caption {
            "To the right: with more of it, " (rises) " rises; to the left: it falls. "
            "Bars are relative to the largest of the row (" a href="#glossary-attribution" { "attribution" } ")."
        }
    }
}

fn inputs(row: &RowAttribution) -> Markup {
    let rows = row
        .inputs
        .iter()
        .map(|input| {
            (
                html! { (breakable(&input.input)) span.aside { "is " (input.value) } },
                input.weight,
                vec![],
            )
        })
        .collect();
    diverging("Input", &["Weight"], rows)
}
