//! Errors of the engine, grouped by what a user can do about them.

use collegium_data::{DataError, DataErrorKind};
use collegium_manifest::Diagnostics;
use collegium_records::Code;
use collegium_store::StoreError;
use serde::Serialize;

/// An error of the engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The pipeline file, or the data that it describes, is wrong.
    #[error("{0}")]
    Invalid(Diagnostics),
    /// A query was not run to its end, since who asked would not wait for it.
    #[error("{0}")]
    Unfinished(Diagnostics),
    /// A fit failed.
    #[error("{0}")]
    Fit(FitFailure),
    /// The store is damaged or cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store failed while a table was made or read, or rows could not be written.
    #[error("{1}")]
    Table(Code, String),
    /// An object was found damaged when it was read. For a command that writes it is out of the way now,
    /// so that the same work begun again makes it anew.
    #[error("{0} is damaged; `collegium run` makes it again")]
    Lost(String),
    /// Whoever reads the output has had enough (`| head`): no failure.
    #[error("whatever reads the output has stopped reading")]
    Closed,
    /// What was asked would change the lock, and `--locked` keeps it.
    #[error(
        "the lock would change, and `--locked` keeps it as it is:{}\nrun without `--locked`, and commit the lock",
        .0.iter().map(|one| format!("\n  {}: {}", one.name, one.what)).collect::<String>()
    )]
    Locked(Vec<LockChange>),
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// Reading or writing a file that a person named.
    #[error("{1}")]
    File(Code, String),
    /// The caller asked for something that does not exist.
    #[error("{1}")]
    Usage(Code, String),
    /// A bug.
    #[error("internal error: {0}")]
    Internal(String),
}

impl From<collegium_learn::Interrupted> for EngineError {
    fn from(_: collegium_learn::Interrupted) -> Self {
        Self::Interrupted
    }
}

/// Retries work as long as it meets damaged objects: each time one less.
///
/// # Errors
/// With those of `work`; [`EngineError::Lost`] where the work cannot do without a damaged object, or from a disk
/// that damages what is written to it.
pub fn mended<T>(mut work: impl FnMut() -> Result<T, EngineError>) -> Result<T, EngineError> {
    let mut lost = None;
    for _ in 0..MOST_LOSSES {
        match work() {
            Err(EngineError::Lost(what)) => lost = Some(what),
            // It was missed after the damage was found: the damage is what there is to say.
            Err(other @ EngineError::Usage(..)) => {
                return Err(lost.map_or(other, EngineError::Lost));
            }
            done => return done,
        }
    }
    work()
}

/// Most damaged objects that are replaced before the user is asked to check the disk.
pub(crate) const MOST_LOSSES: usize = 1000;

/// A fit that did not produce a model.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{node} ({part}): {reason}")]
pub struct FitFailure {
    /// `expert.NAME`
    pub node: String,
    /// Which of its fits.
    pub part: String,
    /// What happened, and what to do.
    pub reason: String,
}

impl EngineError {
    /// The exit code of the command line for this error.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Invalid(_) | Self::Unfinished(_) | Self::File(..) => 3,
            Self::Fit(_) => 4,
            Self::Store(error) if error.is_damage_or_write() => 7,
            Self::Table(..) | Self::Lost(_) => 7,
            // Unreadable input files and lock files are a person's, not the store's.
            Self::Store(_) => 3,
            Self::Closed => 0,
            Self::Locked(_) => 5,
            Self::Interrupted => 130,
            Self::Usage(..) => 2,
            Self::Internal(_) => 1,
        }
    }

    /// The cause and way out, for `collegium explain`; of several findings the first.
    pub fn code(&self) -> Code {
        match self {
            Self::Invalid(found) | Self::Unfinished(found) => {
                found.codes().first().copied().unwrap_or(Code::InternalError)
            }
            Self::Fit(_) => Code::FitFailed,
            Self::Store(error) => error.code(),
            Self::Table(code, _) => *code,
            Self::Closed => Code::NotWritable,
            Self::Lost(_) => Code::ObjectDamaged,
            Self::Locked(_) => Code::LockWouldChange,
            Self::Interrupted => Code::Interrupted,
            Self::File(code, _) | Self::Usage(code, _) => *code,
            Self::Internal(_) => Code::InternalError,
        }
    }
}

/// Wraps a data error that has no place in the pipeline file of its own.
pub fn data_error(
    error: DataError,
    source: &std::sync::Arc<collegium_manifest::SourceFile>,
) -> EngineError {
    if error.is_interrupted() {
        return EngineError::Interrupted;
    }
    if error.kind() == DataErrorKind::Closed {
        return EngineError::Closed;
    }
    if error.is_store() {
        return EngineError::Table(error.code(), error.to_string());
    }
    EngineError::Invalid(Diagnostics(vec![error.diagnostic(source)]))
}

/// One change of a lock that `--locked` refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LockChange {
    /// The block: `expert.NAME` or `data.NAME`.
    pub name: String,
    /// What would become of it, and why, in words.
    pub what: String,
}
