//! Formatting of tables and numbers for people.

use std::io::IsTerminal as _;

use collegium_records::printable_line;
pub(crate) use collegium_records::three_digits as three;

pub(crate) use crate::screen::put;
use crate::screen::{DIM, PLAIN};

/// A sentence after a mark; on a terminal its lines are broken between words and indented.
pub(crate) fn sentence(mark: &str, text: &str) -> String {
    if !std::io::stdout().is_terminal() {
        return format!("{mark}{text}\n");
    }
    let indent = " ".repeat(mark.chars().count());
    let options = textwrap::Options::with_termwidth()
        .initial_indent(mark)
        .subsequent_indent(&indent)
        .break_words(false);
    format!("{}\n", textwrap::fill(text, options))
}

/// Rows with aligned columns; the first row is the head. Cells of the columns in `right` are
/// aligned to the right.
pub(crate) fn table(rows: &[Vec<String>], right: &[usize]) -> String {
    // A cell is one line, and as wide as it will be shown.
    let shown = |cells: &Vec<String>| -> Vec<String> {
        cells.iter().map(|cell| printable_line(cell).into_owned()).collect()
    };
    let rows: Vec<Vec<String>> = rows.iter().map(shown).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|c| c.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let gap = " ".repeat(widths[column] - cell.chars().count());
            match right.contains(&column) {
                true => line.push_str(&format!("{gap}{cell}  ")),
                false => line.push_str(&format!("{cell}{gap}  ")),
            }
        }
        let line = line.trim_end();
        if number == 0 {
            text.push_str(&format!("{DIM}{line}{PLAIN}\n"));
        } else {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// Seconds: `0.12 s`, `14 s`, `3 min 20 s`.
pub(crate) fn seconds(value: f64) -> String {
    if value < 10.0 {
        format!("{value:.2} s")
    } else if value < 90.0 {
        format!("{value:.0} s")
    } else {
        format!("{} min {:02} s", (value / 60.0) as u64, (value % 60.0) as u64)
    }
}

/// Bytes in binary units.
pub(crate) fn bytes(value: u64) -> String {
    let mut value = value as f64;
    for unit in ["B", "KiB", "MiB"] {
        if value < 1024.0 {
            return format!("{value:.0} {unit}");
        }
        value /= 1024.0;
    }
    format!("{value:.2} GiB")
}

/// `1 fit`, `2 fits`.
pub(crate) fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
