//! `collegium audit`

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use collegium_engine::{EngineError, Session, mended};
use collegium_records::{AuditReport, Level};

use super::print_json;
use crate::{args::Args, failure::Failure, locate::split};

/// Where an audit was written.
pub(crate) struct Written {
    pub(crate) html: PathBuf,
    pub(crate) report: AuditReport,
}

pub(crate) fn audit(
    args: &Args,
    targets: &[String],
    output: Option<&Path>,
) -> Result<ExitCode, Failure> {
    let (named, nodes) = split(targets)?;
    let (session, _) = crate::session::open(args, named.as_deref())?;
    let report = mended(|| measure(args, &session, &nodes))?;
    let written = write(&session, report, output)?;
    crate::session::say_notes(&session);
    if args.json {
        print_json(&written.report)?;
        return Ok(ExitCode::SUCCESS);
    }
    for node in &written.report.nodes {
        crate::human::put(&format!("{}\n", node.name))?;
        for finding in &node.findings {
            let mark = if finding.level == Level::Warning { "!" } else { "·" };
            crate::human::put(&format!("  {mark} {}\n", finding.text))?;
        }
    }
    crate::human::put(&format!("report: {}\n", written.html.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// Audits, and says what is being audited.
pub(crate) fn measure(
    args: &Args,
    session: &Session,
    nodes: &[String],
) -> Result<AuditReport, EngineError> {
    collegium_engine::audit(session, nodes, &mut |node| {
        if !args.quiet {
            eprintln!("auditing {node}");
        }
    })
}

/// Writes an audit as HTML and JSON beside each other: to `output`, else to
/// `.collegium/reports/NAME.html`.
pub(crate) fn write(
    session: &Session,
    report: AuditReport,
    output: Option<&Path>,
) -> Result<Written, Failure> {
    let html = match output {
        Some(path) => path.to_path_buf(),
        None => session.store.root().join("reports").join(format!("{}.html", report.pipeline)),
    };
    let json = serde_json::to_string_pretty(&report)
        .map_err(|error| Failure::internal(format!("writing JSON: {error}")))?;
    save(&html, collegium_report::html(&report).as_bytes())?;
    save(&html.with_extension("json"), json.as_bytes())?;
    Ok(Written { html: short(html), report })
}

/// Writes a file whole or not at all.
fn save(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
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

/// A path as short as it can be from here.
fn short(path: PathBuf) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).map(Path::to_path_buf).unwrap_or(path)
}
