//! Paired comparisons: two models on the same rows, with the interval of their difference.

use std::collections::BTreeMap;

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
    /// The whole interval lies within the margin that was declared for the metric (`[audit] margin`): what
    /// difference there is, is too small to matter.
    Same,
}

impl PairedVerdict {
    /// In a word or two.
    pub fn words(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Same => "same within the margin",
            Self::CannotTell => "no measurable difference",
        }
    }

    /// The same beside what it is compared with: `no measurable difference from linear`.
    pub fn beside(self, other: &str) -> String {
        match self {
            Self::Better | Self::Worse => format!("{} than {other}", self.words()),
            Self::Same => format!("same as {other} within the margin"),
            Self::CannotTell => format!("{} from {other}", self.words()),
        }
    }
}

/// The margin that is declared for a metric: a recalibrated metric has that of the plain one, the error that of accuracy.
pub fn margin_of(margins: &BTreeMap<String, f64>, metric: &str) -> Option<f64> {
    let declared = match metric {
        "error" => "accuracy",
        other => other.strip_prefix("recalibrated_").unwrap_or(other),
    };
    margins.get(declared).copied()
}

impl MetricDiff {
    /// How `after` does against `before` by a metric of this name: the one rule by which all comparisons of models
    /// on the same rows are decided. A `margin` says which differences of the metric are too small to matter.
    pub fn verdict(&self, metric: &str, margin: Option<f64>) -> PairedVerdict {
        let Some(interval) = self.interval else { return PairedVerdict::CannotTell };
        if margin.is_some_and(|margin| -margin <= interval.low && interval.high <= margin) {
            return PairedVerdict::Same;
        }
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
    fn a_margin_holds_for_what_is_made_of_its_metric() {
        let margins =
            BTreeMap::from([("accuracy".to_owned(), 0.01), ("log_loss".to_owned(), 0.02)]);
        let of = |metric| margin_of(&margins, metric);
        assert_eq!((of("accuracy"), of("error")), (Some(0.01), Some(0.01)));
        assert_eq!((of("log_loss"), of("recalibrated_log_loss")), (Some(0.02), Some(0.02)));
        assert_eq!(of("auc"), None);
    }

    #[test]
    fn a_difference_counts_where_its_interval_leaves_out_zero_in_the_direction_of_the_metric() {
        let low = diff(Some((-0.2, -0.1)));
        assert_eq!(low.verdict("log_loss", None), PairedVerdict::Better);
        assert_eq!(low.verdict("auc", None), PairedVerdict::Worse);
        let high = diff(Some((0.1, 0.2)));
        assert_eq!(high.verdict("rmse", None), PairedVerdict::Worse);
        assert_eq!(high.verdict("r2", None), PairedVerdict::Better);
    }

    #[test]
    fn models_are_the_same_where_the_whole_interval_lies_within_the_margin() {
        let small = diff(Some((-0.004, 0.003)));
        assert_eq!(small.verdict("auc", None), PairedVerdict::CannotTell);
        assert_eq!(small.verdict("auc", Some(0.003)), PairedVerdict::CannotTell);
        assert_eq!(small.verdict("auc", Some(0.004)), PairedVerdict::Same);
        // Certain, and too small to matter; then certain, and perhaps large enough.
        let certain = diff(Some((0.001, 0.003)));
        assert_eq!(certain.verdict("auc", Some(0.005)), PairedVerdict::Same);
        assert_eq!(certain.verdict("auc", Some(0.002)), PairedVerdict::Better);
        assert_eq!(diff(None).verdict("auc", Some(1.0)), PairedVerdict::CannotTell);
    }

    #[test]
    fn nothing_is_told_where_the_interval_holds_zero_or_is_absent() {
        for interval in [Some((-0.1, 0.1)), Some((0.0, 0.1)), Some((-0.1, 0.0)), None] {
            for metric in ["log_loss", "auc"] {
                assert_eq!(diff(interval).verdict(metric, None), PairedVerdict::CannotTell);
            }
        }
    }
}
