//! Raw `[expert.NAME]`, as written, and inheritance by `extends`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    choices::{BatchChoice, ByTaskChoice, ClassWeightsChoice},
    decide::ThresholdChoice,
    switch::{RawReuse, RawWarmStart, Switch},
    tune::RawTune,
};
use crate::{
    Activation, At, Calibrate, Deploy, Edges, Encode, Mlp, NumberEncoding, Optimizer, Preset,
    Schedule, Task, Train, Upstream,
    defaults::{FOLDS, MOST_BINS, MOST_FOLDS, MOST_MEMBERS, UPSTREAM},
    kind::{Keys, ModelChoice},
};

// A file may have very many of them, and of each these tables are mostly absent: they lie in boxes.
/// An expert: one small model with declared inputs, a target and named outputs.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
#[schemars(rename = "Expert")]
pub(crate) struct RawExpert<'i> {
    /// Another expert, `"expert.NAME"`, whose keys hold where this one says nothing. Tables are
    /// merged key by key, lists are replaced; `frozen`, `pin`, `source` and `expert` are not
    /// inherited.
    pub(crate) extends: Option<At<String>>,
    /// What it is given: `"source.column"` or `"expert.output"`, where an output is `value`
    /// (regression), `probability`, `logit`, `label` (classification) or `embedding`.
    pub(crate) inputs: Option<At<Vec<At<String>>>>,
    /// The column that it predicts: `"source.column"`.
    pub(crate) target: Option<At<String>>,
    /// What kind of prediction. Default: a numeric target is regression; a boolean, text or 0/1
    /// target is classification; any other integer target must say.
    pub(crate) task: Option<At<Task>>,
    /// SQL predicate: the rows that it is trained on. Default: all.
    #[serde(rename = "where")]
    pub(crate) filter: Option<At<String>>,
    /// What it is: a table whose `type` says which kind of model, or the name of a blueprint in `models/`. Of an
    /// extended expert's model it inherits the keys, unless its `type` is another. Default: a multilayer perceptron
    /// with hidden layers of 64 and 32.
    pub(crate) model: Option<At<ModelChoice<'i>>>,
    /// Layers, encoders and training that were chosen together: the defaults of `model`, `encode` and `train`. Any single
    /// value over it. Default: what `[pipeline]` says, else `"default"`.
    pub(crate) preset: Option<At<Preset>>,
    /// How its inputs become numbers.
    pub(crate) encode: Option<Box<RawEncode>>,
    /// How it is trained.
    pub(crate) train: Option<Box<RawTrain>>,
    /// A search for the settings that the file leaves open, by validation rows: a table of `trials`, `seconds`, `space` and
    /// `seed`. The values stay in the lock until `run --retune`. It is not inherited. Default: none.
    pub(crate) tune: Option<Box<At<RawTune>>>,
    /// How the probabilities of a network are made to fit the validation rows: `"none"`, or `"temperature"`: logits times
    /// one number that makes the log loss least. It moves no rank and no label. Default: `"temperature"`.
    #[schemars(extend("default" = Train::default().calibrate))]
    pub(crate) calibrate: Option<At<Calibrate>>,
    /// Models of each fit, 1 to 100, which differ by their random streams; their raw outputs are averaged. A fit costs so many
    /// times as much. Perceptrons are joined to one network. Default: 4 with hidden layers, else 1.
    #[schemars(range(min = 1, max = MOST_MEMBERS), extend("default" = Preset::default().average().members))]
    pub(crate) members: Option<At<u32>>,
    /// What answers for rows that no model was trained on: `"full"`, the model of all training rows, or `"blend"`, half that
    /// one and half the mean of the models of `folds` folds. Default: `"full"`.
    #[schemars(extend("default" = "full"))]
    pub(crate) deploy: Option<At<Deploy>>,
    /// What it sees of upstream experts on training rows. Default: `"out-of-fold"`.
    #[schemars(extend("default" = UPSTREAM))]
    pub(crate) upstream: Option<At<Upstream>>,
    /// Folds for `upstream` and of a blend, 2 to 100. Default: 5.
    #[schemars(range(min = 2, max = MOST_FOLDS), extend("default" = FOLDS))]
    pub(crate) folds: Option<At<u32>>,
    /// The seed of its random numbers. Default: the pipeline's.
    pub(crate) seed: Option<At<u64>>,
    /// Keep or patch it instead of retraining it, on evidence, when experts that it reads were
    /// retrained: `true`, `false`, or a table of `tolerance` and `confidence`. Default: what
    /// `[pipeline]` says.
    pub(crate) reuse: Option<Box<At<Switch<RawReuse>>>>,
    /// Begin a fit from the last model instead of from random weights: `true`, or a table of
    /// `cold_every`. Default: false.
    #[schemars(extend("default" = false))]
    pub(crate) warm_start: Option<Box<At<Switch<RawWarmStart>>>>,
    /// Of a target with two classes: the class that precision, recall, F1, average precision and curves are of.
    /// It changes no fit. Default: the second in the order of the classes.
    pub(crate) positive: Option<At<String>>,
    /// Of a target with two classes: the probability of the positive class above which a row is predicted positive. A
    /// number, or chosen on validation rows: `"f1"`, `{ recall = 0.9 }`, `{ false_positive = 1, false_negative = 5 }`.
    /// It changes no fit and nothing that other experts read. Default: 0.5.
    #[schemars(extend("default" = 0.5))]
    pub(crate) threshold: Option<Box<At<ThresholdChoice>>>,
    /// Never train it again: it stands on the model that the lock has, whatever changes. At most one
    /// of `frozen`, `pin` and `source`. Default: false.
    #[schemars(extend("default" = false))]
    pub(crate) frozen: Option<At<bool>>,
    /// The model that it stands on: the beginning of its digest, 6 to 64 digits in lower case.
    /// Default: the one that its recipe gives.
    #[schemars(regex(pattern = "^[0-9a-f]{6,64}$"))]
    pub(crate) pin: Option<At<String>>,
    /// Another pipeline's file, relative to this one: it stands on the model that `expert` stands on
    /// there. Default: none.
    #[schemars(length(min = 1))]
    pub(crate) source: Option<At<String>>,
    /// Which expert of `source`: `"NAME"`. Default: the one of the same name.
    pub(crate) expert: Option<At<String>>,
}

/// The shape of a multilayer perceptron, as it is written.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
#[schemars(rename = "Perceptron")]
pub struct RawPerceptron {
    /// Widths of the hidden layers; an empty list is a linear model of what the encoders give. Default: `[64, 32]`.
    #[schemars(extend("default" = Mlp::default().hidden))]
    hidden: Option<At<Vec<At<u32>>>>,
    /// The nonlinearity between layers. Default: `"gelu"`.
    #[schemars(extend("default" = Mlp::default().activation))]
    activation: Option<Activation>,
    /// Probability that a hidden unit is dropped in training, from 0 to below 1; a number, or a table of
    /// `classification` and `regression`. Default: 0.
    #[schemars(extend("minimum" = 0.0, "exclusiveMaximum" = 1.0, "default" = 0.0))]
    dropout: Option<At<ByTaskChoice>>,
}

impl RawPerceptron {
    /// Reads it, and tells what is out of range.
    pub fn read(mut keys: Keys<'_>) -> Mlp {
        let raw: Self = keys.read();
        let share = |p: f64| (0.0..1.0).contains(&p);
        for number in raw.dropout.iter().flat_map(ByTaskChoice::numbers) {
            keys.bound("dropout", &Some(number), share, "from 0 to below 1");
        }
        keys.hidden(raw.hidden.as_ref());
        let default = keys.defaults.mlp.clone();
        Mlp {
            hidden: raw.hidden.as_ref().map_or(default.hidden, |hidden| {
                hidden.get().iter().map(|width| *width.get()).collect()
            }),
            activation: raw.activation.unwrap_or(default.activation),
            dropout: raw
                .dropout
                .as_ref()
                .map_or(default.dropout, |dropout| dropout.get().resolve(default.dropout)),
        }
    }
}

/// How an expert is trained.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
#[schemars(rename = "Train")]
pub(crate) struct RawTrain {
    /// Most passes over the training rows, at least 1. Default: 40.
    #[schemars(range(min = 1), extend("default" = Train::default().epochs))]
    pub(crate) epochs: Option<At<u32>>,
    /// Rows per step, at least 1, or `"auto"`: by the number of training rows n, the power of two next to n/32, from 32 to
    /// 256. Default: `"auto"`.
    #[schemars(extend("default" = "auto"))]
    pub(crate) batch: Option<At<BatchChoice>>,
    /// Step size, above 0; of a schedule the largest; a number, or a table of `classification` and `regression`.
    /// Default: 0.01.
    #[schemars(extend("exclusiveMinimum" = 0.0, "default" = 0.01))]
    pub(crate) learning_rate: Option<At<ByTaskChoice>>,
    /// How the step size moves over training. Default: `"one-cycle"`.
    #[schemars(extend("default" = Train::default().schedule))]
    pub(crate) schedule: Option<Schedule>,
    /// The share of all steps over which the step size rises from 0, from 0 to below 1. Default: 0.2 for `"one-cycle"`, else 0.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub(crate) warm_up: Option<At<f64>>,
    /// The rule of a training step. Default: `"adamw"`.
    #[schemars(extend("default" = Train::default().optimizer))]
    pub(crate) optimizer: Option<Optimizer>,
    /// Decay of the mean squared gradient (adam, adamw), from 0 to below 1. Default: 0.95.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0, "default" = Train::default().beta2))]
    pub(crate) beta2: Option<At<f64>>,
    /// The most that the norm of a step's gradient may be, above 0; a longer one is shortened. Default: any.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub(crate) clip_gradient: Option<At<f64>>,
    /// L2 penalty (sgd, adam) or decoupled decay (adamw) of weights, not of biases, at least 0. Default: 0.1.
    #[schemars(range(min = 0.0), extend("default" = Train::default().weight_decay))]
    pub(crate) weight_decay: Option<At<f64>>,
    /// Epochs without a better validation loss before training stops; 0 never stops early. The
    /// best epoch's weights are kept either way. Default: 0.
    #[schemars(extend("default" = Train::default().patience))]
    pub(crate) patience: Option<At<u32>>,
    /// Of a regression: residuals beyond so many deviations of the target, above 0, cost linearly and not by their square
    /// (Huber loss); near 0 all do (absolute error). Default: none.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub(crate) huber: Option<At<f64>>,
    /// Of a regression: the quantile that it predicts, between 0 and 1 (pinball loss). Default: it predicts the mean.
    #[schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0))]
    pub(crate) quantile: Option<At<f64>>,
    /// Of a classifier: γ of the focal loss, from 0 to 10; rows that are classified well count less. Default: 0, log loss.
    #[schemars(range(min = 0.0, max = 10.0), extend("default" = 0.0))]
    pub(crate) focal: Option<At<f64>>,
    /// Of a classifier: the share of a label that is given to all classes alike, from 0 to below 1. Default: 0.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0, "default" = 0.0))]
    pub(crate) label_smoothing: Option<At<f64>>,
    /// Weights of the classes in the loss: `"none"`, `"balanced"` (rare classes weigh more), or a
    /// table from class to weight. Default: `"none"`.
    #[schemars(extend("default" = "none"))]
    pub(crate) class_weights: Option<At<ClassWeightsChoice>>,
}

/// How inputs become the numbers that a network sees.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
#[schemars(rename = "Encode")]
pub(crate) struct RawEncode {
    /// What each numeric column becomes, side by side: one of `"standard"` and `"robust"`, `"quantile"`, `"ple"`. Outputs
    /// of experts are always standardised. Default: `["robust", "quantile", "ple"]`.
    #[schemars(extend("default" = Encode::default().numbers))]
    pub(crate) numbers: Option<At<Vec<At<NumberEncoding>>>>,
    /// Bins of a piecewise-linear encoding, at most, from 2 to 256. Default: 32.
    #[schemars(range(min = 2, max = MOST_BINS), extend("default" = Encode::default().bins))]
    pub(crate) bins: Option<At<u32>>,
    /// Where these bins end: at `"quantiles"` of the training rows, or where a `"tree"` on the column splits them by
    /// their target. Default: `"quantiles"`.
    #[schemars(extend("default" = Encode::default().edges))]
    pub(crate) edges: Option<Edges>,
}

impl RawEncode {
    /// Where an encoding stands that only networks have, or a key that says more of it.
    pub(crate) fn of_networks(&self) -> Option<std::ops::Range<usize>> {
        let numbers = self.numbers.iter().flat_map(At::get);
        let bends = |number: &&At<NumberEncoding>| number.get().bends();
        numbers.clone().find(bends).map(At::span).or(self.bins.as_ref().map(At::span))
    }

    /// Own keys over a base's.
    pub(crate) fn over(self, base: Self) -> Self {
        Self {
            numbers: self.numbers.or(base.numbers),
            bins: self.bins.or(base.bins),
            edges: self.edges.or(base.edges),
        }
    }
}

impl RawExpert<'_> {
    /// Inheritance: own keys over a base's, tables key by key. A held model is not inherited.
    pub(crate) fn over(self, base: Self) -> Self {
        Self {
            extends: self.extends,
            inputs: self.inputs.or(base.inputs),
            target: self.target.or(base.target),
            task: self.task.or(base.task),
            filter: self.filter.or(base.filter),
            model: match (self.model, base.model) {
                (Some(own), Some(base)) => Some(ModelChoice::over(own, base)),
                (own, base) => own.or(base),
            },
            preset: self.preset.or(base.preset),
            calibrate: self.calibrate.or(base.calibrate),
            encode: match (self.encode, base.encode) {
                (Some(own), Some(base)) => Some(Box::new(own.over(*base))),
                (own, base) => own.or(base),
            },
            train: match (self.train, base.train) {
                (Some(own), Some(base)) => Some(Box::new(own.over(*base))),
                (own, base) => own.or(base),
            },
            members: self.members.or(base.members),
            deploy: self.deploy.or(base.deploy),
            upstream: self.upstream.or(base.upstream),
            folds: self.folds.or(base.folds),
            seed: self.seed.or(base.seed),
            reuse: match (self.reuse, base.reuse) {
                (Some(own), Some(base)) => Some(Box::new(Switch::over(*own, *base))),
                (own, base) => own.or(base),
            },
            warm_start: match (self.warm_start, base.warm_start) {
                (Some(own), Some(base)) => Some(Box::new(Switch::over(*own, *base))),
                (own, base) => own.or(base),
            },
            positive: self.positive.or(base.positive),
            threshold: self.threshold.or(base.threshold),
            // A search, and one model, are one expert's: whoever extends it is trained on its own keys.
            tune: self.tune,
            frozen: self.frozen,
            pin: self.pin,
            source: self.source,
            expert: self.expert,
        }
    }
}

impl RawTrain {
    /// Where one of its keys stands.
    pub(crate) fn place(&self) -> Option<std::ops::Range<usize>> {
        self.steps().or(self.class_weights.as_ref().map(At::span))
    }

    /// The first key that says which loss a network is trained by, with its place.
    pub(crate) fn loss(&self) -> Option<(&'static str, std::ops::Range<usize>)> {
        let keys = [
            ("huber", &self.huber),
            ("quantile", &self.quantile),
            ("focal", &self.focal),
            ("label_smoothing", &self.label_smoothing),
        ];
        keys.into_iter().find_map(|(name, value)| Some((name, value.as_ref()?.span())))
    }

    /// Where one of the keys stands that only training by gradient steps reads.
    pub(crate) fn steps(&self) -> Option<std::ops::Range<usize>> {
        let places = [
            self.epochs.as_ref().map(At::span),
            self.batch.as_ref().map(At::span),
            self.learning_rate.as_ref().map(At::span),
            self.warm_up.as_ref().map(At::span),
            self.beta2.as_ref().map(At::span),
            self.clip_gradient.as_ref().map(At::span),
            self.weight_decay.as_ref().map(At::span),
            self.patience.as_ref().map(At::span),
            self.huber.as_ref().map(At::span),
            self.quantile.as_ref().map(At::span),
            self.focal.as_ref().map(At::span),
            self.label_smoothing.as_ref().map(At::span),
        ];
        places.into_iter().flatten().next()
    }

    fn over(self, base: Self) -> Self {
        Self {
            epochs: self.epochs.or(base.epochs),
            batch: self.batch.or(base.batch),
            learning_rate: self.learning_rate.or(base.learning_rate),
            schedule: self.schedule.or(base.schedule),
            warm_up: self.warm_up.or(base.warm_up),
            optimizer: self.optimizer.or(base.optimizer),
            beta2: self.beta2.or(base.beta2),
            clip_gradient: self.clip_gradient.or(base.clip_gradient),
            weight_decay: self.weight_decay.or(base.weight_decay),
            patience: self.patience.or(base.patience),
            huber: self.huber.or(base.huber),
            quantile: self.quantile.or(base.quantile),
            focal: self.focal.or(base.focal),
            label_smoothing: self.label_smoothing.or(base.label_smoothing),
            class_weights: match (self.class_weights, base.class_weights) {
                (Some(own), Some(base)) => Some(ClassWeightsChoice::over(own, base)),
                (own, base) => own.or(base),
            },
        }
    }
}
