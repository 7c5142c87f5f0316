//! Store errors, and the way out of each.

use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use collegium_records::Code;

use crate::BackendError;

/// Why the store could not do what it was asked. A damaged file is never among these: it is moved
/// to quarantine and counts as absent.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or folder of the store, or a lock file, could not be written.
    #[error("cannot write {}: {source}. {}", path.display(), way_out(source))]
    Write {
        /// What was to be written.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A result could not be written to the place that a person named.
    #[error("cannot write {}: {message}", path.display())]
    Output {
        /// The place, as it was typed.
        path: PathBuf,
        /// Why, and the way out.
        message: String,
    },
    /// Whoever reads a pipe that a person named has had enough of it.
    #[error("whatever reads {} has stopped reading", path.display())]
    Closed {
        /// The pipe, as it was typed.
        path: PathBuf,
    },
    /// A file or folder of the store, or a lock file, is there but could not be read.
    #[error("cannot read {}: {source}. {}", path.display(), way_out(source))]
    Read {
        /// What was to be read.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// What is behind the store did not answer, so nobody knows what it holds.
    #[error(
        "cannot reach {}: {source}. Whether it is there is not known; run again when it can be reached: \
         what was finished is kept", path.display()
    )]
    Unreachable {
        /// What was asked for.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The store was laid out by a later version of Collegium.
    #[error(
        "the store {} has layout version {found}, but this collegium knows only up to {known}. \
         Update collegium, or move that folder away to begin with an empty store", path.display()
    )]
    Newer {
        /// The store's folder.
        path: PathBuf,
        /// Its version.
        found: u64,
        /// The latest version that this program knows.
        known: u64,
    },
    /// The store belongs to another user.
    #[error(
        "the store {} belongs to another user (number {owner}), and is not written to. Work as that \
         user, or, if you trust whoever can write there, `collegium trust --store {}`",
        path.display(), path.display()
    )]
    Owner {
        /// The store's folder.
        path: PathBuf,
        /// Its owner's number.
        owner: u32,
    },
    /// `.collegium` is a link to what is no store.
    #[error(
        "{} is a link to {}, and there is no store there: nothing is read or written through it. Remove \
         the link; to share a store, make the link to one that exists", path.display(), to.display()
    )]
    Link {
        /// The link.
        path: PathBuf,
        /// Where it leads.
        to: PathBuf,
    },
    /// Another project that uses this store is not there.
    #[error(
        "the project {} uses this store through a link, and is not there, so what it stands on is not \
         known: nothing was freed. Bring it back, or, if it is gone for good, remove {}",
        path.display(), file.display()
    )]
    Away {
        /// The project's folder.
        path: PathBuf,
        /// The file of the store that names it.
        file: PathBuf,
    },
    /// A file outside the store (an input) could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Input {
        /// The input file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// An input file changed each time it was hashed.
    #[error(
        "{} changes while it is read; wait until whatever writes it has finished and run again",
        path.display()
    )]
    Unsettled {
        /// The input file.
        path: PathBuf,
    },
    /// A pipeline's lock file cannot be understood.
    #[error("{}{}: {message}", path.display(), line.map(|n| format!(":{n}")).unwrap_or_default())]
    LockFile {
        /// The lock file.
        path: PathBuf,
        /// The offending line, from 1, where one can be named.
        line: Option<usize>,
        /// What is wrong and what to do about it.
        message: String,
    },
    /// A record cannot be written as JSON so that it can be read again: a defect of the caller.
    #[error("a record of {what} cannot be stored: {message}")]
    Record {
        /// Which record.
        what: String,
        /// The encoder's words.
        message: String,
    },
}

impl StoreError {
    /// The cause and way out, for `collegium explain`.
    pub fn code(&self) -> Code {
        match self {
            Self::Write { .. } | Self::Output { .. } | Self::Closed { .. } => Code::NotWritable,
            Self::Read { .. } => Code::StoreUnreadable,
            Self::Newer { .. } => Code::NewerFormat,
            Self::Owner { .. } => Code::StoreOfAnotherOwner,
            Self::Link { .. } | Self::Away { .. } => Code::StoreAway,
            Self::Unreachable { .. } => Code::StoreUnreachable,
            Self::Input { .. } => Code::FileUnreadable,
            Self::Unsettled { .. } => Code::FileChanged,
            Self::LockFile { .. } => Code::LockUnreadable,
            Self::Record { .. } => Code::InternalError,
        }
    }

    /// Is the store (or a lock file) damaged beyond repair, unreadable, not writable, out of reach, or of a
    /// newer version? The command line's exit code 7; the other kinds are the user's input.
    pub fn is_damage_or_write(&self) -> bool {
        matches!(
            self,
            Self::Write { .. }
                | Self::Output { .. }
                | Self::Read { .. }
                | Self::Unreachable { .. }
                | Self::Newer { .. }
                | Self::Owner { .. }
                | Self::Link { .. }
                | Self::Away { .. }
        )
    }

    /// The file or folder it is about.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Write { path, .. }
            | Self::Output { path, .. }
            | Self::Closed { path }
            | Self::Read { path, .. }
            | Self::Unreachable { path, .. }
            | Self::Newer { path, .. }
            | Self::Owner { path, .. }
            | Self::Link { path, .. }
            | Self::Away { path, .. }
            | Self::Input { path, .. }
            | Self::Unsettled { path }
            | Self::LockFile { path, .. } => Some(path),
            Self::Record { .. } => None,
        }
    }

    pub(crate) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Write { path, source }
    }

    /// An error of a backend that was read.
    pub(crate) fn reading(error: BackendError) -> Self {
        match error {
            BackendError::Unreachable { place: path, source } => Self::Unreachable { path, source },
            BackendError::Refused { place: path, source } => Self::Read { path, source },
            BackendError::Damaged { place: path } => {
                Self::Read { path, source: ErrorKind::IsADirectory.into() }
            }
        }
    }

    /// An error of a backend that was written to.
    pub(crate) fn writing(error: BackendError) -> Self {
        match Self::reading(error) {
            Self::Read { path, source } => Self::Write { path, source },
            other => other,
        }
    }

    pub(crate) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Read { path, source }
    }
}

/// What a person can do about a failed read or write.
fn way_out(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            "Free some space and run again: what was finished is kept"
        }
        ErrorKind::PermissionDenied => {
            "Give yourself permission on that folder (was it made by another user?) and run again"
        }
        ErrorKind::ReadOnlyFilesystem => {
            "The file system is read-only: copy the project to a place that can be written"
        }
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "A file lies where a folder should be: move it away and run again"
        }
        ErrorKind::IsADirectory => {
            "A folder lies where a file should be: move it away and run again"
        }
        _ => "See to the cause and run again: what was finished is kept",
    }
}
