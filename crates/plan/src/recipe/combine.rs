//! The ingredients of a gate's and of a mixture's fit.
//!
//! A gate that learns nothing (a mean, fixed weights, rules) reads no content in its fit, so no change
//! of its experts touches it; what it hands over is of course computed anew.

use collegium_digest::Digest;
use collegium_manifest::{
    Balance, BalanceBy, Expert, Gate, GateLoss, Mixture, Mlp, Output, Rule, Threshold,
};
use collegium_records::{Ingredient, Recipe};

use super::{FitInputs, common, network, seed, training};

pub(super) fn gate(expert: &Expert, gate: &Gate, inputs: &FitInputs) -> Recipe {
    let mut recipe = common(inputs).with("model.type", "gate").with("gate.type", gate.rule.name());
    if !learns(&gate.rule) {
        // What the predicates of rules say stays in: another rule is another gate.
        let answers = format!(".{}", Output::Prediction.name());
        for input in inputs.inputs.iter().filter(|input| input.name.ends_with(&answers)) {
            let kind = Ingredient::from(input.kind.as_str());
            recipe.set(format!("inputs.{}", input.name), vec![kind]);
        }
    }
    // Their order is that of the weights, and of a cascade.
    let experts = gate.experts.iter().map(|expert| Ingredient::from(expert.get_ref().as_str()));
    recipe.set("gate.experts", experts.collect::<Vec<_>>());
    match &gate.rule {
        Rule::Uniform | Rule::Geometric | Rule::NoisyOr | Rule::Best | Rule::Rules { .. } => {}
        Rule::Distance => {}
        Rule::Fixed(weights) => {
            let weights = weights.iter().map(|&weight| Ingredient::from(weight));
            recipe.set("gate.weights", weights.collect::<Vec<_>>());
        }
        Rule::Stack { ridge } => recipe.set("gate.ridge", *ridge),
        Rule::Softmax { net, loss, balance, noise } => {
            network(&mut recipe, "gate", net);
            recipe.set(
                "gate.loss",
                match loss {
                    GateLoss::Likelihood => "likelihood",
                    GateLoss::SquaredError => "squared-error",
                },
            );
            routing(&mut recipe, *balance, *noise);
            recipe.set("seed", seed(expert));
            training(&mut recipe, &expert.train);
        }
        Rule::Own { net } => {
            network(&mut recipe, "gate", net);
            recipe.set("seed", seed(expert));
            training(&mut recipe, &expert.train);
        }
        Rule::Cascade(Threshold::Confidence(at)) => recipe.set("gate.confidence", *at),
        Rule::Cascade(Threshold::ErrorBudget(at)) => recipe.set("gate.error_budget", *at),
        Rule::Cascade(Threshold::CostBudget(at)) => recipe.set("gate.cost_budget", *at),
    }
    if matches!(gate.rule, Rule::Softmax { .. } | Rule::Own { .. } | Rule::Distance) {
        match gate.temperature {
            Some(temperature) => recipe.set("gate.temperature", temperature),
            None => recipe.set("gate.temperature", "validation"),
        }
        recipe.set("gate.top_k", top_k(gate.top_k));
        let shared = gate.shared.iter().map(|&at| Ingredient::Integer(at as i64));
        recipe.set("gate.shared", shared.collect::<Vec<_>>());
    }
    recipe
}

/// Does a fit of this rule read anything?
const fn learns(rule: &Rule) -> bool {
    !matches!(
        rule,
        Rule::Uniform | Rule::Geometric | Rule::NoisyOr | Rule::Fixed(_) | Rule::Rules { .. }
    )
}

/// The recipe of one expert's own judgement in a gate of type `self`: nothing of the other experts is
/// in it, so replacing one trains one. `member` is the input that is its expert's prediction.
pub fn judgement_recipe(expert: &Expert, net: &Mlp, inputs: &FitInputs, member: &str) -> Recipe {
    let prediction = format!(".{}", Output::Prediction.name());
    let mut own = inputs.clone();
    own.inputs.retain(|input| input.name == member || !input.name.ends_with(&prediction));
    for input in &mut own.inputs {
        if input.name == member {
            // Whose it is does not matter.
            input.name = "expert".to_owned();
        }
    }
    let mut recipe = common(&own).with("model.type", "judgement").with("seed", seed(expert));
    network(&mut recipe, "gate", net);
    training(&mut recipe, &expert.train);
    recipe
}

pub(super) fn mixture(expert: &Expert, mixture: &Mixture, inputs: &FitInputs) -> Recipe {
    let mut recipe = common(inputs)
        .with("model.type", "mixture")
        .with("mixture.experts", mixture.experts)
        .with("mixture.shared", mixture.shared)
        .with("mixture.restarts", mixture.restarts)
        .with("gate.temperature", mixture.temperature)
        .with("gate.top_k", top_k(mixture.top_k))
        .with("gate.z_loss", mixture.z_loss)
        .with(
            "gate.capacity_factor",
            mixture.capacity_factor.map_or(Ingredient::from("none"), Ingredient::from),
        )
        .with("seed", seed(expert));
    network(&mut recipe, "model", &mixture.expert);
    network(&mut recipe, "gate", &mixture.gate);
    routing(&mut recipe, mixture.balance, mixture.noise);
    training(&mut recipe, &expert.train);
    recipe
}

fn top_k(k: Option<u32>) -> Ingredient {
    k.map_or(Ingredient::from("all"), Ingredient::from)
}

fn routing(recipe: &mut Recipe, balance: Balance, noise: f64) {
    let by = match balance.by {
        BalanceBy::None => "none",
        BalanceBy::Importance => "importance",
        BalanceBy::Switch => "switch",
        BalanceBy::Bias => "bias",
    };
    recipe.set("gate.noise", noise);
    recipe.set("gate.balance", by);
    if balance.by != BalanceBy::None {
        recipe.set("gate.balance_weight", balance.weight);
    }
}

/// The ingredient that a mixture begins with an expert's model.
pub fn begins_with(expert: &str, model: Digest) -> (String, Ingredient) {
    (format!("warm_start.{expert}"), model.into())
}
