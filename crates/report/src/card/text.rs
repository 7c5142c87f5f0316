//! Markdown escaping: a name cannot break the card.

use collegium_records::printable;

/// Blocks with empty lines between them.
#[derive(Default)]
pub(super) struct Paragraphs(Vec<String>);

impl Paragraphs {
    /// Adds a block; an empty one adds nothing.
    pub(super) fn add(&mut self, block: String) {
        if !block.is_empty() {
            self.0.push(block);
        }
    }

    /// All of them.
    pub(super) fn joined(self) -> String {
        self.0.join("\n\n") + "\n"
    }
}

/// Text in which nothing is markup. An underscore inside a word is none.
pub(super) fn inline(text: &str) -> String {
    let line = one_line(text);
    let mut out = String::with_capacity(line.len());
    let mut before = ' ';
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        let inside = before.is_alphanumeric() && rest.peek().is_some_and(|c| c.is_alphanumeric());
        if MARKUP.contains(&c) || (c == '_' && !inside) {
            out.push('\\');
        }
        out.push(c);
        before = c;
    }
    out
}

/// Characters that are markup anywhere.
const MARKUP: [char; 14] = ['\\', '`', '*', '{', '}', '[', ']', '<', '>', '|', '#', '~', '$', '&'];

/// A sentence in which what stands between backticks is code, as in the report.
pub(super) fn sentence(text: &str) -> String {
    text.split('`')
        .enumerate()
        .map(|(i, part)| if i % 2 == 1 { code(part) } else { inline(part) })
        .collect()
}

/// A code span that its content cannot end.
pub(super) fn code(text: &str) -> String {
    let text = one_line(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // Spaces keep backticks at the ends apart from the fence; Markdown takes them off again.
    let pad = if text.starts_with('`') || text.ends_with('`') || text.trim().is_empty() {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Line ends and tabs are blanks; what else is not seen is written out.
fn one_line(text: &str) -> String {
    printable(&text.replace(['\n', '\r', '\t'], " ")).into_owned()
}

/// A table; cells that are not the first are set to the right.
pub(super) fn table(heading: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let line = |cells: &mut dyn Iterator<Item = String>| {
        format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
    };
    let mut lines = vec![
        line(&mut heading.iter().map(|cell| (*cell).to_owned())),
        line(
            &mut (0..heading.len())
                .map(|i| if i == 0 { "---".to_owned() } else { "---:".to_owned() }),
        ),
    ];
    // A bar ends a cell even inside a code span, unless it is escaped.
    lines.extend(rows.iter().map(|row| {
        line(&mut row.iter().map(|cell| cell.replace('|', "\\|").replace("\\\\|", "\\|")))
    }));
    lines.join("\n")
}

/// Without the no-break spaces of the page: a card is read in editors, too.
pub(super) fn plain(text: &str) -> String {
    text.replace('\u{a0}', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_is_markup() {
        assert_eq!(inline("a_b _c_ *d|e\n# f<br>"), "a_b \\_c\\_ \\*d\\|e \\# f\\<br\\>");
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`a"), "`` `a ``");
        let table = table(&["x"], &[vec![code("a|b")], vec![inline("a|b")]]);
        assert_eq!(table, "| x |\n| --- |\n| `a\\|b` |\n| a\\|b |");
    }
}
