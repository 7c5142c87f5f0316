//! "Did you mean …?"

/// The known name nearest to a wrong one, if one is near enough to be what was meant: at most a
/// third of its letters away (insertions, deletions, substitutions, swaps), or one that continues it.
pub fn suggest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = wrong.to_lowercase();
    known
        .into_iter()
        .filter_map(|name| {
            let other = name.to_lowercase();
            let distance = strsim::osa_distance(&folded, &other);
            let near = distance <= folded.chars().count().max(other.chars().count()).div_ceil(3);
            let continues = folded.chars().count() >= 3
                && (other.starts_with(&folded) || folded.starts_with(&other) && other.len() >= 3);
            (near || continues).then_some((distance, name))
        })
        // The first of equally near ones, so that the answer does not depend on luck.
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// `did you mean `x`?`, else what there is to choose from.
pub(crate) fn did_you_mean(wrong: &str, known: &[&str], what: &str) -> Option<String> {
    match suggest(wrong, known.iter().copied()) {
        Some(name) => Some(format!("did you mean `{name}`?")),
        None if known.is_empty() => None,
        None => Some(format!("{what}: {}", list(known))),
    }
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
        assert_eq!(suggest("cat", ["bat", "car"]), Some("bat"));
    }

    #[test]
    fn a_long_list_is_cut_and_says_so() {
        let names: Vec<String> = (0..20).map(|i| format!("n{i}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert!(list(&names).ends_with("`n11` and 8 more"));
    }
}
