//! `[data.NAME]` as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::origin::OriginChoice;
use crate::{
    At, ColumnType, Origin, Split, Table,
    defaults::{MISSING, ORIGIN},
};

/// A data source: a table of rows and typed columns, made from files and, if asked, a query.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
#[schemars(rename = "DataSource")]
pub(crate) struct RawData {
    /// A CSV, Parquet or Arrow IPC file, or a glob of many; relative to this file. The table is
    /// named like the data source. Either this or `tables`.
    pub(crate) path: Option<At<String>>,
    /// Several files or globs, by table name; more than one needs `query`.
    pub(crate) tables: Option<At<Table<At<String>>>>,
    /// SQL (SQLite's) over the tables. Default: the one table as it is.
    pub(crate) query: Option<At<String>>,
    /// Added columns: name to SQL expression over the query's columns. Default: none.
    pub(crate) derive: Option<Table<At<String>>>,
    /// Column types that are not to be guessed: column name to type. Default: all are found from
    /// the content.
    pub(crate) types: Option<Table<At<ColumnType>>>,
    /// Texts that mean "missing" in text files. Default: `["", "NA"]`.
    #[schemars(extend("default" = MISSING))]
    pub(crate) missing: Option<Vec<String>>,
    /// How rows are divided into training, validation and test. Default: 0.7, 0.15, 0.15.
    pub(crate) split: Option<At<RawSplit>>,
    /// Where the rows come from: `"measured"`, `"synthetic"` (a model made them), or a table of
    /// `column` and `synthetic`, by which each row says it. A statement about the data that
    /// retrains nothing. Default: `"measured"`.
    #[schemars(extend("default" = ORIGIN))]
    pub(crate) origin: Option<At<OriginChoice>>,
    /// The same for single ones of several tables: table name to `"measured"` or `"synthetic"`.
    /// Default: what `origin` says.
    #[schemars(extend("default" = {}))]
    pub(crate) origins: Option<Table<At<Origin>>>,
}

/// Shares of rows for training, validation and test; they sum to 1.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
#[schemars(rename = "Split")]
pub(crate) struct RawSplit {
    /// Share of training rows, above 0. Default: 0.7.
    #[schemars(range(min = 0.0, max = 1.0), extend("default" = Split::default().train))]
    pub(crate) train: Option<At<f64>>,
    /// Share of validation rows, on which training decides when to stop. Default: 0.15.
    #[schemars(range(min = 0.0, max = 1.0), extend("default" = Split::default().valid))]
    pub(crate) valid: Option<At<f64>>,
    /// Share of test rows. Default: 0.15.
    #[schemars(range(min = 0.0, max = 1.0), extend("default" = Split::default().test))]
    pub(crate) test: Option<At<f64>>,
    /// Rows that agree on these columns fall on the same side. Default: none, the whole row's
    /// content decides.
    #[schemars(extend("default" = []))]
    pub(crate) by: Option<Vec<At<String>>>,
    /// Keep the shares within each value of this column. Default: none.
    pub(crate) stratify: Option<At<String>>,
}
