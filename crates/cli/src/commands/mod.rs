//! Commands, one file for each.

mod audit;
mod check;
mod compare;
mod diff;
mod evaluate;
mod explain;
mod forget;
mod gc;
mod graph;
mod init;
mod log;
mod metrics;
mod plan;
mod predict;
mod run;
mod shell;
mod show;
mod slices;
mod status;
mod trust;
mod tune;
mod verify;
mod why;

use std::{num::NonZeroUsize, process::ExitCode};

use collegium_audit::AuditOptions;

use crate::{
    args::{Args, Command},
    failure::Failure,
};

/// Runs the command that was typed.
pub(crate) fn dispatch(args: &Args) -> Result<ExitCode, Failure> {
    match &args.command {
        Command::Init { dir, template } => init::init(args, dir.as_deref(), template),
        Command::Check { pipeline, .. } => check::check(args, pipeline.as_deref()),
        Command::Plan { targets, force, exact, audit, exit_code, advance_split, .. } => {
            let (exact, audit) = (*exact, *audit);
            let (exit_code, advance_split) = (*exit_code, *advance_split);
            let asked = plan::Asked { force, retune: &[], exact, audit, exit_code, advance_split };
            plan::plan(args, targets, &asked)
        }
        Command::Run {
            targets, force, retune, exact, audit, advance_split, dry_run: true, ..
        } => {
            let (exact, audit, advance_split) = (*exact, *audit, *advance_split);
            let asked =
                plan::Asked { force, retune, exact, audit, exit_code: false, advance_split };
            plan::plan(args, targets, &asked)
        }
        Command::Tune { targets, write, again, dry_run, jobs, .. } => {
            let (write, again, dry_run) = (*write, *again, *dry_run);
            let asked = tune::Asked { write, again, dry_run, jobs: self::jobs(*jobs) };
            tune::tune(args, targets, &asked)
        }
        Command::Run {
            targets,
            audit,
            jobs,
            force,
            retune,
            exact,
            keep_going,
            advance_split,
            locked,
            dry_run: false,
            set: _,
        } => {
            let options = run::Options {
                audit: *audit,
                jobs: *jobs,
                force,
                retune,
                exact: *exact,
                keep_going: *keep_going,
                advance_split: *advance_split,
                locked: *locked,
            };
            run::run(args, targets, &options)
        }
        Command::Status { pipeline, check: true, .. } => status::check(args, pipeline.as_deref()),
        Command::Status { pipeline, check: false, .. } => status::status(args, pipeline.as_deref()),
        Command::Why { targets, .. } => why::why(args, targets),
        Command::Audit { targets, dry_run: true, .. } => audit::price(args, targets),
        Command::Audit { targets, output, without, rows, jobs, locked, dry_run: false, .. } => {
            let asked = AuditOptions {
                nodes: Vec::new(),
                jobs: self::jobs(*jobs),
                without: without.clone(),
                rows: rows.clone(),
            };
            audit::audit(args, targets, output.as_deref(), asked, *locked)
        }
        Command::Predict { targets, input: Some(input), output, keep, format, locked, .. } => {
            let asked = predict::Asked { output, keep, format: *format, locked: *locked };
            predict::predict(args, targets, input, &asked)
        }
        Command::Predict { targets, input: None, side, output, keep, format, locked, .. } => {
            let asked = predict::Asked { output, keep, format: *format, locked: *locked };
            predict::side(args, targets, *side, &asked)
        }
        Command::Evaluate { targets, input, report, locked, .. } => {
            evaluate::evaluate(args, targets, input, report.as_deref(), *locked)
        }
        Command::Diff { a, b, targets, seeds } => diff::diff(args, a, b, targets, *seeds),
        Command::Forget { pipeline, rows, retrain } => {
            forget::forget(args, pipeline.as_deref(), rows, *retrain)
        }
        Command::Graph { pipeline, format } => graph::graph(args, pipeline.as_deref(), *format),
        Command::Show { targets, .. } => show::show(args, targets),
        Command::Log { pipeline, number, metrics } => {
            log::log(args, pipeline.as_deref(), *number, *metrics)
        }
        Command::Compare { runs } => compare::compare(args, runs),
        Command::Verify { pipeline, repair } => verify::verify(args, pipeline.as_deref(), *repair),
        Command::Gc { dry_run, keep, grace } => gc::gc(args, *dry_run, *keep, *grace),
        Command::Trust { pipeline, yes, list, revoke, store } => {
            let (pipeline, store) = (pipeline.as_deref(), store.as_deref());
            let (yes, list, revoke) = (*yes, *list, *revoke);
            trust::trust(args, &trust::Asked { pipeline, store, yes, list, revoke })
        }
        Command::Explain { code } => explain::explain(args, code.as_deref()),
        Command::Schema => shell::schema(),
        Command::Completions { shell } => shell::completions(*shell),
        Command::Man { dir } => shell::man(dir.as_deref()),
    }
}

/// Whose settings are searched again: of nobody, of all (no names), or of these.
fn retune(asked: &[String]) -> Option<Vec<String>> {
    let named = || asked.iter().filter(|name| !name.is_empty()).cloned().collect::<Vec<_>>();
    match asked.iter().any(String::is_empty) {
        true => Some(Vec::new()),
        false => Some(named()).filter(|names| !names.is_empty()),
    }
}

/// How much to do side by side.
fn jobs(asked: Option<NonZeroUsize>) -> usize {
    asked.map_or_else(num_cpus::get_physical, NonZeroUsize::get)
}

/// Prints a document of `--json`.
fn print_json(document: &impl serde::Serialize) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(document)
        .map_err(|error| Failure::internal(format!("writing JSON: {error}")))?;
    text.push('\n');
    crate::human::put(&collegium_records::printable_json(&text))
}
