//! Default values of all keys.
//!
//! One place for the parser, the schema and `show`. Those of layers, encoders and training are a preset's:
//! [`Preset`](crate::Preset).

use std::collections::BTreeMap;

use crate::{
    Audit, Baseline, Origin, ReadOptions, Reuse, SourceOrigin, Split, SplitRule, Upstream,
    WarmStart,
};

/// `pipeline.format`: the version of the file format that this program reads.
pub const FORMAT: u32 = 1;
/// `pipeline.seed`
pub const SEED: u64 = 0;
/// `data.NAME.missing`
pub const MISSING: [&str; 2] = ["", "NA"];
/// `data.NAME.read.decimal`
pub const DECIMAL: char = '.';
/// `data.NAME.read.encoding`
pub const ENCODING: &str = "utf-8";
/// `data.NAME.origin`
pub const ORIGIN: Origin = Origin::Measured;
/// `data.NAME.split.train` and `test` of a split by a column.
pub const TRAIN_VALUES: [&str; 1] = ["train"];
/// The values that mean validation where `data.NAME.split.valid` is not given.
pub const VALID_VALUES: [&str; 4] = ["valid", "validation", "val", "dev"];
/// `data.NAME.split.test` of a split by a column.
pub const TEST_VALUES: [&str; 1] = ["test"];
/// `data.NAME.images.IMAGE.channels`
pub const CHANNELS: u32 = 1;
/// `data.NAME.images.IMAGE.scale`: what full brightness is in 8 bits.
pub const SCALE: f64 = 255.0;
/// The most numbers of an image, which is 4096 × 4096 in grey.
pub const MOST_PIXELS: u32 = 1 << 24;
/// `expert.NAME.upstream`
pub const UPSTREAM: Upstream = Upstream::OutOfFold;
/// `expert.NAME.folds`
pub const FOLDS: u32 = 5;
/// The most folds: a row's fold is stored in a byte.
pub const MOST_FOLDS: u32 = 100;
/// `evaluate.baselines`
pub const BASELINES: [Baseline; 2] = [Baseline::Majority, Baseline::Linear];
/// The least `pipeline.sql_steps`.
pub const LEAST_STEPS: u64 = 1000;
/// The least `pipeline.memory_limit`: 1 MiB.
pub const LEAST_MEMORY: u64 = 1 << 20;
/// How many digits `expert.NAME.pin` may have: the most are a whole digest.
pub const PIN_DIGITS: std::ops::RangeInclusive<usize> = 6..=64;
/// The most refits of one kind that an audit makes of an expert.
pub const MOST_REFITS: u32 = 100;
/// The most rotations of sides.
pub const MOST_ROTATIONS: u32 = 50;
/// The most bins of a piecewise-linear encoding.
pub const MOST_BINS: u32 = 256;
/// `train.warm_up` of the one-cycle schedule.
pub const WARM_UP: f64 = 0.2;
/// `expert.NAME.tune.trials`
pub const TRIALS: u32 = 30;
/// The most trials of a search.
pub const MOST_TRIALS: u32 = 1000;
/// The widest hidden layer.
pub const WIDEST_LAYER: u32 = 65_536;
/// The most hidden layers.
pub const MOST_LAYERS: usize = 64;

impl Default for Split {
    fn default() -> Self {
        Self {
            rule: SplitRule::Shares,
            train: 0.7,
            valid: 0.15,
            test: 0.15,
            by: Vec::new(),
            stratify: None,
            seed: 0,
            rotation: None,
        }
    }
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            delimiter: None,
            decimal: DECIMAL,
            thousands: None,
            date_format: None,
            encoding: ENCODING.to_owned(),
        }
    }
}

impl Default for SourceOrigin {
    fn default() -> Self {
        Self::Whole(ORIGIN)
    }
}

/// `gate.NAME.hidden` and `mixture.NAME.gate.hidden`
pub const GATE_HIDDEN: [u32; 1] = [16];
/// `gate.NAME.ridge`
pub const RIDGE: f64 = 1e-3;
/// `balance_weight`
pub const BALANCE_WEIGHT: f64 = 0.01;
/// `mixture.NAME.experts`
pub const EXPERTS: u32 = 4;
/// The most experts of a mixture.
pub const MOST_EXPERTS: u32 = 4096;
/// The most restarts of a mixture.
pub const MOST_RESTARTS: u32 = 100;

/// The most members of an average.
pub const MOST_MEMBERS: u32 = 100;
/// Members in place of a blend, where a split by time allows none.
pub const TIME_MEMBERS: u32 = 8;

impl Default for Audit {
    fn default() -> Self {
        Self {
            rows: 2000,
            bootstrap: 100,
            seeds: 0,
            permuted: 0,
            margin: BTreeMap::new(),
            slices: Vec::new(),
        }
    }
}

impl Default for Reuse {
    fn default() -> Self {
        Self { tolerance: 0.02, confidence: 0.95 }
    }
}

impl Default for WarmStart {
    fn default() -> Self {
        Self { cold_every: 10 }
    }
}
