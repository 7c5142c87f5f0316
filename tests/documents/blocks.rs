//! Markdown, as far as the tests of documents need it.

use std::collections::BTreeSet;

/// A fenced block.
pub struct Block {
    /// What stands behind the opening fence: `sh`, `toml`, `toml fragment`.
    pub info: String,
    pub text: String,
    /// The line of the opening fence, from 1.
    pub line: usize,
    /// The last line before it that is not empty.
    pub before: String,
}

/// All fenced blocks, in order.
pub fn blocks(text: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    let mut before = String::new();
    for (at, line) in text.lines().enumerate() {
        match (&mut open, line.trim_start().strip_prefix("```")) {
            (None, Some(info)) => {
                let (info, before) = (info.trim().to_owned(), std::mem::take(&mut before));
                open = Some(Block { info, text: String::new(), line: at + 1, before });
            }
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) if !line.trim().is_empty() => line.clone_into(&mut before),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block that is never closed");
    found
}

/// The text without its fenced blocks.
pub fn prose(text: &str) -> String {
    let mut inside = false;
    let mut kept = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if !inside {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// What stands between backticks, outside of blocks; a line's end inside is a blank.
pub fn spans(text: &str) -> Vec<String> {
    let prose = prose(text);
    let parts = prose.split("\n\n").flat_map(|part| part.split('`').skip(1).step_by(2));
    parts.map(|span| span.replace('\n', " ")).collect()
}

/// Targets of links and pictures, outside of blocks and backticks.
pub fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in prose(text).split("\n\n") {
        let plain: String = part.split('`').step_by(2).collect();
        for behind in plain.split("](").skip(1) {
            if let Some((target, _)) = behind.split_once(')') {
                found.push(target.trim().to_owned());
            }
        }
    }
    found
}

/// The names by which headings can be linked to, as GitHub makes them.
pub fn anchors(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in prose(text).lines() {
        let Some(title) = line.strip_prefix('#').map(|line| line.trim_start_matches('#')) else {
            continue;
        };
        let mut anchor = String::new();
        for letter in title.trim().chars().flat_map(char::to_lowercase) {
            match letter {
                ' ' => anchor.push('-'),
                '-' | '_' => anchor.push(letter),
                letter if letter.is_alphanumeric() => anchor.push(letter),
                _ => {}
            }
        }
        let mut name = anchor.clone();
        let mut again = 0;
        while !found.insert(name.clone()) {
            again += 1;
            name = format!("{anchor}-{again}");
        }
    }
    found
}

#[test]
fn headings_have_the_names_that_links_use() {
    let text = "# A `[data.NAME]`, and B\n```sh\n# no heading\n```\n## Time\n## Time\n";
    let known = ["a-dataname-and-b", "time", "time-1"].map(str::to_owned);
    assert_eq!(anchors(text), known.into());
}

#[test]
fn links_in_code_are_none() {
    let text = "[a](b.md#c) and `[d](e.md)`\n\n```text\n[f](g.md)\n```\n![h](i.png)\n";
    assert_eq!(links(text), ["b.md#c", "i.png"]);
}
