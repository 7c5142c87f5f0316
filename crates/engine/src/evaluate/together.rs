//! Groups of new rows (for the cluster bootstrap): rows that agree on the columns of `split.by`; with a split by
//! time alone, blocks of time.

use collegium_data::{Conform, RowReader, row_groups, row_times};
use collegium_manifest::DataSource;
use collegium_table::Table;

/// Identifies the groups of new rows.
pub(super) struct Together {
    by: Vec<String>,
    /// Are they blocks of time?
    blocks: bool,
    /// Brings the columns into the table's types, derived ones among them.
    conform: Option<Conform>,
    /// Not of all rows so far.
    unknown: bool,
}

impl Together {
    /// `None` where the split names neither groups nor a time.
    pub(super) fn new(
        source: &DataSource,
        facts: &collegium_data::TableFacts,
        header: &[String],
    ) -> Option<Self> {
        let mut by: Vec<String> =
            source.split.by.iter().map(|name| name.get_ref().clone()).collect();
        let blocks = by.is_empty();
        if blocks {
            by.push(source.split.time()?.column.get_ref().clone());
        }
        let conform = Conform::of_source(source, facts, &by, header).ok();
        Some(Self { by, blocks, conform, unknown: false })
    }

    /// The group of each row of a chunk, whose first row is number `first`; of blocks of time the bits of each
    /// row's time, since the blocks depend on what is measured.
    pub(super) fn groups(
        &mut self,
        source: &DataSource,
        chunk: &Table,
        rows: &RowReader,
        first: u64,
    ) -> Option<Vec<u64>> {
        let read = self.conform.as_ref().and_then(|to| to.apply(chunk, rows.places()).ok());
        let found = match (self.blocks, source.split.time()) {
            (true, Some(time)) => read
                .and_then(|table| row_times(&table, &time.column))
                .map(|times| times.into_iter().map(f64::to_bits).collect()),
            _ => {
                // What nothing else reads stops nothing: such rows are known by what the cells say.
                let who = read.as_ref().unwrap_or(chunk);
                row_groups(who, &self.by, source.read_of_rows(), first)
            }
        };
        self.unknown |= found.is_none();
        found
    }

    /// A note on the groups, for the report.
    pub(super) fn note(&self) -> String {
        let by = self.by.join("`, `");
        let key = if self.blocks { "split.time" } else { "split.by" };
        match (self.unknown, self.blocks) {
            (true, _) => format!(
                "which rows belong together (`{key}`: `{by}`) is not known of this file, so intervals \
                 and tests of its rows take them for independent and are surer than they should be"
            ),
            (false, true) => format!(
                "rows that follow each other in `{by}` belong together: intervals draw whole blocks of time; \
                 tests of inputs that moved take rows for independent, so they are surer than they should be"
            ),
            (false, false) => format!(
                "rows of one `{by}` belong together: intervals draw whole groups; tests of inputs that \
                 moved take rows for independent, so they are surer than they should be"
            ),
        }
    }
}
