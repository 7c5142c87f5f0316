//! The section of one expert: what it is, whether it knows anything, what it looks at, how it errs.

use std::collections::BTreeMap;

use collegium_records::{Agop, Level, NodeAudit, SplitMeasures, Verdict, larger_is_better};
use maud::{Markup, html};

use crate::charts;
use crate::number::{SPACE, bytes, count, counted, measure, number, seconds};
use crate::page::{anchor, sentence};
use crate::words::{
    Health, baseline_name, metric_name, metrics_of, on, short, task_phrase, verdict, verdict_title,
};

/// Inputs named in the sentence at the head; all of them are in the chart.
const NAMED_INPUTS: usize = 12;

const SIDES: [(&str, &str); 3] = [("train", "Train"), ("valid", "Valid"), ("test", "Test")];

pub(crate) fn section(node: &NodeAudit, index: usize) -> Markup {
    let id = format!("e{index}");
    let health = Health::of(node);
    html! {
        section.expert id=(anchor(&node.name)) aria-labelledby={ (id) "-title" } {
            h2 id={ (id) "-title" } { (short(&node.name)) " " span class={ "health " (health.class()) } { (health.words()) } }
            (about(node))
            p.verdict.alert[!node.skill.beats_baseline] { strong { (verdict_title(node)) } " " (verdict(node)) }
            (findings(node))
            (standing(node))
            h3 { "How well it does" }
            (metrics(node))
            h3 { "What it looks at" }
            @match &node.agop {
                Some(agop) => (looks_at(agop, &id)),
                None => p.withheld { strong { "No picture. " } (node.withheld.as_deref().unwrap_or("None was recorded for this expert.")) },
            }
            (how_it_errs(node, &id))
            (training(node, &id))
        }
    }
}

fn about(node: &NodeAudit) -> Markup {
    let named = node.inputs.len().min(NAMED_INPUTS);
    let left = node.inputs.len() - named;
    html! {
        p.about {
            "Predicts " code { (node.target) } " (" (task_phrase(node)) ") from "
            @for (i, input) in node.inputs[..named].iter().enumerate() {
                @if i > 0 { @if i + 1 == node.inputs.len() { " and " } @else { ", " } }
                code { (input) }
            }
            @if left > 0 { " and " (left) " more inputs" }
            @if node.inputs.is_empty() { "no inputs" }
            "."
            @if let Some(filter) = &node.filter { " Trained on the rows where " code { (filter) } "." }
        }
    }
}

/// Why it may stand on an earlier fit, and whether retraining would help.
fn standing(node: &NodeAudit) -> Markup {
    html! {
        @if let Some(certificate) = &node.certificate {
            p.standing {
                strong { @if certificate.verdict == Verdict::Patch { "Patched, not retrained. " } @else { "Kept, not retrained. " } }
                "Its upstreams were retrained. On " (count(certificate.rows)) " validation rows its loss changed by "
                (share(certificate.increase, certificate.loss)) ", at most " (share(certificate.bound, certificate.loss))
                " at " (format!("{:.0} %", 100.0 * certificate.confidence)) " confidence; "
                (share(certificate.budget, certificate.loss)) " is allowed."
                @if certificate.upstream_worse { " The upstream got worse; retraining this expert would not recover it." }
            }
        }
        @if let Some(advice) = &node.advice {
            p.standing { strong { "Would retraining help? " } (sentence(&capital(advice))) "." }
        }
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn share(part: f64, of: f64) -> String {
    format!("{:+.1} %", 100.0 * part / of.abs().max(f64::MIN_POSITIVE))
}

fn findings(node: &NodeAudit) -> Markup {
    html! {
        @if !node.findings.is_empty() {
            ul.findings {
                @for finding in &node.findings {
                    @match finding.level {
                        Level::Warning => li.warning { strong { "Warning. " } (sentence(&finding.text)) },
                        Level::Note => li { (sentence(&finding.text)) },
                    }
                }
            }
        }
    }
}

/// Train, valid and test with intervals; baselines on test rows beside them.
fn metrics(node: &NodeAudit) -> Markup {
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
                            @for (i, (name, _)) in baselines.iter().enumerate() { th.figure.beside[i == 0] scope="col" { (baseline_name(name, &node.task)) } }
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
            p.caption { "Below each value: its 95 % bootstrap interval. ↑ higher is better, ↓ lower is better." }
        }
    }
}

/// An arrow, and the words for those who do not see it.
fn direction(metric: &str) -> Markup {
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

fn looks_at(agop: &Agop, id: &str) -> Markup {
    let spectrum = charts::spectrum(agop, &format!("{id}-spectrum"));
    let output = if agop.output == "value" { "predicted value" } else { agop.output.as_str() };
    html! {
        p.caption.above {
            "Share of each declared input in the " a href="#glossary-agop" { "AGOP" } " of the " (output) ", "
            a href="#glossary-share" { "scale-free" } ", over " (counted(agop.rows, "row", "rows"))
            " of the " (agop.split) " side. Two random halves of these rows agree to a cosine of "
            (measure(agop.noise_floor.split_half_cosine, None).0) "."
        }
        (charts::importance(agop))
        div.pair.single[agop.upstream.is_empty()] {
            @if !agop.upstream.is_empty() {
                div {
                    h4 { "Through other experts" }
                    (charts::upstream(agop))
                    p.caption { "Share of all importance that runs through each upstream expert's outputs." }
                }
            }
            @if let Some(spectrum) = spectrum { div { h4 { "Spectrum" } (spectrum) } }
        }
    }
}

fn how_it_errs(node: &NodeAudit, id: &str) -> Markup {
    html! {
        @if node.confusion.is_some() || node.reliability.is_some() {
            h3 { "How it errs" }
            div.pair {
                @if let Some(confusion) = &node.confusion { div { h4 { "Confusion matrix" } (charts::confusion(confusion)) } }
                @if let Some(reliability) = &node.reliability {
                    div { h4 { "Reliability" } (charts::calibration(reliability, &format!("{id}-reliability"), node.classes.len())) }
                }
            }
        }
    }
}

fn training(node: &NodeAudit, id: &str) -> Markup {
    let curve = charts::learning(&node.epochs, node.best_epoch, &format!("{id}-learning"));
    html! {
        h3 { "How it was trained" }
        div.pair {
            div {
                h4 { "Learning curve" }
                @match curve {
                    Some(curve) => (curve),
                    None => p.caption { "No losses by epoch were recorded." },
                }
            }
            div {
                h4 { "Facts" }
                dl.facts {
                    dt { "Model" } dd { (node.model) }
                    dt { "Parameters" } dd { (count(node.parameters)) }
                    dt { "Multiply-adds per row" } dd { (count(node.multiply_adds)) }
                    dt { "Training rows" } dd { (count(node.rows)) }
                    @if node.rows > 0 && node.parameters > 0 {
                        dt { "Rows per parameter" } dd { (number(node.rows as f64 / node.parameters as f64)) }
                    }
                    dt { "Cost of the fit" } dd { (seconds(node.cost.seconds)) " (" (seconds(node.cost.cpu_seconds)) " of CPU), about " (bytes(node.cost.peak_bytes)) }
                    dt { "Recipe" } dd { code title=(node.recipe) { (node.recipe.short()) } }
                    dt { "Realisation" } dd { code title=(node.realisation) { (node.realisation.short()) } }
                }
            }
        }
    }
}
