//! The ingredients of a fit.

mod combine;

use std::collections::BTreeMap;

pub use combine::{begins_with, judgement_recipe};

use collegium_digest::Digest;
use collegium_manifest::{
    Activation, Baseline, ClassWeights, Expert, Mlp, Model, Optimizer, Schedule, Task, Train,
};
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
    match &expert.model {
        Model::Mlp(mlp) => {
            let mut recipe = common(inputs).with("model.type", "mlp");
            network(&mut recipe, "model", mlp);
            recipe.set("seed", seed(expert));
            training(&mut recipe, &expert.train);
            recipe
        }
        Model::Gate(gate) => combine::gate(expert, gate, inputs),
        Model::Mixture(mixture) => combine::mixture(expert, mixture, inputs),
    }
}

fn network(recipe: &mut Recipe, under: &str, mlp: &Mlp) {
    let hidden = mlp.hidden.iter().map(|&width| Ingredient::from(width)).collect::<Vec<_>>();
    recipe.set(format!("{under}.hidden"), hidden);
    recipe.set(
        format!("{under}.activation"),
        match mlp.activation {
            Activation::Relu => "relu",
            Activation::Tanh => "tanh",
            Activation::Gelu => "gelu",
        },
    );
    recipe.set(format!("{under}.dropout"), mlp.dropout);
}

fn seed(expert: &Expert) -> Ingredient {
    Ingredient::Text(expert.seed.to_string())
}

/// The recipe of a baseline. `single` is an ordinary fit on other inputs: [`fit_recipe`].
pub fn baseline_recipe(kind: Baseline, inputs: &FitInputs, train: &Train) -> Recipe {
    let name = match kind {
        Baseline::Majority => "majority",
        Baseline::Linear => "linear",
        Baseline::Single => "single",
    };
    let mut recipe = common(inputs).with("model.type", name);
    recipe.set("train.class_weights", class_weights(&train.class_weights));
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

fn training(recipe: &mut Recipe, train: &Train) {
    recipe.set("train.epochs", train.epochs);
    recipe.set("train.batch", train.batch);
    recipe.set("train.learning_rate", train.learning_rate);
    recipe.set(
        "train.schedule",
        match train.schedule {
            Schedule::Constant => "constant",
            Schedule::Cosine => "cosine",
        },
    );
    recipe.set(
        "train.optimizer",
        match train.optimizer {
            Optimizer::Adam => "adam",
            Optimizer::Adamw => "adamw",
            Optimizer::Sgd => "sgd",
        },
    );
    recipe.set("train.weight_decay", train.weight_decay);
    recipe.set("train.patience", train.patience);
    recipe.set("train.class_weights", class_weights(&train.class_weights));
}

fn class_weights(weights: &ClassWeights) -> Ingredient {
    match weights {
        ClassWeights::None => "none".into(),
        ClassWeights::Balanced => "balanced".into(),
        ClassWeights::Given(map) => {
            let mut sorted: Vec<_> = map.iter().collect();
            sorted.sort_by(|a, b| a.0.cmp(b.0));
            sorted
                .into_iter()
                .map(|(class, &weight)| vec![class.as_str().into(), weight.into()].into())
                .collect::<Vec<Ingredient>>()
                .into()
        }
    }
}
