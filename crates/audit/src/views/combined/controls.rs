//! Controls (baselines) of a gate or a mixture: each is a cached fit on the same rows.
//!
//! Simpler ways to use the same experts (the best of them, means, a linear stack), and one network that
//! replaces all of it: of the same total size, of the same work for a row, given the same extra labels,
//! or given three times the training. With `audit.seeds` everything is fitted again from other seeds,
//! experts included, and differences are taken seed by seed.

use std::collections::BTreeMap;

use collegium_digest::{Digest, Hasher, stream};
use collegium_learn::{GateWeights, Pool, Routes};
use collegium_manifest::Task;
use collegium_plan::View;
use collegium_probe::{
    Recalibrated, Resampling, line, over_rows, over_seeds, paired_regression, predicted_labels,
};
use collegium_records::{
    Control, Interval, Measure, MetricDiff, Metrics, PairedVerdict, margin_of,
};
use collegium_table::Matrix;

use super::{planned::Varied, routes::Routed};
use collegium_engine::{
    EngineError,
    fit::shuffle,
    inputs::{encode, sources},
    intervals::{losses_of, paired},
    measure::Predicted,
    rows::{Rows, Side},
    states::NodeState,
};

use crate::Auditor;

/// Bootstrap resamples behind intervals over rows.
pub(super) const RESAMPLES: u32 = 200;

/// The same behind a lead, on which a verdict hangs.
const LEADS: u32 = 2000;

/// What a mixture's experts come to without its gate.
const INSIDE: [(&str, &str); 2] = [
    ("best", "its best expert on validation rows alone"),
    ("uniform", "the arithmetic mean of its experts"),
];

/// A gate compared with its controls.
pub(super) struct Compared {
    /// What it is compared in.
    pub(super) loss: &'static str,
    pub(super) parameters: u64,
    pub(super) multiply_adds: f64,
    pub(super) metrics: Vec<Metrics>,
    pub(super) controls: Vec<Control>,
    /// Losses of the gate refitted without each expert.
    pub(super) without: Vec<Option<Vec<f64>>>,
    /// Why a control could not be fitted.
    pub(super) failed: Vec<String>,
}

/// Losses and metrics of one node on the gate's test rows.
struct Outcome {
    losses: Vec<f64>,
    metrics: Metrics,
    predicted: Predicted,
    /// What is left of it once corrected on validation rows; `None` without enough of them.
    recalibrated: Option<Corrected>,
}

/// Predictions after recalibration.
enum Corrected {
    /// Each row's log loss.
    Classes(Vec<f64>),
    Values(Vec<f32>),
}

/// By what losses and corrections are made.
struct Scale {
    loss: &'static str,
    /// Of the classes in the gate's training rows.
    shares: Vec<f64>,
    /// Leads that are too small to matter.
    margin: Option<f64>,
}

impl Outcome {
    /// On test rows, corrected on validation rows where it has predictions there.
    fn of(predicted: Predicted, valid: Option<&Predicted>, scale: &Scale) -> Self {
        let losses = match &predicted {
            Predicted::Classes { probability, width, labels, classes } if scale.loss == ERROR => {
                let said = predicted_labels(probability, *width, classes.decision);
                said.iter().zip(labels).map(|(a, b)| f64::from(u8::from(a != b))).collect()
            }
            _ => losses_of(&predicted),
        };
        let recalibrated = valid.and_then(|valid| corrected(valid, &predicted, &scale.shares));
        Self { losses, metrics: predicted.metrics(), predicted, recalibrated }
    }
}

fn corrected(valid: &Predicted, test: &Predicted, shares: &[f64]) -> Option<Corrected> {
    match (valid, test) {
        (
            Predicted::Classes { probability, width, labels, classes },
            Predicted::Classes { probability: of_test, labels: truth, .. },
        ) if shares.len() == classes.count => {
            let [fitted, _] =
                Recalibrated::fit(probability, *width, labels, classes.count, [shares; 2])?;
            Some(Corrected::Classes(fitted.losses(of_test, *width, truth)))
        }
        (Predicted::Values { predicted, truth }, Predicted::Values { predicted: of_test, .. }) => {
            let ([slope, shift], _) = line(predicted, truth)?;
            let correct = |p: &f32| (slope * f64::from(*p) + shift) as f32;
            Some(Corrected::Values(of_test.iter().map(correct).collect()))
        }
        _ => None,
    }
}

/// The gate (`after`) against a control (`before`), metric by metric on the same rows.
fn metric_by_metric(
    control: &Outcome,
    gate: &Outcome,
    how: Resampling,
) -> BTreeMap<String, MetricDiff> {
    let numbers = |before: &[f32], after: &[f32], truth: &[f64]| {
        paired_regression(before, &[after], truth, how).into_iter().next().unwrap_or_default()
    };
    let mut found = paired(&control.predicted, &[&gate.predicted], how);
    let mut found = found.pop().unwrap_or_default();
    match (&control.recalibrated, &gate.recalibrated, &gate.predicted) {
        (Some(Corrected::Classes(before)), Some(Corrected::Classes(after)), _) => {
            let rises: Vec<f64> = after.iter().zip(before).map(|(a, b)| a - b).collect();
            let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len().max(1) as f64;
            found.extend(over_rows(&rises, how).map(|difference| {
                let diff = MetricDiff {
                    before: mean(before),
                    after: mean(after),
                    difference: difference.value,
                    interval: difference.interval,
                };
                ("recalibrated_log_loss".to_owned(), diff)
            }));
        }
        (
            Some(Corrected::Values(before)),
            Some(Corrected::Values(after)),
            Predicted::Values { truth, .. },
        ) => {
            let rmse = numbers(before, after, truth).remove("rmse");
            found.extend(rmse.map(|diff| ("recalibrated_rmse".to_owned(), diff)));
        }
        _ => {}
    }
    found
}

/// The loss of those that are about errors.
const ERROR: &str = "error";

impl Auditor<'_> {
    /// Fits, or looks up, everything that a gate or a mixture is compared with.
    pub(super) fn controls(self, routed: &Routed, key: &Digest) -> Result<Compared, EngineError> {
        let (parameters, multiply_adds) = self.size(routed.weights.as_ref())?;
        let planned = self.planned(parameters, multiply_adds)?;
        let mut compared = Compared {
            loss: self.compared_in(),
            parameters,
            multiply_adds,
            metrics: Vec::new(),
            controls: Vec::new(),
            without: Vec::new(),
            failed: Vec::new(),
        };
        let scale = Scale {
            loss: compared.loss,
            shares: self.class_shares()?,
            margin: margin_of(&self.session().pipeline.audit.margin, compared.loss),
        };
        let valid = Rows::HeldOut { expert: self.node.index, side: Side::Valid };
        let valid = self.session().rows(valid)?;
        let mut own = Vec::new();
        let mut others: Vec<(Vec<Outcome>, (u64, f64))> =
            planned.iter().map(|_| (Vec::new(), (0, 0.0))).collect();
        let mut inside: Vec<Vec<Outcome>> = INSIDE.iter().map(|_| Vec::new()).collect();
        let mut random = Vec::new();
        let mut best = None;
        for shift in 0..=self.session().pipeline.audit.seeds {
            let first = self.session().pipeline.experts.len();
            let Varied { session, chosen, without } = self.with_controls(&planned, shift)?;
            let done = session.brought_up(&chosen, shift > 0)?;
            let predicted = |at: usize| -> Result<Option<[Predicted; 2]>, EngineError> {
                let Some(state) = done.states.get(&at) else { return Ok(None) };
                let on = |rows: &[u32]| session.node(at).predicted_on(state, rows);
                Ok(Some([on(&valid)?, on(&routed.rows)?]))
            };
            let Some(mine) = predicted(self.node.index)? else {
                // Another seed of the gate itself could not be fitted: there is nothing to compare.
                compared.failed.extend(done.failed.get(&self.node.index).cloned());
                continue;
            };
            let [of_valid, mine] = mine;
            own.push(Outcome::of(mine, Some(&of_valid), &scale));
            let again = Auditor::new(&session, self.node.index, &done.states);
            random.extend(again.random_deferral(key, &scale)?);
            let each = again.inside([&valid, &routed.rows], &scale)?;
            each.into_iter().zip(&mut inside).for_each(|(outcome, all)| all.push(outcome));
            for (at, (outcomes, size)) in others.iter_mut().enumerate() {
                let Some([of_valid, theirs]) = predicted(first + at)? else {
                    compared.failed.extend(done.failed.get(&(first + at)).cloned());
                    continue;
                };
                outcomes.push(Outcome::of(theirs, Some(&of_valid), &scale));
                if shift == 0 {
                    let state = &done.states[&(first + at)];
                    if planned[at].name == "best" {
                        best =
                            Auditor::new(&session, first + at, &done.states).chosen_one(state)?;
                    }
                    *size = Auditor::new(&session, first + at, &done.states).whole_size(state)?;
                }
            }
            let mut next = first + planned.len();
            for expert in &without {
                compared.without.push(match expert {
                    Some(_) => {
                        next += 1;
                        let state = done.states.get(&(next - 1));
                        let on = |state| session.node(next - 1).predicted_on(state, &routed.rows);
                        state.map(|state| on(state)).transpose()?.map(|test| losses_of(&test))
                    }
                    None => None,
                });
            }
        }
        let together = self.groups_of(&routed.rows)?;
        let how = self.session().resampling(LEADS, key).by(together.as_ref());
        let size = (parameters, multiply_adds);
        let all = planned.into_iter().zip(others);
        let fitted = all.map(|(control, (all, size))| {
            let what = match (control.name, &best) {
                ("best", Some(name)) => format!("{} ({name}, by its training rows)", control.what),
                _ => control.what,
            };
            (control.name, what, all, size)
        });
        let within = INSIDE.iter().zip(inside);
        let within = within.map(|((name, what), all)| (*name, (*what).to_owned(), all, size));
        let deferred =
            ("random", "the same experts asked as often, at random".to_owned(), random, size);
        compared.controls = fitted
            .chain(within)
            .chain([deferred])
            // One that a seed of could not be fitted cannot be paired.
            .filter(|(_, _, outcomes, _)| !outcomes.is_empty() && outcomes.len() == own.len())
            .map(|(name, what, outcomes, size)| {
                beside(name, what, &own, &outcomes, size, (how, &scale))
            })
            .collect();
        compared.metrics = own.into_iter().map(|outcome| outcome.metrics).collect();
        Ok(compared)
    }

    /// The expert that a gate gives all weight to.
    fn chosen_one(self, state: &NodeState) -> Result<Option<String>, EngineError> {
        let model = self.session().model(state.full())?;
        let Some(GateWeights::Fixed(weights)) =
            model.routes().map(|routes| &routes.combination.weights)
        else {
            return Ok(None);
        };
        let one = weights.iter().position(|weight| *weight == 1.0);
        let gate = self.node.declared().gate();
        Ok(one.zip(gate).and_then(|(at, gate)| Some(gate.experts.get(at)?.get_ref().clone())))
    }

    /// A mixture's experts without its gate, as [`INSIDE`] names it; nothing for a gate, whose experts
    /// are nodes of their own.
    fn inside(
        self,
        [valid, test]: [&[u32]; 2],
        scale: &Scale,
    ) -> Result<Vec<Outcome>, EngineError> {
        let (Some(_), Some(state)) =
            (self.node.declared().mixture(), self.states.get(&self.node.index))
        else {
            return Ok(Vec::new());
        };
        let model = self.session().model(state.full())?;
        let Some(Routes { combination, .. }) = model.routes() else { return Ok(Vec::new()) };
        let inputs = &self.node.resolved().inputs;
        let data = self.node.input_data(inputs, View::Deployed, self.states)?;
        let alone = |by: Option<usize>, rows: &[u32]| -> Result<Predicted, EngineError> {
            let x = encode(&model, &sources(&data), rows)?;
            let raw = combination.raw_by(&x, &model.head, by);
            self.answers_with_truth(&model.head, raw, rows)
        };
        let side =
            self.session().rows(Rows::Side { expert: self.node.index, side: Side::Valid })?;
        let mut best = (f64::INFINITY, 0);
        for expert in 0..combination.len() {
            let losses = losses_of(&alone(Some(expert), &side)?);
            let mean = losses.iter().sum::<f64>() / losses.len().max(1) as f64;
            if mean < best.0 {
                best = (mean, expert);
            }
        }
        let outcome = |by: Option<usize>| -> Result<Outcome, EngineError> {
            Ok(Outcome::of(alone(by, test)?, Some(&alone(by, valid)?), scale))
        };
        Ok(vec![outcome(Some(best.1))?, outcome(None)?])
    }

    /// Of the classes in the training rows, counted; none of a regression.
    fn class_shares(self) -> Result<Vec<f64>, EngineError> {
        let mut shares = vec![0.0; self.node.resolved().classes.len()];
        if self.node.resolved().task == Task::Classification {
            let labels = self.node.labels()?;
            let train = self.session().rows(Rows::Train { expert: self.node.index })?;
            train.iter().for_each(|&row| shares[labels[row as usize] as usize] += 1.0);
        }
        Ok(shares)
    }

    /// What a gate is compared with its controls in.
    fn compared_in(self) -> &'static str {
        match self.node.resolved().task {
            Task::Regression => "squared_error",
            Task::Classification
                if self.node.declared().gate().is_some_and(|gate| gate.rule.in_turn()) =>
            {
                ERROR
            }
            Task::Classification => "log_loss",
        }
    }

    /// Numbers that were trained in a node and all above it, and the multiply-adds of a row.
    fn whole_size(self, state: &NodeState) -> Result<(u64, f64), EngineError> {
        let mut size = (state.full().parameters, state.full().multiply_adds as f64);
        for above in self.session().dag.with_ancestors(&[self.node.index]) {
            if above != self.node.index
                && let Some(state) = self.states.get(&above)
            {
                size.0 += state.full().parameters;
                size.1 += state.full().multiply_adds as f64;
            }
        }
        // Whoever has no weight in any row is not computed.
        let Some(gate) = self.node.declared().gate() else { return Ok(size) };
        let model = self.session().model(state.full())?;
        if let Some(Routes { combination, .. }) = model.routes()
            && let GateWeights::Fixed(weights) = &combination.weights
            && combination.pool != Pool::Stack
            && let Some(costs) = self.session().costs(&gate.names(), self.states)?
        {
            let asked = weights.iter().zip(&costs).filter(|(weight, _)| **weight != 0.0);
            size.1 = state.full().multiply_adds as f64 + asked.map(|(_, c)| *c as f64).sum::<f64>();
        }
        Ok(size)
    }

    /// The same of the gate itself: who does not answer costs nothing.
    pub(super) fn size(self, weights: Option<&Matrix>) -> Result<(u64, f64), EngineError> {
        let Some(state) = self.states.get(&self.node.index) else { return Ok((0, 0.0)) };
        let (parameters, all) = self.whole_size(state)?;
        let (Some(gate), Some(weights)) = (self.node.declared().gate(), weights) else {
            return Ok((parameters, all));
        };
        let Some(costs) = self.session().costs(&gate.names(), self.states)? else {
            return Ok((parameters, all));
        };
        let in_turn = gate.rule.in_turn();
        let mut sum = 0.0;
        for row in weights.data.chunks_exact(costs.len().max(1)) {
            let last = row.iter().rposition(|weight| *weight != 0.0).unwrap_or_default();
            for (at, (weight, cost)) in row.iter().zip(&costs).enumerate() {
                if *weight != 0.0 || (in_turn && at <= last) {
                    sum += *cost as f64;
                }
            }
        }
        let rows = weights.rows.max(1) as f64;
        Ok((parameters, state.full().multiply_adds as f64 + sum / rows))
    }

    /// A cascade that asks as often, but at random; nothing for other gates.
    fn random_deferral(self, key: &Digest, scale: &Scale) -> Result<Option<Outcome>, EngineError> {
        let (true, Some(state)) = (
            self.node.declared().gate().is_some_and(|gate| gate.rule.in_turn()),
            self.states.get(&self.node.index),
        ) else {
            return Ok(None);
        };
        let model = self.session().model(state.full())?;
        let Some(routes) = model.routes() else { return Ok(None) };
        let routed = self.routes(&model, routes)?;
        let Some(weights) = &routed.weights else { return Ok(None) };
        let mut by: Vec<usize> = weights
            .data
            .chunks_exact(weights.width)
            .map(|row| row.iter().position(|weight| *weight != 0.0).unwrap_or_default())
            .collect();
        let key = Hasher::new("random deferral").digest(key).digest(&state.full().model).finish();
        shuffle(&mut by, &mut stream(&key, "random deferral"));
        let answers = routed.answers_of(&by);
        let predicted = self.with_truth(answers, routed.width, &routed.rows)?;
        Ok(Some(Outcome::of(predicted, None, scale)))
    }
}

/// A lead as a difference of losses, gate less control.
fn by_lead(lead: Measure) -> MetricDiff {
    let turned = |interval: Interval| Interval { low: -interval.high, high: -interval.low };
    MetricDiff {
        before: 0.0,
        after: -lead.value,
        difference: -lead.value,
        interval: lead.interval.map(turned),
    }
}

/// A control beside the gate.
fn beside(
    name: &str,
    what: String,
    own: &[Outcome],
    outcomes: &[Outcome],
    (parameters, multiply_adds): (u64, f64),
    (how, scale): (Resampling, &Scale),
) -> Control {
    let differences = |(own, other): (&Outcome, &Outcome)| -> Vec<f64> {
        other.losses.iter().zip(&own.losses).map(|(b, a)| b - a).collect()
    };
    let by_seed: Vec<Vec<f64>> = own.iter().zip(outcomes).map(differences).collect();
    let mean = |values: &Vec<f64>| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let seeds = by_seed.len() as f64;
    let by_row: Vec<f64> = (0..by_seed.first().map_or(0, Vec::len))
        .map(|row| by_seed.iter().map(|seed| seed[row]).sum::<f64>() / seeds)
        .collect();
    let nothing = Measure { value: 0.0, interval: None };
    let over_rows = over_rows(&by_row, how).unwrap_or(nothing);
    let (lead, over) = match by_seed.len() {
        1 => (Some(over_rows), "rows"),
        _ => (over_seeds(&by_seed.iter().map(mean).collect::<Vec<f64>>()), "seeds"),
    };
    let lead = lead.unwrap_or(nothing);
    // Neither other seeds nor other rows may turn it.
    let verdict = |measure: Measure| by_lead(measure).verdict(scale.loss, scale.margin);
    let verdicts = [verdict(lead), verdict(over_rows)];
    let pays = match verdicts {
        [PairedVerdict::Better, PairedVerdict::Better] => Some(true),
        [PairedVerdict::Worse, PairedVerdict::Worse] => Some(false),
        _ => None,
    };
    let against = match (own.first(), outcomes.first()) {
        (Some(gate), Some(control)) => {
            metric_by_metric(control, gate, Resampling { resamples: RESAMPLES, ..how })
        }
        _ => BTreeMap::new(),
    };
    Control {
        against,
        name: name.to_owned(),
        what,
        parameters,
        multiply_adds,
        metrics: outcomes.iter().map(|outcome| outcome.metrics.clone()).collect(),
        lead,
        over_rows,
        worse_in_all: by_seed.len() > 1 && by_seed.iter().all(|seed| mean(seed) < 0.0),
        over: over.to_owned(),
        pays,
        same: verdicts == [PairedVerdict::Same; 2],
    }
}
