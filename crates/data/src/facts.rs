//! Table metadata: schema, row counts, levels and digests, without the rows.

use std::collections::{BTreeMap, BTreeSet};

use collegium_digest::Digest;
use collegium_manifest::{ColumnType, ImageShape};
use serde::{Deserialize, Serialize};

use crate::{Column, DataError, MISSING_CODE, Remark, Side, Table, Unfit, Values, gather::Gather};

/// Everything that planning needs to know about a prepared table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableFacts {
    /// Rows.
    pub rows: u64,
    /// Columns, in the order of the table.
    pub columns: Vec<ColumnFacts>,
    /// Rows for training, validation and test; what is missing to `rows` is on no side.
    pub sides: [u64; 3],
    /// What a person should know about how the table was read.
    pub notes: Vec<String>,
    /// What a person who reads a column should know about how it was read, by column: where there is a
    /// query, by `table.column`, of those columns that it reads.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub remarks: BTreeMap<String, Remark>,
    /// Columns of the files that nothing must read as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unfit: Vec<Unfit>,
}

impl TableFacts {
    /// The facts of one column.
    pub fn column(&self, name: &str) -> Option<&ColumnFacts> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The columns that were left out of the table, in one short sentence.
    pub fn left_out(&self) -> Option<String> {
        const SHOWN: usize = 4;
        let out: Vec<&Unfit> = self.unfit.iter().filter(|unfit| !unfit.held).collect();
        let one = |unfit: &&Unfit| match unfit.name.as_str() {
            "" => unfit.what.clone(),
            name => format!("`{name}` ({})", unfit.what),
        };
        let shown: Vec<String> = out.iter().take(SHOWN).map(one).collect();
        let more = match out.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        match out.len() {
            0 => None,
            1 => {
                Some(format!("one column that nothing can read is left out: {}", shown.join(", ")))
            }
            many => Some(format!(
                "{many} columns that nothing can read are left out: {}{more}",
                shown.join(", ")
            )),
        }
    }
}

/// What is known about one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnFacts {
    /// As references spell it.
    pub name: String,
    /// Its type.
    pub kind: ColumnType,
    /// Missing values.
    pub missing: u64,
    /// The texts that occur, sorted; categories only.
    pub levels: Vec<String>,
    /// Nothing but 0, 1 and missing values (and one of the first two does occur), or a boolean.
    pub binary: bool,
    /// A number whose values are all whole.
    pub integer: bool,
    /// How SQL sees it in `derive`: a number that was made of integers (and not of floats that
    /// happen to be whole), or a time of nothing but dates, when that was settled.
    pub whole: bool,
    /// The shape of its images, if it holds images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageShape>,
    /// The columns that `images` gathered its pixels from, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pixels: Vec<String>,
    /// Content of all rows.
    pub digest: Digest,
    /// Content of the training rows.
    pub train: Digest,
    /// Content of the validation rows.
    pub valid: Digest,
}

/// The facts of a table with its split. `whole` are the columns of integers and of dates, `gathers`
/// the images that columns made; `tick` is told how many columns are done and may stop the work.
pub(crate) fn facts(
    table: &Table,
    whole: &BTreeSet<String>,
    gathers: &[Gather],
    sides: &[Side],
    notes: Vec<String>,
    tick: &dyn Fn(u64) -> Result<(), DataError>,
) -> Result<TableFacts, DataError> {
    let all: Vec<u32> = (0..table.rows as u32).collect();
    let rows_of = |side: Side| -> Vec<u32> {
        all.iter().copied().filter(|&row| sides[row as usize] == side).collect()
    };
    let (train, valid) = (rows_of(Side::Train), rows_of(Side::Valid));
    let mut columns = Vec::with_capacity(table.columns.len());
    for column in &table.columns {
        tick(columns.len() as u64)?;
        let summary = Summary::of(column);
        columns.push(ColumnFacts {
            name: column.name.clone(),
            kind: column.kind(),
            missing: summary.missing,
            levels: summary.levels,
            binary: summary.binary,
            integer: summary.integer,
            whole: whole.contains(&column.name),
            image: column.values.shape(),
            pixels: gathers
                .iter()
                .find(|gather| gather.name == column.name)
                .map_or_else(Vec::new, |gather| gather.columns.clone()),
            digest: column.digest(&all),
            train: column.digest(&train),
            valid: column.digest(&valid),
        });
    }
    let counts = [train.len() as u64, valid.len() as u64, rows_of(Side::Test).len() as u64];
    let rows = table.rows as u64;
    Ok(TableFacts {
        rows,
        columns,
        sides: counts,
        notes,
        remarks: BTreeMap::new(),
        unfit: Vec::new(),
    })
}

struct Summary {
    missing: u64,
    levels: Vec<String>,
    binary: bool,
    integer: bool,
}

impl Summary {
    fn of(column: &Column) -> Self {
        let missing = (0..column.len()).filter(|&row| column.is_missing(row)).count();
        let present = missing < column.len();
        let (mut levels, mut binary, mut integer) = (Vec::new(), false, false);
        match &column.values {
            Values::Number(values) => {
                let known = || values.iter().filter(|value| !value.is_nan());
                binary = present && known().all(|value| *value == 0.0 || *value == 1.0);
                integer = present && known().all(|value| value.fract() == 0.0);
            }
            Values::Boolean(_) => binary = true,
            Values::Category { codes, levels: texts } => {
                let mut seen = vec![false; texts.len()];
                for &code in codes.iter().filter(|&&code| code != MISSING_CODE) {
                    seen[code as usize] = true;
                }
                levels = texts
                    .iter()
                    .zip(seen)
                    .filter(|(_, seen)| *seen)
                    .map(|(t, _)| t.clone())
                    .collect();
                levels.sort_unstable();
            }
            Values::Time(_) | Values::Image { .. } => {}
        }
        Self { missing: missing as u64, levels, binary, integer }
    }
}
