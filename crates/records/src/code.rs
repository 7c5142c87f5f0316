//! The names of what can go wrong, for `collegium explain`.
//!
//! A code is a few words, not a number: a reader remembers it, and a search finds it. It stands for a cause
//! with its way out, not for one message; several messages share one. Each has a page, `docs/errors/CODE.md`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a code is about; the order of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// What is written in the pipeline file.
    File,
    /// Experts, gates, mixtures and what they name.
    Experts,
    /// Data files.
    Data,
    /// SQL.
    Sql,
    /// Sides.
    Split,
    /// Targets, classes, metrics.
    Targets,
    /// What should be known of data before a figure is believed.
    Findings,
    /// Fits and the lock.
    Lock,
    /// The store, and files that are written.
    Store,
    /// The command line.
    Command,
}

impl Subject {
    /// All of them, in the order of the index.
    pub const ALL: [Self; 10] = [
        Self::File,
        Self::Experts,
        Self::Data,
        Self::Sql,
        Self::Split,
        Self::Targets,
        Self::Findings,
        Self::Lock,
        Self::Store,
        Self::Command,
    ];

    /// Its heading.
    pub fn heading(self) -> &'static str {
        match self {
            Self::File => "The pipeline file",
            Self::Experts => "Experts, gates and mixtures",
            Self::Data => "Data files",
            Self::Sql => "SQL",
            Self::Split => "Splits",
            Self::Targets => "Targets, classes and metrics",
            Self::Findings => "Worth knowing of the data",
            Self::Lock => "Fits and the lock",
            Self::Store => "The store and other files that are written",
            Self::Command => "The command line",
        }
    }
}

/// A code with its name, what it is about, and the line that stands for it in the index.
macro_rules! codes {
    ($($subject:ident { $($code:ident $name:literal $line:literal,)* })*) => {
        /// Why something was refused or remarked on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Code {
            $($(#[doc = $line] #[serde(rename = $name)] $code,)*)*
        }

        impl Code {
    /// The code of a finding about data, by its kind. Kinds with the same way out share one.
    pub fn of_finding(kind: &str) -> Self {
        match kind {
            "codes-as-quantities" => Self::CodesAsQuantities,
            "determines-target" => Self::DeterminesTarget,
            "fallen-type" => Self::FallenType,
            "far-values" => Self::FarValues,
            "held-settings" => Self::KeyDoesNotApply,
            "input-kept-out" | "keeps-nothing-out" => Self::InputsKeptOut,
            "level-for-nearly-every-row" => Self::LevelForNearlyEveryRow,
            "class-missing-in-fold"
            | "class-without-held-out-rows"
            | "class-without-training-rows"
            | "one-class" => Self::ClassTooRare,
            // `rows-without-target`, `rows-left-out`, `rows-before-what-feeds-it`
            _ => Self::RowsNotUsed,
        }
    }

            /// All of them, in the order of the index.
            pub const ALL: &[Self] = &[$($(Self::$code,)*)*];

            /// As it is typed and written in documents.
            pub fn name(self) -> &'static str {
                match self { $($(Self::$code => $name,)*)* }
            }

            /// What it means, in a line without a full stop.
            pub fn line(self) -> &'static str {
                match self { $($(Self::$code => $line,)*)* }
            }

            /// What it is about.
            pub fn subject(self) -> Subject {
                match self { $($(Self::$code => Subject::$subject,)*)* }
            }
        }
    };
}

codes! {
    File {
        NotToml "not-toml" "the file breaks a rule of TOML",
        UnknownKey "unknown-key" "a key that no table of this kind has",
        MissingKey "missing-key" "a key that must be there is not",
        GivenTwice "given-twice" "the same key, name or value stands there twice",
        UnknownChoice "unknown-choice" "a word that is none of the choices",
        ValueOfAnotherType "value-of-another-type" "a value of another type or form than needed",
        ValueOutOfRange "value-out-of-range" "a number that is too small or too large",
        EmptyValue "empty-value" "a text or a list that says nothing",
        ConflictingKeys "conflicting-keys" "two settings that exclude each other",
        KeyNeedsAnother "key-needs-another" "a key that means nothing without another one",
        KeyDoesNotApply "key-does-not-apply" "a key that has no effect where it stands",
        BadName "bad-name" "a name that cannot be the name of a file",
        NameTaken "name-taken" "a name that something else has",
        NothingReadsIt "nothing-reads-it" "a part of the file that nothing uses",
        NewerFormat "newer-format" "a file of a version that is not known here",
    }
    Experts {
        NoSuchNode "no-such-node" "a name that no data source and no expert has",
        NotAReference "not-a-reference" "a text that should name a column or an output",
        NoSuchOutput "no-such-output" "an output that this expert does not have",
        EmbeddingNotReadable "embedding-not-readable" "an embedding that is not there or not comparable",
        TargetAmongInputs "target-among-inputs" "an expert is given what it is to predict",
        TwoDataSources "two-data-sources" "one expert reads the rows of two tables",
        Cycle "cycle" "nodes that need each other in a circle",
        NothingToCombine "nothing-to-combine" "a gate or mixture without enough experts",
        ExpertsDoNotFit "experts-do-not-fit" "experts that cannot be combined with each other",
        NoSuchModel "no-such-model" "the fitted model of an expert is not there",
        OverMemoryLimit "over-memory-limit" "a fit that needs more memory than `memory_limit`",
    }
    Data {
        NoSuchFile "no-such-file" "a file that is not there, or a pattern without any",
        FileUnreadable "file-unreadable" "a file that the system does not let us read",
        OutsideTheProject "outside-the-project" "a file outside of the project, without consent",
        UnknownFileFormat "unknown-file-format" "a file or column type that is not read",
        DamagedFile "damaged-file" "a data file that is cut off or damaged",
        TooLargeToRead "too-large-to-read" "a cell, a name or a packed file beyond every limit",
        NoRows "no-rows" "a file or a table without rows or columns",
        RowOfAnotherWidth "row-of-another-width" "a line with more or fewer fields than the header",
        UnclosedQuote "unclosed-quote" "a quote that is not closed where its cell ends",
        WrongEncoding "wrong-encoding" "bytes that are no text in the declared encoding",
        DuplicateColumn "duplicate-column" "two columns of one name",
        FilesDisagree "files-disagree" "files of one table with different columns",
        CellOfAnotherType "cell-of-another-type" "a cell that is not of its column's type",
        NumberNotHeld "number-not-held" "a number that a 64-bit float cannot hold",
        NoSuchColumn "no-such-column" "a column that the data do not have",
        PatternMatchesNothing "pattern-matches-nothing" "a pattern of column or file names that fits none",
        ImageDoesNotFit "image-does-not-fit" "columns or a shape that make no image",
        FileChanged "file-changed" "a file that changes while it is read",
    }
    Sql {
        SqlRefused "sql-refused" "SQL that cannot be run, or is not allowed",
        QueryOverItsLimit "query-over-its-limit" "a query that takes more than it may",
        WhereAdmitsNothing "where-admits-nothing" "a `where` that no row fulfils",
    }
    Split {
        SharesDoNotSum "shares-do-not-sum" "shares of `split` that do not sum to 1",
        SplitDoesNotFit "split-does-not-fit" "a column or a file that cannot decide on sides",
        EmptySide "empty-side" "a side of the split without rows",
        RandomSplitOfTimes "random-split-of-times" "rows with a time, dealt at random",
        GroupsOnTwoSides "groups-on-two-sides" "groups of test rows that have training rows too",
        RowsOnTwoSides "rows-on-two-sides" "test rows that are copies of training rows",
    }
    Targets {
        TaskNotClear "task-not-clear" "a target that does not fit its task, or fits two",
        ClassForEachRow "class-for-each-row" "a target with nearly as many classes as rows",
        UnknownClass "unknown-class" "a class that the target does not have",
        NotARequirement "not-a-requirement" "a `require` that says nothing measurable",
        NothingToMeasure "nothing-to-measure" "rows on which no expert can be measured",
    }
    Findings {
        RowsNotUsed "rows-not-used" "rows that an expert is not trained or measured on",
        ClassTooRare "class-too-rare" "a class that a side or a fold does not have",
        FallenType "fallen-type" "numbers that became categories by a few cells",
        InputsKeptOut "inputs-kept-out" "inputs that are named and kept out, or neither",
        CodesAsQuantities "codes-as-quantities" "codes that are read as quantities",
        FarValues "far-values" "values very far from all others",
        DeterminesTarget "determines-target" "an input that gives the target away",
        LevelForNearlyEveryRow "level-for-nearly-every-row" "a category with nearly as many levels as rows",
        LabelsNotMeasured "labels-not-measured" "labels that models made",
    }
    Lock {
        FitFailed "fit-failed" "a fit that produced no model",
        RequireNotMet "require-not-met" "a metric on the wrong side of its bound",
        NotUpToDate "not-up-to-date" "what is asked for needs a run first",
        LockWouldChange "lock-would-change" "a run that `--locked` refuses",
        LockUnsound "lock-unsound" "a lock whose experts do not fit each other",
        LockUnreadable "lock-unreadable" "a lock file that cannot be understood",
    }
    Store {
        NotWritable "not-writable" "a file or folder that cannot be written",
        StoreUnreadable "store-unreadable" "a store that is there and cannot be read",
        StoreOfAnotherOwner "store-of-another-owner" "a store of another user",
        StoreAway "store-away" "a shared store, or a project of it, that is away",
        StoreUnreachable "store-unreachable" "a store behind this one that does not answer",
        ObjectDamaged "object-damaged" "a stored object with other bytes than before",
    }
    Command {
        BadArguments "bad-arguments" "a command line that does not go together",
        NoPipeline "no-pipeline" "no pipeline, or several, where one is looked for",
        NoSuchVersion "no-such-version" "a version that is no lock file and no git revision",
        OutputOverInput "output-over-input" "an output that would replace what is read",
        Interrupted "interrupted" "a person stopped the command",
        InternalError "internal-error" "a bug of Collegium",
    }
}

impl Code {
    /// The code of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_by_its_name_and_is_written_so() {
        for &code in Code::ALL {
            assert_eq!(Code::of_name(code.name()), Some(code));
            assert_eq!(serde_json::to_value(code).unwrap(), code.name());
        }
    }

    #[test]
    fn names_are_lower_case_words_with_hyphens_and_lines_are_short() {
        for code in Code::ALL {
            let name = code.name();
            assert!(
                name.split('-').all(|word| {
                    !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase())
                }),
                "{name}"
            );
            assert!(name.len() <= 27, "{name}");
            assert!(code.line().chars().count() <= 50, "{name}");
            assert!(!code.line().ends_with('.'), "{name}");
        }
    }

    #[test]
    fn codes_lie_in_the_order_of_their_subjects() {
        let subjects = Code::ALL.iter().map(|code| code.subject());
        let places = subjects.map(|one| Subject::ALL.iter().position(|known| *known == one));
        assert!(places.is_sorted());
    }
}
