//! `collegium schema`, `completions` and `man`: for editors, shells and readers.

use std::{path::Path, process::ExitCode};

use clap::CommandFactory as _;

use crate::{args::Args, failure::Failure, human::put};

pub(crate) fn schema() -> Result<ExitCode, Failure> {
    put(&format!("{}\n", schema_text()?))?;
    Ok(ExitCode::SUCCESS)
}

/// The JSON Schema of the pipeline file.
pub(crate) fn schema_text() -> Result<String, Failure> {
    serde_json::to_string_pretty(&collegium_manifest::json_schema(&collegium_engine::DECLARED))
        .map_err(|error| Failure::internal(format!("writing the schema: {error}")))
}

pub(crate) fn completions(shell: clap_complete::Shell) -> Result<ExitCode, Failure> {
    put(&crate::complete::script(shell)?)?;
    Ok(ExitCode::SUCCESS)
}

/// The manual page of the program, or, into a folder, that of every command.
pub(crate) fn man(folder: Option<&Path>) -> Result<ExitCode, Failure> {
    if let Some(folder) = folder {
        let unwritten = |error: std::io::Error| Failure::unwritten(folder.display(), &error);
        std::fs::create_dir_all(folder).map_err(unwritten)?;
        clap_mangen::generate_to(Args::command(), folder).map_err(unwritten)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = Vec::new();
    clap_mangen::Man::new(Args::command())
        .render(&mut text)
        .map_err(|error| Failure::internal(format!("making the manual page: {error}")))?;
    put(&String::from_utf8_lossy(&text))?;
    Ok(ExitCode::SUCCESS)
}
