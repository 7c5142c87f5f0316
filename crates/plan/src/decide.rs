//! From recipes before and after to an action with reasons.

use collegium_records::{Action, Change, Recipe};

/// What is known of a node when its turn comes in a plan.
#[derive(Debug, Clone, Default)]
pub struct Known<'a> {
    /// The recipe that the lock stands on, if there is one.
    pub before: Option<&'a Recipe>,
    /// The recipe now; `None` while an upstream's outputs are not known.
    pub after: Option<&'a Recipe>,
    /// The recipe now as far as it does not depend on upstream outputs.
    pub own: Option<&'a Recipe>,
    /// Names of the fits that are not at hand (all of them, when `after` is not known).
    pub missing: Vec<String>,
    /// Upstream experts that will or may be trained.
    pub moving: Vec<String>,
    /// Asked for by `--force`.
    pub forced: bool,
}

/// What to do with a node, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What to do.
    pub action: Action,
    /// Why, in words.
    pub reasons: Vec<String>,
}

/// Decides on one node.
pub fn decide(known: &Known) -> Decision {
    let mut reasons = Vec::new();
    let action = match (known.after, known.before) {
        (Some(_), _) if known.missing.is_empty() && !known.forced => Action::Cached,
        (Some(after), before) => {
            reasons = explain(before, after, &known.missing);
            Action::Train
        }
        (None, before) => {
            let own = match (before, known.own) {
                (Some(before), Some(own)) => own_changes(before, own),
                _ => vec!["never fitted".to_owned()],
            };
            let certain = !own.is_empty();
            reasons.extend(own);
            reasons.push(match known.moving.as_slice() {
                [only] => format!("upstream {only} decides"),
                several => format!("upstreams {} decide", several.join(", ")),
            });
            if certain { Action::Train } else { Action::MayTrain }
        }
    };
    if known.forced && action != Action::MayTrain {
        reasons.insert(0, "forced".to_owned());
    }
    Decision { action, reasons }
}

/// Why a fit is needed, in words: the changed ingredients, else which parts are missing.
pub fn explain(before: Option<&Recipe>, after: &Recipe, missing: &[String]) -> Vec<String> {
    let Some(before) = before else { return vec!["never fitted".to_owned()] };
    let changes = before.changes(after);
    if changes.is_empty() {
        if missing.is_empty() {
            return Vec::new();
        }
        return vec![format!("not in the store: {}", missing.join(", "))];
    }
    changes.iter().map(in_words).collect()
}

/// Changes of ingredients that do not come from an upstream. `own` lacks the upstream inputs, so an
/// input that is only in `before` counts only when `own` could have had it. What only
/// upstreams can say is not in it either.
fn own_changes(before: &Recipe, own: &Recipe) -> Vec<String> {
    before
        .changes(own)
        .iter()
        .filter(|change| !from_above(&change.ingredient))
        .filter(|change| change.after.is_some() || !change.ingredient.starts_with("inputs."))
        .map(in_words)
        .collect()
}

/// Ingredients that only upstreams can say: where a fit begins, and what a cascade's experts cost.
pub fn from_above(ingredient: &str) -> bool {
    ["warm_start.", "cost."].iter().any(|prefix| ingredient.starts_with(prefix))
}

fn in_words(change: &Change) -> String {
    let name = change.ingredient.as_str();
    let what = name
        .strip_prefix("inputs.")
        .map_or_else(|| name.to_owned(), |input| format!("input {input}"));
    match (&change.before, &change.after) {
        (None, _) => format!("{what} added"),
        (_, None) => format!("{what} removed"),
        _ if name == "classes" => "classes changed".to_owned(),
        // Content is named by digests, which say nothing to a person.
        _ if name.starts_with("inputs.") || name == "target" => format!("{what} changed"),
        (Some(before), Some(after)) => format!("{what} {before} → {after}"),
    }
}
