//! Head of an expert's page: what it is, what was found, which model is in use.

use collegium_records::{Certificate, Finding, Level, NodeAudit, Topic, Verdict, loss_within};
use maud::{Markup, html};

use crate::number::{count, counted, percent};
use crate::page::sentence;
use crate::words::{capital, task_phrase};

/// Inputs named in the sentence at the head; all of them are in the table.
const NAMED_INPUTS: usize = 3;

/// What it predicts from what.
pub(super) fn about(node: &NodeAudit) -> Markup {
    let named = match node.inputs.len() {
        few if few <= NAMED_INPUTS + 1 => few,
        _ => NAMED_INPUTS,
    };
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
            ". Model: " (node.model) ", " (counted(node.parameters, "parameter", "parameters"))
            ", " (counted(node.rows, "training row", "training rows"))
            @if let Some(filter) = &node.filter { " where " code { (filter) } }
            "."
        }
    }
}

/// Why it may use an earlier fit, and whether retraining would help.
pub(super) fn standing(node: &NodeAudit) -> Markup {
    html! {
        @if let Some(certificate) = &node.certificate {
            p.standing {
                strong { @if certificate.verdict == Verdict::Patch { "Patched, not retrained: " } @else { "Kept, not retrained: " } }
                "inputs changed" @if certificate.certified { ", loss within budget" } ". On " (count(certificate.rows)) " validation rows: "
                (of_loss(certificate)) ", with " (percent(certificate.confidence)) " confidence."
                @if certificate.upstream_worse { " The upstream got worse; retraining this expert would not recover it." }
            }
        }
        @if let Some(advice) = &node.advice {
            p.standing { strong { "Would retraining help? " } (sentence(&capital(advice))) "." }
        }
    }
}

fn of_loss(certificate: &Certificate) -> String {
    let share = |part: f64| part / certificate.loss.abs().max(f64::MIN_POSITIVE);
    loss_within(share(certificate.increase), share(certificate.bound), share(certificate.budget))
}

/// Warnings, and the notes that nothing else on the page says better.
pub(super) fn findings(node: &NodeAudit) -> Markup {
    let judged = !node.skill.metric.is_empty();
    let elsewhere = |finding: &Finding| match finding.topic {
        // The verdict above says it.
        Topic::Skill => judged,
        Topic::Baselines | Topic::Combined | Topic::Inputs | Topic::Layers | Topic::Rows => {
            finding.level == Level::Note
        }
        _ => false,
    };
    let all: Vec<&Finding> = node.findings.iter().filter(|one| !elsewhere(one)).collect();
    html! {
        @if !all.is_empty() {
            ul.findings { @for finding in all { (one(finding)) } }
        }
    }
}

fn one(finding: &Finding) -> Markup {
    html! {
        li.warning[finding.level == Level::Warning] {
            @if finding.level == Level::Warning { strong { "Warning. " } }
            (sentence(&finding.text))
            @if let Some(detail) = &finding.detail { " " span.detail { (sentence(detail)) } }
        }
    }
}
