//! Recipe ingredients (cache key) of a gate.
//!
//! A gate that learns nothing (a mean, fixed weights, rules) reads no content in its fit, so no change of its
//! experts touches it; what it hands over is of course computed anew.

use collegium_records::Ingredient;

use super::{Ingredients, Params, Section};
use crate::{
    Gate, Output,
    write::{Written, combine},
};

impl Params for Gate {
    fn kind(&self) -> &'static str {
        "gate"
    }

    fn ingredients(&self, recipe: &mut Ingredients<'_>) {
        let Self { experts, rule, temperature, top_k, shared } = self;
        recipe.shape("gate.type", rule.name());
        if !rule.learns() {
            // What the predicates of rules say stays in: another rule is another gate.
            recipe.without_content_of(Output::Prediction);
        }
        // Their order is that of the weights, and of a cascade.
        let experts = experts.iter().map(|expert| Ingredient::from(expert.get_ref().as_str()));
        recipe.shape("gate.experts", experts.collect::<Vec<_>>());
        rule.ingredients(recipe);
        if rule.routes() {
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
        self.rule.write(self, out);
        if self.rule.routes() {
            combine::routing(out, self);
        }
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

/// How many experts answer for a row.
pub(super) fn answering(k: Option<u32>) -> Ingredient {
    k.map_or(Ingredient::from("all"), Ingredient::from)
}
