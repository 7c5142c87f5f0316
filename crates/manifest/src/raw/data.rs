//! Raw `[data.NAME]`, as written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    choices::ColumnsChoice, memory::Memory, origin::OriginChoice, read::RawRead, split::RawSplit,
};
use crate::{
    At, ColumnType, Origin, TomlTable,
    defaults::{CHANNELS, MISSING, MOST_PIXELS, ORIGIN, SCALE},
};

/// A data source: a table of rows and typed columns, made from files and, if asked, a query.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
#[schemars(rename = "DataSource")]
pub(crate) struct RawData {
    /// A CSV (also `.csv.gz` and `.csv.zst`), Parquet or Arrow IPC file, or a glob of many; relative to this
    /// file. Hidden files match where the glob writes their dot. The table is
    /// named like the data source. One of this, `tables` and `idx`.
    pub(crate) path: Option<At<String>>,
    /// Several files or globs, by table name; more than one needs `query`.
    pub(crate) tables: Option<At<TomlTable<At<String>>>>,
    /// IDX files, plain or gzipped, as MNIST comes in: column name to file or glob, such as
    /// `{ image = "train-images-idx3-ubyte.gz", label = "train-labels-idx1-ubyte.gz" }`. Each is one
    /// column, and they stand side by side: row i holds the i-th image and the i-th label. Bytes of
    /// three dimensions are images, of four with 1 or 3 at the end images of so many channels; any
    /// numbers of one dimension are a column of numbers. Globs match their files in pairs, by name.
    pub(crate) idx: Option<At<TomlTable<At<String>>>>,
    /// How text files are written: delimiter, decimal comma, dates, encoding. Rows that `predict` reads from
    /// a text file are read so, too. Default: UTF-8, delimiter by the file's name, decimal points, ISO dates.
    #[schemars(extend("default" = {}))]
    pub(crate) read: Option<At<RawRead>>,
    /// The same for single ones of several tables, instead of `read`: table name to such a table. Default:
    /// what `read` says.
    #[schemars(extend("default" = {}))]
    pub(crate) reads: Option<TomlTable<At<RawRead>>>,
    /// How much one file may hold once it is unpacked, such as `"20 GiB"`, or a number of bytes; rows that
    /// `predict` reads from a file, too. A few bytes can be made to unpack to more than any memory holds: raise it
    /// for files of your own that shrink more than tables mostly do, lower it for those of others. At least 1 MiB.
    /// Default: 200 times the file's size, at least 256 MiB.
    pub(crate) unpacked_limit: Option<At<Memory>>,
    /// SQL (SQLite's) over the tables. Default: the one table as it is.
    pub(crate) query: Option<At<String>>,
    /// Images that are made of numeric columns, by name: which columns, and the shape. The columns
    /// leave the table, before `derive`. Default: none.
    #[schemars(extend("default" = {}))]
    pub(crate) images: Option<At<TomlTable<At<RawImage>>>>,
    /// Added columns: name to SQL expression over the query's columns. Default: none.
    pub(crate) derive: Option<TomlTable<At<String>>>,
    /// Column types that are not to be guessed: column name to type. Default: all are found from
    /// the content.
    pub(crate) types: Option<TomlTable<At<ColumnType>>>,
    /// Texts that mean "missing" in text files. Default: `["", "NA"]`.
    #[schemars(extend("default" = MISSING))]
    pub(crate) missing: Option<Vec<String>>,
    /// How rows are divided into training, validation and test: by shares, by a column, by files or
    /// by time. Default: shares of 0.7, 0.15 and 0.15.
    pub(crate) split: Option<At<RawSplit>>,
    /// Where the rows come from: `"measured"`, `"synthetic"` (a model made them), or a table of
    /// `column` and `synthetic`, by which each row says it. A statement about the data that
    /// retrains nothing. Default: `"measured"`.
    #[schemars(extend("default" = ORIGIN))]
    pub(crate) origin: Option<At<OriginChoice>>,
    /// The same for single ones of several tables: table name to `"measured"` or `"synthetic"`.
    /// Default: what `origin` says.
    #[schemars(extend("default" = {}))]
    pub(crate) origins: Option<TomlTable<At<Origin>>>,
}

/// An image of which each pixel is a column.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
#[schemars(rename = "Image")]
pub(crate) struct RawImage {
    /// The columns of its pixels, row by row from the top, the channels of a pixel together: a list
    /// of names in that order, or a glob (`"p*"`) that matches them in the order of the table.
    pub(crate) columns: Option<At<ColumnsChoice>>,
    /// Rows of pixels, at least 1.
    #[schemars(range(min = 1, max = MOST_PIXELS))]
    pub(crate) height: Option<At<u32>>,
    /// Pixels of a row, at least 1.
    #[schemars(range(min = 1, max = MOST_PIXELS))]
    pub(crate) width: Option<At<u32>>,
    /// Numbers of a pixel: 1 for grey, 3 for colours. Default: 1.
    #[schemars(extend("enum" = [1, 3], "default" = CHANNELS))]
    pub(crate) channels: Option<At<u32>>,
    /// The number in the columns that means full brightness, above 0; they hold 0 to this, and are
    /// kept as the nearest of 256 steps. Default: 255.
    #[schemars(extend("exclusiveMinimum" = 0.0, "default" = SCALE))]
    pub(crate) scale: Option<At<f64>>,
}
