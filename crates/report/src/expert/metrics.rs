//! Table of metrics: every side of the split, and the baselines.

use std::collections::BTreeMap;

use collegium_records::{NodeAudit, SplitMeasures, larger_is_better};
use maud::{Markup, html};

use crate::number::{SPACE, counted, measure};
use crate::views::out_of_fold::out_of_fold;
use crate::words::{
    baseline_name, drawn_by_groups, metric_name, metrics_of, on, over_seeds, short,
};

const SIDES: [(&str, &str); 3] = [("train", "Train"), ("valid", "Valid"), ("test", "Test")];

/// Train, valid and test with intervals; baselines on test rows beside them.
pub(crate) fn metrics(node: &NodeAudit) -> Markup {
    let names = metrics_of(node);
    let sides: Vec<(&str, &str)> =
        SIDES.into_iter().filter(|(side, _)| node.metrics.contains_key(*side)).collect();
    let baselines: Vec<(&str, Option<&SplitMeasures>)> =
        node.baselines.iter().map(|(name, by)| (name.as_str(), by.get("test"))).collect();
    html! {
        @if names.is_empty() {
            p { "Nothing was measured." }
        } @else {
            div.scroll tabindex="0" role="region" aria-label={ "Metrics of " (short(&node.name)) } {
                table.metrics {
                    thead {
                        tr {
                            td {}
                            th.over scope="colgroup" colspan=(sides.len()) { "this expert" }
                            @if !baselines.is_empty() { th.over.beside scope="colgroup" colspan=(baselines.len()) { "baselines on test rows" } }
                        }
                        tr {
                            th scope="col" { "Metric" }
                            @for (side, label) in &sides { th.figure scope="col" { (label) span.aside { (rows(&node.metrics, side)) } } }
                            @for (i, (name, _)) in baselines.iter().enumerate() { th.figure.beside[i == 0] scope="col" { (baseline_name(name, node)) } }
                        }
                    }
                    tbody {
                        @for name in &names {
                            tr {
                                th scope="row" { (metric_name(name)) (SPACE) (direction(name)) }
                                @for (side, _) in &sides { td.figure.test[*side == "test"] { (cell(node.metrics.get(*side), name)) } }
                                @for (i, (_, split)) in baselines.iter().enumerate() { td.figure.beside[i == 0] { (cell(*split, name)) } }
                            }
                        }
                    }
                }
            }
            @let sides = SIDES.iter().filter_map(|(side, _)| Some((*side, node.metrics.get(*side)?)));
            @if let Some(text) = drawn_by_groups(sides) { p { (text) } }
            @if let Some(text) = over_seeds(node.metrics.values()) { p { (text) } }
            p.caption { "Below each value: its 95 % bootstrap interval. ↑ higher is better, ↓ lower is better." }
            (out_of_fold(node))
        }
    }
}

/// An arrow, and the words for those who do not see it.
pub(crate) fn direction(metric: &str) -> Markup {
    let (arrow, words) = if larger_is_better(metric) {
        ("↑", "higher is better")
    } else {
        ("↓", "lower is better")
    };
    html! { span.direction aria-hidden="true" { (arrow) } span.hidden { (words) } }
}

fn rows(metrics: &BTreeMap<String, SplitMeasures>, side: &str) -> String {
    // An ordinary space, so that a narrow column may break it.
    metrics
        .get(side)
        .map(|split| counted(split.rows, "row", "rows").replace(SPACE, " "))
        .unwrap_or_default()
}

fn cell(split: Option<&SplitMeasures>, name: &str) -> Markup {
    match on(split, name) {
        Some((value, interval)) => {
            let (value, range) = measure(value, interval);
            html! { span.value { (value) } @if let Some(range) = range { span.aside { (range) } } }
        }
        None => html! { span.soft { "–" span.hidden { "not defined" } } },
    }
}
