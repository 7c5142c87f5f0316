//! `collegium status`: which models the lock file uses, and which are stale.

use std::{collections::BTreeMap, process::ExitCode};

use collegium_engine::{CheckReport, mended};
use collegium_records::{Code, Reason};

use super::print_json;
use crate::{
    args::Args,
    failure::Failure,
    human::{count, sentence, set, table},
};

pub(crate) fn status(args: &Args, named: Option<&str>) -> Result<ExitCode, Failure> {
    let (session, _) = crate::session::open(args, named)?;
    let status = mended(|| collegium_engine::status(&session))?;
    crate::session::say_notes(&session);
    if args.json {
        print_json(&status)?;
        return Ok(ExitCode::SUCCESS);
    }
    let head = ["node", "state", "model", "fitted", "why"];
    let mut rows = vec![head.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>()];
    for node in &status.nodes {
        rows.push(vec![
            node.name.clone(),
            node.state.replace('-', " "),
            node.realisation.clone().unwrap_or_default(),
            node.created.clone().unwrap_or_default(),
            Reason::list(&node.reasons),
        ]);
    }
    crate::human::put(&table(&rows, &[]))?;
    let blocks = status.nodes.iter().map(|node| (&node.name, &node.overrides));
    crate::human::put(&overridden(blocks))?;
    if let Some(rotated) = &status.rotated {
        let text = match rotated.fits() {
            0 => "up to date".to_owned(),
            fits => format!("{} missing; `collegium run` makes them", count(fits, "fit")),
        };
        let mark = format!("{} rotations: ", rotated.rotations);
        crate::human::put(&crate::human::sentence(&mark, &text))?;
    }
    for report in status.reports.iter().filter(|report| !report.older.is_empty()) {
        let path = crate::locate::shown(session.store.root().join("reports").join(&report.name));
        let older = report.older.iter().map(|name| collegium_manifest::bare_name(name));
        let text = format!(
            "{} describes older models of {}; `collegium audit` writes it anew",
            path.display(),
            older.collect::<Vec<_>>().join(", ")
        );
        crate::human::put(&crate::human::sentence("report: ", &text))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// `collegium status --check`
pub(crate) fn check(args: &Args, named: Option<&str>) -> Result<ExitCode, Failure> {
    let pipeline = crate::locate::load(args, named)?;
    let report = collegium_engine::check_lock(&pipeline)?;
    if args.json {
        print_json(&report)?;
    } else {
        crate::human::put(&words(&report))?;
    }
    if report.sound {
        return Ok(ExitCode::SUCCESS);
    }
    crate::more::tell(args.quiet, &[Code::LockUnsound]);
    Ok(ExitCode::from(5))
}

/// Whose blocks of the lock came of `--set`, a sentence for each that was given together.
fn overridden<'a>(blocks: impl Iterator<Item = (&'a String, &'a Vec<String>)>) -> String {
    let mut together: BTreeMap<&Vec<String>, Vec<&str>> = BTreeMap::new();
    let mut count = 0;
    for (name, overrides) in blocks {
        count += 1;
        together.entry(overrides).or_default().push(name);
    }
    let said = together.into_iter().filter(|(overrides, _)| !overrides.is_empty());
    said.map(|(overrides, names)| {
        let whose = match names.len() == count {
            true => "written".to_owned(),
            false => format!("{} written", names.join(", ")),
        };
        let said = format!("{whose} with {}, over the pipeline file", set(overrides));
        sentence("lock: ", &said)
    })
    .collect()
}

fn words(report: &CheckReport) -> String {
    judged(report) + &overridden(report.nodes.iter().map(|node| (&node.name, &node.overrides)))
}

fn judged(report: &CheckReport) -> String {
    if !report.sound {
        let head = ["node", "stands on", "what is wrong"];
        let mut rows = vec![head.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>()];
        for node in report.nodes.iter().filter(|node| !node.findings.is_empty()) {
            rows.push(vec![node.name.clone(), node.stands_on.to_owned(), node.findings.join("; ")]);
        }
        return format!(
            "{}\nthe lock does not hold together; `collegium run` mends it\n",
            table(&rows, &[])
        );
    }
    let many = |what: &str| report.nodes.iter().filter(|node| node.stands_on == what).count();
    let kinds = [("fit", "fitted"), ("kept", "kept"), ("patched", "patched"), ("held", "held")];
    let parts: Vec<String> = kinds
        .into_iter()
        .filter(|(kind, _)| many(kind) > 0)
        .map(|(kind, word)| format!("{} {word}", many(kind)))
        .collect();
    format!("{}: the lock holds together ({})\n", report.pipeline, parts.join(", "))
}
