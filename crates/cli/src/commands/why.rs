//! `collegium why`: the reason why a node was, or would be, trained.

use std::process::ExitCode;

use collegium_engine::mended;
use collegium_records::Code;

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
        return Err(Failure::usage(Code::BadArguments, "name one expert: `collegium why arrival`"));
    };
    let (session, _) = crate::session::open(args, named.as_deref())?;
    let why = mended(|| collegium_engine::why(&session, node))?;
    crate::session::say_notes(&session);
    if args.json {
        print_json(&why)?;
        return Ok(ExitCode::SUCCESS);
    }
    crate::human::put(&crate::human::sentence(&format!("{}: ", why.node), &why.summary))?;
    if !why.changes.is_empty() {
        let drift = ["drift (sd)", "by its AGOP"];
        let drift = if why.no_drift.is_some() { &[][..] } else { &drift[..] };
        let head = ["ingredient", "before", "after"].iter().chain(drift);
        let mut rows = vec![head.map(|cell| (*cell).to_owned()).collect::<Vec<_>>()];
        for change in &why.changes {
            let shown = |side: &Option<String>| side.clone().unwrap_or_else(|| "–".to_owned());
            let mut row =
                vec![change.ingredient.clone(), shown(&change.before), shown(&change.after)];
            if why.no_drift.is_none() {
                row.extend(
                    [change.drift, change.weighted_drift]
                        .map(|d| d.map_or_else(String::new, three)),
                );
            }
            rows.push(row);
        }
        crate::human::put(&table(&rows, &[3, 4]))?;
    }
    if let Some(reason) = &why.no_drift {
        crate::human::put(&crate::human::sentence("no drift is given: ", reason))?;
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
