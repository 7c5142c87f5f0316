//! Parsing of references: `source.column` and `expert.output`.

use std::ops::Range;

use collegium_records::Code;

use super::names::{Names, Node, unknown_help};
use crate::{At, Input, Output, sink::Sink, suggest::did_you_mean};

/// A reference that was understood, with the places of its two parts.
pub(crate) struct Reference {
    pub(crate) input: Input,
    pub(crate) node: Range<usize>,
    pub(crate) part: Range<usize>,
}

/// Takes a reference apart; `None` when it has been reported, or when what it names is too broken
/// to say more.
pub(crate) fn parse(text: &At<String>, names: &Names, sink: &mut Sink) -> Option<Reference> {
    let value = text.get();
    let place = |sink: &Sink, part| sink.source.within(&text.span(), value, part);
    let Some((node, rest)) = value.split_once('.') else {
        let sources =
            if sink.may_compare(names.len()) { names.all(Node::Data) } else { Vec::new() };
        let finding = sink
            .error(Code::NotAReference, text.span(), format!("`{value}` is not a reference"))
            .label("expected `source.column` or `expert.output`");
        sink.local(finding.maybe_help(match (names.of(value), &*sources) {
            (Node::Expert, _) => Some(format!(
                "say which output of `{value}`: {}",
                Output::ALL.map(|output| format!("`{value}.{output}`")).join(", ")
            )),
            (Node::Unknown, [source]) => Some(format!("did you mean `{source}.{value}`?")),
            _ => None,
        }));
        return None;
    };
    let (node_at, part_at) = (place(sink, 0..node.len()), place(sink, node.len() + 1..value.len()));
    if rest.trim().is_empty() {
        sink.local(
            sink.error(
                Code::NotAReference,
                text.span(),
                format!("`{value}` names no column and no output"),
            )
            .label("nothing behind the dot"),
        );
        return None;
    }
    match names.of(node) {
        Node::Broken => None,
        Node::Data => {
            let input = Input::Column { data: node.to_owned(), column: rest.to_owned() };
            Some(Reference { input, node: node_at, part: part_at })
        }
        Node::Expert => {
            let Some(output) = Output::ALL.into_iter().find(|output| output.name() == rest) else {
                let known = Output::ALL.map(Output::name);
                let finding = sink
                    .error(Code::NoSuchOutput, part_at, format!("experts have no output `{rest}`"))
                    .label("unknown output");
                sink.local(finding.maybe_help(did_you_mean(rest, &known, "outputs are")));
                return None;
            };
            let input = Input::Output { expert: node.to_owned(), output };
            Some(Reference { input, node: node_at, part: part_at })
        }
        Node::Unknown => {
            // `expert.departure.logit`: the way that nodes are named elsewhere.
            let bare = matches!(node, "expert" | "data")
                .then(|| rest.split_once('.').map_or(rest, |(name, _)| name))
                .filter(|name| names.of(name) != Node::Unknown);
            let help = match bare {
                Some(_) => Some(format!("leave the prefix away: `{rest}`")),
                None => unknown_help(node, names, Names::every, sink),
            };
            sink.global(
                sink.error(
                    Code::NoSuchNode,
                    node_at,
                    format!("there is no data source or expert `{node}`"),
                )
                .label("unknown node")
                .maybe_help(help),
            );
            None
        }
    }
}
