//! Data errors: what is wrong, the place in the file, and the way out.

use std::{fmt, io, ops::Range, path::Path, path::PathBuf, sync::Arc};

use collegium_manifest::{Diagnostic, SourceFile, Spanned};
use collegium_records::Code;
use collegium_store::StoreError;
use serde::{Deserialize, Serialize};

/// Why a table could not be made, or rows could not be read or written.
#[derive(Debug)]
pub struct DataError(Box<Fault>);

/// What is known about a [`DataError`].
#[derive(Debug)]
pub struct Fault {
    /// What kind of error.
    pub kind: DataErrorKind,
    /// The data file.
    pub file: Option<PathBuf>,
    /// Line in a text file, row in a binary one; from 1.
    pub line: Option<u64>,
    /// The column's name.
    pub column: Option<String>,
    /// The column's place in the file, from 1.
    pub field: Option<usize>,
    /// What is wrong, in one line.
    pub message: String,
    /// Its cause, where the kind does not say it: what failed in the store.
    pub cause: Option<Code>,
    /// What to do.
    pub help: Option<String>,
    /// The place in the pipeline file that asked for it.
    pub span: Option<Range<usize>>,
    /// The string at `span` and the bytes of it that are wrong: offsets into SQL.
    pub part: Option<(String, Range<usize>)>,
}

/// Kinds of [`DataError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataErrorKind {
    /// A file that is not there, or a pattern that matches none.
    MissingFile,
    /// A file outside of the project that nobody consented to reading.
    Outside,
    /// A query that took more than it may.
    Limit,
    /// A query that was not run to its end, since who asked has no time for it.
    Unfinished,
    /// A file that the system does not let us read or write.
    Io,
    /// A file whose extension says nothing.
    UnknownFormat,
    /// A damaged or truncated file.
    Damaged,
    /// What unpacks to more than is let in, or a name or a record without an end.
    TooLarge,
    /// A pipe, a device or a folder in the place of a data file.
    NoFile,
    /// No rows or no columns.
    Empty,
    /// A line with more or fewer fields than the header.
    Ragged,
    /// A quote that is not closed, or closed before the end of its cell.
    Quote,
    /// Text that is not encoded as it should be: in UTF-8, where nothing else is declared.
    NotUtf8,
    /// Two columns of one name.
    DuplicateColumn,
    /// Files of one table that do not agree.
    Disagree,
    /// A value that is not of its column's type.
    WrongType,
    /// A NaN or an infinity.
    NotFinite,
    /// A whole number that a 64-bit float cannot hold.
    Inexact,
    /// A column type of a file that has no counterpart here.
    Unsupported,
    /// SQL that cannot be run, or is not allowed.
    Query,
    /// A column that does not exist.
    UnknownColumn,
    /// Columns or cells that make no image.
    Image,
    /// A column or a file that cannot decide on the sides.
    Sides,
    /// A side of the split without rows.
    EmptySide,
    /// An input file that changed while it was read.
    Changed,
    /// The store failed, or rows could not be written.
    Store,
    /// Whoever reads the rows from a pipe has had enough.
    Closed,
    /// Ctrl-C.
    Interrupted,
}

impl DataErrorKind {
    /// Kinds with the same way out share a code.
    fn code(self) -> Code {
        match self {
            Self::MissingFile => Code::NoSuchFile,
            Self::Outside => Code::OutsideTheProject,
            Self::Limit | Self::Unfinished => Code::QueryOverItsLimit,
            Self::Io | Self::NoFile => Code::FileUnreadable,
            Self::UnknownFormat | Self::Unsupported => Code::UnknownFileFormat,
            Self::Damaged => Code::DamagedFile,
            Self::TooLarge => Code::TooLargeToRead,
            Self::Empty => Code::NoRows,
            Self::Ragged => Code::RowOfAnotherWidth,
            Self::Quote => Code::UnclosedQuote,
            Self::NotUtf8 => Code::WrongEncoding,
            Self::DuplicateColumn => Code::DuplicateColumn,
            Self::Disagree => Code::FilesDisagree,
            Self::WrongType => Code::CellOfAnotherType,
            Self::NotFinite | Self::Inexact => Code::NumberNotHeld,
            Self::Query => Code::SqlRefused,
            Self::UnknownColumn => Code::NoSuchColumn,
            Self::Image => Code::ImageDoesNotFit,
            Self::Sides => Code::SplitDoesNotFit,
            Self::EmptySide => Code::EmptySide,
            Self::Changed => Code::FileChanged,
            Self::Store | Self::Closed => Code::NotWritable,
            Self::Interrupted => Code::Interrupted,
        }
    }
}

impl DataError {
    pub(crate) fn new(kind: DataErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Fault {
            kind,
            file: None,
            line: None,
            column: None,
            field: None,
            message: message.into(),
            cause: None,
            help: None,
            span: None,
            part: None,
        }))
    }

    pub(crate) fn interrupted() -> Self {
        Self::new(DataErrorKind::Interrupted, "interrupted")
    }

    pub(crate) fn io(path: &Path, doing: &str, error: &io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::NotFound => DataErrorKind::MissingFile,
            _ => DataErrorKind::Io,
        };
        Self::new(kind, format!("cannot {doing}: {error}")).file(path)
    }

    pub(crate) fn file(mut self, path: &Path) -> Self {
        self.0.file = Some(path.to_owned());
        self
    }

    pub(crate) fn line(mut self, line: u64) -> Self {
        self.0.line = Some(line);
        self
    }

    pub(crate) fn column(mut self, name: &str, field: Option<usize>) -> Self {
        self.0.column = Some(name.to_owned());
        self.0.field = field.map(|field| field + 1);
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    pub(crate) fn maybe_help(mut self, help: Option<String>) -> Self {
        self.0.help = help.or(self.0.help);
        self
    }

    /// Points into the pipeline file, unless the error already does.
    pub(crate) fn at<T>(mut self, place: &Spanned<T>) -> Self {
        self.0.span.get_or_insert_with(|| place.span());
        self
    }

    /// The SQL that the error is in and the bytes of it.
    pub(crate) fn part(mut self, sql: &str, part: Range<usize>) -> Self {
        self.0.part = Some((sql.to_owned(), part));
        self
    }

    /// Everything that is known about it.
    pub fn fault(&self) -> &Fault {
        &self.0
    }

    /// What kind of error it is.
    pub fn kind(&self) -> DataErrorKind {
        self.0.kind
    }

    /// Its cause and way out, for `collegium explain`.
    pub fn code(&self) -> Code {
        self.0.cause.unwrap_or(self.0.kind.code())
    }

    /// Did a person stop the work?
    pub fn is_interrupted(&self) -> bool {
        self.0.kind == DataErrorKind::Interrupted
    }

    /// Is it the store that failed, rather than the data?
    pub fn is_store(&self) -> bool {
        self.0.kind == DataErrorKind::Store
    }

    /// The error as a finding about the pipeline file: the caret goes under the SQL, the path or
    /// the column name that is wrong.
    pub fn diagnostic(&self, pipeline_source: &Arc<SourceFile>) -> Diagnostic {
        let message = self.to_string();
        let found = match &self.0.span {
            None => Diagnostic::placeless(self.code(), message),
            Some(span) => {
                let place = match &self.0.part {
                    Some((sql, part)) => within(pipeline_source, span, sql, part),
                    None => span.clone(),
                };
                Diagnostic::error(self.code(), pipeline_source, place, message)
            }
        };
        found.maybe_help(self.0.help.clone())
    }
}

/// The place in the pipeline file of `part` of a string whose literal stands at `literal`. The
/// string is looked for as it is; one with escapes is marked whole.
fn within(
    file: &SourceFile,
    literal: &Range<usize>,
    value: &str,
    part: &Range<usize>,
) -> Range<usize> {
    let text = file.text.get(literal.clone()).unwrap_or_default();
    match text.find(value) {
        Some(start) if !value.is_empty() => {
            let start = literal.start + start;
            start + part.start.min(value.len())..start + part.end.min(value.len())
        }
        _ => literal.clone(),
    }
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = &*self.0;
        if let Some(file) = &fault.file {
            write!(f, "{}", file.display())?;
            if let Some(line) = fault.line {
                write!(f, ":{line}")?;
                if let Some(field) = fault.field {
                    write!(f, ":{field}")?;
                }
            }
            f.write_str(": ")?;
        } else if let Some(line) = fault.line {
            write!(f, "row {line}: ")?;
        }
        if let Some(column) = &fault.column {
            write!(f, "column `{column}`: ")?;
        }
        f.write_str(&fault.message)
    }
}

impl std::error::Error for DataError {}

impl From<StoreError> for DataError {
    fn from(error: StoreError) -> Self {
        let kind = match &error {
            StoreError::Input { .. } => DataErrorKind::Io,
            StoreError::Unsettled { .. } => DataErrorKind::Changed,
            StoreError::Closed { .. } => DataErrorKind::Closed,
            _ => DataErrorKind::Store,
        };
        let mut fault = Self::new(kind, error.to_string());
        fault.0.cause = Some(error.code());
        fault
    }
}

/// `did you mean `x`?`, else what there is to choose from.
pub(crate) fn choices<'a>(
    wrong: &str,
    known: impl IntoIterator<Item = &'a str>,
    what: &str,
) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    collegium_manifest::did_you_mean(wrong, &known, what)
}
