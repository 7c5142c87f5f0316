//! One expert's measurements, put together.

use std::collections::BTreeMap;

use collegium_data::Source;
use collegium_digest::{Digest, stream};
use collegium_learn::Model;
use collegium_manifest::{Input, Task};
use collegium_plan::View;
use collegium_probe::{
    AgopError, AgopInputs, Loss, Output as Probed, agop, confusion, log_losses,
    measure_classification, measure_regression, predicted_labels, reliability, skill,
    squared_errors,
};
use collegium_records::{Agop, NodeAudit, Performance, Probe, Skill, SplitMeasures};
use rand::RngExt as _;

use super::{baseline_name, baselines, findings, model_words};
use crate::{
    EngineError, Session,
    inputs::{InputData, NodeState, States},
    measure::Predicted,
    rows::{Rows, SIDES, Side, side_name},
};

/// Bootstrap resamples behind every interval of a metric.
const RESAMPLES: u32 = 200;

impl Session {
    pub(super) fn make_audit(
        &self,
        index: usize,
        state: &NodeState,
        states: &States,
        key: &Digest,
    ) -> Result<NodeAudit, EngineError> {
        let expert = self.expert(index);
        let resolved = &self.experts[index];
        let full = state.full();
        let model = self.model(full)?;
        let test = Rows::Side { expert: index, side: Side::Test };
        let mut metrics = BTreeMap::new();
        for side in SIDES {
            let predicted = self.predicted(index, state, Rows::Side { expert: index, side })?;
            metrics.insert(side_name(side).to_owned(), with_intervals(&predicted, key));
        }
        let mut yardsticks = BTreeMap::new();
        for baseline in baselines(&state.parts) {
            let mut splits = BTreeMap::new();
            for side in SIDES {
                let rows = Rows::Side { expert: index, side };
                let predicted = self.baseline_predicted(index, baseline, state, states, rows)?;
                splits.insert(side_name(side).to_owned(), with_intervals(&predicted, key));
            }
            yardsticks.insert(baseline_name(baseline).to_owned(), splits);
        }
        let held_out = self.predicted(index, state, test)?;
        let skill = self.skill(index, &held_out, key)?;
        let (seen, withheld) = match &skill {
            Some(skill) if skill.beats_baseline => self.look(index, &model, states, key)?,
            Some(_) => (None, Some(
                "it learned nothing: on test rows it does not beat a constant prediction, so what \
                 it looks at says nothing about the task"
                    .to_owned(),
            )),
            None => (None, Some("there are no test rows to show skill on".to_owned())),
        };
        let tables = match &held_out {
            Predicted::Classes { probability, width, labels, classes } if !labels.is_empty() => (
                Some(confusion(labels, &predicted_labels(probability, *width), &resolved.classes)),
                reliability(probability, *width, labels, *classes),
            ),
            _ => (None, None),
        };
        let mut audit = NodeAudit {
            name: self.node_name(index),
            task: full.task.clone(),
            target: format!("{}.{}", expert.data, expert.target.get_ref()),
            inputs: expert.inputs.iter().map(|input| input.get_ref().to_string()).collect(),
            filter: expert.filter.as_ref().map(|filter| filter.get_ref().clone()),
            model: model_words(&expert.model),
            classes: resolved.classes.clone(),
            metrics,
            baselines: yardsticks,
            skill: skill.unwrap_or_else(no_skill),
            confusion: tables.0,
            reliability: tables.1,
            agop: seen,
            withheld,
            epochs: full.epochs.clone(),
            best_epoch: full.best_epoch,
            parameters: full.parameters,
            multiply_adds: full.multiply_adds,
            rows: full.rows,
            cost: full.cost,
            recipe: state.recipe,
            realisation: full.model,
            certificate: None,
            judgement: None,
            advice: None,
            performance: Performance::default(),
            probe: Probe::default(),
            provenance: None,
            findings: Vec::new(),
        };
        audit.findings = findings::of(&audit, &model.encoder.notes(), expert.train.epochs);
        Ok(audit)
    }

    /// Paired test-row losses against the best constant of the training rows. An expert trained with
    /// class weights is judged by the loss that it was trained on: each row counts as its class.
    fn skill(
        &self,
        index: usize,
        held_out: &Predicted,
        key: &Digest,
    ) -> Result<Option<Skill>, EngineError> {
        let train = self.rows(Rows::Train { expert: index })?;
        Ok(match held_out {
            Predicted::Classes { probability, width, labels, classes } => {
                let all = self.labels(index)?;
                let weights = self.row_weights(index, &train, &all);
                let mut prior = vec![0.0f64; *classes];
                for &row in train.iter() {
                    let label = all[row as usize] as usize;
                    prior[label] += weights[label];
                }
                let total: f64 = prior.iter().sum();
                let constant: Vec<f32> = match width {
                    1 => vec![(prior[1] / total) as f32; labels.len()],
                    _ => {
                        let one: Vec<f32> = prior.iter().map(|p| (p / total) as f32).collect();
                        one.repeat(labels.len())
                    }
                };
                let weigh = |mut losses: Vec<f64>| {
                    for (loss, &label) in losses.iter_mut().zip(labels) {
                        *loss *= weights.get(label as usize).copied().unwrap_or(1.0);
                    }
                    losses
                };
                let ours = weigh(log_losses(probability, *width, labels, *classes));
                let theirs = weigh(log_losses(&constant, *width, labels, *classes));
                skill(Loss::Log, &ours, &theirs, RESAMPLES, key)
            }
            Predicted::Values { predicted, truth } => {
                let target = self.target_values(index)?;
                let mean = train.iter().map(|&row| target[row as usize]).sum::<f64>()
                    / train.len().max(1) as f64;
                let constant = vec![mean as f32; truth.len()];
                let ours = squared_errors(predicted, truth);
                skill(Loss::Squared, &ours, &squared_errors(&constant, truth), RESAMPLES, key)
            }
        })
    }

    fn row_weights(&self, index: usize, train: &[u32], labels: &[u32]) -> Vec<f64> {
        let classes = &self.experts[index].classes;
        crate::fit::weights_by_class(
            &self.expert(index).train.class_weights,
            classes,
            train.iter().map(|&row| labels[row as usize]),
        )
        .unwrap_or_else(|| vec![1.0; classes.len()])
    }

    /// The AGOP at the declared inputs on held-out rows drawn by key, or why there is none.
    fn look(
        &self,
        index: usize,
        model: &Model,
        states: &States,
        key: &Digest,
    ) -> Result<(Option<Agop>, Option<String>), EngineError> {
        let inputs = &self.experts[index].inputs;
        let data = self.input_data(index, inputs, View::Deployed, states)?;
        self.look_at(index, model, &data, key)
    }

    /// The same for inputs at hand.
    #[allow(clippy::type_complexity)]
    pub(crate) fn look_at(
        &self,
        index: usize,
        model: &Model,
        data: &[InputData],
        key: &Digest,
    ) -> Result<(Option<Agop>, Option<String>), EngineError> {
        let inputs = &self.experts[index].inputs;
        let sources: Vec<Source> = data.iter().map(|input| input.source()).collect();
        let rows = self.probed_rows(index, key)?;
        let x = model
            .encoder
            .encode(&sources, &rows)
            .map_err(|error| EngineError::Internal(format!("encoding: {error}")))?;
        let untrained = model.network.untrained(key);
        let upstream: Vec<Option<String>> = inputs
            .iter()
            .map(|input| match input {
                Input::Output { expert, .. } => Some(format!("expert.{expert}")),
                Input::Column { .. } => None,
            })
            .collect();
        let found = agop(AgopInputs {
            names: model.encoder.names(),
            groups: &model.encoder.groups(),
            upstream: &upstream,
            encoded: &x.data,
            width: x.width,
            trained: &mut |visit| model.network.jacobians(&x, visit),
            untrained: &mut |visit| untrained.jacobians(&x, visit),
            output: match self.experts[index].task {
                Task::Classification => Probed::Logit,
                Task::Regression => Probed::Value,
            },
            split: side_name(Side::Test),
            bootstrap: self.pipeline.audit.bootstrap,
            key,
        });
        match found {
            Ok(agop) => Ok((Some(agop), None)),
            Err(error @ (AgopError::Constant | AgopError::TooFewRows(_))) => {
                Ok((None, Some(error.to_string())))
            }
            Err(error) => Err(EngineError::Internal(error.to_string())),
        }
    }

    /// `audit.rows` of the expert's test rows, without replacement, in the table's order.
    fn probed_rows(&self, index: usize, key: &Digest) -> Result<Vec<u32>, EngineError> {
        let mut rows = self.rows(Rows::Side { expert: index, side: Side::Test })?.to_vec();
        let wanted = self.pipeline.audit.rows as usize;
        if rows.len() > wanted {
            let mut random = stream(key, "probed rows");
            for taken in 0..wanted {
                let other = random.random_range(taken..rows.len());
                rows.swap(taken, other);
            }
            rows.truncate(wanted);
            rows.sort_unstable();
        }
        Ok(rows)
    }
}

fn with_intervals(predicted: &Predicted, key: &Digest) -> SplitMeasures {
    match predicted {
        Predicted::Classes { probability, width, labels, classes } => {
            measure_classification(probability, *width, labels, *classes, RESAMPLES, key)
        }
        Predicted::Values { predicted, truth } => {
            measure_regression(predicted, truth, RESAMPLES, key)
        }
    }
}

/// Without test rows nothing is proved.
fn no_skill() -> Skill {
    Skill {
        metric: String::new(),
        value: 0.0,
        baseline: 0.0,
        gain: 0.0,
        gain_interval: collegium_records::Interval { low: 0.0, high: 0.0 },
        beats_baseline: false,
    }
}
