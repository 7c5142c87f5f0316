//! Diagnostics with spans: errors and warnings that point into a file.

use std::{collections::BTreeMap, fmt, ops::Range, sync::Arc};

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use collegium_records::{Code, printable, printable_line};

use crate::SourceFile;

/// Findings that are shown at most.
const SHOWN: usize = 50;
/// Bytes of a text above which only a part of it is given to the renderer.
const LARGE: usize = 100_000;

/// One finding: what is wrong, where, and the way out.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// Its cause and way out, for `collegium explain`.
    pub code: Code,
    /// What is wrong, in one line without a full stop.
    pub message: String,
    /// The file and the bytes that the caret goes under; `None` when there is no text to show.
    pub place: Option<(Arc<SourceFile>, Range<usize>)>,
    /// What to say at the caret.
    pub label: String,
    /// Other places of the same file that belong to it, each with what to say there.
    pub also: Vec<(Range<usize>, String)>,
    /// What to do: `did you mean …?` or an instruction.
    pub help: Option<String>,
    /// A warning does not stop anything.
    pub warning: bool,
    /// Of a warning: worth knowing, and not to be counted among what is wrong.
    pub note: bool,
}

impl Diagnostic {
    /// An error at a place of a file.
    pub fn error(
        code: Code,
        source: &Arc<SourceFile>,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> Self {
        Self { place: Some((Arc::clone(source), span)), ..Self::placeless(code, message) }
    }

    /// A warning at a place of a file.
    pub fn warning(
        code: Code,
        source: &Arc<SourceFile>,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> Self {
        Self { warning: true, ..Self::error(code, source, span, message) }
    }

    /// Something worth knowing about a place of a file, which stops nothing.
    pub fn note(
        code: Code,
        source: &Arc<SourceFile>,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> Self {
        Self { note: true, ..Self::warning(code, source, span, message) }
    }

    /// An error with no text to show, such as a file that cannot be read.
    pub fn placeless(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            place: None,
            label: String::new(),
            also: Vec::new(),
            help: None,
            warning: false,
            note: false,
        }
    }

    /// With words at the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// With another place of the same file.
    #[must_use]
    pub fn also(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        self.also.push((span, label.into()));
        self
    }

    /// With a way out.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With a way out, if there is one.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    /// Line and column of the caret, from 1; columns count characters.
    pub fn line_column(&self) -> Option<(usize, usize)> {
        self.place.as_ref().map(|(file, span)| file.line_column(span.start))
    }

    /// In rustc's form: message, file:line:column, the line with a caret, the help. What is not seen is
    /// written out in words of data, and stands as a sign in lines of the file, whose carets must fit.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let level = match (self.warning, self.note) {
            (false, _) => Level::ERROR,
            (true, false) => Level::WARNING,
            (true, true) => Level::NOTE,
        };
        let mut group = Group::with_title(level.primary_title(printable(&self.message)));
        for (path, lines) in self.snippets() {
            group = match lines {
                Some(snippet) => group.element(snippet.path(path)),
                None => group.element(Origin::path(path)),
            };
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(printable(help)));
        }
        renderer.render(&[group])
    }

    /// The place and the others, those of the same text together, the primary one first: the path, and the lines
    /// with their carets where there are any.
    fn snippets(&self) -> Vec<(String, Option<Snippet<'_, Annotation<'_>>>)> {
        let Some((file, span)) = &self.place else { return Vec::new() };
        let primary = file.clamp(span);
        let first = file.part(primary.start);
        let others = self
            .also
            .iter()
            .map(|(span, label)| (file.clamp(span), label.as_str(), AnnotationKind::Context));
        let all = std::iter::once((primary, self.label.as_str(), AnnotationKind::Primary));
        let mut parts: BTreeMap<_, Vec<Marked<'_>>> = BTreeMap::new();
        for marked in all.chain(others) {
            let part = file.part(marked.0.start);
            parts.entry((part != first, part)).or_default().push(marked);
        }
        parts.into_values().map(|marked| snippet(file, &marked)).collect()
    }

    /// One JSON object: code, message, file (or `command line`, for what `--set` says), line, column, label, help, warning (it stops nothing) and
    /// note (a warning that is only worth knowing).
    pub fn to_json(&self) -> serde_json::Value {
        let (line, column) = self.line_column().unzip();
        serde_json::json!({
            "code": self.code,
            "message": self.message,
            "file": self.place.as_ref().map(|(file, span)| file.path_of(span.start).display().to_string()),
            "line": line,
            "column": column,
            "label": self.label,
            "help": self.help,
            "warning": self.warning,
            "note": self.note,
        })
    }
}

/// A place to mark: its bytes, what to say there, and how.
type Marked<'a> = (Range<usize>, &'a str, AnnotationKind);

/// The path of one text of a source, and its lines with carets under places of it.
fn snippet<'a>(
    file: &'a SourceFile,
    marked: &[Marked<'a>],
) -> (String, Option<Snippet<'a, Annotation<'a>>>) {
    let spans: Vec<Range<usize>> = marked.iter().map(|(span, ..)| span.clone()).collect();
    let shown = file.shown(&spans, LARGE);
    let path = printable_line(&shown.path.display().to_string()).into_owned();
    if shown.text.is_empty() {
        return (path, None);
    }
    let mut snippet = Snippet::source(shown.text.clone()).line_start(shown.line);
    for (span, label, kind) in marked {
        let annotation = kind.span(shown.span(span));
        snippet = snippet.annotation(match label.is_empty() {
            true => annotation,
            false => annotation.label(printable(label)),
        });
    }
    (path, Some(snippet))
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostic {}

/// All findings of a file at once; never empty when it is an error.
#[derive(Debug, Clone, Default)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// Adds a finding.
    pub fn push(&mut self, finding: Diagnostic) {
        self.0.push(finding);
    }

    /// Is anything in it that stops?
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|finding| !finding.warning)
    }

    /// Nothing found?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many findings.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The findings in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// The codes of what stops, or of all where nothing does, each once, in order.
    pub fn codes(&self) -> Vec<Code> {
        let stops = self.has_errors();
        let mut codes = Vec::new();
        for finding in self.0.iter().filter(|finding| !stops || !finding.warning) {
            if !codes.contains(&finding.code) {
                codes.push(finding.code);
            }
        }
        codes
    }

    /// The first findings in rustc's form, an empty line between two, and how many more there are: nobody
    /// reads thousands, and a program reads [`Diagnostics::to_json`].
    pub fn render(&self, color: bool) -> String {
        let shown = self.0.iter().take(SHOWN).map(|finding| finding.render(color));
        let mut parts: Vec<String> = shown.collect();
        if self.0.len() > SHOWN {
            let more = self.0.len() - SHOWN;
            parts.push(format!("… and {more} more, which `--json` lists"));
        }
        parts.join("\n\n")
    }

    /// An array of [`Diagnostic::to_json`].
    pub fn to_json(&self) -> serde_json::Value {
        self.0.iter().map(Diagnostic::to_json).collect()
    }

    /// In the order of the text, files after `main` behind it, with findings that say the same at
    /// the same place told once (an inherited key is read by several experts).
    pub(crate) fn tidy(&mut self, main: &Arc<SourceFile>) {
        let key = |finding: &Diagnostic| {
            finding.place.as_ref().map(|(file, span)| {
                (file.path != main.path, file.path.clone(), span.start, span.end)
            })
        };
        self.0.sort_by_cached_key(|finding| (finding.place.is_none(), key(finding)));
        let mut kept: Vec<Diagnostic> = Vec::with_capacity(self.0.len());
        for finding in self.0.drain(..) {
            let place = key(&finding);
            let told =
                kept.iter().rev().take_while(|earlier| key(earlier) == place).any(|earlier| {
                    (!finding.label.is_empty() && earlier.label == finding.label)
                        || earlier.message == finding.message
                });
            if !told {
                kept.push(finding);
            }
        }
        self.0 = kept;
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(finding: Diagnostic) -> Self {
        Self(vec![finding])
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, findings: I) {
        self.0.extend(findings);
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_json_form_carries_what_a_program_needs() {
        let file = Arc::new(SourceFile::new("p.toml", "a = 1\nb = 2\n"));
        let found =
            Diagnostic::error(Code::UnknownKey, &file, 6..7, "no").label("here").help("yes");
        assert_eq!(
            Diagnostics::from(found).to_json(),
            serde_json::json!([{
                "code": "unknown-key", "message": "no", "file": "p.toml", "line": 2, "column": 1,
                "label": "here", "help": "yes", "warning": false, "note": false
            }])
        );
    }

    #[test]
    fn a_finding_without_a_place_still_renders() {
        let found = Diagnostic::placeless(Code::NoSuchFile, "cannot read it").help("write it");
        insta::assert_snapshot!(found.render(false), @r"
        error: cannot read it
         |
         = help: write it
        ");
    }

    proptest! {
        #[test]
        fn no_span_and_no_text_makes_rendering_panic(
            text in "[a\\n\\r\\t ü\u{202e}\u{feff}\u{0}]{0,12}", start in 0_usize..20, end in 0_usize..20,
            also in 0_usize..20, color: bool,
        ) {
            let file = Arc::new(SourceFile::new("p.toml", text));
            let found = Diagnostic::error(Code::UnknownKey, &file, start..end, "m").label("l").also(also..also + 3, "n");
            prop_assert!(found.render(color).contains('m'));
        }
    }
}
