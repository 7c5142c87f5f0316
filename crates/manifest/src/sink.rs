//! Collector of diagnostics while a file is read.

use std::{cell::Cell, collections::BTreeSet, ops::Range, sync::Arc};

use collegium_records::Code;

use crate::{Diagnostic, Diagnostics, SourceFile};

/// Findings about one file. It knows which of them a syntax error makes meaningless.
#[derive(Debug)]
pub(crate) struct Sink {
    pub(crate) source: Arc<SourceFile>,
    pub(crate) findings: Diagnostics,
    /// Does the tree say all that the file says? Not after a syntax error: then what is missing
    /// from it must not be called missing.
    whole: bool,
    syntax_lines: BTreeSet<usize>,
    /// How many more names may be compared with wrong ones.
    comparisons: Cell<usize>,
}

/// Names that are compared with wrong ones to say what was meant, at most, in one file. A person reads a few
/// such lines; a file of thousands of wrong names is a program's, and has its answer at once.
const COMPARISONS: usize = 500_000;

impl Sink {
    pub(crate) fn new(source: &Arc<SourceFile>) -> Self {
        Self {
            source: Arc::clone(source),
            findings: Diagnostics::default(),
            whole: true,
            syntax_lines: BTreeSet::new(),
            comparisons: Cell::new(COMPARISONS),
        }
    }

    /// May a wrong name be compared with so many others? The work of a file grows with its length, and not
    /// with its wrong names times its right ones.
    pub(crate) fn may_compare(&self, names: usize) -> bool {
        let left = self.comparisons.get();
        self.comparisons.set(left.saturating_sub(names));
        left > 0
    }

    /// An error to be completed and handed to [`Self::local`] or [`Self::global`].
    pub(crate) fn error(
        &self,
        code: Code,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> Diagnostic {
        Diagnostic::error(code, &self.source, span, message)
    }

    /// Takes down an error of the parser; one for each line, since one slip often upsets it twice.
    pub(crate) fn syntax(&mut self, finding: Diagnostic, whole: bool) {
        self.whole &= whole;
        let line = line(&finding).unwrap_or(0);
        if self.syntax_lines.insert(line) {
            self.findings.push(finding);
        }
    }

    /// Adds a finding that depends on its own place alone.
    pub(crate) fn local(&mut self, finding: Diagnostic) {
        let explained = !self.syntax_lines.is_empty()
            && line(&finding).is_some_and(|line| self.syntax_lines.contains(&line));
        if !explained {
            self.findings.push(finding);
        }
    }

    /// Adds a finding that depends on the rest of the file too, or on what is missing from it.
    pub(crate) fn global(&mut self, finding: Diagnostic) {
        if self.whole {
            self.local(finding);
        }
    }
}

/// The line of a finding, of all that is read.
fn line(finding: &Diagnostic) -> Option<usize> {
    finding.place.as_ref().map(|(file, span)| file.line(span.start))
}
