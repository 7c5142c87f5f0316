//! Presets: layers, encoders and training that were chosen together.
//!
//! A preset is a set of defaults. Any single value of the file stands over it, and `show` writes all of them out: it
//! enters no recipe by its name.

use serde::{Deserialize, Serialize};

use crate::{
    Activation, Average, Batch, ByTask, Calibrate, Deploy, Encode, Mlp, NumberEncoding, Optimizer,
    Schedule, Train, defaults::WARM_UP,
};

/// `preset`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Two small layers, 40 epochs: the least cost.
    Fast,
    /// Two wider layers, 50 epochs.
    Default,
    /// The same, blended: half the model of all training rows, half the mean of the models of its folds.
    Best,
}

impl Preset {
    /// The layers of a perceptron.
    pub fn mlp(self) -> Mlp {
        let (hidden, dropout) = match self {
            Self::Fast => (vec![64, 32], 0.0.into()),
            Self::Default | Self::Best => {
                (vec![128, 64], ByTask { classification: 0.1, regression: 0.0 })
            }
        };
        Mlp { hidden, activation: Activation::Gelu, dropout }
    }

    /// How it is trained.
    pub fn train(self) -> Train {
        let (epochs, learning_rate) = match self {
            Self::Fast => (40, 1e-2.into()),
            Self::Default | Self::Best => (50, ByTask { classification: 5e-3, regression: 1e-2 }),
        };
        Train {
            epochs,
            batch: Batch::Auto,
            learning_rate,
            schedule: Schedule::OneCycle,
            warm_up: WARM_UP,
            optimizer: Optimizer::Adamw,
            beta2: 0.95,
            weight_decay: 0.1,
            patience: 0,
            calibrate: Calibrate::Temperature,
            ..Train::default()
        }
    }

    /// How its inputs are encoded.
    pub fn encode(self) -> Encode {
        let numbers = vec![NumberEncoding::Robust, NumberEncoding::Quantile, NumberEncoding::Ple];
        Encode { numbers, bins: 32, ..Encode::default() }
    }

    /// Of how many models it is the average.
    pub fn average(self) -> Average {
        match self {
            Self::Fast | Self::Default => Average::default(),
            Self::Best => Average { deploy: Deploy::Blend, ..Average::default() },
        }
    }
}

/// The defaults of one node: its preset's, or those of no preset.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Defaults {
    pub(crate) mlp: Mlp,
    pub(crate) train: Train,
    pub(crate) encode: Encode,
    pub(crate) average: Average,
}

impl Defaults {
    pub(crate) fn of(preset: Option<Preset>) -> Self {
        match preset {
            None => Self {
                mlp: Mlp::default(),
                train: Train::default(),
                encode: Encode::default(),
                average: Average::default(),
            },
            Some(preset) => Self {
                mlp: preset.mlp(),
                train: preset.train(),
                encode: preset.encode(),
                average: preset.average(),
            },
        }
    }
}
