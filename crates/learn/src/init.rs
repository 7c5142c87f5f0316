//! Weight initialisation.

use collegium_digest::{Digest, Stream, stream};
use collegium_manifest::spec::Activation;
use rand::RngExt as _;

use crate::{Dense, Network};

/// A network with fresh weights from the stream `"weights"` under `key`.
///
/// Hidden layers are uniform in ±√(6/inputs) before ReLU and its kin (He et al. 2015), which keeps the
/// size of activations through half-dead layers; before tanh, and at the head, in
/// ±√(6/(inputs+outputs)) (Glorot & Bengio 2010). Biases are 0.
pub(crate) fn fresh(widths: &[usize], activation: Activation, key: &Digest) -> Network {
    let mut random = stream(key, "weights");
    let last = widths.len().saturating_sub(2);
    let layers = widths
        .windows(2)
        .enumerate()
        .map(|(i, pair)| {
            let (inputs, outputs) = (pair[0], pair[1]);
            let fan = match activation {
                Activation::Tanh => inputs + outputs,
                _ if i < last => inputs,
                _ => inputs + outputs,
            };
            let bound = (6.0 / fan.max(1) as f64).sqrt() as f32;
            let weight = uniform(&mut random, inputs * outputs, bound);
            Dense { inputs, outputs, weight, bias: vec![0.0; outputs] }
        })
        .collect();
    Network::plain(layers, activation)
}

fn uniform(random: &mut Stream, n: usize, bound: f32) -> Vec<f32> {
    (0..n).map(|_| bound * (2.0 * random.random::<f32>() - 1.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_keys_give_equal_weights_and_other_keys_others() {
        let (one, two) = (Digest::of(b"1"), Digest::of(b"2"));
        let fresh = |key| fresh(&[3, 5, 2], Activation::Relu, key);
        assert_eq!(fresh(&one), fresh(&one));
        assert_ne!(fresh(&one), fresh(&two));
    }

    #[test]
    fn weights_fill_their_bound_and_biases_are_zero() {
        let network = fresh(&[24, 200, 1], Activation::Relu, &Digest::of(b"key"));
        let largest = network.layers[0].weight.iter().fold(0.0_f32, |m, w| m.max(w.abs()));
        assert!(largest <= 0.5 && largest > 0.49, "{largest}");
        assert!(network.layers.iter().all(|layer| layer.bias.iter().all(|b| *b == 0.0)));
    }
}
