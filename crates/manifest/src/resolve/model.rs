//! Resolution of `model`: which kind it is, and what that kind reads.

use collegium_records::Code;
use std::ops::Range;

use toml::de::DeValue;

use crate::{
    Params,
    kind::{Given, Keys, Kinds},
    recover::Cut,
    sink::Sink,
    suggest::{list, suggest},
};

/// Reads a model's table, which stands at `path`, by its kind; of an unknown kind by the one that was probably
/// meant, else by the first, so that what else is wrong is told too.
pub(crate) fn read<'i>(
    mut given: Given<'i>,
    kinds: Kinds<'_>,
    path: &[&str],
    cut: &mut Cut,
    sink: &mut Sink,
) -> Box<dyn Params> {
    let said = given.take_kind();
    let named = |name: &str| kinds.iter().find(|kind| kind.name() == name).copied();
    let kind = match &said {
        None => None,
        Some(said) => match said.get_ref() {
            DeValue::String(name) => {
                named(name).or_else(|| unknown(name, said.span(), kinds, sink).and_then(named))
            }
            _ => {
                let finding =
                    sink.error(Code::ValueOfAnotherType, said.span(), "`type` must be a text");
                sink.local(finding.label("expected a text"));
                None
            }
        },
    };
    let kind = kind.unwrap_or(kinds[0]);
    kind.read(Keys { table: given.table, path, cut, sink })
}

/// Tells that there is no such kind; returns the one that was probably meant.
fn unknown<'k>(
    name: &str,
    place: Range<usize>,
    kinds: Kinds<'k>,
    sink: &mut Sink,
) -> Option<&'k str> {
    let known: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    let meant = suggest(name, known.iter().copied());
    let help = match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("choose one of {}", list(&known)),
    };
    let finding = sink.error(Code::UnknownChoice, place, format!("`type` cannot be `{name}`"));
    sink.local(finding.label("unknown choice").help(help));
    known.into_iter().find(|known| Some(*known) == meant)
}
