//! Confidence intervals of metrics (bootstrap).

use std::collections::BTreeMap;

use collegium_probe::{
    ReferenceClassifier, Resampling, measure_classification, measure_regression, paired_regression,
    reliability, series_of_classes, series_of_values,
};
use collegium_records::{MetricDiff, Reliability, SplitMeasures};

use crate::measure::Predicted;

/// Bootstrap resamples behind every interval of a metric.
pub const RESAMPLES: u32 = 200;

/// Loss of each row (log loss or squared error); NaN where the target is missing.
pub fn losses_of(predicted: &Predicted) -> Vec<f64> {
    match predicted {
        Predicted::Classes { probability, width, labels, classes } => {
            let mut losses = collegium_probe::log_losses(probability, *width, labels, *classes);
            for (loss, label) in losses.iter_mut().zip(labels) {
                if *label as usize >= classes.count {
                    *loss = f64::NAN;
                }
            }
            losses
        }
        Predicted::Values { predicted, truth } => collegium_probe::squared_errors(predicted, truth),
    }
}

/// What tells how long a model's errors stay alike, for [`collegium_probe::TimeBlocks`].
pub fn series_of(predicted: &Predicted) -> Vec<Vec<f64>> {
    match predicted {
        Predicted::Classes { probability, width, labels, classes } => {
            series_of_classes(probability, *width, labels, classes.count)
        }
        Predicted::Values { predicted, truth } => series_of_values(predicted, truth),
    }
}

/// Reliability diagram (calibration) of a classifier; `None` for a regression.
pub fn reliability_of(held_out: &Predicted) -> Option<Reliability> {
    match held_out {
        Predicted::Classes { probability, width, labels, classes } => {
            reliability(probability, *width, labels, *classes)
        }
        Predicted::Values { .. } => None,
    }
}

/// Models compared with a first one on the same rows: of each of `after` less `before`, in that order, the difference
/// of every metric with its paired interval. Each is decided as it says; all of `after` are decided alike.
pub fn paired(
    before: &Predicted,
    after: &[&Predicted],
    how: Resampling,
) -> Vec<BTreeMap<String, MetricDiff>> {
    Reference::new(before).paired(after, how)
}

/// A model that others are compared with on the same rows, prepared once for many comparisons.
pub struct Reference<'a> {
    /// What it predicts.
    pub predicted: &'a Predicted,
    classifier: Option<ReferenceClassifier<'a>>,
}

impl<'a> Reference<'a> {
    /// Of these predictions.
    pub fn new(predicted: &'a Predicted) -> Self {
        let classifier = match predicted {
            Predicted::Classes { probability, width, labels, classes } => {
                Some(ReferenceClassifier::new(probability, *width, labels, *classes))
            }
            Predicted::Values { .. } => None,
        };
        Self { predicted, classifier }
    }

    /// What [`paired`] gives of some models against this one.
    pub fn paired(
        &self,
        after: &[&Predicted],
        how: Resampling,
    ) -> Vec<BTreeMap<String, MetricDiff>> {
        let answers: Vec<&[f32]> = after
            .iter()
            .map(|after| match after {
                Predicted::Classes { probability, .. } => probability.as_slice(),
                Predicted::Values { predicted, .. } => predicted,
            })
            .collect();
        match (self.predicted, &self.classifier, after.first()) {
            (_, Some(classifier), Some(Predicted::Classes { classes, .. })) => {
                classifier.paired(&answers, *classes, how)
            }
            (Predicted::Values { predicted, truth }, _, Some(Predicted::Values { .. })) => {
                paired_regression(predicted, &answers, truth, how)
            }
            _ => Vec::new(),
        }
    }
}

/// A side's metrics, each with the interval that `how` resamples.
pub fn with_intervals(predicted: &Predicted, how: Resampling) -> SplitMeasures {
    match predicted {
        Predicted::Classes { probability, width, labels, classes } => {
            measure_classification(probability, *width, labels, *classes, how)
        }
        Predicted::Values { predicted, truth } => measure_regression(predicted, truth, how),
    }
}
