//! Run log: reports of past runs.

use collegium_records::RunReport;
use serde::{Deserialize, Serialize};

use crate::{Store, StoreError, seal};

#[derive(Serialize, Deserialize)]
struct Logged<R> {
    /// RFC 3339 in UTC.
    time: String,
    report: R,
}

impl Store {
    /// Files the report of a run that has just ended.
    ///
    /// # Errors
    /// If the store cannot be written, or the report cannot be encoded.
    pub fn log_run(&self, report: &RunReport) -> Result<(), StoreError> {
        let time = format!("{:.6}", jiff::Timestamp::now());
        // No colons in file names, and names sort as times do.
        let stem = time.replace(['-', ':'], "");
        let path = self.layout.home("runs").join(format!("{stem}-{}.json", std::process::id()));
        let record = serde_json::to_vec(&Logged { time, report }).map_err(|error| {
            StoreError::Record { what: "a run".to_owned(), message: error.to_string() }
        })?;
        self.replace(&path, &seal::seal(&[], &record))
    }

    /// Past runs, newest last: when each ended (RFC 3339 in UTC) and its report. Damaged ones are
    /// quarantined, those of an unknown shape ignored, and both noted.
    ///
    /// # Errors
    /// If something is there and the system refuses to read it.
    pub fn runs(&self) -> Result<Vec<(String, RunReport)>, StoreError> {
        self.last_runs(usize::MAX)
    }

    /// The last `most` of them.
    ///
    /// # Errors
    /// As [`Store::runs`].
    pub fn last_runs(&self, most: usize) -> Result<Vec<(String, RunReport)>, StoreError> {
        let mut runs = Vec::new();
        // Names sort as times do.
        let mut files = self.layout.names(&self.layout.folder("runs"))?;
        files.retain(|(name, _)| is_run(name));
        files.drain(..files.len().saturating_sub(most));
        for (name, path) in files {
            let Some(stem) = name.strip_suffix(".json") else { continue };
            let Some(bytes) = self.layout.read(&path)? else { continue };
            match seal::unseal(&[], &bytes).map(serde_json::from_slice::<Logged<RunReport>>) {
                Some(Ok(run)) => runs.push((run.time, run.report)),
                Some(Err(error)) => self.note(format!(
                    "the report of run {stem} is not understood by this version: {error}"
                )),
                None => self.quarantine(&path, &format!("the report of run {stem}")),
            }
        }
        Ok(runs)
    }
}

/// Is this the name of a run's report, `20130101T120000.000000Z-123.json`?
pub(crate) fn is_run(name: &str) -> bool {
    let stem = name.strip_suffix(".json").and_then(|stem| stem.rsplit_once('-'));
    stem.is_some_and(|(time, process)| {
        is_number(process)
            && time.ends_with('Z')
            && time.bytes().all(|byte| byte.is_ascii_digit() || b"T.Z".contains(&byte))
    })
}

pub(crate) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
