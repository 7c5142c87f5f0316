//! Groups of new rows (for the cluster bootstrap): rows that agree on the columns of `split.by`.

use collegium_data::{Conform, RowReader, row_groups};
use collegium_manifest::DataSource;
use collegium_table::Table;

/// Identifies the groups of new rows.
pub(super) struct Together {
    by: Vec<String>,
    /// Brings the columns into the table's types, derived ones among them.
    conform: Option<Conform>,
    /// Not of all rows so far.
    unknown: bool,
}

impl Together {
    /// `None` where the split names no groups.
    pub(super) fn new(
        source: &DataSource,
        facts: &collegium_data::TableFacts,
        header: &[String],
    ) -> Option<Self> {
        let by: Vec<String> = source.split.by.iter().map(|name| name.get_ref().clone()).collect();
        if by.is_empty() {
            return None;
        }
        let conform = Conform::of_source(source, facts, &by, header).ok();
        Some(Self { by, conform, unknown: false })
    }

    /// The group of each row of a chunk, whose first row is number `first`.
    pub(super) fn groups(
        &mut self,
        source: &DataSource,
        chunk: &Table,
        rows: &RowReader,
        first: u64,
    ) -> Option<Vec<u64>> {
        let read = self.conform.as_ref().and_then(|to| to.apply(chunk, rows.places()).ok());
        // What nothing else reads stops nothing: such rows are known by what the cells say.
        let who = read.as_ref().unwrap_or(chunk);
        let found = row_groups(who, &self.by, source.read_of_rows(), first);
        self.unknown |= found.is_none();
        found
    }

    /// A note on the groups, for the report.
    pub(super) fn note(&self) -> String {
        let by = self.by.join("`, `");
        match self.unknown {
            true => format!(
                "which rows belong together (`split.by`: `{by}`) is not known of this file, so intervals \
                 and tests of its rows take them for independent and are surer than they should be"
            ),
            false => format!(
                "rows of one `{by}` belong together: intervals draw whole groups; tests of inputs that \
                 moved take rows for independent, so they are surer than they should be"
            ),
        }
    }
}
