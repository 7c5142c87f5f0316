//! Error recovery: every error of a file in one reading.
//!
//! Serde stops at the first error, and a second, hand-written validation would be a second truth
//! about the format. So the typed structs stay the only one: deserialise, and on an error record it,
//! cut the smallest node that it points at out of the tree, and deserialise again, until it
//! succeeds. What was cut is remembered, so that nothing is said later about what is missing only
//! because it was cut.

use std::{collections::BTreeSet, ops::Range};

use serde::de::DeserializeOwned;
use toml::{
    Spanned,
    de::{DeArray, DeValue, ValueDeserializer},
};

use crate::{sink::Sink, wording::reword};

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

/// Errors of one node that are reported in one reading: each costs another look at the node.
pub(crate) const MOST_SLIPS: usize = 100;

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
pub(crate) fn cut_out(
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
    let finding = sink.error(worded.code, span, worded.message).label(worded.label);
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
