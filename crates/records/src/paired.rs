//! Paired comparisons: two models on the same rows, with the interval of their difference.

use serde::{Deserialize, Serialize};

use crate::{MetricDiff, larger_is_better};

/// What a paired comparison shows, in one metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PairedVerdict {
    /// The interval of the difference lies on its side of 0.
    Better,
    /// It lies on the other's side.
    Worse,
    /// The interval holds 0, or there is none.
    CannotTell,
}

impl MetricDiff {
    /// How `after` does against `before` by a metric of this name: the one rule by which all comparisons of models
    /// on the same rows are decided.
    pub fn verdict(&self, metric: &str) -> PairedVerdict {
        let Some(interval) = self.interval else { return PairedVerdict::CannotTell };
        let (gain_low, gain_high) = match larger_is_better(metric) {
            true => (interval.low, interval.high),
            false => (-interval.high, -interval.low),
        };
        if gain_low > 0.0 {
            PairedVerdict::Better
        } else if gain_high < 0.0 {
            PairedVerdict::Worse
        } else {
            PairedVerdict::CannotTell
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Interval;

    fn diff(interval: Option<(f64, f64)>) -> MetricDiff {
        let interval = interval.map(|(low, high)| Interval { low, high });
        MetricDiff { before: 0.5, after: 0.5, difference: 0.0, interval }
    }

    #[test]
    fn a_difference_counts_where_its_interval_leaves_out_zero_in_the_direction_of_the_metric() {
        let low = diff(Some((-0.2, -0.1)));
        assert_eq!(low.verdict("log_loss"), PairedVerdict::Better);
        assert_eq!(low.verdict("auc"), PairedVerdict::Worse);
        let high = diff(Some((0.1, 0.2)));
        assert_eq!(high.verdict("rmse"), PairedVerdict::Worse);
        assert_eq!(high.verdict("r2"), PairedVerdict::Better);
    }

    #[test]
    fn nothing_is_told_where_the_interval_holds_zero_or_is_absent() {
        for interval in [Some((-0.1, 0.1)), Some((0.0, 0.1)), Some((-0.1, 0.0)), None] {
            for metric in ["log_loss", "auc"] {
                assert_eq!(diff(interval).verdict(metric), PairedVerdict::CannotTell);
            }
        }
    }
}
