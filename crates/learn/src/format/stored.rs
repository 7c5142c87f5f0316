//! What a kind of model writes into the header of its bytes.

use collegium_manifest::spec::Activation;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    ModelError,
    tensors::{Tensor, Tensors, of_network},
};
use crate::{Combination, Network, Pool, Routing, Weights};

/// What is written down of a [`crate::Learned`]: fields of the header, and tensors.
#[derive(Debug, Clone, Default)]
pub struct Stored {
    /// What is between dense layers.
    pub activation: Option<Activation>,
    /// How many dense layers there are.
    pub layers: Option<usize>,
    /// How experts are combined.
    pub(crate) combination: Option<StoredCombination>,
    /// Whatever else a kind has; floats as texts.
    pub own: Option<Value>,
    /// In the order of their names; empty when it was read.
    pub tensors: Vec<Tensor>,
}

impl Stored {
    /// Of dense layers.
    pub fn of_layers(network: &Network) -> Self {
        Self {
            activation: Some(network.activation),
            layers: Some(network.layers.len()),
            tensors: of_network("", network).collect(),
            ..Self::default()
        }
    }

    /// Of a combination and its routing network.
    pub(crate) fn of_combination(network: &Network, combination: &Combination) -> Self {
        let inside = combination.experts.iter().enumerate();
        let inside = inside.flat_map(|(i, expert)| {
            let under = under(i);
            of_network(&under, expert).collect::<Vec<_>>()
        });
        let whole = Self::of_layers(network);
        Self {
            combination: Some(StoredCombination::of(combination)),
            tensors: inside.chain(whole.tensors).collect(),
            ..whole
        }
    }

    /// How many dense layers there are, and what is between them.
    ///
    /// # Errors
    /// [`ModelError`] where it does not say so.
    pub fn layers(&self) -> Result<(usize, Activation), ModelError> {
        self.layers.zip(self.activation).ok_or_else(|| ModelError::new("it has no layers"))
    }
}

/// A combination without its experts' weights.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoredCombination {
    handed: Vec<[usize; 2]>,
    pub(crate) experts: usize,
    /// Layers of each expert, and what is between them.
    pub(crate) layers: usize,
    activation: Activation,
    pool: Pool,
    weights: StoredWeights,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
enum StoredWeights {
    Fixed { weights: Vec<String> },
    Softmax { temperature: String, top_k: Option<usize>, shared: Vec<usize>, bias: Vec<String> },
    Rules { columns: Vec<usize> },
    Confidence { threshold: String, temperatures: Vec<String> },
}

impl StoredCombination {
    fn of(combination: &Combination) -> Self {
        let texts = |values: &[f32]| values.iter().map(|v| format!("{v:?}")).collect();
        let first = combination.experts.first();
        Self {
            handed: combination.handed.iter().map(|range| [range.start, range.end]).collect(),
            experts: combination.experts.len(),
            layers: first.map_or(0, |network| network.layers.len()),
            activation: first.map_or(Activation::Relu, |network| network.activation),
            pool: combination.pool,
            weights: match &combination.weights {
                Weights::Fixed(weights) => StoredWeights::Fixed { weights: texts(weights) },
                Weights::Softmax(routing) => StoredWeights::Softmax {
                    temperature: format!("{:?}", routing.temperature),
                    top_k: routing.top_k,
                    shared: routing.shared.clone(),
                    bias: texts(&routing.bias),
                },
                Weights::Rules(columns) => StoredWeights::Rules { columns: columns.clone() },
                Weights::Confidence { threshold, temperatures } => StoredWeights::Confidence {
                    threshold: format!("{threshold:?}"),
                    temperatures: texts(temperatures),
                },
            },
        }
    }

    pub(crate) fn read(&self, tensors: &Tensors) -> Result<Combination, ModelError> {
        let one = |text: &String| match text.parse::<f32>() {
            Ok(value) if value.is_finite() => Ok(value),
            _ => Err(ModelError(format!("`{text}` is not a finite number"))),
        };
        let all = |texts: &[String]| texts.iter().map(one).collect::<Result<Vec<f32>, _>>();
        let experts = (0..self.experts)
            .map(|i| tensors.network(&under(i), self.layers, self.activation))
            .collect::<Result<_, _>>()?;
        let weights = match &self.weights {
            StoredWeights::Fixed { weights } => Weights::Fixed(all(weights)?),
            StoredWeights::Softmax { temperature, top_k, shared, bias } => {
                Weights::Softmax(Routing {
                    temperature: one(temperature)?,
                    top_k: *top_k,
                    shared: shared.clone(),
                    bias: all(bias)?,
                })
            }
            StoredWeights::Rules { columns } => Weights::Rules(columns.clone()),
            StoredWeights::Confidence { threshold, temperatures } => {
                Weights::Confidence { threshold: one(threshold)?, temperatures: all(temperatures)? }
            }
        };
        let handed = self.handed.iter().map(|[start, end]| *start..*end).collect();
        Ok(Combination { handed, experts, weights, pool: self.pool })
    }
}

/// What the tensors of an expert inside are named under.
fn under(position: usize) -> String {
    format!("expert.{position:04}.")
}
