//! Tensors of a stored model, by name.

use collegium_manifest::spec::Activation;
use safetensors::{Dtype, SafeTensors};

use super::error::ModelError;
use crate::{Dense, Network};

/// A tensor of 32-bit floats.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Unique in its model.
    pub name: String,
    /// Its product is the number of values.
    pub shape: Vec<usize>,
    /// Row-major.
    pub values: Vec<f32>,
}

/// The tensors of a file, or those of them whose names begin alike: the tensors of a part.
pub struct Tensors<'a> {
    all: &'a SafeTensors<'a>,
    under: String,
}

impl<'a> Tensors<'a> {
    pub(super) fn new(all: &'a SafeTensors<'a>) -> Self {
        Self { all, under: String::new() }
    }

    /// Those whose names go on with `under`, by the rest of their names.
    pub(crate) fn under(&self, under: &str) -> Self {
        Self { all: self.all, under: format!("{}{under}", self.under) }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.all.names().into_iter().filter(|name| name.starts_with(&self.under)).count()
    }

    /// An error unless there are so many, and at least one. `None` is a number that no file has.
    ///
    /// # Errors
    /// [`ModelError`] where some are missing or left over.
    pub fn exactly(&self, expected: Option<usize>) -> Result<(), ModelError> {
        match expected {
            Some(1..) if expected == Some(self.len()) => Ok(()),
            _ => Err(ModelError::new("tensors are missing or left over")),
        }
    }

    /// The finite values of a tensor, with its shape.
    ///
    /// # Errors
    /// [`ModelError`] where it is missing, of another type, or holds a number that is not finite.
    pub fn get(&self, name: &str) -> Result<(Vec<f32>, Vec<usize>), ModelError> {
        let name = &format!("{}{name}", self.under);
        let view = self.all.tensor(name).map_err(|error| ModelError::new(error.to_string()))?;
        if view.dtype() != Dtype::F32 {
            return Err(ModelError::new(format!("`{name}` does not hold 32-bit floats")));
        }
        let (quads, _) = view.data().as_chunks::<4>();
        let values: Vec<f32> = quads.iter().map(|quad| f32::from_le_bytes(*quad)).collect();
        if values.iter().any(|value| !value.is_finite()) {
            return Err(ModelError::new(format!("`{name}` holds a number that is not finite")));
        }
        Ok((values, view.shape().to_vec()))
    }

    /// The dense layers whose tensors' names begin with `under`.
    ///
    /// # Errors
    /// [`ModelError`] where one is missing, or a weight does not fit its bias.
    pub fn network(
        &self,
        under: &str,
        layers: usize,
        activation: Activation,
    ) -> Result<Network, ModelError> {
        let layer = |i: usize| {
            let [bias, weight] = names(i);
            let (bias, shape) = self.get(&format!("{under}{bias}"))?;
            let [outputs] = shape[..] else {
                return Err(ModelError::new(format!("layer {i} has a bias that is no vector")));
            };
            let (weight, shape) = self.get(&format!("{under}{weight}"))?;
            let [inputs, columns] = shape[..] else {
                return Err(ModelError::new(format!("layer {i} has weights that are no matrix")));
            };
            if columns != outputs {
                let message = format!("layer {i} has {outputs} biases for {columns} units");
                return Err(ModelError::new(message));
            }
            Ok(Dense { inputs, outputs, weight, bias })
        };
        let layers = (0..layers).map(layer).collect::<Result<Vec<_>, _>>()?;
        Ok(Network::plain(layers, activation))
    }
}

/// What [`Tensors::network`] reads: `layer.0000.bias`, `layer.0000.weight`, …
pub(crate) fn of_network<'a>(
    under: &'a str,
    network: &'a Network,
) -> impl Iterator<Item = Tensor> + 'a {
    network.layers.iter().enumerate().flat_map(move |(i, layer)| {
        let [bias, weight] = names(i).map(|name| format!("{under}{name}"));
        [
            Tensor { name: bias, shape: vec![layer.outputs], values: layer.bias.clone() },
            Tensor {
                name: weight,
                shape: vec![layer.inputs, layer.outputs],
                values: layer.weight.clone(),
            },
        ]
    })
}

fn names(layer: usize) -> [String; 2] {
    [format!("layer.{layer:04}.bias"), format!("layer.{layer:04}.weight")]
}
