//! Which nodes there are.

use std::collections::BTreeMap;

use crate::{
    At, Table,
    raw::{RawData, RawExpert},
    recover::Cut,
    sink::Sink,
    suggest::did_you_mean,
};

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Node {
    Data,
    Expert,
    /// It exists, or may exist, but it is too broken to say more about it.
    Broken,
    Unknown,
}

/// The names of all nodes.
pub(crate) struct Names {
    nodes: BTreeMap<String, Node>,
    /// A whole section was cut: any name may be one of its.
    blind: bool,
}

impl Names {
    pub(crate) fn new(data: &Table<RawData>, experts: &Table<RawExpert>, cut: &Cut) -> Self {
        let mut nodes = BTreeMap::new();
        for section in ["data", "expert", "gate", "mixture"] {
            nodes.extend(cut.names(section).map(|name| (name.to_owned(), Node::Broken)));
        }
        nodes.extend(data.0.iter().map(|(name, _)| (name.get().clone(), Node::Data)));
        for (name, _) in &experts.0 {
            // Of a name that two nodes share, nobody knows which is meant.
            let taken = nodes.get(name.get()) == Some(&Node::Data);
            let node = if taken { Node::Broken } else { Node::Expert };
            nodes.insert(name.get().clone(), node);
        }
        Self { nodes, blind: cut.has(&["data"]) || cut.has(&["expert"]) }
    }

    /// What does this name stand for?
    pub(crate) fn of(&self, name: &str) -> Node {
        match self.nodes.get(name) {
            Some(node) => *node,
            None if self.blind => Node::Broken,
            None => Node::Unknown,
        }
    }

    /// The names of a kind of nodes, broken ones among them.
    pub(crate) fn all(&self, kind: Node) -> Vec<&str> {
        let wanted = |node: Node| node == kind || node == Node::Broken;
        self.nodes.iter().filter(|(_, node)| wanted(**node)).map(|(name, _)| &**name).collect()
    }

    /// Every name.
    pub(crate) fn every(&self) -> Vec<&str> {
        self.nodes.keys().map(String::as_str).collect()
    }

    /// Names must be ones that references can spell, and each can stand for one node only.
    pub(crate) fn check(&self, data: &Table<RawData>, experts: &Table<RawExpert>, sink: &mut Sink) {
        for (name, _) in &data.0 {
            check_name(name, "a data source", sink);
        }
        for (name, _) in &experts.0 {
            check_name(name, "an expert", sink);
            if let Some((other, _)) = data.0.iter().find(|(other, _)| other.get() == name.get()) {
                let message = format!("`{0}` is both a data source and an expert", name.get());
                sink.local(
                    sink.error(name.span(), message)
                        .label("the name is taken")
                        .also(other.span(), "by this data source")
                        .help("references could not tell them apart: rename one of them"),
                );
            }
        }
    }
}

/// Letters, digits, `_` and `-`: what needs no quotes in TOML, in references or in file names.
pub(crate) fn check_name(name: &At<String>, what: &str, sink: &mut Sink) {
    if !is_name(name.get()) {
        sink.local(
            sink.error(name.span(), format!("`{}` cannot be the name of {what}", name.get()))
                .label("names are made of letters, digits, `_` and `-`"),
        );
    }
}

pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// Help for a name that no node has.
pub(crate) fn unknown_help(wrong: &str, known: &[&str]) -> Option<String> {
    did_you_mean(wrong, known, "there are")
}
