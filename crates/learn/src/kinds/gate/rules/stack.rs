//! `stack`: a linear model of the experts' predictions (Wolpert 1992).

use std::sync::atomic::AtomicBool;

use super::super::fit::{GateError, GateJob, Gated, fixed};
use crate::{LinearJob, Pool, fit_linear};

pub(in super::super) fn fit(
    job: &GateJob,
    ridge: f64,
    interrupted: &AtomicBool,
) -> Result<Gated, GateError> {
    let mut gated = fixed(job, vec![0.0; job.handed.len()], Pool::Stack);
    let answers = gated.combination.predictions(job.lesson.x, &job.lesson.head, None);
    gated.network = fit_linear(&LinearJob {
        x: &gated.combination.features(&answers, job.lesson.x.rows, &job.lesson.head),
        y: job.lesson.y,
        class_weights: job.lesson.class_weights.clone(),
        ridge,
        interrupted,
    })?;
    Ok(gated)
}
