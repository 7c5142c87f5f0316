//! Recipe ingredients (cache key) of a mixture.

use collegium_records::Ingredient;

use super::{Ingredients, Params, Section, gate::answering};
use crate::{
    Mixture,
    write::{Written, combine},
};

impl Params for Mixture {
    fn kind(&self) -> &'static str {
        "mixture"
    }

    fn ingredients(&self, recipe: &mut Ingredients<'_>) {
        let Self {
            experts,
            shared,
            expert,
            gate,
            temperature,
            top_k,
            noise,
            balance,
            z_loss,
            capacity_factor,
            restarts,
            // What it begins with is content: the models of these experts.
            warm_start: _,
        } = self;
        recipe.shape("mixture.experts", *experts);
        recipe.shape("mixture.shared", *shared);
        recipe.set("mixture.restarts", *restarts);
        recipe.set("gate.temperature", *temperature);
        recipe.shape("gate.top_k", answering(*top_k));
        recipe.set("gate.z_loss", *z_loss);
        let capacity = capacity_factor.map_or(Ingredient::from("none"), Ingredient::from);
        recipe.set("gate.capacity_factor", capacity);
        recipe.seed();
        recipe.network("model", expert);
        recipe.network("gate", gate);
        recipe.routing(*balance, *noise);
        recipe.training();
    }

    fn write(&self, out: &mut Written<'_>) {
        combine::mixture(out, self);
    }

    fn describe(&self) -> String {
        let chosen = self.top_k.map_or(String::new(), |k| format!(", {k} of which answer"));
        let shared = match self.shared {
            0 => String::new(),
            n => format!(" and {n} shared"),
        };
        let expert = self.expert.describe();
        format!("mixture of {} experts{chosen}{shared}, each {expert}", self.experts)
    }

    fn noun(&self) -> &'static str {
        "mixture"
    }

    fn section(&self) -> Section {
        Section::Mixture
    }

    fn mixture(&self) -> Option<&Mixture> {
        Some(self)
    }
}
