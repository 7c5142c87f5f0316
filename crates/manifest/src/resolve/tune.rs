//! Resolution of `tune`: which settings of an expert are searched, and whether it can be tuned at all.

use collegium_records::Code;
use indexmap::IndexMap;

use super::{
    merged::{Merged, MergedExperts},
    stands_on::given,
};
use crate::{
    At, Encode, Expert, NumberEncoding, Optimizer, Setting, Tune,
    bounds::bound,
    defaults::{MOST_TRIALS, TRIALS},
    kind::ModelChoice,
    raw::RawTune,
    sink::Sink,
};

/// Gives each expert the search that it asks for, if it can be had.
pub(super) fn resolve(
    merged: &MergedExperts<'_>,
    experts: &mut IndexMap<String, Expert>,
    sink: &mut Sink,
) {
    for one in &merged.experts {
        let Some(tune) = one.raw.tune.as_deref() else { continue };
        let Some(expert) = experts.get_mut(one.name.get()) else { continue };
        let RawTune { trials, seconds, space, seed } = tune.get();
        let few = |trials| (2..=MOST_TRIALS).contains(&trials);
        bound(sink, "trials", trials, few, &format!("from 2 to {MOST_TRIALS}"));
        let time = |seconds: f64| seconds > 0.0 && seconds.is_finite();
        bound(sink, "seconds", seconds, time, "above 0");
        if refused(one, tune, expert, sink) {
            continue;
        }
        let space = space.as_ref().map(|space| *space.get()).unwrap_or_default();
        let free: Vec<Setting> = Setting::ALL
            .into_iter()
            .filter(|setting| space.has(*setting) && is_free(*setting, one, expert))
            .collect();
        if free.is_empty() {
            let message = format!("there is nothing to search for `{}`", one.name.get());
            let finding = sink.error(Code::KeyDoesNotApply, tune.span(), message);
            let finding = finding.label("the file sets everything that it would try");
            sink.global(finding.help("remove `tune`, or one of the values that it is to find"));
            continue;
        }
        expert.tune = Some(Box::new(Tune {
            trials: trials.as_ref().map_or(TRIALS, |trials| *trials.get()),
            seconds: seconds.as_ref().map(|seconds| *seconds.get()),
            space,
            seed: seed.as_ref().map_or(0, |seed| *seed.get()),
            free,
            place: tune.span(),
            found: None,
        }));
    }
}

/// What cannot be tuned is an error.
fn refused(one: &Merged<'_>, tune: &At<RawTune>, expert: &Expert, sink: &mut Sink) -> bool {
    let name = one.name.get();
    let can = expert.model.layers().is_some_and(|layers| {
        let same = layers.clone();
        expert.model.with_layers(same).is_some()
    });
    if !can {
        let message = format!("`tune` does not apply to `{name}`");
        let finding = sink.error(Code::KeyDoesNotApply, tune.span(), message);
        let finding = finding.label(format!("a {} has no settings to search", expert.model.noun()));
        sink.global(finding.help("remove it; only networks (`type = \"mlp\"`) are tuned"));
        return true;
    }
    // A frozen expert keeps what was found for it.
    let held = given(&one.raw).into_iter().find(|(key, _)| *key != "frozen");
    if let Some((key, place)) = held {
        let message = format!("`tune` does not go with `{key}`");
        let finding = sink.error(Code::ConflictingKeys, tune.span(), message);
        let finding = finding.label("a search would train it");
        let finding = finding.also(place, "this keeps it from being trained");
        sink.global(finding.help("leave one of them away"));
        return true;
    }
    false
}

/// Is a setting left to a search by the file, and does it move anything?
fn is_free(setting: Setting, one: &Merged<'_>, expert: &Expert) -> bool {
    let raw = &one.raw;
    let model = |key: &str| match raw.model.as_ref().map(At::get) {
        None => false,
        Some(ModelChoice::Own(given)) => given.whole || given.table.contains_key(key),
        Some(ModelChoice::Blueprint(_)) => true,
    };
    let train = raw.train.as_deref();
    let encode = raw.encode.as_deref();
    let is_set = match setting {
        Setting::LearningRate => train.is_some_and(|train| train.learning_rate.is_some()),
        Setting::WeightDecay => train.is_some_and(|train| train.weight_decay.is_some()),
        Setting::Epochs => train.is_some_and(|train| train.epochs.is_some()),
        Setting::Hidden | Setting::Activation | Setting::Dropout => model(setting.path().1),
        Setting::Numbers => encode.is_some_and(|encode| encode.numbers.is_some()),
        Setting::Bins => encode.is_some_and(|encode| encode.bins.is_some()),
        Setting::Edges => encode.is_some_and(|encode| encode.edges.is_some()),
    };
    let numbers_are_set = encode.is_some_and(|encode| encode.numbers.is_some());
    let moves = match setting {
        // An L2 penalty is a number of another kind.
        Setting::WeightDecay => expert.train.optimizer == Optimizer::Adamw,
        Setting::Bins | Setting::Edges if numbers_are_set => has_bins(&expert.encode),
        _ => true,
    };
    !is_set && moves
}

fn has_bins(encode: &Encode) -> bool {
    encode.numbers.contains(&NumberEncoding::Ple)
}
