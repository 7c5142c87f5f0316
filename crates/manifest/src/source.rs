//! Source text of a file, kept for diagnostics.

use std::{ops::Range, path::PathBuf, sync::OnceLock};

/// A file's text and the path to show for it.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// Where it was read.
    pub path: PathBuf,
    /// What it said.
    pub text: String,
    /// The bytes at which its lines begin, found once: a file may have thousands of findings.
    lines: OnceLock<Vec<usize>>,
}

impl PartialEq for SourceFile {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path && self.text == other.text
    }
}

impl Eq for SourceFile {}

impl SourceFile {
    /// A file of this path and text.
    pub fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into(), lines: OnceLock::new() }
    }

    /// Line and column of a byte, both from 1; the column counts characters.
    pub fn line_column(&self, byte: usize) -> (usize, usize) {
        let byte = self.floor(byte);
        let line = self.line(byte);
        (line + 1, self.text[self.lines()[line]..byte].chars().count() + 1)
    }

    /// The lines that a range of bytes touches: their bytes, and the number of the first, from 1.
    pub(crate) fn lines_of(&self, range: &Range<usize>) -> (Range<usize>, usize) {
        let (first, last) = (self.line(self.floor(range.start)), self.line(self.floor(range.end)));
        let end = self.lines().get(last + 1).copied().unwrap_or(self.text.len());
        (self.lines()[first]..end, first + 1)
    }

    /// The line, from 0, in which a byte stands.
    fn line(&self, byte: usize) -> usize {
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

    /// A range that can be sliced: inside the text, on character boundaries, not backwards.
    pub(crate) fn clamp(&self, span: &Range<usize>) -> Range<usize> {
        let start = self.floor(span.start);
        let mut end = span.end.clamp(start, self.text.len());
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
}
