//! Training of linear models (logistic and ridge regression) to the optimum, also as a baseline.
//!
//! One objective serves all heads, `Σ wᵢ ℓᵢ / Σ wᵢ + ½ ridge ‖W‖²`, convex, in 64 bits. Newton's method
//! reaches its minimum in a handful of steps. Its Hessian only steers, so it is summed in 32 bits by
//! burn's products; loss and gradient, which decide where the minimum is, are not. Where the
//! Hessian would be too large, L-BFGS goes the same way in more and cheaper steps. Rejected: gradient
//! steps on batches, because a baseline should not depend on a learning rate.

use std::sync::atomic::AtomicBool;

use collegium_manifest::spec::Activation;
use collegium_table::Matrix;

use super::{lbfgs, newton, objective::Objective};
use crate::{Dense, Network, Target, TrainError, train::Targets};

/// The usual ridge, in units of the mean loss: enough to bound the weights of separable classes,
/// too little to shrink anything that a thousand rows support.
pub const RIDGE: f64 = 1e-4;

/// Most parameters for Newton's method, and most multiplications of one of its Hessians.
const NEWTON_PARAMETERS: usize = 400;
const NEWTON_WORK: f64 = 2e10;

/// Numbers that steer the steps of a fit of so many parameters: second derivatives, or the last steps.
pub(super) fn curvature(parameters: u64) -> u64 {
    match parameters as usize <= NEWTON_PARAMETERS {
        true => 3 * parameters * parameters,
        false => 2 * parameters * lbfgs::MEMORY as u64,
    }
}

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
    let truth = Targets::new(job.x, &job.y, job.class_weights.as_deref())?;
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
    Network::plain(vec![layer], Activation::Relu)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
