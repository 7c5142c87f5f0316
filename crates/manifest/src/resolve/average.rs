//! Resolution of `members` and `deploy`: of how many models an expert is the average.

use collegium_records::Code;
use indexmap::IndexMap;

use super::merged::{Merged, MergedExperts};
use crate::{
    Average, DataSource, Deploy, Expert, TrainKeys,
    bounds::bound,
    defaults::{MOST_MEMBERS, TIME_MEMBERS},
    preset::Defaults,
    raw::{RawExpert, RawPipeline},
    sink::Sink,
};

/// Gives each expert what its keys or its preset say, if it can be had.
pub(super) fn resolve(
    merged: &MergedExperts<'_>,
    data: &IndexMap<String, DataSource>,
    pipeline: &RawPipeline,
    experts: &mut IndexMap<String, Expert>,
    sink: &mut Sink,
) {
    let wanted = format!("from 1 to {MOST_MEMBERS}");
    for one in &merged.experts {
        let Some(expert) = experts.get_mut(one.name.get()) else { continue };
        let limits = Limits {
            forward: data.get(&expert.data).is_some_and(|data| data.split.is_forward()),
            draws: expert.model.train_keys() == TrainKeys::All,
            is_deep: expert.model.layers().is_none_or(|mlp| !mlp.hidden.is_empty()),
        };
        let good = |members| (1..=MOST_MEMBERS).contains(&members);
        bound(sink, "members", &one.raw.members, good, &wanted);
        refuse(one, limits, sink);
        let preset = one.raw.preset.as_ref().or(pipeline.preset.as_ref());
        let preset = Defaults::of(preset.map(|preset| *preset.get())).average;
        let Average { members, deploy } = limits.allowed(preset, is_warm(&one.raw));
        expert.average = Average {
            members: one.raw.members.as_ref().map_or(members, |members| *members.get()),
            deploy: one.raw.deploy.as_ref().map_or(deploy, |deploy| *deploy.get()),
        };
    }
}

/// What decides which averages an expert can be.
#[derive(Clone, Copy)]
struct Limits {
    /// Its rows are divided by time.
    forward: bool,
    /// Its fits draw random numbers.
    draws: bool,
    /// Where they begin matters: it has hidden layers.
    is_deep: bool,
}

impl Limits {
    /// What is left of a preset, which gives way where its average cannot be had.
    fn allowed(self, preset: Average, warm: bool) -> Average {
        let Average { mut members, mut deploy } = preset;
        if deploy == Deploy::Blend && (self.forward || warm) {
            deploy = Deploy::Full;
            members = if self.forward { TIME_MEMBERS } else { members };
        }
        Average { members: if self.draws && self.is_deep { members } else { 1 }, deploy }
    }
}

fn is_warm(raw: &RawExpert<'_>) -> bool {
    raw.warm_start.as_deref().is_some_and(|warm| warm.get().is_on())
}

/// Keys that cannot be had are errors.
fn refuse(one: &Merged<'_>, limits: Limits, sink: &mut Sink) {
    let raw = &one.raw;
    let several = raw.members.as_ref().filter(|members| *members.get() > 1);
    if let Some(members) = several.filter(|_| !limits.draws) {
        let message = format!("`{}` draws nothing at random", one.name.get());
        let finding = sink.error(Code::ConflictingKeys, members.span(), message);
        let finding = finding.label("its members would all be the same model");
        sink.global(
            finding
                .help("leave `members` away, or choose a model that is trained by gradient steps"),
        );
    }
    let Some(deploy) = raw.deploy.as_ref().filter(|deploy| *deploy.get() == Deploy::Blend) else {
        return;
    };
    let against = |what: &str| format!("`deploy = \"blend\"` does not go with {what}");
    if limits.forward {
        let message = against("a split by time");
        let finding = sink.error(Code::ConflictingKeys, deploy.span(), message);
        let finding =
            finding.label("the models of its folds know only the beginning of the training rows");
        sink.global(finding.help("average models of all training rows instead: `members = 5`"));
    }
    if let Some(warm) = raw.warm_start.as_deref().filter(|_| is_warm(raw)) {
        let finding = sink.error(Code::ConflictingKeys, deploy.span(), against("`warm_start`"));
        let finding = finding.label("a blend is made of several models");
        let finding = finding.also(warm.span(), "a warm start begins with one");
        sink.global(finding.help("leave one of them away"));
    }
}
