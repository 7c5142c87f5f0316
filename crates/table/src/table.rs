//! A table: typed columns of equal length, in memory.

use std::sync::Arc;

use crate::Column;

/// Columns of equal length, in the order of their source.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// The columns; no two have one name.
    pub columns: Vec<Arc<Column>>,
    /// Rows of every column.
    pub rows: usize,
}

impl Table {
    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&Arc<Column>> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The names of the columns, in their order.
    pub fn names(&self) -> Vec<&str> {
        self.columns.iter().map(|column| column.name.as_str()).collect()
    }

    /// Bytes of the values, level texts included.
    pub fn bytes(&self) -> u64 {
        self.columns.iter().map(|column| column.bytes()).sum()
    }
}
