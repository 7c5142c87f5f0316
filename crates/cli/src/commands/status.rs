//! `collegium status`

use std::process::ExitCode;

use collegium_engine::mended;

use super::print_json;
use crate::{args::Args, failure::Failure, human::table};

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
            node.reasons.join("; "),
        ]);
    }
    crate::human::put(&table(&rows, &[]))?;
    Ok(ExitCode::SUCCESS)
}
