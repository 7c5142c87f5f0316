//! `collegium verify`: integrity check and repair of the store.

use std::{collections::BTreeMap, io::IsTerminal as _, path::Path, process::ExitCode};

use collegium_engine::{PlanOptions, RunOptions};
use collegium_records::{
    Action, Checked, Code, FORMAT_VERSION, FitName, Missing, PipelineRepair, Reason, VerifyReport,
};
use collegium_store::{PipelineFile, Progress, Scope, Store, pipeline, pipelines, read_lock};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::print_json;
use crate::{
    args::Args,
    failure::Failure,
    human::{bytes, count, table},
    locate::{find, project, shown},
};

/// So many missing things are listed in words; `--json` lists all.
const LISTED: usize = 20;

pub(crate) fn verify(args: &Args, name: Option<&str>, repair: bool) -> Result<ExitCode, Failure> {
    let (store, files, scope) = match name {
        Some(name) => {
            let path = find(Some(name))?;
            if !path.exists() {
                // Says which file is near.
                crate::locate::load(args, Some(name))?;
            }
            let Some(file) = pipeline(&path)? else {
                return Err(Failure::usage(
                    Code::NoPipeline,
                    format!("{} is no pipeline file", path.display()),
                ));
            };
            let scope = Scope::of(&file);
            (Store::open(&collegium_manifest::project_root(&path))?, vec![file], Some(scope))
        }
        None => {
            let root = project()?;
            (Store::open(&root)?, pipelines(&root)?, None)
        }
    };
    let bar = bar(args.quiet);
    let found = store.verify(&files, scope.as_ref(), &mut |Progress { done, of }| {
        bar.set_length(of);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let found = found?;
    let mut missing = lacking(&store, &files)?;
    let mut repaired = Vec::new();
    if repair && !missing.is_empty() {
        for file in files.iter().filter(|file| !store.missing(file).is_ok_and(|m| m.is_empty())) {
            repaired.push(mend(args, &file.path));
        }
        missing = lacking(&store, &read_again(&files)?)?;
    }
    let mended = repair
        && missing.iter().all(|one| one.read_by_anchor)
        && repaired.iter().all(|one| one.error.is_none());
    let report = VerifyReport {
        format_version: FORMAT_VERSION,
        store: shown(store.root().to_path_buf()).display().to_string(),
        checked: found.checked,
        sound: mended || (!repair && found.damaged.is_empty()),
        damaged: found.damaged,
        missing,
        repaired,
    };
    for note in store.notes() {
        tell!("note: {note}");
    }
    if args.json {
        print_json(&report)?;
    } else {
        crate::human::put(&words(&report, repair))?;
    }
    if report.sound {
        return Ok(ExitCode::SUCCESS);
    }
    crate::more::tell(args.quiet, &[Code::ObjectDamaged]);
    Ok(ExitCode::from(7))
}

fn lacking(store: &Store, files: &[PipelineFile]) -> Result<Vec<Missing>, Failure> {
    let mut missing = Vec::new();
    for file in files {
        missing.extend(store.missing(file)?);
    }
    for one in &mut missing {
        one.pipeline = shown((&one.pipeline).into()).display().to_string();
    }
    Ok(missing)
}

/// A run writes locks.
fn read_again(files: &[PipelineFile]) -> Result<Vec<PipelineFile>, Failure> {
    let mut again = Vec::new();
    for file in files {
        again.extend(pipeline(&file.path)?);
    }
    Ok(again)
}

/// Runs a pipeline; an error is part of the report, so that the others are mended too.
fn mend(args: &Args, path: &Path) -> PipelineRepair {
    let mut repair = PipelineRepair {
        pipeline: shown(path.to_path_buf()).display().to_string(),
        fitted: BTreeMap::new(),
        error: None,
    };
    match run(args, path) {
        Ok(report) => {
            for note in &report.notes {
                tell!("note: {note}");
            }
            for node in report.nodes {
                if let Some(error) = node.error {
                    repair.error.get_or_insert(format!("{}: {error}", node.name));
                }
                if !node.fitted.is_empty() {
                    repair.fitted.insert(node.name, node.fitted);
                }
            }
            if report.interrupted {
                repair.error.get_or_insert("interrupted".to_owned());
            }
        }
        Err(failure) => repair.error = Some(failure.to_string()),
    }
    repair
}

/// What `--set` said when the lock of a pipeline was written; nothing where its blocks do not agree on that.
fn set_over(path: &Path) -> Result<Vec<String>, Failure> {
    let lock = read_lock(&path.with_extension("lock"))?;
    let mut all = lock.node.into_values().map(|node| node.overrides);
    let first = all.next().unwrap_or_default();
    Ok(if all.all(|other| other == first) { first } else { Vec::new() })
}

fn run(args: &Args, path: &Path) -> Result<collegium_records::RunReport, Failure> {
    // Absolute, so that `-C` does not count twice.
    let path = std::path::absolute(path).map_err(|error| Failure::file("finding", path, &error))?;
    let pipeline = crate::locate::loaded_with(args, &path, &set_over(&path)?)?.pipeline;
    let (session, _) = crate::session::of(pipeline, args.quiet, false, false)?;
    // What was lost is made again, and nothing else: a repair is no time to train what has changed.
    let plan = collegium_engine::plan(&session, &PlanOptions::default())?;
    let changed: Vec<&str> = plan
        .nodes
        .iter()
        .filter(|node| !matches!(node.action, Action::Cached | Action::Frozen))
        .filter(|node| !node.reasons.iter().all(Reason::is_loss))
        .map(|node| node.name.as_str())
        .collect();
    if !changed.is_empty() {
        return Err(Failure::usage(
            Code::NotUpToDate,
            format!(
                "the pipeline has changed since its lock was written ({}): take the change back and repair, or \
             `collegium run` it as it is now",
                changed.join(", ")
            ),
        ));
    }
    let options = RunOptions {
        locked: false,
        nodes: Vec::new(),
        jobs: num_cpus::get_physical(),
        force: Vec::new(),
        keep_going: true,
        exact: false,
        retune: None,
    };
    Ok(collegium_engine::run(&session, &options)?.report)
}

fn bar(quiet: bool) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
    let style =
        ProgressStyle::with_template("verifying {bar:24} {bytes}/{total_bytes}  {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸─"));
    bar
}

fn words(report: &VerifyReport, repair: bool) -> String {
    let checked: Vec<String> = report
        .checked
        .iter()
        .map(|(kind, amount)| {
            let size = match kind {
                Checked::Object => format!(" ({})", bytes(amount.bytes)),
                _ => String::new(),
            };
            format!("{}{size}", count(amount.files as usize, name(*kind)))
        })
        .collect();
    let mut text = match checked.is_empty() {
        true => format!("{}: nothing to verify\n", report.store),
        false => format!("{}: read {}\n", report.store, checked.join(", ")),
    };
    if !report.damaged.is_empty() {
        let head = ["damaged", "what it was", "file"];
        let mut rows = vec![head.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>()];
        for damaged in &report.damaged {
            let place = damaged.quarantine.as_ref().unwrap_or(&damaged.file);
            rows.push(vec![name(damaged.kind).to_owned(), damaged.was.clone(), place.clone()]);
        }
        text.push_str(&format!("\n{}\n", table(&rows, &[])));
    }
    for repair in &report.repaired {
        let fitted: Vec<String> = repair
            .fitted
            .iter()
            .map(|(node, parts)| format!("{node} ({})", FitName::list(parts)))
            .collect();
        text.push_str(&match (&repair.error, fitted.is_empty()) {
            (Some(error), _) => format!("{} was not repaired: {error}\n", repair.pipeline),
            (None, true) => format!("{}: repaired without a fit\n", repair.pipeline),
            (None, false) => format!("{}: fitted again {}\n", repair.pipeline, fitted.join(", ")),
        });
    }
    if !report.missing.is_empty() {
        text.push_str("not in the store, although lock files name it:\n");
        for one in report.missing.iter().take(LISTED) {
            text.push_str(&format!("  {} of {} in {}\n", one.what, one.node, one.pipeline));
        }
        if report.missing.len() > LISTED {
            text.push_str(&format!("  and {} more\n", report.missing.len() - LISTED));
        }
    }
    if report.sound
        && !report.missing.is_empty()
        && report.missing.iter().all(|one| one.read_by_anchor)
    {
        let head = if report.damaged.is_empty() { "sound" } else { "repaired" };
        return text
            + head
            + "; what an anchor was trained on is made by no run: its certificate stands without it, but is \
               lost if more of it is\n";
    }
    text.push_str(match (report.sound, report.damaged.is_empty(), report.missing.is_empty()) {
        (true, true, true) => "sound\n",
        (true, false, _) => "repaired\n",
        (true, true, false) => "sound; `collegium run` makes what is missing\n",
        (false, _, _) if repair => "not repaired: see above, then `collegium run` says more\n",
        (false, _, true) => "damaged; no lock file stands on it, so nothing is lost\n",
        (false, _, false) => "damaged; `collegium verify --repair` makes it again\n",
    });
    text
}

fn name(kind: Checked) -> &'static str {
    match kind {
        Checked::Object => "object",
        Checked::Record => "record",
        Checked::Recipe => "recipe",
        Checked::Run => "run report",
        Checked::Cache => "cache",
    }
}
