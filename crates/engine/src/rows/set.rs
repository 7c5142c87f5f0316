//! Names of row sets, and the session cache of them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

pub use collegium_data::Side;
use collegium_digest::Digest;
use collegium_plan::View;

use crate::{membership::Memberships, mutex::lock_mutex};

/// A set of rows of the data source of the expert at a position.
#[expect(missing_docs, reason = "the fields of each variant are named in its sentence")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rows {
    /// Those that the expert's `where` admits and whose target is known, on one side of the split.
    Side { expert: usize, side: Side },
    /// Those of one side of the split, less those that the models of the expert, or of one above it,
    /// have seen: what a figure on that side is measured on.
    HeldOut { expert: usize, side: Side },
    /// The expert's training rows: the training side, for a held-out consumer only what was held
    /// out.
    Train { expert: usize },
    /// The training rows without one fold of a view.
    Without { expert: usize, view: View, fold: u32 },
    /// The training rows of one fold of a view: those that its model predicts.
    Fold { expert: usize, view: View, fold: u32 },
    /// Of a fold in time: the end of its own window, which decides when it has learned enough.
    Stop { expert: usize, view: View, fold: u32 },
}

/// Where the blocks of a forward split begin in time.
type Starts = Arc<Vec<f64>>;

/// Row sets and masks that were computed in this session.
#[derive(Debug, Default)]
pub(crate) struct RowCache {
    pub(super) rows: Mutex<HashMap<Rows, Arc<Vec<u32>>>>,
    pub(super) masks: Mutex<HashMap<usize, Arc<Vec<bool>>>>,
    pub(super) labels: Mutex<HashMap<usize, Arc<Vec<u32>>>>,
    /// The keys of training rows, by expert: those of a chain fed forward in time name each other.
    pub(super) train_keys: Mutex<HashMap<usize, Digest>>,
    /// What models have seen beside an expert's present rows, by expert.
    pub(super) foreign: Mutex<HashMap<usize, Arc<Memberships>>>,
    /// When the blocks of an expert's folds in time begin.
    pub(crate) starts: Mutex<HashMap<(usize, u32), Starts>>,
}

impl RowCache {
    /// Forgets what was derived before it was known which models are held.
    pub(crate) fn forget_keys(&self) {
        lock_mutex(&self.train_keys).clear();
    }
}

/// The label of a row whose target is missing.
pub const NO_LABEL: u32 = u32::MAX;

/// Evenly spaced ones of `rows`: `most` of them, or all.
pub(crate) fn evenly(rows: &[u32], most: usize) -> Vec<u32> {
    let kept = rows.len().min(most);
    (0..kept).map(|i| rows[i * rows.len() / kept.max(1)]).collect()
}

/// The name of a side in records.
pub fn side_name(side: Side) -> &'static str {
    match side {
        Side::Train => "train",
        Side::Valid => "valid",
        Side::Test => "test",
        Side::None => "none",
    }
}

/// The three sides, in the order in which people read them.
pub const SIDES: [Side; 3] = [Side::Train, Side::Valid, Side::Test];
