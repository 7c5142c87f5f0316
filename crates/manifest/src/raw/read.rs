//! Raw `data.NAME.read`, as written.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    At,
    defaults::{DECIMAL, ENCODING},
};

/// How text files are written. Parquet, Arrow and IDX files say it themselves.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
#[schemars(rename = "Read")]
pub(crate) struct RawRead {
    /// What stands between two fields: one ASCII character, such as `";"`, `"|"` or `"\t"`. Default: by
    /// the file's name, `,` for .csv and a tab for .tsv.
    #[schemars(length(min = 1, max = 1))]
    pub(crate) delimiter: Option<At<String>>,
    /// What stands before the decimals of a number: `"."` or `","`. Default: `"."`.
    #[schemars(extend("enum" = [".", ","], "default" = DECIMAL))]
    pub(crate) decimal: Option<At<String>>,
    /// What may stand between groups of three digits: one of `,` `.` `'` `’` `_` and blanks. Default:
    /// nothing.
    #[schemars(length(min = 1, max = 1))]
    pub(crate) thousands: Option<At<String>>,
    /// How dates and times are written, as `strftime` says it: `"%d/%m/%Y"`, `"%m/%d/%y %H:%M"`. ISO dates
    /// are still read, unless they could be meant by it. Default: ISO dates and times alone.
    pub(crate) date_format: Option<At<String>>,
    /// How the text is encoded: `"utf-8"`, `"utf-16"` (a byte order mark decides, if there is one),
    /// `"latin1"` (Windows-1252), or another name of the WHATWG Encoding Standard. Default: `"utf-8"`.
    #[schemars(extend("default" = ENCODING))]
    pub(crate) encoding: Option<At<String>>,
}
