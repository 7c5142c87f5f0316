//! A small rectifier network with Adam, so that what is measured on learned weights is measured on
//! weights that learned something.

#![allow(dead_code, missing_docs, unreachable_pub, reason = "each of several tests uses a part")]

pub mod worlds;

use collegium_digest::{Digest, stream};
use nalgebra::DMatrix;
use rand::RngExt as _;

/// Rows of uniform values on [−√3, √3): mean 0, variance 1. `width × rows`, a row is a column.
pub fn uniform(rows: usize, width: usize, name: &str) -> DMatrix<f64> {
    let mut random = stream(&Digest::of(name.as_bytes()), "rows");
    DMatrix::from_fn(width, rows, |_, _| (random.random::<f64>() * 2.0 - 1.0) * 3_f64.sqrt())
}

/// What the outputs are compared with.
pub enum Target<'a> {
    /// One output, squared error.
    Value(&'a [f64]),
    /// An output per class, log loss of the softmax.
    Class(&'a [u32]),
}

/// Weights `inputs × units` and biases, layer after layer.
#[derive(Clone)]
pub struct Network {
    pub weights: Vec<DMatrix<f64>>,
    pub biases: Vec<DMatrix<f64>>,
}

impl Network {
    /// Initial weights uniform on ±√(6/inputs) (He), halved for the last layer; biases 0.
    pub fn new(sizes: &[usize], seed: &str) -> Self {
        let mut random = stream(&Digest::of(seed.as_bytes()), "weights");
        let last = sizes.len() - 2;
        let weights = (0..=last)
            .map(|layer| {
                let (inputs, units) = (sizes[layer], sizes[layer + 1]);
                let part = if layer == last { 0.5 } else { 1.0 };
                let bound = (6.0 / inputs as f64).sqrt() * part;
                DMatrix::from_fn(inputs, units, |_, _| (random.random::<f64>() * 2.0 - 1.0) * bound)
            })
            .collect();
        let biases = sizes[1..].iter().map(|&units| DMatrix::zeros(units, 1)).collect();
        Self { weights, biases }
    }

    /// Activations of every layer, the inputs first and the outputs last, `units × rows`.
    pub fn forward(&self, x: &DMatrix<f64>) -> Vec<DMatrix<f64>> {
        let mut all = vec![x.clone()];
        for (layer, (weight, bias)) in self.weights.iter().zip(&self.biases).enumerate() {
            let mut z = weight.tr_mul(&all[layer]);
            for mut column in z.column_iter_mut() {
                column += bias;
            }
            if layer + 1 < self.weights.len() {
                z.apply(|v| *v = v.max(0.0));
            }
            all.push(z);
        }
        all
    }

    /// Gradients with respect to each layer's pre-activations, of Σ (`slope` ⊙ outputs).
    pub fn backward(&self, activations: &[DMatrix<f64>], slope: DMatrix<f64>) -> Vec<DMatrix<f64>> {
        let mut all = vec![slope];
        for layer in (1..self.weights.len()).rev() {
            let back = &self.weights[layer] * &all[0];
            all.insert(0, back.zip_map(&activations[layer], |g, a| if a > 0.0 { g } else { 0.0 }));
        }
        all
    }

    /// Adam (step .005 falling to 0, ε 1e-8) in batches of 32, rows drawn anew every epoch.
    pub fn train(
        &mut self,
        x: &DMatrix<f64>,
        target: &Target<'_>,
        epochs: usize,
        decay: f64,
        seed: &str,
    ) {
        let mut random = stream(&Digest::of(seed.as_bytes()), "shuffle");
        let zeros = |of: &[DMatrix<f64>]| -> Vec<[DMatrix<f64>; 2]> {
            of.iter().map(|m| [m * 0.0, m * 0.0]).collect()
        };
        let (mut of_weights, mut of_biases) = (zeros(&self.weights), zeros(&self.biases));
        let rows = x.ncols();
        let mut order: Vec<usize> = (0..rows).collect();
        let steps = epochs * rows.div_ceil(32);
        let mut step = 0;
        for _ in 0..epochs {
            for i in (1..rows).rev() {
                order.swap(i, random.random_range(0..=i));
            }
            for batch in order.chunks(32) {
                step += 1;
                let activations = self.forward(&x.select_columns(batch));
                let slope = residual(&activations[self.weights.len()], target, batch);
                let back = self.backward(&activations, slope / batch.len() as f64);
                let rate = 0.005 * (1.0 - step as f64 / (steps + 1) as f64);
                for (layer, back) in back.iter().enumerate() {
                    let gradient =
                        &activations[layer] * back.transpose() + &self.weights[layer] * decay;
                    adam(&mut self.weights[layer], &mut of_weights[layer], &gradient, rate, step);
                    let gradient =
                        DMatrix::from_column_slice(back.nrows(), 1, back.column_sum().as_slice());
                    adam(&mut self.biases[layer], &mut of_biases[layer], &gradient, rate, step);
                }
            }
        }
    }
}

fn residual(outputs: &DMatrix<f64>, target: &Target<'_>, batch: &[usize]) -> DMatrix<f64> {
    match target {
        Target::Value(y) => DMatrix::from_fn(1, batch.len(), |_, i| outputs[(0, i)] - y[batch[i]]),
        Target::Class(y) => {
            let mut p = outputs.map(f64::exp);
            for (mut column, &row) in p.column_iter_mut().zip(batch) {
                let sum = column.sum();
                column.unscale_mut(sum);
                column[y[row] as usize] -= 1.0;
            }
            p
        }
    }
}

fn adam(
    value: &mut DMatrix<f64>,
    [mean, square]: &mut [DMatrix<f64>; 2],
    gradient: &DMatrix<f64>,
    rate: f64,
    step: usize,
) {
    let power = i32::try_from(step).unwrap_or(i32::MAX);
    let rate = rate * (1.0 - 0.999_f64.powi(power)).sqrt() / (1.0 - 0.9_f64.powi(power));
    for (((value, mean), square), g) in
        value.iter_mut().zip(mean.iter_mut()).zip(square.iter_mut()).zip(gradient.iter())
    {
        *mean += 0.1 * (g - *mean);
        *square += 0.001 * (g * g - *square);
        *value -= rate * *mean / (square.sqrt() + 1e-8);
    }
}
