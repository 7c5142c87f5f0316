//! Split by time: training rows before validation rows before test rows.
//!
//! A row's side follows from its own time and from two dates. Dates that the file gives as shares are
//! found once, when the rows are first seen, and kept in the lock: rows that come later are test rows
//! until somebody moves the dates on.

use std::collections::BTreeMap;

use collegium_manifest::{ByTime, DataSource, Gap, Spanned};

use super::{column, hashed, stretches};
use crate::{DataError, DataErrorKind, Side, Table, Values, time as moments};

/// Under this key the lock says which settings its dates were found for.
const FOUND_FOR: &str = "found_for";

pub(super) fn sides(
    table: &Table,
    source: &DataSource,
    rule: &ByTime,
    units: &[u64],
    settled: &mut BTreeMap<String, String>,
    notes: &mut Vec<String>,
) -> Result<Vec<Side>, DataError> {
    let times = times(table, &rule.column)?;
    let dated = Dated::of(table, rule)?;
    let gap = dated.length("gap", rule.gap.as_ref(), rule)?;
    dated.length("block", rule.block.as_ref(), rule)?;
    let mut bounds = bounds(&times, source, rule, &dated, settled)?;
    // The declared split is never over: rows that come later are test rows.
    let mut end = f64::INFINITY;
    if let Some(rotation) = &source.split.rotation {
        let (valid, test, over) =
            stretches::forward(&times, [bounds.valid, bounds.test], rotation)?;
        (bounds.valid, bounds.test, end) = (valid, Some(test), over);
    }
    let mut gaps = 0;
    let mut timeless = 0;
    let mut sides: Vec<Side> = times
        .iter()
        .map(|&at| {
            if at.is_nan() {
                timeless += 1;
                return Side::None;
            }
            if at >= end {
                return Side::None;
            }
            let (side, next) = match (bounds.valid, bounds.test) {
                (_, Some(test)) if at >= test => (Side::Test, None),
                (Some(valid), next) if at >= valid => (Side::Valid, next),
                (valid, test) => (Side::Train, valid.or(test)),
            };
            // The gap before validation reaches over it where validation is shorter than the gap.
            let inside = |bound: Option<f64>| bound.is_some_and(|bound| at >= bound - gap);
            if inside(next) || side == Side::Train && inside(bounds.test) {
                gaps += 1;
                return Side::None;
            }
            side
        })
        .collect();
    let rows = table.rows;
    if timeless > 0 {
        let name = rule.column.get_ref();
        notes.push(format!("{timeless} of {rows} rows are on no side: they have no `{name}`"));
    }
    if let (true, Some(gap)) = (gaps > 0, &rule.gap) {
        let gap = gap.get_ref();
        notes.push(format!(
            "{gaps} of {rows} rows are on no side: they lie in the gap of {gap} before validation or test"
        ));
    }
    if rule.hold_groups {
        let mut apart = 0;
        for (side, group) in sides.iter_mut().zip(hashed(units, &source.split)) {
            if *side != Side::None && *side != group {
                (*side, apart) = (Side::None, apart + 1);
            }
        }
        notes.push(format!(
            "{apart} of {rows} rows are on no side: their group belongs to another side than their time \
             (`hold_groups`)"
        ));
    }
    *settled = bounds.settled;
    Ok(sides)
}

/// Every row's time: microseconds since 1970, or the number of a numeric column; NaN where it is missing.
/// Times count to the microsecond from 1684 to 2255, and a little more coarsely beyond.
pub(crate) fn times(table: &Table, name: &Spanned<String>) -> Result<Vec<f64>, DataError> {
    let column = column(table, name)?;
    match &column.values {
        Values::Time(values) => Ok((0..values.len())
            .map(|row| if column.is_missing(row) { f64::NAN } else { values[row] as f64 })
            .collect()),
        Values::Number(values) => Ok(values.clone()),
        _ => {
            let kind = column.kind().name();
            let first = (0..column.len()).find_map(|row| column.text(row)).unwrap_or_default();
            let message = format!(
                "`time` of `split` names `{}`, which is a {kind} and no time: its first value is `{first}`",
                column.name
            );
            Err(DataError::new(DataErrorKind::Sides, message).at(name).help(
                "name a column of dates such as 2013-07-01 or 2013-07-01 17:00, or of numbers such as \
                 years; say how other dates are written, e.g. `read = { date_format = \"%d/%m/%Y\" }`; a \
                 query can make one: `printf('%04d-%02d-%02d', year, month, day)`",
            ))
        }
    }
}

/// Is the column one of dates, or of numbers that stand for them?
struct Dated(bool);

impl Dated {
    fn of(table: &Table, rule: &ByTime) -> Result<Self, DataError> {
        let column = column(table, &rule.column)?;
        Ok(Self(matches!(column.values, Values::Time(_))))
    }

    /// A length of time in the column's unit; 0 for none.
    fn length(
        &self,
        key: &str,
        gap: Option<&Spanned<Gap>>,
        rule: &ByTime,
    ) -> Result<f64, DataError> {
        let Some(gap) = gap else { return Ok(0.0) };
        let name = rule.column.get_ref();
        let wrong = match (gap.get_ref(), self.0) {
            (Gap::Span { .. }, true) | (Gap::Number(_), false) => {
                return Ok(gap.get_ref().length());
            }
            (Gap::Number(number), true) => {
                format!("write a unit, such as `\"{number} days\"`: `{name}` holds dates")
            }
            (Gap::Span { .. }, false) => {
                format!("write a number: `{name}` holds numbers, and the {key} is in their unit")
            }
        };
        let message = format!("`{key}` does not go with the column `{name}`");
        Err(DataError::new(DataErrorKind::Sides, message).at(gap).help(wrong))
    }

    fn read(&self, text: &str) -> Option<f64> {
        match self.0 {
            true => moments::parse(text).map(|at| at as f64),
            false => text.parse::<f64>().ok().filter(|number| number.is_finite()),
        }
    }

    fn text(&self, at: f64) -> String {
        match self.0 {
            true => moments::full_text(at as i64),
            false => at.to_string(),
        }
    }

    /// A date of the file.
    fn given(&self, key: &str, from: &Spanned<String>) -> Result<f64, DataError> {
        self.read(from.get_ref()).ok_or_else(|| {
            let what = if self.0 { "a date" } else { "a number" };
            let message = format!("`{key}` must be {what}, not `{}`", from.get_ref());
            DataError::new(DataErrorKind::Sides, message).at(from).help(match self.0 {
                true => "write it as 2013-07-01 or 2013-07-01 17:00 (UTC)",
                false => "`time` names a column of numbers",
            })
        })
    }
}

/// Where validation and test begin; `None`: never.
struct Bounds {
    valid: Option<f64>,
    test: Option<f64>,
    settled: BTreeMap<String, String>,
}

fn bounds(
    times: &[f64],
    source: &DataSource,
    rule: &ByTime,
    dated: &Dated,
    settled: &BTreeMap<String, String>,
) -> Result<Bounds, DataError> {
    let split = &source.split;
    let share = |from: &Option<Spanned<String>>, share: f64| from.is_none() && share > 0.0;
    let (valid, test) = (share(&rule.valid_from, split.valid), share(&rule.test_from, split.test));
    let mut found_for = vec![rule.column.get_ref().clone()];
    found_for.extend(valid.then(|| format!("valid {}", split.valid)));
    found_for.extend(test.then(|| format!("test {}", split.test)));
    let found_for = found_for.join(", ");
    // Dates that were found for other shares say nothing about these.
    let known = |key: &str| {
        let kept = settled.get(FOUND_FOR) == Some(&found_for);
        settled.get(key).filter(|_| kept).and_then(|text| dated.read(text))
    };
    let mut sorted: Vec<f64> = times.iter().copied().filter(|at| !at.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    let mut keep = BTreeMap::new();
    let mut bound = |key: &str, from: &Option<Spanned<String>>, share: f64, end: Option<f64>| {
        if let Some(from) = from {
            return dated.given(key, from).map(Some);
        }
        if share <= 0.0 {
            return Ok(None);
        }
        let at = known(key).or_else(|| {
            // Ties stay together: all rows of the boundary's own time are behind it.
            let before = end.map_or(sorted.len(), |end| sorted.partition_point(|at| *at < end));
            let count = ((share * sorted.len() as f64).round() as usize).max(1);
            before.checked_sub(count).and_then(|at| sorted.get(at).copied())
        });
        keep.extend(at.map(|at| (key.to_owned(), dated.text(at))));
        Ok(at)
    };
    let test = bound("test_from", &rule.test_from, split.test, None)?;
    let valid = bound("valid_from", &rule.valid_from, split.valid, test)?;
    if let (Some(valid_at), Some(test_at)) = (valid, test)
        && valid_at >= test_at
        && (rule.valid_from.is_some() || rule.test_from.is_some())
    {
        let place = rule.valid_from.as_ref().or(rule.test_from.as_ref()).unwrap_or(&rule.column);
        let message = format!(
            "validation begins {} and the test {}: validation must come first",
            dated.text(valid_at),
            dated.text(test_at)
        );
        return Err(DataError::new(DataErrorKind::EmptySide, message)
            .at(place)
            .help("training, validation and test follow each other in time"));
    }
    if !keep.is_empty() {
        keep.insert(FOUND_FOR.to_owned(), found_for);
    }
    Ok(Bounds { valid, test, settled: keep })
}
