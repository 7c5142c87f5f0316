//! Presets: layers, encoders and training that were chosen together.
//!
//! A preset is a set of defaults. Any single value of the file stands over it, and `show` writes all of them out: it
//! enters no recipe by its name.

use serde::{Deserialize, Serialize};

use crate::{
    Activation, Average, Batch, Calibrate, ClassWeights, Deploy, Edges, Encode, Mlp,
    NumberEncoding, Optimizer, Schedule, Train, defaults::WARM_UP,
};

/// Networks of an expert's average.
const MEMBERS: u32 = 4;

/// `train.learning_rate` of gates and mixtures.
const ROUTING_RATE: f64 = 0.02;

/// `preset`
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// One network of two small layers, 40 epochs: the least cost.
    Fast,
    /// The mean of four such networks, joined to one: what an expert has that names none.
    #[default]
    Default,
    /// The same, blended: half the model of all training rows, half the mean of the models of its folds.
    Best,
}

impl Preset {
    /// The layers of a perceptron.
    pub fn mlp(self) -> Mlp {
        Mlp { hidden: vec![64, 32], activation: Activation::Gelu, dropout: 0.0.into() }
    }

    /// How it is trained.
    pub fn train(self) -> Train {
        Train {
            epochs: 40,
            batch: Batch::Auto,
            learning_rate: 1e-2.into(),
            schedule: Schedule::OneCycle,
            warm_up: WARM_UP,
            optimizer: Optimizer::Adamw,
            beta2: 0.95,
            clip_gradient: None,
            weight_decay: 0.1,
            patience: 0,
            huber: None,
            quantile: None,
            focal: 0.0,
            label_smoothing: 0.0,
            class_weights: ClassWeights::None,
            calibrate: Calibrate::Temperature,
        }
    }

    /// How its inputs are encoded.
    pub fn encode(self) -> Encode {
        let numbers = vec![NumberEncoding::Robust, NumberEncoding::Quantile, NumberEncoding::Ple];
        Encode { numbers, bins: 32, edges: Edges::Quantiles }
    }

    /// Of how many models it is the average.
    pub fn average(self) -> Average {
        let (members, deploy) = match self {
            Self::Fast => (1, Deploy::Full),
            Self::Default => (MEMBERS, Deploy::Full),
            Self::Best => (MEMBERS, Deploy::Blend),
        };
        Average { members, deploy }
    }
}

impl Default for Mlp {
    fn default() -> Self {
        Preset::default().mlp()
    }
}

impl Default for Train {
    fn default() -> Self {
        Preset::default().train()
    }
}

impl Default for Encode {
    fn default() -> Self {
        Preset::default().encode()
    }
}

/// The defaults of one node: its preset's.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Defaults {
    pub(crate) mlp: Mlp,
    pub(crate) train: Train,
    pub(crate) encode: Encode,
    pub(crate) average: Average,
}

impl Defaults {
    pub(crate) fn of(preset: Option<Preset>) -> Self {
        let preset = preset.unwrap_or_default();
        Self {
            mlp: preset.mlp(),
            train: preset.train(),
            encode: preset.encode(),
            average: preset.average(),
        }
    }

    /// Those of a gate or a mixture: where experts take turns their borders are sharp, and only large weights make them so.
    #[must_use]
    pub(crate) fn routing(mut self) -> Self {
        self.train.learning_rate = ROUTING_RATE.into();
        self.train.weight_decay = 0.0;
        self
    }
}
