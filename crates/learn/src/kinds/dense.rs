//! Dense models: perceptrons, linear models, and constants.

use collegium_digest::Digest;
use collegium_manifest::spec::Activation;
use collegium_table::Matrix;
use serde::Deserialize;

use crate::{
    Front, Head, Learned, ModelError, Network, Own, RowCost, Stored, Tensors, format::of_network,
    front::StoredFront,
};

/// Dense layers, and the kind of model that made them.
#[derive(Debug, Clone, PartialEq)]
pub struct DenseModel {
    kind: &'static str,
    network: Network,
}

/// What is read back of its header.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    activation: Activation,
    layers: usize,
    front: Option<StoredFront>,
    members: Option<usize>,
}

impl DenseModel {
    /// Of a kind, by its name.
    pub(crate) fn new(kind: &'static str, network: Network) -> Self {
        Self { kind, network }
    }

    /// Reads what [`Learned::store`] wrote.
    pub(crate) fn load(
        kind: &'static str,
        own: Own,
        tensors: &Tensors,
    ) -> Result<Box<dyn Learned>, ModelError> {
        let Fields { layers, activation, front, members } = own.read()?;
        let of_front = front.as_ref().map_or(0, StoredFront::tensors);
        tensors.exactly(layers.checked_mul(2).and_then(|layers| layers.checked_add(of_front)))?;
        let front = front.map(|front| front.load(tensors)).transpose()?;
        let network = tensors.network("", layers, activation)?;
        let network = Network { front, members: members.unwrap_or(1), ..network };
        Ok(Box::new(Self { kind, network }))
    }
}

/// Do the outputs of each layer fit the inputs of the next, and are they as many for each member?
pub(super) fn joints_fit(network: &Network) -> bool {
    let hidden = network.layers.iter().rev().skip(1);
    let members = network.members;
    network.layers.windows(2).all(|pair| pair[0].outputs == pair[1].inputs)
        && members > 0
        && hidden.clone().all(|layer| layer.outputs.is_multiple_of(members))
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

    fn untrained(&self, key: &Digest) -> Option<Box<dyn Learned>> {
        Some(Box::new(Self { kind: self.kind, network: self.network.untrained(key) }))
    }

    fn parameters(&self) -> u64 {
        self.network.parameters()
    }

    fn row_cost(&self) -> RowCost {
        // Few rows go through the layers at a time, however many there are.
        RowCost { multiply_adds: self.network.multiply_adds(), bytes: 0 }
    }

    fn misfit(&self, width: usize, outputs: usize, _: &Head) -> Option<&'static str> {
        if !joints_fit(&self.network) {
            return Some(JOINTS);
        }
        if let Some(front) = &self.network.front
            && let Some(misfit) = front.misfit(self.network.layers.first(), width)
        {
            return Some(misfit);
        }
        let fits = (self.network.inputs(), self.network.outputs()) == (width, outputs);
        (!fits).then_some(MISFIT)
    }

    fn store(&self) -> Stored {
        let front = self.network.front.as_ref();
        let of_front = front.into_iter().flat_map(Front::tensors);
        let stored = Stored::new(of_front.chain(of_network("", &self.network)).collect())
            .with_first("activation", &self.network.activation)
            .with("layers", &self.network.layers.len());
        let stored = match self.network.members {
            1 => stored,
            members => stored.with("members", &members),
        };
        match front {
            Some(front) => stored.with("front", &front.header()),
            None => stored,
        }
    }

    fn layers(&self) -> Option<&Network> {
        Some(&self.network)
    }

    fn with_layers(&self, network: Network) -> Option<Box<dyn Learned>> {
        Some(Box::new(Self { kind: self.kind, network }))
    }
}
