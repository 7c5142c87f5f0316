//! Model card: what a person needs who finds one expert without its report.
//!
//! Markdown with metadata in front, in the form that model hubs read (`library_name`,
//! `pipeline_tag`, `model-index`), so that a card can stand as the README of an exported model.
//! Everything in it is taken from the record of the audit; its limitations are those that follow from
//! the numbers, and nothing is promised that was not measured. (Mitchell et al. 2019, *Model cards for
//! model reporting*, name the questions; those that no number answers, such as who may use it, are
//! left to a person.)

mod front;
mod limits;
mod looks;
mod measured;
mod text;
mod training;

use collegium_records::{AuditReport, NodeAudit, Verdict};

use crate::number::{bytes, count, seconds};
use crate::words::{short, task_phrase, verdict, verdict_title};
use text::{Paragraphs, code, inline, plain};

/// The card of one expert of a report.
///
/// The same record gives the same text. Names are escaped, and a number that is not finite is written
/// as "n/a" or left out of the metadata.
pub fn card(report: &AuditReport, node: &NodeAudit) -> String {
    let mut page = Paragraphs::default();
    page.add(front::matter(report, node));
    page.add(format!("# {}", inline(short(&node.name))));
    page.add(format!("**{}** {}", inline(&verdict_title(node)), inline(&verdict(node))));
    page.add("## What it predicts".into());
    page.add(predicts(node));
    page.add("## Intended use".into());
    page.add(intended(report, node));
    page.add("## Training data".into());
    training::training(report, node, &mut page);
    page.add("## Figures of merit".into());
    measured::measured(node, &mut page);
    measured::requirements(report, node, &mut page);
    page.add("## What it uses".into());
    looks::looks(node, &mut page);
    page.add("## Limitations".into());
    page.add(limits::limits(node));
    page.add("## Cost".into());
    page.add(cost(node));
    page.add("## Where this model comes from".into());
    page.add(origin(report, node));
    plain(&page.joined())
}

fn predicts(node: &NodeAudit) -> String {
    let inputs: Vec<String> =
        node.inputs.iter().map(|input| format!("- {}", code(input))).collect();
    let inputs = if inputs.is_empty() { "- no inputs".to_owned() } else { inputs.join("\n") };
    format!(
        "{} ({}), by a model of the form {}, from\n\n{inputs}",
        code(&node.target),
        inline(&task_phrase(node)),
        code(&node.model),
    )
}

/// What the numbers cover, and therefore what it is for.
fn intended(report: &AuditReport, node: &NodeAudit) -> String {
    let rows = match &node.filter {
        Some(filter) => format!("rows of {} where {}", training::source(node), code(filter)),
        None => format!("rows of {}", training::source(node)),
    };
    let fed: Vec<String> = report
        .edges
        .iter()
        .filter(|edge| edge.to == node.name && !edge.from.starts_with("data."))
        .map(|edge| inline(short(&edge.from)))
        .collect();
    let through = if fed.is_empty() {
        String::new()
    } else {
        format!(
            " It reads what other experts of the pipeline hand over ({}) and is only as good as they are.",
            fed.join(", ")
        )
    };
    format!(
        "To predict {} for {rows}, drawn as its test rows were, with all of the inputs above known at that time. Everything below was measured on such rows; on others nothing is known.{through}",
        code(&node.target)
    )
}

fn cost(node: &NodeAudit) -> String {
    let cost = &node.cost;
    let kept = (node.kept > 0)
        .then(|| format!(", {} numbers kept of its training rows", count(node.kept)));
    let energy = cost.joules.map(|joules| format!(", {} J", crate::number::number(joules)));
    format!(
        "{} parameters{}, {} multiply-adds per row. One fit took {} ({} of processor time), about {} of memory{}.",
        count(node.parameters),
        kept.unwrap_or_default(),
        count(node.multiply_adds),
        seconds(cost.seconds),
        seconds(cost.cpu_seconds),
        bytes(cost.peak_bytes),
        energy.unwrap_or_default()
    )
}

fn origin(report: &AuditReport, node: &NodeAudit) -> String {
    let mut lines = vec![
        format!("- Pipeline: {}", inline(&report.pipeline)),
        format!("- Written by: Collegium {}", inline(&report.versions.tool)),
        format!("- Expert: {}", code(&node.name)),
        format!("- Recipe (everything that may change the fit): `{}`", node.recipe),
        format!("- Realisation (this model): `{}`", node.realisation),
    ];
    lines.extend(report.versions.lock.map(|lock| format!("- Lock file: `{lock}`")));
    lines.extend(report.versions.commit.iter().map(|commit| format!("- Commit: {}", code(commit))));
    let table =
        report.data.iter().find(|source| short(&source.name) == training::source_name(node));
    lines.extend(
        table.and_then(|source| {
            Some(format!("- Rows of {}: `{}`", code(&source.name), source.table?))
        }),
    );
    if let Some(certificate) = &node.certificate {
        let done = if certificate.verdict == Verdict::Patch { "Patched" } else { "Kept" };
        lines.push(format!(
            "- {done}, not retrained, when its upstreams changed; the full fit it stands on: `{}`",
            certificate.anchor.realisation
        ));
    }
    if !report.created.is_empty() {
        lines.push(format!("- Audited: {}", inline(&report.created)));
    }
    lines.join("\n")
}
