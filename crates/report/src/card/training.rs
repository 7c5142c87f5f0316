//! Model card: training data.

use collegium_records::{AuditReport, NodeAudit, RowAccount};

use super::text::{Paragraphs, code, inline, sentence, table};
use crate::number::{count, counted, percent};

/// The data source that the target belongs to.
pub(super) fn source_name(node: &NodeAudit) -> &str {
    node.target.split_once('.').map_or(node.target.as_str(), |(source, _)| source)
}

/// The same as code.
pub(super) fn source(node: &NodeAudit) -> String {
    code(source_name(node))
}

pub(super) fn training(report: &AuditReport, node: &NodeAudit, page: &mut Paragraphs) {
    page.add(tables(report, node));
    let rows = ["train", "valid", "test"].into_iter().filter_map(|side| {
        let split = node.metrics.get(side)?;
        let role = match side {
            "train" => "fitted on",
            "valid" => "choose the epoch",
            _ => "measured on, and nothing else",
        };
        Some(vec![side.to_owned(), count(split.rows), role.to_owned()])
    });
    page.add(table(&["Side", "Rows", "Used for"], &rows.collect::<Vec<_>>()));
    if let Some(account) = &node.account {
        page.add(left_out(account));
    }
    if let Some(left) = node.left_out {
        page.add(format!(
            "It is fed forward in time: the first {} of the training side come before what feeds it \
             predicts, and it is not trained on them.",
            counted(left, "row", "rows")
        ));
    }
    if let Some(provenance) = &node.provenance {
        let least = provenance
            .least_measured
            .map(|least| format!(" (the pipeline asks for at least {})", percent(least)));
        page.add(format!(
            "Generation {}; {} of the training labels were measured{}.",
            provenance.generation,
            percent(provenance.measured_share),
            least.unwrap_or_default()
        ));
        let notes: Vec<String> =
            provenance.notes.iter().map(|note| format!("- {}", sentence(note))).collect();
        page.add(notes.join("\n"));
    }
}

/// Rows of the table that are on no side, and why.
fn left_out(account: &RowAccount) -> String {
    let mut parts = Vec::new();
    for (rows, why) in [
        (account.without_target, "without a target"),
        (account.filtered, "that `where` leaves out"),
        (account.on_no_side(), "that the split leaves out"),
    ] {
        if rows > 0 {
            parts.push(format!("{} {why}", counted(rows, "row", "rows")));
        }
    }
    match parts.is_empty() {
        true => format!("All {} of its table are used.", counted(account.rows, "row", "rows")),
        false => format!(
            "Of {} of its table are left out: {}.",
            counted(account.rows, "row", "rows"),
            parts.join(", ")
        ),
    }
}

/// Every data source that it reads, its label's among them.
fn tables(report: &AuditReport, node: &NodeAudit) -> String {
    let named = |name: &str| {
        if name.starts_with("data.") { name.to_owned() } else { format!("data.{name}") }
    };
    let target = named(source_name(node));
    let read = |name: &str| {
        name == target || report.edges.iter().any(|edge| edge.to == node.name && edge.from == name)
    };
    let kind = |name: &str| {
        let provenance = node.provenance.as_ref();
        provenance.and_then(|p| p.tables.get(name)).map_or("not said", String::as_str)
    };
    let mut rows: Vec<Vec<String>> = report
        .data
        .iter()
        .map(|source| (named(&source.name), source))
        .filter(|(name, _)| read(name))
        .map(|(name, source)| {
            let files: Vec<String> = source.files.iter().map(|file| code(file)).collect();
            vec![code(&name), inline(kind(&name)), count(source.columns), files.join(", ")]
        })
        .collect();
    let known: Vec<String> = rows.iter().map(|row| row[0].clone()).collect();
    let others = node.provenance.iter().flat_map(|provenance| &provenance.tables);
    rows.extend(
        others
            .filter(|(name, _)| !known.contains(&code(name)))
            .map(|(name, kind)| vec![code(name), inline(kind), "–".into(), "–".into()]),
    );
    table(&["Table", "Labels are", "Columns", "Files"], &rows)
}
