//! Ablation of inputs (cue tests): what an expert can do without an input.

use collegium_records::{Cue, NodeAudit};
use maud::{Markup, html};

use crate::charts;
use crate::number::{counted, measure};
use crate::page::breakable;
use crate::words::{finite, headline, metric_name, metrics_of};

pub(crate) fn cues(node: &NodeAudit) -> Markup {
    html! {
        p.caption.above {
            "Nothing is trained: on test rows an input is replaced by its mean (removed), exchanged between rows at random (permuted), "
            "or taken from a row of another " @if node.task == "regression" { "half of the target" } @else { "class" }
            " (swapped). An input that misleads when swapped is one that the expert " a href="#glossary-cue" { "follows" } ". "
            "The dashed line is the constant baseline."
        }
        div.pair.panels { @for cue in &node.probe.cues { div { (one(cue, node)) } } }
    }
}

fn one(cue: &Cue, node: &NodeAudit) -> Markup {
    let known = |metric: &str| cue.removed.contains_key(metric) || cue.swapped.contains_key(metric);
    let metric = headline(node).filter(|metric| known(metric));
    let metric = metric.or_else(|| metrics_of(node).into_iter().find(|metric| known(metric)));
    let constant = node.baselines.get("majority").and_then(|by| by.get("test"));
    let picture = metric.and_then(|metric| {
        charts::cue(cue, metric, constant.and_then(|split| finite(&split.metrics, metric)))
    });
    html! {
        h4 { (breakable(&cue.input)) span.aside { (counted(cue.rows, "test row", "test rows")) } }
        @match picture {
            Some(picture) => (picture),
            None => p.caption { "No metric was recorded." },
        }
        (all(cue, node))
    }
}

/// Every metric.
fn all(cue: &Cue, node: &NodeAudit) -> Markup {
    let names: Vec<&str> = metrics_of(node)
        .into_iter()
        .filter(|name| {
            [&cue.removed, &cue.permuted, &cue.swapped].iter().any(|m| m.contains_key(*name))
        })
        .collect();
    html! {
        @if names.len() > 1 {
            details.numbers {
                summary { "All metrics" }
                div.scroll tabindex="0" role="region" aria-label={ "All metrics without " (cue.input) } {
                    table.plain {
                        thead { tr { th scope="col" { "Metric" } @for heading in ["As it is", "Removed", "Permuted", "Swapped"] { th.figure scope="col" { (heading) } } } }
                        tbody { @for name in names {
                            @let diffs = [&cue.removed, &cue.permuted, &cue.swapped].map(|metrics| metrics.get(name));
                            tr {
                                th scope="row" { (metric_name(name)) }
                                td.figure { (diffs.iter().flatten().next().map_or_else(|| "–".to_owned(), |diff| measure(diff.before, None).0)) }
                                @for diff in diffs { td.figure { (diff.map_or_else(|| "–".to_owned(), |diff| measure(diff.after, None).0)) } }
                            }
                        } }
                    }
                }
            }
        }
    }
}
