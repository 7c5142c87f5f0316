//! Split by files: a table whose training, validation or test rows are files of their own.
//!
//! The files of all sides are read as one table, so that a column has one type and a category one list
//! of levels; a row's side is the file that it stands in.

use std::{collections::BTreeSet, path::PathBuf};

use collegium_manifest::{ByFiles, DataSource, Spanned, SplitRule};

use super::draw_valid;
use crate::{
    Context, DataError, DataErrorKind, Side, Table,
    load::{Files, tick},
    read::{Contents, Options, expand, open},
    settle::Readings,
};

/// The files of a table, training files first, and how many belong to training, validation and test.
pub(crate) fn of_table(
    source: &DataSource,
    pattern: &Spanned<String>,
    cx: &Context,
) -> Result<(Vec<PathBuf>, [usize; 3]), DataError> {
    let mut train = expand(cx.base, cx.fence, pattern)?;
    let SplitRule::Files(rule) = &source.split.rule else {
        let count = train.len();
        return Ok((train, [count, 0, 0]));
    };
    let test = expand(cx.base, cx.fence, &rule.test)?;
    let valid = match &rule.valid {
        Some(pattern) => expand(cx.base, cx.fence, pattern)?,
        None => Vec::new(),
    };
    if let (Some(twice), Some(pattern)) =
        (valid.iter().find(|file| test.contains(file)), &rule.valid)
    {
        return Err(DataError::new(DataErrorKind::Sides, "is for validation and for testing")
            .file(twice)
            .at(pattern)
            .help("a file belongs to one side"));
    }
    // A glob for all files may stand beside the name of one of them.
    train.retain(|file| !test.contains(file) && !valid.contains(file));
    if train.is_empty() {
        let message = "every file of `path` is a file of another side";
        return Err(DataError::new(DataErrorKind::Sides, message)
            .at(&rule.test)
            .help("`path` names the training rows, `test_file` other rows"));
    }
    let counts = [train.len(), valid.len(), test.len()];
    train.extend(valid);
    train.extend(test);
    Ok((train, counts))
}

/// How many of the table's `rows` the training, validation and test files have, where the split goes by
/// files. Validation and test files are counted by themselves; training has the rest.
pub(crate) fn rows(
    source: &DataSource,
    files: &Files,
    rows: usize,
    contents: &Contents,
    cx: &Context,
) -> Result<Option<[usize; 3]>, DataError> {
    let (SplitRule::Files(_), Some((name, pattern))) = (&source.split.rule, source.tables.first())
    else {
        return Ok(None);
    };
    let (_, [train, valid, _]) = of_table(source, pattern, cx)?;
    let all = files.get(name).map_or(&[][..], Vec::as_slice);
    let count = |files: &[PathBuf]| -> Result<usize, DataError> {
        if files.is_empty() {
            return Ok(0);
        }
        let tick = |rows| tick(cx, &format!("counting {name}"), rows, None);
        let types = source.types.iter().map(|(name, kind)| (name.clone(), *kind.get_ref()));
        // Nothing but the number of rows is asked for.
        let options = Options {
            missing: &source.missing,
            read: source.read_of(name),
            types: &types.collect(),
            settled: &Readings::default(),
            only: Some(&BTreeSet::new()),
            contents,
            tick: &tick,
        };
        let opened = open(files.to_vec(), &options).map_err(|error| error.at(pattern))?;
        Ok(usize::try_from(opened.rows).unwrap_or(usize::MAX))
    };
    let behind = all.get(train..).unwrap_or_default();
    let (valid, test) = behind.split_at(valid.min(behind.len()));
    let (valid, test) = (count(valid)?, count(test)?);
    Ok(Some([rows.saturating_sub(valid + test), valid, test]))
}

/// `rows` are how many rows the files of each side have, in the order of the table.
pub(super) fn sides(
    table: &Table,
    source: &DataSource,
    rule: &ByFiles,
    units: &[u64],
    rows: [usize; 3],
) -> Result<Vec<Side>, DataError> {
    if rows.iter().sum::<usize>() != table.rows {
        return Err(DataError::new(
            DataErrorKind::Changed,
            "the files have other rows than when they were counted",
        )
        .at(&rule.test));
    }
    let mut sides = Vec::with_capacity(table.rows);
    for (side, count) in Side::ALL.into_iter().zip(rows) {
        sides.extend(std::iter::repeat_n(side, count));
    }
    if rule.valid.is_none() {
        draw_valid(&mut sides, units, &source.split);
    }
    Ok(sides)
}
