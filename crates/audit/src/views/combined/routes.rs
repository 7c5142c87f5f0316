//! Routing diagnostics on test rows: weights, losses with and without each expert, regret against the oracle.

use std::sync::Arc;

use collegium_digest::Digest;
use collegium_learn::{Head, Model, Pool, Routes};
use collegium_manifest::{ColumnType, Input, Task};
use collegium_plan::View;
use collegium_probe::{
    ExpertRemoved, Loss, Predictions, RouteCodes, RoutingInputs, predicted_labels,
};
use collegium_records::RoutingDiagnostics;
use collegium_table::{Matrix, Values};

use collegium_engine::{
    EngineError, data_error,
    inputs::encode,
    intervals::losses_of,
    measure::Predicted,
    rows::{Rows, Side},
};

use crate::Auditor;

/// Levels of a column that is a slice of the routes, at most.
const MOST_LEVELS: usize = 40;
/// Columns that are, at most.
const MOST_SLICES: usize = 12;

/// A column's name, its levels, and the level of each row.
type Slice = (String, Vec<String>, Vec<u32>);

/// A combination on its test rows.
pub(super) struct Routed {
    pub(super) rows: Arc<Vec<u32>>,
    /// Rows × experts; none for a stack.
    pub(super) weights: Option<Matrix>,
    /// Loss of each row.
    pub(super) losses: Vec<f64>,
    /// Loss that each expert alone has: rows × experts.
    pub(super) alone: Vec<f64>,
    /// Loss without an expert, the others' weights scaled up: by expert, by row.
    pub(super) without: Vec<Vec<f64>>,
    /// What each expert says, probabilities or standardised values: rows × experts × width.
    answers: Vec<f32>,
    pub(super) width: usize,
}

impl Routed {
    /// The answers of one expert for each row.
    pub(super) fn answers_of(&self, by: &[usize]) -> Vec<f32> {
        let experts = self.answers.len() / (self.rows.len() * self.width).max(1);
        let of = |(row, expert): (usize, &usize)| {
            self.answers[(row * experts + expert) * self.width..][..self.width].iter().copied()
        };
        by.iter().enumerate().flat_map(of).collect()
    }
}

fn weights_of(routes: Routes, model: &Model, x: &Matrix) -> Option<Matrix> {
    (routes.combination.pool != Pool::Stack).then(|| routes.weights(x, &model.head))
}

impl Auditor<'_> {
    /// Evaluates a gate or a mixture on its test rows: weights, losses, answers of each expert.
    pub(super) fn routes(self, model: &Model, routes: Routes) -> Result<Routed, EngineError> {
        let (rows, x) = self.test_rows(model)?;
        let combination = routes.combination;
        let width = combination.answer_width(&model.head);
        let weights = weights_of(routes, model, &x);
        let answers = combination.predictions(&x, &model.head, None);
        let losses = self.raw_losses(model, routes.raw(&x, &model.head), &rows)?;
        let experts = combination.len();
        let mut alone = vec![0.0; rows.len() * experts];
        for expert in 0..experts {
            let own: Vec<f32> = answers
                .chunks_exact(experts * width)
                .flat_map(|row| &row[expert * width..][..width])
                .copied()
                .collect();
            for (row, loss) in self.answer_losses(model, own, width, &rows)?.into_iter().enumerate()
            {
                alone[row * experts + expert] = loss;
            }
        }
        let mut without = Vec::new();
        if experts > 1 && weights.is_some() {
            for expert in 0..experts {
                let raw = routes.raw_without(&x, &model.head, expert);
                without.push(self.raw_losses(model, raw, &rows)?);
            }
        }
        Ok(Routed { rows, weights, losses, alone, without, answers, width })
    }

    /// How a gate or a mixture weighs its experts on its test rows; `None` where it does not weigh.
    pub(super) fn weights(
        self,
        model: &Model,
        routes: Routes,
    ) -> Result<Option<Matrix>, EngineError> {
        let (_, x) = self.test_rows(model)?;
        Ok(weights_of(routes, model, &x))
    }

    /// Its test rows, as it encodes them.
    fn test_rows(self, model: &Model) -> Result<(Arc<Vec<u32>>, Matrix), EngineError> {
        let rows =
            self.session().rows(Rows::HeldOut { expert: self.node.index, side: Side::Test })?;
        let inputs = &self.node.resolved().inputs;
        let data = self.node.input_data(inputs, View::Deployed, self.states)?;
        let x = encode(model, &collegium_engine::inputs::sources(&data), &rows)?;
        Ok((rows, x))
    }

    /// Losses of raw outputs.
    fn raw_losses(self, model: &Model, raw: Matrix, rows: &[u32]) -> Result<Vec<f64>, EngineError> {
        Ok(losses_of(&self.answers_with_truth(&model.head, raw, rows)?))
    }

    /// Raw outputs as predictions, with the targets.
    pub(super) fn answers_with_truth(
        self,
        head: &Head,
        mut raw: Matrix,
        rows: &[u32],
    ) -> Result<Predicted, EngineError> {
        raw.data.chunks_exact_mut(raw.width.max(1)).for_each(|row| head.answer(row));
        in_units(&mut raw.data, head);
        self.with_truth(raw.data, raw.width, rows)
    }

    /// Losses of probabilities, or of standardised values.
    fn answer_losses(
        self,
        model: &Model,
        mut answers: Vec<f32>,
        width: usize,
        rows: &[u32],
    ) -> Result<Vec<f64>, EngineError> {
        in_units(&mut answers, &model.head);
        Ok(losses_of(&self.node.with_truth(answers, width, rows)?))
    }

    /// The measures of the routes.
    pub(super) fn routing(
        self,
        routed: &Routed,
        refitted: &[Option<Vec<f64>>],
        key: &Digest,
    ) -> Result<Option<RoutingDiagnostics>, EngineError> {
        let Some(weights) = &routed.weights else { return Ok(None) };
        let names = self.members();
        let classes = &self.node.resolved().classes;
        let truth = self.with_truth(vec![0.0; routed.rows.len()], 1, &routed.rows)?;
        let (labels, loss) = match &truth {
            Predicted::Classes { labels, .. } => (Some(labels.clone()), Loss::Log),
            Predicted::Values { .. } => (None, Loss::Squared),
        };
        let together = self.groups_of(&routed.rows)?;
        let columns = self.slice_columns(&routed.rows)?;
        let slices: Vec<RouteCodes> = columns
            .iter()
            .map(|(name, levels, codes)| RouteCodes { name, levels, codes })
            .collect();
        let without: Vec<ExpertRemoved> = (0..names.len())
            .map(|expert| ExpertRemoved {
                renormalised: routed.without.get(expert).map(Vec::as_slice),
                refitted: refitted.get(expert).and_then(|losses| losses.as_deref()),
            })
            .collect();
        let target = self.node.declared().target.get_ref();
        let predicted: Vec<u32> = match &truth {
            Predicted::Classes { classes, .. } => {
                predicted_labels(&routed.answers, routed.width, classes.decision)
            }
            Predicted::Values { .. } => Vec::new(),
        };
        let (values, truths) = self.values(&routed.rows, &routed.answers)?;
        let predictions = match self.node.resolved().task {
            Task::Classification => Predictions::Classes(&predicted),
            Task::Regression => Predictions::Values { predicted: &values, truth: &truths },
        };
        Ok(collegium_probe::routing(&RoutingInputs {
            experts: &names,
            weights: &weights.data,
            losses: &routed.alone,
            mixture: &routed.losses,
            loss,
            labels: labels.as_ref().map(|codes| RouteCodes {
                name: target,
                levels: classes,
                codes,
            }),
            slices: &slices,
            without: &without,
            predictions: Some(predictions),
            how: self.session().resampling(super::controls::RESAMPLES, key).by(together.as_ref()),
        }))
    }

    /// Values of a regression's experts and the truth, in one unit.
    fn values(self, rows: &[u32], answers: &[f32]) -> Result<(Vec<f32>, Vec<f64>), EngineError> {
        if self.node.resolved().task != Task::Regression {
            return Ok((Vec::new(), Vec::new()));
        }
        let train = self.session().rows(Rows::Train { expert: self.node.index })?;
        let valid =
            self.session().rows(Rows::Side { expert: self.node.index, side: Side::Valid })?;
        let Ok((_, _, Head::Regression { mean, deviation })) =
            self.node.value_labels(&train, &valid)?
        else {
            return Ok((Vec::new(), Vec::new()));
        };
        let target = self.node.target_values()?;
        let truth = rows.iter().map(|row| (target[*row as usize] - mean) / deviation).collect();
        Ok((answers.to_vec(), truth))
    }

    /// Columns of few levels that the gate, its experts, or their rules and `where`s may speak of: those
    /// of the data source, its own target aside.
    fn slice_columns(self, rows: &[u32]) -> Result<Vec<Slice>, EngineError> {
        let expert = self.node.declared();
        let prepared = self.node.prepared();
        let few = |facts: &&collegium_data::ColumnFacts| match facts.kind {
            ColumnType::Category => facts.levels.len() <= MOST_LEVELS,
            kind => kind == ColumnType::Boolean,
        };
        let names = prepared.facts.columns.iter().filter(few).map(|facts| facts.name.clone());
        let table = prepared
            .columns(&names.collect())
            .map_err(|error| data_error(error, &self.session().pipeline.source))?;
        let rules = &self.session().pipeline.data[&expert.data].rules;
        let read = |name: &str| {
            let reference = Input::Column { data: expert.data.clone(), column: name.to_owned() };
            self.node.resolved().raw.contains(&reference)
        };
        let mut found = Vec::new();
        for column in &table.columns {
            if column.name == *expert.target.get_ref() || rules.contains(&column.name) {
                continue;
            }
            let (levels, codes): (Vec<String>, Vec<u32>) = match &column.values {
                Values::Category { codes, levels } if levels.len() <= MOST_LEVELS => {
                    (levels.clone(), rows.iter().map(|row| codes[*row as usize]).collect())
                }
                Values::Boolean(values) => (
                    vec!["false".to_owned(), "true".to_owned()],
                    rows.iter().map(|row| u32::from(values[*row as usize])).collect(),
                ),
                _ => continue,
            };
            found.push((column.name.clone(), levels, codes));
        }
        // What is read says more than what merely lies beside it.
        found.sort_by_key(|(name, ..)| !read(name));
        found.truncate(MOST_SLICES);
        Ok(found)
    }
}

/// Standardised values in the target's units; probabilities as they are.
fn in_units(answers: &mut [f32], head: &Head) {
    if let Head::Regression { mean, deviation } = head {
        answers.iter_mut().for_each(|v| *v = (f64::from(*v) * deviation + mean) as f32);
    }
}
