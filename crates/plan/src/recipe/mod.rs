//! Recipes (cache keys): the ingredients of a fit.

mod beside;

use std::collections::BTreeMap;

pub use beside::{BEGINS_WITH, begins_with, judgement_recipe};

use collegium_digest::Digest;
use collegium_manifest::{Baseline, Expert, Ingredients, Task};
use collegium_records::{Ingredient, Recipe};

/// One declared input as a fit reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct InputDigest {
    /// The reference, e.g. `flights.hour`: a model binds its inputs by name.
    pub name: String,
    /// How it is encoded: `number`, `boolean`, `category`, `time`, or an output's name.
    pub kind: String,
    /// Its content on the fit's training rows, in the table's order.
    pub train: Digest,
    /// Its content on the fit's validation rows.
    pub valid: Digest,
}

/// The content that a fit reads.
#[derive(Debug, Clone, PartialEq)]
pub struct FitInputs {
    /// Classification or regression.
    pub task: Task,
    /// Class names in the order of the logits.
    pub classes: Vec<String>,
    /// The declared inputs, sorted by name.
    pub inputs: Vec<InputDigest>,
    /// The target on training and on validation rows.
    pub target: (Digest, Digest),
    /// What else of its upstreams reaches a fit: costs of a cascade's experts, models that a mixture
    /// begins with.
    pub beside: BTreeMap<String, Ingredient>,
}

/// The recipe of a fit of `expert` (full or a fold: they differ in the rows, so in the digests).
///
/// Names of experts, folds, paths and threads are not in it; nor is `upstream`, whose effect *is*
/// the content of the inputs.
pub fn fit_recipe(expert: &Expert, inputs: &FitInputs) -> Recipe {
    let mut recipe = common(inputs).with("model.type", expert.model.kind());
    expert.model.ingredients(&mut Ingredients::new(&mut recipe, expert, inputs.task));
    if expert.average.members > 1 {
        recipe.set("members", expert.average.members);
    }
    recipe
}

/// Those ingredients of a fit of `expert` that make the shape of its model: where they are as they were, a fit costs
/// what it cost, and may begin with the model before it.
pub fn shape(expert: &Expert) -> BTreeMap<String, Ingredient> {
    let mut recipe = Recipe::new("fit").with("model.type", expert.model.kind());
    // What differs by task makes no shape.
    let mut ingredients = Ingredients::new(&mut recipe, expert, Task::Regression);
    expert.model.ingredients(&mut ingredients);
    let mut names = ingredients.into_shape();
    names.insert("model.type".to_owned());
    if expert.average.members > 1 {
        recipe.set("members", expert.average.members);
        names.insert("members".to_owned());
    }
    recipe.ingredients.retain(|name, _| names.contains(name));
    recipe.ingredients
}

/// The recipe of a baseline of `expert`. `single` is an ordinary fit on other inputs: [`fit_recipe`].
pub fn baseline_recipe(kind: Baseline, inputs: &FitInputs, expert: &Expert) -> Recipe {
    let mut recipe = common(inputs).with("model.type", kind.name());
    // No seed is in it: it draws no random numbers.
    let mut ingredients = Ingredients::new(&mut recipe, expert, inputs.task);
    ingredients.class_weights();
    ingredients.scale();
    recipe
}

fn common(inputs: &FitInputs) -> Recipe {
    let mut recipe = Recipe::new("fit")
        .with("task", inputs.task.name())
        .with(
            "classes",
            inputs.classes.iter().map(|c| Ingredient::from(c.as_str())).collect::<Vec<_>>(),
        )
        .with("target", pair(inputs.target.0, inputs.target.1));
    for input in &inputs.inputs {
        recipe.set(
            format!("inputs.{}", input.name),
            vec![
                Ingredient::from(input.kind.as_str()),
                Ingredient::from(input.train),
                Ingredient::from(input.valid),
            ],
        );
    }
    for (name, value) in &inputs.beside {
        recipe.set(name.clone(), value.clone());
    }
    recipe
}

fn pair(a: Digest, b: Digest) -> Vec<Ingredient> {
    vec![a.into(), b.into()]
}
