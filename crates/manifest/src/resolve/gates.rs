//! Resolution of `[gate.NAME]`: the experts that each one combines, and its rule.

use collegium_records::Code;
use indexmap::IndexMap;
use toml::Spanned;

use super::{
    decide,
    model::unknown_type,
    names::{Names, Node as Kind, unknown_help},
    node::{Around, Keys, Node, two_sources},
    ranges,
};
use crate::{
    At, DataSource, DeclareRule, Expert, Gate, GateKeys, Input, Output, Rules, TomlTable, bounds,
    defaults::UPSTREAM,
    kind::{DEFAULT, not_combined},
    raw::{RawDecide, RawGate, RawPipeline},
    recover::Cut,
    sink::Sink,
    spec::rule_column,
};

/// Adds every gate whose target is known, and the columns that their rules make; of the others an
/// error has been reported.
pub(crate) fn resolve(
    gates: &TomlTable<RawGate>,
    around: &Around,
    cut: &Cut,
    pipeline: &RawPipeline,
    data: &mut IndexMap<String, DataSource>,
    nodes: &mut IndexMap<String, Expert>,
    sink: &mut Sink,
) {
    let rules = around.rules;
    for (name, raw) in &gates.0 {
        let lost = |key: &str| cut.touches(&["gate", name.get(), key]);
        check(raw, sink);
        let node = Node::of(name, &raw.inputs, &raw.target, &lost);
        let (kind, type_lost) = kind(raw, rules, lost("type"), sink);
        let Some(kind) = kind else { continue };
        let upstream = raw.upstream.as_ref().map_or(UPSTREAM, |upstream| *upstream.get());
        let experts = members(&node, raw, around, sink);
        if !type_lost {
            refuse_idle(name, raw, kind, rules, sink);
        }
        let given = match kind.keys().contains(&"inputs") {
            // A type that was not understood may be one without inputs.
            true if !type_lost => node.given(sink),
            true => raw.inputs.as_ref().map(At::get).map(Vec::as_slice).unwrap_or_default(),
            false => &[],
        };
        let mut inputs = node.inputs(given, upstream, around, sink);
        let patterns = node.patterns(given, around, sink);
        let Some((source, column)) = around.targets.get(name.get()) else { continue };
        let of_file: Vec<&str> = experts.iter().map(|expert| expert.get_ref().as_str()).collect();
        let mut own = GateKeys { raw, name, experts: &of_file, lost: &lost, sink };
        let rule = kind.read(&mut own);
        if let Some(source) = data.get_mut(source).filter(|_| !rule.columns().is_empty()) {
            for (expert, column) in of_file.iter().zip(rule.columns()) {
                let rules = raw.rules.iter().flat_map(|rules| &rules.get().0);
                if let Some((_, sql)) = rules.into_iter().find(|(key, _)| key.get() == expert) {
                    let known = Spanned::new(sql.span(), rule_column(sql.get()));
                    source.derive.insert(column.clone(), known);
                    source.rules.push(column.clone());
                    let input = Input::Column {
                        data: source.name.get_ref().clone(),
                        column: column.clone(),
                    };
                    inputs.push(Spanned::new(sql.span(), input));
                }
            }
        }
        inputs.splice(
            0..0,
            experts.iter().map(|expert| {
                let input =
                    Input::Output { expert: expert.get_ref().clone(), output: Output::Prediction };
                Spanned::new(expert.span(), input)
            }),
        );
        let shared = shared(raw, &of_file, sink);
        let top_k = raw.top_k.as_ref().map(|k| *k.get());
        if let Some(k) = &raw.top_k {
            let routed = of_file.len() - shared.len();
            if routed > 0 && *k.get() as usize > routed {
                let message = format!("`top_k` is {}, but there are {routed} experts", k.get());
                sink.global(
                    sink.error(Code::ValueOutOfRange, k.span(), message)
                        .label(format!("at most {routed}, shared ones not counted"))
                        .help("leave `top_k` away to let all of them answer"),
                );
            }
        }
        let temperature = raw.temperature.as_ref().map(|temperature| *temperature.get());
        let temperature = temperature.or(kind.temperature());
        let gate = Gate { experts, rule, temperature, top_k, shared };
        let keys = Keys {
            task: &raw.task,
            filter: &raw.filter,
            train: &raw.train,
            upstream,
            folds: &raw.folds,
            seed: &raw.seed,
            decide: RawDecide { positive: &raw.positive, threshold: &raw.threshold },
        };
        let model = Box::new(gate);
        let resolved =
            node.resolved((source, column), (inputs, patterns), model, &keys, pipeline, sink);
        nodes.insert(name.get().clone(), resolved);
    }
}

/// The rule that `type` names; the default where it names none, and whether what it says was not understood.
fn kind<'k>(
    raw: &RawGate,
    rules: Rules<'k>,
    lost: bool,
    sink: &mut Sink,
) -> (Option<&'k dyn DeclareRule>, bool) {
    let named = |name: &str| rules.iter().find(|rule| rule.name() == name).copied();
    let Some(said) = &raw.kind else { return (named(DEFAULT), lost) };
    if let Some(rule) = named(said.get()) {
        return (Some(rule), lost);
    }
    unknown_type(said.get(), said.span(), rules.iter().map(|rule| rule.name()), sink);
    (named(DEFAULT), true)
}

/// The experts that are there, each once, all on the rows of the gate's data source.
fn members(node: &Node, raw: &RawGate, around: &Around, sink: &mut Sink) -> Vec<Spanned<String>> {
    let name = node.name.get();
    let Some(list) = &raw.experts else {
        if !(node.lost)("experts") {
            sink.global(
                sink.error(
                    Code::NothingToCombine,
                    node.name.span(),
                    format!("`{name}` has no experts"),
                )
                .label("no `experts`")
                .help("add `experts = [\"NAME\", \"NAME\"]`: what it combines"),
            );
        }
        return Vec::new();
    };
    let mut found: Vec<Spanned<String>> = Vec::new();
    for text in list.get() {
        let Some(expert) = member(text, around.names, sink) else { continue };
        if expert == *name {
            sink.global(
                sink.error(Code::Cycle, text.span(), format!("`{name}` combines itself"))
                    .label("this is the gate itself"),
            );
            continue;
        }
        if let Some(before) = found.iter().find(|known| *known.get_ref() == expert) {
            sink.local(
                sink.error(
                    Code::GivenTwice,
                    text.span(),
                    format!("the expert `{expert}` is listed twice"),
                )
                .label("listed a second time")
                .also(before.span(), "first listed here")
                .help("a gate that should weigh it more has `type = \"fixed\"` and `weights`"),
            );
            continue;
        }
        let targets = (around.targets.get(name), around.targets.get(&expert));
        if let (Some((data, column)), Some((other, _))) = targets
            && data != other
        {
            let what = format!("`{expert}` works on the rows of `{other}`");
            two_sources(name, (data, column), other, (text.span(), what), sink);
        }
        found.push(Spanned::new(text.span(), expert));
    }
    if list.get().len() < 2 && !(node.lost)("experts") {
        sink.global(
            sink.error(
                Code::NothingToCombine,
                list.span(),
                format!("`{name}` has nothing to combine"),
            )
            .label("fewer than two experts"),
        );
    }
    found
}

/// `NAME`, `expert.NAME`, `gate.NAME` or `mixture.NAME`.
fn member(text: &At<String>, names: &Names, sink: &mut Sink) -> Option<String> {
    let bare = crate::bare_name(text.get());
    match names.of(bare) {
        Kind::Expert => Some(bare.to_owned()),
        Kind::Broken => None,
        Kind::Data | Kind::Unknown => {
            let help = unknown_help(bare, names, |names| names.all(Kind::Expert), sink);
            sink.global(
                sink.error(Code::NoSuchNode, text.span(), format!("there is no expert `{bare}`"))
                    .label("unknown expert")
                    .maybe_help(help),
            );
            None
        }
    }
}

/// The positions of the shared experts.
fn shared(raw: &RawGate, experts: &[&str], sink: &mut Sink) -> Vec<usize> {
    let mut found = Vec::new();
    for text in raw.shared.iter().flat_map(|shared| shared.get()) {
        match experts.iter().position(|expert| *expert == crate::bare_name(text.get())) {
            Some(at) if !found.contains(&at) => found.push(at),
            Some(_) => sink.local(
                sink.error(
                    Code::GivenTwice,
                    text.span(),
                    format!("`{}` is shared twice", text.get()),
                )
                .label("listed before"),
            ),
            None => sink.global(not_combined(text, experts, sink)),
        }
    }
    if !experts.is_empty()
        && found.len() == experts.len()
        && let Some(shared) = &raw.shared
    {
        sink.global(
            sink.error(
                Code::NothingToCombine,
                shared.span(),
                "every expert is shared: there is nothing to route",
            )
            .label("all experts"),
        );
    }
    found.sort_unstable();
    found
}

/// Values out of range, whatever the type.
fn check(raw: &RawGate, sink: &mut Sink) {
    let positive = |x: f64| x.is_finite() && x > 0.0;
    let not_negative = |x: f64| x.is_finite() && x >= 0.0;
    let share = |x: f64| (0.0..=1.0).contains(&x);
    let above = "a finite number above 0";
    let least = "a finite number of at least 0";
    ranges::check_folds(&raw.folds, sink);
    decide::check(RawDecide { positive: &raw.positive, threshold: &raw.threshold }, sink);
    bounds::check_hidden(raw.hidden.as_ref(), sink);
    bounds::bound(sink, "temperature", &raw.temperature, positive, above);
    bounds::bound(sink, "ridge", &raw.ridge, not_negative, least);
    bounds::bound(sink, "noise", &raw.noise, not_negative, least);
    bounds::bound(sink, "balance_weight", &raw.balance_weight, not_negative, least);
    bounds::bound(sink, "top_k", &raw.top_k, |k| k >= 1, "at least 1");
    bounds::bound(sink, "confidence", &raw.confidence, share, "from 0 to 1");
    bounds::bound(sink, "error_budget", &raw.error_budget, share, "from 0 to 1");
    bounds::bound(sink, "cost_budget", &raw.cost_budget, positive, above);
    if let Some(filter) = &raw.filter {
        bounds::not_empty(sink, "where", filter);
    }
    if let Some(train) = &raw.train {
        ranges::check_train(train, sink);
    }
    for (expert, weight) in raw.weights.iter().flat_map(|weights| &weights.get().0) {
        let key = format!("weights.{}", expert.get());
        bounds::bound(sink, &key, &Some(weight.clone()), not_negative, least);
    }
}

/// Keys that say nothing to a gate of this type.
fn refuse_idle(
    name: &At<String>,
    raw: &RawGate,
    kind: &dyn DeclareRule,
    rules: Rules<'_>,
    sink: &mut Sink,
) {
    let keys = [
        ("inputs", raw.inputs.as_ref().map(At::span)),
        ("weights", raw.weights.as_ref().map(At::span)),
        ("rules", raw.rules.as_ref().map(At::span)),
        ("hidden", raw.hidden.as_ref().map(At::span)),
        ("activation", raw.activation.as_ref().map(At::span)),
        ("loss", raw.loss.as_ref().map(At::span)),
        ("ridge", raw.ridge.as_ref().map(At::span)),
        ("temperature", raw.temperature.as_ref().map(At::span)),
        ("top_k", raw.top_k.as_ref().map(At::span)),
        ("shared", raw.shared.as_ref().map(At::span)),
        ("noise", raw.noise.as_ref().map(At::span)),
        ("balance", raw.balance.as_ref().map(At::span)),
        ("balance_weight", raw.balance_weight.as_ref().map(At::span)),
        ("confidence", raw.confidence.as_ref().map(At::span)),
        ("error_budget", raw.error_budget.as_ref().map(At::span)),
        ("cost_budget", raw.cost_budget.as_ref().map(At::span)),
        ("train", raw.train.as_ref().and_then(|train| train.place())),
    ];
    for (key, at) in keys {
        let Some(at) = at.filter(|_| !kind.keys().contains(&key)) else { continue };
        let having = rules.iter().filter(|rule| rule.keys().contains(&key));
        let names: Vec<String> = having.map(|rule| format!("`{}`", rule.name())).collect();
        sink.global(
            sink.error(
                Code::KeyDoesNotApply,
                at,
                format!("a gate of type `{}` has no `{key}`", kind.name()),
            )
            .label(format!("this belongs to {}", names.join(", ")))
            .help(format!("take it out of `gate.{}`, or change its `type`", name.get())),
        );
    }
}
