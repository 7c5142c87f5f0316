//! Figure of merit: the metric that a person asks for first, and the loss, beside the baselines, paired.

use collegium_records::NodeAudit;
use maud::{Markup, html};

use super::{classes, direction};
use crate::expert::appendix::FEW_CLASSES;
use crate::number::{SPACE, common_decimals, measure_with};
use crate::page::{figure, sentence};
use crate::words::{
    baseline_name, compared, drawn_by_groups, finite, headline_absent, metric_name, on, over_seeds,
    short, verdicts_in,
};

pub(super) fn merit(node: &NodeAudit) -> Markup {
    let test = node.metrics.get("test");
    let all = compared(node).into_iter();
    let shown: Vec<&str> = all.filter(|metric| on(test, metric).is_some()).collect();
    // A column and its differences have the same digits.
    let digits = |metric: &str| {
        let own = on(test, metric).into_iter();
        let diffs = node.against.values().filter_map(|by| by.get(metric));
        let diffs = diffs.map(|diff| (diff.difference, diff.interval.as_ref()));
        common_decimals(&own.chain(diffs).collect::<Vec<_>>())
    };
    // Where rotations stand for it, so do their differences and verdicts.
    let rotated = node.stands_on().is_some();
    let few = (1..=FEW_CLASSES).contains(&node.performance.classes.len());
    html! {
        @if shown.is_empty() { p { "Nothing was measured." } } @else {
            div.scroll tabindex="0" role="region" aria-label={ (short(&node.name)) " beside its baselines" } {
                table.plain.merit {
                    thead { tr {
                        th scope="col" { "On test rows" }
                        @for metric in &shown {
                            th.figure scope="col" { (metric_name(metric)) (SPACE) (direction(metric)) }
                            @if !rotated { th.figure scope="col" { "Difference" } }
                        }
                        @if !rotated { th scope="col" { "Verdict on this expert" } }
                    } }
                    tbody {
                        tr.own {
                            th scope="row" { "this expert" }
                            @for metric in &shown {
                                td.figure { @if let Some((value, interval)) = on(test, metric) { (figure(value, interval, digits(metric))) } }
                                @if !rotated { td.figure {} }
                            }
                            @if !rotated { td {} }
                        }
                        @for (name, by) in &node.baselines {
                            @let against = node.against.get(name);
                            tr {
                                th scope="row" { (baseline_name(name, node)) }
                                @for metric in &shown {
                                    td.figure { @match by.get("test").and_then(|split| finite(&split.metrics, metric)) {
                                        // What rounds to nothing is shown as nothing.
                                        Some(value) => (if value.abs() < 5e-5 { "0".to_owned() } else { measure_with(value, None, digits(metric)).0 }),
                                        None => span.soft { "–" },
                                    } }
                                    @if !rotated { td.figure { @if let Some(diff) = against.and_then(|against| against.get(*metric)) { (figure(diff.difference, diff.interval.as_ref(), digits(metric))) } } }
                                }
                                @if !rotated { td { (verdicts_in(node, name, &shown)) } }
                            }
                        }
                    }
                }
            }
            p.caption {
                "Below each value: its 95 % interval. "
                @if rotated { "Differences from baselines are over rotated sides, above." } @else { "Differences are paired." }
                @if let Some((metric, why)) = headline_absent(node) { " No " (metric_name(metric)) ": " (why) "." }
                @if let Some(text) = drawn_by_groups(test.map(|test| ("test", test)).into_iter()) { " " (text) }
                @if let Some(text) = over_seeds(test.into_iter()) { " " (text) }
            }
        }
        @if let Some(decided) = &node.decided { p.caption { (sentence(&decided.in_words())) } }
        @if few { (classes(&node.performance, "Test rows")) }
    }
}
