//! Settings without effect on a held model: it was not trained with them. Nothing that is shown is
//! made by them: whoever edits them should know that they edit nothing.

use std::collections::BTreeMap;

use collegium_digest::Digest;
use collegium_manifest::StandsOn;
use collegium_plan::{FitInputs, fit_recipe, from_above};
use collegium_records::{Change, Ingredient, Level, Recipe};

use super::Found;
use crate::{EngineError, NodeRef, Session, rows::Rows};

/// The kind of this finding.
pub(crate) const HELD_SETTINGS: &str = "held-settings";

/// What is said of a held model, and the ways out.
struct Told {
    text: String,
    help: String,
}

pub(super) fn of(session: &Session, index: usize) -> Result<Option<Found>, EngineError> {
    let Some(told) = session.node(index).told_of_held()? else { return Ok(None) };
    let span = match &session.node(index).declared().stands_on {
        StandsOn::Pin(key) => key.span(),
        StandsOn::Frozen(key) => key.span(),
        StandsOn::Recipe | StandsOn::Source { .. } => return Ok(None),
    };
    Ok(Some(Found {
        kind: HELD_SETTINGS,
        level: Level::Warning,
        span,
        label: "the model stays as it was trained".to_owned(),
        text: told.text,
        help: Some(told.help),
    }))
}

impl NodeRef<'_> {
    /// What `plan` and `status` say of an expert whose held model was trained with other settings.
    pub(crate) fn other_settings(self) -> Result<Option<String>, EngineError> {
        Ok(self.told_of_held()?.map(|told| format!("{}: {}", told.text, told.help)))
    }

    fn told_of_held(self) -> Result<Option<Told>, EngineError> {
        let Some(held) = self.held_model() else { return Ok(None) };
        let way_out = match &self.declared().stands_on {
            StandsOn::Frozen(_) => "remove `frozen` to train by the file, or take the change back",
            StandsOn::Pin(_) => "remove `pin` to train by the file, or pin another model",
            // One with `source` need not have any settings of its own.
            StandsOn::Recipe | StandsOn::Source { .. } => return Ok(None),
        };
        let Some(before) = self.session.held_recipe(held)? else { return Ok(None) };
        let changes = before.changes(&self.settings_of());
        let settings: Vec<String> =
            changes.iter().filter(|change| is_setting(&change.ingredient)).map(in_words).collect();
        let mut said = Vec::new();
        if !settings.is_empty() {
            said.push(format!(
                "the settings in the file are not those that the held model was trained with: {}",
                settings.join(", ")
            ));
        }
        let trained = held.fit.seen.as_ref().map(|seen| seen.train_rows);
        if self.has_other_target(trained, &before)? {
            said.push(
                "the target has other values than the held model was trained on, on the same rows"
                    .to_owned(),
            );
        }
        Ok((!said.is_empty()).then(|| Told { text: said.join("; and "), help: way_out.to_owned() }))
    }

    /// The recipe of an expert with its settings, and nothing of what it reads.
    fn settings_of(self) -> Recipe {
        let resolved = self.resolved();
        let nothing = Digest::of(b"");
        let inputs = FitInputs {
            task: resolved.task,
            classes: resolved.classes.clone(),
            inputs: Vec::new(),
            target: (nothing, nothing),
            beside: BTreeMap::new(),
        };
        fit_recipe(self.declared(), &inputs)
    }

    /// Has the target other values on the rows that a model was trained on, where these are the same?
    fn has_other_target(
        self,
        trained: Option<Digest>,
        before: &Recipe,
    ) -> Result<bool, EngineError> {
        let train = Rows::Train { expert: self.index };
        if trained != Some(self.session.rows_digest(train)?) {
            return Ok(false);
        }
        let target = self.declared().target.get_ref();
        let now = self.column_digest(target, train)?;
        let then = match before.ingredients.get("target") {
            Some(Ingredient::List(sides)) => sides.first(),
            _ => None,
        };
        Ok(then.is_some_and(|then| *then != now.into()))
    }
}

/// Is an ingredient of a fit written in the file, and not content that it reads?
fn is_setting(ingredient: &str) -> bool {
    let read = ["target", "task", "classes"].contains(&ingredient);
    !read && !ingredient.starts_with("inputs.") && !from_above(ingredient)
}

fn in_words(change: &Change) -> String {
    let shown = |side: &Option<String>| side.clone().unwrap_or_else(|| "none".to_owned());
    format!(
        "{} ({}, in the file {})",
        change.ingredient,
        shown(&change.before),
        shown(&change.after)
    )
}
