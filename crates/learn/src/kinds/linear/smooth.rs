//! Smooth convex objectives, and the backtracking line search that both optimisers share.

use std::sync::atomic::{AtomicBool, Ordering};

use nalgebra::DMatrix;

use crate::TrainError;

/// A convex function with what is needed to minimise it.
pub(crate) trait Smooth {
    /// Value and gradient.
    fn evaluate(&self, theta: &[f64]) -> (f64, Vec<f64>);

    /// Second derivatives, or something near them: they steer and do not decide.
    fn hessian(&self, theta: &[f64]) -> DMatrix<f64>;

    /// A first guess at H⁻¹v, where there is a better one than a multiple of v.
    fn precondition(&self, _v: &[f64]) -> Option<Vec<f64>> {
        None
    }
}

/// A step of either method.
pub(super) fn check(interrupted: &AtomicBool, step: u32, value: f64) -> Result<(), TrainError> {
    if interrupted.load(Ordering::Relaxed) {
        return Err(TrainError::Interrupted);
    }
    if value.is_finite() {
        return Ok(());
    }
    let what = "the loss is no longer a finite number".to_owned();
    Err(TrainError::Diverged { epoch: step + 1, what })
}

/// Where a step leads, and what the slope says that the whole of it gains: −gᵀd.
pub(super) struct Way<'a> {
    pub(super) direction: &'a [f64],
    pub(super) fall: f64,
}

/// Where a search ended.
pub(super) struct Found {
    pub(super) length: f64,
    pub(super) theta: Vec<f64>,
    pub(super) value: f64,
    pub(super) gradient: Vec<f64>,
}

/// Backtracking (Nocedal & Wright, algorithm 3.1): halves `length` until the value falls as Armijo's
/// condition asks. `None` if no part of the step down to `shortest` does.
pub(super) fn search(
    objective: &impl Smooth,
    (theta, value): (&[f64], f64),
    way: &Way,
    mut length: f64,
    shortest: f64,
) -> Option<Found> {
    loop {
        let next = moved(theta, length, way.direction);
        let (next_value, gradient) = objective.evaluate(&next);
        if next_value <= value - 1e-4 * length * way.fall {
            return Some(Found { length, theta: next, value: next_value, gradient });
        }
        length *= 0.5;
        if length < shortest {
            return None;
        }
    }
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// `a + t·b`
pub(super) fn moved(a: &[f64], t: f64, b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + t * b).collect()
}
