//! Performance beyond one number; all of it on held-out rows.

use collegium_records::{MetricDiff, NodeAudit, PairedVerdict};
use maud::{Markup, html};

use super::seeds;
use crate::charts::{self, MOST_CLASSES};
use crate::expert::{classes, direction, metrics, weak};
use crate::number::measure;
use crate::words::{baseline_name, headline, metric_name, short};

/// Classes up to which a confusion matrix needs no more than half of the width.
const BESIDE: usize = 4;

pub(crate) fn performance(node: &NodeAudit, id: &str) -> Markup {
    let performance = &node.performance;
    html! {
        (metrics(node))
        @if let Some(decided) = &node.decided { p.caption { (decided.in_words()) } }
        (against(node))
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

/// The expert against its baselines, paired: the headline metric and the loss.
fn against(node: &NodeAudit) -> Markup {
    let loss = node.skill.metric.as_str();
    let shown = headline(node).into_iter().chain((headline(node) != Some(loss)).then_some(loss));
    let shown: Vec<&str> = shown.collect();
    // A constant is what skill is judged against, at the head of the section.
    let others = node.against.iter().filter(|(name, _)| *name != "majority");
    let rows = others.flat_map(|(name, metrics)| {
        let diffs = shown.iter().filter_map(|metric| Some((*metric, metrics.get(*metric)?)));
        diffs.map(move |(metric, diff)| (name, metric, diff))
    });
    let rows: Vec<(&String, &str, &MetricDiff)> = rows.collect();
    html! {
        @if !rows.is_empty() {
            h4 { "Against baselines, on the same test rows" }
            div.scroll tabindex="0" role="region" aria-label={ "Paired differences of " (short(&node.name)) } {
                table.plain {
                    thead { tr {
                        th scope="col" { "Baseline" } th scope="col" { "Metric" } th.figure scope="col" { "Expert" }
                        th.figure scope="col" { "Baseline" } th.figure scope="col" { "Difference" } th scope="col" { "Expert is" }
                    } }
                    tbody { @for (name, metric, diff) in &rows {
                        @let (difference, range) = measure(diff.difference, diff.interval.as_ref());
                        tr {
                            th scope="row" { (baseline_name(name, node)) }
                            td { (metric_name(metric)) " " (direction(metric)) }
                            td.figure { (measure(diff.after, None).0) }
                            td.figure { (measure(diff.before, None).0) }
                            td.figure { span.value { (difference) } @if let Some(range) = range { span.aside { (range) } } }
                            td { (verdict(diff.verdict(metric))) }
                        }
                    } }
                }
            }
            p.caption { "Expert less baseline. The 95 % interval of a difference is of both models on the same resampled rows, so rows that are hard for both cancel out." }
        }
    }
}

fn verdict(verdict: PairedVerdict) -> &'static str {
    match verdict {
        PairedVerdict::Better => "better",
        PairedVerdict::Worse => "worse",
        PairedVerdict::CannotTell => "cannot tell",
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
                @if !curves.gain.is_empty() {
                    div { h4 { "Cumulative gains" } (charts::gain(&curves.gain, &format!("{id}-gain"))) }
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
