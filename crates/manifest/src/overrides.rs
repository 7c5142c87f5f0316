//! Values of the command line (`--set KEY=VALUE`) over those of a file.
//!
//! They go into the parsed tree, before any key is known by name, so there is nothing here to say which keys there
//! are: what a wrong one is told is what the file would be told. A new key stands behind those of the file; one that
//! the file has keeps its place, and only its value is another.

use std::{borrow::Cow, ops::Range, sync::Arc};

use collegium_records::Code;
use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue},
};

use crate::{Diagnostic, SourceFile, sink::Sink, suggest::did_you_mean};

/// Sections of nodes that have names: `[expert.NAME]`.
const NAMED: [&str; 4] = ["data", "expert", "gate", "mixture"];

/// One `KEY=VALUE`, with places of the source.
struct Override<'i> {
    /// `expert`, `a`, `train`, `epochs`; never empty.
    keys: Vec<Spanned<String>>,
    value: Spanned<DeValue<'i>>,
}

/// Puts everything that was set over a source into its tree, in the order in which it was given.
pub(crate) fn apply<'i>(source: &'i Arc<SourceFile>, root: &mut DeTable<'i>, sink: &mut Sink) {
    for (start, text) in source.placed_overrides() {
        match parse(text) {
            Ok(one) => {
                let one = one.moved(start);
                if let Err(found) = one.put(source, root) {
                    sink.global(*found);
                }
            }
            Err(Fault { code, place, message, label, help }) => {
                let place = place.start + start..place.end + start;
                sink.local(sink.error(code, place, message).label(label).help(help));
            }
        }
    }
}

/// What is wrong with the form of an override; `place` counts from its first byte.
struct Fault {
    code: Code,
    place: Range<usize>,
    message: String,
    label: &'static str,
    help: String,
}

/// Takes `KEY=VALUE` apart; places count from its first byte.
fn parse(text: &str) -> Result<Override<'_>, Fault> {
    let Some(equals) = equals(text) else {
        return Err(Fault {
            code: Code::BadArguments,
            place: text.len()..text.len(),
            message: "`--set` wants a key and a value".to_owned(),
            label: "expected `=` and a value",
            help: "as in `--set expert.arrival.train.epochs=3`".to_owned(),
        });
    };
    Ok(Override { keys: keys(&text[..equals])?, value: value(text, equals + 1)? })
}

/// The byte of the first `=` that is in no quotes.
fn equals(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '=') => return Some(at),
            (None, '"' | '\'') => quote = Some(c),
            (Some('"'), '\\') if !escaped => {
                escaped = true;
                continue;
            }
            (Some(open), _) if open == c && !escaped => quote = None,
            _ => {}
        }
        escaped = false;
    }
    None
}

/// The parts of a dotted key, by the rules of TOML.
fn keys(text: &str) -> Result<Vec<Spanned<String>>, Fault> {
    let fault = |place, message: String| {
        Fault {
        code: Code::NotToml,
        place,
        message,
        label: "expected a dotted key",
        help: "as in `expert.arrival.train.epochs`; a part with other signs than letters, digits, `_` and `-` \
               stands in quotes"
            .to_owned(),
    }
    };
    if text.trim().is_empty() {
        return Err(fault(0..text.len(), "there is no key before `=`".to_owned()));
    }
    let document = format!("{text}=0");
    let line = text.trim_start();
    let mut table = match DeTable::parse(&document) {
        // A comment or a header is TOML too, and no key.
        _ if text.contains('\n') || line.starts_with(['#', '[']) => {
            return Err(fault(0..text.len(), "this is not a key".to_owned()));
        }
        Ok(table) => table.into_inner(),
        Err(error) => {
            let place = error.span().unwrap_or(0..text.len());
            let place = place.start.min(text.len())..place.end.min(text.len());
            return Err(fault(place, format!("this is not a key: {}", error.message())));
        }
    };
    let mut keys = Vec::new();
    while let Some((key, value)) = std::mem::take(&mut table).into_iter().next() {
        keys.push(Spanned::new(key.span(), key.into_inner().into_owned()));
        if let DeValue::Table(inner) = value.into_inner() {
            table = inner;
        }
    }
    Ok(keys)
}

/// The value that begins at a byte: TOML, or a text without its quotes.
fn value(text: &str, from: usize) -> Result<Spanned<DeValue<'_>>, Fault> {
    let given = text[from..].trim();
    let start = from + (text[from..].len() - text[from..].trim_start().len());
    let place = start..start + given.len();
    if given.is_empty() {
        return Err(Fault {
            code: Code::EmptyValue,
            place: from..text.len(),
            message: "there is no value behind `=`".to_owned(),
            label: "expected a value",
            help: "an empty text is `\"\"`; to take the file's own value, leave `--set` away"
                .to_owned(),
        });
    }
    let error = match DeValue::parse(given) {
        Ok(value) => return Ok(moved(value, start)),
        Err(error) => error,
    };
    if given.starts_with(['"', '\'', '[', '{']) {
        let at = error.span().unwrap_or(0..given.len());
        return Err(Fault {
            code: Code::NotToml,
            place: start + at.start..start + at.end,
            message: format!("this is not TOML: {}", error.message()),
            label: "",
            help: "in lists and tables texts are in quotes, as in `--set \
                   'expert.arrival.inputs=[\"flights.hour\"]'`"
                .to_owned(),
        });
    }
    let sign = given.len() - given.trim_start_matches(['+', '-']).len();
    if given[sign..].starts_with('.') && given[sign..].parse::<f64>().is_ok() {
        return Err(Fault {
            code: Code::NotToml,
            place,
            message: "this is not TOML: a number begins with a digit".to_owned(),
            label: "",
            help: format!("write `{}0{}`", &given[..sign], &given[sign..]),
        });
    }
    Ok(Spanned::new(place, DeValue::String(Cow::Borrowed(given))))
}

impl<'i> Override<'i> {
    /// The same in a text that begins at a byte of the source.
    fn moved(self, by: usize) -> Self {
        let key = |key: Spanned<String>| {
            Spanned::new(key.span().start + by..key.span().end + by, key.into_inner())
        };
        Self { keys: self.keys.into_iter().map(key).collect(), value: moved(self.value, by) }
    }

    /// The first so many parts of the key, as they are written.
    fn path(&self, parts: usize) -> String {
        let parts: Vec<&str> =
            self.keys[..parts].iter().map(|key| key.get_ref().as_str()).collect();
        parts.join(".")
    }

    /// Puts the value into the tree.
    fn put(self, source: &Arc<SourceFile>, root: &mut DeTable<'i>) -> Result<(), Box<Diagnostic>> {
        self.names_a_key(source, root)?;
        let mut table = root;
        for at in 0..self.keys.len() - 1 {
            let key = &self.keys[at];
            let name = key.get_ref().as_str();
            if !table.contains_key(name) {
                let key = Spanned::new(key.span(), Cow::Owned(name.to_owned()));
                let place = key.span();
                table.insert(key, Spanned::new(place, DeValue::Table(DeTable::new())));
            }
            let Some(value) = table.get_mut(name) else { return Ok(()) };
            let found = value.span();
            match value.get_mut() {
                DeValue::Table(inner) => table = inner,
                other => return Err(Box::new(self.in_the_way(source, at, found, other))),
            }
        }
        let Some(last) = self.keys.last() else { return Ok(()) };
        match table.get_mut(last.get_ref().as_str()) {
            Some(value) => *value = self.value,
            None => {
                let key = Spanned::new(last.span(), Cow::Owned(last.get_ref().clone()));
                table.insert(key, self.value);
            }
        }
        Ok(())
    }

    /// Of what has names, one that is there must be named, and a key of it: nothing is made in silence.
    fn names_a_key(
        &self,
        source: &Arc<SourceFile>,
        root: &DeTable<'i>,
    ) -> Result<(), Box<Diagnostic>> {
        let section = self.keys[0].get_ref().as_str();
        if !NAMED.contains(&section) {
            return Ok(());
        }
        let names = |section: &str| -> Vec<String> {
            match root.get(section).map(Spanned::get_ref) {
                Some(DeValue::Table(nodes)) => {
                    nodes.keys().map(|key| key.get_ref().to_string()).collect()
                }
                _ => Vec::new(),
            }
        };
        let known = names(section);
        let Some(name) = self.keys.get(1) else {
            return Err(Box::new(self.no_key(source)));
        };
        if known.contains(name.get_ref()) {
            return match self.keys.len() {
                2 => Err(Box::new(self.no_key(source))),
                _ => Ok(()),
            };
        }
        let what = if section == "data" { "data source" } else { section };
        let elsewhere = NAMED.iter().find(|other| names(other).contains(name.get_ref()));
        let help = match elsewhere {
            Some(other) => Some(format!("did you mean `{other}.{}`?", name.get_ref())),
            None => {
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                did_you_mean(name.get_ref(), &known, "there are")
            }
        };
        let message = format!("there is no {what} `{}`", name.get_ref());
        let found = Diagnostic::error(Code::NoSuchNode, source, name.span(), message);
        Err(Box::new(found.label(format!("unknown {what}")).maybe_help(help)))
    }

    /// The key of a whole node.
    fn no_key(&self, source: &Arc<SourceFile>) -> Diagnostic {
        let path = self.path(self.keys.len());
        let place = self.keys[0].span().start..self.keys[self.keys.len() - 1].span().end;
        let message = format!("`{path}` is not a value: `--set` takes one key of it");
        let example = match (self.keys[0].get_ref().as_str(), self.keys.len()) {
            ("data", 1) => "data.NAME.split.train=0.6".to_owned(),
            ("data", _) => format!("{path}.split.train=0.6"),
            (_, 1) => format!("{path}.NAME.seed=3"),
            _ => format!("{path}.seed=3"),
        };
        Diagnostic::error(Code::BadArguments, source, place, message)
            .label("expected a key of it")
            .help(format!("as in `--set {example}`"))
    }

    /// A part of the key has a value, and no keys.
    fn in_the_way(
        &self,
        source: &Arc<SourceFile>,
        at: usize,
        found: Range<usize>,
        value: &DeValue<'_>,
    ) -> Diagnostic {
        let path = self.path(at + 1);
        let what = match value {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "`true` or `false`",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        let message = format!("`{path}` is {what}, and has no keys");
        Diagnostic::error(Code::ValueOfAnotherType, source, self.keys[at].span(), message)
            .label("not a table")
            .also(found, "it is set here")
            .help(format!("set it whole, as in `--set '{path}={{ … }}'`"))
    }
}

/// The same value at a place so many bytes further on.
fn moved(value: Spanned<DeValue<'_>>, by: usize) -> Spanned<DeValue<'_>> {
    let further = |span: Range<usize>| span.start + by..span.end + by;
    let place = further(value.span());
    let value = match value.into_inner() {
        DeValue::Array(entries) => {
            let mut all = DeArray::new();
            entries.into_iter().for_each(|entry| all.push(moved(entry, by)));
            DeValue::Array(all)
        }
        DeValue::Table(entries) => DeValue::Table(
            entries
                .into_iter()
                .map(|(key, value)| {
                    (Spanned::new(further(key.span()), key.into_inner()), moved(value, by))
                })
                .collect(),
        ),
        plain => plain,
    };
    Spanned::new(place, value)
}
