//! Multilayer perceptrons: dense layers that are trained by gradient steps.

use super::{Kind, dense::DenseModel};
use crate::{Learned, ModelError, Network, Stored, Tensors};

const NAME: &str = "mlp";

/// The kind.
pub struct Mlp;

impl Kind for Mlp {
    fn name(&self) -> &'static str {
        NAME
    }

    fn load(&self, stored: &Stored, tensors: &Tensors) -> Result<Box<dyn Learned>, ModelError> {
        DenseModel::load(NAME, stored, tensors)
    }
}

/// A perceptron of these layers.
pub fn model(network: Network) -> Box<dyn Learned> {
    Box::new(DenseModel::new(NAME, network))
}
