//! Rewording of serde's error messages for the reader of a pipeline file.
//!
//! Serde speaks of fields, variants and `u32`; whoever writes a pipeline knows keys, choices and
//! whole numbers. Only the forms that serde's own `Error` trait makes are reworded; anything else is
//! passed on as it is.

use collegium_records::Code;

use crate::suggest::{choose, list, suggest};

/// What is said of one error.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Worded {
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) label: String,
    pub(crate) help: Option<String>,
    /// Of an unknown key: the known one that was probably meant.
    pub(crate) meant: Option<String>,
}

/// Rewords a message about the value or key at a path (`#3` is an entry of a list).
pub(crate) fn reword(message: &str, path: &[String]) -> Worded {
    let subject = subject(path);
    if let Some((wrong, known)) = wrong_and_known(message, "unknown field ") {
        let table = path[..path.len().saturating_sub(1)].join(".");
        let meant = suggest(wrong, known.iter().copied()).map(str::to_owned);
        return Worded {
            code: Code::UnknownKey,
            message: match table.as_str() {
                "" => format!("unknown key `{wrong}`"),
                _ => format!("unknown key `{wrong}` in `{table}`"),
            },
            label: "unknown key".to_owned(),
            help: Some(match &meant {
                Some(name) => format!("did you mean `{name}`?"),
                None => format!("the known keys are {}", list(&known)),
            }),
            meant,
        };
    }
    if let Some((wrong, known)) = wrong_and_known(message, "unknown variant ") {
        return Worded {
            code: Code::UnknownChoice,
            message: format!("{subject} cannot be `{wrong}`"),
            label: "unknown choice".to_owned(),
            help: Some(choose(wrong, &known)),
            meant: None,
        };
    }
    let typed = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))
        .and_then(|rest| rest.rsplit_once(", expected "));
    if let Some((found, expected)) = typed {
        let expected = match expected {
            "u32" => "a whole number from 0 to 4294967295",
            "u64" => "a whole number of at least 0",
            "f64" => "a number",
            "a string" => "a text",
            "a sequence" => "a list",
            "a map" => "a table",
            "a boolean" => "`true` or `false`",
            "variant identifier" | "string or table" => "a text",
            other => other,
        };
        return Worded {
            code: Code::ValueOfAnotherType,
            message: format!("{subject} must be {expected}, not {}", plain(found)),
            label: format!("expected {expected}"),
            help: None,
            meant: None,
        };
    }
    if message == "wanted string or table" {
        return Worded {
            code: Code::ValueOfAnotherType,
            message: format!("{subject} must be a text"),
            label: "expected a text".to_owned(),
            help: None,
            meant: None,
        };
    }
    Worded {
        code: if message.starts_with("missing field") {
            Code::MissingKey
        } else {
            Code::ValueOfAnotherType
        },
        message: format!("{subject}: {message}"),
        label: String::new(),
        help: None,
        meant: None,
    }
}

fn subject(path: &[String]) -> String {
    match path {
        [.., list, entry] if entry.starts_with('#') => format!("an entry of `{list}`"),
        [.., key] => format!("`{key}`"),
        [] => "the file".to_owned(),
    }
}

/// `unknown field `x`, expected one of `a`, `b`` into `x` and its alternatives.
fn wrong_and_known<'a>(message: &'a str, prefix: &str) -> Option<(&'a str, Vec<&'a str>)> {
    let rest = message.strip_prefix(prefix)?.strip_prefix('`')?;
    let (wrong, known) =
        rest.rsplit_once("`, expected ").or_else(|| rest.rsplit_once("`, there are "))?;
    Some((wrong, known.split('`').skip(1).step_by(2).collect()))
}

/// Serde's `Unexpected` in plain words.
fn plain(found: &str) -> String {
    // A number of more than 64 bits stands as `` `…` as i128 ``.
    let quoted = |rest: &str| rest.split('`').nth(1).unwrap_or(rest).to_owned();
    if let Some(text) = found.strip_prefix("string ") {
        return format!("the text {text}");
    }
    if let Some(number) = found.strip_prefix("integer ").or(found.strip_prefix("floating point ")) {
        return quoted(number);
    }
    match found {
        "map" => "a table".to_owned(),
        "sequence" => "a list".to_owned(),
        other => other.strip_prefix("boolean ").map_or(other.to_owned(), quoted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(keys: &[&str]) -> Vec<String> {
        keys.iter().map(|&key| key.to_owned()).collect()
    }

    #[test]
    fn an_unknown_key_names_its_table_and_the_nearest_known_one() {
        let worded = reword(
            "unknown field `epoch`, expected one of `epochs`, `batch`",
            &path(&["expert", "a", "train", "epoch"]),
        );
        assert_eq!(worded.message, "unknown key `epoch` in `expert.a.train`");
        assert_eq!(worded.help.as_deref(), Some("did you mean `epochs`?"));
        assert_eq!(worded.meant.as_deref(), Some("epochs"));
    }

    #[test]
    fn a_key_with_backticks_in_it_is_still_taken_apart() {
        let worded = reword("unknown field `a`, expected `b`, expected `c`", &path(&["x"]));
        assert_eq!(worded.message, "unknown key `a`, expected `b`");
    }

    #[test]
    fn types_are_named_in_plain_words() {
        let worded = reword("invalid type: string \"x\", expected u64", &path(&["seed"]));
        assert_eq!(
            worded.message,
            "`seed` must be a whole number of at least 0, not the text \"x\""
        );
        let worded = reword("invalid type: integer `99` as u128, expected u64", &path(&["seed"]));
        assert_eq!(worded.message, "`seed` must be a whole number of at least 0, not 99");
        let worded = reword("invalid type: string \"on\", expected a boolean", &path(&["frozen"]));
        assert_eq!(worded.message, "`frozen` must be `true` or `false`, not the text \"on\"");
        let worded = reword("invalid type: map, expected a string", &path(&["inputs", "#1"]));
        assert_eq!(worded.message, "an entry of `inputs` must be a text, not a table");
    }

    #[test]
    fn what_is_not_known_is_passed_on() {
        assert_eq!(reword("odd", &path(&["a"])).message, "`a`: odd");
    }
}
