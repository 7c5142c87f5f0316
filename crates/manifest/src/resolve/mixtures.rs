//! Resolution of `[mixture.NAME]`: a mixture of experts with its gate.

use collegium_records::Code;
use indexmap::IndexMap;
use toml::Spanned;

use super::{
    decide,
    experts::encode,
    merged::Merged,
    node::{Around, Keys, Node},
    ranges,
};
use crate::{
    At, Balance, BalanceBy, Expert, Mixture, Mlp, TomlTable, bounds,
    defaults::{BALANCE_WEIGHT, EXPERTS, GATE_HIDDEN, MOST_EXPERTS, MOST_RESTARTS, UPSTREAM},
    kind::{Given, Keys as ModelKeys, ModelChoice},
    preset::{Defaults, Preset},
    raw::{RawDecide, RawMixture, RawPerceptron, RawPipeline, RawRouter},
    recover::Cut,
    sink::Sink,
    suggest::did_you_mean,
};

/// Adds every mixture whose target is known; of the others an error has been reported.
pub(crate) fn resolve(
    mixtures: &TomlTable<RawMixture<'_>>,
    around: &Around,
    cut: &mut Cut,
    pipeline: &RawPipeline,
    nodes: &mut IndexMap<String, Expert>,
    sink: &mut Sink,
) {
    for (name, raw) in &mixtures.0 {
        let defaults = Defaults::of(pipeline.preset.as_ref().map(|preset| *preset.get()));
        let expert = inside(name.get(), raw, &defaults, cut, sink);
        let lost = |key: &str| cut.touches(&["mixture", name.get(), key]);
        check(raw, sink);
        let node = Node::of(name, &raw.inputs, &raw.target, &lost);
        let upstream = raw.upstream.as_ref().map_or(UPSTREAM, |upstream| *upstream.get());
        let given = node.given(sink);
        let inputs = node.inputs(given, upstream, around, sink);
        let patterns = node.patterns(given, around, sink);
        let Some((source, column)) = around.targets.get(name.get()) else { continue };
        let preset = pipeline.preset.as_ref().map(|preset| *preset.get());
        let warm_start = warm(raw, (&expert, preset), (source, column), given, around, sink);
        let router = raw.gate.as_ref().map(|gate| gate.get().clone()).unwrap_or_default();
        let experts = match &raw.experts {
            Some(experts) => *experts.get(),
            None if warm_start.is_empty() => EXPERTS,
            None => u32::try_from(warm_start.len()).unwrap_or(MOST_EXPERTS),
        };
        let shared = router.shared.as_ref().map_or(0, |shared| *shared.get());
        if let (Some(given), false) = (&raw.experts, warm_start.is_empty())
            && *given.get() as usize + shared as usize != warm_start.len()
        {
            let message = format!(
                "`{}` has {} experts, but begins with {}",
                name.get(),
                given.get() + shared,
                warm_start.len()
            );
            let place = raw.warm_start.as_ref().map_or(name.span(), At::span);
            sink.global(
                sink.error(Code::ConflictingKeys, place, message)
                    .label(format!("{} experts", warm_start.len()))
                    .also(given.span(), "shared ones beside these")
                    .help("leave `experts` away: `warm_start` says how many there are"),
            );
        }
        let experts = match (&raw.experts, warm_start.is_empty()) {
            (None, false) => experts.saturating_sub(shared),
            _ => experts,
        };
        if let Some(k) = &router.top_k
            && *k.get() > experts
        {
            sink.global(
                sink.error(
                    Code::ValueOutOfRange,
                    k.span(),
                    format!("`top_k` is {}, but there are {experts} experts", k.get()),
                )
                .label(format!("at most {experts}, shared ones not counted"))
                .help("leave `top_k` away to let all of them answer"),
            );
        }
        let mixture = Mixture {
            experts,
            shared,
            expert,
            gate: Mlp {
                hidden: router.hidden.as_ref().map_or(GATE_HIDDEN.to_vec(), |hidden| {
                    hidden.get().iter().map(|width| *width.get()).collect()
                }),
                activation: router.activation.unwrap_or(Mlp::default().activation),
                dropout: 0.0.into(),
            },
            temperature: or(&router.temperature, 1.0),
            top_k: router.top_k.as_ref().map(|k| *k.get()),
            noise: or(&router.noise, 0.0),
            balance: Balance {
                by: router.balance.unwrap_or(BalanceBy::None),
                weight: or(&router.balance_weight, BALANCE_WEIGHT),
            },
            z_loss: or(&router.z_loss, 0.0),
            capacity_factor: router.capacity_factor.as_ref().map(|factor| *factor.get()),
            restarts: or(&raw.restarts, 1),
            warm_start,
        };
        let keys = Keys {
            task: &raw.task,
            filter: &raw.filter,
            train: &raw.train,
            upstream,
            folds: &raw.folds,
            seed: &raw.seed,
            decide: RawDecide { positive: &raw.positive, threshold: &raw.threshold },
        };
        let model = Box::new(mixture);
        let resolved =
            node.resolved((source, column), (inputs, patterns), model, &keys, pipeline, sink);
        nodes.insert(name.get().clone(), resolved);
    }
}

/// What each expert inside is.
fn inside(
    name: &str,
    raw: &RawMixture<'_>,
    defaults: &Defaults,
    cut: &mut Cut,
    sink: &mut Sink,
) -> Mlp {
    let mut given = match raw.model.as_ref().map(At::get) {
        Some(ModelChoice::Own(given)) => given.clone(),
        _ => Given::default(),
    };
    if let Some(said) = given.take_kind()
        && said.get_ref().as_str() != Some("mlp")
    {
        sink.local(
            sink.error(
                Code::ExpertsDoNotFit,
                said.span(),
                format!("the experts of `{name}` cannot be of this type"),
            )
            .label("experts inside a mixture are multilayer perceptrons")
            .help("leave `type` away, or combine experts of other types by a `[gate.NAME]`"),
        );
    }
    let path = ["mixture", name, "model"];
    RawPerceptron::read(ModelKeys { table: given.table, path: &path, defaults, cut, sink })
}

fn or<T: Copy>(value: &Option<At<T>>, default: T) -> T {
    value.as_ref().map_or(default, |value| *value.get())
}

/// The experts that it begins with: of the same inputs, target and model.
fn warm(
    raw: &RawMixture<'_>,
    (model, preset): (&Mlp, Option<Preset>),
    (source, column): (&str, &Spanned<String>),
    inputs: &[At<String>],
    around: &Around,
    sink: &mut Sink,
) -> Vec<Spanned<String>> {
    let mut found: Vec<Spanned<String>> = Vec::new();
    for text in raw.warm_start.iter().flat_map(|list| list.get()) {
        let bare = crate::bare_name(text.get());
        let Some(expert) = around.experts.get(bare) else {
            let experts = &around.experts.experts;
            let near = || {
                let known: Vec<&str> = experts.iter().map(|e| e.name.get().as_str()).collect();
                did_you_mean(bare, &known, "there are")
            };
            let help = sink.may_compare(experts.len()).then(near).flatten();
            sink.global(
                sink.error(
                    Code::NoSuchNode,
                    text.span(),
                    format!("there is no expert `{bare}` to begin with"),
                )
                .label("unknown expert")
                .maybe_help(help),
            );
            continue;
        };
        if let Some(before) = found.iter().find(|known| known.get_ref() == bare) {
            sink.local(
                sink.error(
                    Code::GivenTwice,
                    text.span(),
                    format!("the expert `{bare}` is listed twice"),
                )
                .label("listed a second time")
                .also(before.span(), "first listed here"),
            );
            continue;
        }
        let alike = || "it needs experts of the same inputs, target and model".to_owned();
        let misfit = differs(model, (source, column), inputs, expert, around)
            .map(|what| (what, alike()))
            .or_else(|| {
                let (what, key) = other_numbers(expert, preset)?;
                Some((what, format!("add to `expert.{bare}`: {key}")))
            });
        if let Some((what, help)) = misfit {
            sink.global(
                sink.error(
                    Code::ExpertsDoNotFit,
                    text.span(),
                    format!("a mixture cannot begin with `{bare}`"),
                )
                .label(what)
                .help(help),
            );
        }
        found.push(Spanned::new(text.span(), bare.to_owned()));
    }
    found
}

fn differs(
    model: &Mlp,
    (source, column): (&str, &Spanned<String>),
    inputs: &[At<String>],
    expert: &Merged<'_>,
    around: &Around,
) -> Option<&'static str> {
    let (data, target) = around.targets.get(expert.name.get())?;
    let mut theirs: Vec<&str> =
        expert.raw.inputs.iter().flat_map(|list| list.get()).map(|i| i.get().as_str()).collect();
    let mut ours: Vec<&str> = inputs.iter().map(|input| input.get().as_str()).collect();
    theirs.sort_unstable();
    ours.sort_unstable();
    let same =
        |theirs: &Mlp| (&theirs.hidden, theirs.activation) == (&model.hidden, model.activation);
    if data != source || target.get_ref() != column.get_ref() {
        Some("it has another target")
    } else if theirs != ours {
        Some("it has other inputs")
    } else if !expert.model.layers().is_some_and(same) {
        Some("it is of another model")
    } else {
        None
    }
}

/// Why an expert is no network that reads standardised numbers alone, as those of a mixture do, and the key that makes it one.
fn other_numbers(
    expert: &Merged<'_>,
    preset: Option<Preset>,
) -> Option<(&'static str, &'static str)> {
    let raw = &expert.raw;
    let defaults = Defaults::of(raw.preset.as_ref().map(|preset| *preset.get()).or(preset));
    let members = raw.members.as_ref().map_or(defaults.average.members, |members| *members.get());
    if !encode(raw.encode.as_deref(), &defaults.encode).is_plain() {
        Some(("its numbers have other encodings", "`encode = { numbers = [\"standard\"] }`"))
    } else if members > 1 {
        Some(("it is the mean of several networks", "`members = 1`"))
    } else {
        None
    }
}

/// Values out of range.
fn check(raw: &RawMixture<'_>, sink: &mut Sink) {
    let wanted = format!("from 2 to {MOST_EXPERTS}");
    bounds::bound(sink, "experts", &raw.experts, |n| (2..=MOST_EXPERTS).contains(&n), &wanted);
    let wanted = format!("from 1 to {MOST_RESTARTS}");
    bounds::bound(sink, "restarts", &raw.restarts, |n| (1..=MOST_RESTARTS).contains(&n), &wanted);
    ranges::check_folds(&raw.folds, sink);
    decide::check(RawDecide { positive: &raw.positive, threshold: &raw.threshold }, sink);
    if let Some(filter) = &raw.filter {
        bounds::not_empty(sink, "where", filter);
    }
    if let Some(train) = &raw.train {
        ranges::check_train(train, sink);
    }
    if let Some(gate) = &raw.gate {
        check_router(gate.get(), sink);
    }
}

fn check_router(raw: &RawRouter, sink: &mut Sink) {
    let positive = |x: f64| x.is_finite() && x > 0.0;
    let not_negative = |x: f64| x.is_finite() && x >= 0.0;
    let above = "a finite number above 0";
    let least = "a finite number of at least 0";
    bounds::check_hidden(raw.hidden.as_ref(), sink);
    bounds::bound(sink, "temperature", &raw.temperature, positive, above);
    bounds::bound(sink, "top_k", &raw.top_k, |k| k >= 1, "at least 1");
    let wanted = format!("at most {MOST_EXPERTS}");
    bounds::bound(sink, "shared", &raw.shared, |n| n <= MOST_EXPERTS, &wanted);
    bounds::bound(sink, "noise", &raw.noise, not_negative, least);
    bounds::bound(sink, "balance_weight", &raw.balance_weight, not_negative, least);
    bounds::bound(sink, "z_loss", &raw.z_loss, not_negative, least);
    bounds::bound(sink, "capacity_factor", &raw.capacity_factor, positive, above);
}
