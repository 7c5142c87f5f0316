//! A multilayer perceptron and its forward pass.

use collegium_manifest::spec::Activation;
use collegium_table::Matrix;

use crate::{Front, kernel};

/// Rows that go through the layers together; they and their activations stay in cache.
const CHUNK: usize = 128;

/// `y = x · W + b`
#[derive(Debug, Clone, PartialEq)]
pub struct Dense {
    /// Length of x.
    pub inputs: usize,
    /// Length of y.
    pub outputs: usize,
    /// `inputs × outputs`, row-major: the weights of input i are contiguous.
    pub weight: Vec<f32>,
    /// One per output.
    pub bias: Vec<f32>,
}

/// Dense layers with an activation between them. At least one layer; one layer is a linear model.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// What the first layer is given beside the encoded row, if it is.
    pub front: Option<Front>,
    /// Outputs of each are inputs of the next.
    pub layers: Vec<Dense>,
    /// After every layer but the last.
    pub activation: Activation,
    /// Of how many networks it is the mean: its hidden layers are blocks on the diagonal, zero outside; 1: a network by
    /// itself.
    pub members: usize,
}

impl Network {
    /// Length of an encoded row.
    pub fn inputs(&self) -> usize {
        match &self.front {
            Some(front) => front.inputs(),
            None => self.layers.first().map_or(0, |layer| layer.inputs),
        }
    }

    /// Without anything before its first layer.
    pub fn plain(layers: Vec<Dense>, activation: Activation) -> Self {
        Self { front: None, layers, activation, members: 1 }
    }

    /// Encoded rows as the first layer has weights for them; without a front those rows themselves.
    pub fn widened(&self, x: Vec<f32>) -> Vec<f32> {
        match &self.front {
            Some(front) => front.widened(&x),
            None => x,
        }
    }

    /// Logits or values per row.
    pub fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.outputs)
    }

    /// The raw outputs: logits, or the standardised prediction. Rows × outputs.
    ///
    /// # Panics
    /// If the rows have another width than [`inputs`](Self::inputs).
    pub fn logits(&self, x: &Matrix) -> Matrix {
        self.forward(x, self.layers.len())
    }

    /// The last hidden layer's activations; for a linear model, its inputs.
    ///
    /// # Panics
    /// If the rows have another width than [`inputs`](Self::inputs).
    pub fn embedding(&self, x: &Matrix) -> Matrix {
        self.forward(x, self.layers.len().saturating_sub(1))
    }

    fn forward(&self, x: &Matrix, depth: usize) -> Matrix {
        assert_eq!(x.width, self.inputs(), "rows must be as wide as the network's inputs");
        let Some(width) = self.layers[..depth].last().map(|layer| layer.outputs) else {
            return x.clone();
        };
        let mut out = Matrix::zeros(x.rows, width);
        let (mut from, mut to) = (Vec::new(), Vec::new());
        let table = self.front.as_ref().zip(self.layers.first());
        let table = table.map(|(front, first)| (front, front.table(first), first));
        for start in (0..x.rows).step_by(CHUNK) {
            let rows = CHUNK.min(x.rows - start);
            let chunk = &x.data[start * x.width..(start + rows) * x.width];
            if table.is_none() {
                from.clear();
                from.extend_from_slice(chunk);
            }
            for (i, layer) in self.layers[..depth].iter().enumerate() {
                to.resize(rows * layer.outputs, 0.0);
                match &table {
                    Some((front, table, first)) if i == 0 => {
                        table.forward(&front.sparse(chunk), 0..rows, &first.bias, &mut to);
                    }
                    _ => kernel::dense(&from, layer, self.blocks(i), &mut to),
                }
                if i + 1 < self.layers.len() {
                    kernel::activate_in_place(self.activation, &mut to);
                }
                std::mem::swap(&mut from, &mut to);
            }
            out.data[start * width..(start + rows) * width].copy_from_slice(&from);
        }
        out
    }

    /// Weight interpolation between this network (`share` 0) and another of the same shape (`share` 1).
    /// Where only last layers differ, its outputs are that mixture of theirs.
    ///
    /// # Panics
    /// If the shapes differ.
    #[must_use]
    pub fn blended(&self, other: &Self, share: f64) -> Self {
        assert_eq!(self.widths(), other.widths(), "networks of one shape are mixed");
        let mix = |a: &[f32], b: &[f32]| -> Vec<f32> {
            a.iter().zip(b).map(|(a, b)| a + share as f32 * (b - a)).collect()
        };
        let layers = self.layers.iter().zip(&other.layers).map(|(a, b)| Dense {
            weight: mix(&a.weight, &b.weight),
            bias: mix(&a.bias, &b.bias),
            inputs: a.inputs,
            outputs: a.outputs,
        });
        Self { layers: layers.collect(), ..self.clone() }
    }

    /// What the first layer has weights for, hidden units by layer, outputs.
    pub fn widths(&self) -> Vec<usize> {
        let first = self.layers.first().map_or(0, |layer| layer.inputs);
        let outputs = self.layers.iter().map(|layer| layer.outputs);
        std::iter::once(first).chain(outputs).collect()
    }

    /// Trainable numbers.
    pub fn parameters(&self) -> u64 {
        let numbers = |(at, layer): (usize, &Dense)| {
            (layer.weight.len() / self.blocks(at) + layer.bias.len()) as u64
        };
        self.layers.iter().enumerate().map(numbers).sum()
    }

    /// Blocks on the diagonal of a layer's weights: members have their inputs in common, and their outputs are added.
    fn blocks(&self, layer: usize) -> usize {
        if layer == 0 || layer + 1 == self.layers.len() { 1 } else { self.members }
    }

    /// Multiply-adds of one row's forward pass.
    pub fn multiply_adds(&self) -> u64 {
        let of = |(at, layer): (usize, &Dense)| (layer.weight.len() / self.blocks(at)) as u64;
        let dense: u64 = self.layers.iter().enumerate().map(of).sum();
        match (&self.front, self.layers.first()) {
            (Some(front), Some(first)) => {
                dense - first.weight.len() as u64 + front.terms() * first.outputs as u64
            }
            _ => dense,
        }
    }
}

#[cfg(test)]
mod tests {
    use collegium_digest::Digest;
    use proptest::prelude::*;

    use super::*;
    use crate::init;

    fn rows(n: usize, width: usize, seed: u64) -> Matrix {
        let network = init::fresh(&[n, width], Activation::Tanh, &Digest::of(&seed.to_le_bytes()));
        Matrix { rows: n, width, data: network.layers[0].weight.clone() }
    }

    proptest! {
        #[test]
        fn a_rows_bits_do_not_depend_on_its_neighbours(
            n in 1usize..300, seed in any::<u64>(), hidden in 1usize..40,
        ) {
            let x = rows(n, 7, seed);
            for activation in Activation::ALL {
                let network = init::fresh(&[7, hidden, 9, 3], activation, &Digest::of(b"net"));
                let whole = network.logits(&x);
                let embedding = network.embedding(&x);
                for row in [0, n / 2, n - 1] {
                    let alone = x.select(&[row as u32]);
                    prop_assert_eq!(&network.logits(&alone).data[..], whole.row(row));
                    prop_assert_eq!(&network.embedding(&alone).data[..], embedding.row(row));
                }
            }
        }
    }

    #[test]
    fn a_linear_model_embeds_as_its_inputs() {
        let network = init::fresh(&[4, 2], Activation::Relu, &Digest::of(b"net"));
        let x = rows(3, 4, 1);
        assert_eq!(network.embedding(&x), x);
        assert_eq!((network.parameters(), network.multiply_adds()), (10, 8));
    }

    #[test]
    fn an_untrained_twin_has_the_shape_but_not_the_weights() {
        let network = init::fresh(&[4, 8, 2], Activation::Relu, &Digest::of(b"net"));
        let twin = network.untrained(&Digest::of(b"other"));
        assert_eq!(twin.parameters(), network.parameters());
        assert_ne!(twin, network);
    }

    #[test]
    fn no_rows_give_no_outputs() {
        let network = init::fresh(&[4, 8, 2], Activation::Relu, &Digest::of(b"net"));
        let out = network.logits(&Matrix::zeros(0, 4));
        assert_eq!((out.rows, out.width), (0, 2));
    }
}
