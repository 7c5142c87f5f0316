//! Saliency maps of image inputs.

use collegium_records::{Agop, ImageMaps, NodeAudit};
use maud::{Markup, html};

use crate::charts;
use crate::number::{measure, number, percent};
use crate::words::{headline, metric_name};

/// Where each image input counts, all classes together.
pub(super) fn whole(node: &NodeAudit) -> Markup {
    html! {
        @for maps in &node.probe.images {
            h4 { "Where in " code { (maps.input) } }
            (charts::map(maps))
            (regions(node, maps))
        }
    }
}

/// The same by class and direction.
pub(super) fn images(node: &NodeAudit, agop: &Agop) -> Markup {
    html! {
        @for maps in &node.probe.images {
            h4 { "Where in " code { (maps.input) } }
            (charts::tiles(maps, Some(agop)))
        }
    }
}

/// What the expert is without each region, in the metric that stands for it.
fn regions(node: &NodeAudit, maps: &ImageMaps) -> Markup {
    let metric = headline(node).unwrap_or("log_loss");
    let known = maps.regions.iter().filter_map(|one| Some((one, one.cue.permuted.get(metric)?)));
    let known: Vec<_> = known.collect();
    html! {
        @if !known.is_empty() {
            table.plain {
                thead { tr {
                    th scope="col" { "Region [rows, columns]" } th.figure scope="col" { "Of the map" } th.figure scope="col" { "Of the pixels" }
                    th.figure scope="col" { (metric_name(metric)) " without it" } th.figure scope="col" { "Difference" }
                } }
                tbody { @for (one, diff) in &known {
                    @let (difference, range) = measure(diff.difference, diff.interval.as_ref());
                    tr {
                        th scope="row" { code { (one.cue.input) } @if one.proposed { span.aside { "dense in the map" } } @else { span.aside { "a quarter" } } }
                        td.figure { (percent(one.share)) }
                        td.figure { (percent(one.area)) }
                        td.figure { (number(diff.after)) }
                        td.figure { span.value { (difference) } @if let Some(range) = range { span.aside { (range) } } }
                    }
                } }
            }
            p.caption {
                "Each region's pixels are those of another test row, drawn at random (before: " (number(known[0].1.before)) "). "
                "The map shows sensitivity; this table shows the effect."
            }
        }
    }
}
