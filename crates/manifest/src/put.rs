//! Values put into the text of a pipeline file, whose comments and order stay.
//!
//! Only keys are added that the file does not have, and `tune` is taken out. The form of the file decides how: into a table on
//! one line, below the header of a table, or beside dotted keys. Whoever writes the result reads it first: that it means what
//! it should is not known here.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{Setting, write::table};

/// The text with an expert's settings said in it, and without its `tune`; `None` where the form of the file does not say how.
pub fn put_settings(text: &str, expert: &str, values: &[(Setting, String)]) -> Option<String> {
    let root = DeTable::parse(text).ok()?.into_inner();
    let node = child(child(&root, "expert")?, expert)?;
    let file = File { text };
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut home = file.last_own_line(node);
    if let Some((key, value)) = node.iter().find(|(key, _)| key.get_ref() == "tune") {
        let cut = file.statement(key, value)?;
        if matches!(file.form(key), Form::Line | Form::Dotted) {
            home = Some(cut.iter().map(|range| range.start).min()?);
        }
        edits.extend(cut.into_iter().map(|range| (range, String::new())));
    }
    for name in ["model", "train", "encode"] {
        let of = |(setting, value): &(Setting, String)| {
            let (table, key) = setting.path();
            (table == name).then(|| (key, value.clone()))
        };
        let new: Vec<(&str, String)> = values.iter().filter_map(of).collect();
        if new.is_empty() {
            continue;
        }
        let lines = |before: &str| -> String {
            new.iter().map(|(key, value)| format!("{before}{key} = {value}\n")).collect()
        };
        edits.push(match node.iter().find(|(key, _)| key.get_ref() == name) {
            None => {
                let at = home?;
                (at..at, format!("{name} = {}\n", table(new.clone())))
            }
            Some((key, value)) => {
                let DeValue::Table(entries) = value.get_ref() else { return None };
                match file.form(key) {
                    Form::Line => {
                        let last = entries.values().map(|value| value.span().end).max();
                        match last {
                            None => (value.span(), table(new.clone())),
                            Some(end) => {
                                let more =
                                    |(key, value): &(&str, String)| format!(", {key} = {value}");
                                (end..end, new.iter().map(more).collect())
                            }
                        }
                    }
                    Form::Header => {
                        let at = file.line(key.span().end).end;
                        (at..at, lines(""))
                    }
                    Form::Dotted => {
                        let line = file.line(key.span().start);
                        let before = &text[line.start..key.span().start];
                        (line.start..line.start, lines(&format!("{before}{name}.")))
                    }
                }
            }
        });
    }
    // From the end, so that places before stay; what is added at a place stands before what is cut there.
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let mut done = text.to_owned();
    for (range, new) in edits.into_iter().rev() {
        done.replace_range(range, &new);
    }
    Some(done)
}

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `train = { … }`
    Line,
    /// `[expert.a.train]`
    Header,
    /// `train.epochs = 3`
    Dotted,
}

struct File<'a> {
    text: &'a str,
}

type Key<'i> = Spanned<std::borrow::Cow<'i, str>>;

impl File<'_> {
    fn form(&self, key: &Key<'_>) -> Form {
        let line = self.line(key.span().start);
        if self.text[line].trim_start().starts_with('[') {
            return Form::Header;
        }
        match self.text[key.span().end..].trim_start().starts_with('=') {
            true => Form::Line,
            false => Form::Dotted,
        }
    }

    /// The lines of a key and its value, each whole.
    fn statement(&self, key: &Key<'_>, value: &Spanned<DeValue<'_>>) -> Option<Vec<Range<usize>>> {
        let whole = |key: usize, value: usize| self.line(key).start..self.line(value).end;
        if self.form(key) == Form::Line {
            let all = whole(key.span().start, value.span().end);
            // What is said behind it stays.
            let rest = &self.text[value.span().end..all.end];
            let kept = rest.find('#').map_or(all.end, |at| value.span().end + at);
            return Some(std::iter::once(all.start..kept).collect());
        }
        let DeValue::Table(entries) = value.get_ref() else { return None };
        let mut all: Vec<Range<usize>> = Vec::new();
        if self.form(key) == Form::Header {
            all.push(self.line(key.span().start));
        }
        for (key, value) in entries {
            all.push(whole(key.span().start, value.span().end));
        }
        Some(all)
    }

    /// Behind the last key that stands below the expert's own header.
    fn last_own_line(&self, node: &DeTable<'_>) -> Option<usize> {
        let own = node.iter().filter(|(key, _)| self.form(key) == Form::Line);
        let end = own.map(|(_, value)| value.span().end).max()?;
        let line = self.line(end);
        // Where the last line of a file has no end, nothing can be put behind it.
        let whole = self.text[..line.end].ends_with('\n');
        whole.then_some(line.end)
    }

    /// The line of a byte, with its end.
    fn line(&self, byte: usize) -> Range<usize> {
        let byte = byte.min(self.text.len());
        let start = self.text[..byte].rfind('\n').map_or(0, |at| at + 1);
        let end = self.text[byte..].find('\n').map_or(self.text.len(), |at| byte + at + 1);
        start..end
    }
}

fn child<'a, 'i>(table: &'a DeTable<'i>, name: &str) -> Option<&'a DeTable<'i>> {
    match table.get(name)?.get_ref() {
        DeValue::Table(inner) => Some(inner),
        _ => None,
    }
}
