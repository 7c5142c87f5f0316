//! HTML report of an audit, on one page, and model cards.
//!
//! An audit is worth nothing if only its author can read it. This crate turns the stored record of
//! an audit ([`AuditReport`]) into one HTML file that can be mailed, printed and opened in ten
//! years: no network, no script, no fonts to load, every picture inline (SVG, or a small PNG where
//! the numbers are pixels) with its numbers beside it as text. It also writes a model card for each
//! expert, and draws the DAG of a pipeline, in the report and for `collegium graph`.
//!
//! The central idea is that a picture never stands alone. An importance is drawn with its bootstrap
//! band, with the band of other seeds, with the marks that an *untrained* network and one trained on
//! permuted labels would leave, and in a muted style, in words, when it cannot be told from noise; an
//! expert without skill on held-out rows gets the reason in place of a picture. Colour repeats what
//! text or form says already, and is taken from the palettes of Okabe and Ito and of ColorBrewer. The
//! page begins with what a reviewer asks first; its warnings are those of the record's one list of findings.
//! The report decides how a number is shown, never what it is; one that is not finite is never printed.
//!
//! Rejected: a plotting crate (they draw for themselves, not for a page of HTML: text that does not
//! wrap, colours that ignore the style sheet); a JavaScript charting library (nothing would show
//! without a script, and the file would be megabytes); Graphviz for the DAG (a program to install;
//! the layered layout needed here is 300 lines). A template language was rejected for `maud`, which
//! escapes and balances by construction.
//!
//! The crate reads records and nothing else: no store, no data, no clock. The same record gives the
//! same bytes.

mod audit;
mod card;
mod charts;
mod evaluation;
mod expert;
mod glossary;
pub mod graph;
mod number;
mod overview;
mod page;
mod pixels;
mod views;
mod words;

pub use card::card;
use collegium_records::{AuditReport, EvaluationReport, printable};

/// The audit as one self-contained HTML file: no network and no script is needed to read it.
///
/// The same record gives the same bytes. Anything in the record is escaped, what would not be seen or
/// would turn text around is written out, and a number that is not finite is written as "n/a".
pub fn html(report: &AuditReport) -> String {
    seen(audit::page(report).into_string())
}

/// An evaluation on new rows as one self-contained HTML file, as [`html()`] is one of an audit.
pub fn evaluation(report: &EvaluationReport) -> String {
    seen(evaluation::page(report).into_string())
}

/// A page that says nothing but what is seen: our own text has no such characters.
fn seen(page: String) -> String {
    match printable(&page) {
        std::borrow::Cow::Borrowed(_) => page,
        std::borrow::Cow::Owned(page) => page,
    }
}
