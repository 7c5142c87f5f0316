//! What of a gate enters a recipe.
//!
//! A gate that learns nothing (a mean, fixed weights, rules) reads no content in its fit, so no change of its
//! experts touches it; what it hands over is of course computed anew.

use collegium_records::Ingredient;

use super::{Ingredients, Params, Section};
use crate::{
    Balance, BalanceBy, Gate, GateLoss, Output, Rule, Threshold,
    write::{Written, combine},
};

impl Params for Gate {
    fn kind(&self) -> &'static str {
        "gate"
    }

    fn ingredients(&self, recipe: &mut Ingredients<'_>) {
        let Self { experts, rule, temperature, top_k, shared } = self;
        recipe.shape("gate.type", rule.name());
        if !learns(rule) {
            // What the predicates of rules say stays in: another rule is another gate.
            recipe.without_content_of(Output::Prediction);
        }
        // Their order is that of the weights, and of a cascade.
        let experts = experts.iter().map(|expert| Ingredient::from(expert.get_ref().as_str()));
        recipe.shape("gate.experts", experts.collect::<Vec<_>>());
        match rule {
            Rule::Uniform | Rule::Geometric | Rule::NoisyOr | Rule::Best => {}
            Rule::Rules { columns: _ } | Rule::Distance => {}
            Rule::Fixed(weights) => {
                let weights = weights.iter().map(|&weight| Ingredient::from(weight));
                recipe.set("gate.weights", weights.collect::<Vec<_>>());
            }
            Rule::Stack { ridge } => recipe.set("gate.ridge", *ridge),
            Rule::Softmax { net, loss, balance, noise } => {
                recipe.network("gate", net);
                recipe.set(
                    "gate.loss",
                    match loss {
                        GateLoss::Likelihood => "likelihood",
                        GateLoss::SquaredError => "squared-error",
                    },
                );
                routing(recipe, *balance, *noise);
                recipe.seed();
                recipe.training();
            }
            Rule::Own { net } => {
                recipe.network("gate", net);
                recipe.seed();
                recipe.training();
            }
            Rule::Cascade(Threshold::Confidence(at)) => recipe.set("gate.confidence", *at),
            Rule::Cascade(Threshold::ErrorBudget(at)) => recipe.set("gate.error_budget", *at),
            Rule::Cascade(Threshold::CostBudget(at)) => recipe.set("gate.cost_budget", *at),
        }
        if matches!(rule, Rule::Softmax { .. } | Rule::Own { .. } | Rule::Distance) {
            match temperature {
                Some(temperature) => recipe.set("gate.temperature", *temperature),
                None => recipe.set("gate.temperature", "validation"),
            }
            recipe.set("gate.top_k", answering(*top_k));
            let shared = shared.iter().map(|&at| Ingredient::Integer(at as i64));
            recipe.set("gate.shared", shared.collect::<Vec<_>>());
        }
    }

    fn write(&self, out: &mut Written<'_>) {
        combine::rule(out, self);
    }

    fn describe(&self) -> String {
        let chosen = self.top_k.map_or(String::new(), |k| format!(", {k} of which answer"));
        format!("{} gate over {} experts{chosen}", self.rule.name(), self.experts.len())
    }

    fn noun(&self) -> &'static str {
        "gate"
    }

    fn section(&self) -> Section {
        Section::Gate
    }

    fn gate(&self) -> Option<&Gate> {
        Some(self)
    }
}

/// Does a fit of this rule read anything?
const fn learns(rule: &Rule) -> bool {
    !matches!(
        rule,
        Rule::Uniform | Rule::Geometric | Rule::NoisyOr | Rule::Fixed(_) | Rule::Rules { .. }
    )
}

/// How many experts answer for a row.
pub(super) fn answering(k: Option<u32>) -> Ingredient {
    k.map_or(Ingredient::from("all"), Ingredient::from)
}

/// How a network routes in training.
pub(super) fn routing(recipe: &mut Ingredients<'_>, balance: Balance, noise: f64) {
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
