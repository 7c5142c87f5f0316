//! Linear models, fitted to the optimum: the yardstick that an expert must beat.
//!
//! One objective serves all heads, `Σ wᵢ ℓᵢ / Σ wᵢ + ½ ridge ‖W‖²`, convex, in 64 bits. Newton's method
//! reaches its minimum in a handful of steps. Its Hessian only steers, so it is summed in 32 bits by
//! burn's products; loss and gradient, which decide where the minimum is, are not. Where the
//! Hessian would be too large, L-BFGS goes the same way in more and cheaper steps. Rejected: gradient
//! steps on batches, because a yardstick should not depend on a learning rate.

pub(crate) mod lbfgs;
pub(crate) mod newton;
mod objective;

use std::sync::atomic::{AtomicBool, Ordering};

use collegium_manifest::spec::Activation;
use collegium_table::Matrix;
use nalgebra::DMatrix;

use crate::{Dense, Network, Target, TrainError, train::Truth};
use objective::Objective;

/// The usual ridge, in units of the mean loss: enough to bound the weights of separable classes,
/// too little to shrink anything that a thousand rows support.
pub const RIDGE: f64 = 1e-4;

/// Most parameters for Newton's method, and most multiplications of one of its Hessians.
const NEWTON_PARAMETERS: usize = 400;
const NEWTON_WORK: f64 = 2e10;

/// What to fit a linear model to.
#[derive(Debug, Clone)]
pub struct LinearJob<'a> {
    /// Encoded training rows.
    pub x: &'a Matrix,
    /// Their targets.
    pub y: Target<'a>,
    /// One weight per class, see [`crate::class_weights`].
    pub class_weights: Option<Vec<f32>>,
    /// Penalty on squared weights, in units of the mean loss: usually [`RIDGE`].
    pub ridge: f64,
    /// Read at every step; true ends the fit with [`TrainError::Interrupted`].
    pub interrupted: &'a AtomicBool,
}

/// Logistic regression (two classes: one logit; more: multinomial) or ridge regression, to
/// convergence. Deterministic: there is no randomness in it.
///
/// # Errors
/// [`TrainError`], as for [`crate::train()`].
pub fn fit_linear(job: &LinearJob) -> Result<Network, TrainError> {
    let truth = Truth::new(job.x, &job.y, job.class_weights.as_deref())?;
    if truth.is_one_class() {
        return Err(TrainError::OneClass);
    }
    let objective = Objective::new(job.x, &truth, job.ridge)?;
    let size = objective.size();
    let work = job.x.rows as f64 * (size as f64).powi(2);
    let start = vec![0.0; size];
    let theta = if size <= NEWTON_PARAMETERS && work <= NEWTON_WORK {
        newton::minimise(&objective, start, newton::EXACT, job.interrupted)?
    } else {
        lbfgs::minimise(&objective, start, lbfgs::EXACT, job.interrupted)?
    };
    Ok(network(&objective, &centred(theta, objective.outputs())))
}

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

/// Softmax does not see what all logits share, so it is taken out: of the solutions, the one with
/// zero means.
fn centred(mut theta: Vec<f64>, outputs: usize) -> Vec<f64> {
    if outputs > 1 {
        for row in theta.chunks_exact_mut(outputs) {
            let mean = row.iter().sum::<f64>() / outputs as f64;
            row.iter_mut().for_each(|value| *value -= mean);
        }
    }
    theta
}

fn network(objective: &Objective, theta: &[f64]) -> Network {
    let (inputs, outputs) = (objective.inputs(), objective.outputs());
    let (weight, bias) = theta.split_at(inputs * outputs);
    let narrow = |values: &[f64]| values.iter().map(|v| *v as f32).collect();
    let layer = Dense { inputs, outputs, weight: narrow(weight), bias: narrow(bias) };
    Network { layers: vec![layer], activation: Activation::Relu }
}

/// A step of either method.
fn check(interrupted: &AtomicBool, step: u32, value: f64) -> Result<(), TrainError> {
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
struct Way<'a> {
    direction: &'a [f64],
    fall: f64,
}

/// Where a search ended.
struct Found {
    length: f64,
    theta: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
}

/// Backtracking (Nocedal & Wright, algorithm 3.1): halves `length` until the value falls as Armijo's
/// condition asks. `None` if no part of the step down to `shortest` does.
fn search(
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

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// `a + t·b`
fn moved(a: &[f64], t: f64, b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + t * b).collect()
}

#[cfg(test)]
mod tests;
