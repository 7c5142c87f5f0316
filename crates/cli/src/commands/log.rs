//! `collegium log`: past runs.

use std::process::ExitCode;

use collegium_records::{
    FORMAT_VERSION, LogReport, NodeRun, Outcome, PastRun, Rotated, metric_words,
};
use collegium_store::Store;

use super::print_json;
use crate::{
    args::Args,
    failure::Failure,
    human::{count, seconds, set, table, three},
};

pub(crate) fn log(
    args: &Args,
    named: Option<&str>,
    number: usize,
    metrics: bool,
) -> Result<ExitCode, Failure> {
    let pipeline = crate::locate::load(args, named)?;
    let store = Store::open_to_read(&pipeline.root)?;
    let mut runs = collegium_engine::past_runs(&store, &pipeline.name)?;
    let runs = runs.split_off(runs.len().saturating_sub(number));
    match (args.json, metrics) {
        (true, true) => print_json(&super::metrics::report(&runs))?,
        (true, false) => print_json(&LogReport { format_version: FORMAT_VERSION, runs })?,
        (false, true) => crate::human::put(&super::metrics::words(&runs))?,
        (false, false) => crate::human::put(&words(&runs))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn words(runs: &[PastRun]) -> String {
    let head = ["run", "ended", "time", "fits", "what"];
    let mut rows = vec![head.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>()];
    for PastRun { number, when, run } in runs {
        let fits: u32 = run.nodes.iter().map(|node| node.fits).sum();
        let rotated = run.rotated.as_ref().map_or(0, Rotated::fits);
        let fits = fits as usize + rotated;
        let named = |outcome: Outcome, word: &str| -> Option<String> {
            let names: Vec<String> =
                run.nodes.iter().filter(|node| node.outcome == outcome).map(figure).collect();
            (!names.is_empty()).then(|| format!("{word} {}", names.join(", ")))
        };
        let mut what: Vec<String> = [
            named(Outcome::Trained, "trained"),
            named(Outcome::Kept, "kept"),
            named(Outcome::Patched, "patched"),
            named(Outcome::Failed, "FAILED"),
            named(Outcome::Blocked, "blocked"),
        ]
        .into_iter()
        .flatten()
        .collect();
        what.extend((rotated > 0).then(|| format!("{} of rotations", count(rotated, "fit"))));
        if what.is_empty() {
            what.push("all cached".to_owned());
        }
        what.extend((!run.overrides.is_empty()).then(|| format!("with {}", set(&run.overrides))));
        rows.push(vec![
            number.to_string(),
            when.clone(),
            seconds(run.seconds),
            fits.to_string(),
            what.join("; "),
        ]);
    }
    table(&rows, &[0, 2, 3])
}

/// A node and, if it was measured, the figure that stands for it.
fn figure(node: &NodeRun) -> String {
    let name = collegium_manifest::bare_name(&node.name);
    match &node.headline {
        Some(of) => {
            let what = of.of_rotations().map_or_else(String::new, |what| format!(", {what}"));
            format!("{name} ({} {}{what})", metric_words(&of.metric), three(of.value))
        }
        None => name.to_owned(),
    }
}
