//! `encode`: how inputs become the numbers that a network sees.

use collegium_table::Scaling;
use serde::{Deserialize, Serialize};

/// How the inputs of an expert are encoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Encode {
    /// What each numeric column becomes: all of these, side by side. At least one.
    pub numbers: Vec<NumberEncoding>,
    /// Bins of a piecewise-linear encoding, at most.
    pub bins: u32,
    /// Where its bins end.
    pub edges: Edges,
}

impl Encode {
    /// How a number is scaled. Where it is given through other encodings alone, these read it robustly scaled: beside a value
    /// of 10⁹ that is standardised all others are one number.
    pub fn scale(&self) -> NumberEncoding {
        match self.numbers.contains(&NumberEncoding::Standard) {
            true => NumberEncoding::Standard,
            false => NumberEncoding::Robust,
        }
    }

    /// The same for an encoder.
    pub fn scaling(&self) -> Scaling {
        match self.scale() {
            NumberEncoding::Robust => Scaling::Robust,
            _ => Scaling::Standard,
        }
    }

    /// Does a network get more of a number than the number itself?
    pub fn bends(&self) -> bool {
        self.numbers
            .iter()
            .any(|number| matches!(number, NumberEncoding::Quantile | NumberEncoding::Ple))
    }
}

/// What a numeric column becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NumberEncoding {
    /// Less the mean, by the deviation, clipped to ±8.
    Standard,
    /// Less the median, by the interquartile range, smoothly clipped to ±3: x / √(1 + (x/3)²). It bears outliers and
    /// heavy tails.
    Robust,
    /// The normal score of its rank among the training rows.
    Quantile,
    /// A piecewise-linear encoding (PLE): for each bin the share of it that lies below the value.
    Ple,
}

impl NumberEncoding {
    /// The name in the file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Robust => "robust",
            Self::Quantile => "quantile",
            Self::Ple => "ple",
        }
    }
}

/// Where the bins of a piecewise-linear encoding end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Edges {
    /// At evenly spaced quantiles of the training rows.
    Quantiles,
    /// Where a regression tree on this column alone splits the training rows by their target.
    Tree,
}

impl Edges {
    /// The name in the file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Quantiles => "quantiles",
            Self::Tree => "tree",
        }
    }
}
