//! Formatting of counts and lists in sentences.

/// So many names are said before "and 7 more".
const NAMED: usize = 3;

/// The side before the word "rows".
pub(crate) fn side_adjective(side: &str) -> &'static str {
    match side {
        "train" => "training",
        "valid" => "validation",
        _ => "test",
    }
}

/// `1 row`, `2 rows`.
pub(crate) fn rows(count: u64) -> String {
    format!("{count} row{}", if count == 1 { "" } else { "s" })
}

/// ``the class `a` ``, ``the classes `a`, `b`, `c` and 2 more``.
pub(super) fn classes(names: &[&str]) -> String {
    let word = if names.len() == 1 { "class" } else { "classes" };
    format!("the {word} {}", list(names))
}

/// `` `a`, `b`, `c` and 2 more ``.
pub(super) fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
    match (quoted.as_slice(), names.len()) {
        ([first, second], 2) => format!("{first} and {second}"),
        (shown, all) if all <= NAMED => match shown.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, before)) => format!("{} and {last}", before.join(", ")),
            None => String::new(),
        },
        (shown, all) => format!("{} and {} more", shown.join(", "), all - NAMED),
    }
}
