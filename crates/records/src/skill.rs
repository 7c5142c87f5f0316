//! What is said of an expert's skill, and the tests that it rests on.

use serde::{Deserialize, Serialize};

use crate::MetricDiff;

/// A claim of skill is wrong with at most this probability: one-sided, after Holm's correction over the metrics
/// that were asked.
pub const SKILL_LEVEL: f64 = 0.001;

/// What is said of an expert's skill on test rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SkillVerdict {
    /// It is shown to be better than a constant in at least one metric that was asked.
    Skilful,
    /// So it is, but its predictions as they are do not beat the constant's loss: they are too extreme, or off in
    /// level. Recalibration on validation rows helps where these are like the test rows.
    RanksButOverconfident,
    /// It is shown to be better than a constant in no metric that was asked.
    NoSkill,
    /// There is too little to judge it on.
    #[default]
    NotJudged,
}

impl SkillVerdict {
    /// Is skill shown, so that pictures of what it looks at mean something?
    pub fn is_skill(self) -> bool {
        matches!(self, Self::Skilful | Self::RanksButOverconfident)
    }
}

/// An expert (`after`) against its baseline (`before`) in one metric, on the same test rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SkillTest {
    /// `auc` (of more than two classes the mean over one against all others; its baseline is one half) or `r2`
    /// (against the training mean), and `recalibrated_log_loss` or `recalibrated_r2` (expert and constant both
    /// corrected on validation rows). Without validation rows `log_loss` instead.
    pub metric: String,
    /// Both values, their difference and its 95 % interval over rows, or over their groups.
    #[serde(flatten)]
    pub diff: MetricDiff,
    /// One-sided: the probability of so large a gain without skill.
    pub p_value: f64,
    /// After Holm's correction over the metrics that were asked; skill is shown by at most .001.
    pub adjusted: f64,
}

impl SkillTest {
    /// Does a claim of skill in this metric hold?
    pub fn holds(&self) -> bool {
        self.adjusted <= SKILL_LEVEL
    }
}

/// How predictions are corrected on validation rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recalibration {
    /// Validation rows that it was fitted on.
    pub rows: u64,
    /// Classification: what logits, less those of the training shares, are multiplied by (one over the
    /// temperature): below 1 the expert is too sure of itself, 0 leaves the constant. Regression: the slope of
    /// truth on prediction.
    pub slope: f64,
    /// Added to the logit of each class (at most ten classes), or to the prediction.
    pub shifts: Vec<f64>,
    /// The test loss after it: log loss, or root mean squared error.
    pub value: f64,
}
