//! Source text of a file, and of what the command line sets over it, kept for diagnostics.

use std::{
    borrow::Cow,
    ops::Range,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// What is shown in the place of a path for what `--set` says.
const COMMAND_LINE: &str = "command line";
/// What is shown before it.
const OPTION: &str = "--set ";

/// A file's text and the path to show for it. What the command line sets over it stands behind the file's own
/// text, so that one range of bytes says which of both it lies in, and no span needs to name its text.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// Where it was read.
    pub path: PathBuf,
    /// What it said, and what was set over it.
    pub text: String,
    /// The bytes of each `KEY=VALUE` that was set over it.
    set: Vec<Range<usize>>,
    /// The bytes at which its lines begin, found once: a file may have thousands of findings.
    lines: OnceLock<Vec<usize>>,
}

impl PartialEq for SourceFile {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path && self.text == other.text && self.set == other.set
    }
}

impl Eq for SourceFile {}

/// Lines of a source as a snippet shows them.
pub(crate) struct Shown<'a> {
    /// The file, or the command line.
    pub(crate) path: Cow<'a, Path>,
    /// The lines; empty where the file is.
    pub(crate) text: Cow<'a, str>,
    /// The number of the first, from 1.
    pub(crate) line: usize,
    /// Bytes by which a span of the source is moved to stand in `text`.
    shift: isize,
}

impl Shown<'_> {
    /// A span of the source as one of the lines that are shown.
    pub(crate) fn span(&self, span: &Range<usize>) -> Range<usize> {
        let moved = |byte: usize| byte.saturating_add_signed(self.shift).min(self.text.len());
        moved(span.start)..moved(span.end)
    }
}

impl SourceFile {
    /// A file of this path and text.
    pub fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into(), set: Vec::new(), lines: OnceLock::new() }
    }

    /// The same with values set over it: `KEY=VALUE`, in their order.
    #[must_use]
    pub fn set_over(self, overrides: &[String]) -> Self {
        let Self { path, mut text, mut set, .. } = self;
        for one in overrides {
            text.push('\n');
            set.push(text.len()..text.len() + one.len());
            text.push_str(one);
        }
        Self { path, text, set, lines: OnceLock::new() }
    }

    /// What the file itself said.
    pub fn own_text(&self) -> &str {
        // One line break stands between the texts.
        let end = self.set.first().map_or(self.text.len(), |first| first.start - 1);
        &self.text[..end]
    }

    /// What was set over it: each `KEY=VALUE`, in their order.
    pub fn overrides(&self) -> impl ExactSizeIterator<Item = &str> {
        self.set.iter().map(|range| &self.text[range.clone()])
    }

    /// The same with the byte at which each begins.
    pub(crate) fn placed_overrides(&self) -> impl Iterator<Item = (usize, &str)> {
        self.set.iter().map(|range| (range.start, &self.text[range.clone()]))
    }

    /// Which of what was set a byte lies in; `None` for the file's own text.
    pub(crate) fn part(&self, byte: usize) -> Option<usize> {
        self.set.iter().rposition(|range| range.start <= byte)
    }

    /// The path to show for a byte.
    pub fn path_of(&self, byte: usize) -> &Path {
        match self.part(byte) {
            Some(_) => Path::new(COMMAND_LINE),
            None => &self.path,
        }
    }

    /// Line and column of a byte, both from 1; the column counts characters. Of the command line each `--set` is
    /// a line.
    pub fn line_column(&self, byte: usize) -> (usize, usize) {
        let byte = self.floor(byte);
        match self.part(byte) {
            Some(part) => {
                let before = &self.text[self.set[part].start..byte];
                (part + 1, OPTION.len() + before.chars().count() + 1)
            }
            None => {
                let line = self.line(byte);
                (line + 1, self.text[self.lines()[line]..byte].chars().count() + 1)
            }
        }
    }

    /// What to show for spans of one part of the source; of a text of more than `large` bytes their lines alone.
    pub(crate) fn shown(&self, spans: &[Range<usize>], large: usize) -> Shown<'_> {
        let start = spans.iter().map(|span| span.start).min().unwrap_or(0);
        let end = spans.iter().map(|span| span.end).max().unwrap_or(0);
        if let Some(part) = self.part(start) {
            let range = &self.set[part];
            // An option is one line, whatever stands in it.
            let text = self.text[range.clone()].replace(['\n', '\r'], " ");
            return Shown {
                path: Path::new(COMMAND_LINE).into(),
                text: format!("{OPTION}{text}").into(),
                line: part + 1,
                shift: OPTION.len() as isize - range.start as isize,
            };
        }
        let own = self.own_text();
        let (lines, line) = match own.len() > large {
            true => self.lines_of(&(start..end)),
            false => (0..own.len(), 1),
        };
        let shift = -(lines.start as isize);
        Shown { path: Path::new(&self.path).into(), text: own[lines].into(), line, shift }
    }

    /// The lines of the file that a range of bytes touches: their bytes, and the number of the first, from 1.
    fn lines_of(&self, range: &Range<usize>) -> (Range<usize>, usize) {
        let (first, last) = (self.line(self.floor(range.start)), self.line(self.floor(range.end)));
        let own = self.own_text().len();
        let end = self.lines().get(last + 1).copied().unwrap_or(own).min(own);
        (self.lines()[first]..end, first + 1)
    }

    /// The line, from 0, in which a byte stands, of all that is read.
    pub(crate) fn line(&self, byte: usize) -> usize {
        self.lines().partition_point(|start| *start <= byte).saturating_sub(1)
    }

    fn lines(&self) -> &[usize] {
        self.lines.get_or_init(|| {
            std::iter::once(0).chain(self.text.match_indices('\n').map(|(at, _)| at + 1)).collect()
        })
    }

    /// The bytes of `part` of a string value whose literal stands at `literal`. A literal with
    /// escapes, where bytes of the value and of the file do not correspond, is marked whole.
    pub fn within(&self, literal: &Range<usize>, value: &str, part: Range<usize>) -> Range<usize> {
        let text = self.text.get(literal.clone()).unwrap_or_default();
        for quotes in [3, 1] {
            if text.len() == value.len() + 2 * quotes
                && text.get(quotes..text.len() - quotes) == Some(value)
            {
                let start = literal.start + quotes;
                return start + part.start..start + part.end;
            }
        }
        literal.clone()
    }

    /// A range that can be sliced: inside one part of the text, on character boundaries, not backwards.
    pub(crate) fn clamp(&self, span: &Range<usize>) -> Range<usize> {
        let part = self.part(span.start);
        let last = part.map_or(self.own_text().len(), |part| self.set[part].end);
        let start = self.floor(span.start.min(last));
        let mut end = span.end.clamp(start, last);
        while !self.text.is_char_boundary(end) {
            end += 1;
        }
        start..end
    }

    fn floor(&self, byte: usize) -> usize {
        let mut byte = byte.min(self.text.len());
        while !self.text.is_char_boundary(byte) {
            byte -= 1;
        }
        byte
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_start_at_one() {
        let file = SourceFile::new("x.toml", "a\nüb\n");
        assert_eq!(file.line_column(0), (1, 1));
        assert_eq!(file.line_column(2), (2, 1));
        assert_eq!(file.line_column(4), (2, 2), "ü is two bytes and one column");
        assert_eq!(file.line_column(3), (2, 1), "inside ü is at ü");
        assert_eq!(file.line_column(99), (3, 1), "beyond the end is the end");
    }

    #[test]
    fn a_part_of_a_string_is_found_inside_its_quotes() {
        let file = SourceFile::new("x.toml", r#"x = "ab.cd""#);
        assert_eq!(file.within(&(4..11), "ab.cd", 3..5), 8..10);
        let escaped = SourceFile::new("x.toml", r#"x = "ab\u002ecd""#);
        assert_eq!(escaped.within(&(4..16), "ab.cd", 3..5), 4..16, "escapes: the whole literal");
    }

    #[test]
    fn what_is_set_over_a_file_has_places_on_the_command_line() {
        let file = SourceFile::new("x.toml", "a = 1\n");
        let file = file.set_over(&["a=ü".to_owned(), "b.c=3".to_owned()]);
        assert_eq!(file.own_text(), "a = 1\n");
        assert_eq!(file.overrides().collect::<Vec<_>>(), ["a=ü", "b.c=3"]);
        let at = |text: &str| file.text.find(text).unwrap_or_default();
        assert_eq!(file.line_column(at("1")), (1, 5));
        assert_eq!(file.path_of(at("1")), Path::new("x.toml"));
        assert_eq!(file.line_column(at("ü")), (1, 9), "behind `--set a=`");
        assert_eq!(file.line_column(at("3")), (2, 11));
        assert_eq!(file.path_of(at("3")), Path::new("command line"));
        let (first, end) = (at("a=ü"), file.text.len());
        assert_eq!(file.clamp(&(first..end)), first..first + 4, "a range ends with its text");
        assert_eq!(file.clamp(&(0..end)), 0..6);
        assert_eq!(file.clone().set_over(&[]), file);
    }
}
