//! `collegium plan`

use std::process::ExitCode;

use collegium_engine::mended;
use collegium_records::{Action, Estimate, PlanReport};

use super::print_json;
use crate::{
    args::Args,
    failure::Failure,
    human::{bytes, count, seconds, table},
    locate::split,
};

pub(crate) fn plan(
    args: &Args,
    targets: &[String],
    force: &[String],
    exit_code: bool,
) -> Result<ExitCode, Failure> {
    let (named, nodes) = split(targets)?;
    let (session, _) = crate::session::open(args, named.as_deref())?;
    let plan = mended(|| collegium_engine::plan(&session, &nodes, force))?;
    crate::session::say_notes(&session);
    if args.json {
        print_json(&plan)?;
    } else {
        crate::human::put(&words(&plan))?;
    }
    let pending = plan.nodes.iter().any(|node| node.action != Action::Cached);
    Ok(if exit_code && pending { ExitCode::from(5) } else { ExitCode::SUCCESS })
}

fn words(plan: &PlanReport) -> String {
    let open: Vec<_> = plan.nodes.iter().filter(|node| node.action != Action::Cached).collect();
    let cached = plan.nodes.len() - open.len();
    if open.is_empty() {
        return format!("{}: all {} up to date\n", plan.pipeline, count(cached, "expert"));
    }
    let mut rows = vec![
        ["node", "action", "fits", "CPU", "memory", "why"]
            .iter()
            .map(|s| (*s).to_owned())
            .collect(),
    ];
    for node in &open {
        let action = match node.action {
            Action::Train => "train",
            Action::MayTrain => "may train",
            Action::Cached => "cached",
            Action::Keep => "keep",
            Action::Patch => "patch",
            Action::Frozen => "frozen",
        };
        rows.push(vec![
            node.name.clone(),
            action.to_owned(),
            node.fits.len().to_string(),
            node.seconds.map_or_else(|| "?".to_owned(), price),
            bytes(node.peak_bytes),
            node.reasons.join("; "),
        ]);
    }
    let mut text = table(&rows, &[2]);
    let fits: usize = open.iter().map(|node| node.fits.len()).sum();
    text.push_str(&format!("\n{} cached, {} to do", count(cached, "expert"), count(fits, "fit")));
    if open.iter().all(|node| node.seconds.is_some()) {
        text.push_str(&format!(", {} of CPU", price(plan.seconds)));
    } else {
        text.push_str("; what no fit like it has been recorded for has no price yet");
    }
    text.push('\n');
    text
}

fn price(estimate: Estimate) -> String {
    format!(
        "{} ({} to {})",
        seconds(estimate.expected),
        seconds(estimate.min),
        seconds(estimate.max)
    )
}
