//! Formatting of one value of a column.

use collegium_records::three_digits;
use collegium_table::{Column, MISSING_TIME, Values};

/// Three significant digits, `true` or `false`, the category, a date; `None` if it is missing.
///
/// # Panics
/// If there is no such row.
pub(super) fn shown(column: &Column, row: usize) -> Option<String> {
    match &column.values {
        Values::Number(values) => {
            let value = values[row];
            (!value.is_nan()).then(|| match value.fract() == 0.0 && value.abs() < 1e6 {
                true => format!("{value:.0}"),
                false => three_digits(value),
            })
        }
        Values::Boolean(values) => match values[row] {
            0 => Some("false".to_owned()),
            1 => Some("true".to_owned()),
            _ => None,
        },
        Values::Category { codes, levels } => levels.get(codes[row] as usize).cloned(),
        Values::Image { shape, .. } => Some(format!("an image of {shape}")),
        Values::Time(values) => {
            (values[row] != MISSING_TIME).then(|| collegium_table::time::text(values[row]))
        }
    }
}
