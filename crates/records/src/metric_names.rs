//! Names of metrics: which there are, in which order they are asked for, and what they are called.

/// The metrics of a classifier, in the order in which they are measured.
pub const CLASSIFICATION_METRICS: [&str; 10] = [
    "accuracy",
    "auc",
    "average_precision",
    "f1",
    "precision",
    "recall",
    "log_loss",
    "brier",
    "ece",
    EXPECTED_COST,
];

/// The mean cost of a decision: a metric of targets whose errors have declared costs.
pub const EXPECTED_COST: &str = "expected_cost";

/// The metrics of a regression, in the order in which they are measured.
pub const REGRESSION_METRICS: [&str; 3] = ["rmse", "mae", "r2"];

/// All metrics, in the order in which a person asks for them.
pub const METRICS: [&str; 13] = [
    "auc",
    "average_precision",
    "accuracy",
    "f1",
    "precision",
    "recall",
    "log_loss",
    "brier",
    "ece",
    EXPECTED_COST,
    "r2",
    "rmse",
    "mae",
];

/// A metric's name in a sentence: `AUC`, `log loss`. A name that is none is given back.
pub fn metric_words(metric: &str) -> &str {
    match metric {
        "auc" => "AUC",
        "average_precision" => "average precision",
        "f1" => "F1",
        "log_loss" => "log loss",
        "brier" => "Brier score",
        "ece" => "ECE",
        EXPECTED_COST => "expected cost",
        "r2" => "R²",
        "rmse" => "RMSE",
        "mae" => "MAE",
        "squared_error" => "squared error",
        "recalibrated_log_loss" => "recalibrated log loss",
        "recalibrated_r2" => "recalibrated R²",
        "recalibrated_rmse" => "recalibrated RMSE",
        other => other,
    }
}

/// The least and the most that a metric can be.
pub fn metric_range(metric: &str) -> [f64; 2] {
    match metric {
        "r2" | "recalibrated_r2" => [f64::NEG_INFINITY, 1.0],
        "log_loss" | "rmse" | "mae" | EXPECTED_COST => [0.0, f64::INFINITY],
        // Summed over classes.
        "brier" => [0.0, 2.0],
        "predicted_positive" => [0.0, 1.0],
        metric if METRICS.contains(&metric) => [0.0, 1.0],
        _ => [f64::NEG_INFINITY, f64::INFINITY],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_metrics_that_are_asked_for_are_those_that_are_measured() {
        let measured = CLASSIFICATION_METRICS.into_iter().chain(REGRESSION_METRICS);
        assert_eq!(measured.collect::<BTreeSet<_>>(), METRICS.into_iter().collect());
    }
}
