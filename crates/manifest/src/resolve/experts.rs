//! Resolution of `[expert.NAME]`: inputs, target, model, training.

use indexmap::IndexMap;

use super::{
    decide, idle,
    merged::MergedExperts,
    node::{Around, Node},
    stands_on,
};
use crate::{
    At, Average, Calibrate, ClassWeights, Encode, Expert, Reuse, Schedule, TomlTable, Train,
    TrainKeys,
    defaults::{FOLDS, SEED, UPSTREAM, WARM_UP},
    preset::Defaults,
    raw::{ClassWeightsChoice, RawDecide, RawEncode, RawPipeline, RawReuse, RawTrain, Switch},
    recover::Cut,
    sink::Sink,
};

/// Every expert whose target is known; of the others an error has been reported.
pub(crate) fn resolve(
    merged: &MergedExperts<'_>,
    around: &Around,
    cut: &Cut,
    pipeline: &RawPipeline,
    sink: &mut Sink,
) -> IndexMap<String, Expert> {
    let mut experts = IndexMap::with_capacity(merged.experts.len());
    for expert in &merged.experts {
        let name = expert.name.get();
        let raw = &expert.raw;
        let lost = |key: &str| expert.lost(key, cut);
        let node = Node::of(&expert.name, &raw.inputs, &raw.target, &lost);
        let upstream = raw.upstream.as_ref().map_or(UPSTREAM, |upstream| *upstream.get());
        let given = node.given(sink);
        let inputs = node.inputs(given, upstream, around, sink);
        let patterns = node.patterns(given, around, sink);
        idle::warn(expert, &inputs, cut, sink);
        let stands_on = stands_on::resolve(expert, cut, sink);
        let Some((data, column)) = around.targets.get(name) else {
            continue;
        };
        let preset = raw.preset.as_ref().or(pipeline.preset.as_ref());
        let mut defaults = Defaults::of(preset.map(|preset| *preset.get()));
        if expert.model.train_keys() != TrainKeys::All {
            // Only networks are given more of a number than the number.
            defaults.encode = Encode::plain();
            defaults.train.calibrate = Calibrate::None;
        }
        let resolved = Expert {
            name: expert.name.0.clone(),
            data: data.clone(),
            inputs,
            patterns,
            target: column.clone(),
            auxiliary: Vec::new(),
            task: raw.task.as_ref().map(|task| task.0.clone()),
            filter: raw.filter.as_ref().map(|filter| filter.0.clone()),
            model: expert.model.copied(),
            encode: encode(raw.encode.as_deref(), &defaults.encode),
            train: Train {
                calibrate: raw
                    .calibrate
                    .as_ref()
                    .map_or(defaults.train.calibrate, |calibrate| *calibrate.get()),
                ..train(raw.train.as_deref().cloned().unwrap_or_default(), &defaults.train)
            },
            average: Average::default(),
            upstream,
            folds: raw.folds.as_ref().map_or(FOLDS, |folds| *folds.get()),
            seed: raw.seed.as_ref().or(pipeline.seed.as_ref()).map_or(SEED, |seed| *seed.get()),
            reuse: reuse(raw.reuse.as_deref().cloned(), pipeline.reuse.clone()),
            stands_on,
            decide: decide::resolve(
                RawDecide { positive: &raw.positive, threshold: &raw.threshold },
                raw.task.as_ref().map(|task| *task.get()),
                sink,
            ),
            warm_start: raw.warm_start.as_deref().and_then(|warm| warm.get().clone().resolve()),
            tune: None,
        };
        experts.insert(name.clone(), resolved);
    }
    experts
}

/// An expert's own word over the pipeline's.
fn reuse(own: Option<At<Switch<RawReuse>>>, base: Option<At<Switch<RawReuse>>>) -> Option<Reuse> {
    let choice = match (own, base) {
        (Some(own), Some(base)) => Some(Switch::over(own, base)),
        (own, base) => own.or(base),
    };
    choice.and_then(|choice| choice.0.into_inner().resolve())
}

/// How inputs are encoded, with the defaults.
pub(crate) fn encode(raw: Option<&RawEncode>, default: &Encode) -> Encode {
    let raw = raw.cloned().unwrap_or_default();
    Encode {
        numbers: raw.numbers.map_or_else(
            || default.numbers.clone(),
            |numbers| numbers.get().iter().map(|number| *number.get()).collect(),
        ),
        bins: raw.bins.map_or(default.bins, |bins| *bins.get()),
        edges: raw.edges.unwrap_or(default.edges),
    }
}

/// Training with its defaults.
pub(crate) fn train(raw: RawTrain, default: &Train) -> Train {
    fn or<T: Copy>(value: Option<At<T>>, default: T) -> T {
        value.map_or(default, |value| *value.get())
    }
    let schedule = raw.schedule.unwrap_or(default.schedule);
    // A schedule of one's own comes with the warm-up that goes with it.
    let warm_up = match schedule {
        _ if schedule == default.schedule => default.warm_up,
        Schedule::OneCycle => WARM_UP,
        _ => 0.0,
    };
    Train {
        epochs: or(raw.epochs, default.epochs),
        batch: raw.batch.map_or(default.batch, |batch| (*batch.get()).into()),
        learning_rate: raw
            .learning_rate
            .map_or(default.learning_rate, |rate| rate.get().resolve(default.learning_rate)),
        schedule,
        warm_up: or(raw.warm_up, warm_up),
        optimizer: raw.optimizer.unwrap_or(default.optimizer),
        beta2: or(raw.beta2, default.beta2),
        clip_gradient: raw.clip_gradient.map(|norm| *norm.get()).or(default.clip_gradient),
        weight_decay: or(raw.weight_decay, default.weight_decay),
        patience: or(raw.patience, default.patience),
        huber: raw.huber.map(|delta| *delta.get()).or(default.huber),
        quantile: raw.quantile.map(|quantile| *quantile.get()).or(default.quantile),
        focal: or(raw.focal, default.focal),
        label_smoothing: or(raw.label_smoothing, default.label_smoothing),
        // What is no network of an expert's own is calibrated in its own way.
        calibrate: Calibrate::None,
        class_weights: match raw.class_weights.map(|choice| choice.0.into_inner()) {
            None => default.class_weights.clone(),
            Some(ClassWeightsChoice::Rule(rule)) => rule.into(),
            Some(ClassWeightsChoice::Given(TomlTable(weights))) => ClassWeights::Given(
                weights
                    .into_iter()
                    .map(|(class, weight)| (class.0.into_inner(), *weight.get()))
                    .collect(),
            ),
        },
    }
}
