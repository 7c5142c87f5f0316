//! Newton's method with step halving.

use std::sync::atomic::AtomicBool;

use burn::tensor::{Device, Tensor, TensorData};
use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

use super::{
    objective::Objective,
    smooth::{Smooth, Way, check, dot, search},
};
use crate::TrainError;

const STEPS: u32 = 50;
/// The shortest part of a step that is tried.
const SHORTEST: f64 = 1e-6;
/// For objectives in 64 bits. Half the squared Newton decrement: how far the loss can still fall.
pub(crate) const EXACT: f64 = 1e-12;
/// Rows whose products are summed in 32 bits.
const CHUNK: usize = 4096;

/// From `start` until the loss can fall by no more than `enough`.
pub(crate) fn minimise(
    objective: &impl Smooth,
    start: Vec<f64>,
    enough: f64,
    interrupted: &AtomicBool,
) -> Result<Vec<f64>, TrainError> {
    let mut theta = start;
    let (mut value, mut gradient) = objective.evaluate(&theta);
    for step in 0..STEPS {
        check(interrupted, step, value)?;
        let Some(direction) = solve(objective.hessian(&theta), &gradient) else { break };
        let fall = -dot(&gradient, &direction);
        if fall * 0.5 < enough {
            break;
        }
        let way = Way { direction: &direction, fall };
        let better = search(objective, (&theta, value), &way, 1.0, SHORTEST);
        // No step improves: the minimum, as far as rounding lets it be known.
        let Some(next) = better else { break };
        (theta, value, gradient) = (next.theta, next.value, next.gradient);
    }
    check(interrupted, STEPS, value)?;
    Ok(theta)
}

/// As [`minimise`], from a start that is near the end: the Hessian is kept while every step with it
/// takes away at least half of what is left to gain.
pub(crate) fn minimise_near(
    objective: &impl Smooth,
    start: Vec<f64>,
    enough: f64,
    interrupted: &AtomicBool,
) -> Result<Vec<f64>, TrainError> {
    let mut theta = start;
    let (mut value, mut gradient) = objective.evaluate(&theta);
    let mut factor: Option<Cholesky<f64, Dyn>> = None;
    let mut last_fall = f64::INFINITY;
    for step in 0..STEPS {
        check(interrupted, step, value)?;
        let kept = match factor.take() {
            Some(kept) => kept,
            None => match raised(objective.hessian(&theta)) {
                Some(fresh) => {
                    last_fall = f64::INFINITY;
                    fresh
                }
                None => break,
            },
        };
        let solved = kept.solve(&DVector::from_column_slice(&gradient));
        let direction: Vec<f64> = solved.iter().map(|value| -value).collect();
        let fall = -dot(&gradient, &direction);
        if fall * 0.5 < enough {
            break;
        }
        let way = Way { direction: &direction, fall };
        let better = search(objective, (&theta, value), &way, 1.0, SHORTEST);
        let Some(next) = better else { break };
        (theta, value, gradient) = (next.theta, next.value, next.gradient);
        if next.length == 1.0 && fall < 0.5 * last_fall {
            factor = Some(kept);
        }
        last_fall = fall;
    }
    check(interrupted, STEPS, value)?;
    Ok(theta)
}

/// Second derivatives, penalties included; the loss's part is summed from products in 32 bits.
pub(super) fn hessian(objective: &Objective, theta: &[f64]) -> DMatrix<f64> {
    let (rows, inputs, outputs) = (objective.x().rows, objective.inputs(), objective.outputs());
    let size = objective.size();
    let device = Device::flex();
    let mut hessian = DMatrix::zeros(size, size);
    let augmented = inputs + 1;
    for start in (0..rows).step_by(CHUNK) {
        let range = start..(start + CHUNK).min(rows);
        let n = range.len();
        // The constant 1 stands for the bias.
        let mut x = Vec::with_capacity(n * augmented);
        for row in range.clone() {
            x.extend_from_slice(objective.x().row(row));
            x.push(1.0);
        }
        let tensor = |values: Vec<f32>| {
            Tensor::<2>::from_data(TensorData::new(values, [n, augmented]), &device)
        };
        let plain = tensor(x.clone()).transpose();
        objective.curvatures(theta, range, &mut |a, b, curvatures| {
            let mut scaled = x.clone();
            for (row, curvature) in scaled.chunks_exact_mut(augmented).zip(curvatures) {
                row.iter_mut().for_each(|x| *x *= curvature);
            }
            let block = plain.clone().matmul(tensor(scaled)).into_data();
            for (at, value) in block.iter::<f32>().enumerate() {
                let (i, j) = (at / augmented, at % augmented);
                let (row, column) = (i * outputs + a, j * outputs + b);
                hessian[(row, column)] += f64::from(value);
                if a != b {
                    hessian[(column, row)] += f64::from(value);
                }
            }
        });
    }
    for i in 0..size {
        hessian[(i, i)] += objective.penalty(i);
    }
    // Rounding leaves the two halves slightly different.
    let transposed = hessian.transpose();
    (hessian + transposed) * 0.5
}

/// −H⁻¹g, by Cholesky's decomposition; the diagonal is raised until there is one.
fn solve(hessian: DMatrix<f64>, gradient: &[f64]) -> Option<Vec<f64>> {
    let solution = raised(hessian)?.solve(&DVector::from_column_slice(gradient));
    let finite = solution.iter().all(|value| value.is_finite());
    finite.then(|| solution.iter().map(|value| -value).collect())
}

/// Cholesky's factor of a matrix whose diagonal is raised until it has one.
fn raised(hessian: DMatrix<f64>) -> Option<Cholesky<f64, Dyn>> {
    let size = hessian.nrows();
    let mean = hessian.trace().abs() / size.max(1) as f64;
    let mut raised = 0.0;
    for _ in 0..20 {
        let mut matrix = hessian.clone();
        for i in 0..size {
            matrix[(i, i)] += raised;
        }
        if let Some(cholesky) = matrix.cholesky() {
            return Some(cholesky);
        }
        raised = if raised == 0.0 { 1e-8 * mean.max(1e-8) } else { raised * 10.0 };
    }
    None
}
