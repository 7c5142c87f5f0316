//! Section of one expert in an evaluation: metrics on new rows beside those on test rows.

use collegium_records::{METRICS, NodeEvaluation, NodeRows, SplitMeasures};
use maud::{Markup, html};

use super::{id, section_id, verdict};
use crate::charts;
use crate::expert::{classes, direction, probability, weak};
use crate::number::{SPACE, count, counted, measure, number};
use crate::views::slices::declared;
use crate::words::{capital, drawn_by_groups, finite, metric_name, short};

pub(super) fn section(node: &NodeEvaluation, index: usize) -> Markup {
    let id = id(index);
    let (words, class) = verdict(node);
    html! {
        section.expert id=(section_id(node)) aria-labelledby={ (id) "-title" } {
            h2 id={ (id) "-title" } { (short(&node.name)) " " span class={ "health " (class) } { (words) } }
            p.lead { "Predicts " code { (node.target) } @if let Some(filter) = &node.filter { " where " code { (filter) } } }
            (rows(node))
            @if let Some(why) = &node.unmeasured {
                p.withheld { "Not measured: " (why) "." }
            } @else {
                @if let Some(why) = &node.test_withheld { p.withheld { "No test figures: " (why) "." } }
                h3 { "On these rows, beside the test rows" }
                (metrics(node))
                (pictures(node, &id))
                @if !node.performance.classes.is_empty() {
                    h4 { "Each class by itself, on these rows" }
                    (classes(&node.performance, "These rows"))
                }
                @if let Some(found) = &node.performance.slices {
                    h4 { "Where it does worse, on these rows" }
                    (weak(found, "row", "rows", &node.target))
                }
                @if let Some(found) = &node.performance.declared_slices {
                    h4 { "Declared slices of these rows" }
                    (declared(found, "row", "rows"))
                }
            }
        }
    }
}

/// Which rows were measured, and why others were not.
fn rows(node: &NodeEvaluation) -> Markup {
    let NodeRows { admitted, without_target, unknown_class, seen, measured } = node.rows;
    let mut parts = Vec::new();
    if without_target > 0 {
        parts.push(format!("{} have no target", count(without_target)));
    }
    if unknown_class > 0 {
        parts.push(format!("{} have a class that it does not know", count(unknown_class)));
    }
    if let Some(seen) = seen.filter(|seen| *seen > 0) {
        parts.push(format!("{} were seen in training", count(seen)));
    }
    html! {
        @if !parts.is_empty() {
            p { (count(measured)) " of " (counted(admitted, "row", "rows")) " measured: " (parts.join(", ")) "." }
        }
        @if !node.unknown_classes.is_empty() {
            p { "Classes that it does not know: "
                @for (i, class) in node.unknown_classes.iter().enumerate() {
                    @if i > 0 { ", " } code { (class.level) } " (" (count(class.rows)) ")"
                } "." }
        }
    }
}

fn metrics(node: &NodeEvaluation) -> Markup {
    let names = METRICS.into_iter().filter(|name| finite(&node.new.metrics, name).is_some());
    html! {
        div.scroll tabindex="0" role="region" aria-label={ "Metrics of " (short(&node.name)) } {
            table.metrics {
                thead { tr {
                    th scope="col" { "Metric" }
                    th.figure scope="col" { "Test rows" span.aside { (counted(node.test.rows, "row", "rows").replace(SPACE, " ")) } }
                    th.figure scope="col" { "These rows" span.aside { (counted(node.new.rows, "row", "rows").replace(SPACE, " ")) } }
                    th.figure.beside scope="col" { "Difference" }
                    th.figure scope="col" { "p-value" }
                } }
                tbody { @for name in names {
                    @let change = node.changes.get(name);
                    tr {
                        th scope="row" { (metric_name(name)) (SPACE) (direction(name)) }
                        td.figure { (cell(&node.test, name)) }
                        td.figure.test { (cell(&node.new, name)) }
                        td.figure.beside {
                            @if let Some(change) = change {
                                @let (value, range) = measure(change.difference, change.interval.as_ref());
                                span.value { (value) } @if let Some(range) = range { span.aside { (range) } }
                            } @else { (absent()) }
                        }
                        td.figure { @if let Some(p) = change.and_then(|change| change.p_value) { (probability(p)) } @else { (absent()) } }
                    }
                } }
            }
        }
        @let sides = [("test rows", &node.test), ("these rows", &node.new)];
        @if let Some(text) = drawn_by_groups(sides.into_iter()) { p { (text) } }
        p.caption { "Below each value: its 95 % bootstrap interval; of a difference, both sides drawn again, each by itself. "
            "↑ higher is better, ↓ lower is better. P-values here are of one metric each; the verdict corrects them." }
    }
}

fn cell(side: &SplitMeasures, name: &str) -> Markup {
    match finite(&side.metrics, name) {
        Some(value) => {
            let (value, range) = measure(value, side.intervals.get(name));
            html! { span.value { (value) } @if let Some(range) = range { span.aside { (range) } } }
        }
        None => absent(),
    }
}

fn absent() -> Markup {
    html! { span.soft { "–" span.hidden { "not defined" } } }
}

fn pictures(node: &NodeEvaluation, id: &str) -> Markup {
    let target = node.target_shift.as_ref();
    html! {
        div.pair {
            @if let Some(new) = &node.reliability_new {
                div {
                    h4 { "Reliability" }
                    (charts::calibration_beside(new, node.reliability_test.as_ref(), &format!("{id}-reliability"), node.classes.len()))
                }
            }
            @if let Some(residuals) = &node.performance.residuals {
                @if let Some(picture) = charts::histogram(residuals, &format!("{id}-residuals"), "these rows") { div { h4 { "Errors" } (picture) } }
            }
            @if let Some(shift) = target {
                div {
                    h4 { "Its target" }
                    (super::inputs::picture(shift, &format!("{id}-target")))
                    p.caption { (capital(&super::inputs::said(shift))) " PSI " (number(shift.psi)) " (by chance " (number(shift.psi_by_chance)) ")." }
                }
            }
        }
    }
}
