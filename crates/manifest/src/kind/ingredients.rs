//! Recipe ingredients (cache key) of a model's parameters.

use std::collections::BTreeSet;

use collegium_records::{Ingredient, Recipe};

use crate::{
    Activation, Balance, BalanceBy, Batch, Calibrate, ClassWeights, Encode, Expert, Mlp,
    NumberEncoding, Optimizer, Output, Schedule, Task, Train,
};

/// The recipe of a fit while its model's parameters are put in.
#[derive(Debug)]
pub struct Ingredients<'a> {
    recipe: &'a mut Recipe,
    train: &'a Train,
    encode: &'a Encode,
    task: Task,
    seed: u64,
    shape: BTreeSet<String>,
}

impl<'a> Ingredients<'a> {
    /// Of an expert, into a recipe that has task, classes, target and inputs already.
    pub fn new(recipe: &'a mut Recipe, expert: &'a Expert, task: Task) -> Self {
        let Expert { train, encode, seed, .. } = expert;
        Self { recipe, train, encode, task, seed: *seed, shape: BTreeSet::new() }
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
                Activation::Silu => "silu",
                Activation::Selu => "selu",
                Activation::Mish => "mish",
            },
        );
        self.set(format!("{under}.dropout"), dropout.of(self.task));
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
            warm_up,
            optimizer,
            beta2,
            clip_gradient,
            weight_decay,
            huber,
            quantile,
            focal,
            label_smoothing,
            patience,
            class_weights: _,
            calibrate,
        } = self.train;
        let schedule = match schedule {
            Schedule::Constant => "constant",
            Schedule::Cosine => "cosine",
            Schedule::OneCycle => "one-cycle",
            Schedule::Coslog4 => "coslog4",
        };
        let optimizer = match optimizer {
            Optimizer::Adam => "adam",
            Optimizer::Adamw => "adamw",
            Optimizer::Sgd => "sgd",
        };
        self.set("train.epochs", *epochs);
        match batch {
            Batch::Rows(rows) => self.set("train.batch", *rows),
            Batch::Auto => self.set("train.batch", "auto"),
        }
        self.set("train.learning_rate", learning_rate.of(self.task));
        self.set("train.schedule", schedule);
        self.set("train.warm_up", *warm_up);
        self.set("train.optimizer", optimizer);
        self.set("train.beta2", *beta2);
        self.set("train.clip_gradient", clip_gradient.map_or("none".into(), Ingredient::from));
        self.set("train.weight_decay", *weight_decay);
        self.set("train.patience", *patience);
        let off = |share: f64| (share != 0.0).then_some(share);
        let losses = [
            ("train.huber", *huber),
            ("train.quantile", *quantile),
            ("train.focal", off(*focal)),
            ("train.label_smoothing", off(*label_smoothing)),
        ];
        for (name, value) in losses {
            if let Some(value) = value {
                self.set(name, value);
            }
        }
        self.set(
            "calibrate",
            match calibrate {
                Calibrate::None => "none",
                Calibrate::Temperature => "temperature",
            },
        );
        self.class_weights();
    }

    /// How a network's inputs are encoded: its own part, and [`scale`](Self::scale).
    pub fn encode(&mut self) {
        self.scale();
        let Encode { numbers, bins, edges } = self.encode;
        let names = numbers.iter().map(|number| Ingredient::from(number.name()));
        self.shape("encode.numbers", names.collect::<Vec<_>>());
        if numbers.contains(&NumberEncoding::Ple) {
            self.shape("encode.bins", *bins);
            self.shape("encode.edges", edges.name());
        }
    }

    /// How numbers are scaled, for kinds that are given nothing else of them.
    pub fn scale(&mut self) {
        self.shape("encode.scale", self.encode.scale().name());
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
