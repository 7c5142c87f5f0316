//! Data leakage between the sides of a split, checked by `check`: groups, duplicates, time.
//!
//! None of it is an error. Rows of the same patient, house or day on two sides, rows that are there twice,
//! and rows dealt at random although they follow each other in time: each lets a model meet in the test
//! what it has learned by heart.

use std::collections::{BTreeSet, HashMap, HashSet, hash_map::Entry};

use collegium_data::{Side, row_identities};
use collegium_digest::Hasher;
use collegium_manifest::{ColumnType, Diagnostic, Diagnostics, Input, SplitRule};
use collegium_records::Code;
use collegium_table::Values;

use crate::{EngineError, NodeRef, Session, error::data_error, rows::Rows};

/// Rows that agree on a measurement with fractions are copies. Where an expert reads whole numbers and
/// categories alone, rows are equal by chance too, and copies only if so many of its training rows differ.
const MOSTLY_DISTINCT: f64 = 0.5;

impl Session {
    /// Warnings about the sides of every data source.
    ///
    /// # Errors
    /// [`EngineError::Store`], or data that cannot be read.
    pub fn split_warnings(&self) -> Result<Diagnostics, EngineError> {
        let mut found = Vec::new();
        for data in self.data.keys() {
            found.extend(self.dealt_at_random(data));
            found.extend(self.groups_on_two_sides(data)?);
            found.extend(self.rows_on_two_sides(data)?);
        }
        Ok(Diagnostics(found))
    }

    /// Advice about the identity of rows, in words.
    ///
    /// # Errors
    /// As [`Session::split_warnings`].
    pub fn key_advice(&self) -> Result<Vec<String>, EngineError> {
        let mut notes = Vec::new();
        for (name, prepared) in self.data.iter() {
            let split = &self.pipeline.data[name].split;
            // Where nothing is dealt, nothing depends on what identifies a row.
            let dealt = matches!(split.rule, SplitRule::Shares);
            if !dealt || !split.by.is_empty() {
                continue;
            }
            let derived = &self.pipeline.data[name].derive;
            let named = prepared.facts.columns.iter().filter(|column| {
                is_key_name(&column.name)
                    && !derived.contains_key(&column.name)
                    && column.missing == 0
                    && (column.kind == ColumnType::Category || column.integer)
            });
            for facts in named {
                let unique = match facts.kind {
                    ColumnType::Category => facts.levels.len() as u64 == prepared.facts.rows,
                    _ => self.all_differ(name, &facts.name)?,
                };
                if unique {
                    notes.push(format!(
                        "data.{name}: a row is known by the content of all its columns, so an edited row \
                         may change sides; `{0}` looks like a key: `split = {{ by = [\"{0}\"] }}`",
                        facts.name
                    ));
                    break;
                }
            }
        }
        Ok(notes)
    }

    fn all_differ(&self, data: &str, column: &str) -> Result<bool, EngineError> {
        let table = self.data[data]
            .columns(&BTreeSet::from([column.to_owned()]))
            .map_err(|error| data_error(error, &self.pipeline.source))?;
        let Some(Values::Number(values)) = table.column(column).map(|column| &column.values) else {
            return Ok(false);
        };
        let mut seen = HashSet::with_capacity(values.len());
        Ok(values.iter().all(|value| seen.insert(value.to_bits())))
    }

    /// Rows that follow each other in time, dealt as if they did not.
    fn dealt_at_random(&self, data: &str) -> Option<Diagnostic> {
        let source = &self.pipeline.data[data];
        if !matches!(source.split.rule, SplitRule::Shares) {
            return None;
        }
        let columns = &self.data[data].facts.columns;
        let time = columns.iter().find(|column| column.kind == ColumnType::Time)?;
        if source.split.by.iter().any(|by| *by.get_ref() == time.name) {
            return None;
        }
        let message = format!(
            "rows of `{data}` are dealt at random, although `{}` gives their time",
            time.name
        );
        Some(
            Diagnostic::warning(Code::RandomSplitOfTimes, &self.pipeline.source, source.name.span(), message)
                .label("test rows lie between training rows")
                .help(format!(
                    "if the models are for times to come, train on the past: `split = {{ time = \"{}\" }}`",
                    time.name
                )),
        )
    }

    /// Groups of `by` with rows on the training and on the test side.
    fn groups_on_two_sides(&self, data: &str) -> Result<Option<Diagnostic>, EngineError> {
        let source = &self.pipeline.data[data];
        let split = &source.split;
        // Dealt by groups, a group is on one side.
        let whole = matches!(split.rule, SplitRule::Shares);
        let Some(by) = split.by.first().filter(|_| !whole) else { return Ok(None) };
        let wrong = |error| data_error(error, &self.pipeline.source);
        let prepared = &self.data[data];
        let Some(groups) = prepared.groups().map_err(wrong)? else { return Ok(None) };
        let sides = prepared.sides().map_err(wrong)?;
        let on = |side: Side| -> HashSet<u64> {
            let rows = sides.iter().zip(groups.iter()).filter(|(s, _)| **s == side);
            rows.map(|(_, group)| *group).collect()
        };
        let (train, test) = (on(Side::Train), on(Side::Test));
        let both = test.intersection(&train).count();
        if both == 0 {
            return Ok(None);
        }
        let names: Vec<&str> = split.by.iter().map(|by| by.get_ref().as_str()).collect();
        let help = match &split.rule {
            SplitRule::Time(_) => {
                "right, if the models are for later rows of the same groups; for new groups, add \
                 `hold_groups = true`"
            }
            _ => {
                "right, if the models are for the same groups; for new groups, give each group one \
                 side"
            }
        };
        let message = format!(
            "{both} of {} groups of test rows (`{}`) have training rows too",
            test.len(),
            names.join("`, `")
        );
        Ok(Some(
            Diagnostic::warning(Code::GroupsOnTwoSides, &self.pipeline.source, by.span(), message)
                .label("groups of these columns")
                .help(help),
        ))
    }

    /// Test rows that are, in all that an expert reads and predicts, copies of training rows.
    fn rows_on_two_sides(&self, data: &str) -> Result<Option<Diagnostic>, EngineError> {
        let mut most: Option<(u64, u64, usize)> = None;
        // Of many experts that read the same, once.
        let mut known = HashMap::new();
        for index in 0..self.resolved.len() {
            if self.node(index).declared().data != data {
                continue;
            }
            let read = (self.alike().rows(index), &self.node(index).resolved().raw);
            let copies = match known.entry(read) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(unknown) => *unknown.insert(self.node(index).copies()?),
            };
            let Some((copies, rows)) = copies else { continue };
            if copies > most.map_or(0, |(most, ..)| most) {
                most = Some((copies, rows, index));
            }
        }
        let Some((copies, rows, index)) = most else { return Ok(None) };
        let source = &self.pipeline.data[data];
        let message = format!(
            "{copies} of {rows} test rows of {} are copies of training rows, in all that it reads and \
             predicts",
            self.node(index).node_name()
        );
        Ok(Some(
            Diagnostic::warning(Code::RowsOnTwoSides, &self.pipeline.source, source.name.span(), message)
                .label("what it has learned by heart counts as held out")
                .help(
                    "if they are one thing measured twice, keep them together: name its key in `split.by`, or drop \
                     copies in `query` with `SELECT DISTINCT`",
                ),
        ))
    }
}

impl NodeRef<'_> {
    /// How many of an expert's test rows have a copy on the training side, and how many test rows there
    /// are; counted once for the content that it reads.
    fn copies(self) -> Result<Option<(u64, u64)>, EngineError> {
        let mut hasher = Hasher::new("copies");
        for side in [Side::Train, Side::Test] {
            hasher.digest(&self.session.rows_key(Rows::Side { expert: self.index, side }));
        }
        for input in self.resolved().raw.iter() {
            hasher.text(&input.to_string());
        }
        self.session.remembered("copies", &hasher.finish(), || self.count_copies())
    }

    fn count_copies(self) -> Result<Option<(u64, u64)>, EngineError> {
        let table = self.table()?;
        let names = self.resolved().raw.iter().filter_map(Input::column);
        let names = names.chain([self.declared().target.get_ref().as_str()]);
        let names: Vec<String> =
            names.filter(|name| table.column(name).is_some()).map(str::to_owned).collect();
        let data = &self.declared().data;
        let read = self.session.pipeline.data[data].read_of_rows();
        let Some(keys) = row_identities(&table, &names, read) else { return Ok(None) };
        let key = |row: u32| keys[row as usize];
        let train = self.session.rows(Rows::Side { expert: self.index, side: Side::Train })?;
        let test = self.session.rows(Rows::Side { expert: self.index, side: Side::Test })?;
        let known: HashSet<u64> = train.iter().map(|&row| key(row)).collect();
        let measured =
            names.iter().filter_map(|name| self.session.column_facts(data, name)).any(|facts| {
                facts.kind == ColumnType::Image
                    || facts.kind == ColumnType::Number && !facts.integer
            });
        if !measured && (known.len() as f64) < MOSTLY_DISTINCT * train.len() as f64 {
            return Ok(None);
        }
        let copies = test.iter().filter(|&&row| known.contains(&key(row))).count() as u64;
        Ok((copies > 0).then_some((copies, test.len() as u64)))
    }
}

/// `id`, `key`, `customer_id`, `CustomerID`.
fn is_key_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let words = ["id", "key", "uuid", "guid", "rowid", "row_id", "index"];
    words.contains(&lower.as_str())
        || lower.ends_with("_id")
        || lower.ends_with("_key")
        || lower.starts_with("id_")
        || name.ends_with("ID")
        || name.ends_with("Id")
}
