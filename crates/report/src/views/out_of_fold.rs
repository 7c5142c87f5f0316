//! Overfitting or a shift: the loss on training rows, on the same rows by fold models that have not seen them, and on
//! validation and test rows.

use collegium_records::{NodeAudit, SplitMeasures};
use maud::{Markup, html};

use crate::number::{count, measure, number};
use crate::words::{metric_name, on};

/// Losses side by side, and the columns that moved; nothing without fold models.
pub(crate) fn out_of_fold(node: &NodeAudit) -> Markup {
    let loss = if node.task == "classification" { "log_loss" } else { "rmse" };
    let side = |name: &str| node.metrics.get(name);
    let rows: [(&str, Option<&SplitMeasures>); 4] = [
        ("training rows", side("train")),
        ("training rows, by fold models that have not seen them", node.out_of_fold.as_ref()),
        ("validation rows", side("valid")),
        ("test rows", side("test")),
    ];
    let known = node.out_of_fold.as_ref().is_some_and(|of| on(Some(of), loss).is_some());
    html! {
        @if known {
            h4 { "Overfitting or a shift?" }
            div.scroll tabindex="0" role="region" aria-label="Loss on training rows, out of fold, and on other sides" {
                table.plain {
                    thead { tr { th scope="col" { "Measured on" } th.figure scope="col" { "Rows" } th.figure scope="col" { (metric_name(loss)) } th.figure scope="col" { "95 % interval" } } }
                    tbody {
                        @for (what, measures) in rows {
                            @if let (Some(measures), Some((value, interval))) = (measures, on(measures, loss)) {
                                @let (value, range) = measure(value, interval);
                                tr { th scope="row" { (what) } td.figure { (count(measures.rows)) } td.figure { (value) } td.figure { (range.unwrap_or_else(|| "–".to_owned())) } }
                            }
                        }
                    }
                }
            }
            p.caption { "The first far below the second: it overfits. The second below the last two: these rows are of another kind (a shift)." }
            @if let Some(moved) = node.shift.as_ref().filter(|moved| !moved.is_empty()) {
                p { "What moved between training and those rows, by the population stability index: "
                    @for (at, column) in moved.iter().enumerate() { @if at > 0 { ", " } (column.column) " " (number(column.psi)) } "." }
            }
        }
    }
}
