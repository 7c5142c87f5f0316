//! Parsing of `audit.slices`: columns, and conditions on columns, of one data source each.
//!
//! Whether the column exists, and what SQL makes of a condition, is known where the data are.

use std::ops::Range;

use collegium_records::Code;

use super::names::{Names, Node};
use crate::{At, Slice, sink::Sink, suggest::list};

/// Takes a slice apart; `None` when it has been reported, or when what it names is too broken to say more.
pub(crate) fn parse(text: &At<String>, names: &Names, sink: &mut Sink) -> Option<Slice> {
    let value = text.get();
    if !crate::bounds::not_empty(sink, "slices", text) {
        return None;
    }
    let sql = without_texts(value);
    let nodes = if sink.may_compare(names.len()) { names.every() } else { Vec::new() };
    let mut found: Vec<(&str, Range<usize>)> =
        nodes.iter().filter_map(|node| Some((*node, place(&sql, node)?))).collect();
    found.sort_by_key(|(_, place)| place.start);
    let at =
        |sink: &Sink, place: &Range<usize>| sink.source.within(&text.span(), value, place.clone());
    match &found[..] {
        [] => {
            let sources = names.all(Node::Data);
            let example = match &sources[..] {
                [one] if value.contains(['<', '>', '=', ' ']) => {
                    format!("write columns as `{one}.COLUMN`, for example `{one}.age >= 60`")
                }
                [one] => format!("did you mean `{one}.{value}`?"),
                _ => format!("data sources are: {}", list(&sources)),
            };
            sink.global(
                sink.error(
                    Code::NotAReference,
                    text.span(),
                    format!("`{value}` names no data source"),
                )
                .label("expected `source.column` or a condition on such columns")
                .help(example),
            );
            None
        }
        [(node, place), rest @ ..] => match names.of(node) {
            Node::Data => {
                if let Some((other, place)) =
                    rest.iter().find(|(node, _)| names.of(node) != Node::Broken)
                {
                    let message =
                        format!("a slice is of one data source, not of `{node}` and `{other}`");
                    let place = at(sink, place);
                    sink.local(
                        sink.error(Code::NotAReference, place, message)
                            .label("of other rows")
                            .help("make the column one of the table by `query`"),
                    );
                    return None;
                }
                Some(Slice { data: (*node).to_owned(), text: value.clone() })
            }
            Node::Expert => {
                let place = at(sink, place);
                let what = names.kind(node);
                sink.local(
                    sink.error(Code::NotAReference, place, format!("`{node}` is {what}"))
                        .label("expected a data source")
                        .help("slices are made of columns of the data"),
                );
                None
            }
            Node::Broken | Node::Unknown => None,
        },
    }
}

/// The SQL with what stands in single quotes blanked, byte by byte.
fn without_texts(sql: &str) -> String {
    let mut inside = false;
    let blank = |c: char| {
        inside ^= c == '\'';
        if inside { " ".repeat(c.len_utf8()) } else { c.to_string() }
    };
    sql.chars().map(blank).collect()
}

/// Where `name.` stands first, in double quotes or by itself.
fn place(sql: &str, name: &str) -> Option<Range<usize>> {
    let inner = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
    sql.match_indices(name).find_map(|(at, _)| {
        let (before, after) = (&sql[..at], &sql[at + name.len()..]);
        let plain = after.starts_with('.') && !before.ends_with(inner) && !before.ends_with('"');
        let quoted = after.starts_with("\".") && before.ends_with('"');
        (plain || quoted).then_some(at..at + name.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_found_where_it_stands_as_one() {
        let first = |sql: &str, name: &str| place(&without_texts(sql), name);
        assert_eq!(first("adult.age >= 60", "adult"), Some(0..5));
        assert_eq!(first("not adult.is_old", "adult"), Some(4..9));
        assert_eq!(first("\"my data\".x = 1", "my data"), Some(1..8));
        assert_eq!(first("adults.age >= 60", "adult"), None);
        assert_eq!(first("young_adult.age >= 60", "adult"), None);
        assert_eq!(first("x.note = 'adult.age'", "adult"), None);
        assert_eq!(
            first("x.é = 'ä' and adult.b", "adult"),
            Some("x.é = 'ä' and ".len().."x.é = 'ä' and adult".len())
        );
    }
}
