//! Which side of the split a row falls on.
//!
//! By default a row's side is a keyed hash of its own content, cut at the shares: it depends on no
//! other row, so appending and reordering move nothing, and equal rows share a side. `by` hashes
//! some columns instead and so keeps groups whole.
//!
//! `stratify` is different in kind: no hash of a single row can hold the shares *within* each
//! stratum. Rows (or groups, in the order of their first row) are dealt out in permuted blocks of
//! 20 per stratum. Appending rows still moves none, but reordering does.

use std::collections::HashMap;

use collegium_digest::{Digest, Hasher, stream};
use collegium_manifest::{ColumnType, DataSource, Spanned, Split};
use rand::Rng as _;

use crate::{
    Column, DataError, DataErrorKind, Side, Table, Values,
    column::{canonical_bits, image},
    error::choices,
};

/// Rows of a permuted block.
const BLOCK: u64 = 20;

/// The side of every row.
pub(crate) fn sides(table: &Table, source: &DataSource) -> Result<Vec<Side>, DataError> {
    let split = &source.split;
    let seed = split.seed;
    let by = columns(table, &split.by)?;
    let sides = match &split.stratify {
        Some(name) => {
            let strata = column(table, name)?;
            if strata.kind() == ColumnType::Image {
                let message = format!("`stratify` names `{}`, a column of images", strata.name);
                return Err(DataError::new(DataErrorKind::WrongType, message)
                    .at(name)
                    .help("stratify by a column of labels, whose values recur"));
            }
            let units = if by.is_empty() { None } else { Some(&by[..]) };
            stratified(table.rows, strata, units, split, seed)
        }
        None if by.is_empty() => {
            // Derived columns follow from the others: adding one must not move any row.
            let mut content: Vec<&Column> = table
                .columns
                .iter()
                .map(|column| &**column)
                .filter(|column| !source.derive.contains_key(&column.name))
                .collect();
            content.sort_by(|a, b| a.name.cmp(&b.name));
            hashed(table.rows, &content, split, seed)
        }
        None => hashed(table.rows, &by, split, seed),
    };
    check(&sides, source)?;
    Ok(sides)
}

/// A hash of the `by` columns of every row: rows of one group have one hash.
pub(crate) fn groups(table: &Table, by: &[Spanned<String>]) -> Result<Vec<u64>, DataError> {
    let by = columns(table, by)?;
    let texts = Texts::new(&by);
    Ok((0..table.rows)
        .map(|row| {
            let mut hasher = Hasher::new("group");
            texts.feed(&mut hasher, row);
            hasher.finish().as_u64()
        })
        .collect())
}

fn columns<'a>(table: &'a Table, names: &[Spanned<String>]) -> Result<Vec<&'a Column>, DataError> {
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

/// Canonical content of rows, for hashing.
struct Texts<'a>(&'a [&'a Column]);

impl<'a> Texts<'a> {
    fn new(columns: &'a [&'a Column]) -> Self {
        Self(columns)
    }

    /// Names do not count, types and values do; codes of categories do not.
    fn feed(&self, hasher: &mut Hasher, row: usize) {
        for column in self.0 {
            match &column.values {
                _ if column.is_missing(row) => hasher.boolean(false),
                Values::Number(values) => hasher.count(canonical_bits(values[row])),
                Values::Boolean(values) => hasher.boolean(values[row] == 1).boolean(true),
                Values::Category { codes, levels } => hasher.text(&levels[codes[row] as usize]),
                Values::Time(values) => hasher.integer(values[row]),
                Values::Image { shape, pixels } => hasher.bytes(image(*shape, pixels, row)),
            };
        }
    }
}

fn hashed(rows: usize, columns: &[&Column], split: &Split, seed: u64) -> Vec<Side> {
    let texts = Texts::new(columns);
    let mut start = Hasher::new("split");
    start.count(seed);
    (0..rows)
        .map(|row| {
            let mut hasher = start.clone();
            texts.feed(&mut hasher, row);
            // 53 bits of the hash as a number in [0, 1).
            side_of((hasher.finish().as_u64() >> 11) as f64 / (1u64 << 53) as f64, split)
        })
        .collect()
}

fn side_of(point: f64, split: &Split) -> Side {
    if point < split.train {
        Side::Train
    } else if split.valid > 0.0 && (point < split.train + split.valid || split.test <= 0.0) {
        Side::Valid
    } else if split.test > 0.0 {
        Side::Test
    } else {
        Side::Train
    }
}

fn stratified(
    rows: usize,
    strata: &Column,
    by: Option<&[&Column]>,
    split: &Split,
    seed: u64,
) -> Vec<Side> {
    let mut dealers: HashMap<Option<String>, Dealer> = HashMap::new();
    let mut units: HashMap<Digest, Side> = HashMap::new();
    let mut deal = |row: usize| {
        let stratum = strata.text(row);
        let dealer =
            dealers.entry(stratum).or_insert_with_key(|s| Dealer::new(s.as_deref(), split, seed));
        dealer.deal()
    };
    (0..rows)
        .map(|row| match by {
            None => deal(row),
            Some(by) => {
                let mut hasher = Hasher::new("unit");
                Texts::new(by).feed(&mut hasher, row);
                *units.entry(hasher.finish()).or_insert_with(|| deal(row))
            }
        })
        .collect()
}

/// Deals sides to the units of one stratum, a block at a time.
struct Dealer {
    shares: [f64; 3],
    key: Digest,
    blocks: u64,
    dealt: [u64; 3],
    hand: Vec<Side>,
}

impl Dealer {
    fn new(stratum: Option<&str>, split: &Split, seed: u64) -> Self {
        let mut hasher = Hasher::new("stratum");
        hasher.count(seed).boolean(stratum.is_some()).text(stratum.unwrap_or_default());
        let shares = [split.train, split.valid, split.test];
        Self { shares, key: hasher.finish(), blocks: 0, dealt: [0; 3], hand: Vec::new() }
    }

    fn deal(&mut self) -> Side {
        if self.hand.is_empty() {
            self.shuffle();
        }
        self.hand.pop().unwrap_or(Side::Train)
    }

    /// The next block: as many of each side as bring the whole stratum closest to its shares.
    fn shuffle(&mut self) {
        self.blocks += 1;
        let due = |i: usize| self.shares[i] * (self.blocks * BLOCK) as f64 - self.dealt[i] as f64;
        let due = [due(0), due(1), due(2)];
        // A hair is added so that 0.15 · 20 counts as 3 whatever its last bit.
        let mut counts = due.map(|due| (due + 1e-9).floor().max(0.0) as u64);
        while counts.iter().sum::<u64>() < BLOCK {
            let short =
                |i: usize| if self.shares[i] > 0.0 { due[i] - counts[i] as f64 } else { -1e9 };
            let most = (0..3).max_by(|&a, &b| short(a).total_cmp(&short(b)).then(b.cmp(&a)));
            counts[most.unwrap_or(0)] += 1;
        }
        for (side, count) in Side::ALL.into_iter().zip(counts) {
            self.dealt[side as usize] += count;
            self.hand.extend(std::iter::repeat_n(side, count as usize));
        }
        let mut random = stream(&self.key, &format!("block {}", self.blocks));
        for last in (1..self.hand.len()).rev() {
            let other = random.next_u64() % (last as u64 + 1);
            self.hand.swap(last, other as usize);
        }
    }
}

/// A side that was asked for and is empty is an error now, rather than a puzzle later.
fn check(sides: &[Side], source: &DataSource) -> Result<(), DataError> {
    let split = &source.split;
    let count = |side: Side| sides.iter().filter(|&&s| s == side).count();
    for (side, share) in Side::ALL.into_iter().zip([split.train, split.valid, split.test]) {
        if share > 0.0 && count(side) == 0 {
            let [train, valid, test] = Side::ALL.map(count);
            let message = format!(
                "the split leaves no {} rows: of {} rows {train} are for training, {valid} for \
                 validation and {test} for testing",
                side.name(),
                sides.len()
            );
            let help = if split.by.is_empty() {
                format!("give the data source more rows, or `{}` a larger share", side.name())
            } else {
                format!(
                    "rows that agree on `by` stay together: split by columns with more values, or give \
                     `{}` a larger share",
                    side.name()
                )
            };
            let place = split.by.first().unwrap_or(&source.name);
            return Err(DataError::new(DataErrorKind::EmptySide, message).at(place).help(help));
        }
    }
    Ok(())
}
