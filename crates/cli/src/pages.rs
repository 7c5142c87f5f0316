//! The pages of `docs/errors`, which `collegium explain` shows: one source for readers of either.
//!
//! A page is Markdown of a fixed form: a heading, paragraphs, fenced examples below `Wrong:`, `Right:` or
//! `Example:`, a paragraph that begins with `What to do:`, and one of links that begins with `More:`.

use collegium_records::{Code, CodeExample, Explanation, FORMAT_VERSION};

macro_rules! page {
    ($name:literal) => {
        include_str!(concat!("../../../docs/errors/", $name, ".md"))
    };
}

/// What is written about a code, taken apart.
pub(crate) fn explanation(code: Code) -> Explanation {
    let mut found = Explanation {
        format_version: FORMAT_VERSION,
        code,
        subject: code.subject(),
        line: code.line().to_owned(),
        text: Vec::new(),
        examples: Vec::new(),
        way_out: String::new(),
        pages: Vec::new(),
    };
    let mut lines = text(code).lines().skip(1).peekable();
    let mut label = "example";
    while let Some(line) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let shown: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            found.examples.push(CodeExample {
                label: label.to_owned(),
                language: info.split(' ').next().unwrap_or_default().to_owned(),
                text: shown.join("\n"),
            });
            continue;
        }
        label = match line {
            "" => continue,
            "Wrong:" => "wrong",
            "Right:" => "right",
            "Example:" => "example",
            _ => {
                let mut paragraph = line.to_owned();
                while let Some(next) = lines.next_if(|line| !line.is_empty()) {
                    paragraph.push(' ');
                    paragraph.push_str(next);
                }
                if let Some(way_out) = paragraph.strip_prefix("What to do: ") {
                    way_out.clone_into(&mut found.way_out);
                } else if let Some(links) = paragraph.strip_prefix("More: ") {
                    let targets = links.split("](../").skip(1);
                    let targets = targets.filter_map(|rest| rest.split(')').next());
                    found.pages = targets.map(|target| format!("docs/{target}")).collect();
                } else {
                    found.text.push(paragraph);
                }
                continue;
            }
        };
    }
    found
}

fn text(code: Code) -> &'static str {
    match code {
        Code::NotToml => page!("not-toml"),
        Code::UnknownKey => page!("unknown-key"),
        Code::MissingKey => page!("missing-key"),
        Code::GivenTwice => page!("given-twice"),
        Code::UnknownChoice => page!("unknown-choice"),
        Code::ValueOfAnotherType => page!("value-of-another-type"),
        Code::ValueOutOfRange => page!("value-out-of-range"),
        Code::EmptyValue => page!("empty-value"),
        Code::ConflictingKeys => page!("conflicting-keys"),
        Code::KeyNeedsAnother => page!("key-needs-another"),
        Code::KeyDoesNotApply => page!("key-does-not-apply"),
        Code::BadName => page!("bad-name"),
        Code::NameTaken => page!("name-taken"),
        Code::NothingReadsIt => page!("nothing-reads-it"),
        Code::NewerFormat => page!("newer-format"),
        Code::NoSuchNode => page!("no-such-node"),
        Code::NotAReference => page!("not-a-reference"),
        Code::NoSuchOutput => page!("no-such-output"),
        Code::EmbeddingNotReadable => page!("embedding-not-readable"),
        Code::TargetAmongInputs => page!("target-among-inputs"),
        Code::TwoDataSources => page!("two-data-sources"),
        Code::Cycle => page!("cycle"),
        Code::NothingToCombine => page!("nothing-to-combine"),
        Code::ExpertsDoNotFit => page!("experts-do-not-fit"),
        Code::NoSuchModel => page!("no-such-model"),
        Code::OverMemoryLimit => page!("over-memory-limit"),
        Code::NoSuchFile => page!("no-such-file"),
        Code::FileUnreadable => page!("file-unreadable"),
        Code::OutsideTheProject => page!("outside-the-project"),
        Code::UnknownFileFormat => page!("unknown-file-format"),
        Code::DamagedFile => page!("damaged-file"),
        Code::TooLargeToRead => page!("too-large-to-read"),
        Code::NoRows => page!("no-rows"),
        Code::RowOfAnotherWidth => page!("row-of-another-width"),
        Code::UnclosedQuote => page!("unclosed-quote"),
        Code::WrongEncoding => page!("wrong-encoding"),
        Code::DuplicateColumn => page!("duplicate-column"),
        Code::FilesDisagree => page!("files-disagree"),
        Code::CellOfAnotherType => page!("cell-of-another-type"),
        Code::NumberNotHeld => page!("number-not-held"),
        Code::NoSuchColumn => page!("no-such-column"),
        Code::PatternMatchesNothing => page!("pattern-matches-nothing"),
        Code::ImageDoesNotFit => page!("image-does-not-fit"),
        Code::FileChanged => page!("file-changed"),
        Code::SqlRefused => page!("sql-refused"),
        Code::QueryOverItsLimit => page!("query-over-its-limit"),
        Code::WhereAdmitsNothing => page!("where-admits-nothing"),
        Code::SharesDoNotSum => page!("shares-do-not-sum"),
        Code::SplitDoesNotFit => page!("split-does-not-fit"),
        Code::EmptySide => page!("empty-side"),
        Code::RandomSplitOfTimes => page!("random-split-of-times"),
        Code::GroupsOnTwoSides => page!("groups-on-two-sides"),
        Code::RowsOnTwoSides => page!("rows-on-two-sides"),
        Code::TaskNotClear => page!("task-not-clear"),
        Code::ClassForEachRow => page!("class-for-each-row"),
        Code::UnknownClass => page!("unknown-class"),
        Code::NotARequirement => page!("not-a-requirement"),
        Code::NothingToMeasure => page!("nothing-to-measure"),
        Code::RowsNotUsed => page!("rows-not-used"),
        Code::ClassTooRare => page!("class-too-rare"),
        Code::FallenType => page!("fallen-type"),
        Code::InputsKeptOut => page!("inputs-kept-out"),
        Code::CodesAsQuantities => page!("codes-as-quantities"),
        Code::FarValues => page!("far-values"),
        Code::DeterminesTarget => page!("determines-target"),
        Code::LevelForNearlyEveryRow => page!("level-for-nearly-every-row"),
        Code::LabelsNotMeasured => page!("labels-not-measured"),
        Code::FitFailed => page!("fit-failed"),
        Code::RequireNotMet => page!("require-not-met"),
        Code::NotUpToDate => page!("not-up-to-date"),
        Code::LockWouldChange => page!("lock-would-change"),
        Code::LockUnsound => page!("lock-unsound"),
        Code::LockUnreadable => page!("lock-unreadable"),
        Code::NotWritable => page!("not-writable"),
        Code::StoreUnreadable => page!("store-unreadable"),
        Code::StoreOfAnotherOwner => page!("store-of-another-owner"),
        Code::StoreAway => page!("store-away"),
        Code::StoreUnreachable => page!("store-unreachable"),
        Code::ObjectDamaged => page!("object-damaged"),
        Code::BadArguments => page!("bad-arguments"),
        Code::NoPipeline => page!("no-pipeline"),
        Code::NoSuchVersion => page!("no-such-version"),
        Code::OutputOverInput => page!("output-over-input"),
        Code::Interrupted => page!("interrupted"),
        Code::InternalError => page!("internal-error"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_has_every_part() {
        for &code in Code::ALL {
            let page = explanation(code);
            assert!(text(code).starts_with(&format!("# {code}\n")), "{code}");
            assert!(!page.text.is_empty() && !page.way_out.is_empty(), "{code}");
            assert!(!page.examples.is_empty() && !page.pages.is_empty(), "{code}");
            let labels: Vec<&str> = page.examples.iter().map(|one| one.label.as_str()).collect();
            assert!(matches!(labels[..], ["wrong", "right"] | ["example"]), "{code}: {labels:?}");
        }
    }
}
