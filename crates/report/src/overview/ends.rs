//! The pipeline's ends (nodes that no other node reads) against one network and against a linear model, paired.

use collegium_records::{
    AuditReport, Interval, MetricDiff, NodeAudit, PairedVerdict, metric_words,
};
use maud::{Markup, html};

use crate::expert::{direction, rotated_table};
use crate::number::{SPACE, measure};
use crate::page::{figure, link};
use crate::words::{
    agreed, baseline_name, baseline_phrase, compared, headline, metric_name, on, over_rotations,
    short, verdict_of, verdict_word,
};

/// The baselines that stand for "could this have been had more simply?", in the order of the question.
const SIMPLER: [&str; 2] = ["single", "linear"];

/// The nodes that no other node reads.
fn ends(report: &AuditReport) -> impl Iterator<Item = &NodeAudit> {
    report.nodes.iter().filter(|node| report.edges.iter().all(|edge| edge.from != node.name))
}

/// `arrival (AUC 0.730, 0.72 to 0.74) beats one network on all raw columns in AUC and log loss.`
pub(super) fn sentences(report: &AuditReport) -> Vec<Markup> {
    ends(report).take(3).map(sentence).collect()
}

fn sentence(node: &NodeAudit) -> Markup {
    let written = |metric: &str, value: f64, interval: Option<&Interval>| {
        let (value, range) = measure(value, interval);
        let range = range.map(|range| format!(", {range}")).unwrap_or_default();
        format!("{}{SPACE}{value}{range}", metric_words(metric))
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
    let against = SIMPLER.into_iter().find_map(|name| Some((name, node.against.get(name)?)));
    html! {
        strong { a href=(link(&node.name)) { (short(&node.name)) } }
        @if let Some(figure) = &figure { " (" (figure) ")" }
        @match against {
            Some((name, _)) => {
                @let verdicts: Vec<(&str, PairedVerdict)> = compared(node).into_iter()
                    .filter_map(|metric| Some((metric, verdict_of(node, name, metric)?))).collect();
                " " (said(&verdicts)) " " (baseline_phrase(name, node)) "."
            }
            None => " was compared with no other model."
        }
    }
}

fn said(verdicts: &[(&str, PairedVerdict)]) -> String {
    let alone = |verdict: PairedVerdict| match verdict {
        PairedVerdict::Better => "beats",
        PairedVerdict::Worse => "does worse than",
        PairedVerdict::Same => "is as good, within the margin, as",
        PairedVerdict::CannotTell => "cannot be told from",
    };
    let each = |metric: &str, word: &str| format!("by {} it {word}", metric_words(metric));
    agreed(verdicts, alone, each).unwrap_or_else(|| "was not compared with".to_owned())
}

/// The table of paired differences.
pub(super) fn against(report: &AuditReport) -> Markup {
    let rows: Vec<(&NodeAudit, &str, &str, &MetricDiff)> = ends(report)
        .flat_map(|node| {
            SIMPLER.into_iter().flat_map(move |name| {
                let metrics = node.against.get(name);
                let each = compared(node).into_iter();
                each.filter_map(move |metric| Some((node, name, metric, metrics?.get(metric)?)))
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
                        th.figure scope="col" { "Baseline" } th.figure scope="col" { "Difference (95 %)" } th scope="col" { "Node is" }
                    } }
                    tbody { @for (node, name, metric, diff) in &rows {
                        tr {
                            th scope="row" { (short(&node.name)) }
                            td { (baseline_name(name, node)) }
                            td { (metric_name(metric)) (SPACE) (direction(metric)) }
                            td.figure { (measure(diff.after, None).0) }
                            td.figure { (measure(diff.before, None).0) }
                            td.figure { (figure(diff.difference, diff.interval.as_ref())) }
                            td { @if let Some(verdict) = node.verdict_against(name, metric) { (verdict_word(verdict)) } }
                        }
                    } }
                }
            }
            p.caption {
                "Difference: node − baseline, both on the same resampled test rows (paired)."
                @if !single { " One network on all raw columns was not trained: " code { "evaluate.baselines = [\"single\"]" } " trains it for experts that read others." }
            }
        } @else { p { "No baseline was trained beside it (" code { "evaluate.baselines" } ")." } }
    }
}

/// The ends over rotated sides.
pub(super) fn rotated(report: &AuditReport) -> Markup {
    html! {
        @for node in ends(report).take(3) {
            @if let Some(table) = rotated_table(node) {
                h3 { (short(&node.name)) " over rotated sides" }
                (table)
            }
        }
    }
}
