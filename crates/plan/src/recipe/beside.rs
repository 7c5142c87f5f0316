//! Recipes of fits inside a fit, and ingredients from upstream models beside the content of inputs.

use collegium_digest::Digest;
use collegium_manifest::{Expert, Ingredients, Mlp, Output};
use collegium_records::{Ingredient, Recipe};

use super::{FitInputs, common};

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
    let mut recipe = common(&own).with("model.type", "judgement");
    let mut ingredients = Ingredients::new(&mut recipe, expert, inputs.task);
    ingredients.seed();
    ingredients.network("gate", net);
    ingredients.training();
    recipe
}

/// How the names of ingredients begin that are models which a mixture begins with.
pub const BEGINS_WITH: &str = "warm_start.";

/// The ingredient that a mixture begins with an expert's model.
pub fn begins_with(expert: &str, model: Digest) -> (String, Ingredient) {
    (format!("{BEGINS_WITH}{expert}"), model.into())
}
