//! Errors with exit codes, for people and for programs.

use std::process::ExitCode;

use collegium_engine::{EngineError, LockChange};
use collegium_manifest::Diagnostics;
use collegium_records::Code;
use collegium_store::StoreError;

use crate::screen::{self, BAD, PLAIN};

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The pipeline or its data is wrong: exit code 3.
    Invalid(Diagnostics),
    /// Whoever read stdout has had enough (`| head`): no failure at all.
    Closed,
    /// The lock would change, and was not to: exit code 5.
    Locked(Vec<LockChange>),
    /// Anything else, with its exit code and its cause.
    Other { exit: u8, code: Code, message: String },
}

impl Failure {
    pub(crate) fn usage(code: Code, message: impl Into<String>) -> Self {
        Self::Other { exit: 2, code, message: message.into() }
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::Other { exit: 1, code: Code::InternalError, message: message.into() }
    }

    /// Something could not be written.
    pub(crate) fn unwritten(what: impl std::fmt::Display, error: &std::io::Error) -> Self {
        let message = format!("cannot write {what}: {error}");
        Self::Other { exit: 7, code: Code::NotWritable, message }
    }

    /// A file that a person named could not be read.
    pub(crate) fn file(doing: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        let message = format!("{doing} {}: {error}", path.display());
        Self::Other { exit: 3, code: Code::FileUnreadable, message }
    }

    /// Its causes, as `collegium explain` names them.
    fn codes(&self) -> Vec<Code> {
        match self {
            Self::Invalid(found) => found.codes(),
            Self::Locked(_) => vec![Code::LockWouldChange],
            Self::Other { code, .. } => vec![*code],
            Self::Closed => Vec::new(),
        }
    }

    /// Says it, and returns its exit code.
    pub(crate) fn report(&self, json: bool, quiet: bool) -> ExitCode {
        let exit = match self {
            Self::Closed => return ExitCode::SUCCESS,
            Self::Invalid(_) => 3,
            Self::Locked(_) => 5,
            Self::Other { exit, .. } => *exit,
        };
        if json {
            let document = match self {
                Self::Closed => return ExitCode::SUCCESS,
                Self::Invalid(found) => serde_json::json!({
                    "format_version": 1, "exit_code": exit, "diagnostics": found.to_json(),
                }),
                Self::Locked(changes) => serde_json::json!({
                    "format_version": 1, "exit_code": exit, "code": Code::LockWouldChange,
                    "error": self.to_string(), "changes": changes,
                }),
                Self::Other { code, message, .. } => serde_json::json!({
                    "format_version": 1, "exit_code": exit, "code": code, "error": message,
                }),
            };
            // If stdout is what failed, stderr has the message below.
            let document = format!("{document:#}\n");
            let _ = screen::put(&collegium_records::printable_json(&document));
        }
        match self {
            Self::Closed => {}
            Self::Invalid(found) => {
                let colour = screen::colour_on_stderr();
                screen::tell_rendered(found.render(colour).trim_end(), colour);
                let errors = found.iter().filter(|d| !d.warning).count();
                if errors > 1 {
                    tell!("\n{errors} errors; nothing was run and nothing was changed");
                }
            }
            Self::Locked(_) | Self::Other { .. } => tell!("{BAD}error{PLAIN}: {self}"),
        }
        crate::more::tell(quiet, &self.codes());
        ExitCode::from(exit)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Invalid(found) => f.write_str(found.render(false).trim_end()),
            Self::Closed => f.write_str("stdout was closed"),
            Self::Locked(changes) => EngineError::Locked(changes.clone()).fmt(f),
            Self::Other { message, .. } => f.write_str(message),
        }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let (exit, code) = (error.exit_code(), error.code());
        match error {
            EngineError::Invalid(found) => Self::Invalid(found),
            EngineError::Closed | EngineError::Store(StoreError::Closed { .. }) => Self::Closed,
            EngineError::Locked(changes) => Self::Locked(changes),
            EngineError::Interrupted => Self::Other {
                exit,
                code,
                message: "interrupted; everything that was finished is kept".to_owned(),
            },
            other => Self::Other { exit, code, message: other.to_string() },
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        EngineError::from(error).into()
    }
}
