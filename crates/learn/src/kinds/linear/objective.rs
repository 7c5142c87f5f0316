//! Objective of a linear model: the mean loss with a ridge penalty (L2).
//!
//! Parameters θ are inputs × outputs weights, row-major, then the biases.

use collegium_table::Matrix;
use nalgebra::DMatrix;

use super::{newton, smooth::Smooth};
use crate::{Target, TrainError, train::Targets};

/// The bias is not shrunk, only kept from running away where nothing else holds it.
const BIAS_RIDGE: f64 = 1e-8;

pub(super) struct Objective<'a> {
    x: &'a Matrix,
    target: Target<'a>,
    /// Weight of each row; they sum to 1.
    weights: Vec<f64>,
    ridge: f64,
    outputs: usize,
}

impl<'a> Objective<'a> {
    pub(super) fn new(x: &'a Matrix, truth: &Targets<'a>, ridge: f64) -> Result<Self, TrainError> {
        if !ridge.is_finite() || ridge < 0.0 {
            return Err(TrainError::Mismatch(format!("a ridge of {ridge} is not possible")));
        }
        let weights = (0..x.rows).map(|row| f64::from(truth.weight(row)) / truth.total()).collect();
        Ok(Self { x, target: truth.target(), weights, ridge, outputs: truth.outputs() })
    }

    pub(super) fn x(&self) -> &Matrix {
        self.x
    }

    pub(super) fn inputs(&self) -> usize {
        self.x.width
    }

    pub(super) fn outputs(&self) -> usize {
        self.outputs
    }

    /// Parameters.
    pub(super) fn size(&self) -> usize {
        (self.inputs() + 1) * self.outputs
    }

    /// The penalty on each parameter.
    pub(super) fn penalty(&self, parameter: usize) -> f64 {
        if parameter < self.inputs() * self.outputs { self.ridge } else { BIAS_RIDGE }
    }

    /// The raw outputs of a row.
    fn predict(&self, theta: &[f64], row: usize, z: &mut [f64]) {
        let (weights, bias) = theta.split_at(self.inputs() * self.outputs);
        z.copy_from_slice(bias);
        for (x, weights) in self.x.row(row).iter().zip(weights.chunks_exact(self.outputs)) {
            let x = f64::from(*x);
            // One-hot rows are mostly zero.
            if x != 0.0 {
                z.iter_mut().zip(weights).for_each(|(z, w)| *z += x * w);
            }
        }
    }

    /// Loss of one row, and `z` replaced by its gradient by the outputs.
    fn row_loss(&self, row: usize, z: &mut [f64]) -> f64 {
        match self.target {
            Target::Values(values) => {
                let residual = z[0] - f64::from(values[row]);
                z[0] = 2.0 * residual;
                residual * residual
            }
            Target::Classes { labels, count: 2 } => {
                let label = labels[row];
                let wrong = if label == 1 { -z[0] } else { z[0] };
                z[0] = sigmoid(z[0]) - f64::from(label);
                wrong.max(0.0) + libm::log1p(libm::exp(-wrong.abs()))
            }
            Target::Classes { labels, .. } => {
                let label = labels[row] as usize;
                let own = z[label];
                let log_total = softmax(z);
                z[label] -= 1.0;
                log_total - own
            }
        }
    }

    /// The weighted curvature of rows `rows` by outputs `a` and `b`, for every pair a ≤ b in order:
    /// `visit(a, b, curvatures)`. Curvatures are per row of the range.
    pub(super) fn curvatures(
        &self,
        theta: &[f64],
        rows: std::ops::Range<usize>,
        visit: &mut dyn FnMut(usize, usize, &[f32]),
    ) {
        let outputs = self.outputs;
        let mut p = vec![0.0; rows.len() * outputs];
        for (row, p) in rows.clone().zip(p.chunks_exact_mut(outputs)) {
            self.predict(theta, row, p);
            match self.target {
                Target::Values(_) => p[0] = 0.0,
                Target::Classes { count: 2, .. } => p[0] = sigmoid(p[0]),
                Target::Classes { .. } => {
                    softmax(p);
                }
            }
        }
        for a in 0..outputs {
            for b in a..outputs {
                let each = rows.clone().zip(p.chunks_exact(outputs)).map(|(row, p)| {
                    let curvature = match self.target {
                        Target::Values(_) => 2.0,
                        Target::Classes { .. } => p[a] * (f64::from(u8::from(a == b)) - p[b]),
                    };
                    (self.weights[row] * curvature) as f32
                });
                visit(a, b, &each.collect::<Vec<f32>>());
            }
        }
    }
}

impl Smooth for Objective<'_> {
    fn evaluate(&self, theta: &[f64]) -> (f64, Vec<f64>) {
        let mut gradient = vec![0.0; self.size()];
        let mut z = vec![0.0; self.outputs];
        let mut value = 0.0;
        let split = self.inputs() * self.outputs;
        for (row, weight) in self.weights.iter().enumerate() {
            self.predict(theta, row, &mut z);
            value += weight * self.row_loss(row, &mut z);
            z.iter_mut().for_each(|z| *z *= weight);
            let (weights, bias) = gradient.split_at_mut(split);
            for (x, out) in self.x.row(row).iter().zip(weights.chunks_exact_mut(self.outputs)) {
                let x = f64::from(*x);
                if x != 0.0 {
                    out.iter_mut().zip(&z).for_each(|(g, z)| *g += x * z);
                }
            }
            bias.iter_mut().zip(&z).for_each(|(g, z)| *g += z);
        }
        for (i, (theta, gradient)) in theta.iter().zip(&mut gradient).enumerate() {
            let penalty = self.penalty(i);
            value += 0.5 * penalty * theta * theta;
            *gradient += penalty * theta;
        }
        (value, gradient)
    }

    fn hessian(&self, theta: &[f64]) -> DMatrix<f64> {
        newton::hessian(self, theta)
    }
}

fn sigmoid(z: f64) -> f64 {
    let e = libm::exp(-z.abs());
    if z >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) }
}

/// Turns logits into probabilities and returns the logarithm of the sum of their exponentials.
fn softmax(z: &mut [f64]) -> f64 {
    let top = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut total = 0.0;
    for z in z.iter_mut() {
        *z = libm::exp(*z - top);
        total += *z;
    }
    z.iter_mut().for_each(|p| *p /= total);
    libm::log(total) + top
}
