//! Declared slices (`audit.slices`): how they divide rows, and an expert measured on each part.
//!
//! A column means its levels, a number its quartiles on the expert's training rows: `audit` and `evaluate` cut
//! where those are, so that a part is the same people in both. Nothing here is an ingredient of a fit.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use collegium_data::{predicate_reads, select};
use collegium_digest::Digest;
use collegium_manifest::{ColumnType, Diagnostic, Slice, Spanned};
use collegium_probe::{
    Resampling, Sliced, quantile_cuts, sliced_classification, sliced_regression,
};
use collegium_records::{Code, DeclaredSlice, DeclaredSlices, FEWEST_SLICE_ROWS, SplitMeasures};
use collegium_table::{Column, Table, Values, time};

use crate::{
    EngineError, NodeRef, Session, error::data_error, evaluate::shift::ordered, measure::Predicted,
    rows::Rows,
};

/// Levels of a column that are parts; rows of others are counted.
const MOST_LEVELS: usize = 20;

/// A part that no row belongs to.
const NONE: u32 = u32::MAX;

/// A declared slice, and how it divides the rows of an expert.
#[derive(Debug, Clone)]
pub struct Slicing {
    /// As the pipeline file says it.
    declared: String,
    data: String,
    /// What the parts are called.
    parts: Vec<String>,
    how: How,
}

#[derive(Debug, Clone)]
enum How {
    /// By the text of the level; missing values are the last part.
    Levels {
        column: String,
        part: HashMap<String, u32>,
    },
    /// By ascending bounds; missing values are the last part.
    Bins {
        column: String,
        cuts: Vec<f64>,
    },
    Condition(Spanned<String>),
}

impl Session {
    /// The declared slices of a data source.
    pub fn slices_of<'s>(&'s self, data: &'s str) -> impl Iterator<Item = &'s Spanned<Slice>> {
        self.pipeline.audit.slices.iter().filter(move |slice| slice.get_ref().data == data)
    }

    /// The column that a slice is, if it is no condition.
    fn column_of<'s>(&self, slice: &'s Slice) -> Option<&'s str> {
        slice.column().filter(|column| self.column_facts(&slice.data, column).is_some())
    }

    /// The columns that a slice reads.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] at its place in the pipeline file.
    pub fn slice_reads(&self, slice: &Spanned<Slice>) -> Result<BTreeSet<String>, EngineError> {
        let Slice { data, text } = slice.get_ref();
        if let Some(column) = self.column_of(slice.get_ref()) {
            return Ok(BTreeSet::from([column.to_owned()]));
        }
        let condition = Spanned::new(slice.span(), text.clone());
        predicate_reads(&self.data[data].facts, data, &condition)
            .map_err(|error| data_error(error, &self.pipeline.source))
    }

    /// What the declared slices depend on beside an expert's outputs: their texts and the columns they read.
    ///
    /// # Errors
    /// As [`Self::slice_reads`].
    pub fn slices_digest(&self, data: &str) -> Result<Digest, EngineError> {
        let mut hasher = collegium_digest::Hasher::new("slices");
        for slice in self.slices_of(data) {
            hasher.text(&slice.get_ref().text);
            for column in self.slice_reads(slice)? {
                let digest = self.column_facts(data, &column).map(|facts| facts.digest);
                hasher.text(&column).digest(&digest.unwrap_or_else(|| Digest::of(b"")));
            }
        }
        Ok(hasher.finish())
    }

    /// Slices of columns that do not exist or have no parts, and conditions that are no SQL.
    pub(crate) fn wrong_slices(&self) -> Result<Vec<Diagnostic>, EngineError> {
        let mut wrong = Vec::new();
        for slice in &self.pipeline.audit.slices {
            let (data, span) = (&slice.get_ref().data, slice.span());
            if let Some(column) = slice.get_ref().column() {
                if let Some(unfit) = self.unfit(data, column, span.clone()) {
                    wrong.push(unfit);
                    continue;
                }
                match self.column_facts(data, column).map(|facts| facts.kind) {
                    Some(ColumnType::Image) => {
                        let message = format!("`{data}.{column}` is an image and has no levels");
                        wrong.push(
                            Diagnostic::error(
                                Code::NotAReference,
                                &self.pipeline.source,
                                span,
                                message,
                            )
                            .label("cannot be sliced")
                            .help("name a column of numbers, texts or booleans, or a condition on one"),
                        );
                        continue;
                    }
                    Some(_) => continue,
                    // A name by itself is no condition.
                    None if column.chars().all(|c| c.is_alphanumeric() || c == '_') => {
                        wrong.push(self.no_such_column(data, column, span));
                        continue;
                    }
                    None => {}
                }
            }
            let text = &slice.get_ref().text;
            match self.slice_reads(slice) {
                Err(EngineError::Invalid(found)) => {
                    wrong.extend(found.0.into_iter().map(|mut diagnostic| {
                        diagnostic
                            .place
                            .get_or_insert_with(|| (self.pipeline.source.clone(), span.clone()));
                        let asked = diagnostic.message.rsplit("no such column: ").next();
                        let column = asked.and_then(|name| name.rsplit('.').next());
                        let image = column.and_then(|column| self.image_of(data, column));
                        if let (Some(column), Some(image)) = (column, image) {
                            diagnostic.help = Some(format!(
                                "`{column}` is a pixel of the image `{image}`, which SQL cannot read"
                            ));
                        }
                        diagnostic
                    }));
                    continue;
                }
                Err(other) => return Err(other),
                Ok(reads) if reads.is_empty() => wrong.push(
                    Diagnostic::error(
                        Code::SqlRefused,
                        &self.pipeline.source,
                        span,
                        format!("`{text}` reads no column, so it is true of all rows or of none"),
                    )
                    .label("no column"),
                ),
                Ok(_) => {
                    let refused = self.data[data]
                        .refusal_of_sql(text, None)
                        .map_err(|error| data_error(error, &self.pipeline.source))?;
                    wrong.extend(refused.map(|error| {
                        Diagnostic::error(
                            error.code(),
                            &self.pipeline.source,
                            span,
                            error.to_string(),
                        )
                        .maybe_help(error.fault().help.clone())
                    }));
                }
            }
        }
        Ok(wrong)
    }
}

impl NodeRef<'_> {
    /// How the declared slices divide the rows of this expert's data source.
    ///
    /// # Errors
    /// [`EngineError::Lost`] and its kin, where the table cannot be read.
    pub fn slicings(self) -> Result<Vec<Slicing>, EngineError> {
        let data = &self.declared().data;
        let slices: Vec<&Spanned<Slice>> = self.session.slices_of(data).collect();
        if slices.is_empty() {
            return Ok(Vec::new());
        }
        let (table, rows) = (self.table()?, self.session.rows(Rows::Train { expert: self.index })?);
        let slicing = |slice: &Spanned<Slice>| -> Result<Slicing, EngineError> {
            let declared = slice.get_ref().text.clone();
            let (parts, how) = match self.session.column_of(slice.get_ref()) {
                None => {
                    let condition = Spanned::new(slice.span(), declared.clone());
                    (vec![declared.clone()], How::Condition(condition))
                }
                Some(name) => {
                    let column = table
                        .column(name)
                        .ok_or_else(|| EngineError::Internal(format!("column {name} has gone")))?;
                    parts_of(column, &rows, &declared)
                }
            };
            Ok(Slicing { declared, data: data.clone(), parts, how })
        };
        slices.into_iter().map(slicing).collect()
    }
}

/// The parts of a column as it is on training rows, and how rows are told apart.
fn parts_of(column: &Column, rows: &[u32], declared: &str) -> (Vec<String>, How) {
    let name = column.name.clone();
    let (mut parts, how) = match &column.values {
        Values::Boolean(_) | Values::Category { .. } => {
            let levels = levels(column, rows);
            let parts = levels.iter().map(|level| format!("{declared} = {level}")).collect();
            let part = levels.into_iter().zip(0..).collect();
            (parts, How::Levels { column: name, part })
        }
        values => {
            let cuts = quartiles(values, rows);
            let shown = |cut: &f64| match values {
                Values::Time(_) => time::text(*cut as i64),
                _ => cut.to_string(),
            };
            let mut parts: Vec<String> = Vec::new();
            for (at, cut) in cuts.iter().enumerate() {
                let below = at.checked_sub(1).map(|at| format!("{} < ", shown(&cuts[at])));
                parts.push(format!("{}{declared} <= {}", below.unwrap_or_default(), shown(cut)));
            }
            parts.push(match cuts.last() {
                Some(last) => format!("{declared} > {}", shown(last)),
                None => format!("{declared} known"),
            });
            (parts, How::Bins { column: name, cuts })
        }
    };
    parts.push(format!("{declared} missing"));
    (parts, how)
}

/// The levels of training rows, most frequent first; of equally frequent ones in the order of their texts.
fn levels(column: &Column, rows: &[u32]) -> Vec<String> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut by_code: HashMap<u32, u64> = HashMap::new();
    match &column.values {
        Values::Category { codes, levels } => {
            rows.iter().for_each(|&row| *by_code.entry(codes[row as usize]).or_default() += 1);
            for (code, rows) in by_code {
                if let Some(text) = levels.get(code as usize) {
                    *counts.entry(text.clone()).or_default() += rows;
                }
            }
        }
        _ => {
            let texts = rows.iter().filter_map(|&row| column.text(row as usize));
            texts.for_each(|text| *counts.entry(text).or_default() += 1);
        }
    }
    let mut levels: Vec<(String, u64)> = counts.into_iter().collect();
    // Stable, so that ties stay sorted by text.
    levels.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
    levels.into_iter().take(MOST_LEVELS).map(|(text, _)| text).collect()
}

/// The quartiles of training rows, ascending, each a value that occurs; of at most four different values all but the last.
fn quartiles(values: &Values, rows: &[u32]) -> Vec<f64> {
    let mut sorted: Vec<f64> =
        rows.iter().map(|&row| ordered(values, row as usize)).filter(|v| !v.is_nan()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let mut distinct: Vec<f64> = Vec::new();
    for value in &sorted {
        if distinct.last() != Some(value) {
            distinct.push(*value);
        }
        if distinct.len() > 4 {
            break;
        }
    }
    if distinct.len() > 4 {
        return quantile_cuts(&sorted, 4);
    }
    // Nothing lies above the largest.
    distinct.pop();
    distinct
}

impl Slicing {
    /// As the pipeline file says it.
    pub fn declared(&self) -> &str {
        &self.declared
    }

    /// The part of each row of a table that has the columns it reads.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] for a condition that cannot be computed.
    pub fn divide(&self, session: &Session, table: &Table) -> Result<Vec<u32>, EngineError> {
        let missing = self.parts.len() as u32 - 1;
        let gone = |name: &str| EngineError::Internal(format!("column {name} has gone"));
        Ok(match &self.how {
            How::Condition(condition) => {
                let facts = &session.data[&self.data].facts;
                let holds = select(table, facts, &self.data, condition)
                    .map_err(|error| data_error(error, &session.pipeline.source))?;
                holds.into_iter().map(|holds| if holds { 0 } else { NONE }).collect()
            }
            How::Levels { column, part } => {
                let column = table.column(column).ok_or_else(|| gone(column))?;
                let of_text = |text: Option<String>| match text {
                    Some(text) => part.get(&text).copied().unwrap_or(NONE),
                    None => missing,
                };
                match &column.values {
                    Values::Category { codes, levels } => {
                        let known: Vec<u32> =
                            levels.iter().map(|text| of_text(Some(text.clone()))).collect();
                        let of = |code: &u32| known.get(*code as usize).copied().unwrap_or(missing);
                        codes.iter().map(of).collect()
                    }
                    _ => (0..table.rows).map(|row| of_text(column.text(row))).collect(),
                }
            }
            How::Bins { column, cuts } => {
                let column = table.column(column).ok_or_else(|| gone(column))?;
                let of = |row| match ordered(&column.values, row) {
                    value if value.is_nan() => missing,
                    value => cuts.partition_point(|cut| *cut < value) as u32,
                };
                (0..table.rows).map(of).collect()
            }
        })
    }
}

/// An expert on every part of some rows. `parts` are of these rows, slice by slice.
pub fn on_slices(
    slicings: &[Slicing],
    parts: &[Vec<u32>],
    predicted: &Predicted,
    how: Resampling,
) -> DeclaredSlices {
    let rows = predicted.rows();
    let (mut slices, mut notes) = (Vec::new(), Vec::new());
    for (slicing, of) in slicings.iter().zip(parts) {
        let condition = matches!(slicing.how, How::Condition(_));
        let outside = of.iter().filter(|part| **part == NONE).count();
        if outside > 0 && !condition {
            notes.push(format!(
                "`{}`: {outside} rows hold levels that are not among the {} of training rows that are \
                 measured, and are in no slice",
                slicing.declared,
                slicing.parts.len() - 1
            ));
        }
        for (at, name) in slicing.parts.iter().enumerate() {
            let inside: Vec<bool> = of.iter().map(|part| *part as usize == at).collect();
            let count = inside.iter().filter(|inside| **inside).count() as u64;
            if count == 0 && !condition && at + 1 == slicing.parts.len() {
                // Nothing is missing.
                continue;
            }
            let Sliced { measures, mut differences } = match count < FEWEST_SLICE_ROWS {
                true => Sliced {
                    measures: SplitMeasures {
                        rows: count,
                        groups: how
                            .groups
                            .and_then(|groups| groups.only(&inside))
                            .map(|groups| groups.count() as u64),
                        ..SplitMeasures::default()
                    },
                    differences: BTreeMap::new(),
                },
                false => measured(predicted, &inside, how),
            };
            if rows - count < FEWEST_SLICE_ROWS {
                differences.clear();
            }
            slices.push(DeclaredSlice {
                declared: slicing.declared.clone(),
                slice: name.clone(),
                measures,
                differences,
            });
        }
    }
    let groups = how.groups.map(|groups| groups.count() as u64);
    DeclaredSlices { rows, groups, slices, notes }
}

fn measured(predicted: &Predicted, inside: &[bool], how: Resampling) -> Sliced {
    match predicted {
        Predicted::Classes { probability, width, labels, classes } => {
            sliced_classification(probability, *width, labels, *classes, inside, how)
        }
        Predicted::Values { predicted, truth } => sliced_regression(predicted, truth, inside, how),
    }
}
