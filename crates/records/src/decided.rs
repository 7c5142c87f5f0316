//! The decision of two classes: the positive class, and the threshold of its probability.

use serde::{Deserialize, Serialize};

/// How rows of two classes are decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassThreshold {
    /// The positive class: precision, recall, F1, average precision and curves are of it.
    pub positive: String,
    /// A row is predicted positive where the positive class's probability is above this.
    pub threshold: f64,
    /// How the threshold came about.
    pub by: ThresholdBy,
    /// Of a threshold that was chosen: validation rows that it was chosen on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rows: Option<u64>,
}

/// How a threshold came about.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThresholdBy {
    /// One half.
    Default,
    /// The file says it.
    Fixed,
    /// Largest F1.
    F1,
    /// The largest threshold with at least this recall.
    Recall {
        /// The recall to reach.
        least: f64,
    },
    /// Least cost.
    Costs {
        /// Of a negative row that is predicted positive.
        false_positive: f64,
        /// Of a positive row that is predicted negative.
        false_negative: f64,
    },
}

impl ThresholdBy {
    /// Was it chosen on validation rows?
    pub fn is_chosen(self) -> bool {
        !matches!(self, Self::Default | Self::Fixed)
    }
}

impl ClassThreshold {
    /// One sentence.
    pub fn in_words(&self) -> String {
        let Self { positive, threshold, by, rows } = self;
        let why = match by {
            ThresholdBy::Default => "the default".to_owned(),
            ThresholdBy::Fixed => "as declared".to_owned(),
            ThresholdBy::F1 => "largest F1".to_owned(),
            ThresholdBy::Recall { least } => format!("largest with recall at least {least}"),
            ThresholdBy::Costs { false_positive, false_negative } => format!(
                "least cost, {false_positive} a false positive and {false_negative} a false negative"
            ),
        };
        let on = rows
            .map(|rows| format!(" on {} validation rows", crate::thousands(rows)))
            .unwrap_or_default();
        format!(
            "Predicted `{positive}` where its probability is above {} ({why}{on}).",
            crate::three_digits(*threshold)
        )
    }
}
