//! Mixtures: experts and gate trained together, cached as one.

use super::{Kind, routed::RoutedModel};
use crate::{Combination, Learned, ModelError, Network, Stored, Tensors};

const NAME: &str = "mixture";

/// The kind.
pub struct Mixture;

impl Kind for Mixture {
    fn name(&self) -> &'static str {
        NAME
    }

    fn load(&self, stored: &Stored, tensors: &Tensors) -> Result<Box<dyn Learned>, ModelError> {
        RoutedModel::load(NAME, stored, tensors)
    }
}

/// A mixture of this combination; `network` decides the route.
pub fn model(network: Network, combination: Combination) -> Box<dyn Learned> {
    Box::new(RoutedModel::new(NAME, network, combination))
}
