//! Raw `tune`: a search for an expert's settings.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    At, Space,
    defaults::{MOST_TRIALS, TRIALS},
};

/// A search for an expert's settings. What the file sets stays; the chosen values of the others stand in the lock.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
#[schemars(rename = "Tune")]
pub(crate) struct RawTune {
    /// Settings to try, from 2 to 1,000, the untuned ones among them. Default: 30.
    #[schemars(range(min = 2, max = MOST_TRIALS), extend("default" = TRIALS))]
    pub(crate) trials: Option<At<u32>>,
    /// The most CPU seconds of the search on a machine of reference, above 0. They become a number of trials by a
    /// count of multiply-adds, and so are the same on every machine. Default: any.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub(crate) seconds: Option<At<f64>>,
    /// What is searched: `"default"`, or `"same-cost"`, in which layers and epochs stay as they are. Default: `"default"`.
    #[schemars(extend("default" = Space::Default))]
    pub(crate) space: Option<At<Space>>,
    /// The seed of its draws. Default: 0.
    #[schemars(extend("default" = 0))]
    pub(crate) seed: Option<At<u64>>,
}
