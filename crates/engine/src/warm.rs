//! Warm starts: a fit that begins from the model before it.
//!
//! The parent is an explicit ingredient of the recipe, so a chain of warm starts can be followed back
//! and computed again. While nothing but the parent would differ, a fit keeps the parent that it
//! has; otherwise a second run would train further by itself.

use collegium_digest::Digest;
use collegium_manifest::WarmStart;
use collegium_plan::Part;
use collegium_records::{Fit, Ingredient, Recipe, Standing};

use crate::{EngineError, Session, inputs::training_rows};

const PARENT: &str = "warm_start.parent";

impl Session {
    /// A recipe with the parent that it starts from, where the expert asks for warm starts and there
    /// is one that it may start from.
    pub(crate) fn warmed(
        &self,
        index: usize,
        part: Part,
        cold: Recipe,
    ) -> Result<(Recipe, Option<Fit>), EngineError> {
        let Some(WarmStart { cold_every }) = self.expert(index).warm_start else {
            return Ok((cold, None));
        };
        let Some(standing) = self.locked_part(index, part) else { return Ok((cold, None)) };
        let Some(before) = self.store.recipe(&standing.recipe)? else { return Ok((cold, None)) };
        let mut stripped = before.clone();
        let parent = match stripped.ingredients.remove(PARENT) {
            Some(Ingredient::Digest(parent)) => Some(parent),
            _ => None,
        };
        if stripped == cold {
            // Nothing else changed: the same fit, from the same parent. Where both are lost, a cold
            // fit begins another chain.
            let warm = match parent {
                Some(parent) => self.fit_by_model(&parent)?,
                None => None,
            };
            let at_hand = warm.is_some() || self.known_fit(&standing.recipe)?.is_some();
            return Ok(if at_hand { (before, warm) } else { (cold, None) });
        }
        let Some(fit) = self.fit_of(&standing)? else { return Ok((cold, None)) };
        if fit.generation >= cold_every
            || !self.may_start_from(index, part, &fit, &before, &cold)?
        {
            return Ok((cold, None));
        }
        Ok((cold.with(PARENT, fit.model), Some(fit)))
    }

    /// May a fit start from this one? The shape, the inputs and the classes must be the same, and it
    /// must not have seen rows that it will now be judged on.
    fn may_start_from(
        &self,
        index: usize,
        part: Part,
        fit: &Fit,
        before: &Recipe,
        cold: &Recipe,
    ) -> Result<bool, EngineError> {
        let Some(seen) = &fit.seen else { return Ok(false) };
        // A fold's model predicts the rows left out of it, so it must start from one that left out
        // the same.
        let fold = matches!(part, Part::Fold { .. });
        if fold && seen.train_rows != self.rows_digest(training_rows(index, part))? {
            return Ok(false);
        }
        let shape = |recipe: &Recipe| -> Vec<(String, Option<Ingredient>)> {
            let kind = |value: &Ingredient| match value {
                Ingredient::List(items) => items.first().cloned(),
                other => Some(other.clone()),
            };
            let part_of_it = |(name, value): (&String, &Ingredient)| match name.as_str() {
                "task" | "classes" => Some((name.clone(), Some(value.clone()))),
                model if model.starts_with("model.") && model != "model.dropout" => {
                    Some((name.clone(), Some(value.clone())))
                }
                input if input.starts_with("inputs.") => Some((name.clone(), kind(value))),
                _ => None,
            };
            recipe.ingredients.iter().filter_map(part_of_it).collect()
        };
        Ok(before.kind == "fit"
            && seen.split == self.split_key(index)
            && shape(before) == shape(cold))
    }

    fn locked_part(&self, index: usize, part: Part) -> Option<Standing> {
        let node = self.lock.node.get(&self.node_name(index))?;
        match part {
            Part::Full => Some(Standing { recipe: node.recipe, realisation: node.realisation }),
            other => node.parts.get(&other.to_string()).copied(),
        }
    }

    fn fit_by_model(&self, model: &Digest) -> Result<Option<Fit>, EngineError> {
        for (recipe, realisation) in self.store.realisations_named(&model.to_string())? {
            if let Some(fit) = self.fit_of(&Standing { recipe, realisation })? {
                return Ok(Some(fit));
            }
        }
        Ok(None)
    }
}
