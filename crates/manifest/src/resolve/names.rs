//! Name table: all nodes of a file, and checks of their names.

use std::{borrow::Cow, collections::HashMap};

use collegium_records::Code;
use indexmap::IndexMap;
use toml::Spanned;

use crate::{At, raw::RawFile, recover::Cut, sink::Sink, suggest::did_you_mean};

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
    /// What each stands for, and what it is called: `an expert`, `a gate`.
    nodes: HashMap<String, (Node, &'static str)>,
    /// A whole section was cut: any name may be one of its.
    blind: bool,
}

/// The sections whose nodes learn, and what one of theirs is called.
const LEARNING: [(&str, &str); 3] =
    [("expert", EXPERT), ("gate", "a gate"), ("mixture", "a mixture")];

/// What a node is called that is no gate and no mixture.
const EXPERT: &str = "an expert";

/// Names in an order that does not depend on how they are kept.
pub(super) fn sorted<'a>(names: impl Iterator<Item = &'a String>) -> Vec<&'a str> {
    let mut names: Vec<&str> = names.map(String::as_str).collect();
    names.sort_unstable();
    names
}

/// The names of a file's nodes that learn, section by section.
fn learning<'a>(file: &'a RawFile<'_>) -> [Vec<&'a At<String>>; 3] {
    [
        file.expert.0.iter().map(|(name, _)| name).collect(),
        file.gate.0.iter().map(|(name, _)| name).collect(),
        file.mixture.0.iter().map(|(name, _)| name).collect(),
    ]
}

impl Names {
    pub(crate) fn new(file: &RawFile<'_>, cut: &Cut) -> Self {
        let mut nodes = HashMap::with_capacity(file.expert.0.len());
        for section in ["data", "expert", "gate", "mixture"] {
            let broken = (Node::Broken, EXPERT);
            nodes.extend(cut.names(section).map(|name| (name.to_owned(), broken)));
        }
        nodes
            .extend(file.data.0.iter().map(|(name, _)| (name.get().clone(), (Node::Data, EXPERT))));
        for (names, (_, kind)) in learning(file).into_iter().zip(LEARNING) {
            for name in names {
                // Of a name that two nodes share, nobody knows which is meant.
                nodes
                    .entry(name.get().clone())
                    .and_modify(|node| *node = (Node::Broken, kind))
                    .or_insert((Node::Expert, kind));
            }
        }
        let blind = ["data", "expert", "gate", "mixture"].iter().any(|section| cut.has(&[section]));
        Self { nodes, blind }
    }

    /// What a node that learns is called: `an expert`, `a gate`, `a mixture`.
    pub(crate) fn kind(&self, name: &str) -> &'static str {
        self.nodes.get(name).map_or(EXPERT, |(_, kind)| kind)
    }

    /// What does this name stand for?
    pub(crate) fn of(&self, name: &str) -> Node {
        match self.nodes.get(name) {
            Some((node, _)) => *node,
            None if self.blind => Node::Broken,
            None => Node::Unknown,
        }
    }

    /// The names of a kind of nodes, broken ones among them, sorted.
    pub(crate) fn all(&self, kind: Node) -> Vec<&str> {
        let wanted = |node: Node| node == kind || node == Node::Broken;
        sorted(self.nodes.iter().filter(|(_, (node, _))| wanted(*node)).map(|(name, _)| name))
    }

    /// Every name, sorted.
    pub(crate) fn every(&self) -> Vec<&str> {
        sorted(self.nodes.keys())
    }

    /// How many names.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }
}

/// Names must be ones that references can spell, and each can stand for one node only.
pub(crate) fn check(file: &RawFile<'_>, sink: &mut Sink) {
    type Known<'a> = HashMap<Cow<'a, str>, Vec<(&'a At<String>, &'a str)>>;
    // By their spelling in lower case, so that a name is compared with those alone that it could be taken for.
    let mut known = Known::with_capacity(file.data.0.len() + file.expert.0.len());
    for (name, _) in &file.data.0 {
        check_name(name, "a data source", sink);
        known.entry(lower(name.get())).or_default().push((name, "data source"));
    }
    for (names, (section, kind)) in learning(file).into_iter().zip(LEARNING) {
        for name in names {
            check_name(name, kind, sink);
            check_reserved(name, kind, sink);
            let alike = known.entry(lower(name.get())).or_insert_with(|| Vec::with_capacity(1));
            let twin = alike
                .iter()
                .find(|(other, what)| *what != "data source" && other.get() != name.get());
            if let Some((other, _)) = twin {
                let message =
                    format!("`{}` and `{}` differ in case alone", other.get(), name.get());
                sink.local(
                    sink.error(Code::NameTaken, name.span(), message)
                        .label("the same file name on many systems")
                        .also(other.span(), "as this one's")
                        .help("reports and model cards are named after their nodes: rename one of them"),
                );
            }
            if let Some((other, what)) = alike.iter().find(|(other, _)| other.get() == name.get()) {
                let article = if *what == "expert" { "an" } else { "a" };
                let message = format!("`{}` is both {article} {what} and {kind}", name.get());
                sink.local(
                    sink.error(Code::NameTaken, name.span(), message)
                        .label("the name is taken")
                        .also(other.span(), format!("by this {what}"))
                        .help("references could not tell them apart: rename one of them"),
                );
            }
            alike.push((name, section));
        }
    }
}

/// A text in lower case; most names are written so.
fn lower(text: &str) -> Cow<'_, str> {
    match text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => text.to_ascii_lowercase().into(),
        false => text.into(),
    }
}

/// Bytes of a name at most: files are named after it, with endings and with the names of others.
const LONGEST: usize = 100;

/// Letters, digits, `_` and `-`: what needs no quotes in TOML, in references or in file names; and no
/// longer than a file name may be.
pub(crate) fn check_name(name: &At<String>, what: &str, sink: &mut Sink) {
    let text = name.get();
    let label = if !is_name(text) {
        "names are made of letters, digits, `_` and `-`".to_owned()
    } else if text.len() > LONGEST {
        format!(
            "{} characters; a name has at most {LONGEST}, since files are named after it",
            text.len()
        )
    } else {
        return;
    };
    let shown: String = text.chars().take(LONGEST).collect();
    let more = if shown.len() < text.len() { "…" } else { "" };
    sink.local(
        sink.error(
            Code::BadName,
            name.span(),
            format!("`{shown}{more}` cannot be the name of {what}"),
        )
        .label(label),
    );
}

/// Names that a file must not have on Windows, whatever its ending, or that are options on a command
/// line.
pub(crate) fn check_reserved(name: &At<String>, what: &str, sink: &mut Sink) {
    if name.get().starts_with('-') && is_name(name.get()) {
        sink.local(
            sink.error(Code::BadName, name.span(), format!("`{}` cannot be the name of {what}", name.get())).label(
                "names begin with a letter, a digit or `_`: this would be an option on a command line",
            ),
        );
    }
    let lower = lower(name.get());
    let numbered = |stem: &str| {
        let rest = lower.strip_prefix(stem);
        rest.is_some_and(|rest| matches!(rest.as_bytes(), [b'1'..=b'9']))
    };
    if matches!(&*lower, "con" | "prn" | "aux" | "nul") || numbered("com") || numbered("lpt") {
        let message = format!("`{}` cannot be the name of {what}", name.get());
        sink.local(
            sink.error(Code::BadName, name.span(), message)
                .label("the name of a device: no file can be called so on Windows")
                .help("files are named after it: choose another, as in `aux_model`"),
        );
    }
}

/// What a pipeline without a `name` is called by its file must do as a file name too.
pub(crate) fn check_stem(stem: &str, sink: &mut Sink) {
    if stem.len() > LONGEST {
        let shown: String = stem.chars().take(LONGEST / 2).collect();
        let message = format!("a pipeline cannot be called `{shown}…` after its file");
        sink.local(
            sink.error(Code::BadName, 0..0, message)
                .label(format!("{} bytes; a name has at most {LONGEST}", stem.len()))
                .help("name it with `name = \"…\"` in `[pipeline]`, or rename the file"),
        );
    }
}

pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// Help for a name that no node has; `known` makes the names that were possible.
pub(crate) fn unknown_help<'a>(
    wrong: &str,
    names: &'a Names,
    known: impl FnOnce(&'a Names) -> Vec<&'a str>,
    sink: &Sink,
) -> Option<String> {
    let may = sink.may_compare(names.len());
    may.then(|| did_you_mean(wrong, &known(names), "there are")).flatten()
}

/// Finds fault with the name of a table that a data source does not have.
pub(crate) fn known_table(
    table: &At<String>,
    tables: &IndexMap<String, Spanned<String>>,
    sink: &mut Sink,
) {
    if !tables.contains_key(table.get()) {
        let known: Vec<&str> = tables.keys().map(String::as_str).collect();
        sink.global(
            sink.error(
                Code::NoSuchNode,
                table.span(),
                format!("there is no table `{}`", table.get()),
            )
            .label("unknown table")
            .maybe_help(did_you_mean(table.get(), &known, "there are")),
        );
    }
}
