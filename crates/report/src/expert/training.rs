//! Training: the learning curve, and what the fit cost.

use collegium_records::NodeAudit;
use maud::{Markup, html};

use crate::charts;
use crate::number::{bytes, count, number, seconds};

/// Its learning curve and its facts.
pub(super) fn training(node: &NodeAudit, id: &str) -> Markup {
    let curve = charts::learning(&node.epochs, node.best_epoch, &format!("{id}-learning"));
    html! {
        div.pair {
            div {
                h4 { "Learning curve" }
                @match curve {
                    Some(curve) => (curve),
                    None => p.caption { "No losses by epoch were recorded." },
                }
            }
            div {
                h4 { "Facts" }
                dl.facts {
                    dt { "Model" } dd { (node.model) }
                    dt { "Parameters" } dd { (count(node.parameters)) }
                    @if node.kept > 0 { dt { "Numbers kept of training rows" } dd { (count(node.kept)) } }
                    dt { "Multiply-adds per row" } dd { (count(node.multiply_adds)) }
                    dt { "Training rows" } dd { (count(node.rows)) }
                    @if let Some(account) = &node.account {
                        @if account.without_target > 0 { dt { "Rows without a target" } dd { (count(account.without_target)) " of " (count(account.rows)) ", left out" } }
                        @if account.filtered > 0 { dt { "Left out by " code { "where" } } dd { (count(account.filtered)) " of " (count(account.rows)) } }
                        @if let Some(left) = node.left_out { dt { "Left out by feeding forward in time" } dd { "the first " (count(left)) " of " (count(account.on("train"))) " on the training side" } }
                    }
                    @if node.rows > 0 && node.parameters > 0 {
                        dt { "Rows per parameter" } dd { (number(node.rows as f64 / node.parameters as f64)) }
                    }
                    dt { "Cost of the fit" } dd { (seconds(node.cost.seconds)) " (" (seconds(node.cost.cpu_seconds)) " of CPU), about " (bytes(node.cost.peak_bytes)) }
                    @if let Some(joules) = node.cost.joules { dt { "Energy" } dd { (number(joules)) " J" } }
                    dt { "Recipe" } dd { code title=(node.recipe) { (node.recipe.short()) } }
                    dt { "Realisation" } dd { code title=(node.realisation) { (node.realisation.short()) } }
                }
            }
        }
    }
}
