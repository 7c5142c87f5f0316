//! `uniform`, `fixed`, `geometric` and `noisy-or`: there is nothing to learn.

use super::super::fit::{GateError, GateJob, Gated, fixed as weighed};
use crate::{Head, Pool};

fn even(job: &GateJob) -> Vec<f32> {
    let experts = job.handed.len();
    vec![1.0 / experts as f32; experts]
}

/// The arithmetic mean.
pub(in super::super) fn uniform(job: &GateJob) -> Result<Gated, GateError> {
    Ok(weighed(job, even(job), Pool::Arithmetic))
}

/// By weights of the file.
pub(in super::super) fn fixed(job: &GateJob, weights: &[f64]) -> Result<Gated, GateError> {
    Ok(weighed(job, weights.iter().map(|w| *w as f32).collect(), Pool::Arithmetic))
}

/// A product of experts.
pub(in super::super) fn geometric(job: &GateJob) -> Result<Gated, GateError> {
    match job.lesson.head {
        Head::Regression { .. } => Err(no_probabilities(job)),
        _ => Ok(weighed(job, even(job), Pool::Geometric)),
    }
}

/// Any of several causes suffices.
pub(in super::super) fn noisy_or(job: &GateJob) -> Result<Gated, GateError> {
    match job.lesson.head {
        Head::Regression { .. } => Err(no_probabilities(job)),
        Head::Binary => Ok(weighed(job, even(job), Pool::NoisyOr)),
        Head::Classes => Err(GateError::Answers(
            "a gate of type `noisy-or` combines two classes, yes and no".to_owned(),
        )),
    }
}

/// Values are handed over to a gate that combines probabilities.
pub(super) fn no_probabilities(job: &GateJob) -> GateError {
    GateError::Answers(format!(
        "a gate of type `{}` combines probabilities, and its experts hand over values",
        job.spec.rule.name()
    ))
}
