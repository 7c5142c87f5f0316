//! Resolution of `data.NAME.split`: which of the four rules it is, and that its keys agree.

use std::{collections::BTreeMap, ops::Range};

use collegium_records::Code;
use toml::Spanned;

use super::data::check_pattern;
use crate::bounds::not_empty;
use crate::{
    At, ByColumn, ByFiles, ByTime, Gap, Split, SplitRule, ValidRows,
    defaults::{TEST_VALUES, TRAIN_VALUES},
    raw::{Amount, Cell, RawData, RawSplit},
    sink::Sink,
};

/// The split of a data source; `cut`: not all of its keys are known.
pub(super) fn resolve(name: &At<String>, raw: &RawData, cut: bool, sink: &mut Sink) -> Split {
    let Some(place) = &raw.split else { return Split::default() };
    let own = place.get();
    let rule = rule_of(name, raw, own, cut, sink);
    foreign_keys(own, &rule, sink);
    let mut split = Split { rule, ..Split::default() };
    shares(place, own, &mut split, cut, sink);
    split.by = own.by.iter().flatten().map(|column| bare(name, column)).collect();
    split.stratify = own.stratify.as_ref().map(|column| bare(name, column));
    split.seed = own.seed.as_ref().map_or(split.seed, |seed| *seed.get());
    let holds = split.time().is_some_and(|time| time.hold_groups);
    if holds && split.by.is_empty() && !cut {
        let at = own.hold_groups.as_ref().map_or(place.span(), At::span);
        sink.global(
            sink.error(Code::KeyNeedsAnother, at, "`hold_groups` needs groups")
                .label("without `by` there are none")
                .help("name the columns whose values make a group: `by = [\"station\"]`"),
        );
    }
    split
}

fn rule_of(
    name: &At<String>,
    raw: &RawData,
    own: &RawSplit,
    cut: bool,
    sink: &mut Sink,
) -> SplitRule {
    let rules = [
        ("column", own.column.as_ref().map(At::span)),
        ("test_file", own.test_file.as_ref().map(At::span)),
        ("time", own.time.as_ref().map(At::span)),
    ];
    let mut rules = rules.into_iter().filter_map(|(key, span)| Some((key, span?)));
    if let (Some((key, at)), Some((other, beside))) = (rules.next(), rules.next()) {
        let message = format!("`split` has both `{key}` and `{other}`");
        sink.local(
            sink.error(Code::ConflictingKeys, at, message)
                .label("one rule decides on which side a row is")
                .also(beside, "another rule"),
        );
    }
    if let Some(column) = &own.column {
        not_empty(sink, "column", column);
        return SplitRule::Column(by_column(bare(name, column), own, sink));
    }
    if let Some(test) = &own.test_file {
        check_pattern(test, sink);
        if let Some(valid) = &own.valid_file {
            check_pattern(valid, sink);
        }
        whole_files(raw, test, sink);
        let valid = own.valid_file.as_ref().map(|file| file.0.clone());
        return SplitRule::Files(ByFiles { valid, test: test.0.clone() });
    }
    if let Some(time) = &own.time {
        not_empty(sink, "time", time);
        return SplitRule::Time(ByTime {
            column: bare(name, time),
            valid_from: own.valid_from.as_ref().map(text_of),
            test_from: own.test_from.as_ref().map(text_of),
            gap: own.gap.as_ref().and_then(|gap| gap_of("gap", gap, sink)),
            block: own.block.as_ref().and_then(|block| block_of(block, own, sink)),
            hold_groups: own.hold_groups.as_ref().is_some_and(|hold| *hold.get()),
        });
    }
    let of_a_rule = [
        ("unused", "column", own.unused.as_ref().map(At::span)),
        ("valid_file", "test_file", own.valid_file.as_ref().map(At::span)),
        ("valid_from", "time", own.valid_from.as_ref().map(At::span)),
        ("test_from", "time", own.test_from.as_ref().map(At::span)),
        ("gap", "time", own.gap.as_ref().map(At::span)),
        ("block", "time", own.block.as_ref().map(At::span)),
        ("hold_groups", "time", own.hold_groups.as_ref().map(At::span)),
    ];
    for (key, needed, at) in of_a_rule {
        if let Some(at) = at.filter(|_| !cut) {
            let message = format!("`{key}` needs `{needed}`");
            let help = format!("say what it belongs to: `{needed} = \"…\"`");
            sink.global(
                sink.error(Code::KeyNeedsAnother, at, message)
                    .label(format!("there is no `{needed}`"))
                    .help(help),
            );
        }
    }
    SplitRule::Shares
}

/// Files can only tell sides apart while rows are known by the file that they came from.
fn whole_files(raw: &RawData, test: &At<String>, sink: &mut Sink) {
    let other = raw.query.as_ref().map(|query| ("query", query.span()));
    let other = other.or(raw.tables.as_ref().map(|tables| ("tables", tables.span())));
    let other = other.or(raw.idx.as_ref().map(|idx| ("idx", idx.span())));
    let Some((key, beside)) = other else { return };
    let help = match key {
        "idx" => "read both as one with a glob, and divide them by shares".to_owned(),
        _ => "let the query say it, and split by that column: `SELECT *, 'train' AS part FROM a UNION \
              ALL SELECT *, 'test' FROM b` with `split = { column = \"part\" }`"
            .to_owned(),
    };
    sink.global(
        sink.error(
            Code::ConflictingKeys,
            test.span(),
            format!("`test_file` goes with `path`, not with `{key}`"),
        )
        .label("the rows of this file would not be known apart")
        .also(beside, format!("`{key}`"))
        .help(help),
    );
}

/// Keys that stand beside a rule that has no use for them.
fn foreign_keys(own: &RawSplit, rule: &SplitRule, sink: &mut Sink) {
    let (what, allowed): (_, &[&str]) = match rule {
        SplitRule::Shares => return,
        SplitRule::Column(_) => ("column", &["unused"]),
        SplitRule::Files(_) => ("test_file", &["valid_file"]),
        SplitRule::Time(_) => ("time", &["valid_from", "test_from", "gap", "block", "hold_groups"]),
    };
    let keys = [
        ("unused", own.unused.as_ref().map(At::span)),
        ("valid_file", own.valid_file.as_ref().map(At::span)),
        ("valid_from", own.valid_from.as_ref().map(At::span)),
        ("test_from", own.test_from.as_ref().map(At::span)),
        ("gap", own.gap.as_ref().map(At::span)),
        ("block", own.block.as_ref().map(At::span)),
        ("hold_groups", own.hold_groups.as_ref().map(At::span)),
        ("stratify", own.stratify.as_ref().map(At::span)),
    ];
    for (key, at) in keys {
        if let Some(at) = at.filter(|_| !allowed.contains(&key)) {
            let message = format!("`{key}` does not go with `{what}`");
            sink.local(
                sink.error(Code::KeyDoesNotApply, at, message)
                    .label(format!("`{what}` decides on the sides")),
            );
        }
    }
}

fn by_column(column: Spanned<String>, own: &RawSplit, sink: &mut Sink) -> ByColumn {
    let listed = |amount: Option<&At<Amount>>, default: &[&str]| -> Vec<Spanned<String>> {
        match amount.map(At::get) {
            Some(Amount::Values(values)) => values.iter().map(text_of).collect(),
            _ => default
                .iter()
                .map(|value| Spanned::new(column.span(), (*value).to_owned()))
                .collect(),
        }
    };
    for (key, amount) in [("train", &own.train), ("test", &own.test)] {
        if let Some(at) = amount.as_ref().filter(|at| matches!(at.get(), Amount::Share(_))) {
            sink.local(
                sink.error(
                    Code::ValueOfAnotherType,
                    at.span(),
                    format!("`{key}` must be a list of values of `column`"),
                )
                .label("a share")
                .help(format!("name the values that mean it: `{key} = [\"{key}\"]`")),
            );
        }
    }
    if let Some(train) = own.train.as_ref().filter(|at| is_empty(at.get())) {
        sink.local(
            sink.error(Code::EmptyValue, train.span(), "`train` names no value")
                .label("empty")
                .help("name the values of `column` that mean training"),
        );
    }
    let rule = ByColumn {
        train: listed(own.train.as_ref(), &TRAIN_VALUES),
        valid: match own.valid.as_ref().map(At::get) {
            Some(Amount::Values(_)) => ValidRows::Values(listed(own.valid.as_ref(), &[])),
            Some(Amount::Share(_)) => ValidRows::Drawn,
            None => ValidRows::Found,
        },
        test: listed(own.test.as_ref(), &TEST_VALUES),
        unused: own.unused.iter().flat_map(|at| at.get()).map(text_of).collect(),
        column,
    };
    let valid: &[Spanned<String>] = match &rule.valid {
        ValidRows::Values(values) => values,
        ValidRows::Drawn | ValidRows::Found => &[],
    };
    let mut known: BTreeMap<&str, Range<usize>> = BTreeMap::new();
    for value in rule.train.iter().chain(valid).chain(&rule.test).chain(&rule.unused) {
        if let Some(before) = known.insert(value.get_ref(), value.span()) {
            let message = format!("`{}` is listed twice in `split`", value.get_ref());
            sink.local(
                sink.error(Code::GivenTwice, value.span(), message)
                    .label("a row is on one side")
                    .also(before, "listed before"),
            );
        }
    }
    rule
}

fn is_empty(amount: &Amount) -> bool {
    matches!(amount, Amount::Values(values) if values.is_empty())
}

/// The shares that a rule has, and that they come to 1.
fn shares(place: &At<RawSplit>, own: &RawSplit, split: &mut Split, cut: bool, sink: &mut Sink) {
    let mut fine = true;
    let mut given = Vec::new();
    for (key, amount) in [("train", &own.train), ("valid", &own.valid), ("test", &own.test)] {
        let Some(at) = amount else { continue };
        match (at.get(), &split.rule) {
            (Amount::Values(_), SplitRule::Column(_)) => {}
            (Amount::Values(_), _) => {
                fine = false;
                sink.local(
                    sink.error(
                        Code::ValueOfAnotherType,
                        at.span(),
                        format!("`{key}` must be a share, not a list"),
                    )
                    .label("expected a number from 0 to 1")
                    .help(
                        "values of a column go with its name: `split = { column = \"part\", train \
                             = [\"train\"], test = [\"test\"] }`",
                    ),
                );
            }
            (Amount::Share(_), SplitRule::Column(_)) if key != "valid" => {}
            (Amount::Share(share), _) => {
                let (good, wanted) = match (key, &split.rule) {
                    ("train", _) => (*share > 0.0 && *share <= 1.0, "above 0 and at most 1"),
                    (_, SplitRule::Shares) => ((0.0..=1.0).contains(share), "from 0 to 1"),
                    _ => ((0.0..1.0).contains(share), "from 0 to below 1"),
                };
                fine &= good;
                if !good {
                    let written = sink.source.text.get(at.span()).unwrap_or_default();
                    let message = format!("`{key}` must be {wanted}, not {written}");
                    let label = format!("must be {wanted}");
                    sink.local(sink.error(Code::ValueOutOfRange, at.span(), message).label(label));
                }
                given.push((key, *share, at.span()));
            }
        }
    }
    for (key, share, _) in &given {
        match *key {
            "train" => split.train = *share,
            "valid" => split.valid = *share,
            _ => split.test = *share,
        }
    }
    let shared = |key: &str| given.iter().any(|(k, ..)| *k == key);
    match &split.rule {
        SplitRule::Shares => {}
        SplitRule::Column(_) | SplitRule::Files(_) => {
            for (key, _, at) in given.iter().filter(|(key, ..)| *key != "valid") {
                if matches!(split.rule, SplitRule::Files(_)) {
                    sink.local(
                        sink.error(
                            Code::KeyDoesNotApply,
                            at.clone(),
                            format!("`{key}` does not go with `test_file`"),
                        )
                        .label("the files say which rows these are"),
                    );
                }
            }
            if let (SplitRule::Files(ByFiles { valid: Some(file), .. }), true) =
                (&split.rule, shared("valid"))
            {
                sink.local(
                    sink.error(
                        Code::ConflictingKeys,
                        file.span(),
                        "`split` has both `valid_file` and `valid`",
                    )
                    .label("the file says which rows validate"),
                );
            }
            return;
        }
        SplitRule::Time(time) => {
            let dates = [("valid", &time.valid_from), ("test", &time.test_from)];
            for (key, from) in dates {
                let Some(from) = from.as_ref().filter(|_| shared(key) && !time.hold_groups) else {
                    continue;
                };
                let message = format!("`split` has both `{key}_from` and `{key}`");
                sink.local(
                    sink.error(Code::ConflictingKeys, from.span(), message)
                        .label("a date or a share says where it begins, not both"),
                );
                fine = false;
            }
            // What is before validation is for training: its share follows.
            if !shared("train") {
                split.train = 1.0 - split.valid - split.test;
                if split.train <= 0.0 && fine {
                    sink.global(
                        sink.error(
                            Code::SharesDoNotSum,
                            place.span(),
                            "the shares of `split` leave nothing to train on",
                        )
                        .label("`valid` and `test` must sum to less than 1"),
                    );
                }
                return;
            }
        }
    }
    let sum = split.train + split.valid + split.test;
    if fine && !cut && (sum - 1.0).abs() > 1e-9 {
        let defaulted: Vec<String> =
            [("train", split.train), ("valid", split.valid), ("test", split.test)]
                .into_iter()
                .filter(|(key, _)| !shared(key))
                .map(|(key, share)| format!("`{key}` is {share}"))
                .collect();
        let message = format!("the shares of `split` sum to {}", (sum * 1e9).round() / 1e9);
        sink.global(
            sink.error(Code::SharesDoNotSum, place.span(), message)
                .label("must sum to 1")
                .maybe_help(
                    (!defaulted.is_empty())
                        .then(|| format!("give all three: by default {}", defaulted.join(" and "))),
                ),
        );
    }
}

/// The units of a gap, in microseconds.
const UNITS: [(&str, i64); 5] = [
    ("second", 1_000_000),
    ("minute", 60_000_000),
    ("hour", 3_600_000_000),
    ("day", 86_400_000_000),
    ("week", 604_800_000_000),
];

/// A block has a length, and goes with time alone: groups have no use for it.
fn block_of(block: &At<Cell>, own: &RawSplit, sink: &mut Sink) -> Option<Spanned<Gap>> {
    if let Some(by) = own.by.as_ref().and_then(|by| by.first()) {
        sink.local(
            sink.error(Code::ConflictingKeys, block.span(), "`split` has both `block` and `by`")
                .label("rows are resampled by blocks of time or by groups, not by both")
                .also(by.span(), "groups"),
        );
    }
    let found = gap_of("block", block, sink)?;
    if found.get_ref().length() <= 0.0 {
        sink.local(
            sink.error(Code::ValueOutOfRange, block.span(), "`block` must be longer than nothing")
                .label("must be above 0"),
        );
        return None;
    }
    Some(found)
}

fn gap_of(key: &str, gap: &At<Cell>, sink: &mut Sink) -> Option<Spanned<Gap>> {
    let found = match gap.get() {
        Cell::Number(number) if number.is_finite() && *number >= 0.0 => Some(Gap::Number(*number)),
        Cell::Text(text) => span_of(text),
        _ => None,
    };
    if found.is_none() {
        let written = sink.source.text.get(gap.span()).unwrap_or_default();
        sink.local(
            sink.error(
                Code::ValueOfAnotherType,
                gap.span(),
                format!("`{key}` must be a length of time, not {written}"),
            )
            .label("expected a number and a unit")
            .help(
                "write `\"7 days\"`; the units are seconds, minutes, hours, days and weeks (months \
                     differ in length)",
            ),
        );
    }
    found.map(|found| Spanned::new(gap.span(), found))
}

/// `"7 days"`, `"1 hour"`, `"1.5 weeks"`.
fn span_of(text: &str) -> Option<Gap> {
    let trimmed = text.trim();
    let end = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let number: f64 = trimmed[..end].parse().ok()?;
    let unit = trimmed[end..].trim();
    let (_, each) = UNITS
        .into_iter()
        .find(|(name, _)| unit == *name || unit.strip_suffix('s') == Some(name))?;
    let microseconds = (number * each as f64).round();
    // A thousand years: beyond that, sums with dates leave what 64 bits hold.
    (microseconds <= 3.2e16)
        .then(|| Gap::Span { text: trimmed.to_owned(), microseconds: microseconds as i64 })
}

fn text_of(cell: &At<Cell>) -> Spanned<String> {
    Spanned::new(cell.span(), cell.get().text())
}

/// A column of this data source, with or without the source's name before it.
fn bare(name: &At<String>, column: &At<String>) -> Spanned<String> {
    let text = column.get();
    let own = text.strip_prefix(name.get().as_str()).and_then(|rest| rest.strip_prefix('.'));
    Spanned::new(column.span(), own.unwrap_or(text).to_owned())
}
