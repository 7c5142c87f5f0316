//! Models that are dense layers: perceptrons, linear models, and constants.

use collegium_digest::Digest;
use collegium_table::Matrix;

use crate::{
    Head, Learned, ModelError, Network,
    format::{Stored, Tensors},
};

/// Dense layers, and the kind of model that made them.
#[derive(Debug, Clone, PartialEq)]
pub struct DenseModel {
    kind: &'static str,
    network: Network,
}

impl DenseModel {
    /// Of a kind, by its name.
    pub(crate) fn new(kind: &'static str, network: Network) -> Self {
        Self { kind, network }
    }

    /// Reads what [`Learned::store`] wrote.
    pub(crate) fn load(
        kind: &'static str,
        stored: &Stored,
        tensors: &Tensors,
    ) -> Result<Box<dyn Learned>, ModelError> {
        if stored.combination.is_some() || stored.own.is_some() {
            return Err(ModelError::new("it has parts of another kind of model"));
        }
        let (layers, activation) = stored.layers()?;
        tensors.exactly(layers.checked_mul(2))?;
        Ok(Box::new(Self { kind, network: tensors.network("", layers, activation)? }))
    }
}

/// Do the outputs of each layer fit the inputs of the next?
pub(super) fn joints_fit(network: &Network) -> bool {
    network.layers.windows(2).all(|pair| pair[0].outputs == pair[1].inputs)
}

pub(super) const JOINTS: &str = "its layers do not fit each other";
pub(super) const MISFIT: &str = "its network does not fit its encoder or head";

impl Learned for DenseModel {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn raw(&self, x: &Matrix, _: &Head) -> Matrix {
        self.network.logits(x)
    }

    fn jacobians(&self, x: &Matrix, _: &Head, visit: &mut dyn FnMut(usize, &[f32])) {
        self.network.jacobians(x, visit);
    }

    fn untrained(&self, key: &Digest) -> Box<dyn Learned> {
        Box::new(Self { kind: self.kind, network: self.network.untrained(key) })
    }

    fn parameters(&self) -> u64 {
        self.network.parameters()
    }

    fn multiply_adds(&self) -> u64 {
        self.network.multiply_adds()
    }

    fn misfit(&self, width: usize, outputs: usize, _: &Head) -> Option<&'static str> {
        if !joints_fit(&self.network) {
            return Some(JOINTS);
        }
        let fits = (self.network.inputs(), self.network.outputs()) == (width, outputs);
        (!fits).then_some(MISFIT)
    }

    fn store(&self) -> Stored {
        Stored::of_layers(&self.network)
    }

    fn layers(&self) -> Option<&Network> {
        Some(&self.network)
    }

    fn with_layers(&self, network: Network) -> Option<Box<dyn Learned>> {
        Some(Box::new(Self { kind: self.kind, network }))
    }
}
