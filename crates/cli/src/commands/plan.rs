//! `collegium plan`: a dry run, with reasons and estimated cost.

use std::process::ExitCode;

use collegium_engine::{PlanOptions, mended};
use collegium_records::{Action, AuditPrice, Estimate, PlanReport, Reason, RotatedPlan};

use super::print_json;
use crate::{
    args::Args,
    failure::Failure,
    human::{bytes, count, seconds, table},
    locate::split,
};

/// What was typed beside the targets.
pub(crate) struct Asked<'a> {
    pub(crate) force: &'a [String],
    pub(crate) retune: &'a [String],
    pub(crate) exact: bool,
    pub(crate) audit: bool,
    pub(crate) exit_code: bool,
    pub(crate) advance_split: bool,
}

pub(crate) fn plan(args: &Args, targets: &[String], asked: &Asked) -> Result<ExitCode, Failure> {
    let &Asked { force, retune, exact, audit, exit_code, advance_split } = asked;
    let (named, nodes) = split(targets)?;
    let plain = nodes.is_empty()
        && force.is_empty()
        && retune.is_empty()
        && !exact
        && !audit
        && !advance_split;
    if plain && idle(args, named.as_deref())? {
        return Ok(ExitCode::SUCCESS);
    }
    let (session, _) = crate::session::open_at(args, named.as_deref(), advance_split)?;
    let options =
        PlanOptions { nodes, force: force.to_vec(), exact, retune: super::retune(retune) };
    let plan = mended(|| {
        let mut plan = collegium_engine::plan(&session, &options)?;
        if audit {
            plan.audit = Some(collegium_audit::price(&session, &options.nodes)?);
        }
        Ok(plan)
    })?;
    crate::session::say_notes(&session);
    crate::session::say_provenance(&session, &options.nodes)?;
    if args.json {
        print_json(&plan)?;
    } else {
        crate::human::put(&words(&plan))?;
        warn_of_memory(&plan);
    }
    let pending =
        plan.nodes.iter().any(|node| !matches!(node.action, Action::Cached | Action::Frozen))
            || plan.rotated.as_ref().is_some_and(|rotated| rotated.fits() > 0);
    Ok(if exit_code && pending { ExitCode::from(5) } else { ExitCode::SUCCESS })
}

/// Names the fits that may need more memory than the pipeline allows.
fn warn_of_memory(plan: &PlanReport) {
    let Some(limit) = plan.memory_limit else { return };
    for node in plan.nodes.iter().filter(|node| node.peak_bytes > limit) {
        tell!(
            "warning: a fit of {} may need {}, more than `memory_limit` ({}): it will be refused if it does",
            node.name,
            bytes(node.peak_bytes),
            bytes(limit)
        );
    }
}

/// A plan of nothing, if that can be seen without opening the pipeline; was it one?
fn idle(args: &Args, named: Option<&str>) -> Result<bool, Failure> {
    let path = crate::locate::find(named)?;
    let (overrides, allowed) = (args.command.overrides(), crate::consent::allowed());
    let Some(fresh) = collegium_engine::fresh(&path, overrides, allowed)? else {
        return Ok(false);
    };
    if !args.json && !fresh.has_held_settings() {
        crate::human::put(&up_to_date(&fresh.pipeline, fresh.experts))?;
        return Ok(true);
    }
    let Some(plan) = fresh.plan()? else { return Ok(false) };
    match args.json {
        true => print_json(&plan)?,
        false => crate::human::put(&words(&plan))?,
    }
    Ok(true)
}

fn up_to_date(pipeline: &str, experts: usize) -> String {
    format!("{pipeline}: all {} up to date\n", count(experts, "expert"))
}

fn words(plan: &PlanReport) -> String {
    let open: Vec<_> = plan
        .nodes
        .iter()
        .filter(|node| !matches!(node.action, Action::Cached | Action::Frozen))
        .collect();
    let cached = plan.nodes.len() - open.len();
    let rotated = plan.rotated.as_ref().filter(|rotated| rotated.fits() > 0);
    if open.is_empty() && rotated.is_none() {
        return up_to_date(&plan.pipeline, cached) + &told_of_held(plan) + &audited(plan);
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
            Reason::list(&node.reasons),
        ]);
    }
    let mut text = match open.is_empty() {
        true => String::new(),
        false => table(&rows, &[2]),
    };
    let fits: usize = open.iter().map(|node| node.fits.len()).sum();
    let searched: u32 = open.iter().filter_map(|node| node.search).map(|search| search.fits).sum();
    let fits = fits + rotated.map_or(0, RotatedPlan::fits);
    text.push_str(&rotated.map_or_else(String::new, of_rotations));
    text.push_str(&format!("\n{} cached, {} to do", count(cached, "expert"), count(fits, "fit")));
    if searched > 0 {
        text.push_str(&format!(" after up to {} of searches", count(searched as usize, "fit")));
    }
    let mut prices = rotated.iter().flat_map(|of| &of.nodes).map(|node| node.seconds);
    if open.iter().all(|node| node.seconds.is_some()) && prices.all(|price| price.is_some()) {
        text.push_str(&format!(", {} of CPU", price(plan.seconds)));
    } else {
        text.push_str("; what no fit like it has been recorded for has no price yet");
    }
    text.push('\n');
    text + &told_of_held(plan) + &audited(plan)
}

/// The fits of an audit behind the run.
fn audited(plan: &PlanReport) -> String {
    let Some(audit) = &plan.audit else { return String::new() };
    let all = plan.nodes.iter().flat_map(|node| &node.fits);
    let baselines = match all.filter(|fit| fit.is_baseline()).count() {
        0 => String::new(),
        fits => format!("of the fits above, {fits} are of baselines\n"),
    };
    format!("\n{baselines}{}", priced(audit))
}

/// The fits of an audit, a line for each node and kind, and their sum.
pub(crate) fn priced(audit: &AuditPrice) -> String {
    if audit.fits == 0 {
        return "audit: nothing to fit\n".to_owned();
    }
    let head = ["audit of", "fits with", "fits", "CPU"];
    let mut rows = vec![head.iter().map(|cell| (*cell).to_owned()).collect()];
    rows.extend(audit.nodes.iter().map(|one| {
        let cpu = one.seconds.map_or_else(|| "?".to_owned(), price);
        vec![one.node.clone(), one.kind.to_string(), one.fits.to_string(), cpu]
    }));
    format!("{}\n{}\n", table(&rows, &[2]), in_all(audit))
}

/// The same in a line.
pub(crate) fn in_all(audit: &AuditPrice) -> String {
    let at_most = if audit.at_most { "at most " } else { "" };
    let fits = count(audit.fits as usize, "fit");
    let cpu = match audit.seconds {
        Some(seconds) => format!(", {} of CPU", price(seconds)),
        None => "; what no fit like it has been recorded for has no price yet".to_owned(),
    };
    format!("audit: {at_most}{fits} ({}){cpu}", audit.kinds())
}

/// The fits of rotations: a line for each node.
fn of_rotations(rotated: &RotatedPlan) -> String {
    let head = ["over rotations", "rotations", "fits", "CPU"].map(str::to_owned);
    let mut rows = vec![head.to_vec()];
    for node in &rotated.nodes {
        let which = format!("{} of {}", node.fits.len(), rotated.rotations);
        rows.push(vec![
            node.name.clone(),
            if node.may_train { format!("{which}, may train") } else { which },
            node.count().to_string(),
            node.seconds.map_or_else(|| "?".to_owned(), price),
        ]);
    }
    format!("\n{}", table(&rows, &[2]))
}

/// What is to be known of nodes that are not to be trained.
fn told_of_held(plan: &PlanReport) -> String {
    let held = plan.nodes.iter().filter(|node| node.action == Action::Frozen);
    held.flat_map(|node| node.reasons.iter().map(|why| format!("warning: {}: {why}\n", node.name)))
        .collect()
}

fn price(estimate: Estimate) -> String {
    format!(
        "{} ({} to {})",
        seconds(estimate.expected),
        seconds(estimate.min),
        seconds(estimate.max)
    )
}
