//! `cascade`: the first expert, in the order of the file, that is sure enough.

use collegium_manifest::spec::Threshold;

use super::{
    super::fit::{GateError, GateJob, Gated, plain},
    means::no_probabilities,
};
use crate::{Head, Pool, Target, Weights, combine::cascade};

pub(in super::super) fn fit(job: &GateJob, budget: Threshold) -> Result<Gated, GateError> {
    if matches!(job.lesson.head, Head::Regression { .. }) {
        return Err(no_probabilities(job));
    }
    let experts = job.handed.len();
    let (Target::Classes { labels, .. }, Target::Classes { labels: valid, .. }) =
        (job.lesson.y, job.lesson.y_valid)
    else {
        return Err(GateError::Answers("a cascade needs classes".to_owned()));
    };
    let ones = Weights::Confidence { threshold: 1.0, temperatures: vec![1.0; experts] };
    let mut gated = plain(job, ones, Pool::Arithmetic);
    let width = gated.combination.answer_width(&job.lesson.head);
    let answers = gated.combination.predictions(job.lesson.x, &job.lesson.head, None);
    let temperatures: Vec<f32> = (0..experts)
        .map(|expert| {
            let own: Vec<f32> = answers
                .chunks_exact(experts * width)
                .flat_map(|row| &row[expert * width..][..width])
                .copied()
                .collect();
            cascade::calibration(&own, width, labels)
        })
        .collect();
    gated.combination.weights =
        Weights::Confidence { threshold: 1.0, temperatures: temperatures.clone() };
    // Chosen where nothing was trained: on what prediction will see. Without such rows, on the others.
    let (x, labels) = match job.lesson.x_valid.rows {
        0 => (job.lesson.x, labels),
        _ => (job.lesson.x_valid, valid),
    };
    let calibrated = gated.combination.predictions(x, &job.lesson.head, None);
    let threshold = cascade::threshold(budget, &calibrated, width, labels, &job.costs);
    let threshold = threshold.map_err(|least| GateError::Budget {
        budget: match budget {
            Threshold::CostBudget(budget) => budget,
            _ => 0.0,
        },
        least,
    })?;
    gated.combination.weights = Weights::Confidence { threshold, temperatures };
    Ok(gated)
}
