//! `model` of a perceptron and `train`: layers, and how they are trained.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::Task;

/// A multilayer perceptron: dense layers with one activation, and a linear head.
#[derive(Debug, Clone, PartialEq)]
pub struct Mlp {
    /// Widths of the hidden layers; empty: a linear model.
    pub hidden: Vec<u32>,
    /// Between the layers.
    pub activation: Activation,
    /// Probability that a hidden unit is dropped in training; 0 turns it off.
    pub dropout: ByTask,
}

impl Mlp {
    /// Inputs, hidden units by layer, outputs.
    pub fn widths(&self, inputs: u64, outputs: u64) -> Vec<u64> {
        let hidden = self.hidden.iter().map(|&width| u64::from(width));
        std::iter::once(inputs).chain(hidden).chain([outputs]).collect()
    }

    /// Trainable numbers.
    pub fn parameters(&self, inputs: u64, outputs: u64) -> u64 {
        self.widths(inputs, outputs).windows(2).map(|pair| (pair[0] + 1) * pair[1]).sum()
    }

    /// Multiply-adds of one row's forward pass.
    pub fn multiply_adds(&self, inputs: u64, outputs: u64) -> u64 {
        self.widths(inputs, outputs).windows(2).map(|pair| pair[0] * pair[1]).sum()
    }

    /// In a few words: `mlp 64-32 relu`.
    pub fn describe(&self) -> String {
        let widths: Vec<String> = self.hidden.iter().map(ToString::to_string).collect();
        let activation = format!("{:?}", self.activation).to_lowercase();
        match widths.is_empty() {
            true => "mlp without hidden layers".to_owned(),
            false => format!("mlp {} {activation}", widths.join("-")),
        }
    }
}

/// An elementwise nonlinearity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// max(0, x)
    Relu,
    /// tanh x
    Tanh,
    /// x·Φ(x), in its tanh form
    Gelu,
    /// x·σ(x), also called swish
    Silu,
    /// λx above 0, λα(eˣ − 1) below, with the λ and α that keep mean 0 and deviation 1 (Klambauer et al. 2017)
    Selu,
    /// x·tanh(ln(1 + eˣ))
    Mish,
}

impl Activation {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Relu, Self::Tanh, Self::Gelu, Self::Silu, Self::Selu, Self::Mish];
}

/// A number for classifiers and one for regressions: what serves the one best may not serve the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ByTask {
    /// Of a classifier.
    pub classification: f64,
    /// Of a regression.
    pub regression: f64,
}

impl ByTask {
    /// The one of a task.
    pub fn of(self, task: Task) -> f64 {
        match task {
            Task::Classification => self.classification,
            Task::Regression => self.regression,
        }
    }
}

impl From<f64> for ByTask {
    fn from(number: f64) -> Self {
        Self { classification: number, regression: number }
    }
}

/// How an expert is trained.
#[derive(Debug, Clone, PartialEq)]
pub struct Train {
    /// Most passes over the training rows.
    pub epochs: u32,
    /// Rows per step.
    pub batch: Batch,
    /// Step size; of a schedule, the largest.
    pub learning_rate: ByTask,
    /// How the step size moves.
    pub schedule: Schedule,
    /// The share of all steps over which the step size rises from 0, before its schedule begins.
    pub warm_up: f64,
    /// `adam`, `adamw` or `sgd`.
    pub optimizer: Optimizer,
    /// Decay of the mean squared gradient (Adam, AdamW).
    pub beta2: f64,
    /// The most that the norm of a step's gradient may be; a longer one is shortened. `None`: any.
    pub clip_gradient: Option<f64>,
    /// L2 penalty (SGD, Adam) or decoupled decay (AdamW).
    pub weight_decay: f64,
    /// Epochs without a better validation loss before training stops; 0 never stops early. The best
    /// epoch's weights are kept either way.
    pub patience: u32,
    /// Of a regression: residuals beyond so many deviations of the target cost linearly; `None`: none.
    pub huber: Option<f64>,
    /// Of a regression: the quantile that is predicted; `None`: the mean.
    pub quantile: Option<f64>,
    /// Of a classifier: γ of the focal loss; 0: log loss.
    pub focal: f64,
    /// Of a classifier: the share of a label that is given to all classes alike.
    pub label_smoothing: f64,
    /// Weights of the classes in the loss.
    pub class_weights: ClassWeights,
    /// How a classifier is calibrated when it is trained. It is a key of the expert, beside `train`.
    pub calibrate: Calibrate,
}

/// How the probabilities of a classifier are made to fit the validation rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Calibrate {
    /// They are left as they are.
    None,
    /// Logits times one number that makes the log loss least, if there are at least 100 validation rows (Guo et al. 2017).
    Temperature,
}

/// How the step size moves over training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// It stays.
    Constant,
    /// It falls to 0 along half a cosine over `epochs`.
    Cosine,
    /// After the warm-up it falls along half a cosine to a hundredth of it (Smith and Topin 2019).
    OneCycle,
    /// ½(1 − cos 2π log₂(1 + 15t)) of it, with t from 0 to 1: four cycles, each longer (Holzmüller et al. 2024).
    Coslog4,
}

/// Rows per step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Batch {
    /// By the number of training rows n: the power of two next to n/32, from 32 to 256.
    Auto,
    /// So many.
    Rows(u32),
}

impl Batch {
    /// Rows per step of so many training rows.
    pub fn of(self, rows: u64) -> u32 {
        match self {
            Self::Rows(rows) => rows,
            Self::Auto => {
                // 2ᵏ is next to n/32 up to n = 32 · 2ᵏ · √2.
                let is_next = |k: &u32| rows.saturating_mul(rows) <= 2 * (32_u64 << k).pow(2);
                1 << (5..8).find(is_next).unwrap_or(8)
            }
        }
    }
}

/// The rule of a training step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Optimizer {
    /// Adam (β₁ = .9, β₂ = `beta2`, ε = 1e-8).
    Adam,
    /// Adam with decoupled weight decay.
    Adamw,
    /// Gradient descent with momentum .9.
    Sgd,
}

/// Weights of the classes in the loss.
#[derive(Debug, Clone, PartialEq)]
pub enum ClassWeights {
    /// All 1.
    None,
    /// n / (C · nᵢ), as scikit-learn's `balanced`.
    Balanced,
    /// By class name.
    Given(IndexMap<String, f64>),
}
