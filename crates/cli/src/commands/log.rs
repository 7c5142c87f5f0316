//! `collegium log`: past runs.

use std::process::ExitCode;

use collegium_records::{NodeRun, Outcome, Rotated, metric_words};
use collegium_store::Store;

use super::print_json;
use crate::{
    args::Args,
    failure::Failure,
    human::{count, seconds, table, three},
};

pub(crate) fn log(args: &Args, named: Option<&str>, number: usize) -> Result<ExitCode, Failure> {
    let pipeline = crate::locate::load(args, named)?;
    let store = Store::open_to_read(&pipeline.root)?;
    let mut runs = store.runs()?;
    runs.retain(|(_, run)| run.pipeline == pipeline.name);
    let runs = runs.split_off(runs.len().saturating_sub(number));
    if args.json {
        let runs: Vec<_> =
            runs.iter().map(|(when, run)| serde_json::json!({"when": when, "run": run})).collect();
        print_json(&serde_json::json!({"format_version": 1, "runs": runs}))?;
        return Ok(ExitCode::SUCCESS);
    }
    let head = ["run", "time", "fits", "what"];
    let mut rows = vec![head.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>()];
    for (when, run) in &runs {
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
        rows.push(vec![when.clone(), seconds(run.seconds), fits.to_string(), what.join("; ")]);
    }
    crate::human::put(&table(&rows, &[1, 2]))?;
    Ok(ExitCode::SUCCESS)
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
