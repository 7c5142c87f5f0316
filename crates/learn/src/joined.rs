//! An average of perceptrons as one perceptron.
//!
//! The mean of the raw outputs of networks that read the same rows is the raw output of one network: their first layers
//! side by side, blocks on the diagonal behind them, and their heads one below the other, divided by their number. What
//! is zero stays outside: such a network is trained by its parts ([`parted`]).

use collegium_digest::{Digest, Hasher};

use crate::{Dense, Network, init};

/// The mean of networks as one network; `None` where they differ in more than their weights.
pub(crate) fn joined(parts: &[&Network]) -> Option<Network> {
    let first = *parts.first()?;
    let alike = |part: &&Network| {
        part.activation == first.activation
            && part.front == first.front
            && part.layers.len() == first.layers.len()
            && part.inputs() == first.inputs()
            && part.outputs() == first.outputs()
    };
    let last = first.layers.len().checked_sub(1)?;
    if !parts.iter().all(alike) {
        return None;
    }
    let layers = (0..=last).map(|at| {
        let layers: Vec<&Dense> = parts.iter().map(|part| &part.layers[at]).collect();
        match at {
            0 if last == 0 => mean(&layers),
            0 => beside(&layers),
            at if at == last => head(&layers),
            _ => diagonal(&layers),
        }
    });
    Some(Network { layers: layers.collect(), members: parts.len(), ..first.clone() })
}

/// The networks that one was [`joined`] of, each with its own head; `None` where it cannot be.
pub(crate) fn parted(whole: &Network) -> Option<Vec<Network>> {
    let count = whole.members;
    let last = whole.layers.len().checked_sub(1)?;
    let hidden = &whole.layers[..last];
    if hidden.is_empty() {
        return Some(vec![Network { members: 1, ..whole.clone() }; count]);
    }
    if count == 0 || hidden.iter().any(|layer| layer.outputs % count != 0) {
        return None;
    }
    let part = |number: usize| {
        let layers = whole.layers.iter().enumerate().map(|(at, layer)| {
            let of = |length: usize, whole: bool| match whole {
                true => 0..length,
                false => number * length / count..(number + 1) * length / count,
            };
            let (rows, columns) = (of(layer.inputs, at == 0), of(layer.outputs, at == last));
            let factor = if at == last { count as f32 } else { 1.0 };
            let weight = rows.clone().flat_map(|row| {
                let row = &layer.weight[row * layer.outputs..][..layer.outputs];
                row[columns.clone()].iter().map(move |weight| weight * factor)
            });
            Dense {
                weight: weight.collect(),
                bias: layer.bias[columns.clone()].to_vec(),
                inputs: rows.len(),
                outputs: columns.len(),
            }
        });
        Network { layers: layers.collect(), members: 1, ..whole.clone() }
    };
    Some((0..count).map(part).collect())
}

/// The mean of layers of the same inputs.
fn mean(layers: &[&Dense]) -> Dense {
    let share = 1.0 / layers.len() as f32;
    let of = |values: fn(&Dense) -> &[f32]| -> Vec<f32> {
        let mut sums = vec![0.0; values(layers[0]).len()];
        for layer in layers {
            sums.iter_mut().zip(values(layer)).for_each(|(sum, value)| *sum += value * share);
        }
        sums
    };
    Dense {
        weight: of(|layer| &layer.weight),
        bias: of(|layer| &layer.bias),
        inputs: layers[0].inputs,
        outputs: layers[0].outputs,
    }
}

impl Network {
    /// The same architecture with fresh weights: the reference of an untrained network.
    pub fn untrained(&self, key: &Digest) -> Self {
        let parts = if self.members > 1 { parted(self) } else { None };
        let fresh = |(at, part): (usize, &Self)| {
            let key = Hasher::new("untrained member").digest(key).count(at as u64).finish();
            part.untrained(&key)
        };
        let fresh: Vec<Self> = parts.iter().flatten().enumerate().map(fresh).collect();
        joined(&fresh.iter().collect::<Vec<_>>()).unwrap_or_else(|| Self {
            front: self.front.clone(),
            ..init::fresh(&self.widths(), self.activation, key)
        })
    }
}

/// Layers of the same inputs.
fn beside(layers: &[&Dense]) -> Dense {
    let inputs = layers[0].inputs;
    let rows = |row: usize| {
        layers.iter().flat_map(move |layer| &layer.weight[row * layer.outputs..][..layer.outputs])
    };
    Dense {
        inputs,
        outputs: layers.iter().map(|layer| layer.outputs).sum(),
        weight: (0..inputs).flat_map(rows).copied().collect(),
        bias: layers.iter().flat_map(|layer| &layer.bias).copied().collect(),
    }
}

/// Layers that read each its own inputs.
fn diagonal(layers: &[&Dense]) -> Dense {
    let outputs: usize = layers.iter().map(|layer| layer.outputs).sum();
    let inputs = layers.iter().map(|layer| layer.inputs).sum();
    let mut weight = vec![0.0; inputs * outputs];
    let (mut row, mut column) = (0, 0);
    for layer in layers {
        for own in layer.weight.chunks_exact(layer.outputs) {
            weight[row * outputs + column..][..layer.outputs].copy_from_slice(own);
            row += 1;
        }
        column += layer.outputs;
    }
    let bias = layers.iter().flat_map(|layer| &layer.bias).copied().collect();
    Dense { inputs, outputs, weight, bias }
}

/// The mean of layers that read each its own inputs.
fn head(layers: &[&Dense]) -> Dense {
    let share = 1.0 / layers.len() as f32;
    let outputs = layers[0].outputs;
    let weight = layers.iter().flat_map(|layer| &layer.weight).map(|weight| weight * share);
    let bias = |at: usize| layers.iter().map(|layer| layer.bias[at]).sum::<f32>() * share;
    Dense {
        inputs: layers.iter().map(|layer| layer.inputs).sum(),
        outputs,
        weight: weight.collect(),
        bias: (0..outputs).map(bias).collect(),
    }
}

#[cfg(test)]
mod tests {
    use collegium_digest::stream;
    use collegium_manifest::spec::Activation;
    use collegium_table::Matrix;
    use proptest::prelude::*;

    use super::*;

    fn networks(widths: &[usize], count: usize) -> Vec<Network> {
        let mut random = stream(&Digest::of(b"biases"), "biases");
        let mut fresh = |at: usize| {
            let key = Digest::of(&at.to_le_bytes());
            let mut network = init::fresh(widths, Activation::Gelu, &key);
            let biases = network.layers.iter_mut().flat_map(|layer| &mut layer.bias);
            biases.for_each(|bias| *bias = random.random::<f32>() - 0.5);
            network
        };
        (0..count).map(&mut fresh).collect()
    }

    proptest! {
        #[test]
        fn a_joined_network_is_the_mean_of_its_parts_and_gives_them_back(
            hidden in prop::collection::vec(1usize..6, 0..4), count in 1usize..5, outputs in 1usize..4,
        ) {
            let widths: Vec<usize> = [3].into_iter().chain(hidden).chain([outputs]).collect();
            let parts = networks(&widths, count);
            let whole = joined(&parts.iter().collect::<Vec<_>>()).unwrap();
            let x = Matrix { rows: 2, width: 3, data: vec![0.3, -1.0, 0.7, 2.0, 0.1, -0.4] };
            let mut mean = vec![0.0; 2 * outputs];
            for part in &parts {
                let own = part.logits(&x).data;
                mean.iter_mut().zip(own).for_each(|(sum, z)| *sum += z / count as f32);
            }
            for (one, other) in whole.logits(&x).data.iter().zip(&mean) {
                prop_assert!((one - other).abs() < 1e-5, "{one} {other}");
            }
            let (one, other) = (whole.untrained(&Digest::of(b"1")), whole.untrained(&Digest::of(b"2")));
            prop_assert_eq!((one.widths(), one.members), (whole.widths(), count));
            prop_assert_eq!(one.parameters(), whole.parameters());
            prop_assert_ne!(one, other);
            if widths.len() == 2 {
                return Ok(());
            }
            for (own, back) in parts.iter().zip(parted(&whole).unwrap()) {
                prop_assert_eq!(own.widths(), back.widths());
                // The head's biases are the mean's.
                let weights = |network: &Network| -> Vec<f32> {
                    network.layers.iter().flat_map(|layer| layer.weight.clone()).collect()
                };
                for (own, back) in weights(own).iter().zip(weights(&back)) {
                    prop_assert!((own - back).abs() < 1e-6, "{own} {back}");
                }
            }
        }
    }

    #[test]
    fn networks_of_other_shapes_are_not_joined() {
        let (one, other) = (networks(&[3, 4, 1], 1), networks(&[3, 4, 2, 1], 1));
        assert_eq!(joined(&[&one[0], &other[0]]), None);
        assert_eq!(parted(&Network { members: 3, ..one[0].clone() }), None);
    }
}
