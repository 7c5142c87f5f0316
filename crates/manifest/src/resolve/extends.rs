//! `extends` and blueprints.

use std::{collections::BTreeMap, sync::Arc};

use toml::Spanned;

use super::{ReadBlueprint, check_model, idle::TurnedOn, names::is_name, ranges::check_expert};
use crate::{
    At, Diagnostics, Mlp, Table,
    raw::{ModelChoice, RawExpert, RawMixture, RawModel},
    recover::{Cut, Recovered, read_blueprint},
    sink::Sink,
    suggest::{circle, did_you_mean},
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
    let bases: Vec<Base> = own
        .iter()
        .map(|(_, expert)| match &expert.extends {
            None => Base::None,
            Some(extends) => base(extends, &index, cut, sink).map_or(Base::Broken, Base::Expert),
        })
        .collect();
    let in_circle = circles(&own, &bases, sink);
    let experts = inherit(&own, &bases, &in_circle, cut);
    MergedExperts { experts, index, findings: blueprints.findings }
}

/// What an expert extends.
#[derive(Debug, Clone, Copy)]
enum Base {
    None,
    Expert(usize),
    /// Something that is not known.
    Broken,
}

/// Which experts extend each other in a circle; each circle is reported once, from its first member in the
/// file.
fn circles(own: &[(At<String>, RawExpert)], bases: &[Base], sink: &mut Sink) -> Vec<bool> {
    let mut in_circle = vec![false; own.len()];
    // The walk in which an expert was met first.
    let mut met = vec![usize::MAX; own.len()];
    for start in 0..own.len() {
        let mut at = start;
        while met[at] == usize::MAX {
            met[at] = start;
            match bases[at] {
                Base::Expert(base) => at = base,
                Base::None | Base::Broken => break,
            }
        }
        // Back on its own way?
        if met[at] != start || in_circle[at] || !matches!(bases[at], Base::Expert(_)) {
            continue;
        }
        let mut members = vec![at];
        while let Base::Expert(base) = bases[members[members.len() - 1]]
            && base != at
        {
            members.push(base);
        }
        members.iter().for_each(|&member| in_circle[member] = true);
        let first = members.iter().min().copied().unwrap_or(at);
        let place = members.iter().position(|&member| member == first);
        members.rotate_left(place.unwrap_or(0));
        let names: Vec<&str> = members.iter().map(|&at| own[at].0.get().as_str()).collect();
        let message = format!("experts extend each other in a circle: {}", circle(&names));
        let span = own[members[0]].1.extends.as_ref().map_or(0..0, At::span);
        sink.global(sink.error(span, message).label("the circle begins here"));
    }
    in_circle
}

/// Each expert over what it extends, bases first: one step for each, however long their chains are. So each is
/// put over what its base means and not over what it says: a table over `false` stays alone, whatever `false`
/// was put over.
fn inherit(
    own: &[(At<String>, RawExpert)],
    bases: &[Base],
    in_circle: &[bool],
    cut: &Cut,
) -> Vec<Merged> {
    let mut merged: Vec<Option<Merged>> = Vec::new();
    merged.resize_with(own.len(), || None);
    for start in 0..own.len() {
        if merged[start].is_some() {
            continue;
        }
        let mut way = vec![start];
        while let Base::Expert(base) = bases[way[way.len() - 1]]
            && merged[base].is_none()
            && !in_circle[way[way.len() - 1]]
        {
            way.push(base);
        }
        for at in way.into_iter().rev() {
            let (name, raw) = &own[at];
            let base = match bases[at] {
                Base::Expert(base) if !in_circle[at] => merged[base].as_ref(),
                _ => None,
            };
            let inherited = base.map(|base| raw.clone().over(base.raw.clone()));
            // Only of a file that is broken somebody asks what was lost on the way.
            let above = base.filter(|_| !cut.is_empty()).map(|base| base.chain.as_slice());
            let mut chain = vec![name.get().clone()];
            chain.extend_from_slice(above.unwrap_or_default());
            let one = Merged {
                name: name.clone(),
                raw: inherited.unwrap_or_else(|| raw.clone()),
                turned_on: TurnedOn::by(raw),
                chain,
                broken: in_circle[at]
                    || matches!(bases[at], Base::Broken)
                    || base.is_some_and(|base| base.broken),
            };
            merged[at] = Some(one);
        }
    }
    merged.into_iter().flatten().collect()
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
        let near = || {
            let names: Vec<String> = index.keys().map(|name| format!("expert.{name}")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            did_you_mean(&format!("expert.{name}"), &names, "there are")
        };
        let help = sink.may_compare(index.len()).then(near).flatten();
        sink.global(finding.maybe_help(help));
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
