//! Blends (`deploy = "blend"`): the model that is deployed averages the one of all training rows and those of the folds.
//!
//! The average is a fit like any other, with a recipe, a record and an object of its own, so that whatever asks for
//! an expert's model finds it: application, audit, certificates, prediction. Its recipe names those of its members.
//! Consumers go on to read out of fold, from the models of the folds alone.
//!
//! All members share the encoding of the whole training side (means, deviations, levels: no target goes into it), so that
//! they are functions of the same numbers.

use std::collections::BTreeMap;

use collegium_digest::{Digest, Hasher};
use collegium_learn::{
    Model,
    kinds::average::{ValidationRows, blend},
};
use collegium_manifest::{Calibrate, Task};
use collegium_plan::{FitInputs, Part, blended, fit_recipe, reads};
use collegium_records::{Fit, Ingredient, Recipe};

use crate::{
    EngineError, NodeRef,
    fit::class_weights,
    inputs::{encode, sources, training_rows},
    states::States,
};

/// How the recipes of members are named in that of a blend, by number.
const MEMBER: &str = "deploy.member.";

/// How the encoding is named that the models of folds share with the others.
const ENCODING: &str = "deploy.encoding";

/// Does this recipe make an average of models that have recipes of their own?
pub(crate) fn is_blend(recipe: &Recipe) -> bool {
    recipe.ingredients.keys().any(|name| name.starts_with(MEMBER))
}

impl NodeRef<'_> {
    /// The fits that its deployed model averages; `None` for an expert that deploys one.
    pub(crate) fn blended(self) -> Option<Vec<Part>> {
        blended(self.declared())
    }

    /// What a blend adds to the recipe of a part; `None` while an upstream is not done.
    pub(crate) fn of_blend(
        self,
        part: Part,
        states: &States,
    ) -> Result<Option<BTreeMap<String, Ingredient>>, EngineError> {
        let mut beside = BTreeMap::new();
        let Some(members) = self.blended() else { return Ok(Some(beside)) };
        match part {
            Part::Full => {
                for (at, member) in members.into_iter().enumerate() {
                    let Some(inputs) = self.fit_inputs(member, states)? else { return Ok(None) };
                    let recipe = fit_recipe(self.declared(), &inputs).digest();
                    beside.insert(format!("{MEMBER}{at:03}"), recipe.into());
                }
            }
            Part::Fold { .. } => {
                let Some(whole) = self.fit_inputs(Part::Member, states)? else { return Ok(None) };
                beside.insert(ENCODING.to_owned(), encoding(&whole).into());
            }
            Part::Member | Part::Baseline(_) => {}
        }
        Ok(Some(beside))
    }

    /// The average that a recipe asks for, of members that are all in the store, and its record.
    pub(crate) fn compose(
        self,
        part: Part,
        recipe: &Recipe,
        states: &States,
    ) -> Result<(Model, Fit), EngineError> {
        let mut members = Vec::new();
        for (name, value) in &recipe.ingredients {
            if let (true, Ingredient::Digest(of)) = (name.starts_with(MEMBER), value) {
                let fit = self.session.known_fit(of)?;
                let gone = || EngineError::Lost(format!("a model that {} averages", self.name()));
                let fit = fit.ok_or_else(gone)?;
                members.push((self.session.model(&fit)?, fit));
            }
        }
        let mut members = members.into_iter();
        let hollow = || EngineError::Internal("a blend without members".to_owned());
        let (full, fit) = members.next().ok_or_else(hollow)?;
        let folds: Vec<Model> = members.map(|(model, _)| model).collect();
        let model = self.averaged(&full, &folds, states)?;
        let Fit { epochs, best_epoch, rows, restarts, judged, .. } = fit;
        let seen = Some(self.seen(part, None, states)?);
        let record = self.record(&model, recipe);
        Ok((model, Fit { epochs, best_epoch, rows, restarts, judged, seen, ..record }))
    }

    /// The blend of these models, calibrated on validation rows as the expert asks for it.
    fn averaged(
        self,
        full: &Model,
        folds: &[Model],
        states: &States,
    ) -> Result<Model, EngineError> {
        let average = |valid: Option<&ValidationRows<'_>>| {
            let blended = blend(full, folds, valid, &self.session.interrupted)?;
            blended.map_err(|error| EngineError::Internal(error.to_string()))
        };
        let resolved = self.resolved();
        if resolved.task == Task::Regression || self.declared().train.calibrate == Calibrate::None {
            return average(None);
        }
        let rows = self.session.rows(training_rows(self.index, Part::Member))?;
        let valid = self.session.rows(self.stopping_rows(Part::Member))?;
        let (labels, labels_valid, _) = self.class_labels_as_they_are(&rows, &valid)?;
        let view = reads(self.index, self.declared());
        let inputs = self.input_data(&resolved.inputs, view, states)?;
        let weights = class_weights(self.declared(), &resolved.classes, &labels);
        average(Some(&ValidationRows {
            x: &encode(full, &sources(&inputs), &valid)?,
            y: labels_valid.target(resolved.classes.len()),
            class_weights: weights.as_deref(),
        }))
    }
}

/// What an encoding is made of: the inputs on all training rows.
fn encoding(whole: &FitInputs) -> Digest {
    let mut hasher = Hasher::new("encoding");
    for input in &whole.inputs {
        hasher.text(&input.name).text(&input.kind).digest(&input.train);
    }
    hasher.finish()
}
