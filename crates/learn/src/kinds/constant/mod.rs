//! Constant models: the average of the training rows, a baseline without inputs.

use collegium_manifest::{Params, spec::Activation};

use super::{Kind, dense::DenseModel};
use crate::{Dense, Estimator, Learned, ModelError, Network, Own, Target, Tensors};

const NAME: &str = "constant";

/// The kind.
pub struct ConstantKind;

impl Kind for ConstantKind {
    fn name(&self) -> &'static str {
        NAME
    }

    fn in_records(&self) -> &'static str {
        "majority"
    }

    /// It is a baseline, which no node of a file declares.
    fn estimator<'a>(&self, _: &'a dyn Params) -> Option<&'a dyn Estimator> {
        None
    }

    fn load(&self, own: Own, tensors: &Tensors) -> Result<Box<dyn Learned>, ModelError> {
        DenseModel::load(NAME, own, tensors)
    }
}

/// The model that always gives this network's biases.
pub fn model(network: Network) -> Box<dyn Learned> {
    Box::new(DenseModel::new(NAME, network))
}

/// A network of biases alone, for rows of `inputs` encoded columns.
///
/// Classification: the log odds (two classes) or log shares of the classes, with half a row added
/// to each (Jeffreys' prior), so that a class without rows keeps a finite logit. Regression: the
/// mean.
pub fn constant(inputs: usize, y: &Target) -> Network {
    let bias = match y {
        Target::Values(values) => {
            let sum: f64 = values.iter().map(|v| f64::from(*v)).sum();
            vec![(sum / values.len().max(1) as f64) as f32]
        }
        Target::Classes { labels, count } => {
            let mut counts = vec![0.5_f64; *count];
            for label in *labels {
                if let Some(n) = counts.get_mut(*label as usize) {
                    *n += 1.0;
                }
            }
            let total: f64 = counts.iter().sum();
            match counts[..] {
                [no, yes] => vec![libm::log(yes / no) as f32],
                _ => counts.iter().map(|n| libm::log(n / total) as f32).collect(),
            }
        }
    };
    let outputs = bias.len();
    let layer = Dense { inputs, outputs, weight: vec![0.0; inputs * outputs], bias };
    Network::plain(vec![layer], Activation::Relu)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_classes_give_log_odds_and_more_give_log_shares() {
        let two = constant(3, &Target::Classes { labels: &[0, 1, 1, 1], count: 2 });
        assert_eq!(two.layers[0].bias, [(3.5_f64 / 1.5).ln() as f32]);
        assert_eq!(two.layers[0].weight, [0.0; 3]);
        let three = constant(0, &Target::Classes { labels: &[0, 2, 2], count: 3 });
        let shares: f32 = three.layers[0].bias.iter().map(|b| b.exp()).sum();
        assert!((shares - 1.0).abs() < 1e-6);
        assert!(three.layers[0].bias.iter().all(|b| b.is_finite()));
    }

    #[test]
    fn a_number_gives_its_mean() {
        assert_eq!(constant(0, &Target::Values(&[1.0, 2.0, 6.0])).layers[0].bias, [3.0]);
    }
}
