//! Seed variance: the test metrics of this fit and of its refits with other seeds.

use collegium_records::NodeAudit;
use maud::{Markup, html};

use crate::expert::direction;
use crate::number::number;
use crate::words::{metric_name, metrics_of};

/// Test metrics of this fit and of its refits.
pub(crate) fn seeds(node: &NodeAudit) -> Markup {
    let seeds = &node.probe.seeds;
    let names: Vec<&str> = metrics_of(node)
        .into_iter()
        .filter(|name| seeds.iter().any(|metrics| metrics.contains_key(*name)))
        .collect();
    html! {
        @if seeds.len() > 1 && !names.is_empty() {
            div.scroll tabindex="0" role="region" aria-label="Test metrics with other seeds" {
                table.plain.seeds {
                    thead { tr { th scope="col" { "Fit" } @for name in &names { th.figure scope="col" { (metric_name(name)) " " (direction(name)) } } } }
                    tbody {
                        @for (i, metrics) in seeds.iter().enumerate() {
                            tr {
                                th scope="row" { @if i == 0 { "this one" } @else { "refit " (i) } }
                                @for name in &names { td.figure { (metrics.get(*name).map_or_else(|| "–".to_owned(), |value| number(*value))) } }
                            }
                        }
                    }
                }
            }
            p.caption { "Test rows. The refits differ from this fit in nothing but the " a href="#glossary-seeds" { "seed" } "." }
        }
    }
}
