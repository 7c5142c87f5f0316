//! Resolution of `[expert.NAME]`: inputs, target, model, training.

use indexmap::IndexMap;

use super::{
    decide, idle,
    merged::MergedExperts,
    node::{Around, Node},
    stands_on,
};
use crate::{
    At, ClassWeights, Expert, Reuse, TomlTable, Train,
    defaults::{FOLDS, SEED, UPSTREAM},
    raw::{ClassWeightsChoice, RawDecide, RawPipeline, RawReuse, RawTrain, Switch},
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
            train: raw.train.as_deref().cloned().map_or_else(Train::default, train),
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

/// Training with its defaults.
pub(crate) fn train(raw: RawTrain) -> Train {
    fn or<T: Copy>(value: Option<At<T>>, default: T) -> T {
        value.map_or(default, |value| *value.get())
    }
    let default = Train::default();
    Train {
        epochs: or(raw.epochs, default.epochs),
        batch: or(raw.batch, default.batch),
        learning_rate: or(raw.learning_rate, default.learning_rate),
        schedule: raw.schedule.unwrap_or(default.schedule),
        optimizer: raw.optimizer.unwrap_or(default.optimizer),
        weight_decay: or(raw.weight_decay, default.weight_decay),
        patience: or(raw.patience, default.patience),
        class_weights: match raw.class_weights.map(|choice| choice.0.into_inner()) {
            None => default.class_weights,
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
