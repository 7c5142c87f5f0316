//! Why a node was, or would be, fitted: a comparison of two recipes.

use std::{collections::BTreeMap, sync::Arc};

use collegium_data::{Matrix, Values};
use collegium_digest::Digest;
use collegium_manifest::{Input, Output};
use collegium_plan::{View, fit_recipe};
use collegium_records::{Applied, Change, FORMAT_VERSION, Fit, WhyReport};

use crate::{
    EngineError, Session,
    inputs::States,
    node::{complete, missing},
    rows::{Rows, Side},
};

/// Compares the recipe that the lock stands on with the present one.
///
/// # Errors
/// [`EngineError::Usage`] for an unknown node, [`EngineError::Store`].
pub fn why(session: &Session, node: &str) -> Result<WhyReport, EngineError> {
    let index = session.index(node)?;
    let wanted = session.dag.with_ancestors(&[index]);
    let mut states = States::new();
    for &above in session.dag.order() {
        if above == index || !wanted.contains(&above) {
            continue;
        }
        if let Some(needs) = session.needs(above, &wanted, &states)?
            && let Some(parts) = complete(needs)
        {
            let state = session.state(above, parts, &states)?;
            states.insert(above, Arc::new(state));
        }
    }
    let name = session.node_name(index);
    let needs = session.needs(index, &wanted, &states)?;
    let waiting: Vec<String> = session
        .dag
        .upstream(index)
        .into_iter()
        .filter(|from| !states.contains_key(from))
        .map(|from| session.node_name(from))
        .collect();
    let before = session.locked_recipe(index)?;
    let open = needs.as_deref().map(missing).unwrap_or_default();
    let mut changes = Vec::new();
    let summary = match (before, needs.as_ref().and_then(|needs| needs.first())) {
        (None, _) => "never fitted".to_owned(),
        (Some(before), Some(full)) => {
            changes = before.changes(&full.recipe);
            match (changes.is_empty(), open.is_empty()) {
                (true, true) => session.last_reason(&name)?,
                (true, false) => {
                    format!("nothing changed, but not in the store: {}", open.join(", "))
                }
                (false, true) => {
                    "it changed since the lock was written, and a fit of the new recipe \
                                  is at hand: `collegium run` will take it"
                        .to_owned()
                }
                (false, false) => {
                    format!("will be fitted: its recipe changed{}", session.row_change(index)?)
                }
            }
        }
        (Some(before), None) => {
            let own = fit_recipe(session.expert(index), &session.own_inputs(index)?);
            changes = before.changes(&own);
            changes.retain(|c| c.after.is_some() || !c.ingredient.starts_with("inputs."));
            match changes.is_empty() {
                true => format!(
                    "nothing of its own changed; whether it is fitted depends on what {} will hand \
                     over",
                    waiting.join(", ")
                ),
                false => format!(
                    "will be fitted; {} will be brought up to date first",
                    waiting.join(", ")
                ),
            }
        }
    };
    session.add_drift(index, &mut changes, &states)?;
    session.store.flush()?;
    Ok(WhyReport {
        format_version: FORMAT_VERSION,
        node: name,
        summary,
        changes,
        output_change: None,
        judgement: None,
        advice: None,
    })
}

impl Session {
    /// When and why a node that is up to date was last fitted.
    fn last_reason(&self, name: &str) -> Result<String, EngineError> {
        for (when, report) in self.store.runs()?.iter().rev() {
            let locked = self.lock.node.get(name).map(|node| node.realisation);
            let fitted = report.nodes.iter().find(|run| {
                run.name == name
                    && run.realisation == locked
                    && run.fitted.iter().any(|part| part == "full")
            });
            if let Some(run) = fitted {
                return Ok(format!(
                    "up to date; the present model was fitted in the run of {when} ({}): {}",
                    run.fitted.join(", "),
                    run.reasons.join("; ")
                ));
            }
        }
        Ok("up to date".to_owned())
    }

    /// `; 2128 → 2129 training rows`, when their number changed since the locked fit.
    fn row_change(&self, index: usize) -> Result<String, EngineError> {
        let after = self.rows(Rows::Train { expert: index })?.len() as u64;
        Ok(match self.locked_fit(index)? {
            Some(fit) if fit.rows != after => {
                format!("; {} → {after} training rows", fit.rows)
            }
            _ => String::new(),
        })
    }

    /// How far each changed input moved, where both versions are at hand and have the same rows.
    fn add_drift(
        &self,
        index: usize,
        changes: &mut [Change],
        states: &States,
    ) -> Result<(), EngineError> {
        for change in changes {
            let Some(reference) = change.ingredient.strip_prefix("inputs.") else { continue };
            let input = self.experts[index].inputs.iter().find(|i| i.to_string() == reference);
            change.drift = match input {
                Some(Input::Output { expert, output }) => {
                    self.output_drift(index, expert, *output, states)?
                }
                Some(Input::Column { column, .. }) => self.column_drift(index, column)?,
                None => None,
            };
        }
        Ok(())
    }

    fn output_drift(
        &self,
        index: usize,
        expert: &str,
        output: Output,
        states: &States,
    ) -> Result<Option<f64>, EngineError> {
        let Some(locked) = self.lock.node.get(&format!("expert.{expert}")) else { return Ok(None) };
        let before: BTreeMap<Digest, Applied> = self.store.realisations(&locked.outputs)?;
        let before =
            before.into_values().next().and_then(|a| a.outputs.get(output.name()).copied());
        let after = self.output_object(expert, output, View::Deployed, states);
        let (Some(before), Some(after)) = (before, after) else { return Ok(None) };
        let (Some(before), Some(after)) = (self.matrix(&before)?, self.matrix(&after)?) else {
            return Ok(None);
        };
        if before.rows != after.rows || before.width != after.width {
            return Ok(None);
        }
        let rows = self.rows(Rows::Side { expert: index, side: Side::Valid })?;
        let pick = |matrix: &Matrix| -> Vec<f64> {
            rows.iter()
                .flat_map(|&r| matrix.row(r as usize).iter().map(|&v| f64::from(v)))
                .collect()
        };
        Ok(drift(&pick(&before), &pick(&after)))
    }

    fn column_drift(&self, index: usize, column: &str) -> Result<Option<f64>, EngineError> {
        let Some(fit) = self.locked_fit(index)? else { return Ok(None) };
        let Some(old) = self.old_table(&fit)? else { return Ok(None) };
        let new = self.table(index)?;
        let (Some(old), Some(new)) = (old.column(column), new.column(column)) else {
            return Ok(None);
        };
        let (Values::Number(old), Values::Number(new)) = (&old.values, &new.values) else {
            return Ok(None);
        };
        // Rows that came or went shift the others: which row was which is not known.
        if old.len() != new.len() {
            return Ok(None);
        }
        let both = old.iter().zip(new).filter(|(a, b)| a.is_finite() && b.is_finite());
        let (old, new): (Vec<f64>, Vec<f64>) = both.map(|(a, b)| (*a, *b)).unzip();
        Ok(drift(&old, &new))
    }

    /// The table that a fit was trained on, if it is still in the store.
    fn old_table(&self, fit: &Fit) -> Result<Option<Arc<collegium_data::Table>>, EngineError> {
        let Some(object) = fit.table else { return Ok(None) };
        let Some(path) = self.store.path(&object)? else { return Ok(None) };
        // A table that cannot be read only means that the drift stays unknown.
        Ok(collegium_data::read_table(&path).map(Arc::new))
    }
}

/// Root mean square of the differences, in standard deviations of `before`.
fn drift(before: &[f64], after: &[f64]) -> Option<f64> {
    if before.is_empty() || before.len() != after.len() {
        return None;
    }
    let n = before.len() as f64;
    let mean = before.iter().sum::<f64>() / n;
    let variance = before.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
    let moved = before.iter().zip(after).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / n;
    (variance > 0.0).then(|| (moved / variance).sqrt())
}
