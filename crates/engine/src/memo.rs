//! Session cache: values that are computed once while a pipeline is open.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, OnceLock, Weak},
};

use collegium_digest::Digest;
use collegium_probe::ClassDecision;
use collegium_table::Matrix;

use crate::{alike::Alike, blocked::Blocked, provenance::known::Known, rows::set::RowCache};

/// An entry is computed at its first use; a session begins with an empty cache.
#[derive(Default)]
pub(crate) struct Memo {
    /// Row sets.
    pub(crate) rows: RowCache,
    /// Output objects that somebody reads now.
    pub(crate) matrices: Mutex<HashMap<Digest, Weak<Matrix>>>,
    /// Blocks of time, by node and by what it hands over.
    pub(crate) blocks: Mutex<HashMap<(usize, Digest), Arc<Blocked>>>,
    /// Chosen thresholds, by node and by the model or outputs that they are of.
    pub(crate) decisions: Mutex<HashMap<(usize, Digest), ClassDecision>>,
    /// Which experts are alike.
    pub(crate) alike: OnceLock<Alike>,
    /// Of the store's cache, what was asked for.
    pub(crate) remembered: Mutex<HashMap<String, Arc<[u8]>>>,
    /// Where labels come from.
    pub(crate) origins: Known,
    /// The columns that are loaded, by data source.
    pub(crate) wanted: Mutex<HashMap<String, BTreeSet<String>>>,
}
