//! Recipe ingredients (cache key) of a model's parameters.

use std::collections::BTreeSet;

use collegium_records::{Ingredient, Recipe};

use crate::{
    Activation, Balance, BalanceBy, ClassWeights, Mlp, Optimizer, Output, Schedule, Train,
};

/// The recipe of a fit while its model's parameters are put in.
#[derive(Debug)]
pub struct Ingredients<'a> {
    recipe: &'a mut Recipe,
    train: &'a Train,
    seed: u64,
    shape: BTreeSet<String>,
}

impl<'a> Ingredients<'a> {
    /// Into a recipe that has task, classes, target and inputs already. `train` is for kinds that are trained, `seed`
    /// for those that draw random numbers.
    pub fn new(recipe: &'a mut Recipe, train: &'a Train, seed: u64) -> Self {
        Self { recipe, train, seed, shape: BTreeSet::new() }
    }

    /// Adds or replaces an ingredient.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Ingredient>) {
        self.recipe.set(name, value);
    }

    /// The same for one that makes the model's shape: with another value, a fit costs something else, and cannot
    /// begin with the model before it.
    pub fn shape(&mut self, name: impl Into<String>, value: impl Into<Ingredient>) {
        let name = name.into();
        self.shape.insert(name.clone());
        self.set(name, value);
    }

    /// The names of those that make the shape.
    pub fn into_shape(self) -> BTreeSet<String> {
        self.shape
    }

    /// A network, as `UNDER.hidden`, `UNDER.activation` and `UNDER.dropout`.
    pub fn network(&mut self, under: &str, mlp: &Mlp) {
        let Mlp { hidden, activation, dropout } = mlp;
        let hidden = hidden.iter().map(|&width| Ingredient::from(width)).collect::<Vec<_>>();
        self.shape(format!("{under}.hidden"), hidden);
        self.shape(
            format!("{under}.activation"),
            match activation {
                Activation::Relu => "relu",
                Activation::Tanh => "tanh",
                Activation::Gelu => "gelu",
            },
        );
        self.set(format!("{under}.dropout"), *dropout);
    }

    /// How a network routes in training.
    pub fn routing(&mut self, balance: Balance, noise: f64) {
        let Balance { by, weight } = balance;
        let name = match by {
            BalanceBy::None => "none",
            BalanceBy::Importance => "importance",
            BalanceBy::Switch => "switch",
            BalanceBy::Bias => "bias",
        };
        self.set("gate.noise", noise);
        self.set("gate.balance", name);
        if by != BalanceBy::None {
            self.set("gate.balance_weight", weight);
        }
    }

    /// The seed.
    pub fn seed(&mut self) {
        self.set("seed", Ingredient::Text(self.seed.to_string()));
    }

    /// All of `train`, for kinds that are trained by gradient steps.
    pub fn training(&mut self) {
        let Train {
            epochs,
            batch,
            learning_rate,
            schedule,
            optimizer,
            weight_decay,
            patience,
            class_weights: _,
        } = self.train;
        let schedule = match schedule {
            Schedule::Constant => "constant",
            Schedule::Cosine => "cosine",
        };
        let optimizer = match optimizer {
            Optimizer::Adam => "adam",
            Optimizer::Adamw => "adamw",
            Optimizer::Sgd => "sgd",
        };
        self.set("train.epochs", *epochs);
        self.set("train.batch", *batch);
        self.set("train.learning_rate", *learning_rate);
        self.set("train.schedule", schedule);
        self.set("train.optimizer", optimizer);
        self.set("train.weight_decay", *weight_decay);
        self.set("train.patience", *patience);
        self.class_weights();
    }

    /// Of `train` the weights of classes alone, for kinds that minimise a loss in another way.
    pub fn class_weights(&mut self) {
        let weights: Ingredient = match &self.train.class_weights {
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
        };
        self.set("train.class_weights", weights);
    }

    /// Takes the content of one kind of input out again, for a model whose fit does not read it: how it is encoded
    /// stays in.
    pub fn without_content_of(&mut self, output: Output) {
        let end = format!(".{}", output.name());
        for (name, value) in &mut self.recipe.ingredients {
            if name.starts_with("inputs.")
                && name.ends_with(&end)
                && let Ingredient::List(parts) = value
            {
                parts.truncate(1);
            }
        }
    }
}
