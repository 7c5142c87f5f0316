//! Warm starts: a fit that begins from the weights of the model before it.
//!
//! The parent is an explicit ingredient of the recipe, so a chain of warm starts can be followed back
//! and computed again. While nothing but the parent would differ, a fit keeps the parent that it
//! has; otherwise a second run would train further by itself.
//!
//! A model that has seen rows which are held out now is no parent: what it remembers of them would pass
//! for skill. The fit begins cold then, and says why.

use std::collections::BTreeMap;

use collegium_digest::Digest;
use collegium_manifest::{TrainKeys, WarmStart};
use collegium_plan::{Part, View, shape};
use collegium_records::{Fit, Ingredient, Recipe, Standing};

use crate::{
    EngineError, NodeRef, Session,
    membership::{Use, closure},
    rows::{Rows, Side},
};

/// The model that a fit starts from, in its recipe.
pub(crate) const PARENT: &str = "warm_start.parent";

impl NodeRef<'_> {
    /// A recipe with the parent that it starts from, where the expert asks for warm starts and there
    /// is one that it may start from.
    pub(crate) fn warmed(self, part: Part, cold: Recipe) -> Result<Start, EngineError> {
        let begins = |recipe| Ok(Start { recipe, parent: None, cold: None });
        let Some(WarmStart { cold_every }) = self.declared().warm_start else {
            return begins(cold);
        };
        if self.declared().model.train_keys() != TrainKeys::All {
            return begins(cold);
        }
        let Some(standing) = self.locked_part(part) else { return begins(cold) };
        let Some(before) = self.session.store.recipe(&standing.recipe)? else {
            return begins(cold);
        };
        let mut stripped = before.clone();
        let parent = match stripped.ingredients.remove(PARENT) {
            Some(Ingredient::Digest(parent)) => Some(parent),
            _ => None,
        };
        if stripped == cold {
            // Nothing else changed: the same fit, from the same parent. Where both are lost, a cold
            // fit begins another chain.
            let warm = match parent {
                Some(parent) => self.session.fit_by_model(&parent)?,
                None => None,
            };
            let at_hand = warm.is_some() || self.session.known_fit(&standing.recipe)?.is_some();
            return match at_hand {
                true => Ok(Start { recipe: before, parent: warm, cold: None }),
                false => begins(cold),
            };
        }
        let Some(fit) = self.session.fit_of(&standing)? else { return begins(cold) };
        if fit.generation >= cold_every || !same_shape(&before, &cold, &shape(self.declared())) {
            return begins(cold);
        }
        if let Some(why) = self.has_seen(part, &fit)? {
            return Ok(Start { recipe: cold, parent: None, cold: Some(why) });
        }
        Ok(Start { recipe: cold.with(PARENT, fit.model), parent: Some(fit), cold: None })
    }

    /// The rows that are held out of a part now and that a model before it has seen, in words.
    fn has_seen(self, part: Part, fit: &Fit) -> Result<Option<String>, EngineError> {
        let seen = closure(fit);
        let mut asked = vec![
            (Rows::Side { expert: self.index, side: Side::Test }, Use::Any, "test rows"),
            (Rows::Side { expert: self.index, side: Side::Valid }, Use::Trained, "validation rows"),
        ];
        // A fold's model predicts the rows left out of it, so it must start from one that has not been
        // trained on them.
        if let Part::Fold { view: view @ View::OutOfFold { folds }, fold } = part
            && self.is_forward()
        {
            // Nor, in time, have anything to do with what comes after its window.
            asked.extend((fold..folds).map(|fold| {
                let later = Rows::Fold { expert: self.index, view, fold };
                (later, Use::Any, "rows that come after its window")
            }));
        } else if let Part::Fold { view, fold } = part {
            let left_out = Rows::Fold { expert: self.index, view, fold };
            asked.push((left_out, Use::Trained, "rows left out of it"));
        }
        for (rows, how, what) in asked {
            let rows = self.session.rows(rows)?;
            let known = self.seen_among(&seen, how, &rows)?.len();
            if known > 0 {
                return Ok(Some(match &seen {
                    Some(_) => format!(
                        "begins cold: the model before it has seen {known} of the {} {what}, or rows that \
                         cannot be told from them",
                        rows.len()
                    ),
                    None => "begins cold: the model before it does not say which rows it has seen"
                        .to_owned(),
                }));
            }
        }
        Ok(None)
    }

    fn locked_part(self, part: Part) -> Option<Standing> {
        let node = self.locked()?;
        match part {
            Part::Full => Some(node.standing()),
            other => node.parts.get(&other.name()).copied(),
        }
    }
}

impl Session {
    pub(crate) fn fit_by_model(&self, model: &Digest) -> Result<Option<Fit>, EngineError> {
        for (recipe, realisation) in self.store.realisations_named(&model.to_string())? {
            if let Some(fit) = self.fit_of(&Standing { recipe, realisation })? {
                return Ok(Some(fit));
            }
        }
        Ok(None)
    }
}

/// Where a fit starts.
pub(crate) struct Start {
    /// The recipe, the parent among its ingredients.
    pub(crate) recipe: Recipe,
    /// The model to start from.
    pub(crate) parent: Option<Fit>,
    /// Why it does not start from the model before it although the file asks for that.
    pub(crate) cold: Option<String>,
}

/// Are the shape of the model, the inputs and the classes of two fits the same?
fn same_shape(before: &Recipe, cold: &Recipe, model: &BTreeMap<String, Ingredient>) -> bool {
    let shape = |recipe: &Recipe| -> Vec<(String, Option<Ingredient>)> {
        let kind = |value: &Ingredient| match value {
            Ingredient::List(items) => items.first().cloned(),
            other => Some(other.clone()),
        };
        let part_of_it = |(name, value): (&String, &Ingredient)| match name.as_str() {
            "task" | "classes" => Some((name.clone(), Some(value.clone()))),
            name if model.contains_key(name) => Some((name.to_owned(), Some(value.clone()))),
            input if input.starts_with("inputs.") => Some((name.clone(), kind(value))),
            _ => None,
        };
        recipe.ingredients.iter().filter_map(part_of_it).collect()
    };
    before.kind == "fit" && shape(before) == shape(cold)
}
