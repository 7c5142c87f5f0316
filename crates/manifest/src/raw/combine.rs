//! Raw `[gate.NAME]` and `[mixture.NAME]`, as written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{decide::ThresholdChoice, expert::RawTrain};
use crate::{
    Activation, At, BalanceBy, GateLoss, Mlp, Task, TomlTable, Upstream,
    defaults::{
        BALANCE_WEIGHT, EXPERTS, FOLDS, GATE_HIDDEN, MOST_EXPERTS, MOST_FOLDS, MOST_RESTARTS,
        RIDGE, UPSTREAM,
    },
    kind::{DEFAULT, ModelChoice, RuleName},
};

/// A gate: combines the predictions of experts that are trained by themselves.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
#[schemars(rename = "Gate")]
pub struct RawGate {
    /// What it combines: names of experts, gates or mixtures, at least two. A cascade asks them in
    /// this order.
    pub(crate) experts: Option<At<Vec<At<String>>>>,
    /// How it combines them. `uniform`: arithmetic mean. `geometric`: product of experts.
    /// `noisy-or`: any of several causes suffices. `fixed`: by `weights`. `best`: the one of least
    /// loss. `stack`: a linear model of their predictions. `softmax`: by a network on `inputs`.
    /// `distance`: by the distance of `inputs` to a centre of each. `self`: each expert has a network
    /// on `inputs` that says how well it will do. `rules`: by an SQL predicate for each. `cascade`:
    /// the first that is sure enough. Default: `"softmax"`.
    #[serde(rename = "type")]
    #[schemars(with = "Option<RuleName>", extend("default" = DEFAULT))]
    pub(crate) kind: Option<At<String>>,
    /// What the weights are computed from (softmax, distance, self): columns and outputs, as an
    /// expert's inputs.
    pub(crate) inputs: Option<At<Vec<At<String>>>>,
    /// The column that it predicts: `"source.column"`.
    pub(crate) target: Option<At<String>>,
    /// What kind of prediction. Default: as for an expert.
    pub(crate) task: Option<At<Task>>,
    /// SQL predicate: the rows that it is trained and measured on. Default: all.
    #[serde(rename = "where")]
    pub(crate) filter: Option<At<String>>,
    /// Weights by expert, at least 0 (fixed).
    pub weights: Option<At<TomlTable<At<f64>>>>,
    /// An SQL predicate by expert over the columns of the data source (rules).
    pub rules: Option<At<TomlTable<At<String>>>>,
    /// Widths of the network's hidden layers; an empty list is a linear gate (softmax, self).
    /// Default: `[16]`.
    #[schemars(extend("default" = GATE_HIDDEN))]
    pub hidden: Option<At<Vec<At<u32>>>>,
    /// The nonlinearity between its layers (softmax, self). Default: `"gelu"`.
    #[schemars(extend("default" = Mlp::default().activation))]
    pub activation: Option<At<Activation>>,
    /// What it is trained by (softmax): the mixture likelihood −log Σ gᵢ p(y|fᵢ), which for classes is
    /// the log loss, or the squared error. Default: `"likelihood"`.
    #[schemars(extend("default" = "likelihood"))]
    pub loss: Option<At<GateLoss>>,
    /// Penalty on squared weights, in units of the mean loss (stack). Default: 0.001.
    #[schemars(range(min = 0.0), extend("default" = RIDGE))]
    pub ridge: Option<At<f64>>,
    /// Divides what the weights are a softmax of, above 0 (softmax, distance, self). Default: 1; for
    /// `distance`, the one of least validation loss.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub(crate) temperature: Option<At<f64>>,
    /// How many experts answer for a row, `shared` ones not counted (softmax, distance, self): the
    /// others are not computed in prediction. Default: all.
    #[schemars(range(min = 1))]
    pub(crate) top_k: Option<At<u32>>,
    /// Experts that always answer, whatever `top_k` (softmax, distance, self). Default: none.
    #[schemars(extend("default" = []))]
    pub(crate) shared: Option<At<Vec<At<String>>>>,
    /// Deviation of the noise on its outputs in training (softmax). Default: 0.
    #[schemars(range(min = 0.0), extend("default" = 0.0))]
    pub noise: Option<At<f64>>,
    /// How load is kept even in training (softmax). Default: `"none"`.
    #[schemars(extend("default" = "none"))]
    pub balance: Option<At<BalanceBy>>,
    /// Weight of `balance` in the loss; of `bias`, the step of the biases. Default: 0.01.
    #[schemars(range(min = 0.0), extend("default" = BALANCE_WEIGHT))]
    pub balance_weight: Option<At<f64>>,
    /// The next expert is asked below this calibrated confidence, from 0 to 1 (cascade). At most one
    /// of `confidence`, `error_budget` and `cost_budget`.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub confidence: Option<At<f64>>,
    /// The next expert is asked as seldom as a validation error of at most the last expert's plus
    /// this allows, from 0 to 1 (cascade). Default: 0.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub error_budget: Option<At<f64>>,
    /// The next expert is asked as often as this many multiply-adds a row allow in the mean of the
    /// validation rows (cascade).
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub cost_budget: Option<At<f64>>,
    /// How its network is trained (softmax, self). As for an expert, but `learning_rate` is 0.02 by default and `weight_decay` 0.
    pub(crate) train: Option<RawTrain>,
    /// What it sees of its experts on training rows. Default: `"out-of-fold"`.
    #[schemars(extend("default" = UPSTREAM))]
    pub(crate) upstream: Option<At<Upstream>>,
    /// Folds for `upstream`, 2 to 100. Default: 5.
    #[schemars(range(min = 2, max = MOST_FOLDS), extend("default" = FOLDS))]
    pub(crate) folds: Option<At<u32>>,
    /// The seed of its random numbers. Default: the pipeline's.
    pub(crate) seed: Option<At<u64>>,
    /// Of a target with two classes: the class that precision, recall, F1, average precision and curves are of.
    /// It changes no fit. Default: the second in the order of the classes.
    pub(crate) positive: Option<At<String>>,
    /// Of a target with two classes: the probability of the positive class above which a row is predicted positive. A
    /// number, or chosen on validation rows: `"f1"`, `{ recall = 0.9 }`, `{ false_positive = 1, false_negative = 5 }`.
    /// It changes no fit and nothing that other experts read. Default: 0.5.
    #[schemars(extend("default" = 0.5))]
    pub(crate) threshold: Option<Box<At<ThresholdChoice>>>,
}

/// A mixture: experts and gate trained together, cached as one.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
#[schemars(rename = "Mixture")]
pub(crate) struct RawMixture<'i> {
    /// What gate and experts are given: as an expert's inputs.
    pub(crate) inputs: Option<At<Vec<At<String>>>>,
    /// The column that it predicts: `"source.column"`.
    pub(crate) target: Option<At<String>>,
    /// What kind of prediction. Default: as for an expert.
    pub(crate) task: Option<At<Task>>,
    /// SQL predicate: the rows that it is trained and measured on. Default: all.
    #[serde(rename = "where")]
    pub(crate) filter: Option<At<String>>,
    /// How many experts are routed to, 2 to 4096. Default: 4, or as many as `warm_start` names.
    #[schemars(range(min = 2, max = MOST_EXPERTS), extend("default" = EXPERTS))]
    pub(crate) experts: Option<At<u32>>,
    /// What each expert is: a multilayer perceptron, as an expert's model.
    pub(crate) model: Option<At<ModelChoice<'i>>>,
    /// The gate, and how it routes.
    pub(crate) gate: Option<At<RawRouter>>,
    /// Fits from different random numbers, at least 1, of which the best on validation rows is kept.
    /// Default: 1.
    #[schemars(range(min = 1, max = MOST_RESTARTS), extend("default" = 1))]
    pub(crate) restarts: Option<At<u32>>,
    /// Experts whose weights its experts begin with (branch, train, mix), of the same inputs, target
    /// and model. Default: none.
    #[schemars(extend("default" = []))]
    pub(crate) warm_start: Option<At<Vec<At<String>>>>,
    /// How it is trained. As for an expert, but `learning_rate` is 0.02 by default and `weight_decay` 0.
    pub(crate) train: Option<RawTrain>,
    /// What it sees of upstream experts on training rows. Default: `"out-of-fold"`.
    #[schemars(extend("default" = UPSTREAM))]
    pub(crate) upstream: Option<At<Upstream>>,
    /// Folds for `upstream`, 2 to 100. Default: 5.
    #[schemars(range(min = 2, max = MOST_FOLDS), extend("default" = FOLDS))]
    pub(crate) folds: Option<At<u32>>,
    /// The seed of its random numbers. Default: the pipeline's.
    pub(crate) seed: Option<At<u64>>,
    /// Of a target with two classes: the class that precision, recall, F1, average precision and curves are of.
    /// It changes no fit. Default: the second in the order of the classes.
    pub(crate) positive: Option<At<String>>,
    /// Of a target with two classes: the probability of the positive class above which a row is predicted positive. A
    /// number, or chosen on validation rows: `"f1"`, `{ recall = 0.9 }`, `{ false_positive = 1, false_negative = 5 }`.
    /// It changes no fit and nothing that other experts read. Default: 0.5.
    #[schemars(extend("default" = 0.5))]
    pub(crate) threshold: Option<Box<At<ThresholdChoice>>>,
}

/// The gate inside a mixture.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
#[schemars(rename = "MixtureGate")]
pub(crate) struct RawRouter {
    /// Widths of its hidden layers; an empty list is a linear gate. Default: `[16]`.
    #[schemars(extend("default" = GATE_HIDDEN))]
    pub(crate) hidden: Option<At<Vec<At<u32>>>>,
    /// The nonlinearity between its layers. Default: `"gelu"`.
    #[schemars(extend("default" = Mlp::default().activation))]
    pub(crate) activation: Option<Activation>,
    /// Divides its outputs, above 0. Default: 1.
    #[schemars(extend("exclusiveMinimum" = 0.0, "default" = 1.0))]
    pub(crate) temperature: Option<At<f64>>,
    /// How many of the routed experts answer for a row; the others are not computed. Default: all.
    #[schemars(range(min = 1))]
    pub(crate) top_k: Option<At<u32>>,
    /// Experts that always answer, beside the routed ones. Default: 0.
    #[schemars(extend("default" = 0))]
    pub(crate) shared: Option<At<u32>>,
    /// Deviation of the noise on its outputs in training. Default: 0.
    #[schemars(range(min = 0.0), extend("default" = 0.0))]
    pub(crate) noise: Option<At<f64>>,
    /// How load is kept even in training. Default: `"none"`.
    #[schemars(extend("default" = "none"))]
    pub(crate) balance: Option<BalanceBy>,
    /// Weight of `balance` in the loss; of `bias`, the step of the biases. Default: 0.01.
    #[schemars(range(min = 0.0), extend("default" = BALANCE_WEIGHT))]
    pub(crate) balance_weight: Option<At<f64>>,
    /// Weight of the squared log-sum-exp of its outputs (router z-loss). Default: 0.
    #[schemars(range(min = 0.0), extend("default" = 0.0))]
    pub(crate) z_loss: Option<At<f64>>,
    /// In training an expert takes at most this many times its even share of a batch; the rows beyond
    /// are not given to it. Default: no bound.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub(crate) capacity_factor: Option<At<f64>>,
}
