//! Gate `self`: each expert has a network of its own that estimates its loss.

use std::ops::Range;

use collegium_manifest::{
    Activation, DeclareRule, Gate, GateKeys, GateRule, Ingredients, Mlp, write::Written,
};
use collegium_table::Matrix;

use crate::{
    Dense, Head, Network, Routing, Target, Watch,
    combine::softmax,
    kinds::gate::{
        job::{GateError, GateJob, Gated, losses, routed},
        rule::{Fitting, Rule, downcast},
    },
    train::Targets,
};

const NAME: &str = "self";

/// Each expert has a network of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnNetworks {
    /// Each of the networks.
    pub net: Mlp,
}

/// As a file declares it.
pub(super) struct OwnNetworksRule;

impl DeclareRule for OwnNetworksRule {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "By a network for each expert."
    }

    fn keys(&self) -> &'static [&'static str] {
        &["inputs", "hidden", "activation", "temperature", "top_k", "shared", "train"]
    }

    fn read(&self, keys: &mut GateKeys<'_>) -> Box<dyn GateRule> {
        Box::new(OwnNetworks { net: keys.net() })
    }
}

impl Rule for OwnNetworksRule {
    fn fitting<'a>(&self, params: &'a dyn GateRule) -> Option<&'a dyn Fitting> {
        downcast::<OwnNetworks>(params)
    }
}

impl GateRule for OwnNetworks {
    fn name(&self) -> &'static str {
        NAME
    }

    fn ingredients(&self, recipe: &mut Ingredients<'_>) {
        let Self { net } = self;
        recipe.network("gate", net);
        recipe.seed();
        recipe.training();
    }

    fn write(&self, _: &Gate, out: &mut Written<'_>) {
        out.network(&self.net);
        out.train();
    }

    fn routes(&self) -> bool {
        true
    }

    fn net(&self) -> Option<&Mlp> {
        Some(&self.net)
    }

    fn is_judged(&self) -> bool {
        true
    }
}

impl Fitting for OwnNetworks {
    fn fit(&self, job: &GateJob, _: Targets, _: &mut Watch) -> Result<Gated, GateError> {
        let combination = routed(job, job.spec.temperature.unwrap_or(1.0));
        let network = judged(&job.judges);
        Ok(Gated { network, combination, epochs: Vec::new(), best_epoch: 0 })
    }
}

/// The least squared error that has a logarithm, in units of the target's variance.
const LEAST_SQUARE: f64 = 1e-6;

/// Targets of one expert's own network in a gate of type `self`: the expert's loss on each row.
/// Classes: its log loss. Values: the logarithm of its squared error, so that weights are those of
/// inverse variances. `handed` are the columns of its predictions in `x`.
pub fn judgement_targets(x: &Matrix, handed: &Range<usize>, head: Head, y: &Target) -> Vec<f32> {
    let alone = softmax::combination(vec![handed.clone()], Routing::all());
    let answers = alone.predictions(x, &head, None);
    let badly = losses(&answers, handed.len(), 1, y);
    match y {
        Target::Classes { .. } => badly.into_iter().map(|loss| loss as f32).collect(),
        Target::Values(_) => {
            badly.into_iter().map(|square| libm::log(square + LEAST_SQUARE) as f32).collect()
        }
    }
}

/// The networks of all experts side by side, as one: the outputs are how *well* each does.
pub fn judged(judges: &[Network]) -> Network {
    let Some(first) = judges.first() else {
        return Network::plain(Vec::new(), Activation::Relu);
    };
    let depth = first.layers.len();
    let layers = (0..depth)
        .map(|depth_now| {
            let parts: Vec<&Dense> = judges.iter().map(|judge| &judge.layers[depth_now]).collect();
            let shared = depth_now == 0;
            let outputs: usize = parts.iter().map(|part| part.outputs).sum();
            let inputs = match shared {
                true => parts[0].inputs,
                false => parts.iter().map(|part| part.inputs).sum(),
            };
            let sign = if depth_now + 1 == depth { -1.0 } else { 1.0 };
            let mut weight = vec![0.0; inputs * outputs];
            let (mut row, mut column) = (0, 0);
            for part in &parts {
                for i in 0..part.inputs {
                    let to = (row + i) * outputs + column;
                    let from = &part.weight[i * part.outputs..][..part.outputs];
                    weight[to..to + part.outputs]
                        .iter_mut()
                        .zip(from)
                        .for_each(|(to, from)| *to = sign * from);
                }
                column += part.outputs;
                row += if shared { 0 } else { part.inputs };
            }
            let bias = parts.iter().flat_map(|part| &part.bias).map(|b| sign * b).collect();
            Dense { inputs, outputs, weight, bias }
        })
        .collect();
    Network::plain(layers, first.activation)
}
