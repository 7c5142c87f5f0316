//! Suggestions for a wrong name ("did you mean …?"), by spelling.

use std::{cmp::Reverse, collections::BTreeSet};

/// The known name that was meant by a wrong one, if one is near enough to be: the same but for case and
/// for what stands between words; at most a third of its letters away (insertions, deletions,
/// substitutions, swaps); or one of its words, as `speed` of `wind_speed`. Of names of one or two letters
/// only those of the same letters are near: `b` is no typo for `a`.
pub fn suggest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = wrong.to_lowercase();
    let bare = letters(&folded);
    known
        .into_iter()
        .filter_map(|name| {
            let other = name.to_lowercase();
            let (own, others) = (folded.chars().count(), other.chars().count());
            let length = own.max(others);
            // No way is shorter than the letters that are too many: most names need no closer look.
            let far = length > 2 && own.abs_diff(others) > length / 3;
            let distance = || strsim::osa_distance(&folded, &other);
            let near = !far
                && match length {
                    0..=2 => distance() <= 1 && letters_of(&folded) == letters_of(&other),
                    _ => distance() <= length / 3,
                };
            let rank = if folded == other {
                0
            } else if !bare.is_empty() && letters(&other) == bare {
                1
            } else if near {
                2
            } else if continues(&folded, &other) {
                3
            } else {
                return None;
            };
            let alike = folded.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
            Some(((rank, distance(), Reverse(alike)), name))
        })
        // The first of equally near ones, so that the answer does not depend on luck.
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Without what stands between words.
fn letters(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-' | ' ' | '.')).collect()
}

fn letters_of(name: &str) -> BTreeSet<char> {
    name.chars().collect()
}

/// Does one begin with the other, or is the wrong one a word of the other? Of three letters at least.
fn continues(wrong: &str, other: &str) -> bool {
    let long = |name: &str| name.chars().count() >= 3;
    long(wrong)
        && (other.starts_with(wrong)
            || long(other) && wrong.starts_with(other)
            || other.split(['_', '-', ' ', '.']).any(|word| word == wrong))
}

/// `did you mean `x`?`, else what there is to choose from.
pub fn did_you_mean(wrong: &str, known: &[&str], what: &str) -> Option<String> {
    match suggest(wrong, known.iter().copied()) {
        Some(name) => Some(format!("did you mean `{name}`?")),
        None if known.is_empty() => None,
        None => Some(format!("{what}: {}", list(known))),
    }
}

/// `a` → `b` → `a`; of a long one the beginning and the end.
pub(crate) fn circle(names: &[&str]) -> String {
    const SHOWN: usize = 12;
    let quoted = |names: &[&str]| names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>();
    let (head, tail) = match names.len() > SHOWN {
        true => names.split_at(SHOWN),
        false => (names, &names[..0]),
    };
    let mut way = quoted(head);
    if let Some((last, between)) = tail.split_last() {
        way.extend((!between.is_empty()).then(|| format!("{} more", between.len())));
        way.extend(quoted(&[last]));
    }
    way.extend(quoted(&names[..names.len().min(1)]));
    way.join(" → ")
}

/// `a`, `b`, `c` and 4 more
pub(crate) fn list(names: &[&str]) -> String {
    const SHOWN: usize = 12;
    let mut text =
        names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}

/// The way out of a choice that there is not: what was probably meant, else all there are.
pub(crate) fn choose(wrong: &str, known: &[&str]) -> String {
    match suggest(wrong, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("choose one of {}", list(known)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested_and_a_far_one_is_not() {
        let known = ["learning_rate", "epochs", "batch"];
        assert_eq!(suggest("learnig_rate", known), Some("learning_rate"));
        assert_eq!(suggest("Epoch", known), Some("epochs"));
        assert_eq!(suggest("bacth", known), Some("batch"));
        assert_eq!(suggest("dropout", known), None);
        assert_eq!(suggest("learn", known), Some("learning_rate"), "a beginning is enough");
    }

    #[test]
    fn of_equally_near_names_the_first_wins() {
        assert_eq!(suggest("cat", ["bat", "hat"]), Some("bat"));
        assert_eq!(suggest("cat", ["bat", "car"]), Some("car"), "the beginning is rarely wrong");
    }

    #[test]
    fn of_short_names_only_the_same_letters_are_near() {
        assert_eq!(suggest("a", ["x", "b"]), None);
        assert_eq!(suggest("ab", ["ax", "cb", "x"]), None);
        assert_eq!(suggest("A", ["b", "a"]), Some("a"));
        assert_eq!(suggest("a", ["ab", "b"]), None);
        assert_eq!(suggest("yx", ["zz", "xy"]), Some("xy"));
        assert_eq!(suggest("xa", ["x"]), None);
        assert_eq!(suggest("aa", ["x", "a"]), Some("a"), "a letter is easily typed twice");
        assert_eq!(suggest("pm10", ["pm25"]), None);
        assert_eq!(suggest("x1", ["x2", "x_1"]), Some("x_1"));
        assert_eq!(suggest("éa", ["aé"]), Some("aé"));
    }

    #[test]
    fn case_blanks_and_hyphens_are_the_least_of_differences() {
        assert_eq!(suggest("ID", ["IDs", "id"]), Some("id"));
        assert_eq!(suggest("air time", ["airtimes", "Air_Time"]), Some("Air_Time"));
        assert_eq!(suggest("AirTime", ["air-times", "air_time"]), Some("air_time"));
        assert_eq!(suggest("speed", ["spend_all", "wind_speed"]), Some("wind_speed"));
        assert_eq!(suggest("", ["a", "_"]), None);
    }

    #[test]
    fn a_long_list_is_cut_and_says_so() {
        let names: Vec<String> = (0..20).map(|i| format!("n{i}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert!(list(&names).ends_with("`n11` and 8 more"));
    }
}
