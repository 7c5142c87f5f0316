//! `collegium audit`

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use collegium_engine::{AuditOptions, EngineError, Session, mended};
use collegium_records::{AuditReport, Cue, Level, MetricDiff, RowAttribution, three_digits};

use super::print_json;
use crate::{
    args::Args,
    failure::Failure,
    locate::{shown, split},
};

/// Bytes of the names of several experts in a file name, at most.
const MANY_NAMES: usize = 120;

/// Inputs of a row on the terminal; the report has more.
const ROW_INPUTS: usize = 4;

/// Where an audit was written.
pub(crate) struct Written {
    /// `None` where nothing can be written and no place was named.
    pub(crate) html: Option<PathBuf>,
    pub(crate) report: AuditReport,
}

pub(crate) fn audit(
    args: &Args,
    targets: &[String],
    output: Option<&Path>,
    asked: AuditOptions,
) -> Result<ExitCode, Failure> {
    let (named, nodes) = split(targets)?;
    let (session, _) = crate::session::open(args, named.as_deref())?;
    let asked = AuditOptions { nodes, ..asked };
    let report = mended(|| measure(args, &session, &asked))?;
    let written = write(&session, report, &asked.nodes, output)?;
    crate::session::say_notes(&session);
    if args.json {
        print_json(&written.report)?;
        return Ok(ExitCode::SUCCESS);
    }
    for node in &written.report.nodes {
        crate::human::put(&format!("{}\n", node.name))?;
        for finding in &node.findings {
            let mark = if finding.level == Level::Warning { "!" } else { "·" };
            crate::human::put(&crate::human::sentence(&format!("  {mark} "), &finding.text))?;
        }
        for row in node.probe.rows.iter().filter(|row| row.why == "asked for") {
            crate::human::put(&crate::human::sentence("    ", &row_line(row)))?;
        }
        for cue in node.probe.cues.iter().take(asked.without.len()) {
            for line in cue_lines(cue) {
                crate::human::put(&format!("    {line}\n"))?;
            }
        }
    }
    crate::human::put(&written.place(&session))?;
    Ok(ExitCode::SUCCESS)
}

impl Written {
    /// A line that says where it is.
    pub(crate) fn place(&self, session: &Session) -> String {
        match &self.html {
            Some(html) => format!("report: {}\n", html.display()),
            None => format!(
                "report: not written, since {} cannot be; name a place for it: `collegium audit -o \
                 FILE.html`\n",
                session.store.root().display()
            ),
        }
    }
}

/// What needs attention, expert by expert, and of gates whether they pay; `audit` says the rest too.
pub(crate) fn say_warnings(report: &AuditReport) -> Result<(), Failure> {
    for node in &report.nodes {
        let verdict: Vec<&String> =
            node.combined.iter().flat_map(|combined| &combined.verdict).collect();
        for finding in &node.findings {
            let mark = match finding.level {
                Level::Warning => "!",
                Level::Note if verdict.contains(&&finding.text) => "·",
                Level::Note => continue,
            };
            let mark = format!("{mark} {}: ", node.name);
            crate::human::put(&crate::human::sentence(&mark, &finding.text))?;
        }
    }
    Ok(())
}

/// Audits, and says what is being audited.
pub(crate) fn measure(
    args: &Args,
    session: &Session,
    options: &AuditOptions,
) -> Result<AuditReport, EngineError> {
    collegium_engine::audit(session, options, &|node| {
        if !args.quiet {
            eprintln!("auditing {node}");
        }
    })
}

/// What a row rests on: `+` raises the output for what was predicted, `-` lowers it.
fn row_line(row: &RowAttribution) -> String {
    let inputs = row.inputs.iter().take(ROW_INPUTS).map(|input| {
        let short = format!("{:+.2}", input.weight);
        format!("{} = {} ({short})", input.input, input.value)
    });
    format!(
        "row {}: predicted {}, in truth {}; rests on {}",
        row.row,
        row.predicted,
        row.truth,
        inputs.collect::<Vec<String>>().join(", ")
    )
}

/// What is lost without an input, a line per way of taking it.
fn cue_lines(cue: &Cue) -> Vec<String> {
    let metric = ["auc", "accuracy", "r2"].into_iter().find(|m| cue.permuted.contains_key(*m));
    let Some(metric) = metric.or_else(|| cue.permuted.keys().next().map(String::as_str)) else {
        return vec![format!("without {}: nothing could be measured", cue.input)];
    };
    let line = |way: &str, by: &BTreeMap<String, MetricDiff>| {
        let diff = by.get(metric)?;
        let range = diff.interval.map_or_else(String::new, |i| {
            format!(" ({} to {})", three_digits(i.low), three_digits(i.high))
        });
        let metric = if metric == "r2" { "R²".to_owned() } else { metric.replace("auc", "AUC") };
        Some(format!(
            "{way:<9} {metric} {} → {}, by {}{range}",
            three_digits(diff.before),
            three_digits(diff.after),
            three_digits(diff.difference)
        ))
    };
    let ways = [("removed", &cue.removed), ("permuted", &cue.permuted), ("swapped", &cue.swapped)];
    std::iter::once(format!("without {}, on {} test rows:", cue.input, cue.rows))
        .chain(ways.into_iter().filter_map(|(way, by)| line(way, by)))
        .collect()
}

/// Writes an audit as HTML and JSON beside each other, to `output`, else to
/// `.collegium/reports/NAME.html`, where some experts were named `NAME.EXPERTS.html`; and a model card
/// of every expert in a folder of the same name. A project that cannot be written has no place but `output`.
pub(crate) fn write(
    session: &Session,
    report: AuditReport,
    nodes: &[String],
    output: Option<&Path>,
) -> Result<Written, Failure> {
    let html = match output {
        Some(path) => path.to_path_buf(),
        None if session.store.is_read_only() => return Ok(Written { html: None, report }),
        None => {
            let name = match nodes {
                [] => report.pipeline.clone(),
                some => format!("{}.{}", report.pipeline, several(some)),
            };
            session.store.root().join("reports").join(format!("{name}.html"))
        }
    };
    let json = serde_json::to_string_pretty(&report)
        .map_err(|error| Failure::internal(format!("writing JSON: {error}")))?;
    save(&html, collegium_report::html(&report).as_bytes())?;
    save(&html.with_extension("json"), json.as_bytes())?;
    let cards = html.with_extension("cards");
    for node in &report.nodes {
        let name = collegium_manifest::bare_name(&node.name);
        let card = collegium_report::card(&report, node);
        save(&cards.join(format!("{name}.md")), card.as_bytes())?;
    }
    Ok(Written { html: Some(shown(html)), report })
}

/// Some experts as part of a file name, which holds 255 bytes.
fn several(nodes: &[String]) -> String {
    let mut name = nodes.join("+");
    if name.len() > MANY_NAMES {
        let digest = collegium_digest::Digest::of(name.as_bytes());
        let first = nodes.first().map_or("", String::as_str);
        name = format!("{first}+{}-more-{}", nodes.len() - 1, digest.short());
    }
    name
}

/// Writes a file whole or not at all.
pub(crate) fn save(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::file("writing", path, &error);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    file.as_file().set_permissions(readable).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}
