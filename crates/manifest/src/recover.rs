//! Error recovery: every error of a file in one reading.
//!
//! Serde stops at the first error, and a second, hand-written validation would be a second truth
//! about the format. So the typed structs stay the only one: deserialise, and on an error record it,
//! cut the smallest node that it points at out of the tree, and deserialise again, until it
//! succeeds. What was cut is remembered, so that nothing is said later about what is missing only
//! because it was cut.

use std::{collections::BTreeSet, ops::Range, sync::Arc};

use serde::de::DeserializeOwned;
use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue, Deserializer, ValueDeserializer},
};

use crate::{
    At, SourceFile, TomlTable,
    kind::{Given, ModelChoice, given},
    raw::{RawExpert, RawFile, RawMixture},
    sink::Sink,
    wording::reword,
};

/// Paths of what was cut out because it was wrong.
#[derive(Debug, Default)]
pub(crate) struct Cut(BTreeSet<Vec<String>>);

impl Cut {
    /// Was this, or something inside it, cut?
    pub(crate) fn touches(&self, path: &[&str]) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let from: Vec<String> = path.iter().map(|&key| key.to_owned()).collect();
        self.0.range(from.clone()..).next().is_some_and(|found| found.starts_with(&from))
    }

    /// Was exactly this cut?
    pub(crate) fn has(&self, path: &[&str]) -> bool {
        !self.0.is_empty()
            && self.0.contains(&path.iter().map(|&key| key.to_owned()).collect::<Vec<_>>())
    }

    /// Was nothing cut?
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names directly below a path: nodes that exist although nothing is known about them.
    pub(crate) fn names<'a>(&'a self, table: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |path| path.len() == 2 && path[0] == table).map(|path| &*path[1])
    }
}

/// A file read as far as it can be.
pub(crate) struct Recovered<T> {
    pub(crate) value: T,
    pub(crate) cut: Cut,
    pub(crate) sink: Sink,
}

/// Reads a pipeline file.
pub(crate) fn read_pipeline(source: &Arc<SourceFile>) -> Recovered<RawFile<'_>> {
    let (mut reader, mut root) = Reader::parse(source);
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

/// Errors of one node that are reported in one reading: each costs another look at the node.
const MOST_SLIPS: usize = 100;

struct Reader {
    cut: Cut,
    sink: Sink,
}

impl Reader {
    fn parse(source: &Arc<SourceFile>) -> (Self, DeTable<'_>) {
        let (root, errors) = DeTable::parse_recoverable(&source.text);
        let mut sink = Sink::new(source);
        let end = source.text.len();
        let mut merged_until = 0;
        let mut told = 0;
        for error in errors {
            told += usize::from(error.message() != "duplicate key");
            if told > MOST_ERRORS {
                break;
            }
            let span = error.span().unwrap_or(end..end);
            let before = source.text.get(..span.start).unwrap_or_default();
            if error.message() == "duplicate key" {
                if span.start < merged_until {
                    continue; // a key of a table that was given twice
                }
                let line = before.rsplit('\n').next().unwrap_or_default();
                if line.trim_start().starts_with('[') {
                    let body = source.text.get(span.end..).unwrap_or_default();
                    merged_until = body.find("\n[").map_or(end, |at| span.end + at);
                }
                let key = source.text.get(span.clone()).unwrap_or_default();
                let message = format!("`{key}` is given twice");
                sink.syntax(sink.error(span, message).label("given a second time"), true);
            } else {
                let word = source.text.get(span.clone()).unwrap_or_default();
                // What is looked back over is then what stands before this word alone.
                let bare = word.starts_with(char::is_alphabetic)
                    && before.trim_end().ends_with(['=', '[', ',']);
                let message = format!("this is not TOML: {}", error.message());
                let help = bare.then(|| format!("texts are written in quotes: `\"{word}\"`"));
                sink.syntax(sink.error(span, message).maybe_help(help), false);
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
        let whole_text = 0..self.sink.source.text.len();
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

/// The node as a `T`, after cutting what is wrong in it; `None` if that is the node itself.
pub(crate) fn recover<T: DeserializeOwned>(
    mut node: Spanned<DeValue<'_>>,
    path: &[&str],
    cut: &mut Cut,
    sink: &mut Sink,
) -> Option<T> {
    for _ in 0..MOST_SLIPS {
        let error = match T::deserialize(ValueDeserializer::from(node.clone())) {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        if !cut_out(node.get_mut(), &error, path, cut, sink) {
            return None;
        }
    }
    // What else is wrong with it is found when these are mended.
    cut.0.insert(path.iter().map(|&key| key.to_owned()).collect());
    None
}

/// Reports an error and cuts the node that it points at; false when that is the root.
fn cut_out(
    root: &mut DeValue<'_>,
    error: &toml::de::Error,
    base: &[&str],
    cut: &mut Cut,
    sink: &mut Sink,
) -> bool {
    let steps = error.span().map(|span| (locate(root, &span), span));
    let mut path: Vec<String> = base.iter().map(|&key| key.to_owned()).collect();
    path.extend(steps.iter().flat_map(|(steps, _)| steps).map(|step| match step {
        Step::Key(key) => key.clone(),
        Step::Entry(index) => format!("#{index}"),
    }));
    let worded = reword(error.message(), &path);
    let (steps, span) = steps.unwrap_or((Vec::new(), 0..0));
    let finding = sink.error(span, worded.message).label(worded.label);
    sink.local(finding.maybe_help(worded.help));
    if let Some(meant) = worded.meant {
        let mut known = path.clone();
        known.pop();
        known.push(meant);
        cut.0.insert(known);
    }
    cut.0.insert(path);
    remove(root, &steps)
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Entry(usize),
}

/// The way to the smallest node whose key or value contains a span; of equal ones the deepest.
/// Children are looked at whatever their parent's span: a table's span is only its header.
fn locate(root: &DeValue<'_>, span: &Range<usize>) -> Vec<Step> {
    fn visit(
        value: &DeValue<'_>,
        span: &Range<usize>,
        here: &mut Vec<Step>,
        best: &mut (usize, Vec<Step>),
    ) {
        let mut child = |step, key: Option<Range<usize>>, value: &Spanned<DeValue<'_>>| {
            here.push(step);
            for place in key.into_iter().chain([value.span()]) {
                if place.start <= span.start && span.end <= place.end && place.len() <= best.0 {
                    *best = (place.len(), here.clone());
                }
            }
            visit(value.get_ref(), span, here, best);
            here.pop();
        };
        match value {
            DeValue::Table(table) => {
                for (key, value) in table {
                    child(Step::Key(key.get_ref().to_string()), Some(key.span()), value);
                }
            }
            DeValue::Array(entries) => {
                for (index, value) in entries.iter().enumerate() {
                    child(Step::Entry(index), None, value);
                }
            }
            _ => {}
        }
    }
    let mut best = (usize::MAX, Vec::new());
    visit(root, span, &mut Vec::new(), &mut best);
    best.1
}

/// Removes the node at the end of the way; false when there is none.
fn remove(root: &mut DeValue<'_>, steps: &[Step]) -> bool {
    let Some((last, way)) = steps.split_last() else {
        return false;
    };
    let mut node = root;
    for step in way {
        let next = match (step, node) {
            (Step::Key(key), DeValue::Table(table)) => table.get_mut(key.as_str()),
            (Step::Entry(index), DeValue::Array(entries)) => entries.get_mut(*index),
            _ => None,
        };
        let Some(next) = next else { return false };
        node = next.get_mut();
    }
    match (last, node) {
        (Step::Key(key), DeValue::Table(table)) => table.remove(key.as_str()).is_some(),
        (Step::Entry(index), DeValue::Array(entries)) if *index < entries.len() => {
            // A `DeArray` cannot lose an entry in place: build it anew without it.
            let kept = std::mem::replace(entries, DeArray::new()).into_iter().enumerate();
            for (at, entry) in kept {
                if at != *index {
                    entries.push(entry);
                }
            }
            true
        }
        _ => false,
    }
}
