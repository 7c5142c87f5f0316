//! Row accounting: rows used, rows dropped by reason, and the split in words.

use collegium_records::{AuditReport, DataSummary, NodeAudit, RowAccount};
use maud::{Markup, html};

use super::network::data_name;
use crate::number::count;
use crate::page::{anchor, sentence};
use crate::words::short;

const SIDES: [&str; 3] = ["train", "valid", "test"];

/// Experts that use the same rows of one source.
struct Line<'a> {
    experts: Vec<&'a str>,
    source: &'a str,
    filter: Option<&'a str>,
    left_out: u64,
    account: &'a RowAccount,
}

pub(super) fn rows(report: &AuditReport) -> Markup {
    let lines = lines(report);
    html! {
        @if !report.data.is_empty() {
            h3 { "Rows used and dropped" }
            @if !lines.is_empty() { (used(&lines)) }
            @for source in &report.data { (split(source, lines.is_empty())) }
        }
    }
}

fn lines(report: &AuditReport) -> Vec<Line<'_>> {
    let mut lines: Vec<Line> = Vec::new();
    for node in &report.nodes {
        let Some(account) = &node.account else { continue };
        let one = line(node, account);
        let same = |other: &&mut Line| {
            let (a, b) = (other.account, one.account);
            (other.source, other.filter, other.left_out) == (one.source, one.filter, one.left_out)
                && (a.rows, a.filtered, a.without_target, &a.sides)
                    == (b.rows, b.filtered, b.without_target, &b.sides)
        };
        match lines.iter_mut().find(same) {
            Some(known) => known.experts.push(short(&node.name)),
            None => lines.push(one),
        }
    }
    lines
}

fn line<'a>(node: &'a NodeAudit, account: &'a RowAccount) -> Line<'a> {
    Line {
        experts: vec![short(&node.name)],
        source: node.target.split('.').next().unwrap_or_default(),
        filter: node.filter.as_deref(),
        left_out: node.left_out.unwrap_or(0),
        account,
    }
}

fn used(lines: &[Line]) -> Markup {
    let forward = lines.iter().any(|line| line.left_out > 0);
    html! {
        div.scroll tabindex="0" role="region" aria-label="Rows used and dropped" {
            table.plain.accounts {
                thead {
                    tr {
                        td colspan="2" {}
                        th.over.beside scope="colgroup" { "on purpose" }
                        th.over.beside scope="colgroup" colspan="2" { "dropped" }
                        th.over.beside scope="colgroup" colspan=(3 + usize::from(forward)) { "used" }
                    }
                    tr {
                        th scope="col" { "Experts" } th.figure scope="col" { "Rows of the table" }
                        th.figure.beside scope="col" { "Left out by " code { "where" } }
                        th.figure.beside scope="col" { "No target" } th.figure scope="col" { "On no side of the split" }
                        th.figure.beside scope="col" { "Train" } @if forward { th.figure scope="col" { "of these untrained" } }
                        th.figure scope="col" { "Valid" } th.figure scope="col" { "Test" }
                    }
                }
                tbody {
                    @for line in lines {
                        @let account = line.account;
                        tr {
                            th scope="row" {
                                (line.experts.join(", "))
                                @if let Some(filter) = line.filter { span.aside { "where " code { (filter) } } }
                            }
                            td.figure { (count(account.rows)) span.aside { (line.source) } }
                            td.figure.beside { (count(account.filtered)) }
                            td.figure.beside { (count(account.without_target)) }
                            td.figure { (count(account.on_no_side())) }
                            td.figure.beside { (count(account.on("train"))) }
                            @if forward { td.figure { (count(line.left_out)) } }
                            td.figure { (count(account.on("valid"))) }
                            td.figure { (count(account.on("test"))) }
                        }
                    }
                }
            }
        }
        @if forward { p.caption { "Of these untrained: the first training rows, where what feeds the expert forward in time has no out-of-fold output." } }
    }
}

/// The split of one source in words; with its rows, where no expert has an account of its own.
fn split(source: &DataSummary, with_rows: bool) -> Markup {
    html! {
        p.split id=(anchor(&data_name(&source.name))) {
            strong { (short(&source.name)) }
            @if source.split.is_empty() { ": " } @else { " is split " (sentence(&source.split)) ". " }
            @if with_rows {
                @for side in SIDES { (side) " " (count(source.rows.get(side).copied().unwrap_or(0))) " rows, " }
            }
            (count(source.columns)) @if source.columns == 1 { " column" } @else { " columns" }
            @if !source.files.is_empty() {
                " from " @for (i, file) in source.files.iter().enumerate() { @if i > 0 { ", " } span.file { (file) } }
            }
            "."
        }
    }
}
