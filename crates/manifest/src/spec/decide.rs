//! How the predictions of two classes are decided and measured. It enters no fit.

use collegium_records::Recipe;
use toml::Spanned;

/// `positive` and `threshold`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decide {
    /// The class that precision, recall, F1, average precision and curves are of; `None`: the second one.
    pub positive: Option<Spanned<String>>,
    /// Where a row is predicted positive; `None`: above one half.
    pub threshold: Option<Spanned<DecisionThreshold>>,
}

impl Decide {
    /// Adds what is declared to the recipe of a measurement.
    pub fn add_to(&self, recipe: &mut Recipe) {
        if let Some(positive) = &self.positive {
            recipe.set("positive", positive.get_ref().as_str());
        }
        if let Some(threshold) = &self.threshold {
            recipe.set("threshold", threshold.get_ref().to_string());
        }
    }
}

/// `threshold`: the probability above which a row is predicted positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum DecisionThreshold {
    /// This one.
    Fixed(f64),
    /// The one of the largest F1 on validation rows.
    F1,
    /// The largest one whose recall on validation rows is at least this.
    Recall(f64),
    /// The one of the least cost on validation rows.
    Costs {
        /// Of a negative row that is predicted positive.
        false_positive: f64,
        /// Of a positive row that is predicted negative.
        false_negative: f64,
    },
}
