//! Linear models: logistic or ridge regression, to the optimum.

mod fit;
pub(crate) mod lbfgs;
pub(crate) mod newton;
mod objective;
mod smooth;

pub use fit::{LinearJob, RIDGE, fit_linear};

use super::{Kind, dense::DenseModel};
use crate::{Learned, ModelError, Network, Stored, Tensors};
pub(crate) use smooth::Smooth;

const NAME: &str = "linear";

/// The kind.
pub struct Linear;

impl Kind for Linear {
    fn name(&self) -> &'static str {
        NAME
    }

    fn load(&self, stored: &Stored, tensors: &Tensors) -> Result<Box<dyn Learned>, ModelError> {
        DenseModel::load(NAME, stored, tensors)
    }
}

/// A linear model: one dense layer.
pub fn model(network: Network) -> Box<dyn Learned> {
    Box::new(DenseModel::new(NAME, network))
}
