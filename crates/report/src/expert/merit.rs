//! Figure of merit: the metric that a person asks for first, and the loss, beside the baselines, paired.

use collegium_records::{NodeAudit, PairedVerdict};
use maud::{Markup, html};

use super::{classes, direction};
use crate::expert::appendix::FEW_CLASSES;
use crate::number::{SPACE, measure};
use crate::page::sentence;
use crate::words::{
    baseline_name, drawn_by_groups, finite, headline, headline_absent, metric_name, metric_phrase,
    on, over_seeds, short, verdict_word,
};

pub(super) fn merit(node: &NodeAudit) -> Markup {
    let test = node.metrics.get("test");
    let loss = node.skill.metric.as_str();
    let first = headline(node);
    let all = first.into_iter().chain((first != Some(loss)).then_some(loss));
    let shown: Vec<&str> = all.filter(|metric| on(test, metric).is_some()).collect();
    let few = (1..=FEW_CLASSES).contains(&node.performance.classes.len());
    html! {
        @if shown.is_empty() { p { "Nothing was measured." } } @else {
            div.scroll tabindex="0" role="region" aria-label={ (short(&node.name)) " beside its baselines" } {
                table.plain.merit {
                    thead { tr {
                        th scope="col" { "On test rows" }
                        @for metric in &shown {
                            th.figure scope="col" { (metric_name(metric)) (SPACE) (direction(metric)) }
                            th.figure scope="col" { "Difference" }
                        }
                        th scope="col" { "This expert is" }
                    } }
                    tbody {
                        tr.own {
                            th scope="row" { "this expert" }
                            @for metric in &shown {
                                td.figure { @if let Some((value, interval)) = on(test, metric) { (figure(value, interval)) } }
                                td.figure {}
                            }
                            td {}
                        }
                        @for (name, by) in &node.baselines {
                            @let against = node.against.get(name);
                            tr {
                                th scope="row" { (baseline_name(name, node)) }
                                @for metric in &shown {
                                    td.figure { @match by.get("test").and_then(|split| finite(&split.metrics, metric)) {
                                        // What rounds to nothing is shown as nothing.
                                        Some(value) => (if value.abs() < 5e-5 { "0".to_owned() } else { measure(value, None).0 }),
                                        None => span.soft { "–" },
                                    } }
                                    td.figure { @if let Some(diff) = against.and_then(|against| against.get(*metric)) { (figure(diff.difference, diff.interval.as_ref())) } }
                                }
                                td { (said(&shown, node, name)) }
                            }
                        }
                    }
                }
            }
            p.caption {
                "Small print: 95 % intervals; differences are paired."
                @if let Some((metric, why)) = headline_absent(node) { " No " (metric_name(metric)) ": " (why) "." }
                @if let Some(text) = drawn_by_groups(test.map(|test| ("test", test)).into_iter()) { " " (text) }
                @if let Some(text) = over_seeds(test.into_iter()) { " " (text) }
            }
        }
        @if let Some(decided) = &node.decided { p.caption { (sentence(&decided.in_words())) } }
        @if few { (classes(&node.performance, "Test rows")) }
    }
}

fn figure(value: f64, interval: Option<&collegium_records::Interval>) -> Markup {
    let (value, range) = measure(value, interval);
    html! { span.value { (value) } @if let Some(range) = range { span.aside { (range) } } }
}

/// One word where all metrics agree, else one for each.
fn said(shown: &[&str], node: &NodeAudit, baseline: &str) -> String {
    let verdicts =
        shown.iter().filter_map(|metric| Some((*metric, node.verdict_against(baseline, metric)?)));
    let verdicts: Vec<(&str, PairedVerdict)> = verdicts.collect();
    match verdicts.as_slice() {
        [] => "–".to_owned(),
        [(_, first), rest @ ..] if rest.iter().all(|(_, verdict)| verdict == first) => {
            verdict_word(*first).to_owned()
        }
        several => several
            .iter()
            .map(|(metric, verdict)| {
                format!("{}: {}", metric_phrase(metric), verdict_word(*verdict))
            })
            .collect::<Vec<_>>()
            .join(", "),
    }
}
