//! The headline: the one figure that stands for an expert, in every place that shows one.

use serde::{Deserialize, Serialize};

use crate::{Interval, Metrics, SplitMeasures};

/// The metric that a person asks for first, by task and number of classes, and those that stand in for it where
/// it is not defined, in their order.
fn headlines(task: &str, classes: usize) -> &'static [&'static str] {
    match (task, classes) {
        ("regression", _) => &["r2", "rmse", "mae"],
        (_, 3..) => &["accuracy", "auc", "log_loss"],
        _ => &["auc", "average_precision", "accuracy", "log_loss"],
    }
}

/// The headline metric of a task (`classification`, `regression`) with so many classes: AUC of two classes, accuracy of
/// more, R² of a regression.
pub fn headline_wanted(task: &str, classes: usize) -> &'static str {
    headlines(task, classes)[0]
}

/// The same, or the first that stands in for it among these metrics. `None` where none is known.
pub fn headline_metric(task: &str, classes: usize, metrics: &Metrics) -> Option<&'static str> {
    let known = |metric: &str| metrics.get(metric).is_some_and(|value| value.is_finite());
    headlines(task, classes).iter().copied().find(|metric| known(metric))
}

/// The figure that stands for an expert: the headline metric of its deployed model on test rows, or its mean over
/// rotations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Headline {
    /// Its name, as in [`Metrics`].
    pub metric: String,
    /// What it comes to.
    pub value: f64,
    /// Its 95 % interval, where intervals are measured (an audit).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub interval: Option<Interval>,
    /// The task's headline metric that it stands in for, because that one is not defined on these rows.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub instead_of: Option<String>,
    /// It is the mean over so many rotations of the sides (`evaluate.rotate`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rotations: Option<u32>,
    /// With rotations: what it comes to on the test rows of the declared split.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub split: Option<f64>,
}

impl Headline {
    /// From metrics on test rows.
    pub fn of(task: &str, classes: usize, metrics: &Metrics) -> Option<Self> {
        let metric = headline_metric(task, classes, metrics)?;
        let wanted = headline_wanted(task, classes);
        Some(Self {
            metric: metric.to_owned(),
            value: metrics[metric],
            interval: None,
            instead_of: (metric != wanted).then(|| wanted.to_owned()),
            rotations: None,
            split: None,
        })
    }

    /// What it is of, where that is not the test rows of the declared split: `mean of 5 rotations`.
    pub fn of_rotations(&self) -> Option<String> {
        self.rotations.map(|rotations| format!("mean of {rotations} rotations"))
    }

    /// The same with its interval.
    pub fn of_measures(task: &str, classes: usize, test: &SplitMeasures) -> Option<Self> {
        let found = Self::of(task, classes, &test.metrics)?;
        let interval = test.intervals.get(&found.metric).copied();
        Some(Self { interval, ..found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_metric_stands_for_a_task_and_another_only_where_it_is_not_defined() {
        let of = |names: &[&str]| -> Metrics {
            names.iter().map(|name| ((*name).to_owned(), 0.5)).collect()
        };
        let all = of(&["accuracy", "auc", "log_loss", "r2", "rmse", "average_precision"]);
        for (task, classes, wanted) in [
            ("classification", 2, "auc"),
            ("classification", 7, "accuracy"),
            ("regression", 0, "r2"),
        ] {
            let headline = Headline::of(task, classes, &all).expect("it is known");
            assert_eq!((headline.metric.as_str(), headline.instead_of), (wanted, None));
            assert_eq!(headline_wanted(task, classes), wanted);
        }
        let other = Headline::of("classification", 2, &of(&["accuracy", "log_loss"]));
        let other = other.expect("it is known");
        assert_eq!((other.metric.as_str(), other.instead_of.as_deref()), ("accuracy", Some("auc")));
        let broken = Metrics::from([("r2".to_owned(), f64::NAN), ("rmse".to_owned(), 2.0)]);
        assert_eq!(headline_metric("regression", 0, &broken), Some("rmse"));
        assert_eq!(Headline::of("regression", 0, &Metrics::new()), None);
    }
}
