//! Training of a gate, whatever its rule.

use super::{
    job::{GateError, GateJob, Gated},
    rules,
};
use crate::{TrainError, Watch, train::Targets};

/// Fits a gate.
///
/// # Errors
/// [`GateError`]; bad input is found before the first step.
pub fn fit_gate(job: &GateJob, watch: &mut Watch) -> Result<Gated, GateError> {
    let truth = Targets::new(job.lesson.x, &job.lesson.y, job.lesson.class_weights.as_deref())?;
    if truth.is_one_class() {
        return Err(TrainError::OneClass.into());
    }
    if job.lesson.x.rows == 0 {
        return Err(TrainError::Empty.into());
    }
    let rule = rules::fitting(&*job.spec.rule).ok_or_else(|| {
        GateError::Answers(format!("no rule of gates is called `{}`", job.spec.rule.name()))
    })?;
    rule.fit(job, truth, watch)
}
