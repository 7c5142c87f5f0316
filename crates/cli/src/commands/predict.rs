//! `collegium predict`

use std::{path::Path, process::ExitCode};

use collegium_engine::PredictOptions;

use super::print_json;
use crate::{args::Args, failure::Failure, human::count, locate::split};

pub(crate) fn predict(
    args: &Args,
    targets: &[String],
    input: &Path,
    output: &Path,
    keep: &[String],
) -> Result<ExitCode, Failure> {
    let (named, nodes) = split(targets)?;
    let (session, _) = crate::session::open(args, named.as_deref())?;
    let summary = collegium_engine::predict(
        &session,
        &PredictOptions {
            nodes,
            input: input.to_path_buf(),
            output: output.to_path_buf(),
            keep: keep.to_vec(),
            chunk: 16_384,
        },
    )?;
    crate::session::say_notes(&session);
    for note in &summary.notes {
        eprintln!("note: {note}");
    }
    if args.json {
        print_json(&summary)?;
    } else {
        eprintln!(
            "{} of {} written to {}",
            count(summary.columns.len(), "column"),
            count(summary.rows as usize, "row"),
            output.display()
        );
    }
    Ok(ExitCode::SUCCESS)
}
