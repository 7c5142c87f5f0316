//! Gates: combine experts that are trained by themselves.

use super::{Kind, routed::RoutedModel};
use crate::{Combination, Learned, ModelError, Network, Stored, Tensors};

const NAME: &str = "gate";

/// The kind.
pub struct Gate;

impl Kind for Gate {
    fn name(&self) -> &'static str {
        NAME
    }

    fn load(&self, stored: &Stored, tensors: &Tensors) -> Result<Box<dyn Learned>, ModelError> {
        RoutedModel::load(NAME, stored, tensors)
    }
}

/// A gate of this combination; `network` decides the route.
pub fn model(network: Network, combination: Combination) -> Box<dyn Learned> {
    Box::new(RoutedModel::new(NAME, network, combination))
}
