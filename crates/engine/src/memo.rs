//! What was found out once in a session and is asked for again.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, OnceLock, Weak},
};

use collegium_digest::Digest;
use collegium_table::Matrix;

use crate::{alike::Alike, provenance::known::Known, rows::set::RowCache};

/// Every entry is made by whoever asks first; a session begins with none.
#[derive(Default)]
pub(crate) struct Memo {
    /// Row sets.
    pub(crate) rows: RowCache,
    /// Output objects that somebody reads now.
    pub(crate) matrices: Mutex<HashMap<Digest, Weak<Matrix>>>,
    /// Which experts are alike.
    pub(crate) alike: OnceLock<Alike>,
    /// Of the store's cache, what was asked for.
    pub(crate) remembered: Mutex<HashMap<String, Arc<[u8]>>>,
    /// Where labels come from.
    pub(crate) origins: Known,
    /// The columns that are loaded, by data source.
    pub(crate) wanted: Mutex<HashMap<String, BTreeSet<String>>>,
}
