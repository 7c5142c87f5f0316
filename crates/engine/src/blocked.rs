//! Blocks of time of one node's rows, as the memo keeps them.

use std::collections::BTreeMap;

use collegium_data::Side;
use collegium_records::BlocksOfTime;

/// Which block each row is of.
#[derive(Debug)]
pub(crate) struct Blocked {
    /// By row of the table; rows on no side have none.
    pub(crate) codes: Vec<Option<u64>>,
    /// What the blocks of a side are.
    pub(crate) sides: BTreeMap<Side, BlocksOfTime>,
}
