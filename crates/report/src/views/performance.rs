//! Performance beyond one number; all of it on held-out rows.

use collegium_records::NodeAudit;
use maud::{Markup, html};

use super::seeds;
use crate::charts::{self, MOST_CLASSES};
use crate::expert::{classes, metrics, weak};

/// Classes up to which a confusion matrix needs no more than half of the width.
const BESIDE: usize = 4;

pub(crate) fn performance(node: &NodeAudit, id: &str) -> Markup {
    let performance = &node.performance;
    html! {
        (metrics(node))
        @if !performance.classes.is_empty() {
            h4 { "Each class by itself" }
            (classes(performance, "Test rows"))
        }
        (curves(node, id))
        (errors(node, id))
        (residuals(node, id))
        @if let Some(found) = &performance.slices {
            h4 { "Where it does worse" }
            (weak(found, "test row", "test rows"))
        }
        (seeds::seeds(node))
    }
}

fn curves(node: &NodeAudit, id: &str) -> Markup {
    let curves = node.performance.curves.as_ref();
    let curves = curves.filter(|c| !c.roc.is_empty() || !c.precision_recall.is_empty());
    html! {
        @if let Some(curves) = curves {
            div.pair {
                @if !curves.roc.is_empty() {
                    div { h4 { "ROC curve" } (charts::roc(&curves.roc, &format!("{id}-roc"))) }
                }
                @if !curves.precision_recall.is_empty() {
                    div { h4 { "Precision and recall" } (charts::precision_recall(&curves.precision_recall, &format!("{id}-pr"))) }
                }
            }
        }
    }
}

fn errors(node: &NodeAudit, id: &str) -> Markup {
    html! {
        @if node.confusion.is_some() || node.reliability.is_some() {
            @let classes = node.confusion.as_ref().map_or(0, |confusion| confusion.classes.len());
            div.pair.lean[(BESIDE + 1..=MOST_CLASSES).contains(&classes)] {
                @if let Some(confusion) = &node.confusion {
                    div { h4 { "Confusion matrix" } (charts::confusion(confusion)) }
                }
                @if let Some(reliability) = &node.reliability {
                    div { h4 { "Reliability" } (charts::calibration(reliability, &format!("{id}-reliability"), node.classes.len())) }
                }
            }
        }
    }
}

fn residuals(node: &NodeAudit, id: &str) -> Markup {
    let Some(residuals) = &node.performance.residuals else {
        return html! {};
    };
    html! {
        div.pair {
            @if let Some(picture) = charts::histogram(residuals, &format!("{id}-residuals"), "test rows") { div { h4 { "Errors" } (picture) } }
            @if let Some(picture) = charts::by_prediction(residuals, &format!("{id}-by-prediction")) {
                div { h4 { "Errors by predicted value" } (picture) }
            }
        }
    }
}
