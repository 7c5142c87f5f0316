//! Split by a column that names each row's side, as tables with a published split have it.
//!
//! Values are compared as the cells spell them, and numbers and truth values also by what they mean:
//! `1` is `1.0`, and `True` is `true`, whatever type the other cells give the column.

use std::collections::{BTreeMap, HashMap};

use collegium_manifest::{
    ByColumn, ColumnType, DataSource, Spanned, ValidRows, defaults::VALID_VALUES,
};

use super::{column, draw_valid};
use crate::{DataError, DataErrorKind, Side, Table, cast::named_boolean};

/// Values that are named in a message.
const NAMED: usize = 5;

pub(super) fn sides(
    table: &Table,
    source: &DataSource,
    rule: &ByColumn,
    units: &[u64],
    notes: &mut Vec<String>,
) -> Result<Vec<Side>, DataError> {
    let parts = column(table, &rule.column)?;
    if parts.kind() == ColumnType::Image {
        let message = format!("`column` of `split` names `{}`, a column of images", parts.name);
        return Err(DataError::new(DataErrorKind::Sides, message)
            .at(&rule.column)
            .help("name a column whose values say train, valid and test"));
    }
    let found = VALID_VALUES.map(|value| Spanned::new(rule.column.span(), value.to_owned()));
    let valid: &[Spanned<String>] = match &rule.valid {
        ValidRows::Values(values) => values,
        ValidRows::Drawn => &[],
        ValidRows::Found => &found,
    };
    let lists = [
        (Side::Train, &rule.train[..]),
        (Side::Test, &rule.test[..]),
        (Side::None, &rule.unused[..]),
        (Side::Valid, valid),
    ];
    let side_of = |text: &str| {
        let named = |(_, values): &&(Side, &[Spanned<String>])| {
            values.iter().any(|value| same(value.get_ref(), text))
        };
        lists.iter().find(named).map(|(side, _)| *side)
    };
    // One look per distinct text: a table has few parts and many rows.
    let mut known: HashMap<Option<String>, Option<Side>> = HashMap::new();
    let mut strangers: BTreeMap<Option<String>, u64> = BTreeMap::new();
    let mut sides = Vec::with_capacity(table.rows);
    for row in 0..table.rows {
        let text = parts.text(row);
        let side = *known
            .entry(text.clone())
            .or_insert_with(|| side_of(text.as_deref().unwrap_or_default()));
        if side.is_none() {
            *strangers.entry(text).or_insert(0) += 1;
        }
        sides.push(side.unwrap_or(Side::None));
    }
    if !strangers.is_empty() {
        return Err(unlisted(rule, &strangers));
    }
    let draws = match rule.valid {
        ValidRows::Values(_) => false,
        ValidRows::Drawn => true,
        ValidRows::Found => !sides.contains(&Side::Valid),
    };
    if draws {
        draw_valid(&mut sides, units, &source.split);
    }
    let unused = sides.iter().filter(|side| **side == Side::None).count();
    if unused > 0 {
        notes.push(format!(
            "{unused} of {} rows are on no side: `unused` names their `{}`",
            table.rows, parts.name
        ));
    }
    Ok(sides)
}

/// Do a listed value and a cell mean the same?
fn same(listed: &str, cell: &str) -> bool {
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
    listed == cell
        || number(listed).is_some_and(|a| number(cell) == Some(a))
        || named_boolean(listed).is_some_and(|a| named_boolean(cell) == Some(a))
}

fn unlisted(rule: &ByColumn, strangers: &BTreeMap<Option<String>, u64>) -> DataError {
    let rows: u64 = strangers.values().sum();
    let mut most: Vec<(&Option<String>, u64)> = strangers.iter().map(|(k, n)| (k, *n)).collect();
    most.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let named = |(value, count): &(&Option<String>, u64)| match value {
        Some(value) => format!("`{value}` ({count})"),
        None => format!("nothing ({count})"),
    };
    let mut values: Vec<String> = most.iter().take(NAMED).map(named).collect();
    if most.len() > NAMED {
        values.push(format!("{} more", most.len() - NAMED));
    }
    let message = format!(
        "no list of `split` names what `{}` holds in {rows} rows: {}",
        rule.column.get_ref(),
        values.join(", ")
    );
    let value = most.first().and_then(|(value, _)| value.as_deref()).unwrap_or_default();
    let help = format!(
        "put each value into `train`, `valid` or `test`, or leave its rows out: `unused = [\"{value}\"]`"
    );
    DataError::new(DataErrorKind::Sides, message).at(&rule.column).help(help)
}
