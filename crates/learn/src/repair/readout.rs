//! Refit of the last layer (readout) on fixed features.
//!
//! `Σ wᵢ ℓᵢ / Σ wᵢ + ½ ridge ‖θ − θ₀‖²` with θ₀ the present weights: convex, so it has one minimum, and
//! the penalty keeps what the rows do not speak about as it was. Products are burn's, in 32 bits;
//! what is added up over rows is in 64. (A single step of iterated least squares was measured to be
//! unsafe: it diverges.)
//!
//! One logit: Newton's method with step halving, whose Hessian is kept from step to step while it
//! serves, since the start is near the end. Many classes: the whole Hessian is too large, so L-BFGS
//! is preconditioned by its diagonal blocks, one per class. Both are made from some thousand rows:
//! they steer and do not decide.

use std::sync::atomic::AtomicBool;

use burn::tensor::{Device, Tensor};
use collegium_table::Matrix;
use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

use crate::{
    Dense, TrainError,
    kinds::linear::{Smooth, lbfgs, newton},
    tensors::{tensor, values},
    train::Targets,
};

/// Penalty on the squared distance from the present weights, in units of the mean loss.
pub(super) const RIDGE: f64 = 1e-3;
/// The bias is not held, only kept from running away.
const BIAS_RIDGE: f64 = 1e-8;
/// Half the squared Newton decrement in nats at which a refit is done: what 32 bits can tell.
const ENOUGH: f64 = 1e-7;
/// L-BFGS: most steps, and the largest slope left.
const STEPS: (u32, f64) = (12, 1e-4);
/// Rows that the Hessian is made from, at most.
const STEERING: usize = 2048;
/// Rows whose products are summed in 32 bits.
const CHUNK: usize = 2048;

/// Refits a readout. `start` maps features to raw outputs.
pub(super) fn refit(
    features: &Matrix,
    truth: &Targets,
    start: &Dense,
    interrupted: &AtomicBool,
) -> Result<Dense, TrainError> {
    let readout = Readout::new(features, truth, start);
    let theta = readout.start.clone();
    let theta = match readout.outputs {
        1 => newton::minimise_near(&readout, theta, ENOUGH, interrupted)?,
        _ => lbfgs::minimise(&readout, theta, STEPS, interrupted)?,
    };
    let (weight, bias) = theta.split_at(readout.inputs * readout.outputs);
    let narrow = |values: &[f64]| values.iter().map(|v| *v as f32).collect();
    Ok(Dense {
        inputs: start.inputs,
        outputs: start.outputs,
        weight: narrow(weight),
        bias: narrow(bias),
    })
}

/// Features with a column of ones, in chunks; parameters are (inputs + 1) × outputs, row-major, so
/// that the last row is the bias.
struct Readout<'a> {
    truth: &'a Targets<'a>,
    inputs: usize,
    outputs: usize,
    start: Vec<f64>,
    chunks: Vec<(std::ops::Range<usize>, Tensor<2>)>,
    device: Device,
    /// Of the Hessian's diagonal blocks at the start, for many classes.
    blocks: Vec<Cholesky<f64, Dyn>>,
}

impl<'a> Readout<'a> {
    fn new(features: &Matrix, truth: &'a Targets<'a>, start: &Dense) -> Self {
        let device = Device::flex();
        let width = features.width + 1;
        let chunks: Vec<_> = (0..features.rows)
            .step_by(CHUNK)
            .map(|from| {
                let range = from..(from + CHUNK).min(features.rows);
                let mut data = Vec::with_capacity(range.len() * width);
                for row in range.clone() {
                    data.extend_from_slice(features.row(row));
                    data.push(1.0);
                }
                let tensor = tensor(data, range.len(), width, &device);
                (range, tensor)
            })
            .collect();
        let wide = start.weight.iter().chain(&start.bias).map(|w| f64::from(*w)).collect();
        let mut readout = Self {
            truth,
            inputs: features.width,
            outputs: start.outputs,
            start: wide,
            chunks,
            device,
            blocks: Vec::new(),
        };
        if readout.outputs > 1 {
            readout.blocks = readout.diagonal_blocks();
        }
        readout
    }

    fn size(&self) -> usize {
        (self.inputs + 1) * self.outputs
    }

    fn penalty(&self, parameter: usize) -> f64 {
        if parameter < self.inputs * self.outputs { RIDGE } else { BIAS_RIDGE }
    }

    /// The chunks that steer, and the share of the rows that they are.
    fn steering(&self) -> (&[(std::ops::Range<usize>, Tensor<2>)], f64) {
        let most = self.chunks.len().min(STEERING.div_ceil(CHUNK));
        let rows = |chunks: &[(std::ops::Range<usize>, Tensor<2>)]| -> usize {
            chunks.iter().map(|(range, _)| range.len()).sum()
        };
        let some = &self.chunks[..most];
        (some, rows(some) as f64 / rows(&self.chunks).max(1) as f64)
    }

    /// One block per class, empty if one of them cannot be inverted.
    fn diagonal_blocks(&self) -> Vec<Cholesky<f64, Dyn>> {
        let width = self.inputs + 1;
        let (chunks, share) = self.steering();
        let logits: Vec<Vec<f32>> =
            chunks.iter().map(|(_, x)| self.logits(x, &self.start)).collect();
        let block = |class: usize| {
            let mut matrix = DMatrix::zeros(width, width);
            for ((range, x), logits) in chunks.iter().zip(&logits) {
                let rows = range.clone().zip(logits.chunks_exact(self.outputs));
                let curvature = rows.map(|(row, z)| {
                    let weight = self.truth.weight(row) / (self.truth.total() * share) as f32;
                    weight * self.truth.curvature(z, class, class)
                });
                self.add_product(&mut matrix, x, curvature);
            }
            for i in 0..width {
                matrix[(i, i)] += if i < self.inputs { RIDGE } else { 1e-6 };
            }
            symmetric(matrix).cholesky()
        };
        (0..self.outputs).map(block).collect::<Option<Vec<_>>>().unwrap_or_default()
    }

    /// Adds Xᵀ diag(curvature) X.
    fn add_product(
        &self,
        into: &mut DMatrix<f64>,
        x: &Tensor<2>,
        curvature: impl Iterator<Item = f32>,
    ) {
        let width = self.inputs + 1;
        let mut scaled = values(x.clone());
        let rows = scaled.len() / width;
        for (row, c) in scaled.chunks_exact_mut(width).zip(curvature) {
            row.iter_mut().for_each(|x| *x *= c);
        }
        let product = x.clone().transpose().matmul(tensor(scaled, rows, width, &self.device));
        for (cell, value) in into.iter_mut().zip(values(product)) {
            // Symmetric but for rounding, so rows may stand for columns.
            *cell += f64::from(value);
        }
    }

    fn logits(&self, x: &Tensor<2>, theta: &[f64]) -> Vec<f32> {
        let narrow = theta.iter().map(|t| *t as f32).collect();
        values(x.clone().matmul(tensor(narrow, self.inputs + 1, self.outputs, &self.device)))
    }
}

impl Smooth for Readout<'_> {
    fn evaluate(&self, theta: &[f64]) -> (f64, Vec<f64>) {
        let mut value = 0.0;
        let mut gradient = vec![0.0; self.size()];
        for (range, x) in &self.chunks {
            let logits = self.logits(x, theta);
            let mut delta = vec![0.0; logits.len()];
            let rows: Vec<u32> = range.clone().map(|row| row as u32).collect();
            value += self.truth.loss(&rows, &logits, Some(&mut delta));
            let delta = tensor(delta, range.len(), self.outputs, &self.device);
            let product = values(x.clone().transpose().matmul(delta));
            // `loss` gives the gradient of the chunk's mean.
            let scale = range.len() as f64;
            for (sum, g) in gradient.iter_mut().zip(product) {
                *sum += scale * f64::from(g);
            }
        }
        let total = self.truth.total();
        value /= total;
        for (i, g) in gradient.iter_mut().enumerate() {
            let away = theta[i] - self.start[i];
            *g = *g / total + self.penalty(i) * away;
            value += 0.5 * self.penalty(i) * away * away;
        }
        (value, gradient)
    }

    /// Of one logit or value.
    fn hessian(&self, theta: &[f64]) -> DMatrix<f64> {
        let mut hessian = DMatrix::zeros(self.size(), self.size());
        let (chunks, share) = self.steering();
        for (range, x) in chunks {
            let logits = self.logits(x, theta);
            let curvature = range.clone().zip(&logits).map(|(row, z)| {
                let weight = self.truth.weight(row) / (self.truth.total() * share) as f32;
                weight * self.truth.curvature(std::slice::from_ref(z), 0, 0)
            });
            self.add_product(&mut hessian, x, curvature);
        }
        for i in 0..self.size() {
            hessian[(i, i)] += self.penalty(i);
        }
        symmetric(hessian)
    }

    fn precondition(&self, v: &[f64]) -> Option<Vec<f64>> {
        if self.blocks.is_empty() {
            return None;
        }
        let mut out = vec![0.0; v.len()];
        for (class, block) in self.blocks.iter().enumerate() {
            let of_class = v.iter().skip(class).step_by(self.outputs).copied();
            let solved = block.solve(&DVector::from_iterator(self.inputs + 1, of_class));
            for (cell, value) in out.iter_mut().skip(class).step_by(self.outputs).zip(solved.iter())
            {
                *cell = *value;
            }
        }
        Some(out)
    }
}

fn symmetric(matrix: DMatrix<f64>) -> DMatrix<f64> {
    let transposed = matrix.transpose();
    (matrix + transposed) * 0.5
}
