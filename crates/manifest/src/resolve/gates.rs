//! `[gate.NAME]`: what each one combines, and by which rule.

use std::ops::Range;

use indexmap::IndexMap;
use toml::Spanned;

use super::{
    names::{Names, Node as Kind, unknown_help},
    node::{Around, Keys, Node, two_sources},
    ranges,
};
use crate::{
    At, Balance, BalanceBy, DataSource, Expert, Gate, GateLoss, Input, Mlp, Output, Rule, Table,
    Threshold,
    defaults::{BALANCE_WEIGHT, GATE_HIDDEN, RIDGE, UPSTREAM},
    raw::{GateType, RawGate, RawPipeline},
    recover::Cut,
    sink::Sink,
    spec::rule_column,
    suggest::did_you_mean,
};

/// Adds every gate whose target is known, and the columns that their rules make; of the others an
/// error has been reported.
pub(crate) fn resolve(
    gates: &Table<RawGate>,
    around: &Around,
    cut: &Cut,
    pipeline: &RawPipeline,
    data: &mut IndexMap<String, DataSource>,
    nodes: &mut IndexMap<String, Expert>,
    sink: &mut Sink,
) {
    for (name, raw) in &gates.0 {
        let lost = |key: &str| cut.touches(&["gate", name.get(), key]);
        check(raw, sink);
        let node = Node::of(name, &raw.inputs, &raw.target, &lost);
        let kind = raw.kind.as_ref().map(|kind| *kind.get()).unwrap_or_default();
        let upstream = raw.upstream.as_ref().map_or(UPSTREAM, |upstream| *upstream.get());
        let experts = members(&node, raw, around, sink);
        if !lost("type") {
            refuse_idle(name, raw, kind, sink);
        }
        let given = match weighs_inputs(kind) {
            // A type that was not understood may be one without inputs.
            true if !lost("type") => node.given(sink),
            true => raw.inputs.as_ref().map(At::get).map(Vec::as_slice).unwrap_or_default(),
            false => &[],
        };
        let mut inputs = node.inputs(given, upstream, around, sink);
        let patterns = node.patterns(given, around, sink);
        let Some((source, column)) = around.targets.get(name.get()) else { continue };
        let of_file: Vec<&str> = experts.iter().map(|expert| expert.get_ref().as_str()).collect();
        let rule = rule(name, raw, kind, &of_file, &lost, sink);
        if let Rule::Rules { columns } = &rule
            && let Some(source) = data.get_mut(source)
        {
            for (expert, column) in of_file.iter().zip(columns) {
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
                    sink.error(k.span(), message)
                        .label(format!("at most {routed}, shared ones not counted"))
                        .help("leave `top_k` away to let all of them answer"),
                );
            }
        }
        let temperature = match (kind, &raw.temperature) {
            (_, Some(temperature)) => Some(*temperature.get()),
            (GateType::Distance, None) => None,
            (_, None) => Some(1.0),
        };
        let gate = Gate { experts, rule, temperature, top_k, shared };
        let keys = Keys {
            task: &raw.task,
            filter: &raw.filter,
            train: &raw.train,
            upstream,
            folds: &raw.folds,
            seed: &raw.seed,
        };
        let model = Box::new(gate);
        let resolved = node.resolved((source, column), (inputs, patterns), model, &keys, pipeline);
        nodes.insert(name.get().clone(), resolved);
    }
}

fn weighs_inputs(kind: GateType) -> bool {
    matches!(kind, GateType::Softmax | GateType::Distance | GateType::Own)
}

/// The experts that are there, each once, all on the rows of the gate's data source.
fn members(node: &Node, raw: &RawGate, around: &Around, sink: &mut Sink) -> Vec<Spanned<String>> {
    let name = node.name.get();
    let Some(list) = &raw.experts else {
        if !(node.lost)("experts") {
            sink.global(
                sink.error(node.name.span(), format!("`{name}` has no experts"))
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
                sink.error(text.span(), format!("`{name}` combines itself"))
                    .label("this is the gate itself"),
            );
            continue;
        }
        if let Some(before) = found.iter().find(|known| *known.get_ref() == expert) {
            sink.local(
                sink.error(text.span(), format!("the expert `{expert}` is listed twice"))
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
            sink.error(list.span(), format!("`{name}` has nothing to combine"))
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
                sink.error(text.span(), format!("there is no expert `{bare}`"))
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
                sink.error(text.span(), format!("`{}` is shared twice", text.get()))
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
            sink.error(shared.span(), "every expert is shared: there is nothing to route")
                .label("all experts"),
        );
    }
    found.sort_unstable();
    found
}

fn not_combined(text: &At<String>, experts: &[&str], sink: &Sink) -> crate::Diagnostic {
    sink.error(text.span(), format!("`{}` is not among `experts`", text.get()))
        .label("not combined here")
        .maybe_help(
            sink.may_compare(experts.len())
                .then(|| did_you_mean(text.get(), experts, "there are"))
                .flatten(),
        )
}

/// The rule with all that belongs to it.
fn rule(
    name: &At<String>,
    raw: &RawGate,
    kind: GateType,
    experts: &[&str],
    lost: &dyn Fn(&str) -> bool,
    sink: &mut Sink,
) -> Rule {
    let net = || Mlp {
        hidden: raw.hidden.as_ref().map_or(GATE_HIDDEN.to_vec(), |hidden| {
            hidden.get().iter().map(|width| *width.get()).collect()
        }),
        activation: raw.activation.as_ref().map_or(Mlp::default().activation, |a| *a.get()),
        dropout: 0.0,
    };
    match kind {
        GateType::Uniform => Rule::Uniform,
        GateType::Geometric => Rule::Geometric,
        GateType::NoisyOr => Rule::NoisyOr,
        GateType::Best => Rule::Best,
        GateType::Distance => Rule::Distance,
        GateType::Stack => Rule::Stack { ridge: raw.ridge.as_ref().map_or(RIDGE, |r| *r.get()) },
        GateType::Own => Rule::Own { net: net() },
        GateType::Softmax => Rule::Softmax {
            net: net(),
            loss: raw.loss.as_ref().map_or(GateLoss::Likelihood, |loss| *loss.get()),
            balance: Balance {
                by: raw.balance.as_ref().map_or(BalanceBy::None, |by| *by.get()),
                weight: raw.balance_weight.as_ref().map_or(BALANCE_WEIGHT, |w| *w.get()),
            },
            noise: raw.noise.as_ref().map_or(0.0, |noise| *noise.get()),
        },
        GateType::Fixed => {
            let weights = raw.weights.as_ref();
            let found = by_expert(name, "weights", weights, experts, lost, sink);
            let weights: Vec<f64> = found.iter().map(|w| w.map_or(0.0, |w| *w.get())).collect();
            let sum: f64 = weights.iter().sum();
            if let Some(table) = raw
                .weights
                .as_ref()
                .filter(|_| weights.iter().all(|w| *w == 0.0) && !experts.is_empty())
            {
                sink.global(
                    sink.error(table.span(), "all weights are 0").label("one must be above 0"),
                );
            }
            Rule::Fixed(weights.iter().map(|w| w / sum.max(f64::MIN_POSITIVE)).collect())
        }
        GateType::Rules => {
            for (_, sql) in raw.rules.iter().flat_map(|rules| &rules.get().0) {
                ranges::not_empty(sink, "rules", sql);
            }
            by_expert(name, "rules", raw.rules.as_ref(), experts, lost, sink);
            let column = |expert: &&str| format!("{}.{expert}", name.get());
            Rule::Rules { columns: experts.iter().map(column).collect() }
        }
        GateType::Cascade => Rule::Cascade(threshold(raw, sink)),
    }
}

/// A table's value for each expert; one that is missing or left over is an error.
fn by_expert<'a, T>(
    name: &At<String>,
    key: &str,
    table: Option<&'a At<Table<At<T>>>>,
    experts: &[&str],
    lost: &dyn Fn(&str) -> bool,
    sink: &mut Sink,
) -> Vec<Option<&'a At<T>>> {
    let entries = table.map(|table| table.get().0.as_slice()).unwrap_or_default();
    for (expert, _) in entries {
        if !experts.contains(&expert.get().as_str()) {
            sink.global(not_combined(expert, experts, sink));
        }
    }
    let found: Vec<Option<&At<T>>> = experts
        .iter()
        .map(|expert| entries.iter().find(|(key, _)| key.get() == expert).map(|(_, value)| value))
        .collect();
    let missing: Vec<String> = experts
        .iter()
        .zip(&found)
        .filter(|(_, value)| value.is_none())
        .map(|(expert, _)| format!("`{expert}`"))
        .collect();
    if !missing.is_empty() && !lost(key) {
        let (place, label) = match table {
            Some(table) => (table.span(), format!("nothing for {}", missing.join(", "))),
            None => (name.span(), format!("no `{key}`")),
        };
        sink.global(
            sink.error(place, format!("`{}` has no `{key}` for every expert", name.get()))
                .label(label)
                .help(format!("`{key} = {{ {} = … }}`", experts.join(" = …, "))),
        );
    }
    found
}

/// What a cascade's threshold is chosen for.
fn threshold(raw: &RawGate, sink: &mut Sink) -> Threshold {
    let value = |value: &Option<At<f64>>| value.as_ref().map(|value| *value.get());
    let mut given: Vec<(Range<usize>, Threshold)> = Vec::new();
    let mut add = |at: &Option<At<f64>>, threshold: fn(f64) -> Threshold| {
        given.extend(at.as_ref().zip(value(at)).map(|(at, v)| (at.span(), threshold(v))));
    };
    add(&raw.confidence, Threshold::Confidence);
    add(&raw.error_budget, Threshold::ErrorBudget);
    add(&raw.cost_budget, Threshold::CostBudget);
    if let [(first, _), (second, _), ..] = &given[..] {
        sink.global(
            sink.error(second.clone(), "a cascade has one threshold")
                .label("a second one")
                .also(first.clone(), "the first")
                .help("keep one of `confidence`, `error_budget` and `cost_budget`"),
        );
    }
    given.first().map_or(Threshold::ErrorBudget(0.0), |(_, threshold)| *threshold)
}

/// Values out of range, whatever the type.
fn check(raw: &RawGate, sink: &mut Sink) {
    let positive = |x: f64| x.is_finite() && x > 0.0;
    let not_negative = |x: f64| x.is_finite() && x >= 0.0;
    let share = |x: f64| (0.0..=1.0).contains(&x);
    let above = "a finite number above 0";
    let least = "a finite number of at least 0";
    ranges::check_folds(&raw.folds, sink);
    ranges::check_hidden(raw.hidden.as_ref(), sink);
    ranges::bound(sink, "temperature", &raw.temperature, positive, above);
    ranges::bound(sink, "ridge", &raw.ridge, not_negative, least);
    ranges::bound(sink, "noise", &raw.noise, not_negative, least);
    ranges::bound(sink, "balance_weight", &raw.balance_weight, not_negative, least);
    ranges::bound(sink, "top_k", &raw.top_k, |k| k >= 1, "at least 1");
    ranges::bound(sink, "confidence", &raw.confidence, share, "from 0 to 1");
    ranges::bound(sink, "error_budget", &raw.error_budget, share, "from 0 to 1");
    ranges::bound(sink, "cost_budget", &raw.cost_budget, positive, above);
    if let Some(filter) = &raw.filter {
        ranges::not_empty(sink, "where", filter);
    }
    if let Some(train) = &raw.train {
        ranges::check_train(train, sink);
    }
    for (expert, weight) in raw.weights.iter().flat_map(|weights| &weights.get().0) {
        let key = format!("weights.{}", expert.get());
        ranges::bound(sink, &key, &Some(weight.clone()), not_negative, least);
    }
}

/// A key, where it stands, and the types that it belongs to.
type Key<'a> = (&'a str, Option<Range<usize>>, &'a [GateType]);

/// Keys that say nothing to a gate of this type.
fn refuse_idle(name: &At<String>, raw: &RawGate, kind: GateType, sink: &mut Sink) {
    use GateType::{Cascade, Distance, Fixed, Own, Rules, Softmax, Stack};
    let keys: [Key; 17] = [
        ("inputs", raw.inputs.as_ref().map(At::span), &[Softmax, Distance, Own]),
        ("weights", raw.weights.as_ref().map(At::span), &[Fixed]),
        ("rules", raw.rules.as_ref().map(At::span), &[Rules]),
        ("hidden", raw.hidden.as_ref().map(At::span), &[Softmax, Own]),
        ("activation", raw.activation.as_ref().map(At::span), &[Softmax, Own]),
        ("loss", raw.loss.as_ref().map(At::span), &[Softmax]),
        ("ridge", raw.ridge.as_ref().map(At::span), &[Stack]),
        ("temperature", raw.temperature.as_ref().map(At::span), &[Softmax, Distance, Own]),
        ("top_k", raw.top_k.as_ref().map(At::span), &[Softmax, Distance, Own]),
        ("shared", raw.shared.as_ref().map(At::span), &[Softmax, Distance, Own]),
        ("noise", raw.noise.as_ref().map(At::span), &[Softmax]),
        ("balance", raw.balance.as_ref().map(At::span), &[Softmax]),
        ("balance_weight", raw.balance_weight.as_ref().map(At::span), &[Softmax]),
        ("confidence", raw.confidence.as_ref().map(At::span), &[Cascade]),
        ("error_budget", raw.error_budget.as_ref().map(At::span), &[Cascade]),
        ("cost_budget", raw.cost_budget.as_ref().map(At::span), &[Cascade]),
        ("train", raw.train.as_ref().and_then(|train| train.place()), &[Softmax, Own]),
    ];
    for (key, at, kinds) in keys {
        let Some(at) = at.filter(|_| !kinds.contains(&kind)) else { continue };
        let names: Vec<String> = kinds.iter().map(|kind| format!("`{}`", kind.name())).collect();
        sink.global(
            sink.error(at, format!("a gate of type `{}` has no `{key}`", kind.name()))
                .label(format!("this belongs to {}", names.join(", ")))
                .help(format!("take it out of `gate.{}`, or change its `type`", name.get())),
        );
    }
}

impl GateType {
    const fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Geometric => "geometric",
            Self::NoisyOr => "noisy-or",
            Self::Fixed => "fixed",
            Self::Best => "best",
            Self::Stack => "stack",
            Self::Softmax => "softmax",
            Self::Distance => "distance",
            Self::Own => "self",
            Self::Rules => "rules",
            Self::Cascade => "cascade",
        }
    }
}
