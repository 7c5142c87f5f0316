//! `collegium schema`, `completions` and `man`: for editors, shells and readers.

use std::process::ExitCode;

use clap::CommandFactory as _;

use crate::{args::Args, failure::Failure};

pub(crate) fn schema() -> Result<ExitCode, Failure> {
    println!("{}", schema_text()?);
    Ok(ExitCode::SUCCESS)
}

/// The JSON Schema of the pipeline file.
pub(crate) fn schema_text() -> Result<String, Failure> {
    serde_json::to_string_pretty(&collegium_manifest::json_schema())
        .map_err(|error| Failure::internal(format!("writing the schema: {error}")))
}

pub(crate) fn completions(shell: clap_complete::Shell) -> Result<ExitCode, Failure> {
    clap_complete::generate(shell, &mut Args::command(), "collegium", &mut std::io::stdout());
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn man() -> Result<ExitCode, Failure> {
    clap_mangen::Man::new(Args::command())
        .render(&mut std::io::stdout())
        .map_err(|error| Failure::internal(format!("writing the manual page: {error}")))?;
    Ok(ExitCode::SUCCESS)
}
