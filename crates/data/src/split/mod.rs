//! Train, validation and test split: which side a row falls on.
//!
//! A row's side is a keyed hash of its identity ([`crate::identity`]), cut at the shares: it depends on
//! no other row, so appending, sorting and adding a column move nothing, and equal rows share a side.
//! `by` names the columns of a key instead and so keeps groups whole; without it the identity is the
//! content of the columns that were there at the first run, which the lock keeps.
//!
//! `stratify` needs the shares to hold *within* each stratum, which no hash of a single row can do by
//! itself. So the rows of the first run say where each stratum is cut, and the lock keeps these cuts: a
//! later row is held against them and moves none.
//!
//! Rotations (`evaluate.rotate`) are other deals of the same rows.

mod column;
pub(crate) mod files;
mod rotation;
mod strata;
mod stretches;
pub(crate) mod time;

use collegium_manifest::{ColumnType, DataSource, Spanned, Split, SplitRule, ValidRows};
use collegium_records::Settled;

use crate::{
    Column, DataError, DataErrorKind, Side, Table,
    error::choices,
    identity::{self, keyed, mix},
    read::Style,
};

/// The rows of a table with their identity, side and group.
pub(crate) struct Dealt {
    /// The side of every row.
    pub(crate) sides: Vec<Side>,
    /// The identity of every row, by content.
    pub(crate) identities: Vec<u64>,
    /// The group of every row, by `by`.
    pub(crate) groups: Option<Vec<u64>>,
    /// What a person should know about it.
    pub(crate) notes: Vec<String>,
}

/// Deals the rows to the sides; what was not settled before is settled now. `files` are the rows of each
/// side's own files, where the split goes by files.
pub(crate) fn deal(
    table: &Table,
    source: &DataSource,
    settled: &mut Settled,
    files: Option<[usize; 3]>,
) -> Result<Dealt, DataError> {
    let split = &source.split;
    let mut notes = Vec::new();
    let style = Style::of(source.read_of_rows());
    let identities = identify(table, source, settled, &mut notes);
    let by = columns(table, &split.by)?;
    let groups = match by.is_empty() {
        true => None,
        false => {
            let (groups, lone) = identity::groups(&by, &identities, &style);
            if lone > 0 {
                let names: Vec<&str> =
                    split.by.iter().map(|name| name.get_ref().as_str()).collect();
                notes.push(format!(
                    "{lone} of {} rows have no value in `{}` (`split.by`): each is a group of its own",
                    table.rows,
                    names.join("`, `")
                ));
            }
            Some(groups)
        }
    };
    let units = groups.as_ref().unwrap_or(&identities);
    let sides = match (&split.rule, &split.stratify, &split.rotation) {
        (SplitRule::Column(rule), _, _) => column::sides(table, source, rule, units, &mut notes)?,
        (SplitRule::Files(rule), _, _) => {
            files::sides(table, source, rule, units, files.unwrap_or_default())?
        }
        (SplitRule::Time(rule), _, _) => {
            time::sides(table, source, rule, units, &mut settled.sides, &mut notes)?
        }
        (SplitRule::Shares, stratify, Some(rotation)) => {
            // Beside `by` strata have no effect here either.
            let strata = stratify.as_ref().filter(|_| groups.is_none());
            let strata = strata.map(|name| column(table, name)).transpose()?;
            let strata = strata.map(|column| strata::cells(column, &style));
            rotation::sides(units, strata.as_deref(), split, rotation)?
        }
        (SplitRule::Shares, Some(name), None) => {
            let column = column(table, name)?;
            if column.kind() == ColumnType::Image {
                let message = format!("`stratify` names `{}`, a column of images", column.name);
                return Err(DataError::new(DataErrorKind::Sides, message)
                    .at(name)
                    .help("stratify by a column of labels, whose values recur"));
            }
            if groups.is_some() {
                notes.push(
                    "`stratify` has no effect beside `by`: a group falls whole on the side that its \
                     key says"
                        .to_owned(),
                );
                hashed(units, split)
            } else {
                strata::sides(column, units, split, &style, settled)
            }
        }
        (SplitRule::Shares, None, None) => hashed(units, split),
    };
    check(&sides, source)?;
    if let Some(rotation) = &split.rotation {
        rotation::check(&sides, rotation)?;
    }
    Ok(Dealt { sides, identities, groups, notes })
}

/// The identity of every row. The columns that make it up are settled at the first run; one that has
/// gone since leaves the others, and every row is another.
fn identify(
    table: &Table,
    source: &DataSource,
    settled: &mut Settled,
    notes: &mut Vec<String>,
) -> Vec<u64> {
    // Derived columns follow from the others.
    let given = || table.columns.iter().filter(|column| !source.derive.contains_key(&column.name));
    let known = |name: &String| given().any(|column| column.name == *name);
    let gone: Vec<String> =
        settled.identity.iter().filter(|name| !known(name)).map(|n| format!("`{n}`")).collect();
    if !gone.is_empty() {
        if source.split.by.is_empty() {
            notes.push(format!(
                "the split was drawn anew: rows are told apart by their content, and {} {} gone since \
                 the first run; name a key in `split.by`, so that no column moves a row",
                gone.join(", "),
                if gone.len() == 1 { "is" } else { "are" }
            ));
        }
        settled.identity.retain(|name| known(name));
    }
    if settled.identity.is_empty() {
        settled.identity = given().map(|column| column.name.clone()).collect();
        settled.identity.sort();
    }
    let columns: Vec<&Column> = given()
        .filter(|column| settled.identity.contains(&column.name))
        .map(|column| &**column)
        .collect();
    identity::identities(table.rows, &columns, &Style::of(source.read_of_rows()))
}

pub(crate) fn columns<'a>(
    table: &'a Table,
    names: &[Spanned<String>],
) -> Result<Vec<&'a Column>, DataError> {
    names.iter().map(|name| column(table, name)).collect()
}

fn column<'a>(table: &'a Table, name: &Spanned<String>) -> Result<&'a Column, DataError> {
    table.column(name.get_ref()).map(|column| &**column).ok_or_else(|| {
        let message = format!("the split names a column `{}` that does not exist", name.get_ref());
        DataError::new(DataErrorKind::UnknownColumn, message).at(name).maybe_help(choices(
            name.get_ref(),
            table.names(),
            "the columns are",
        ))
    })
}

fn hashed(units: &[u64], split: &Split) -> Vec<Side> {
    let key = keyed("split", split.seed);
    let cuts = [split.train, split.train + split.valid].map(point_of);
    units.iter().map(|unit| side_of(mix(key ^ unit) >> 11, cuts, split)).collect()
}

/// Lets a share of the training rows validate instead, dealt by identity or group.
fn draw_valid(sides: &mut [Side], units: &[u64], split: &Split) {
    let valid = split.valid;
    if valid <= 0.0 {
        return;
    }
    let shares = Split { train: 1.0 - valid, valid, test: 0.0, ..split.clone() };
    for (side, drawn) in sides.iter_mut().zip(hashed(units, &shares)) {
        if *side == Side::Train {
            *side = drawn;
        }
    }
}

/// A share as a number of 53 bits, as hashes are compared.
fn point_of(share: f64) -> u64 {
    (share * (1u64 << 53) as f64) as u64
}

/// The side of a point of 53 bits, cut where validation and where test rows begin.
fn side_of(point: u64, [valid, test]: [u64; 2], split: &Split) -> Side {
    if point < valid {
        Side::Train
    } else if split.valid > 0.0 && (point < test || split.test <= 0.0) {
        Side::Valid
    } else if split.test > 0.0 {
        Side::Test
    } else {
        Side::Train
    }
}

/// A side that was asked for and is empty is an error now, rather than a puzzle later.
fn check(sides: &[Side], source: &DataSource) -> Result<(), DataError> {
    let split = &source.split;
    let count = |side: Side| sides.iter().filter(|&&s| s == side).count();
    for (side, wanted) in Side::ALL.into_iter().zip(wanted(split)) {
        if wanted && count(side) == 0 {
            let [train, valid, test] = Side::ALL.map(count);
            let message = format!(
                "the split leaves no {} rows: of {} rows {train} are for training, {valid} for \
                 validation and {test} for testing",
                side.name(),
                sides.len()
            );
            let place = match (split.column(), split.by.first()) {
                (Some(column), _) => column,
                (None, Some(by)) => by,
                (None, None) => &source.name,
            };
            return Err(DataError::new(DataErrorKind::EmptySide, message)
                .at(place)
                .help(way_out(side, split)));
        }
    }
    Ok(())
}

/// Which sides must have rows.
fn wanted(split: &Split) -> [bool; 3] {
    let (drawn, tested) = (split.valid > 0.0, split.test > 0.0);
    match &split.rule {
        SplitRule::Shares => [true, drawn, tested],
        SplitRule::Column(rule) => {
            let valid = match &rule.valid {
                ValidRows::Values(values) => !values.is_empty(),
                ValidRows::Drawn | ValidRows::Found => drawn,
            };
            [true, valid, !rule.test.is_empty()]
        }
        SplitRule::Files(rule) => [true, rule.valid.is_some() || drawn, true],
        SplitRule::Time(rule) => {
            [true, rule.valid_from.is_some() || drawn, rule.test_from.is_some() || tested]
        }
    }
}

fn way_out(side: Side, split: &Split) -> String {
    let name = side.name();
    match &split.rule {
        SplitRule::Column(_) => {
            format!("list the values of the column that mean it, or say that there are none: `{name} = []`")
        }
        SplitRule::Time(rule) if rule.hold_groups => {
            "rows whose group and time disagree are on no side: leave `hold_groups` away, or move the \
             dates"
                .to_owned()
        }
        SplitRule::Time(_) => "move the dates, or shorten the `gap`".to_owned(),
        SplitRule::Files(_) => "give the files more rows".to_owned(),
        SplitRule::Shares if split.by.is_empty() => {
            format!("give the data source more rows, or `{name}` a larger share")
        }
        SplitRule::Shares => format!(
            "rows that agree on `by` stay together: split by columns with more values, or give \
             `{name}` a larger share"
        ),
    }
}
