//! Fast forward passes for measuring, on burn's products.
//!
//! Prediction adds up every row in one plain order, so that it has the same bits everywhere. A
//! judgement needs no such promise, only the same bits from the same machine, and makes many more
//! passes than there are predictions: these take a tenth of the time.

use collegium_table::Matrix;

use crate::{Network, kernel, train::Pass};

/// Rows that go through the layers together.
const CHUNK: usize = 4096;

/// The raw outputs. Rows × outputs.
///
/// # Panics
/// If the rows have another width than the network's inputs.
pub fn raw_outputs(network: &Network, x: &Matrix) -> Matrix {
    assert_eq!(x.width, network.inputs(), "rows must be as wide as the network's inputs");
    let pass = Pass::new(network);
    let width = network.outputs();
    let mut data = Vec::with_capacity(x.rows * width);
    for start in (0..x.rows).step_by(CHUNK) {
        let rows = CHUNK.min(x.rows - start);
        let values = x.data[start * x.width..(start + rows) * x.width].to_vec();
        data.extend(pass.forward(network.widened(values), rows, None));
    }
    Matrix { rows: x.rows, width, data }
}

/// The last hidden layer's activations; for a linear model, its inputs.
pub(super) fn embedding(network: &Network, x: &Matrix) -> Matrix {
    let Some((_, hidden)) = network.layers.split_last().filter(|(_, hidden)| !hidden.is_empty())
    else {
        return x.clone();
    };
    // The head of this one is the last hidden layer, before its activation.
    let front = network.front.clone();
    let below = Network { front, ..Network::plain(hidden.to_vec(), network.activation) };
    let mut units = raw_outputs(&below, x);
    kernel::activate_in_place(network.activation, &mut units.data);
    units
}
