//! Row identity: a 64-bit hash of a row's cells, independent of all other rows.
//!
//! A row's side, its fold, and whether a model has seen it are asked of its *identity*: 64 bits that
//! depend on the values of some of its cells and on nothing else. Not on other rows, not on their
//! order, not on codes of categories, and not on the type that its column happens to have: one text
//! among numbers turns a whole column into texts, and no row may move for it. Each cell is therefore
//! hashed as what it means by itself: `7`, `7.0` and ` 007 ` are the number 7 in a column of numbers and
//! in a column of texts alike, and so is a 7 of a Parquet file.
//!
//! The mixing is that of MurmurHash3's 64-bit finaliser, which is a bijection: two rows of a table of a
//! million share an identity by chance with probability 3e-8, and then merely share a side. Rejected:
//! BLAKE3 for each row, which took a quarter of a second for a third of a million rows of 15 columns.

use collegium_digest::Hasher;
use collegium_manifest::{ReadOptions, Spanned};
use collegium_table::{canonical_bits, image};

use crate::{Column, Table, Values, cast::named_boolean, read::Style};

const MISSING: u64 = 0x6d69_7373_696e_6721;
const NUMBER: u64 = 0x4e75_6d62_6572_2121;
const BOOLEAN: u64 = 0x426f_6f6c_6561_6e21;
const TIME: u64 = 0x5469_6d65_2121_2121;
const TEXT: u64 = 0x5465_7874_2121_2121;

/// Mixes 64 bits so that each depends on all (MurmurHash3, `fmix64`).
pub(crate) const fn mix(mut bits: u64) -> u64 {
    bits ^= bits >> 33;
    bits = bits.wrapping_mul(0xff51_afd7_ed55_8ccd);
    bits ^= bits >> 33;
    bits = bits.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    bits ^ (bits >> 33)
}

/// The next of two hashes.
pub(crate) const fn then(before: u64, next: u64) -> u64 {
    mix(before.rotate_left(23) ^ mix(next))
}

/// A key for hashing, from a name and a seed.
pub(crate) fn keyed(purpose: &str, seed: u64) -> u64 {
    Hasher::new(purpose).count(seed).finish().as_u64()
}

/// Hashes of the cells of a column, one for each row.
pub(crate) struct Cells<'a> {
    column: &'a Column,
    /// Of categories: what each level means.
    levels: Vec<u64>,
}

impl<'a> Cells<'a> {
    pub(crate) fn new(column: &'a Column, style: &Style) -> Self {
        let levels = match &column.values {
            Values::Category { levels, .. } => {
                levels.iter().map(|text| meaning(text, style)).collect()
            }
            _ => Vec::new(),
        };
        Self { column, levels }
    }

    /// The cell of a row.
    pub(crate) fn at(&self, row: usize) -> u64 {
        if self.column.is_missing(row) {
            return MISSING;
        }
        match &self.column.values {
            Values::Number(values) => of_number(values[row]),
            Values::Boolean(values) => of_boolean(values[row]),
            Values::Time(values) => of_time(values[row]),
            Values::Category { codes, .. } => self.levels[codes[row] as usize],
            Values::Image { shape, pixels } => {
                Hasher::new("image").bytes(image(*shape, pixels, row)).finish().as_u64()
            }
        }
    }
}

fn of_number(value: f64) -> u64 {
    then(NUMBER, canonical_bits(value))
}

fn of_boolean(value: u8) -> u64 {
    then(BOOLEAN, u64::from(value))
}

fn of_time(microseconds: i64) -> u64 {
    then(TIME, microseconds as u64)
}

/// What a text means by itself: a number, a truth value, a time, else the text.
fn meaning(text: &str, style: &Style) -> u64 {
    let text = text.trim();
    if let Ok(value) = style.number(text) {
        of_number(value)
    } else if let Some(value) = named_boolean(text) {
        of_boolean(value)
    } else if let Some(at) = style.time(text) {
        of_time(at)
    } else {
        then(TEXT, Hasher::new("text").text(text).finish().as_u64())
    }
}

/// The identity of every row by the content of these columns, in the order of their names.
pub(crate) fn identities(rows: usize, columns: &[&Column], style: &Style) -> Vec<u64> {
    let mut columns = columns.to_vec();
    columns.sort_by(|a, b| a.name.cmp(&b.name));
    let mut found = vec![mix(columns.len() as u64); rows];
    for column in columns {
        let cells = Cells::new(column, style);
        for (row, identity) in found.iter_mut().enumerate() {
            *identity = then(*identity, cells.at(row));
        }
    }
    found
}

/// The identity of every row by these columns; `None` if the table lacks one of them. `read` says how
/// the data source writes numbers and times in texts.
pub fn row_identities(table: &Table, columns: &[String], read: &ReadOptions) -> Option<Vec<u64>> {
    let columns: Option<Vec<&Column>> =
        columns.iter().map(|name| table.column(name).map(|column| &**column)).collect();
    Some(identities(table.rows, &columns?, &Style::of(read)))
}

/// The group of every row by the columns of a key, and how many rows miss it. A row that misses a
/// part of its key belongs to nobody: it is a group of its own, by its content.
pub(crate) fn groups(key: &[&Column], identities: &[u64], style: &Style) -> (Vec<u64>, u64) {
    let mut groups = self::identities(identities.len(), key, style);
    let mut lone = 0;
    for (row, group) in groups.iter_mut().enumerate() {
        if key.iter().any(|column| column.is_missing(row)) {
            *group = then(MISSING, identities[row]);
            lone += 1;
        }
    }
    (groups, lone)
}

/// The group of every row by the columns of a key; `None` if the table lacks one of them. A row that misses
/// a part of its key is a group of its own, by its number: the table's first row has number `first`.
pub fn row_groups(
    table: &Table,
    key: &[String],
    read: &ReadOptions,
    first: u64,
) -> Option<Vec<u64>> {
    let columns: Option<Vec<&Column>> =
        key.iter().map(|name| table.column(name).map(|column| &**column)).collect();
    let numbers: Vec<u64> = (0..table.rows as u64).map(|row| mix(first + row)).collect();
    Some(groups(&columns?, &numbers, &Style::of(read)).0)
}

/// The time of every row as [`crate::Prepared::times`] has it; `None` if the table lacks the column, or it is no
/// column of times.
pub fn row_times(table: &Table, name: &Spanned<String>) -> Option<Vec<f64>> {
    crate::split::time::times(table, name).ok()
}

/// The first bytes of stored identities; the digit is the version of the form.
const MAGIC: &[u8; 8] = b"cg-rows1";

/// The object form: an eight-byte mark, then eight bytes per row, the least first.
pub fn identities_to_bytes(identities: &[u64]) -> Vec<u8> {
    let rows = identities.iter().flat_map(|identity| identity.to_le_bytes());
    MAGIC.iter().copied().chain(rows).collect()
}

/// `None` if these are not the bytes of stored identities.
pub fn identities_from_bytes(bytes: &[u8]) -> Option<Vec<u64>> {
    let (rows, rest) = bytes.strip_prefix(MAGIC)?.as_chunks::<8>();
    rest.is_empty().then(|| rows.iter().map(|row| u64::from_le_bytes(*row)).collect())
}

#[cfg(test)]
mod tests {
    use collegium_manifest::ColumnType;

    use super::*;
    use crate::cast::cast;

    fn plain() -> Style {
        Style::of(&ReadOptions::default())
    }

    #[test]
    fn a_number_with_a_decimal_comma_is_the_number_that_the_source_means() {
        let german = Style::of(&ReadOptions { decimal: ',', ..ReadOptions::default() });
        assert_eq!(meaning("12,5", &german), of_number(12.5));
        assert_ne!(meaning("12,5", &plain()), of_number(12.5));
    }

    fn column(name: &str, values: Values) -> Column {
        Column::new(name, values)
    }

    #[test]
    fn a_cell_is_the_same_whatever_type_its_column_has() {
        let typed = [
            Values::Number(vec![7.0, -0.5, f64::NAN, 1e15]),
            Values::Boolean(vec![1, 0, 2, 1]),
            Values::Time(vec![0, 86_400_000_000, i64::MIN, 61_000_000]),
        ];
        for values in typed {
            let texts = cast(values.clone(), ColumnType::Category).unwrap();
            let before = identities(4, &[&column("a", values)], &plain());
            assert_eq!(before, identities(4, &[&column("a", texts)], &plain()));
        }
    }

    #[test]
    fn what_is_written_in_another_way_is_the_same_cell() {
        for (a, b) in [("7", "7.0"), ("7", " 007 "), ("TRUE", "true"), ("-0", "0")] {
            assert_eq!(meaning(a, &plain()), meaning(b, &plain()), "{a} {b}");
        }
        for (a, b) in [("7", "8"), ("1", "true"), ("2013", "2013-01-01"), ("a", "A"), ("", "0")] {
            assert_ne!(meaning(a, &plain()), meaning(b, &plain()), "{a} {b}");
        }
    }

    #[test]
    fn every_column_and_its_place_count() {
        let a = column("a", Values::Number(vec![1.0, 2.0]));
        let b = column("b", Values::Number(vec![2.0, 1.0]));
        let found = identities(2, &[&a, &b], &plain());
        assert_ne!(found[0], found[1]);
        assert_eq!(
            found,
            identities(2, &[&b, &a], &plain()),
            "but not the order in which they stand"
        );
        assert_ne!(found, identities(2, &[&a], &plain()));
    }

    #[test]
    fn groups_of_rows_that_come_in_chunks_agree() {
        let codes = |codes: &[u32]| Values::Category {
            codes: codes.to_vec(),
            levels: vec!["A-1".to_owned(), "7".to_owned()],
        };
        let table = |column: Column| Table { rows: column.len(), columns: vec![column.into()] };
        let (key, read) = (["who".to_owned()], ReadOptions::default());
        let texts = table(column("who", codes(&[0, 1, u32::MAX, u32::MAX])));
        let first = row_groups(&texts, &key, &read, 0).expect("the column");
        let numbers = table(column("who", Values::Number(vec![7.0, f64::NAN])));
        let second = row_groups(&numbers, &key, &read, 4).expect("the column");
        assert_eq!(first[1], second[0], "a text that says a number is that number");
        let alone = [first[2], first[3], second[1]];
        assert!(alone.iter().all(|one| alone.iter().filter(|other| one == *other).count() == 1));
        assert_eq!(row_groups(&texts, &["else".to_owned()], &read, 0), None);
    }

    #[test]
    fn a_row_without_its_key_is_a_group_of_its_own() {
        let key = column("id", Values::Number(vec![1.0, f64::NAN, 1.0, f64::NAN]));
        let (groups, lone) = groups(&[&key], &[10, 11, 12, 13], &plain());
        assert_eq!(lone, 2);
        assert_eq!(groups[0], groups[2]);
        assert_ne!(groups[1], groups[3]);
    }

    #[test]
    fn stored_identities_read_back() {
        let rows = [0, 1, u64::MAX];
        assert_eq!(identities_from_bytes(&identities_to_bytes(&rows)).unwrap(), rows);
        assert_eq!(identities_from_bytes(b"cg-rows1abc"), None);
    }
}
