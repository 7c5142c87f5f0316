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
    let without = format!("{} without it", metric_name(metric));
    let headings = ["Of the map", "Of the pixels", &without, "Difference"];
    html! {
        @if !known.is_empty() {
            table.stack.slices role="table" {
                thead role="rowgroup" { tr role="row" {
                    th scope="col" role="columnheader" { "Region [rows, columns]" }
                    @for heading in &headings { th.figure scope="col" role="columnheader" { (heading) } }
                } }
                tbody role="rowgroup" { @for (one, diff) in &known {
                    @let (difference, range) = measure(diff.difference, diff.interval.as_ref());
                    tr role="row" {
                        th scope="row" role="rowheader" { code { (one.cue.input) } span.aside { (if one.proposed { "dense in the map" } else { "a quarter" }) } }
                        @for (heading, value) in headings.iter().zip([percent(one.share), percent(one.area), number(diff.after)]) {
                            td.figure role="cell" data-label=(heading) { (value) }
                        }
                        td.figure role="cell" data-label=(headings[3]) { span.cell { span.value { (difference) } @if let Some(range) = range { span.aside { (range) } } } }
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
