//! Exact derivatives of the raw outputs by the encoded inputs.
//!
//! Forward once, keeping each hidden unit's slope; then back from the head, one row of the Jacobian
//! per output: J ← (J ∘ slope) · Wᵀ. Everything runs through the kernel of the forward pass.

use collegium_data::Matrix;

use crate::{Dense, Network, kernel};

/// Rows whose slopes are held at once.
const CHUNK: usize = 64;

impl Network {
    /// Calls `visit` for every row, in order, with its Jacobian: outputs × inputs, row-major.
    ///
    /// The derivative of ReLU at 0 is taken as 0.
    ///
    /// # Panics
    /// If the rows have another width than [`inputs`](Self::inputs).
    pub fn jacobians(&self, x: &Matrix, visit: &mut dyn FnMut(usize, &[f32])) {
        assert_eq!(x.width, self.inputs(), "rows must be as wide as the network's inputs");
        let Some((head, hidden)) = self.layers.split_last() else { return };
        let back: Vec<Dense> = hidden.iter().map(Dense::transposed).collect();
        let seed = head.transposed().weight;
        let mut slopes: Vec<Vec<f32>> = vec![Vec::new(); hidden.len()];
        let (mut from, mut to) = (Vec::new(), Vec::new());
        for start in (0..x.rows).step_by(CHUNK) {
            let rows = CHUNK.min(x.rows - start);
            from.clear();
            from.extend_from_slice(&x.data[start * x.width..(start + rows) * x.width]);
            for (layer, slope) in hidden.iter().zip(&mut slopes) {
                to.resize(rows * layer.outputs, 0.0);
                slope.resize(rows * layer.outputs, 0.0);
                kernel::dense(&from, layer, &mut to);
                kernel::activate_with_slope(self.activation, &mut to, slope);
                std::mem::swap(&mut from, &mut to);
            }
            from.clear();
            (0..rows).for_each(|_| from.extend_from_slice(&seed));
            for (layer, slope) in back.iter().zip(&slopes).rev() {
                let units = layer.inputs;
                for (j, slope) in from
                    .chunks_exact_mut(head.outputs * units)
                    .zip(slope.chunks_exact(units))
                    .flat_map(|(j, slope)| j.chunks_exact_mut(units).map(move |j| (j, slope)))
                {
                    j.iter_mut().zip(slope).for_each(|(j, slope)| *j *= slope);
                }
                to.resize(rows * head.outputs * layer.outputs, 0.0);
                kernel::dense(&from, layer, &mut to);
                std::mem::swap(&mut from, &mut to);
            }
            let size = head.outputs * x.width;
            for row in 0..rows {
                visit(start + row, &from[row * size..(row + 1) * size]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use collegium_digest::Digest;
    use collegium_manifest::spec::Activation;
    use proptest::prelude::*;

    use super::*;
    use crate::init;

    /// The forward pass in 64 bits, to take differences of; and how near a hidden unit is to 0,
    /// where ReLU has a kink and no derivative.
    fn forward(network: &Network, x: &[f64]) -> (Vec<f64>, f64) {
        let mut x = x.to_vec();
        let mut nearest = f64::INFINITY;
        for (i, layer) in network.layers.iter().enumerate() {
            let z = (0..layer.outputs).map(|o| {
                let products = (0..layer.inputs)
                    .map(|k| x[k] * f64::from(layer.weight[k * layer.outputs + o]));
                f64::from(layer.bias[o]) + products.sum::<f64>()
            });
            let last = i + 1 == network.layers.len();
            x = z
                .inspect(|z| nearest = if last { nearest } else { nearest.min(z.abs()) })
                .map(|z| match network.activation {
                    _ if last => z,
                    Activation::Relu => z.max(0.0),
                    Activation::Tanh => z.tanh(),
                    Activation::Gelu => {
                        let inner =
                            (2.0 / std::f64::consts::PI).sqrt() * (z + 0.044715 * z.powi(3));
                        0.5 * z * (1.0 + inner.tanh())
                    }
                })
                .collect();
        }
        (x, nearest)
    }

    proptest! {
        #[test]
        fn the_jacobian_matches_finite_differences(
            seed in any::<u64>(), hidden in 0usize..3, rows in 1usize..70,
        ) {
            let key = Digest::of(&seed.to_le_bytes());
            for activation in [Activation::Relu, Activation::Tanh, Activation::Gelu] {
                let mut widths = vec![3];
                widths.extend([11, 6].iter().take(hidden));
                widths.push(2);
                let network = init::fresh(&widths, activation, &key);
                let data = init::fresh(&[rows, 3], Activation::Tanh, &key).layers[0].weight.clone();
                let x = Matrix { rows, width: 3, data };
                let mut seen = Vec::new();
                network.jacobians(&x, &mut |row, jacobian| {
                    seen.push(row);
                    let point: Vec<f64> = x.row(row).iter().map(|v| f64::from(*v)).collect();
                    if activation == Activation::Relu && forward(&network, &point).1 < 1e-5 {
                        return;
                    }
                    for input in 0..3 {
                        let h = 1e-7;
                        let moved = |by: f64| {
                            let mut point = point.clone();
                            point[input] += by;
                            forward(&network, &point).0
                        };
                        let (up, down) = (moved(h), moved(-h));
                        for output in 0..2 {
                            let slope = (up[output] - down[output]) / (2.0 * h);
                            let exact = f64::from(jacobian[output * 3 + input]);
                            assert!((slope - exact).abs() < 1e-4, "{activation:?} {slope} {exact}");
                        }
                    }
                });
                prop_assert_eq!(seen, (0..rows).collect::<Vec<_>>());
            }
        }
    }
}
