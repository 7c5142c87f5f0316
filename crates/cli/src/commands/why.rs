//! `collegium why`

use std::process::ExitCode;

use collegium_engine::mended;

use super::print_json;
use crate::{
    args::Args,
    failure::Failure,
    human::{table, three},
    locate::split,
};

pub(crate) fn why(args: &Args, targets: &[String]) -> Result<ExitCode, Failure> {
    let (named, nodes) = split(targets)?;
    let [node] = nodes.as_slice() else {
        return Err(Failure::usage("name one expert: `collegium why arrival`"));
    };
    let (session, _) = crate::session::open(args, named.as_deref())?;
    let why = mended(|| collegium_engine::why(&session, node))?;
    crate::session::say_notes(&session);
    if args.json {
        print_json(&why)?;
        return Ok(ExitCode::SUCCESS);
    }
    crate::human::put(&format!("{}: {}\n", why.node, why.summary))?;
    if !why.changes.is_empty() {
        let head = ["ingredient", "before", "after", "drift (sd)", "by its AGOP"];
        let mut rows = vec![head.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>()];
        for change in &why.changes {
            let shown = |side: &Option<String>| side.clone().unwrap_or_else(|| "–".to_owned());
            rows.push(vec![
                change.ingredient.clone(),
                shown(&change.before),
                shown(&change.after),
                change.drift.map(three).unwrap_or_default(),
                change.weighted_drift.map(three).unwrap_or_default(),
            ]);
        }
        crate::human::put(&table(&rows, &[3, 4]))?;
    }
    if let Some(change) = &why.output_change {
        crate::human::put(&format!(
            "its raw output moves by {} (root mean square); its AGOP predicts {}, its gradients row by \
             row {}: an explanation, not a proof\n",
            three(change.measured),
            three(change.predicted),
            three(change.first_order)
        ))?;
    }
    if let Some(advice) = &why.advice {
        crate::human::put(&format!("would retraining help? {advice}\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}
