//! `collegium forget`: the models that were trained on given rows.

use std::{path::Path, process::ExitCode};

use collegium_engine::mended;
use collegium_records::{ForgetReport, SeenBy};

use super::print_json;
use crate::{
    args::Args,
    failure::Failure,
    human::{self, table},
};

pub(crate) fn forget(
    args: &Args,
    named: Option<&str>,
    rows: &Path,
    retrain: bool,
) -> Result<ExitCode, Failure> {
    let (session, _) = crate::session::open(args, named)?;
    let report = mended(|| collegium_engine::forget(&session, rows, retrain))?;
    if args.json {
        print_json(&report)?;
        return Ok(ExitCode::SUCCESS);
    }
    human::put(&words(&report, retrain))?;
    Ok(ExitCode::SUCCESS)
}

fn words(report: &ForgetReport, retrain: bool) -> String {
    let mut text = String::new();
    let count = report.rows;
    if report.models.is_empty() {
        text.push_str(&format!(
            "no model that {} stands on has seen any of the {count} rows\n",
            report.pipeline
        ));
    } else {
        let head = ["node", "models", "trained on", "chosen on", "through others"];
        let mut rows = vec![head.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>()];
        let mut names: Vec<&str> = report.models.iter().map(|seen| seen.node.as_str()).collect();
        names.dedup();
        for name in names {
            let of = || report.models.iter().filter(|seen| seen.node == name);
            let most = |what: fn(&SeenBy) -> u64| of().map(what).max().unwrap_or(0).to_string();
            let parts: Vec<&str> = of().map(|seen| seen.part.as_str()).collect();
            rows.push(vec![
                name.to_owned(),
                parts.join(", "),
                most(|seen| seen.trained),
                most(|seen| seen.chosen),
                most(|seen| seen.through_others),
            ]);
        }
        text.push_str(&format!("rows asked for: {count}; seen by\n{}", table(&rows, &[2, 3, 4])));
    }
    for model in &report.unknown {
        text.push_str(&format!("{model}\n"));
    }
    if report.rotated > 0 {
        text.push_str(&format!(
            "{} models of rotations (`evaluate.rotate`) have seen them too; `collegium run` without the rows makes \
             them again\n",
            report.rotated
        ));
    }
    if report.older > 0 {
        text.push_str(&format!(
            "{} other models in the store have seen them too: earlier fits, or those of other pipelines\n",
            report.older
        ));
    }
    match (report.fits, &report.seconds) {
        (Some(fits), Some(cost)) => text.push_str(&format!(
            "to make the models again without these rows: {fits} fits, {:.1} s of CPU ({:.1} s to {:.1} s); \
             remove the rows from the data, then `collegium run`\n",
            cost.expected, cost.min, cost.max
        )),
        _ if !report.models.is_empty() && !retrain => text.push_str(
            "`--retrain` says what it costs to make these models again without the rows\n",
        ),
        _ => {}
    }
    text
}
