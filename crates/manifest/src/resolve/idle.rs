//! Warnings for keys without effect.

use std::ops::Range;

use collegium_records::Code;
use toml::Spanned;

use super::{merged::Merged, stands_on::given};
use crate::{Deploy, Input, Preset, TrainKeys, recover::Cut, sink::Sink};

/// Warns of keys without effect.
pub(crate) fn warn(expert: &Merged<'_>, inputs: &[Spanned<Input>], cut: &Cut, sink: &mut Sink) {
    let mut idle: Vec<(&str, Range<usize>, String)> = Vec::new();
    let raw = &expert.raw;
    let reads_experts = inputs.iter().any(|i| matches!(i.get_ref(), Input::Output { .. }));
    let complete = raw.inputs.as_ref().is_some_and(|list| list.get().len() == inputs.len())
        && !expert.lost("inputs", cut);
    if complete && !reads_experts {
        // What is inherited may be meant for others, and so may what others inherit.
        if raw.extends.is_none() {
            idle.extend(raw.upstream.as_ref().map(|value| ("upstream", value.span())).map(told));
            let blends = raw.deploy.as_ref().is_some_and(|deploy| *deploy.get() == Deploy::Blend)
                || raw.preset.as_ref().is_some_and(|preset| *preset.get() == Preset::Best);
            let folds = raw.folds.as_ref().filter(|_| !blends);
            idle.extend(folds.map(|value| ("folds", value.span())).map(told));
        }
        idle.extend(expert.turned_on.reuse.clone().map(|place| ("reuse", place)).map(told));
    }
    if let Some((key, _)) = given(raw).first() {
        let turned_on = &expert.turned_on;
        for (name, place) in [("reuse", &turned_on.reuse), ("warm_start", &turned_on.warm_start)] {
            let why = format!("`{key}` keeps it from being trained");
            idle.extend(place.clone().map(|place| (name, place, why)));
        }
    }
    let turned_on = &expert.turned_on;
    let unread = match expert.model.train_keys() {
        TrainKeys::All => None,
        TrainKeys::ClassWeights => {
            Some((&turned_on.steps, "of `train` it reads `class_weights` alone"))
        }
        TrainKeys::None => Some((&turned_on.train, "it reads no key of `train`")),
    };
    if let Some((unread, why)) = unread {
        let train = unread.clone().map(|place| ("train", place));
        let warm = turned_on.warm_start.clone().map(|place| ("warm_start", place));
        let told = |(key, place)| (key, place, format!("it is fitted at once: {why}"));
        idle.extend(train.into_iter().chain(warm).map(told));
    }
    if expert.model.train_keys() != TrainKeys::All {
        let why = "only networks are given more of a number than the number itself".to_owned();
        idle.extend(turned_on.encode.clone().map(|place| ("encode", place, why)));
        let why = "only networks are calibrated".to_owned();
        idle.extend(turned_on.calibrate.clone().map(|place| ("calibrate", place, why)));
    }
    for (key, place, why) in idle {
        let message = format!("`{key}` has no effect on `{}`", expert.name.get());
        let mut finding = sink.error(Code::KeyDoesNotApply, place, message).label(why);
        finding.warning = true;
        sink.global(finding);
    }
}

fn told((key, place): (&'static str, Range<usize>)) -> (&'static str, Range<usize>, String) {
    (key, place, "it reads no expert".to_owned())
}
