//! The pipeline's ends (nodes that no other node reads) against one network and against a linear model, paired.

use collegium_records::{
    AuditReport, BaselineComparison, Interval, MetricDiff, NodeAudit, PairedVerdict, metric_words,
};
use maud::{Markup, html};

use crate::expert::direction;
use crate::number::{SPACE, difference, measure, with_range};
use crate::page::{link, sentence as marked};
use crate::words::{
    baseline_name, baseline_phrase, compared, drawn, headline, metric_name, on, over_rotations,
    short,
};

/// The baselines that stand for "could this have been had more simply?", in the order of the question.
const SIMPLER: [&str; 2] = ["single", "linear"];

/// The nodes that no other node reads.
fn ends(report: &AuditReport) -> impl Iterator<Item = &NodeAudit> {
    report.nodes.iter().filter(|node| report.edges.iter().all(|edge| edge.from != node.name))
}

/// `arrival has AUC 0.730 (0.715 to 0.745) on test rows: no measurable difference in AUC from a linear model.`
pub(super) fn sentences(report: &AuditReport) -> Vec<Markup> {
    ends(report).take(3).map(sentence).collect()
}

fn sentence(node: &NodeAudit) -> Markup {
    let written = |metric: &str, value: f64, interval: Option<&Interval>| {
        format!("{}{SPACE}{}", metric_words(metric), with_range(value, interval))
    };
    let figure = match over_rotations(node) {
        Some((of, what)) => {
            Some(format!("{}, {what}", written(&of.metric, of.value, of.interval.as_ref())))
        }
        None => headline(node).and_then(|metric| {
            let (value, interval) = on(node.metrics.get("test"), metric)?;
            Some(format!("{} on test rows", written(metric, value, interval)))
        }),
    };
    let said = beside(node);
    html! {
        strong { a href=(link(&node.name)) { (short(&node.name)) } }
        @if let Some(figure) = &figure { " has " (figure) }
        @if said.is_empty() { (if figure.is_some() { "; it" } else { "" }) " was compared with no other model." }
        @else { ": " (said.join(", and ")) "." }
    }
}

/// What it is beside each simpler model: a clause for each.
fn beside(node: &NodeAudit) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    let mut none_in = String::new();
    for name in SIMPLER {
        let diffs = compared(node).into_iter().filter_map(|metric| {
            let BaselineComparison { diff, verdict } = node.compared_with(name, metric)?;
            Some((metric, diff, verdict))
        });
        let diffs: Vec<(&str, MetricDiff, PairedVerdict)> = diffs.collect();
        let Some((_, _, first)) = diffs.first() else { continue };
        let phrase = baseline_phrase(name, node);
        let agreed = diffs.iter().all(|(.., verdict)| verdict == first);
        let names = |word: &str| {
            let names: Vec<&str> = diffs.iter().map(|(metric, ..)| metric_words(metric)).collect();
            names.join(word)
        };
        let each = diffs.iter().map(|(metric, diff, verdict)| by_how_much(metric, diff, *verdict));
        said.push(match first {
            PairedVerdict::CannotTell if agreed && none_in == names(" or ") => {
                format!("none from {phrase}")
            }
            PairedVerdict::CannotTell if agreed => {
                none_in = names(" or ");
                format!("no measurable difference in {none_in} from {phrase}")
            }
            PairedVerdict::Same if agreed => {
                format!("the same within the margin in {} as {phrase}", names(" and "))
            }
            PairedVerdict::Better | PairedVerdict::Worse if agreed => {
                let each: Vec<String> = each.collect();
                format!("{} ({})", first.beside(&phrase), each.join("; "))
            }
            _ => {
                let each = each.zip(&diffs).map(|(said, (.., verdict))| match verdict {
                    PairedVerdict::Better | PairedVerdict::Worse => {
                        format!("{said}, {}", verdict.words())
                    }
                    PairedVerdict::Same | PairedVerdict::CannotTell => said,
                });
                format!("beside {phrase}: {}", each.collect::<Vec<String>>().join("; "))
            }
        });
    }
    said
}

/// `AUC higher by 0.0461, 0.0414 to 0.0508`
fn by_how_much(metric: &str, diff: &MetricDiff, verdict: PairedVerdict) -> String {
    let name = metric_words(metric);
    match verdict {
        PairedVerdict::Better | PairedVerdict::Worse => {}
        PairedVerdict::Same => return format!("{name} the same within the margin"),
        PairedVerdict::CannotTell => return format!("no measurable difference in {name}"),
    }
    let (way, sign) = if diff.difference < 0.0 { ("lower", -1.0) } else { ("higher", 1.0) };
    let ends = diff.interval.map(|i| [sign * i.low, sign * i.high]);
    let interval = ends.map(|[a, b]| Interval { low: a.min(b), high: a.max(b) });
    let (size, range) = measure(diff.difference.abs(), interval.as_ref());
    let range = range.map(|range| format!(", {range}")).unwrap_or_default();
    format!("{name} {way} by {size}{range}")
}

/// The table of paired differences.
pub(super) fn against(report: &AuditReport) -> Markup {
    let rows: Vec<(&NodeAudit, &str, &str, BaselineComparison)> = ends(report)
        .flat_map(|node| {
            SIMPLER.into_iter().flat_map(move |name| {
                let each = compared(node).into_iter();
                each.filter_map(move |metric| {
                    Some((node, name, metric, node.compared_with(name, metric)?))
                })
            })
        })
        .collect();
    let single = ends(report).any(|node| node.against.contains_key("single"));
    html! {
        h3 { "Against one network, and against a linear model" }
        @if !rows.is_empty() {
            div.scroll tabindex="0" role="region" aria-label="The pipeline against one network and a linear model" {
                table.plain.ends {
                    thead { tr {
                        th scope="col" { "Node" } th scope="col" { "Baseline" } th scope="col" { "Metric" } th.figure scope="col" { "Node" }
                        th.figure scope="col" { "Baseline" } th.figure scope="col" { "Difference (95 %)" } th scope="col" { "Verdict" }
                    } }
                    tbody { @for (node, name, metric, found) in &rows {
                        @let [after, before, apart, range] = difference(&found.diff);
                        tr {
                            th scope="row" { (short(&node.name)) }
                            td { (baseline_name(name, node)) }
                            td { (metric_name(metric)) (SPACE) (direction(metric)) }
                            td.figure { (after) }
                            td.figure { (before) }
                            td.figure { span.value { (apart) } @if !range.is_empty() { span.aside { (range) } } }
                            td { (found.verdict.words()) }
                        }
                    } }
                }
            }
            p.caption {
                @match over(report) {
                    Some(of) => { "Difference: node − baseline, " (of) ", paired rotation by rotation; the 95 % interval allows for training rows which rotations share (Nadeau and Bengio 2003)." }
                    None => {
                        "Difference: node − baseline, both on the same resampled test rows (paired)"
                        @if let Some(text) = resampled(report) { ", drawn as " (marked(&text)) }
                        "."
                    }
                }
                @if !single { " One network on all raw columns was not trained: " code { "evaluate.baselines = [\"single\"]" } " trains it for experts that read others." }
            }
        } @else { p { "No baseline was trained beside it (" code { "evaluate.baselines" } ")." } }
    }
}

/// `mean of 5 rotations`, where such means stand for the ends; a pipeline has them for all of its nodes or for none.
fn over(report: &AuditReport) -> Option<String> {
    ends(report).find_map(|node| node.stands_on().and(node.headline.as_ref())?.of_rotations())
}

/// What is drawn as one, in words, of each end if they differ; `None` where it is a row for all of them.
fn resampled(report: &AuditReport) -> Option<String> {
    let mut all: Vec<(Option<String>, Vec<&str>)> = Vec::new();
    let compared = |node: &&NodeAudit| SIMPLER.iter().any(|name| node.against.contains_key(*name));
    for node in ends(report).filter(compared) {
        let unit = drawn(node, report);
        match all.iter_mut().find(|(known, _)| *known == unit) {
            Some((_, names)) => names.push(short(&node.name)),
            None => all.push((unit, vec![short(&node.name)])),
        }
    }
    if let [(unit, _)] = all.as_slice() {
        return unit.clone();
    }
    let each = all.iter().map(|(unit, names)| {
        format!("{} for {}", unit.as_deref().unwrap_or("single rows"), names.join(", "))
    });
    (!all.is_empty()).then(|| each.collect::<Vec<String>>().join("; "))
}
