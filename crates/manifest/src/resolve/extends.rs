//! Inheritance: `extends` and blueprints.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    sync::Arc,
};

use collegium_records::Code;
use toml::Spanned;

use super::{
    merged::TurnedOn,
    merged::{Merged, MergedExperts},
    model,
    names::{is_name, sorted},
    ranges::check_expert,
};
use crate::{
    At, Diagnostics, NoBlueprint, Params, SourceFile, TomlTable,
    kind::{Given, Kinds, ModelChoice},
    loaded::ReadBlueprint,
    preset::{Defaults, Preset},
    raw::{RawExpert, RawFile, RawMixture},
    reader::{Recovered, read_blueprint},
    recover::Cut,
    sink::Sink,
    suggest::{circle, did_you_mean},
};

/// Checks what each expert says itself, puts it over what it extends, and reads the models.
pub(crate) fn merge<'i>(
    raw: TomlTable<Box<RawExpert<'i>>>,
    mixtures: &mut TomlTable<RawMixture<'i>>,
    blueprints: &'i Blueprints,
    kinds: Kinds<'_>,
    preset: Option<Preset>,
    cut: &mut Cut,
    sink: &mut Sink,
) -> MergedExperts<'i> {
    let mut told = Told { kinds, known: BTreeMap::new(), findings: Diagnostics::default() };
    let mut own: Vec<(At<String>, Box<RawExpert<'i>>)> = raw.0;
    for (_, expert) in &mut own {
        check_expert(expert, sink);
        blueprints.expand(&mut expert.model, &mut told, sink);
    }
    for (_, mixture) in &mut mixtures.0 {
        blueprints.expand(&mut mixture.model, &mut told, sink);
    }
    let index: HashMap<String, usize> =
        own.iter().enumerate().map(|(at, (name, _))| (name.get().clone(), at)).collect();
    let bases: Vec<Base> = own
        .iter()
        .map(|(_, expert)| match &expert.extends {
            None => Base::None,
            Some(extends) => base(extends, &index, cut, sink).map_or(Base::Broken, Base::Expert),
        })
        .collect();
    let in_circle = circles(&own, &bases, sink);
    let default = model::read(Given::default(), kinds, &[], &Defaults::of(preset), cut, sink);
    let mut experts = inherit(own, &bases, &in_circle, &*default, cut);
    for expert in &mut experts {
        let own = expert.raw.preset.as_ref().map(|preset| *preset.get());
        let given = match expert.raw.model.as_ref().map(At::get) {
            Some(ModelChoice::Own(given)) => given.clone(),
            _ if own.is_some() => Given::default(),
            _ => continue,
        };
        let defaults = Defaults::of(own.or(preset));
        let path = ["expert", expert.name.get().as_str(), "model"];
        expert.model = model::read(given, kinds, &path, &defaults, cut, sink);
    }
    MergedExperts { experts, index, findings: told.findings }
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
fn circles(own: &[(At<String>, Box<RawExpert<'_>>)], bases: &[Base], sink: &mut Sink) -> Vec<bool> {
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
        sink.global(sink.error(Code::Cycle, span, message).label("the circle begins here"));
    }
    in_circle
}

/// Each expert over what it extends, bases first: one step for each, however long their chains are. So each is
/// put over what its base means and not over what it says: a table over `false` stays alone, whatever `false`
/// was put over.
fn inherit<'i>(
    own: Vec<(At<String>, Box<RawExpert<'i>>)>,
    bases: &[Base],
    in_circle: &[bool],
    default: &dyn Params,
    cut: &Cut,
) -> Vec<Merged<'i>> {
    // What an expert says is moved and not copied: there may be very many.
    let mut merged: Vec<Merged<'i>> = Vec::with_capacity(own.len());
    for (at, (name, raw)) in own.into_iter().enumerate() {
        merged.push(Merged {
            model: default.copied(),
            turned_on: TurnedOn::by(&raw),
            chain: Vec::new(),
            broken: in_circle[at] || matches!(bases[at], Base::Broken),
            name,
            raw,
        });
    }
    let above = |at: usize| match bases[at] {
        Base::Expert(base) if !in_circle[at] => Some(base),
        _ => None,
    };
    let mut done: Vec<bool> = (0..merged.len()).map(|at| above(at).is_none()).collect();
    for start in 0..merged.len() {
        if done[start] {
            continue;
        }
        let mut way = vec![start];
        while let Some(base) = above(way[way.len() - 1])
            && !done[base]
        {
            way.push(base);
        }
        for at in way.into_iter().rev() {
            done[at] = true;
            let Some(base) = above(at) else { continue };
            let (inherited, broken) = (RawExpert::clone(&merged[base].raw), merged[base].broken);
            let mut chain = Vec::new();
            if !cut.is_empty() {
                chain.push(merged[base].name.get().clone());
                chain.extend_from_slice(&merged[base].chain);
            }
            let one = &mut merged[at];
            *one.raw = std::mem::take(&mut *one.raw).over(inherited);
            one.chain = chain;
            one.broken |= broken;
        }
    }
    merged
}

fn base(
    extends: &At<String>,
    index: &HashMap<String, usize>,
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
            .error(
                Code::NoSuchNode,
                extends.span(),
                format!("there is no expert `{name}` to extend"),
            )
            .label("unknown expert");
        let near = || {
            let names = sorted(index.keys()).into_iter();
            let names: Vec<String> = names.map(|name| format!("expert.{name}")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            did_you_mean(&format!("expert.{name}"), &names, "there are")
        };
        let help = sink.may_compare(index.len()).then(near).flatten();
        sink.global(finding.maybe_help(help));
    } else if !text.starts_with("expert.") {
        sink.local(
            sink.error(Code::NotAReference, extends.span(), "`extends` names a node")
                .label("expected `expert.NAME`")
                .help(format!("did you mean `expert.{name}`?")),
        );
    }
    known
}

/// The blueprints that a file names, each read once.
pub(crate) struct Blueprints(BTreeMap<String, Result<Arc<SourceFile>, NoBlueprint>>);

impl Blueprints {
    /// Reads those that nodes name.
    pub(crate) fn read(file: &RawFile<'_>, read: ReadBlueprint<'_>) -> Self {
        let experts = file.expert.0.iter().map(|(_, expert)| &expert.model);
        let mixtures = file.mixture.0.iter().map(|(_, mixture)| &mixture.model);
        let mut known = BTreeMap::new();
        for model in experts.chain(mixtures).flatten() {
            if let ModelChoice::Blueprint(name) = model.get()
                && is_name(name)
                && !known.contains_key(name)
            {
                known.insert(name.clone(), read(name).map(Arc::new));
            }
        }
        Self(known)
    }

    /// Puts a blueprint's table in the place of its name.
    fn expand<'i>(
        &'i self,
        model: &mut Option<At<ModelChoice<'i>>>,
        told: &mut Told<'_, 'i>,
        sink: &mut Sink,
    ) {
        let Some(choice) = &*model else { return };
        let ModelChoice::Blueprint(name) = choice.get() else { return };
        let place = choice.span();
        let given = self.given(name, &place, told, sink);
        *model = Some(At(Spanned::new(place, ModelChoice::Own(given))));
    }

    fn given<'i>(
        &'i self,
        name: &str,
        place: &Range<usize>,
        told: &mut Told<'_, 'i>,
        sink: &mut Sink,
    ) -> Given<'i> {
        let nothing = Given { whole: true, ..Given::default() };
        match self.0.get(name) {
            None => {
                sink.local(
                    sink.error(
                        Code::BadName,
                        place.clone(),
                        format!("`{name}` cannot be the name of a blueprint"),
                    )
                    .label("names are made of letters, digits, `_` and `-`")
                    .help("`model = \"mlp-small\"` reads `models/mlp-small.toml`"),
                );
                nothing
            }
            Some(Err(missing)) => {
                let finding = sink
                    .error(
                        Code::NoSuchFile,
                        place.clone(),
                        format!("cannot read the blueprint `{name}`"),
                    )
                    .label(missing.reason.clone());
                sink.local(finding.maybe_help(missing.help.clone()));
                nothing
            }
            Some(Ok(file)) => {
                let known = told.known.entry(name.to_owned()).or_insert_with(|| {
                    let Recovered { value, mut cut, mut sink } = read_blueprint(file);
                    let defaults = Defaults::of(None);
                    model::read(value.clone(), told.kinds, &[], &defaults, &mut cut, &mut sink);
                    let broken = sink.findings.has_errors();
                    told.findings.extend(sink.findings);
                    // What is wrong with it has been said, in its own file.
                    if broken { nothing } else { value }
                });
                known.clone().at(place)
            }
        }
    }
}

/// Blueprints that were looked at, and what was found in them.
struct Told<'a, 'i> {
    kinds: Kinds<'a>,
    known: BTreeMap<String, Given<'i>>,
    findings: Diagnostics,
}
