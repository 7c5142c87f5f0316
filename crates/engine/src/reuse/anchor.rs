//! The anchor of a reuse decision: the last full fit of an expert, and the data it was trained on.

use std::collections::BTreeMap;

use collegium_manifest::Input;
use collegium_records::{Fit, FitName, Ingredient, Reads, Recipe, Standing};

use crate::{
    EngineError, NodeRef, Session,
    inputs::{InputData, output_data},
    membership::{Use, closure},
    rows::{Rows, Side},
};

/// The last full fit of an expert.
#[derive(Debug, Clone)]
pub struct Anchor {
    pub(crate) standing: Standing,
    pub(crate) fit: Fit,
    pub(crate) recipe: Recipe,
    /// Its fold fits and baselines, by name.
    pub(crate) parts: BTreeMap<FitName, Standing>,
    /// What it was trained on.
    pub(crate) reads: BTreeMap<String, Reads>,
}

/// An anchor as the lock names it.
pub(super) type Named = (Standing, BTreeMap<FitName, Standing>, BTreeMap<String, Reads>);

/// Which of an anchor's inputs one asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadAs {
    /// As its training rows saw them.
    View,
    /// As validation, test and prediction see them.
    Deployed,
}

impl NodeRef<'_> {
    /// The anchor of the model in the lock: of a kept or patched expert that of its certificate, of
    /// a trained one itself. `None` where there is none, or the store no longer has it.
    pub fn anchor(self) -> Result<Option<Anchor>, EngineError> {
        match self.anchor_named() {
            Some((standing, parts, reads)) => self.session.anchor_at(standing, parts, reads),
            None => Ok(None),
        }
    }

    /// What the lock says of an anchor: its full fit, its other parts, and what it was trained on.
    pub(super) fn anchor_named(self) -> Option<Named> {
        let node = self.locked()?;
        if node.held.is_some() {
            return None;
        }
        let own = node.standing();
        Some(match &node.certificate {
            Some(c) => (c.anchor, c.anchor_parts.clone(), c.anchor_reads.clone()),
            None => (own, node.parts.clone(), node.reads.clone()),
        })
    }

    /// The inputs that moved between an anchor and now, or why the two cannot be compared. Only
    /// outputs of upstream experts may differ.
    pub(crate) fn moved(
        self,
        anchor: &Anchor,
        now: &Recipe,
    ) -> Result<Result<Vec<String>, String>, EngineError> {
        let mut moved = Vec::new();
        for change in anchor.recipe.changes(now) {
            let name = change.ingredient.as_str();
            // What a blend names follows from what else changed.
            if name.starts_with("warm_start.") || name.starts_with("deploy.") {
                continue;
            }
            let reference = name.strip_prefix("inputs.").unwrap_or_default();
            let own = match (anchor.recipe.ingredients.get(name), now.ingredients.get(name)) {
                (Some(before), Some(after)) => kind(before) == kind(after),
                _ => false,
            };
            let upstream = self
                .resolved()
                .inputs
                .iter()
                .any(|i| matches!(i, Input::Output { .. }) && i.to_string() == reference);
            if !own || !upstream {
                return Ok(Err(format!("{name} changed, {}", super::OWN)));
            }
            moved.push(reference.to_owned());
        }
        if moved.is_empty() {
            return Ok(Err("nothing that it reads changed".to_owned()));
        }
        let Some(seen) = &anchor.fit.seen else {
            return Ok(Err("its last full fit does not say what it saw".to_owned()));
        };
        let train = self.session.rows_digest(Rows::Train { expert: self.index })?;
        let valid =
            self.session.rows_digest(Rows::Side { expert: self.index, side: Side::Valid })?;
        if (seen.train_rows, seen.valid_rows) != (train, valid) {
            return Ok(Err("its rows are not those of its last full fit".to_owned()));
        }
        let valid = self.session.rows(Rows::Side { expert: self.index, side: Side::Valid })?;
        let known = self.seen_among(&closure(&anchor.fit), Use::Trained, &valid)?.len();
        if known > 0 {
            return Ok(Err(format!(
                "a model behind it was trained on {known} of the {} validation rows that would certify it",
                valid.len()
            )));
        }
        for input in &self.resolved().inputs {
            let Input::Output { expert, .. } = input else { continue };
            let now = self
                .session
                .index(expert)
                .map(|from| &self.session.node(from).resolved().classes)?;
            if seen.classes.get(&input.to_string()).is_some_and(|before| before != now) {
                return Ok(Err(format!("the classes of {expert} changed")));
            }
        }
        Ok(Ok(moved))
    }

    /// The content of an anchor's inputs on all rows; `None` when the store has lost some of it.
    pub fn anchor_data(
        self,
        reads: &BTreeMap<String, Reads>,
        seen: ReadAs,
    ) -> Result<Option<Vec<InputData>>, EngineError> {
        let table = self.table()?;
        let mut found = Vec::new();
        for input in &self.resolved().inputs {
            found.push(match input {
                Input::Column { column, .. } => match table.column(column) {
                    Some(column) => InputData::Column(column.clone()),
                    None => return Ok(None),
                },
                Input::Output { expert, output } => {
                    let Some(reads) = reads.get(&input.to_string()) else { return Ok(None) };
                    let object = match seen {
                        ReadAs::View => reads.view,
                        ReadAs::Deployed => reads.deployed,
                    };
                    let matrix = self.session.matrix(&object)?;
                    let Some(matrix) = matrix.filter(|m| m.rows == table.rows) else {
                        return Ok(None);
                    };
                    let from = self.session.index(expert)?;
                    output_data(*output, matrix, &self.session.node(from).resolved().classes)
                }
            });
        }
        Ok(Some(found))
    }
}

impl Session {
    /// An anchor by what it is made of.
    pub(crate) fn anchor_at(
        &self,
        standing: Standing,
        parts: BTreeMap<FitName, Standing>,
        reads: BTreeMap<String, Reads>,
    ) -> Result<Option<Anchor>, EngineError> {
        let (Some(fit), Some(recipe)) =
            (self.fit_of(&standing)?, self.store.recipe(&standing.recipe)?)
        else {
            return Ok(None);
        };
        if recipe.kind != "fit" {
            return Ok(None);
        }
        // What the lock names was equal on this expert's rows; what the fit itself saw, certainly.
        let whole = |reads: &BTreeMap<String, Reads>| {
            reads.values().all(|r| self.store.contains(&r.deployed) && self.store.contains(&r.view))
        };
        let reads = match &fit.seen {
            Some(seen) if !whole(&reads) && whole(&seen.upstream) => seen.upstream.clone(),
            _ => reads,
        };
        Ok(Some(Anchor { standing, fit, recipe, parts, reads }))
    }

    /// The record of a fit by recipe and realisation, whether its model is in the store or not.
    pub(crate) fn record_of(&self, standing: &Standing) -> Result<Option<Fit>, EngineError> {
        let mut known: BTreeMap<_, Fit> = self.store.realisations(&standing.recipe)?;
        Ok(known.remove(&standing.realisation))
    }

    /// The same, if its model is in the store.
    pub fn fit_of(&self, standing: &Standing) -> Result<Option<Fit>, EngineError> {
        Ok(self.record_of(standing)?.filter(|fit| self.store.contains(&fit.model)))
    }
}

/// How an input is encoded, as a recipe says it.
fn kind(ingredient: &Ingredient) -> Option<&Ingredient> {
    match ingredient {
        Ingredient::List(items) => items.first(),
        _ => None,
    }
}
