//! Parser with error recovery: reads a whole file as far as it can be read, node by node.

use std::sync::Arc;

use collegium_records::Code;
use serde::de::DeserializeOwned;
use toml::{
    Spanned,
    de::{DeTable, DeValue, Deserializer},
};

use crate::{
    At, SourceFile, TomlTable,
    kind::{Given, ModelChoice, given},
    overrides,
    raw::{RawExpert, RawFile, RawMixture},
    recover::{Cut, MOST_SLIPS, cut_out, recover},
    sink::Sink,
};

/// A file read as far as it can be.
pub(crate) struct Recovered<T> {
    pub(crate) value: T,
    pub(crate) cut: Cut,
    pub(crate) sink: Sink,
}

/// Reads a pipeline file.
pub(crate) fn read_pipeline(source: &Arc<SourceFile>) -> Recovered<RawFile<'_>> {
    let (mut reader, mut root) = Reader::parse(source);
    overrides::apply(source, &mut root, &mut reader.sink);
    // Nodes one by one: a retry then costs one of them, not the whole file.
    let expert = reader.entries(&mut root, "expert", |expert: &mut Box<RawExpert<'_>>, model| {
        expert.model = Some(model);
    });
    let gate = reader.entries(&mut root, "gate", |_, _| {});
    let mixture = reader.entries(&mut root, "mixture", |mixture: &mut RawMixture<'_>, model| {
        mixture.model = Some(model);
    });
    let data = reader.entries(&mut root, "data", |_, _| {});
    let mut file: RawFile<'_> = reader.root(root);
    (file.expert, file.gate, file.mixture, file.data) = (expert, gate, mixture, data);
    Recovered { value: file, cut: reader.cut, sink: reader.sink }
}

/// Reads a blueprint: a model's table, alone in a file. Its kind will read the keys.
pub(crate) fn read_blueprint(source: &Arc<SourceFile>) -> Recovered<Given<'_>> {
    let (reader, table) = Reader::parse(source);
    let value = Given { table, whole: true };
    Recovered { value, cut: reader.cut, sink: reader.sink }
}

/// Errors of TOML's own form that are reported in one reading: a megabyte of noise has a million.
const MOST_ERRORS: usize = 1000;

struct Reader {
    cut: Cut,
    sink: Sink,
}

impl Reader {
    fn parse(source: &Arc<SourceFile>) -> (Self, DeTable<'_>) {
        let text = source.own_text();
        let (root, errors) = DeTable::parse_recoverable(text);
        let mut sink = Sink::new(source);
        let end = text.len();
        let mut merged_until = 0;
        let mut told = 0;
        for error in errors {
            told += usize::from(error.message() != "duplicate key");
            if told > MOST_ERRORS {
                break;
            }
            let span = error.span().unwrap_or(end..end);
            let before = text.get(..span.start).unwrap_or_default();
            if error.message() == "duplicate key" {
                if span.start < merged_until {
                    continue; // a key of a table that was given twice
                }
                let line = before.rsplit('\n').next().unwrap_or_default();
                if line.trim_start().starts_with('[') {
                    let body = text.get(span.end..).unwrap_or_default();
                    merged_until = body.find("\n[").map_or(end, |at| span.end + at);
                }
                let key = text.get(span.clone()).unwrap_or_default();
                let message = format!("`{key}` is given twice");
                sink.syntax(
                    sink.error(Code::GivenTwice, span, message).label("given a second time"),
                    true,
                );
            } else {
                let word = text.get(span.clone()).unwrap_or_default();
                // What is looked back over is then what stands before this word alone.
                let bare = word.starts_with(char::is_alphabetic)
                    && before.trim_end().ends_with(['=', '[', ',']);
                let message = format!("this is not TOML: {}", error.message());
                let help = bare.then(|| format!("texts are written in quotes: `\"{word}\"`"));
                sink.syntax(sink.error(Code::NotToml, span, message).maybe_help(help), false);
            }
        }
        (Self { cut: Cut::default(), sink }, root.into_inner())
    }

    /// The entries of `[kind.NAME]`, in the order of the file.
    fn entries<'i, T: DeserializeOwned>(
        &mut self,
        root: &mut DeTable<'i>,
        kind: &str,
        set_model: impl Fn(&mut T, At<ModelChoice<'i>>),
    ) -> TomlTable<T> {
        let mut entries = Vec::new();
        if !matches!(root.get(kind).map(Spanned::get_ref), Some(DeValue::Table(_))) {
            return TomlTable(entries); // absent, or an error that the root will report
        }
        let Some((_, nodes)) = root.remove_entry(kind) else {
            return TomlTable(entries);
        };
        let DeValue::Table(nodes) = nodes.into_inner() else {
            return TomlTable(entries);
        };
        for (name, mut node) in nodes {
            let (span, name) = (name.span(), name.into_inner().into_owned());
            let model = given(node.get_mut());
            let (cut, sink) = (&mut self.cut, &mut self.sink);
            if let Some(mut value) = recover(node, &[kind, &name], cut, sink) {
                if let Some(model) = model {
                    set_model(&mut value, model);
                }
                entries.push((At(Spanned::new(span, name)), value));
            }
        }
        entries.sort_by_cached_key(|(name, _): &(At<String>, T)| name.span().start);
        TomlTable(entries)
    }

    fn root<T: DeserializeOwned + Default>(&mut self, mut root: DeTable<'_>) -> T {
        let whole_text = 0..self.sink.source.own_text().len();
        for _ in 0..MOST_SLIPS {
            let tree = Spanned::new(whole_text.clone(), root.clone());
            let error = match T::deserialize(Deserializer::from(tree)) {
                Ok(value) => return value,
                Err(error) => error,
            };
            let mut value = DeValue::Table(std::mem::take(&mut root));
            if !cut_out(&mut value, &error, &[], &mut self.cut, &mut self.sink) {
                return T::default();
            }
            if let DeValue::Table(table) = value {
                root = table;
            }
        }
        T::default()
    }
}
