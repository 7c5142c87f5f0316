//! Stored form of a combination: the fields of its header.

use collegium_manifest::spec::Activation;
use serde::{Deserialize, Serialize};

use crate::{
    Combination, GateWeights, ModelError, Network, Pool, Routing, Stored, Tensors,
    format::of_network,
};

/// What is read back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fields {
    /// Of the routing network.
    pub(super) activation: Activation,
    pub(super) layers: usize,
    pub(super) combination: StoredCombination,
}

/// What is written down of a combination and its routing network.
pub(super) fn stored(network: &Network, combination: &Combination) -> Stored {
    let inside = combination.experts.iter().enumerate();
    let inside = inside.flat_map(|(i, expert)| {
        let under = under(i);
        of_network(&under, expert).collect::<Vec<_>>()
    });
    Stored::new(inside.chain(of_network("", network)).collect())
        .with_first("activation", &network.activation)
        .with("layers", &network.layers.len())
        .with("combination", &StoredCombination::of(combination))
}

/// A combination without its experts' weights.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredCombination {
    handed: Vec<[usize; 2]>,
    pub(super) experts: usize,
    /// Layers of each expert, and what is between them.
    pub(super) layers: usize,
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
                GateWeights::Fixed(weights) => StoredWeights::Fixed { weights: texts(weights) },
                GateWeights::Softmax(routing) => StoredWeights::Softmax {
                    temperature: format!("{:?}", routing.temperature),
                    top_k: routing.top_k,
                    shared: routing.shared.clone(),
                    bias: texts(&routing.bias),
                },
                GateWeights::Rules(columns) => StoredWeights::Rules { columns: columns.clone() },
                GateWeights::Confidence { threshold, temperatures } => StoredWeights::Confidence {
                    threshold: format!("{threshold:?}"),
                    temperatures: texts(temperatures),
                },
            },
        }
    }

    pub(super) fn read(&self, tensors: &Tensors) -> Result<Combination, ModelError> {
        let one = |text: &String| match text.parse::<f32>() {
            Ok(value) if value.is_finite() => Ok(value),
            _ => Err(ModelError::new(format!("`{text}` is not a finite number"))),
        };
        let all = |texts: &[String]| texts.iter().map(one).collect::<Result<Vec<f32>, _>>();
        let experts = (0..self.experts)
            .map(|i| tensors.network(&under(i), self.layers, self.activation))
            .collect::<Result<_, _>>()?;
        let weights = match &self.weights {
            StoredWeights::Fixed { weights } => GateWeights::Fixed(all(weights)?),
            StoredWeights::Softmax { temperature, top_k, shared, bias } => {
                GateWeights::Softmax(Routing {
                    temperature: one(temperature)?,
                    top_k: *top_k,
                    shared: shared.clone(),
                    bias: all(bias)?,
                })
            }
            StoredWeights::Rules { columns } => GateWeights::Rules(columns.clone()),
            StoredWeights::Confidence { threshold, temperatures } => GateWeights::Confidence {
                threshold: one(threshold)?,
                temperatures: all(temperatures)?,
            },
        };
        let handed = self.handed.iter().map(|[start, end]| *start..*end).collect();
        Ok(Combination { handed, experts, weights, pool: self.pool })
    }
}

/// What the tensors of an expert inside are named under.
fn under(position: usize) -> String {
    format!("expert.{position:04}.")
}
