//! Backpropagation: one forward and one backward pass of a batch, matrix products on burn, the rest in plain loops.
//!
//! With a_0 = x, z_l = a_{l−1} W_l + b_l, a_l = φ(z_l) ∘ mask, and δ_l = ∂loss/∂z_l:
//! ∂W_l = a_{l−1}ᵀ δ_l, ∂b_l = Σ_rows δ_l, δ_{l−1} = (δ_l W_lᵀ) ∘ φ'(z_{l−1}) ∘ mask.
//! Buffers travel into tensors and back without being copied.

use burn::tensor::{Device, Tensor};
use collegium_digest::Stream;
use collegium_table::Matrix;
use rand::Rng as _;

use crate::{
    Front, Network,
    front::sparse::{SparseRows, Table},
    kernel,
    tensors::{tensor, values},
};

/// The gradient of one layer.
pub(crate) struct Gradient {
    pub(crate) weight: Vec<f32>,
    pub(crate) bias: Vec<f32>,
}

/// What a forward pass leaves for the backward pass.
pub(crate) struct Tape {
    /// Input of each layer.
    pub(crate) activations: Vec<Tensor<2>>,
    /// φ'(z) ∘ mask of each hidden layer.
    pub(crate) slopes: Vec<Vec<f32>>,
    /// The rows that were given as lists, by place among them.
    rows: Vec<u32>,
    /// The share of units that is dropped, and what draws the masks.
    dropout: Option<(f64, Stream)>,
}

impl Tape {
    pub(crate) fn new(network: &Network, dropout: Option<(f64, Stream)>) -> Self {
        let hidden = network.layers.len().saturating_sub(1);
        Self {
            activations: Vec::new(),
            slopes: vec![Vec::new(); hidden],
            rows: Vec::new(),
            dropout,
        }
    }
}

/// The weights of one step, as tensors.
pub(crate) struct Pass<'a> {
    pub(crate) device: Device,
    network: &'a Network,
    /// Of rows that are lists the first layer's.
    first: Option<Table>,
    /// Of the other layers.
    weights: Vec<Tensor<2>>,
}

impl<'a> Pass<'a> {
    /// For rows as the first layer has weights for them: see [`Network::widened`].
    pub(crate) fn new(network: &'a Network) -> Self {
        Self::behind(network, None)
    }

    /// For encoded rows, which are lists where the network has a front.
    pub(crate) fn of(network: &'a Network) -> Self {
        let table = network.front.as_ref().zip(network.layers.first());
        Self::behind(network, table.map(|(front, first)| front.table(first)))
    }

    fn behind(network: &'a Network, first: Option<Table>) -> Self {
        let device = Device::flex();
        let weights = network
            .layers
            .iter()
            .skip(usize::from(first.is_some()))
            .map(|l| tensor(l.weight.clone(), l.inputs, l.outputs, &device))
            .collect();
        Self { device, network, first, weights }
    }

    /// The weights of a layer; of the first not where rows are lists.
    pub(crate) fn weight(&self, layer: usize) -> &Tensor<2> {
        &self.weights[layer - usize::from(self.first.is_some())]
    }

    /// Raw outputs of some encoded rows, by place. With a tape: drops hidden units, and remembers.
    pub(crate) fn forward_rows(&self, x: &Rows, rows: &[u32], tape: Option<&mut Tape>) -> Vec<f32> {
        let (Some(table), Some(lists)) = (&self.first, &x.lists) else {
            return self.forward(x.matrix.select(rows).data, rows.len(), tape);
        };
        let first = &self.network.layers[0];
        let mut z = vec![0.0; rows.len() * first.outputs];
        table.forward(lists, rows.iter().map(|row| *row as usize), &first.bias, &mut z);
        let mut tape = tape;
        if let Some(tape) = &mut tape {
            tape.activations.clear();
            tape.rows.clear();
            tape.rows.extend_from_slice(rows);
        }
        self.onwards(z, rows.len(), tape)
    }

    /// Raw outputs of `rows` rows. With a tape: drops hidden units, and remembers.
    pub(crate) fn forward(&self, x: Vec<f32>, rows: usize, tape: Option<&mut Tape>) -> Vec<f32> {
        let mut tape = tape;
        let first = &self.network.layers[0];
        let a = tensor(x, rows, first.inputs, &self.device);
        if let Some(tape) = &mut tape {
            tape.activations.clear();
            tape.activations.push(a.clone());
        }
        let mut z = values(a.matmul(self.weight(0).clone()));
        add_bias(&mut z, &first.bias);
        self.onwards(z, rows, tape)
    }

    /// The same from the first layer's pre-activations on.
    fn onwards(&self, z: Vec<f32>, rows: usize, tape: Option<&mut Tape>) -> Vec<f32> {
        let mut tape = tape;
        let mut z = z;
        for (i, layer) in self.network.layers.iter().enumerate() {
            if i > 0 {
                let a = tensor(z, rows, layer.inputs, &self.device);
                if let Some(tape) = &mut tape {
                    tape.activations.push(a.clone());
                }
                z = values(a.matmul(self.weight(i).clone()));
                add_bias(&mut z, &layer.bias);
            }
            if i + 1 == self.network.layers.len() {
                break;
            }
            let activation = self.network.activation;
            match &mut tape {
                None => kernel::activate_in_place(activation, &mut z),
                Some(tape) => {
                    let slope = &mut tape.slopes[i];
                    slope.resize(z.len(), 0.0);
                    kernel::activate_with_slope(activation, &mut z, slope);
                    if let Some((share, random)) = &mut tape.dropout {
                        drop_units(&mut z, slope, *share, random);
                    }
                }
            }
        }
        z
    }

    /// Gradients of all layers from ∂loss/∂outputs, for the batch on the tape, whose rows are among `x`.
    pub(crate) fn backward_rows(
        &self,
        x: &Rows,
        delta: Vec<f32>,
        tape: &mut Tape,
    ) -> Vec<Gradient> {
        let (Some(front), Some(lists)) = (&self.network.front, &x.lists) else {
            return self.backward(delta, tape);
        };
        let mut gradients = Vec::with_capacity(self.network.layers.len());
        let delta = self.back(1, delta, tape, &mut gradients);
        let units = self.network.layers[0].outputs;
        let bias = column_sums(&delta, units);
        gradients.push(Gradient { weight: front.gradient(lists, &tape.rows, &delta, units), bias });
        gradients.reverse();
        gradients
    }

    /// Gradients of all layers from ∂loss/∂outputs, for the batch on the tape.
    pub(crate) fn backward(&self, delta: Vec<f32>, tape: &mut Tape) -> Vec<Gradient> {
        let mut gradients = Vec::with_capacity(self.weights.len());
        self.back(0, delta, tape, &mut gradients);
        gradients.reverse();
        gradients
    }

    /// Gradients of the layers from the last to the one of number `to`, and ∂loss/∂pre-activations of the layer before
    /// that.
    fn back(
        &self,
        to: usize,
        delta: Vec<f32>,
        tape: &mut Tape,
        gradients: &mut Vec<Gradient>,
    ) -> Vec<f32> {
        let mut delta = delta;
        for (i, layer) in self.network.layers.iter().enumerate().skip(to).rev() {
            let Some(a) = tape.activations.pop() else { break };
            let bias = column_sums(&delta, layer.outputs);
            let rows = delta.len() / layer.outputs;
            let d = tensor(delta, rows, layer.outputs, &self.device);
            let weight = values(a.transpose().matmul(d.clone()));
            gradients.push(Gradient { weight, bias });
            if i == 0 {
                return Vec::new();
            }
            delta = values(d.matmul(self.weight(i).clone().transpose()));
            let slope = &tape.slopes[i - 1];
            delta.iter_mut().zip(slope).for_each(|(d, s)| *d *= s);
        }
        delta
    }
}

/// Encoded rows for training; lists of what is not zero, where a network has a front.
pub(crate) struct Rows<'a> {
    matrix: &'a Matrix,
    lists: Option<SparseRows>,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(matrix: &'a Matrix, front: Option<&Front>) -> Self {
        Self { matrix, lists: front.map(|front| front.sparse(&matrix.data)) }
    }

    pub(crate) fn len(&self) -> usize {
        self.matrix.rows
    }
}

fn add_bias(z: &mut [f32], bias: &[f32]) {
    for row in z.chunks_exact_mut(bias.len()) {
        row.iter_mut().zip(bias).for_each(|(z, b)| *z += b);
    }
}

fn column_sums(rows: &[f32], width: usize) -> Vec<f32> {
    let mut sums = vec![0.0; width];
    for row in rows.chunks_exact(width) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
    sums
}

/// Drops each unit with probability `p` and scales the others by 1/(1−p).
fn drop_units(a: &mut [f32], slope: &mut [f32], p: f64, random: &mut Stream) {
    let threshold = (p * 4_294_967_296.0) as u64;
    let scale = (1.0 / (1.0 - p)) as f32;
    for (a, slope) in a.iter_mut().zip(slope) {
        let factor = if u64::from(random.next_u32()) < threshold { 0.0 } else { scale };
        *a *= factor;
        *slope *= factor;
    }
}

#[cfg(test)]
mod tests {
    use collegium_digest::{Digest, stream};
    use collegium_manifest::spec::Activation;
    use collegium_table::Matrix;

    use super::*;
    use crate::{Target, init, train::Targets};

    fn draw(n: usize, name: &[u8]) -> Vec<f32> {
        init::fresh(&[1, n], Activation::Tanh, &Digest::of(name)).layers[0]
            .weight
            .iter()
            .map(|w| w * (n as f32 / 6.0).sqrt())
            .collect()
    }

    /// All gradients against differences of the loss, with dropout's masks held fixed by their key.
    #[test]
    fn the_backward_pass_matches_finite_differences() {
        let x = Matrix { rows: 12, width: 3, data: draw(36, b"x") };
        let rows: Vec<u32> = (0..12).collect();
        let two: Vec<u32> = (0..12).map(|i| i % 2).collect();
        let three: Vec<u32> = (0..12).map(|i| i % 3).collect();
        let numbers = draw(12, b"y");
        let targets = [
            Target::Classes { labels: &two, count: 2 },
            Target::Classes { labels: &three, count: 3 },
            Target::Values(&numbers),
        ];
        for activation in Activation::ALL {
            for target in &targets {
                for (dropout, widths) in [(0.0, vec![3]), (0.0, vec![3, 8, 5]), (0.4, vec![3, 8])] {
                    let truth = Targets::new(&x, target, None).unwrap();
                    let mut widths = widths;
                    widths.push(truth.outputs());
                    let mut network = init::fresh(&widths, activation, &Digest::of(b"w"));
                    let bias = draw(8, b"b");
                    for layer in &mut network.layers {
                        layer.bias.iter_mut().zip(&bias).for_each(|(b, new)| *b = *new);
                    }
                    let run = |network: &Network, backward: bool| {
                        let masks = stream(&Digest::of(b"m"), "dropout");
                        let mut tape =
                            Tape::new(network, (dropout > 0.0).then_some((dropout, masks)));
                        let pass = Pass::new(network);
                        let logits = pass.forward(x.data.clone(), 12, Some(&mut tape));
                        let mut delta = vec![0.0; logits.len()];
                        let loss = truth.loss(&rows, &logits, Some(&mut delta)) / 12.0;
                        (loss, if backward { pass.backward(delta, &mut tape) } else { Vec::new() })
                    };
                    let (_, gradients) = run(&network, true);
                    for (l, gradient) in gradients.iter().enumerate() {
                        let all = gradient.weight.iter().chain(&gradient.bias).enumerate();
                        for (i, exact) in all {
                            let moved = |by: f32| {
                                let mut moved = network.clone();
                                let layer = &mut moved.layers[l];
                                match layer.weight.get_mut(i) {
                                    Some(weight) => *weight += by,
                                    None => layer.bias[i - gradient.weight.len()] += by,
                                }
                                run(&moved, false).0
                            };
                            let h = 2e-3;
                            let slope = (moved(h) - moved(-h)) / (2.0 * f64::from(h));
                            assert!(
                                (slope - f64::from(*exact)).abs() < 3e-3,
                                "{activation:?} {target:?} layer {l} parameter {i}: {slope} {exact}"
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn prediction_agrees_with_burns_forward_pass() {
        for activation in Activation::ALL {
            let network = init::fresh(&[13, 40, 17, 3], activation, &Digest::of(b"net"));
            let x = Matrix { rows: 77, width: 13, data: draw(77 * 13, b"x") };
            let burn = Pass::new(&network).forward(x.data.clone(), 77, None);
            for (a, b) in burn.iter().zip(&network.logits(&x).data) {
                assert!((a - b).abs() < 1e-5, "{a} {b}");
            }
        }
    }

    #[test]
    fn dropout_keeps_the_mean() {
        let (mut a, mut slope) = (vec![1.0; 10_000], vec![1.0; 10_000]);
        drop_units(&mut a, &mut slope, 0.25, &mut stream(&Digest::of(b"m"), "dropout"));
        let mean = a.iter().sum::<f32>() / 10_000.0;
        assert!((mean - 1.0).abs() < 0.03, "{mean}");
        assert!(a == slope && a.contains(&0.0));
    }
}
