//! Errors of a storage backend: why it did not do what it was asked. That an entry is not there is none.

use std::{
    io::{self, ErrorKind},
    path::PathBuf,
};

/// An error of a backend, sorted by what a caller can do: a damaged entry is a miss, an unreachable backend may be
/// there later, a refusal needs a person.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// Something is there that can be no entry: a folder in the place of a file.
    #[error("{} is damaged", place.display())]
    Damaged {
        /// Where it lies.
        place: PathBuf,
    },
    /// Nobody knows whether the entry is there: a time-out, no connection, a transfer that was cut.
    #[error("{} cannot be reached: {source}", place.display())]
    Unreachable {
        /// What was asked for.
        place: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The backend has answered, and does not do it: no permission, no space, a link on the way.
    #[error("{}: {source}", place.display())]
    Refused {
        /// What was asked for.
        place: PathBuf,
        /// The reason.
        source: io::Error,
    },
}

impl BackendError {
    /// Sorts an error of the system, or of a client that uses its kinds: what time mends is `Unreachable`.
    pub fn of(place: PathBuf, source: io::Error) -> Self {
        match source.kind() {
            ErrorKind::IsADirectory => Self::Damaged { place },
            ErrorKind::TimedOut
            | ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::NotConnected
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof => Self::Unreachable { place, source },
            _ => Self::Refused { place, source },
        }
    }
}
