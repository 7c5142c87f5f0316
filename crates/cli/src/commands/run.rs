//! `collegium run`: brings experts up to date and writes the lock file.

use std::{num::NonZeroUsize, process::ExitCode, sync::atomic::Ordering};

use collegium_audit::AuditOptions;
use collegium_engine::{EngineError, Ran, RunOptions, add_earlier};
use collegium_records::{
    Code, DataFinding, Level, NodeRun, Outcome, Reason, Rotated, RunReport, loss_within,
    metric_words,
};

use super::print_json;
use crate::{
    args::Args,
    failure::Failure,
    human::{bytes, count, seconds, sentence, set, table, three},
    locate::split,
};

/// More experts than this, with nothing to do, are one line.
const MANY: usize = 20;

/// What was typed beside the targets.
pub(crate) struct Options<'a> {
    pub(crate) audit: bool,
    pub(crate) jobs: Option<NonZeroUsize>,
    pub(crate) force: &'a [String],
    pub(crate) retune: &'a [String],
    pub(crate) exact: bool,
    pub(crate) keep_going: bool,
    pub(crate) advance_split: bool,
    pub(crate) locked: bool,
}

pub(crate) fn run(args: &Args, targets: &[String], options: &Options) -> Result<ExitCode, Failure> {
    let started = std::time::Instant::now();
    let (named, nodes) = split(targets)?;
    let plain = nodes.is_empty()
        && options.force.is_empty()
        && options.retune.is_empty()
        && !options.audit
        && !options.exact
        && !options.advance_split;
    if plain && let Some(code) = idle(args, named.as_deref(), started)? {
        return Ok(code);
    }
    let open = if options.locked { crate::session::open_at } else { crate::session::open_to_keep };
    let (session, interrupted) = open(args, named.as_deref(), options.advance_split)?;
    let jobs = super::jobs(options.jobs);
    let mut asked = RunOptions {
        nodes: nodes.clone(),
        jobs,
        force: options.force.to_vec(),
        keep_going: options.keep_going,
        exact: options.exact,
        locked: options.locked,
        retune: super::retune(options.retune),
    };
    let Ran { mut report, session } = collegium_engine::run(&session, &asked)?;
    let to_audit = AuditOptions { nodes: nodes.clone(), jobs, ..AuditOptions::default() };
    let mut written = None;
    while options.audit && complete(&report) {
        let found = match super::audit::measure(args, &session, &to_audit) {
            // An audit reads more than a run does, and may be the first to meet a damaged object.
            Err(EngineError::Lost(_)) => {
                asked.force.clear();
                asked.retune = None;
                let mut again = collegium_engine::run(&session, &asked)?.report;
                add_earlier(&mut again, report);
                report = again;
                continue;
            }
            found => found?,
        };
        let (found, price) = found;
        let paths = super::audit::write(&session, found, &to_audit.nodes, None)?;
        report.audit = Some(price);
        report.report = paths.html.as_ref().map(|html| html.display().to_string());
        report.notes.extend(session.notes());
        written = Some(paths);
        break;
    }
    report.seconds = started.elapsed().as_secs_f64();
    if args.json {
        print_json(&report)?;
    } else {
        crate::human::put(&words(&report, report.nodes.len()))?;
        if options.audit && !complete(&report) {
            tell!("no report: not every expert is up to date");
        }
        if let Some(paths) = written {
            super::audit::say_warnings(&paths.report)?;
            crate::human::put(&paths.place(&session))?;
        }
    }
    Ok(code(args, &report, interrupted.load(Ordering::Relaxed)))
}

/// A run with nothing to do, if that can be seen without opening the pipeline.
fn idle(
    args: &Args,
    named: Option<&str>,
    started: std::time::Instant,
) -> Result<Option<ExitCode>, Failure> {
    let path = crate::locate::find(named)?;
    let (overrides, allowed) = (args.command.overrides(), crate::consent::allowed());
    let Some(fresh) = collegium_engine::fresh(&path, overrides, allowed)? else {
        return Ok(None);
    };
    // Node by node only where somebody will read it so.
    let report = if args.json || fresh.experts <= MANY {
        let Some(report) = fresh.report()? else { return Ok(None) };
        let seconds = started.elapsed().as_secs_f64();
        RunReport { seconds, peak_bytes: collegium_engine::peak_memory(), ..report }
    } else {
        fresh.summary(started.elapsed().as_secs_f64())
    };
    if args.json {
        print_json(&report)?;
    } else {
        crate::human::put(&words(&report, fresh.experts))?;
    }
    fresh.log(report.seconds)?;
    Ok(Some(code(args, &report, false)))
}

/// Is every expert up to date?
fn complete(report: &RunReport) -> bool {
    report.nodes.iter().all(|node| !matches!(node.outcome, Outcome::Failed | Outcome::Blocked))
        && report.rotated.as_ref().is_none_or(|rotated| rotated.whole)
}

/// Did a fit fail, in a rotation or without?
fn has_failed(report: &RunReport) -> bool {
    report.nodes.iter().any(|node| node.outcome == Outcome::Failed)
        || report.rotated.as_ref().is_some_and(Rotated::has_failed)
}

/// The exit code, and where its cause is explained.
fn code(args: &Args, report: &RunReport, interrupted: bool) -> ExitCode {
    if interrupted || report.interrupted {
        ExitCode::from(130)
    } else if has_failed(report) {
        crate::more::tell(args.quiet, &[Code::FitFailed]);
        ExitCode::from(4)
    } else if report.requirements.iter().any(|requirement| !requirement.met) {
        crate::more::tell(args.quiet, &[Code::RequireNotMet]);
        ExitCode::from(6)
    } else {
        ExitCode::SUCCESS
    }
}

fn words(report: &RunReport, experts: usize) -> String {
    let rotated = report.rotated.as_ref();
    let fits: usize = report.nodes.iter().map(|node| node.fits as usize).sum();
    let searched: u32 = report.searches.iter().map(|search| search.fits).sum();
    let fits = fits + searched as usize + rotated.map_or(0, Rotated::fits);
    let all_cached =
        report.nodes.iter().all(|node| matches!(node.outcome, Outcome::Cached | Outcome::Frozen));
    let mut text = String::new();
    if all_cached && experts > MANY {
        text.push_str(&format!("all {} up to date\n", count(experts, "expert")));
    } else {
        let head = ["node", "outcome", "fits", "time", "test", "why"];
        let mut rows = vec![head.iter().map(|cell| (*cell).to_owned()).collect()];
        rows.extend(report.nodes.iter().map(row));
        text.push_str(&table(&rows, &[2, 3]));
    }
    if let Some(rotated) = rotated {
        text.push_str(&over_rotations(rotated));
    }
    for search in &report.searches {
        text.push_str(&super::tune::in_a_sentence(search));
    }
    for end in &report.end_to_end {
        let share = |part: f64| part / end.before.abs().max(f64::MIN_POSITIVE);
        let said = format!(
            "{}: {}{}",
            end.node,
            loss_within(share(end.after - end.before), share(end.bound), share(end.budget)),
            if end.within { "" } else { ": NOT WITHIN, and an upstream is to blame" }
        );
        text.push_str(&sentence("end to end on validation rows, ", &said));
    }
    for requirement in &report.requirements {
        let found = match (requirement.value, &requirement.not_measured) {
            (Some(value), _) => three(value),
            (None, Some(why)) => format!("not measured: {why}"),
            (None, None) => "not measured".to_owned(),
        };
        let verdict = if requirement.met { "met" } else { "NOT MET" };
        let said = format!("{}: {verdict} ({found})", requirement.text);
        text.push_str(&sentence("require ", &said));
    }
    for finding in report.findings.iter().filter(|finding| said(finding)) {
        let word = if finding.level == Level::Warning { "warning" } else { "note" };
        text.push_str(&sentence(&format!("{word}: "), &collegium_engine::sentence(finding)));
    }
    for note in &report.notes {
        text.push_str(&sentence("note: ", note));
    }
    if !report.overrides.is_empty() {
        let said =
            format!("run with {}, which the pipeline file does not say", set(&report.overrides));
        text.push_str(&sentence("note: ", &said));
    }
    if report.interrupted {
        text.push_str("interrupted; everything that was finished is kept\n");
    }
    text.push_str(&format!(
        "\n{} in {}, peak memory {}\n",
        match (fits, has_failed(report)) {
            (0, false) if !report.interrupted => "nothing to fit".to_owned(),
            _ => count(fits, "fit"),
        },
        seconds(report.seconds),
        bytes(report.peak_bytes)
    ));
    text
}

/// What the rotations came to.
fn over_rotations(rotated: &Rotated) -> String {
    let mean = format!("mean of {}", rotated.rotations);
    let head = ["over rotations", "fits", &mean, "95 %", "test"].map(str::to_owned);
    let mut rows = vec![head.to_vec()];
    for node in &rotated.nodes {
        let fits: usize = node.fitted.values().map(Vec::len).sum();
        let of = node.headline.as_ref();
        let shown = |value: Option<f64>| value.map_or_else(String::new, three);
        let range = of.and_then(|of| of.interval);
        rows.push(vec![
            node.name.clone(),
            fits.to_string(),
            of.map_or_else(
                || "not measured".to_owned(),
                |of| format!("{} {}", metric_words(&of.metric), three(of.value)),
            ),
            range.map_or_else(String::new, |of| format!("{} to {}", three(of.low), three(of.high))),
            shown(of.and_then(|of| of.split)),
        ]);
    }
    let mut text = format!("\n{}", table(&rows, &[1]));
    for node in &rotated.nodes {
        for (number, error) in &node.failed {
            text.push_str(&sentence(&format!("{} in rotation {number}: ", node.name), error));
        }
    }
    text
}

fn row(node: &NodeRun) -> Vec<String> {
    let outcome = match node.outcome {
        Outcome::Trained => "trained",
        Outcome::Cached => "cached",
        Outcome::Kept => "kept",
        Outcome::Patched => "patched",
        Outcome::Frozen => "frozen",
        Outcome::Failed => "FAILED",
        Outcome::Blocked if node.reasons.contains(&Reason::Stopped) => "stopped",
        Outcome::Blocked => "blocked",
    };
    let why = match node.outcome {
        // That it is not trained with the settings of the file is a warning of its own.
        Outcome::Frozen => String::new(),
        _ => node.error.clone().unwrap_or_else(|| Reason::list(&node.reasons)),
    };
    vec![
        node.name.clone(),
        outcome.to_owned(),
        node.fits.to_string(),
        if node.fits > 0 { seconds(node.seconds) } else { String::new() },
        headline(node),
        why,
    ]
}

/// The figure that stands for it; another metric in its place is not shown without saying so.
fn headline(node: &NodeRun) -> String {
    let absent = node.not_measured.get("test");
    let Some(headline) = &node.headline else {
        let why = absent.and_then(|absent| absent.values().next());
        return why.map_or_else(String::new, |why| format!("not measured: {why}"));
    };
    let why = headline.instead_of.as_ref().and_then(|metric| Some((metric, absent?.get(metric)?)));
    let without = why
        .map_or_else(String::new, |(metric, why)| format!(" (no {}: {why})", metric_words(metric)));
    // The mean over rotations has a table of its own.
    let value = match headline.rotations {
        Some(_) => headline.split,
        None => Some(headline.value),
    };
    value.map_or_else(String::new, |value| {
        format!("{} {}{without}", metric_words(&headline.metric), three(value))
    })
}

/// Is this finding said after a run? What `where` leaves out was asked for, and what a class lacks
/// beside training rows is said by `check` and the audit; `--json` has all of them.
fn said(finding: &DataFinding) -> bool {
    finding.level == Level::Warning
        || matches!(finding.kind.as_str(), "rows-without-target" | "class-missing-in-fold")
}
