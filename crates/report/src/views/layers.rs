//! Hidden layers: neural collapse, neural feature ansatz, ranks, from the inputs on.

use collegium_records::{Ansatz, Collapse, LayerAudit, NodeAudit};
use maud::{Markup, html};

use crate::charts;
use crate::number::{count, counted, number};

pub(crate) fn layers(node: &NodeAudit, id: &str) -> Markup {
    let layers = &node.probe.layers;
    let collapse = layers.iter().any(|l| l.collapse_train.is_some() || l.collapse_test.is_some());
    html! {
        div.pair { @for picture in charts::layers(layers, id) { div { (picture) } } }
        (table(layers))
        @if collapse {
            h4 { "Neural collapse" }
            (collapse_table(layers))
            p.caption {
                "How far the activations of a class are drawn together, " a href="#glossary-collapse" { "NC1 to NC4" }
                ". Marked: NC1 on test rows more than five times that on training rows. "
                "It is not model collapse (" a href="#glossary-collapses" { "the difference" } ")."
            }
        }
    }
}

fn table(layers: &[LayerAudit]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Hidden layers" {
            table.plain.layers {
                thead {
                    tr {
                        td colspan="3" {}
                        th.over scope="colgroup" colspan="2" { a href="#glossary-rank" { "effective rank" } }
                        th.over.beside scope="colgroup" colspan="4" { a href="#glossary-ansatz" { "neural feature ansatz" } }
                    }
                    tr {
                        th scope="col" { "Layer" } th.figure scope="col" { "Units" } th.figure scope="col" { "Dead" }
                        th.figure scope="col" { "AGOP" } th.figure scope="col" { "Activations" }
                        th.figure.beside scope="col" { "Initial" } th.figure scope="col" { "Trained" } th.figure scope="col" { "Change" } th.figure scope="col" { "Pearson" }
                    }
                }
                tbody {
                    @for layer in layers {
                        tr {
                            th scope="row" { (layer.name) }
                            td.figure { (count(u64::from(layer.units))) }
                            td.figure { (count(u64::from(layer.dead_units))) }
                            td.figure { (number(layer.agop_effective_rank)) }
                            td.figure { (number(layer.activation_effective_rank)) }
                            td.figure.beside { (figure(layer, |a| Some(a.initial))) }
                            td.figure { (figure(layer, |a| Some(a.trained))) }
                            td.figure { (figure(layer, |a| a.change)) }
                            td.figure { (figure(layer, |a| Some(a.pearson))) }
                        }
                    }
                }
            }
        }
    }
}

/// A table of training rows beside test rows.
fn collapse_table(layers: &[LayerAudit]) -> Markup {
    type Of = fn(&Collapse) -> Option<f64>;
    let measures: [(&str, Of); 4] = [
        ("NC1", |c| Some(c.nc1)),
        ("NC2", |c| Some(c.nc2)),
        ("NC3", |c| c.nc3),
        ("NC4", |c| Some(c.nc4)),
    ];
    let shown = |collapse: Option<Collapse>, of: Of| {
        collapse.as_ref().and_then(of).map_or_else(|| "–".to_owned(), number)
    };
    let rows = |of: fn(&LayerAudit) -> Option<Collapse>| {
        let rows = layers.iter().find_map(of).map(|c| counted(c.rows, "row", "rows"));
        html! { @if let Some(rows) = rows { span.aside { (rows) } } }
    };
    html! {
        div.scroll tabindex="0" role="region" aria-label="Neural collapse" {
            table.plain.layers {
                thead {
                    tr {
                        td {}
                        th.over scope="colgroup" colspan="4" { "training rows" (rows(|l| l.collapse_train)) }
                        th.over.beside scope="colgroup" colspan="4" { "test rows" (rows(|l| l.collapse_test)) }
                    }
                    tr {
                        th scope="col" { "Layer" }
                        @for side in 0..2 { @for (i, (name, _)) in measures.iter().enumerate() {
                            th.figure.beside[side == 1 && i == 0] scope="col" { (name) }
                        } }
                    }
                }
                tbody {
                    @for layer in layers {
                        @let gap = layer.collapsed_alone().is_some();
                        tr.alarm[gap] {
                            th scope="row" { (layer.name) @if gap { span.aside.alarm { "more on training rows" } } }
                            @for (name, of) in &measures { td.figure.hot[gap && *name == "NC1"] { (shown(layer.collapse_train, *of)) } }
                            @for (i, (name, of)) in measures.iter().enumerate() {
                                td.figure.beside[i == 0].hot[gap && *name == "NC1"] { (shown(layer.collapse_test, *of)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A figure of the ansatz, or a dash where it is not defined.
fn figure(layer: &LayerAudit, of: impl Fn(&Ansatz) -> Option<f64>) -> String {
    layer.ansatz.as_ref().and_then(of).map_or_else(|| "–".to_owned(), number)
}
