//! Permissions from the command line (`--allow-read`).

use std::{path::PathBuf, sync::OnceLock};

use collegium_records::Code;

use crate::{args::Args, failure::Failure};

/// Folders outside of the project that a pipeline may read in this command.
static ALLOWED: OnceLock<Vec<PathBuf>> = OnceLock::new();

/// The variable that says the same as `--allow-read`: folders, divided as in PATH.
const VARIABLE: &str = "COLLEGIUM_ALLOW_READ";

/// Takes down what is allowed: after `-C`, so that every path is relative to the folder of the command.
pub(crate) fn note(args: &Args) -> Result<(), Failure> {
    let mut folders = Vec::new();
    for folder in &args.allow_read {
        if !folder.is_dir() {
            let shown = folder.display();
            return Err(Failure::usage(
                Code::NoSuchFile,
                format!("--allow-read: there is no folder {shown}"),
            ));
        }
        folders.push(folder.clone());
    }
    let said = std::env::var_os(VARIABLE).unwrap_or_default();
    // An empty one would be the present folder, and nobody means that.
    folders.extend(std::env::split_paths(&said).filter(|folder| folder.is_dir()));
    let _ = ALLOWED.set(folders);
    Ok(())
}

/// The folders that are allowed.
pub(crate) fn allowed() -> &'static [PathBuf] {
    ALLOWED.get().map_or(&[], Vec::as_slice)
}
