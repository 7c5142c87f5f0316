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
    /// Numbers are standardised, and that is all: what gates and mixtures read.
    pub fn plain() -> Self {
        Self { numbers: vec![NumberEncoding::Standard], ..Self::default() }
    }

    /// Is that so?
    pub fn is_plain(&self) -> bool {
        self.numbers == [NumberEncoding::Standard]
    }

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

    /// What the encodings of so many numbers add to a network's first layer, at most.
    pub fn adds(&self, numbers: usize) -> Added {
        let each = |number: &NumberEncoding| match number {
            NumberEncoding::Standard | NumberEncoding::Robust => (0, 0),
            NumberEncoding::Quantile => (1, 1),
            NumberEncoding::Ple => (self.bins as usize, 2),
        };
        let (columns, terms) =
            self.numbers.iter().map(each).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        Added { columns: numbers * columns, terms: numbers * terms }
    }
}

/// Columns beside those of the encoder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Added {
    /// Columns that the first layer has weights for.
    pub columns: usize,
    /// How many of them take part in the answer for one row.
    pub terms: usize,
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
    /// Is it for networks alone, which are given it beside the number or in its place?
    pub const fn bends(self) -> bool {
        matches!(self, Self::Quantile | Self::Ple)
    }

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
