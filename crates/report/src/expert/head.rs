//! Head of an expert's section: what it is, what was found, which model is in use.

use collegium_records::{Level, NodeAudit, Verdict};
use maud::{Markup, html};

use crate::attention::Item;
use crate::number::count;
use crate::page::sentence;
use crate::words::{capital, task_phrase};

/// Inputs named in the sentence at the head; all of them are in the chart.
const NAMED_INPUTS: usize = 12;

/// What it predicts from what.
pub(super) fn about(node: &NodeAudit) -> Markup {
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

/// Why it may use an earlier fit, and whether retraining would help.
pub(super) fn standing(node: &NodeAudit) -> Markup {
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

fn share(part: f64, of: f64) -> String {
    format!("{:+.1} %", 100.0 * part / of.abs().max(f64::MIN_POSITIVE))
}

/// Findings of the audit, then what the numbers on the page say beyond them.
pub(super) fn findings(items: &[Item], index: usize) -> Markup {
    html! {
        @if !items.is_empty() {
            ul.findings {
                @for item in items {
                    li.warning[item.level == Level::Warning] {
                        @if item.level == Level::Warning { strong { "Warning. " } }
                        (sentence(&item.text))
                        @if let Some(part) = item.part { " " a.more href={ "#e" (index) "-" (part.id()) } { (part.link()) } }
                    }
                }
            }
        }
    }
}
