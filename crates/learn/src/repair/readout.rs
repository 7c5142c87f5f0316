//! The last layer fitted again on fixed features.
//!
//! `Σ wᵢ ℓᵢ / Σ wᵢ + ½ ridge ‖θ − θ₀‖²` with θ₀ the present weights: convex, so it has one minimum, and
//! the penalty keeps what the rows do not speak about as it was. Products are burn's, in 32 bits;
//! what is added up over rows is in 64. Newton's method with step halving reaches the minimum in a
//! handful of steps. (A single step of iterated least squares was measured to be unsafe: it
//! diverges.) With many classes the Hessian is too large; L-BFGS then starts from the bound
//! ½ XᵀX ⪰ H of Böhning (1992), which knows how the features hang together.

use std::sync::atomic::AtomicBool;

use burn::tensor::{Device, Tensor, TensorData};
use collegium_data::Matrix;
use nalgebra::{Cholesky, DMatrix, Dyn};

use crate::{
    Dense, TrainError,
    linear::{Smooth, lbfgs, newton},
    train::Truth,
};

/// Penalty on the squared distance from the present weights, in units of the mean loss.
pub(super) const RIDGE: f64 = 1e-3;
/// The bias is not held, only kept from running away.
const BIAS_RIDGE: f64 = 1e-8;
/// Half the squared Newton decrement in nats at which a refit is done: what 32 bits can tell.
const ENOUGH: f64 = 1e-7;
/// L-BFGS: most steps, and the largest slope left.
const STEPS: (u32, f64) = (60, 1e-4);
/// Most parameters for Newton's method.
const NEWTON_PARAMETERS: usize = 400;
/// Rows whose products are summed in 32 bits.
const CHUNK: usize = 4096;

/// Refits a readout. `start` maps features to raw outputs.
pub(super) fn refit(
    features: &Matrix,
    truth: &Truth,
    start: &Dense,
    interrupted: &AtomicBool,
) -> Result<Dense, TrainError> {
    let readout = Readout::new(features, truth, start);
    let theta = readout.start.clone();
    let theta = if readout.size() <= NEWTON_PARAMETERS {
        newton::minimise(&readout, theta, ENOUGH, interrupted)?
    } else {
        lbfgs::minimise(&readout, theta, STEPS, interrupted)?
    };
    let (weight, bias) = theta.split_at(readout.inputs * readout.outputs);
    let narrow = |values: &[f64]| values.iter().map(|v| *v as f32).collect();
    Ok(Dense { inputs: start.inputs, outputs: start.outputs, weight: narrow(weight), bias: narrow(bias) })
}

/// Features with a column of ones, in chunks; parameters are (inputs + 1) × outputs, row-major, so
/// that the last row is the bias.
struct Readout<'a> {
    truth: &'a Truth<'a>,
    inputs: usize,
    outputs: usize,
    start: Vec<f64>,
    chunks: Vec<(std::ops::Range<usize>, Tensor<2>)>,
    device: Device,
    /// Of ½ XᵀX + ridge, for many classes.
    bound: Option<Cholesky<f64, Dyn>>,
}

impl<'a> Readout<'a> {
    fn new(features: &Matrix, truth: &'a Truth<'a>, start: &Dense) -> Self {
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
            bound: None,
        };
        if readout.size() > NEWTON_PARAMETERS {
            readout.bound = readout.bounded();
        }
        readout
    }

    fn size(&self) -> usize {
        (self.inputs + 1) * self.outputs
    }

    fn penalty(&self, parameter: usize) -> f64 {
        if parameter < self.inputs * self.outputs { RIDGE } else { BIAS_RIDGE }
    }

    fn bounded(&self) -> Option<Cholesky<f64, Dyn>> {
        let width = self.inputs + 1;
        let mut matrix = DMatrix::zeros(width, width);
        for (range, x) in &self.chunks {
            let weights = range.clone().map(|row| 0.5 * f64::from(self.truth.weight(row)));
            self.add_product(&mut matrix, x, weights.map(|w| (w / self.truth.total()) as f32));
        }
        for i in 0..width {
            matrix[(i, i)] += if i < self.inputs { RIDGE } else { 1e-6 };
        }
        symmetric(matrix).cholesky()
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

    fn hessian(&self, theta: &[f64]) -> DMatrix<f64> {
        let (width, outputs, size) = (self.inputs + 1, self.outputs, self.size());
        let mut hessian = DMatrix::zeros(size, size);
        for (range, x) in &self.chunks {
            let logits = self.logits(x, theta);
            for a in 0..outputs {
                for b in a..outputs {
                    let mut block = DMatrix::zeros(width, width);
                    let curvature = range.clone().zip(logits.chunks_exact(outputs)).map(|(row, z)| {
                        let weight = self.truth.weight(row) / self.truth.total() as f32;
                        weight * self.truth.curvature(z, a, b)
                    });
                    self.add_product(&mut block, x, curvature);
                    for i in 0..width {
                        for j in 0..width {
                            hessian[(i * outputs + a, j * outputs + b)] += block[(i, j)];
                            if a != b {
                                hessian[(j * outputs + b, i * outputs + a)] += block[(i, j)];
                            }
                        }
                    }
                }
            }
        }
        for i in 0..size {
            hessian[(i, i)] += self.penalty(i);
        }
        symmetric(hessian)
    }

    fn precondition(&self, v: &[f64]) -> Option<Vec<f64>> {
        let bound = self.bound.as_ref()?;
        // Parameters are row-major, nalgebra's matrices column-major.
        let v = DMatrix::from_row_slice(self.inputs + 1, self.outputs, v);
        Some(bound.solve(&v).transpose().iter().copied().collect())
    }
}

fn symmetric(matrix: DMatrix<f64>) -> DMatrix<f64> {
    let transposed = matrix.transpose();
    (matrix + transposed) * 0.5
}

fn tensor(values: Vec<f32>, rows: usize, columns: usize, device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values, [rows, columns]), device)
}

fn values(tensor: Tensor<2>) -> Vec<f32> {
    let data = tensor.into_data();
    data.iter::<f32>().collect()
}
