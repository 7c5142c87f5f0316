//! `collegium predict`

use std::{path::Path, process::ExitCode};

use collegium_engine::{PredictOptions, PredictSummary, Side, SideOptions};

use super::print_json;
use crate::{
    args::{Args, SideChoice},
    failure::Failure,
    human::count,
    locate::split,
};

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
    said(args, &summary, output)
}

/// Predictions for the pipeline's own rows.
pub(crate) fn side(
    args: &Args,
    targets: &[String],
    side: Option<SideChoice>,
    output: &Path,
    keep: &[String],
) -> Result<ExitCode, Failure> {
    let (named, nodes) = split(targets)?;
    let (session, _) = crate::session::open(args, named.as_deref())?;
    let side = match side {
        Some(SideChoice::Train) => Some(Side::Train),
        Some(SideChoice::Valid) => Some(Side::Valid),
        Some(SideChoice::Test) => Some(Side::Test),
        Some(SideChoice::All) | None => None,
    };
    let options = SideOptions {
        nodes,
        side,
        output: output.to_path_buf(),
        keep: keep.to_vec(),
        chunk: 16_384,
    };
    let summary = collegium_engine::predict_side(&session, &options)?;
    crate::session::say_notes(&session);
    said(args, &summary, output)
}

fn said(args: &Args, summary: &PredictSummary, output: &Path) -> Result<ExitCode, Failure> {
    for note in &summary.notes {
        eprintln!("note: {note}");
    }
    if args.json {
        print_json(summary)?;
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
