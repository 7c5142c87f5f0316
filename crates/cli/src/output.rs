//! Output places of reports: a file with its companion files, or one document through a pipe.

use std::{fs, path::Path};

use collegium_engine::Session;
use collegium_records::Code;
use collegium_store::OutputFile;

use crate::{args::Args, failure::Failure};

/// Refuses two documents in one stream.
pub(crate) fn only_one(args: &Args, option: &str, path: Option<&Path>) -> Result<(), Failure> {
    match path {
        Some(path) if args.json && OutputFile::is_stdout_at(path) => Err(Failure::usage(
            Code::BadArguments,
            format!(
                "`--json` and `{option} {}` both want standard output; name a file in `{option}`",
                path.display()
            ),
        )),
        _ => Ok(()),
    }
}

/// Opens the place before anything is measured for it; the folder of a file is made if missing. Neither
/// what the pipeline reads nor `read` is replaced.
pub(crate) fn open(session: &Session, path: &Path, read: &[&Path]) -> Result<OutputFile, Failure> {
    session.guard(path, read)?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        // If it cannot be made, the file in it will say so.
        let _ = fs::create_dir_all(folder);
    }
    Ok(OutputFile::create(path)?)
}
