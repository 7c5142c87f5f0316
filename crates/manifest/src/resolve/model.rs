//! Resolution of `model`: which kind it is, and what that kind reads.

use std::ops::Range;

use collegium_records::Code;
use toml::de::DeValue;

use crate::{
    Params,
    kind::{Given, Keys, Kinds},
    preset::Defaults,
    recover::Cut,
    sink::Sink,
    suggest::{choose, suggest},
};

/// Reads a model's table, which stands at `path`, by its kind; of an unknown kind by the one that was probably
/// meant, else by the first, so that what else is wrong is told too.
pub(crate) fn read<'i>(
    mut given: Given<'i>,
    kinds: Kinds<'_>,
    path: &[&str],
    defaults: &Defaults,
    cut: &mut Cut,
    sink: &mut Sink,
) -> Box<dyn Params> {
    let said = given.take_kind();
    let named = |name: &str| kinds.iter().find(|kind| kind.name() == name).copied();
    let kind = match &said {
        None => None,
        Some(said) => match said.get_ref() {
            DeValue::String(name) => named(name).or_else(|| {
                unknown_type(name, said.span(), kinds.iter().map(|kind| kind.name()), sink)
                    .and_then(named)
            }),
            _ => {
                let finding =
                    sink.error(Code::ValueOfAnotherType, said.span(), "`type` must be a text");
                sink.local(finding.label("expected a text"));
                None
            }
        },
    };
    let kind = kind.unwrap_or(kinds[0]);
    kind.read(Keys { table: given.table, path, defaults, cut, sink })
}

/// Tells that `type` names nothing that there is; returns what was probably meant.
pub(crate) fn unknown_type<'k>(
    name: &str,
    place: Range<usize>,
    known: impl Iterator<Item = &'k str>,
    sink: &mut Sink,
) -> Option<&'k str> {
    let known: Vec<&str> = known.collect();
    let finding = sink.error(Code::UnknownChoice, place, format!("`type` cannot be `{name}`"));
    sink.local(finding.label("unknown choice").help(choose(name, &known)));
    let meant = suggest(name, known.iter().copied())?.to_owned();
    known.into_iter().find(|known| *known == meant)
}
