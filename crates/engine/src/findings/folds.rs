//! Cross-validation folds without a class: one row, or one group, of a class lies in one fold, and the model
//! of that fold is fitted without it.

use std::collections::BTreeMap;

use collegium_manifest::Task;
use collegium_plan::{Part, View, demand};
use collegium_records::{Level, Recipe, RowAccount};
use serde::{Deserialize, Serialize};

use super::{Found, words};
use crate::{
    EngineError, NodeRef, Session,
    rows::{NO_LABEL, Rows},
};

/// What the fold models of a view lack.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Lacking {
    /// Class, and the fold (from 0) whose model is fitted without it.
    classes: Vec<(String, u32)>,
}

pub(super) fn of(
    session: &Session,
    index: usize,
    account: &RowAccount,
) -> Result<Vec<Found>, EngineError> {
    if session.node(index).resolved().task == Task::Regression
        || session.node(index).held_model().is_some()
    {
        return Ok(Vec::new());
    }
    // Nobody else asks it for folds.
    let fed = session.dag.downstream(index).into_iter().collect();
    let mut views: BTreeMap<View, Vec<u32>> = BTreeMap::new();
    for part in demand(&session.pipeline, index, &fed) {
        if let Part::Fold { view, fold } = part {
            views.entry(view).or_default().push(fold);
        }
    }
    let spec = session.node(index).declared();
    let mut found = Vec::new();
    for (view, folds) in views {
        let lacking = session.node(index).lacking(view, &folds)?;
        let Some((first, fold)) = lacking.classes.first() else { continue };
        let names: Vec<&str> = lacking.classes.iter().map(|(class, _)| class.as_str()).collect();
        let part = Part::Fold { view, fold: *fold };
        let rows =
            account.classes.iter().find(|class| class.class == *first).map_or(0, |c| c.train);
        let more = match names.len() {
            1 => String::new(),
            n => format!(" (and {} more classes so)", n - 1),
        };
        found.push(Found {
            kind: "class-missing-in-fold",
            level: Level::Note,
            span: spec.target.span(),
            label: format!("{first}: {}", words::rows(rows)),
            text: format!(
                "{part} of `{}` is fitted without the class `{first}`: {} of it among all training \
                 rows, {} in that fold{more}",
                session.node(index).name(),
                words::rows(rows),
                if rows == 1 { "and it is" } else { "all of them" },
            ),
            help: Some(
                "what it hands over there never saw the class: add rows of it, or let its consumer read \
                 it with `upstream = \"in-sample\"` or \"held-out\""
                    .to_owned(),
            ),
        });
    }
    Ok(found)
}

impl NodeRef<'_> {
    /// The classes of the training rows that the models of some folds are fitted without.
    fn lacking(self, view: View, folds: &[u32]) -> Result<Lacking, EngineError> {
        let first = Rows::Without { expert: self.index, view, fold: 0 };
        let recipe = Recipe::new("folds without a class")
            .with("rows", self.session.rows_key(first))
            .with("folds", folds.len() as i64);
        let key = recipe.digest();
        self.session.remembered("folds", &key, || self.look_for_lacking(view, folds))
    }

    fn look_for_lacking(self, view: View, folds: &[u32]) -> Result<Lacking, EngineError> {
        let classes = &self.resolved().classes;
        let labels = self.labels()?;
        let seen = |rows: &[u32]| {
            let mut seen = vec![false; classes.len()];
            for label in rows.iter().map(|&row| labels[row as usize]).filter(|l| *l != NO_LABEL) {
                seen[label as usize] = true;
            }
            seen
        };
        let all = seen(&self.session.rows(Rows::Train { expert: self.index })?);
        let mut lacking = Lacking::default();
        for &fold in folds {
            let there =
                seen(&self.session.rows(Rows::Without { expert: self.index, view, fold })?);
            let gone = (0..classes.len()).filter(|&class| all[class] && !there[class]);
            lacking.classes.extend(gone.map(|class| (classes[class].clone(), fold)));
        }
        Ok(lacking)
    }
}
