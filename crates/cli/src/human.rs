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
/// aligned to the right. On a terminal a table is no wider than that: texts go on in a next line.
pub(crate) fn table(rows: &[Vec<String>], right: &[usize]) -> String {
    let most = if std::io::stdout().is_terminal() { textwrap::termwidth() } else { usize::MAX };
    table_within(rows, right, most)
}

/// The same, no wider than `most` if the words allow it.
fn table_within(rows: &[Vec<String>], right: &[usize], most: usize) -> String {
    // A cell is one line, and as wide as it will be shown.
    let shown = |cells: &Vec<String>| -> Vec<String> {
        cells.iter().map(|cell| printable_line(cell).into_owned()).collect()
    };
    let rows: Vec<Vec<String>> = rows.iter().map(shown).collect();
    let widths = widths(&rows, right, most);
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        let cells: Vec<Vec<String>> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| match length(cell) > *width {
                true => textwrap::wrap(cell, textwrap::Options::new(*width).break_words(false))
                    .into_iter()
                    .map(std::borrow::Cow::into_owned)
                    .collect(),
                false => vec![cell.clone()],
            })
            .collect();
        for at in 0..cells.iter().map(Vec::len).max().unwrap_or(0) {
            let mut line = String::new();
            for (column, cell) in cells.iter().enumerate() {
                let part = cell.get(at).map_or("", String::as_str);
                let gap = " ".repeat(widths[column].saturating_sub(length(part)));
                match right.contains(&column) {
                    true => line.push_str(&format!("{gap}{part}  ")),
                    false => line.push_str(&format!("{part}{gap}  ")),
                }
            }
            let line = line.trim_end();
            match number {
                0 => text.push_str(&format!("{DIM}{line}{PLAIN}\n")),
                _ => text.push_str(&format!("{line}\n")),
            }
        }
    }
    text
}

fn length(text: &str) -> usize {
    text.chars().count()
}

/// Widths of the columns. Where all are wider than `most` together, the widest texts give way, down to
/// their longest words.
fn widths(rows: &[Vec<String>], right: &[usize], most: usize) -> Vec<usize> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let cells = |column: usize| rows.iter().filter_map(move |row| row.get(column));
    let mut widths: Vec<usize> =
        (0..columns).map(|column| cells(column).map(|c| length(c)).max().unwrap_or(0)).collect();
    let least: Vec<usize> = (0..columns)
        .map(|column| match right.contains(&column) {
            true => widths[column],
            false => {
                let words = cells(column).flat_map(|cell| cell.split(' ')).map(length);
                words.max().unwrap_or(0)
            }
        })
        .collect();
    while widths.iter().sum::<usize>() + 2 * columns.saturating_sub(1) > most {
        let widest = (0..columns).filter(|&at| widths[at] > least[at]).max_by_key(|&at| widths[at]);
        let Some(widest) = widest else { break };
        widths[widest] -= 1;
    }
    widths
}

/// Characters of a line of tables that leave columns out rather than go on in next lines.
pub(crate) fn line_width() -> usize {
    // 80 where nobody sees it.
    textwrap::termwidth()
}

/// How many of these columns have room behind others that are so wide together; of one column there is always.
pub(crate) fn columns_that_fit(before: usize, widths: impl Iterator<Item = usize>) -> usize {
    let mut used = before;
    let room = widths.take_while(|width| {
        used += 2 + width;
        used <= line_width()
    });
    room.count().max(1)
}

/// The widest of some texts.
pub(crate) fn widest<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    texts.map(length).max().unwrap_or(0)
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

/// Overrides as they were typed: `` `--set a=1`, `--set b=2` ``.
pub(crate) fn set(overrides: &[String]) -> String {
    let typed: Vec<String> = overrides.iter().map(|one| format!("`--set {one}`")).collect();
    typed.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_is_too_wide_goes_on_in_next_lines_and_breaks_no_word() {
        let row = |cells: [&str; 4]| cells.map(str::to_owned).to_vec();
        let rows = [
            row(["node", "state", "fits", "why"]),
            row([
                "expert.a",
                "stale",
                "12",
                "its inputs moved and so did the seed of its upstream",
            ]),
            row(["expert.b", "fresh", "0", ""]),
        ];
        let text = table_within(&rows, &[2], 46);
        insta::assert_snapshot!(text.replace([DIM, PLAIN], ""), @r"
        node      state  fits  why
        expert.a  stale    12  its inputs moved and so
                               did the seed of its
                               upstream
        expert.b  fresh     0
        ");
        assert!(
            table_within(&rows, &[2], usize::MAX).contains("so did the seed of its upstream\n")
        );
        // A word is never broken, even where there is no room for it.
        assert!(table_within(&rows, &[2], 5).contains("upstream"));
    }
}
