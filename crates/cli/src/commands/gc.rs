//! `collegium gc`: garbage collection of the store.

use std::{
    collections::BTreeMap,
    process::ExitCode,
    time::{Duration, SystemTime},
};

use collegium_records::{Amount, Code, FORMAT_VERSION, GcReport, Kept};
use collegium_store::{GcPolicy, Store, StoreError, amounts};

use super::print_json;
use crate::{
    args::Args,
    failure::Failure,
    human::{bytes, count, seconds, table},
    locate::{project, shown},
};

pub(crate) fn gc(
    args: &Args,
    dry_run: bool,
    keep: u64,
    grace: Duration,
) -> Result<ExitCode, Failure> {
    let root = project()?;
    let store = Store::open(&root)?;
    let pipelines = store.all_pipelines(&root).map_err(refusal)?;
    let roots = store.roots(&pipelines)?;
    let policy = GcPolicy { keep, grace, now: SystemTime::now() };
    let plan = store.plan_gc(&roots, &policy)?;
    let freed = if dry_run { amounts(&plan.doomed) } else { amounts(store.gc(&plan)?) };
    let report = GcReport {
        format_version: FORMAT_VERSION,
        store: shown(store.root().to_path_buf()).display().to_string(),
        dry_run,
        total: sum(&freed),
        freed,
        kept: plan.kept,
        spared: plan.spared,
    };
    for note in store.notes() {
        tell!("note: {note}");
    }
    if args.json {
        print_json(&report)?;
    } else {
        crate::human::put(&words(&report))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A lock file that cannot be read may stand on anything.
fn refusal(error: StoreError) -> Failure {
    match error {
        StoreError::LockFile { .. } => Failure::Other {
            exit: 3,
            code: Code::LockUnreadable,
            message: format!(
                "{error}\nnothing was freed: what this lock file stands on is not known"
            ),
        },
        other => other.into(),
    }
}

fn sum(freed: &BTreeMap<Kept, Amount>) -> Amount {
    let mut total = Amount::default();
    for amount in freed.values() {
        total.files += amount.files;
        total.bytes += amount.bytes;
        total.cpu_seconds += amount.cpu_seconds;
    }
    total
}

fn words(report: &GcReport) -> String {
    let stays = format!("{} stay", bytes(report.kept.bytes));
    let stays = match report.spared.files {
        0 => stays,
        files => format!(
            "{stays}, of which {} in {} only for --grace or --keep",
            bytes(report.spared.bytes),
            count(files as usize, "object")
        ),
    };
    if report.freed.is_empty() {
        return format!("{}: nothing to free; {stays}\n", report.store);
    }
    let head = ["what", "files", "size", "CPU to make"];
    let mut rows = vec![head.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>()];
    let row = |name: &str, amount: &Amount| {
        let cost = if amount.cpu_seconds > 0.0 { hours(amount.cpu_seconds) } else { String::new() };
        vec![name.to_owned(), amount.files.to_string(), bytes(amount.bytes), cost]
    };
    rows.extend(report.freed.iter().map(|(kind, amount)| row(kind.name(), amount)));
    let verb = if report.dry_run { "would be freed" } else { "freed" };
    format!(
        "{}\n{} {verb} in {}, which cost {} of CPU to make; {stays}\n",
        table(&rows, &[1, 2, 3]),
        bytes(report.total.bytes),
        count(report.total.files as usize, "file"),
        hours(report.total.cpu_seconds),
    )
}

/// CPU time: in hours once it is one.
fn hours(value: f64) -> String {
    if value < 3600.0 { seconds(value) } else { format!("{:.1} h", value / 3600.0) }
}
