//! Resolution of held models (`frozen`, `pin`, `source` and `expert`): an expert that uses another model than the
//! one that its recipe gives.

use std::{
    ops::Range,
    path::{Component, Path, PathBuf},
};

use collegium_records::Code;
use toml::Spanned;

use super::{merged::Merged, names::is_name};
use crate::bounds::not_empty;
use crate::{At, StandsOn, defaults::PIN_DIGITS, raw::RawExpert, recover::Cut, sink::Sink};

/// Which model an expert uses (its recipe's, or a held one); of several the first, after an error that shows all.
pub(crate) fn resolve(expert: &Merged<'_>, cut: &Cut, sink: &mut Sink) -> StandsOn {
    let raw = &expert.raw;
    one_of(expert, sink);
    if let Some(other) = &raw.expert
        && raw.source.is_none()
        && !cut.touches(&["expert", expert.name.get(), "source"])
    {
        sink.global(
            sink.error(
                Code::KeyNeedsAnother,
                other.span(),
                format!("`{}` has `expert` and no `source`", expert.name.get()),
            )
            .label("an expert of which pipeline?")
            .help("add `source = \"other.toml\"`, the file of the pipeline that has it"),
        );
    }
    if let Some(frozen) = raw.frozen.as_ref().filter(|frozen| *frozen.get()) {
        return StandsOn::Frozen(frozen.0.clone());
    }
    if let Some(pin) = &raw.pin {
        return StandsOn::Pin(pin.0.clone());
    }
    let Some(pipeline) = &raw.source else { return StandsOn::Recipe };
    let other = match &raw.expert {
        Some(other) => Spanned::new(other.span(), bare(other.get()).to_owned()),
        // Should the other pipeline not have it, `source` is the place to say so.
        None => Spanned::new(pipeline.span(), expert.name.get().clone()),
    };
    StandsOn::Source { pipeline: pipeline.0.clone(), expert: other }
}

/// Two models for one expert: nobody knows which is meant.
fn one_of(expert: &Merged<'_>, sink: &mut Sink) {
    let given = given(&expert.raw);
    let [(first, place), others @ ..] = &given[..] else { return };
    if others.is_empty() {
        return;
    }
    let name = expert.name.get();
    let all: Vec<String> = given.iter().map(|(key, _)| format!("`{key}`")).collect();
    let message = format!("`{name}` cannot have {} at once", all.join(" and "));
    let what = |key: &str| match key {
        "frozen" => "the model that the lock has",
        "pin" => "the model of this digest",
        _ => "the model of another pipeline",
    };
    let mut finding = sink.error(Code::ConflictingKeys, place.clone(), message).label(what(first));
    for (key, place) in others {
        finding = finding.also(place.clone(), what(key));
    }
    sink.local(finding.help("an expert stands on one model: keep one of them"));
}

/// Those of `frozen`, `pin` and `source` that say something, with their places.
pub(crate) fn given(raw: &RawExpert<'_>) -> Vec<(&'static str, Range<usize>)> {
    let frozen = raw.frozen.as_ref().filter(|frozen| *frozen.get());
    let mut given: Vec<(&str, Range<usize>)> = Vec::new();
    given.extend(frozen.map(|value| ("frozen", value.span())));
    given.extend(raw.pin.as_ref().map(|value| ("pin", value.span())));
    given.extend(raw.source.as_ref().map(|value| ("source", value.span())));
    given
}

/// Checks each of the keys by itself.
pub(crate) fn check(raw: &RawExpert<'_>, sink: &mut Sink) {
    if let Some(pin) = &raw.pin {
        check_pin(pin, sink);
    }
    if let Some(source) = &raw.source
        && not_empty(sink, "source", source)
    {
        check_source(source, sink);
    }
    if let Some(other) = &raw.expert
        && !is_name(bare(other.get()))
    {
        let message = format!("`{}` cannot be the name of an expert", other.get());
        sink.local(
            sink.error(Code::BadName, other.span(), message)
                .label("names are made of letters, digits, `_` and `-`"),
        );
    }
}

fn check_pin(pin: &At<String>, sink: &mut Sink) {
    const WHERE: &str = "a pin is the beginning of a model's digest, for example `pin = \
                         \"9f3ac1\"`; the lock has it as an expert's `realisation`";
    let text = pin.get().as_str();
    let digit = |c: char| c.is_ascii_hexdigit();
    let finding = if let Some((at, odd)) = text.char_indices().find(|(_, c)| !digit(*c)) {
        let place = sink.source.within(&pin.span(), text, at..at + odd.len_utf8());
        sink.error(
            Code::ValueOfAnotherType,
            place,
            format!("`{text}` is not the beginning of a digest"),
        )
        .label("expected digits from `0` to `9` and from `a` to `f`")
        .help(WHERE)
    } else if !PIN_DIGITS.contains(&text.len()) {
        let wanted =
            format!("must have from {} to {} digits", PIN_DIGITS.start(), PIN_DIGITS.end());
        sink.error(Code::ValueOutOfRange, pin.span(), format!("`pin` {wanted}, not {}", text.len()))
            .label(wanted)
            .help(WHERE)
    } else if text.contains(|c: char| c.is_ascii_uppercase()) {
        sink.error(Code::ValueOfAnotherType, pin.span(), "digests are written in lower case")
            .label("has letters in upper case")
            .help(format!("did you mean `{}`?", text.to_lowercase()))
    } else {
        return;
    };
    sink.local(finding);
}

/// A pipeline cannot take a model from itself.
fn check_source(source: &At<String>, sink: &mut Sink) {
    let folder = sink.source.path.parent().unwrap_or(Path::new(""));
    if plain(&folder.join(source.get())) != plain(&sink.source.path) {
        return;
    }
    sink.local(
        sink.error(Code::Cycle, source.span(), format!("`{}` is this file", source.get()))
            .label("expected another pipeline's file")
            .help(
                "`frozen = true` keeps the model that this pipeline has; to read an expert of this \
                 file, name its output in `inputs`",
            ),
    );
}

/// An absolute path without `.` and `..`, by its spelling alone.
fn plain(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut plain = PathBuf::new();
    for component in absolute.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

/// The name of an expert without the prefix that it has elsewhere.
fn bare(name: &str) -> &str {
    name.strip_prefix("expert.").unwrap_or(name)
}
