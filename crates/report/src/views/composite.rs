//! Error attribution to upstreams: each as it is, replaced by the truth, ablated.

use collegium_records::{Composite, Metrics, NodeAudit, metric_words};
use maud::{Markup, html};

use crate::number::{number, percent};
use crate::words::{finite, metric_name, short};

pub(crate) fn composite(node: &NodeAudit, composite: &Composite) -> Markup {
    let loss = metric_words(&composite.loss);
    let or = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), number);
    html! {
        div.scroll tabindex="0" role="region" aria-label={ "Upstreams of " (short(&node.name)) } {
            table.plain {
                thead { tr {
                    th scope="col" { "Upstream" }
                    th.figure scope="col" { "By itself" }
                    th.figure scope="col" { "With the truth" }
                    th.figure scope="col" { "With its mean" }
                    th.figure scope="col" { "Share of the loss" }
                } }
                tbody {
                    @for upstream in &composite.upstream {
                        tr {
                            th scope="row" { (short(&upstream.name)) }
                            td.figure { (alone(&upstream.isolated)) }
                            td.figure { (or(upstream.oracle)) }
                            td.figure { (number(upstream.ablated)) }
                            td.figure { (upstream.share.map_or_else(|| "–".to_owned(), percent)) }
                        }
                    }
                }
            }
        }
        p.caption {
            "Test " (loss) " of this expert: " (number(composite.pipeline)) " in the pipeline"
            @if let Some(oracle) = composite.oracle { ", " (number(oracle)) " with the truth in the place of all upstream outputs" }
            ". With the truth: one upstream's outputs are replaced by the truth; the share of the loss that goes away is its own. It is absent where the upstream predicts the same target. With its mean: its outputs are replaced by their means. "
            a href="#glossary-blame" { "How shares are meant" } "."
        }
    }
}

/// An upstream's own first metric.
fn alone(metrics: &Metrics) -> Markup {
    let found = ["average_precision", "auc", "accuracy", "r2", "rmse"]
        .into_iter()
        .find_map(|name| Some((name, finite(metrics, name)?)));
    html! {
        @match found {
            Some((name, value)) => { (number(value)) span.aside { (metric_name(name)) } }
            None => "–",
        }
    }
}
