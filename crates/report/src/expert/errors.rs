//! Errors on test rows: confusion or residuals, calibration, and the curves over all thresholds.

use collegium_records::NodeAudit;
use maud::{Markup, html};

use crate::charts::{self, MOST_CLASSES};

/// Classes up to which a confusion matrix needs no more than half of the width.
const BESIDE: usize = 4;

/// Confusion and calibration, or residuals.
pub(super) fn errors(node: &NodeAudit, id: &str) -> Option<Markup> {
    let residuals = node.performance.residuals.as_ref();
    let histogram =
        residuals.and_then(|of| charts::histogram(of, &format!("{id}-residuals"), "test rows"));
    let by_prediction =
        residuals.and_then(|of| charts::by_prediction(of, &format!("{id}-by-prediction")));
    let classes = node.confusion.as_ref().map_or(0, |confusion| confusion.classes.len());
    let any = node.confusion.is_some()
        || node.reliability.is_some()
        || histogram.is_some()
        || by_prediction.is_some();
    any.then(|| {
        html! {
            div.pair.lean[(BESIDE + 1..=MOST_CLASSES).contains(&classes)] {
                @if let Some(confusion) = &node.confusion { div { h4 { "Confusion matrix" } (charts::confusion(confusion)) } }
                @if let Some(reliability) = &node.reliability {
                    div { h4 { "Calibration" } (charts::calibration(reliability, &format!("{id}-reliability"), node.classes.len())) }
                }
                @if let Some(picture) = histogram { div { h4 { "Residuals" } (picture) } }
                @if let Some(picture) = by_prediction { div { h4 { "Residuals by predicted value" } (picture) } }
            }
        }
    })
}

/// ROC and precision by recall.
pub(super) fn curves(node: &NodeAudit, id: &str) -> Option<Markup> {
    let curves = node.performance.curves.as_ref();
    let curves = curves.filter(|c| !c.roc.is_empty() || !c.precision_recall.is_empty())?;
    Some(html! {
        div.pair {
            @if !curves.roc.is_empty() {
                div { h4 { "ROC curve" } (charts::roc(&curves.roc, &format!("{id}-roc"))) }
            }
            @if !curves.gain.is_empty() {
                div { h4 { "Cumulative gains" } (charts::gain(&curves.gain, &format!("{id}-gain"))) }
            }
            @if !curves.precision_recall.is_empty() {
                div { h4 { "Precision and recall" } (charts::precision_recall(&curves.precision_recall, &format!("{id}-pr"))) }
            }
        }
    })
}
