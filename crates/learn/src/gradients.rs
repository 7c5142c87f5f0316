//! Vector–Jacobian products (vjp) of a network: exact derivatives of the raw outputs, at every layer at once.
//!
//! Forward once, keeping what each layer was given and each hidden unit's slope; then back from the
//! seeds, one cotangent per row of the Jacobian: δ_L = seed, δ_{l−1} = (δ_l W_lᵀ) ∘ φ'. What comes of
//! it per chunk of rows are B_l = ∂f/∂z_l at the pre-activations z_l of every layer.
//!
//! The Jacobian at a layer's input is B_l W_lᵀ, and wide. Most of what a probe wants does not need
//! it: with K = 1/n Σ BᵀB the average gradient outer product is W K Wᵀ, exactly, so the sum over rows
//! is taken in hidden space ([`Swept::gram`]); and what does need single rows needs them through a
//! [`Lens`], a matrix that is multiplied into the weights once and not into every row.
//!
//! Forward, products are burn's; back, they leave out the units without a slope ([`Gradients`]). Both
//! are fused and in an order that depends on the processor: a probe is a measurement and need not
//! repeat training's bits, as prediction must.

use std::cell::OnceCell;

use burn::tensor::Tensor;
use collegium_digest::{Hasher, stream};
use collegium_table::Matrix;
use nalgebra::DMatrix;
use rand::Rng as _;

use crate::{
    Dense, Network,
    active::{Gradients, Panels},
    tensors::{tensor, values},
    train::{Pass, Tape},
};

/// Cotangents that go back together: enough for a matrix product to be worth its call, few enough
/// for a chunk's hidden gradients to stay in cache.
const CHUNK: usize = 512;

/// Outputs whose gradients are taken one by one, at most. Of more, a row has [`SKETCHES`] random
/// combinations of them, since as many cotangents as outputs, each as wide, cost their square.
pub const MOST_OUTPUTS: usize = 64;

/// Random combinations of the outputs for each row: about 35 % off for one row, and 1 % in the mean of a
/// thousand, each of which has its own.
pub const SKETCHES: usize = 16;

/// Rows of a symmetric product that are taken together.
const BAND: usize = 128;

/// What is pulled back.
#[derive(Debug, Clone, Copy)]
pub enum Seeds<'a> {
    /// Each raw output by itself: the Jacobian.
    Outputs,
    /// Each raw output less the mean over all: softmax does not see a shift that all logits share. A
    /// single output is left as it is.
    Centred,
    /// Of each row [`SKETCHES`] random combinations of its raw outputs less their mean, by [`sketches`]: the
    /// mean of their outer products is that of [`Self::Centred`].
    Sketched,
    /// Given cotangents of the raw outputs: rows × `each` × outputs.
    Given {
        /// In that order.
        values: &'a [f32],
        /// Cotangents per row.
        each: usize,
    },
    /// Given cotangents of the last hidden layer's activations: rows × `each` × units. For a network
    /// without hidden layers those are its inputs.
    Embedding {
        /// In that order.
        values: &'a [f32],
        /// Cotangents per row.
        each: usize,
    },
}

impl Seeds<'_> {
    /// Cotangents per row of a network.
    pub fn each(&self, network: &Network) -> usize {
        match self {
            Self::Outputs | Self::Centred => network.outputs(),
            Self::Sketched => SKETCHES,
            Self::Given { each, .. } | Self::Embedding { each, .. } => *each,
        }
    }

    /// Those of some rows, rows · each × width, into a buffer.
    fn fill(&self, start: usize, rows: usize, outputs: usize, into: &mut Vec<f32>) {
        into.clear();
        match self {
            Self::Given { values, each } | Self::Embedding { values, each } => {
                let width = outputs;
                into.extend_from_slice(
                    &values[start * each * width..(start + rows) * each * width],
                );
            }
            Self::Sketched => (start..start + rows).for_each(|row| sketch(row, outputs, into)),
            Self::Outputs | Self::Centred => {
                let shift = match self {
                    Self::Centred if outputs > 1 => 1.0 / outputs as f32,
                    _ => 0.0,
                };
                let one = (0..outputs * outputs)
                    .map(|i| f32::from(u8::from(i / outputs == i % outputs)) - shift);
                into.extend(one);
                let size = into.len();
                (1..rows).for_each(|_| into.extend_from_within(..size));
            }
        }
    }
}

/// The random combinations of a row's outputs, by its place among the rows: [`SKETCHES`] × outputs, row-major. Their signs
/// are random, their mean is 0, and all of them have the weight of one.
pub fn sketches(row: usize, outputs: usize) -> Vec<f32> {
    let mut found = Vec::with_capacity(SKETCHES * outputs);
    sketch(row, outputs, &mut found);
    found
}

fn sketch(row: usize, outputs: usize, into: &mut Vec<f32>) {
    let mut signs = stream(&Hasher::new("sketch of outputs").count(row as u64).finish(), "signs");
    let size = 1.0 / (SKETCHES as f32).sqrt();
    for _ in 0..SKETCHES {
        let from = into.len();
        while into.len() < from + outputs {
            let bits = signs.next_u32();
            let left = (from + outputs - into.len()).min(32);
            into.extend((0..left).map(|bit| if bits >> bit & 1 == 0 { size } else { -size }));
        }
        let mean = into[from..].iter().sum::<f32>() / outputs as f32;
        into[from..].iter_mut().for_each(|value| *value -= mean);
    }
}

/// Columns that gradients at the network's inputs are projected on: see [`Network::lens`].
pub struct Lens {
    /// Units of the first layer × columns; inputs × columns where the network has a front.
    weight: Panels,
}

/// A chunk of rows with their gradients.
pub struct Swept<'a> {
    /// Its first row.
    pub start: usize,
    /// Its rows.
    pub rows: usize,
    /// Cotangents per row.
    pub each: usize,
    network: &'a Network,
    /// The encoded rows.
    x: &'a [f32],
    /// Input of each layer, the rows themselves first.
    activations: &'a [Tensor<2>],
    /// At the pre-activations of each layer.
    gradients: &'a [Gradients],
    /// The weights of every layer but the first, transposed.
    weights: &'a [Panels],
    /// The first layer's weights transposed, once somebody asks for gradients at the inputs.
    to_inputs: &'a OnceCell<Panels>,
}

impl Swept<'_> {
    /// Σ BᵀB over the rows and cotangents of the chunk, at a layer's pre-activations: units × units,
    /// row-major. Layer 0 is the first.
    pub fn gram(&self, layer: usize) -> Vec<f32> {
        self.gradients[layer].gram()
    }

    /// The same at a layer's inputs, where these are narrower than its outputs: inputs × inputs. Not of the first
    /// layer.
    pub fn gram_before(&self, layer: usize) -> Vec<f32> {
        let mut before = Gradients::new(self.each, self.network.layers[layer].inputs);
        before.set(self.gradients[layer].times(&self.weights[layer - 1]));
        before.gram()
    }

    /// Gradients at the network's inputs through a lens: (rows · each) × columns, row-major.
    pub fn through(&self, lens: &Lens) -> Vec<f32> {
        let mut into = Vec::new();
        self.through_into(lens, &mut into);
        into
    }

    /// The same into a buffer, which may be kept from chunk to chunk.
    pub fn through_into(&self, lens: &Lens, into: &mut Vec<f32>) {
        if self.network.front.is_none() {
            return self.gradients[0].times_into(&lens.weight, into);
        }
        let mut at_inputs = Gradients::new(self.each, self.network.inputs());
        at_inputs.set(self.at_inputs());
        at_inputs.times_into(&lens.weight, into);
    }

    /// Gradients at the network's inputs: (rows · each) × inputs, row-major.
    pub fn at_inputs(&self) -> Vec<f32> {
        let weight = self.to_inputs.get_or_init(|| self.network.layers[0].transposed());
        let wide = self.gradients[0].times(weight);
        match &self.network.front {
            Some(front) => front.pull_back(self.x, &wide, self.each),
            None => wide,
        }
    }

    /// What a layer was given: rows × its inputs, row-major; for layer 0 the rows as they are widened.
    pub fn activations(&self, layer: usize) -> Vec<f32> {
        values(self.activations[layer].clone())
    }
}

impl Network {
    /// Prepares a lens from `inputs × width` columns, row-major: gradients g at the inputs become
    /// gᵀ·columns.
    ///
    /// # Panics
    /// If there are not `inputs × width` values.
    pub fn lens(&self, columns: &[f32], width: usize) -> Lens {
        assert_eq!(columns.len(), self.inputs() * width, "a row of the lens for every input");
        let units = self.layers.first().map_or(0, |layer| layer.outputs);
        if self.front.is_some() {
            // What a unit of the first layer sees of an input differs from row to row.
            let column = |input: usize, column: usize| columns[input * width + column];
            return Lens { weight: Panels::new(self.inputs(), width, column) };
        }
        if columns.is_empty() {
            return Lens { weight: Panels::new(units, 0, |_, _| 0.0) };
        }
        // A frame's columns are 0 outside of their inputs: each is a row with few active units.
        let mut rows = Gradients::new(1, self.inputs());
        rows.set(transposed(columns, width));
        let into = &self.layers[0].weight;
        let weight =
            rows.times(&Panels::new(self.inputs(), units, |i, unit| into[i * units + unit]));
        Lens { weight: Panels::new(units, width, |unit, column| weight[column * units + unit]) }
    }

    /// Calls `visit` for chunk after chunk of the rows, in order, with their gradients.
    ///
    /// The derivative of ReLU at 0 is taken as 0.
    ///
    /// # Panics
    /// If the rows have another width than [`inputs`](Self::inputs), or seeds another length than
    /// they should.
    pub fn sweep(&self, x: &Matrix, seeds: Seeds, visit: &mut dyn FnMut(&Swept)) {
        assert_eq!(x.width, self.inputs(), "rows must be as wide as the network's inputs");
        let each = seeds.each(self);
        if each == 0 || self.layers.is_empty() || x.width == 0 {
            return;
        }
        let from_embedding = matches!(seeds, Seeds::Embedding { .. });
        let width = match from_embedding {
            true => self.layers.last().map_or(0, |layer| layer.inputs),
            false => self.outputs(),
        };
        let pass = Pass::new(self);
        let mut tape = Tape::new(self, None);
        let weights: Vec<Panels> = self.layers[1..].iter().map(Dense::transposed).collect();
        let to_inputs = OnceCell::new();
        let of_layer = |layer: &Dense| Gradients::new(each, layer.outputs);
        let mut gradients: Vec<Gradients> = self.layers.iter().map(of_layer).collect();
        let chunk = (CHUNK / each).max(1);
        for start in (0..x.rows).step_by(chunk) {
            let rows = chunk.min(x.rows - start);
            let of = &x.data[start * x.width..(start + rows) * x.width];
            pass.forward(self.widened(of.to_vec()), rows, Some(&mut tape));
            let seeded = gradients.len() - 1 - usize::from(from_embedding && gradients.len() > 1);
            let mut seed = gradients[seeded].buffer();
            seeds.fill(start, rows, width, &mut seed);
            back(&mut gradients, &weights, &tape.slopes, seed, from_embedding);
            visit(&Swept {
                start,
                rows,
                each,
                network: self,
                x: of,
                activations: &tape.activations,
                gradients: &gradients,
                weights: &weights,
                to_inputs: &to_inputs,
            });
        }
    }

    /// W K Wᵀ of a layer's weights and a gram at its pre-activations: the average outer product of
    /// gradients at the layer's input, inputs × inputs, row-major.
    ///
    /// # Panics
    /// If there is no such layer or the gram is not units × units.
    pub fn lifted(&self, layer: usize, gram: &DMatrix<f64>) -> Vec<f32> {
        let Dense { inputs, outputs: units, .. } = self.layers[layer];
        assert_eq!(gram.shape(), (units, units), "a gram of the layer's units");
        let pass = Pass::new(self);
        let weight = pass.weight(layer);
        let gram = tensor(gram.iter().map(|v| *v as f32).collect(), units, units, &pass.device);
        let half = weight.clone().matmul(gram);
        let mut lifted = vec![0.0; inputs * inputs];
        // Symmetric: what is right of a band's diagonal block is below another's.
        for first in (0..inputs).step_by(BAND) {
            let end = inputs.min(first + BAND);
            let left = weight.clone().narrow(0, 0, end).transpose();
            let band = values(half.clone().narrow(0, first, end - first).matmul(left));
            for (row, values) in (first..end).zip(band.chunks_exact(end)) {
                lifted[row * inputs..][..end].copy_from_slice(values);
            }
            for column in 0..first {
                let values = band[column..].iter().step_by(end);
                let mirrored = &mut lifted[column * inputs + first..][..end - first];
                mirrored.iter_mut().zip(values).for_each(|(to, value)| *to = *value);
            }
        }
        lifted
    }

    /// Calls `visit` for every row, in order, with its Jacobian: outputs × inputs, row-major.
    ///
    /// # Panics
    /// If the rows have another width than [`inputs`](Self::inputs).
    pub fn jacobians(&self, x: &Matrix, visit: &mut dyn FnMut(usize, &[f32])) {
        self.sweep(x, Seeds::Outputs, &mut |swept| {
            let size = swept.each * x.width;
            for (row, jacobian) in swept.at_inputs().chunks_exact(size).enumerate() {
                visit(swept.start + row, jacobian);
            }
        });
    }
}

impl Dense {
    /// Wᵀ, for gradients at the outputs.
    fn transposed(&self) -> Panels {
        let weight = |output: usize, input: usize| self.weight[input * self.outputs + output];
        Panels::new(self.outputs, self.inputs, weight)
    }
}

/// Column after column of a row-major matrix.
fn transposed(values: &[f32], width: usize) -> Vec<f32> {
    let mut columns = Vec::with_capacity(values.len());
    (0..width).for_each(|column| columns.extend(values[column..].iter().step_by(width)));
    columns
}

/// B_l of every layer, the first layer first, from seeds at the last; `weights` are those behind the
/// first layer, transposed. From an embedding the last is left empty: nothing went through the head.
fn back(
    gradients: &mut [Gradients],
    weights: &[Panels],
    slopes: &[Vec<f32>],
    seed: Vec<f32>,
    from_embedding: bool,
) {
    let mut last = gradients.len() - 1;
    if !from_embedding {
        gradients[last].set(seed);
    } else if last > 0 {
        last -= 1;
        gradients[last].set_through(seed, &slopes[last]);
    }
    for i in (0..last).rev() {
        let (below, above) = gradients.split_at_mut(i + 1);
        below[i].pull_back(&above[0], &weights[i], &slopes[i]);
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
                    Activation::Silu => z / (1.0 + (-z).exp()),
                    Activation::Selu if z > 0.0 => 1.050_701 * z,
                    Activation::Selu => 1.050_701 * 1.673_263_2 * z.exp_m1(),
                    Activation::Mish => z * z.exp().ln_1p().tanh(),
                })
                .collect();
        }
        (x, nearest)
    }

    fn data(rows: usize, width: usize, name: &[u8]) -> Matrix {
        let data = init::fresh(&[rows, width], Activation::Tanh, &Digest::of(name)).layers[0]
            .weight
            .iter()
            .map(|w| w * (rows as f32).sqrt())
            .collect();
        Matrix { rows, width, data }
    }

    fn all(network: &Network, x: &Matrix, seeds: Seeds) -> Vec<f32> {
        let mut all = Vec::new();
        network.sweep(x, seeds, &mut |swept| all.extend(swept.at_inputs()));
        all
    }

    #[test]
    fn a_shift_that_all_logits_share_is_nobodys_gradient() {
        let network = init::fresh(&[3, 8, 4], Activation::Tanh, &Digest::of(b"w"));
        let mut shifted = network.clone();
        // The same number into every logit, from every hidden unit.
        shifted.layers[1].weight.chunks_exact_mut(4).enumerate().for_each(|(unit, row)| {
            row.iter_mut().for_each(|w| *w += unit as f32);
        });
        let x = data(40, 3, b"x");
        let plain = all(&network, &x, Seeds::Centred);
        for (a, b) in plain.iter().zip(all(&shifted, &x, Seeds::Centred)) {
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
        assert_ne!(all(&network, &x, Seeds::Outputs), plain);
        // One output has no other to share a shift with.
        let one = init::fresh(&[3, 8, 1], Activation::Tanh, &Digest::of(b"w"));
        assert_eq!(all(&one, &x, Seeds::Outputs), all(&one, &x, Seeds::Centred));
    }

    #[test]
    fn given_cotangents_combine_the_rows_of_the_jacobian() {
        let network = init::fresh(&[3, 8, 5, 2], Activation::Gelu, &Digest::of(b"w"));
        let x = data(30, 3, b"x");
        let jacobian = all(&network, &x, Seeds::Outputs);
        let values: Vec<f32> = (0..30 * 3 * 2).map(|i| (i % 7) as f32 - 3.0).collect();
        let found = all(&network, &x, Seeds::Given { values: &values, each: 3 });
        for row in 0..30 {
            for k in 0..3 {
                for input in 0..3 {
                    let expected: f32 = (0..2)
                        .map(|o| {
                            values[(row * 3 + k) * 2 + o] * jacobian[(row * 2 + o) * 3 + input]
                        })
                        .sum();
                    let found = found[(row * 3 + k) * 3 + input];
                    assert!((found - expected).abs() < 1e-4, "{found} {expected}");
                }
            }
        }
        // Through the embedding: the head's weights as cotangents are the Jacobian again.
        let head = &network.layers[2];
        let of_head: Vec<f32> = (0..2)
            .flat_map(|o| (0..5).map(move |unit| head.weight[unit * 2 + o]))
            .collect::<Vec<f32>>()
            .repeat(30);
        let through = all(&network, &x, Seeds::Embedding { values: &of_head, each: 2 });
        for (a, b) in jacobian.iter().zip(through) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
    }

    #[test]
    fn random_combinations_of_many_outputs_have_the_outer_products_of_all_in_the_mean() {
        let network = init::fresh(&[5, 12, 200], Activation::Tanh, &Digest::of(b"w"));
        // Of so many rows that a biased combination would stand out of the noise, which falls as 1/√rows.
        let x = data(9_600, 5, b"x");
        let grams = |seeds: Seeds| {
            let (mut first, mut head) = (vec![0.0f64; 144], vec![0.0f64; 144]);
            network.sweep(&x, seeds, &mut |swept| {
                assert_eq!(swept.each, seeds.each(&network));
                first.iter_mut().zip(swept.gram(0)).for_each(|(sum, v)| *sum += f64::from(v));
                head.iter_mut().zip(swept.gram_before(1)).for_each(|(sum, v)| *sum += f64::from(v));
            });
            (first, head)
        };
        let ((exact, head), (drawn, head_drawn)) = (grams(Seeds::Centred), grams(Seeds::Sketched));
        for (exact, drawn) in [(exact, drawn), (head, head_drawn)] {
            let size: f64 = exact.iter().map(|v| v * v).sum::<f64>().sqrt();
            let off = exact.iter().zip(&drawn).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
            assert!(size > 0.0 && off < 0.02 * size, "{}", off / size);
        }
        // Of every row others, and always the same.
        assert_eq!(sketches(7, 200), sketches(7, 200));
        assert_ne!(sketches(7, 200), sketches(8, 200));
        for one in sketches(7, 200).chunks(200) {
            assert!(one.iter().sum::<f32>().abs() < 1e-4);
        }
    }

    #[test]
    fn grams_and_lenses_are_those_of_the_jacobian() {
        // More gradients than a chunk holds.
        let network = init::fresh(&[6, 9, 3], Activation::Relu, &Digest::of(b"w"));
        let x = data(700, 6, b"x");
        let columns: Vec<f32> = (0..6 * 2).map(|i| (i % 5) as f32 - 2.0).collect();
        let lens = network.lens(&columns, 2);
        let mut gram = vec![0.0f64; 81];
        let mut seen = Vec::new();
        network.sweep(&x, Seeds::Outputs, &mut |swept| {
            gram.iter_mut().zip(swept.gram(0)).for_each(|(sum, v)| *sum += f64::from(v));
            seen.extend(swept.through(&lens));
        });
        let jacobian = all(&network, &x, Seeds::Outputs);
        let weight = |i: usize, unit: usize| f64::from(network.layers[0].weight[i * 9 + unit]);
        for a in 0..6 {
            for b in 0..6 {
                let direct: f64 =
                    jacobian.chunks(6).map(|g| f64::from(g[a]) * f64::from(g[b])).sum();
                let lifted: f64 = (0..9)
                    .flat_map(|u| (0..9).map(move |v| (u, v)))
                    .map(|(u, v)| weight(a, u) * gram[u * 9 + v] * weight(b, v))
                    .sum();
                assert!((direct - lifted).abs() < 1e-2 * direct.abs().max(1.0));
            }
        }
        for (g, through) in jacobian.chunks(6).zip(seen.chunks(2)) {
            for k in 0..2 {
                let expected: f32 = (0..6).map(|i| g[i] * columns[i * 2 + k]).sum();
                assert!((through[k] - expected).abs() < 1e-3, "{} {expected}", through[k]);
            }
        }
    }

    #[test]
    fn a_gram_is_lifted_band_by_band() {
        // More inputs than two bands hold.
        let inputs = 2 * BAND + 3;
        let network = init::fresh(&[inputs, 4, 2], Activation::Tanh, &Digest::of(b"w"));
        let weight = DMatrix::from_row_slice(inputs, 4, &network.layers[0].weight).map(f64::from);
        let gram = DMatrix::from_fn(4, 4, |i, j| (i * j) as f64 + f64::from(i == j));
        let expected = &weight * &gram * weight.transpose();
        let lifted = DMatrix::from_row_slice(inputs, inputs, &network.lifted(0, &gram));
        assert!((lifted.map(f64::from) - expected).amax() < 1e-5);
    }

    proptest! {
        #[test]
        fn the_jacobian_matches_finite_differences(
            seed in any::<u64>(), hidden in 0usize..3, rows in 1usize..70,
        ) {
            let key = Digest::of(&seed.to_le_bytes());
            for activation in Activation::ALL {
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
                    let kinked = [Activation::Relu, Activation::Selu].contains(&activation);
                    if kinked && forward(&network, &point).1 < 1e-5 {
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
