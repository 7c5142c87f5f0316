//! Data checks before training: codes read as quantities, outliers, inputs that leak the target.
//!
//! Three things are easily overlooked in a table and dear to find out afterwards: whole numbers that
//! are names and not quantities ([`codes`]), a few values that lie so far out that all others look
//! alike beside them ([`far`]), and an input from which the target can be read off ([`determined`]).
//! All three are suspicions: they are decided by strict tests on training rows, so that tables without
//! such things are hardly ever suspected.

mod codes;
mod determined;
mod far;

pub use codes::{Codes, codes};
pub use determined::{Determined, determined_by_levels, determined_by_order};
pub use far::{Far, far};

/// The truth of some rows.
#[derive(Debug, Clone, Copy)]
pub enum Truth<'a> {
    /// A number for each row.
    Values(&'a [f64]),
    /// A class, below `classes`, for each row.
    Classes {
        /// One for each row.
        labels: &'a [u32],
        /// How many there are.
        classes: usize,
    },
}

impl Truth<'_> {
    /// Rows.
    pub fn rows(&self) -> usize {
        match self {
            Self::Values(values) => values.len(),
            Self::Classes { labels, .. } => labels.len(),
        }
    }

    /// The truth of a row as something that can be compared.
    fn key(&self, row: usize) -> u64 {
        match self {
            Self::Values(values) => (values[row] + 0.0).to_bits(),
            Self::Classes { labels, .. } => u64::from(labels[row]),
        }
    }
}
