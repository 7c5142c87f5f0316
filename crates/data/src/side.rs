//! Sides of the split (train, valid, test, none), and their stored form.

use serde::{Deserialize, Serialize};

/// The part of a table that a row belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// Rows that experts are fitted on.
    Train,
    /// Rows for early stopping and certificates.
    Valid,
    /// Rows that nothing but measurement sees.
    Test,
    /// On no side: neither trained on, nor validated nor tested. Rows in the gap before a date, without
    /// a time, or of a value that the file sets aside.
    None,
}

impl Side {
    /// The three that something is done with, in their usual order.
    pub const ALL: [Self; 3] = [Self::Train, Self::Valid, Self::Test];

    /// `train`, `valid`, `test` or `none`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Valid => "valid",
            Self::Test => "test",
            Self::None => "none",
        }
    }
}

/// The first bytes of stored sides; the digit is the version of the form.
const MAGIC: &[u8; 8] = b"cg-side1";

/// The object form: an eight-byte mark, then one byte per row.
pub fn sides_to_bytes(sides: &[Side]) -> Vec<u8> {
    MAGIC.iter().copied().chain(sides.iter().map(|&side| side as u8)).collect()
}

/// `None` if these are not the bytes of stored sides.
pub fn sides_from_bytes(bytes: &[u8]) -> Option<Vec<Side>> {
    let rows = bytes.strip_prefix(MAGIC)?;
    rows.iter()
        .map(|&side| match side {
            0 => Some(Side::Train),
            1 => Some(Side::Valid),
            2 => Some(Side::Test),
            3 => Some(Side::None),
            _ => None,
        })
        .collect()
}
