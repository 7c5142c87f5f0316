//! Resolution of `members` and `deploy`: of how many models an expert is the average.

use collegium_records::Code;
use indexmap::IndexMap;

use super::merged::MergedExperts;
use crate::{
    At, Average, DataSource, Deploy, Expert, TrainKeys,
    bounds::bound,
    defaults::{MOST_MEMBERS, TIME_MEMBERS},
    preset::Defaults,
    raw::RawPipeline,
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
    for one in &merged.experts {
        let Some(expert) = experts.get_mut(one.name.get()) else { continue };
        let raw = &one.raw;
        let preset = raw.preset.as_ref().or(pipeline.preset.as_ref()).map(|preset| *preset.get());
        let mut average = Defaults::of(preset).average;
        let forward = data.get(&expert.data).is_some_and(|data| data.split.is_forward());
        if forward && average.deploy == Deploy::Blend {
            average = Average { members: TIME_MEMBERS, deploy: Deploy::Full };
        }
        let draws = expert.model.train_keys() == TrainKeys::All;
        if !draws {
            average.members = 1;
        }
        let good = |members| (1..=MOST_MEMBERS).contains(&members);
        if bound(sink, "members", &raw.members, good, &format!("from 1 to {MOST_MEMBERS}")) {
            average.members =
                raw.members.as_ref().map_or(average.members, |members| *members.get());
        }
        average.deploy = raw.deploy.as_ref().map_or(average.deploy, |deploy| *deploy.get());
        if let Some(members) = raw.members.as_ref().filter(|members| *members.get() > 1 && !draws) {
            let finding = sink
                .error(
                    Code::ConflictingKeys,
                    members.span(),
                    format!("`{}` draws nothing at random", one.name.get()),
                )
                .label("its members would all be the same model")
                .help("leave `members` away, or choose a model that is trained by gradient steps");
            sink.global(finding);
        }
        if let Some(deploy) = raw.deploy.as_ref().filter(|deploy| *deploy.get() == Deploy::Blend) {
            if forward {
                let finding = sink
                    .error(
                        Code::ConflictingKeys,
                        deploy.span(),
                        "`deploy = \"blend\"` does not go with a split by time".to_owned(),
                    )
                    .label("the models of its folds know only the beginning of the training rows")
                    .help("average models of all training rows instead: `members = 5`");
                sink.global(finding);
            }
            if let Some(warm) = raw.warm_start.as_deref().filter(|warm| warm.get().is_on()) {
                let finding = sink
                    .error(
                        Code::ConflictingKeys,
                        deploy.span(),
                        "`deploy = \"blend\"` does not go with `warm_start`".to_owned(),
                    )
                    .label("a blend is made of several models")
                    .also(warm.span(), "a warm start begins with one")
                    .help("leave one of them away");
                sink.global(finding);
            }
        } else if raw.warm_start.as_deref().map(At::get).is_some_and(|warm| warm.is_on()) {
            // A preset gives way to a key.
            average.deploy = Deploy::Full;
        }
        expert.average = average;
    }
}
