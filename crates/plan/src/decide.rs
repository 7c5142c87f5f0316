//! Decision on a node (cached, train, …) from recipes before and after, with reasons.

use collegium_records::{Action, FitName, Reason, Recipe};

/// What is known of a node when its turn comes in a plan.
#[derive(Debug, Clone, Default)]
pub struct Known<'a> {
    /// The recipe of the model in the lock, if there is one.
    pub before: Option<&'a Recipe>,
    /// The recipe now; `None` while an upstream's outputs are not known.
    pub after: Option<&'a Recipe>,
    /// The recipe now as far as it does not depend on upstream outputs.
    pub own: Option<&'a Recipe>,
    /// Names of the fits that are not at hand (all of them, when `after` is not known).
    pub missing: Vec<FitName>,
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
    /// Why.
    pub reasons: Vec<Reason>,
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
                _ => vec![Reason::NeverFitted],
            };
            let certain = !own.is_empty();
            reasons.extend(own);
            reasons.push(Reason::Upstreams(known.moving.clone()));
            if certain { Action::Train } else { Action::MayTrain }
        }
    };
    if known.forced && action != Action::MayTrain {
        reasons.insert(0, Reason::Forced);
    }
    Decision { action, reasons }
}

/// Why a fit is needed: the changed ingredients, else which fits are missing.
pub fn explain(before: Option<&Recipe>, after: &Recipe, missing: &[FitName]) -> Vec<Reason> {
    let Some(before) = before else { return vec![Reason::NeverFitted] };
    let changes = before.changes(after);
    if changes.is_empty() {
        if missing.is_empty() {
            return Vec::new();
        }
        return vec![Reason::NotInStore(missing.to_vec())];
    }
    changes.into_iter().map(Reason::Changed).collect()
}

/// Changes of ingredients that do not come from an upstream. `own` lacks the upstream inputs, so an
/// input that is only in `before` counts only when `own` could have had it. What only
/// upstreams can say is not in it either.
fn own_changes(before: &Recipe, own: &Recipe) -> Vec<Reason> {
    before
        .changes(own)
        .into_iter()
        .filter(|change| !from_above(&change.ingredient))
        .filter(|change| change.after.is_some() || !change.ingredient.starts_with("inputs."))
        .map(Reason::Changed)
        .collect()
}

/// Ingredients that only upstreams can say: where a fit begins, and what a cascade's experts cost.
pub fn from_above(ingredient: &str) -> bool {
    ["warm_start.", "cost."].iter().any(|prefix| ingredient.starts_with(prefix))
}
