//! `extends` and blueprints.

use std::{collections::BTreeMap, sync::Arc};

use toml::Spanned;

use super::{ReadBlueprint, check_model, idle::TurnedOn, names::is_name, ranges::check_expert};
use crate::{
    At, Diagnostics, Mlp, Table,
    raw::{ModelChoice, RawExpert, RawMixture, RawModel},
    recover::{Cut, Recovered, read_blueprint},
    sink::Sink,
    suggest::did_you_mean,
};

/// An expert with all that it inherits.
pub(crate) struct Merged {
    pub(crate) name: At<String>,
    pub(crate) raw: RawExpert,
    /// What it says itself and does not inherit.
    pub(crate) turned_on: TurnedOn,
    /// Itself and the experts that it extends, nearest first.
    chain: Vec<String>,
    /// Something that it extends is not known: nothing must be called missing.
    broken: bool,
}

impl Merged {
    /// Is a key absent because it was cut, here or where it would be inherited from?
    pub(crate) fn lost(&self, key: &str, cut: &Cut) -> bool {
        self.broken
            || self.chain.iter().any(|name| {
                cut.touches(&["expert", name, key]) || cut.touches(&["expert", name, "extends"])
            })
    }
}

/// All experts, and what was found in blueprints.
pub(crate) struct MergedExperts {
    pub(crate) experts: Vec<Merged>,
    index: BTreeMap<String, usize>,
    pub(crate) findings: Diagnostics,
}

impl MergedExperts {
    pub(crate) fn get(&self, name: &str) -> Option<&Merged> {
        self.index.get(name).map(|&at| &self.experts[at])
    }
}

/// Checks what each expert says itself, reads its blueprint, and puts it over what it extends.
pub(crate) fn merge(
    raw: Table<RawExpert>,
    mixtures: &mut Table<RawMixture>,
    cut: &Cut,
    sink: &mut Sink,
    read: ReadBlueprint<'_>,
) -> MergedExperts {
    let mut blueprints =
        Blueprints { read, known: BTreeMap::new(), findings: Diagnostics::default() };
    let mut own: Vec<(At<String>, RawExpert)> = raw.0;
    for (_, expert) in &mut own {
        check_expert(expert, sink);
        blueprints.expand(&mut expert.model, sink);
    }
    for (_, mixture) in &mut mixtures.0 {
        blueprints.expand(&mut mixture.model, sink);
    }
    let index: BTreeMap<String, usize> =
        own.iter().enumerate().map(|(at, (name, _))| (name.get().clone(), at)).collect();
    let experts = (0..own.len()).map(|at| follow(at, &own, &index, cut, sink)).collect();
    MergedExperts { experts, index, findings: blueprints.findings }
}

fn follow(
    start: usize,
    own: &[(At<String>, RawExpert)],
    index: &BTreeMap<String, usize>,
    cut: &Cut,
    sink: &mut Sink,
) -> Merged {
    let mut way = vec![start];
    let mut broken = false;
    while let Some(extends) = &own[way[way.len() - 1]].1.extends {
        let Some(base) = base(extends, index, cut, sink) else {
            broken = true;
            break;
        };
        if let Some(first) = way.iter().position(|&at| at == base) {
            broken = true;
            // Told by the first of the circle's members in the file, once.
            if first == 0 && way.iter().all(|&at| at >= start) {
                let circle: Vec<String> =
                    way.iter().chain([&base]).map(|&at| format!("`{}`", own[at].0.get())).collect();
                let message =
                    format!("experts extend each other in a circle: {}", circle.join(" → "));
                let span = own[start].1.extends.as_ref().map_or(0..0, At::span);
                sink.global(sink.error(span, message).label("the circle begins here"));
            }
            break;
        }
        way.push(base);
    }
    // From the far end, so that each is put over what its base means and not over what it says:
    // a table over `false` stays alone, whatever `false` was put over.
    let raws = way.iter().rev().map(|&at| own[at].1.clone());
    let raw = raws.reduce(|base, own| own.over(base)).unwrap_or_default();
    let chain = way.iter().map(|&at| own[at].0.get().clone()).collect();
    Merged {
        name: own[start].0.clone(),
        raw,
        turned_on: TurnedOn::by(&own[start].1),
        chain,
        broken,
    }
}

fn base(
    extends: &At<String>,
    index: &BTreeMap<String, usize>,
    cut: &Cut,
    sink: &mut Sink,
) -> Option<usize> {
    let text = extends.get();
    let name = text.strip_prefix("expert.").unwrap_or(text);
    let known = index.get(name).copied();
    if known.is_none() && (cut.has(&["expert", name]) || cut.has(&["expert"])) {
        return None; // it is there, and what is wrong with it has been said
    }
    if known.is_none() {
        let finding = sink
            .error(extends.span(), format!("there is no expert `{name}` to extend"))
            .label("unknown expert");
        let names: Vec<String> = index.keys().map(|name| format!("expert.{name}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let wanted = format!("expert.{name}");
        sink.global(finding.maybe_help(did_you_mean(&wanted, &names, "there are")));
    } else if !text.starts_with("expert.") {
        sink.local(
            sink.error(extends.span(), "`extends` names a node")
                .label("expected `expert.NAME`")
                .help(format!("did you mean `expert.{name}`?")),
        );
    }
    known
}

/// Blueprints, each read once.
struct Blueprints<'a> {
    read: ReadBlueprint<'a>,
    known: BTreeMap<String, Option<RawModel>>,
    findings: Diagnostics,
}

impl Blueprints<'_> {
    /// Puts a blueprint's table in the place of its name.
    fn expand(&mut self, model: &mut Option<At<ModelChoice>>, sink: &mut Sink) {
        let place_of = model;
        let Some(choice) = &*place_of else { return };
        let ModelChoice::Blueprint(name) = choice.get() else {
            return;
        };
        let place = choice.span();
        if !self.known.contains_key(name) {
            let model = self.load(name, &place, sink);
            self.known.insert(name.clone(), model);
        }
        let model = self.known.get(name).cloned().flatten();
        // A blueprint is a whole model: nothing of an extended expert's model shines through it.
        let mlp = Mlp::default();
        let spanned = |value| At(Spanned::new(place.clone(), value));
        let model = model.unwrap_or_default();
        let whole = RawModel {
            kind: model.kind,
            hidden: Some(model.hidden.unwrap_or_else(|| {
                At(Spanned::new(place.clone(), mlp.hidden.into_iter().map(spanned).collect()))
            })),
            activation: model.activation.or(Some(mlp.activation)),
            dropout: model.dropout.or(Some(At(Spanned::new(place.clone(), mlp.dropout)))),
        };
        *place_of = Some(At(Spanned::new(place, ModelChoice::Own(whole))));
    }

    fn load(
        &mut self,
        name: &str,
        place: &std::ops::Range<usize>,
        sink: &mut Sink,
    ) -> Option<RawModel> {
        if !is_name(name) {
            sink.local(
                sink.error(place.clone(), format!("`{name}` cannot be the name of a blueprint"))
                    .label("names are made of letters, digits, `_` and `-`")
                    .help("`model = \"mlp-small\"` reads `models/mlp-small.toml`"),
            );
            return None;
        }
        match (self.read)(name) {
            Ok(file) => {
                let Recovered { value, mut sink, .. } = read_blueprint(&Arc::new(file));
                check_model(&value, &mut sink);
                self.findings.extend(sink.findings);
                Some(value)
            }
            Err(missing) => {
                let finding = sink
                    .error(place.clone(), format!("cannot read the blueprint `{name}`"))
                    .label(missing.reason);
                sink.local(finding.maybe_help(missing.help));
                None
            }
        }
    }
}
