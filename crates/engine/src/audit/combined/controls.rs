//! What a gate or a mixture has to beat, each a cached fit on the same rows.
//!
//! Simpler ways to use the same experts (the best of them, means, a linear stack), and one network that
//! replaces all of it: of the same total size, of the same work for a row, given the same extra labels,
//! or given three times the training. With `audit.seeds` everything is fitted again from other seeds,
//! experts included, and differences are taken seed by seed.

use std::collections::BTreeSet;

use collegium_data::Encoder;
use collegium_digest::{Digest, Hasher, stream};
use collegium_learn::{Pool, Weights};
use collegium_manifest::{
    Expert, Gate, Input, Mlp, Model, Output, Rule, StandsOn, Task, Train, Upstream,
};
use collegium_plan::View;
use collegium_probe::{over_rows, over_seeds, predicted_labels};
use collegium_records::{Control, Measure, Metrics};

use super::routes::Routed;
use crate::{
    EngineError, Session,
    audit::rows::losses_of,
    drift::sources,
    fit::shuffle,
    inputs::{NodeState, States, encode, input_names},
    measure::Predicted,
    rows::{Rows, Side},
};

/// Bootstrap resamples behind intervals over rows.
pub(super) const RESAMPLES: u32 = 200;

/// What a mixture's experts come to without its gate.
const INSIDE: [(&str, &str); 2] = [
    ("best", "its best expert on validation rows alone"),
    ("uniform", "the arithmetic mean of its experts"),
];

/// How many times as long the last control is trained.
const LONGER: u32 = 3;

/// A gate beside its controls.
pub(super) struct Compared {
    /// What it is compared in.
    pub(super) loss: &'static str,
    pub(super) parameters: u64,
    pub(super) multiply_adds: f64,
    pub(super) metrics: Vec<Metrics>,
    pub(super) controls: Vec<Control>,
    /// Losses of the gate refitted without each expert.
    pub(super) without: Vec<Option<Vec<f64>>>,
}

/// A control to be fitted.
struct Planned {
    name: &'static str,
    what: String,
    expert: Expert,
}

/// Losses and metrics of one node on the gate's test rows.
struct Outcome {
    losses: Vec<f64>,
    metrics: Metrics,
}

impl Outcome {
    fn of(predicted: &Predicted, loss: &str) -> Self {
        let losses = match predicted {
            Predicted::Classes { probability, width, labels, .. } if loss == ERROR => {
                let said = predicted_labels(probability, *width);
                said.iter().zip(labels).map(|(a, b)| f64::from(u8::from(a != b))).collect()
            }
            _ => losses_of(predicted),
        };
        Self { losses, metrics: predicted.metrics() }
    }
}

/// The loss of those that are about errors.
const ERROR: &str = "error";

impl Session {
    /// Fits, or looks up, everything that a gate or a mixture is compared with.
    pub(super) fn controls(
        &self,
        index: usize,
        routed: &Routed,
        states: &States,
        key: &Digest,
    ) -> Result<Compared, EngineError> {
        let (parameters, multiply_adds) = self.size(index, routed, states)?;
        let planned = self.planned(index, parameters, multiply_adds, states)?;
        let loss = self.compared_in(index);
        let without = self.without_each(index);
        let (mut own, mut others): (Vec<Outcome>, Vec<Vec<Outcome>>) =
            (Vec::new(), planned.iter().map(|_| Vec::new()).collect());
        let mut inside: Vec<Vec<Outcome>> = INSIDE.iter().map(|_| Vec::new()).collect();
        let (mut refitted, mut random) = (Vec::new(), Vec::new());
        let mut sizes = vec![(0, 0.0); planned.len()];
        for shift in 0..=self.pipeline.audit.seeds {
            let first = self.pipeline.experts.len();
            let name = |what: &str| format!("{} ({what})", self.name(index));
            let mut more: Vec<(String, Expert)> = planned
                .iter()
                .map(|control| {
                    let mut expert = control.expert.clone();
                    expert.seed = expert.seed.wrapping_add(u64::from(shift));
                    (name(control.name), expert)
                })
                .collect();
            if shift == 0 {
                let each = without.iter().enumerate();
                let named = each.filter_map(|(at, expert)| {
                    Some((name(&format!("without {}", self.members(index)[at])), expert.clone()?))
                });
                more.extend(named);
            }
            let count = more.len();
            let session = self.varied(u64::from(shift), more)?;
            let chosen: Vec<usize> = std::iter::once(index).chain(first..first + count).collect();
            let states = session.brought_up(&chosen, shift > 0)?;
            let outcome = |at: usize| -> Result<Outcome, EngineError> {
                let state: &NodeState = states
                    .get(&at)
                    .ok_or_else(|| EngineError::Internal("a control without a state".to_owned()))?;
                Ok(Outcome::of(&session.predicted_on(at, state, &routed.rows)?, loss))
            };
            own.push(outcome(index)?);
            random.extend(session.random_deferral(index, &states, key)?);
            let each = session.inside(index, &states, &routed.rows, loss)?;
            each.into_iter().zip(&mut inside).for_each(|(outcome, all)| all.push(outcome));
            for (at, outcomes) in others.iter_mut().enumerate() {
                outcomes.push(outcome(first + at)?);
                if shift == 0
                    && let Some(state) = states.get(&(first + at))
                {
                    sizes[at] = session.whole_size(first + at, state, &states)?;
                }
            }
            if shift == 0 {
                let mut next = first + planned.len();
                for expert in &without {
                    refitted.push(match expert {
                        Some(_) => {
                            next += 1;
                            let predicted = session.predicted_on(
                                next - 1,
                                &states[&(next - 1)],
                                &routed.rows,
                            )?;
                            Some(losses_of(&predicted))
                        }
                        None => None,
                    });
                }
            }
        }
        let mut controls: Vec<Control> = planned
            .into_iter()
            .zip(&others)
            .zip(sizes)
            .map(|((control, outcomes), (parameters, multiply_adds))| {
                compared(
                    control.name,
                    control.what,
                    &own,
                    outcomes,
                    (parameters, multiply_adds),
                    key,
                )
            })
            .collect();
        if !random.is_empty() {
            let what = "the same experts asked as often, at random".to_owned();
            let size = (parameters, multiply_adds);
            controls.push(compared("random", what, &own, &random, size, key));
        }
        Ok(Compared {
            loss,
            parameters,
            multiply_adds,
            metrics: own.into_iter().map(|outcome| outcome.metrics).collect(),
            controls,
            without: refitted,
        })
    }

    /// A mixture's experts without its gate, as [`INSIDE`] names it; nothing for a gate, whose experts
    /// are nodes of their own.
    fn inside(
        &self,
        index: usize,
        states: &States,
        rows: &[u32],
        loss: &str,
    ) -> Result<Vec<Outcome>, EngineError> {
        let (Model::Mixture(_), Some(state)) = (&self.expert(index).model, states.get(&index))
        else {
            return Ok(Vec::new());
        };
        let model = self.model(state.full())?;
        let Some(combination) = &model.combination else { return Ok(Vec::new()) };
        let inputs = &self.experts[index].inputs;
        let data = self.input_data(index, inputs, View::Deployed, states)?;
        let alone = |by: Option<usize>, rows: &[u32]| -> Result<Predicted, EngineError> {
            let x = encode(&model, &sources(&data), rows)?;
            let raw = combination.raw_by(&x, &model.head, by);
            self.answers_with_truth(index, &model.head, raw, rows)
        };
        let valid = self.rows(Rows::Side { expert: index, side: Side::Valid })?;
        let mut best = (f64::INFINITY, 0);
        for expert in 0..combination.len() {
            let losses = losses_of(&alone(Some(expert), &valid)?);
            let mean = losses.iter().sum::<f64>() / losses.len().max(1) as f64;
            if mean < best.0 {
                best = (mean, expert);
            }
        }
        let [best, mean] = [alone(Some(best.1), rows)?, alone(None, rows)?];
        Ok(vec![Outcome::of(&best, loss), Outcome::of(&mean, loss)])
    }

    /// What a gate is compared with its controls in.
    fn compared_in(&self, index: usize) -> &'static str {
        let cascade = |gate: &Gate| matches!(gate.rule, Rule::Cascade(_));
        match self.experts[index].task {
            Task::Regression => "squared_error",
            Task::Classification if self.expert(index).gate().is_some_and(cascade) => ERROR,
            Task::Classification => "log_loss",
        }
    }

    /// Numbers that were trained in a node and all above it, and the multiply-adds of a row.
    fn whole_size(
        &self,
        index: usize,
        state: &NodeState,
        states: &States,
    ) -> Result<(u64, f64), EngineError> {
        let mut size = (state.full().parameters, state.full().multiply_adds as f64);
        for above in self.dag.with_ancestors(&[index]) {
            if above != index
                && let Some(state) = states.get(&above)
            {
                size.0 += state.full().parameters;
                size.1 += state.full().multiply_adds as f64;
            }
        }
        // Whoever has no weight in any row is not computed.
        if let Some(gate) = self.expert(index).gate()
            && let Some(Weights::Fixed(weights)) = self
                .model(state.full())?
                .combination
                .filter(|c| c.pool != Pool::Stack)
                .map(|c| c.weights)
            && let Some(costs) = self.costs(gate, states)?
        {
            let asked = weights.iter().zip(&costs).filter(|(weight, _)| **weight != 0.0);
            size.1 = state.full().multiply_adds as f64 + asked.map(|(_, c)| *c as f64).sum::<f64>();
        }
        Ok(size)
    }

    /// The same of the gate itself: who does not answer costs nothing.
    fn size(
        &self,
        index: usize,
        routed: &Routed,
        states: &States,
    ) -> Result<(u64, f64), EngineError> {
        let Some(state) = states.get(&index) else { return Ok((0, 0.0)) };
        let (parameters, all) = self.whole_size(index, state, states)?;
        let (Some(gate), Some(weights)) = (self.expert(index).gate(), &routed.weights) else {
            return Ok((parameters, all));
        };
        let Some(costs) = self.costs(gate, states)? else { return Ok((parameters, all)) };
        let in_turn = matches!(gate.rule, Rule::Cascade(_));
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

    /// The controls of a gate or a mixture.
    fn planned(
        &self,
        index: usize,
        parameters: u64,
        multiply_adds: f64,
        states: &States,
    ) -> Result<Vec<Planned>, EngineError> {
        let mut planned = Vec::new();
        let expert = self.expert(index);
        if let Model::Gate(gate) = &expert.model {
            let classes = self.experts[index].task == Task::Classification;
            let rules = [
                ("best", "the best single expert", Some(Rule::Best)),
                ("uniform", "the arithmetic mean of the experts", Some(Rule::Uniform)),
                (
                    "geometric",
                    "the geometric mean of the experts",
                    classes.then_some(Rule::Geometric),
                ),
                (
                    "stack",
                    "a linear stack of the experts",
                    Some(Rule::Stack { ridge: collegium_manifest::defaults::RIDGE }),
                ),
            ];
            for (name, what, rule) in rules {
                let Some(rule) = rule.filter(|rule| rule.name() != gate.rule.name()) else {
                    continue;
                };
                planned.push(Planned {
                    name,
                    what: what.to_owned(),
                    expert: by_rule(expert, gate, rule),
                });
            }
        }
        let width = self.dense_width(index)?;
        let outputs = match self.experts[index].classes.len() {
            0..=2 => 1,
            many => many as u64,
        };
        let (pattern, train) = self.largest(index, states);
        let by_parameters =
            scaled(&pattern, |hidden| size_of(width, hidden, outputs).0, parameters as f64);
        let by_work = scaled(&pattern, |hidden| size_of(width, hidden, outputs).1, multiply_adds);
        let dense = |hidden: &[u32], train: Train| Expert {
            inputs: self.dense_inputs(index),
            model: Model::Mlp(Mlp { hidden: hidden.to_vec(), ..pattern.clone() }),
            train,
            upstream: Upstream::InSample,
            reuse: None,
            stands_on: StandsOn::Recipe,
            warm_start: None,
            ..expert.clone()
        };
        let words =
            |hidden: &[u32]| hidden.iter().map(ToString::to_string).collect::<Vec<_>>().join("-");
        planned.push(Planned {
            name: "dense",
            what: format!("one network ({}) of the same total size", words(&by_parameters)),
            expert: dense(&by_parameters, train.clone()),
        });
        let (_, work) = size_of(width, &by_parameters, outputs);
        if by_work != by_parameters && (work / multiply_adds.max(1.0) - 1.0).abs() > 0.1 {
            planned.push(Planned {
                name: "active",
                what: format!("one network ({}) of the same multiply-adds a row", words(&by_work)),
                expert: dense(&by_work, train.clone()),
            });
        }
        let labels = self.other_targets(index);
        if !labels.is_empty() {
            let mut expert = dense(&by_parameters, train.clone());
            let what = format!(
                "one network ({}) of the same total size that also learns {}",
                words(&by_parameters),
                labels.join(", ")
            );
            expert.auxiliary = labels;
            planned.push(Planned { name: "multi-task", what, expert });
        }
        planned.push(Planned {
            name: "longer",
            what: format!(
                "one network ({}) of the same total size, trained up to {LONGER} times as long",
                words(&by_parameters)
            ),
            expert: dense(
                &by_parameters,
                Train {
                    epochs: train.epochs.saturating_mul(LONGER),
                    patience: train.patience.saturating_mul(LONGER),
                    ..train
                },
            ),
        });
        Ok(planned)
    }

    /// All columns that the gate and its experts read.
    fn dense_inputs(&self, index: usize) -> Vec<collegium_manifest::Spanned<Input>> {
        let target = self.expert(index).target.get_ref();
        let place = self.expert(index).name.span();
        self.experts[index]
            .raw
            .iter()
            .filter(|input| !matches!(input, Input::Column { column, .. } if column == target))
            .map(|input| collegium_manifest::Spanned::new(place.clone(), input.clone()))
            .collect()
    }

    /// What these columns encode to.
    fn dense_width(&self, index: usize) -> Result<u64, EngineError> {
        let inputs: Vec<Input> =
            self.dense_inputs(index).into_iter().map(|input| input.into_inner()).collect();
        let rows = self.rows(Rows::Train { expert: index })?;
        let table = self.table(index)?;
        let columns: Vec<_> = inputs
            .iter()
            .filter_map(|input| match input {
                Input::Column { column, .. } => table.column(column).cloned(),
                Input::Output { .. } => None,
            })
            .collect();
        let sources: Vec<_> =
            columns.iter().map(|column| collegium_data::Source::Column(column)).collect();
        let encoder = Encoder::fit(&input_names(&inputs), &sources, &rows)
            .map_err(|error| EngineError::Internal(format!("encoding: {error}")))?;
        Ok(encoder.width() as u64)
    }

    /// The shape and the training of the largest network in it: what the dense network is a larger
    /// version of.
    fn largest(&self, index: usize, states: &States) -> (Mlp, Train) {
        if let Model::Mixture(mixture) = &self.expert(index).model {
            return (mixture.expert.clone(), self.expert(index).train.clone());
        }
        let above = self.dag.with_ancestors(&[index]);
        let networks = above.iter().filter_map(|at| match &self.expert(*at).model {
            Model::Mlp(mlp) => {
                let parameters = states.get(at).map_or(0, |state| state.full().parameters);
                Some((parameters, mlp.clone(), self.expert(*at).train.clone()))
            }
            Model::Mixture(mixture) => {
                Some((0, mixture.expert.clone(), self.expert(*at).train.clone()))
            }
            Model::Gate(_) => None,
        });
        let found = networks.max_by_key(|(parameters, ..)| *parameters);
        found.map_or_else(Default::default, |(_, mlp, train)| (mlp, train))
    }

    /// Targets of the experts in it that are not its own.
    fn other_targets(&self, index: usize) -> Vec<String> {
        let own = self.expert(index).target.get_ref();
        let above = self.dag.with_ancestors(&[index]);
        let targets: BTreeSet<String> = above
            .iter()
            .map(|at| self.expert(*at).target.get_ref().clone())
            .filter(|target| target != own)
            .collect();
        targets.into_iter().collect()
    }

    /// The gate without each of its experts; nothing for a mixture, whose experts are nothing alone.
    fn without_each(&self, index: usize) -> Vec<Option<Expert>> {
        let expert = self.expert(index);
        let Some(gate) = expert.gate() else { return Vec::new() };
        (0..gate.experts.len()).map(|at| without(expert, gate, at)).collect()
    }

    /// A cascade that asks as often, but at random; nothing for other gates.
    fn random_deferral(
        &self,
        index: usize,
        states: &States,
        key: &Digest,
    ) -> Result<Option<Outcome>, EngineError> {
        let cascade = |gate: &Gate| matches!(gate.rule, Rule::Cascade(_));
        let (true, Some(state)) =
            (self.expert(index).gate().is_some_and(cascade), states.get(&index))
        else {
            return Ok(None);
        };
        let model = self.model(state.full())?;
        let Some(combination) = &model.combination else { return Ok(None) };
        let routed = self.routes(index, &model, combination, states)?;
        let Some(weights) = &routed.weights else { return Ok(None) };
        let mut by: Vec<usize> = weights
            .data
            .chunks_exact(weights.width)
            .map(|row| row.iter().position(|weight| *weight != 0.0).unwrap_or_default())
            .collect();
        let key = Hasher::new("random deferral").digest(key).digest(&state.full().model).finish();
        shuffle(&mut by, &mut stream(&key, "random deferral"));
        let answers = routed.answers_of(&by);
        let predicted = self.with_truth(index, answers, routed.width, &routed.rows)?;
        Ok(Some(Outcome::of(&predicted, self.compared_in(index))))
    }
}

/// A control beside the gate.
fn compared(
    name: &str,
    what: String,
    own: &[Outcome],
    outcomes: &[Outcome],
    (parameters, multiply_adds): (u64, f64),
    key: &Digest,
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
    let over_rows = over_rows(&by_row, RESAMPLES, key).unwrap_or(nothing);
    let (lead, over) = match by_seed.len() {
        1 => (Some(over_rows), "rows"),
        _ => (over_seeds(&by_seed.iter().map(mean).collect::<Vec<f64>>()), "seeds"),
    };
    let lead = lead.unwrap_or(nothing);
    let side = |measure: Measure| match measure.interval {
        Some(interval) if interval.low > 0.0 => Some(true),
        Some(interval) if interval.high < 0.0 => Some(false),
        _ => None,
    };
    // Neither other seeds nor other rows may turn it.
    let pays = side(lead).filter(|pays| side(over_rows) == Some(*pays));
    Control {
        name: name.to_owned(),
        what,
        parameters,
        multiply_adds,
        metrics: outcomes.iter().map(|outcome| outcome.metrics.clone()).collect(),
        lead,
        over_rows,
        over: over.to_owned(),
        pays,
    }
}

/// The same experts under another rule, which reads nothing but them.
fn by_rule(expert: &Expert, gate: &Gate, rule: Rule) -> Expert {
    let gate =
        Gate { rule, temperature: Some(1.0), top_k: None, shared: Vec::new(), ..gate.clone() };
    let handed = |input: &&collegium_manifest::Spanned<Input>| {
        matches!(input.get_ref(), Input::Output { output: Output::Prediction, .. })
    };
    Expert {
        inputs: expert.inputs.iter().filter(handed).cloned().collect(),
        model: Model::Gate(Box::new(gate)),
        ..expert.clone()
    }
}

/// A gate without one of its experts; `None` where that leaves nothing to weigh.
fn without(expert: &Expert, gate: &Gate, at: usize) -> Option<Expert> {
    if gate.experts.len() < 3 {
        return None;
    }
    let mut gate = gate.clone();
    let gone = gate.experts.remove(at).into_inner();
    gate.shared = gate
        .shared
        .iter()
        .filter(|shared| **shared != at)
        .map(|shared| if *shared > at { shared - 1 } else { *shared })
        .collect();
    let routed = gate.experts.len() - gate.shared.len();
    if routed == 0 {
        return None;
    }
    gate.top_k = gate.top_k.map(|k| k.min(routed as u32));
    let mut column = None;
    match &mut gate.rule {
        Rule::Fixed(weights) => {
            weights.remove(at);
            let sum: f64 = weights.iter().sum();
            if sum <= 0.0 {
                return None;
            }
            weights.iter_mut().for_each(|weight| *weight /= sum);
        }
        Rule::Rules { columns } => column = Some(columns.remove(at)),
        _ => {}
    }
    let stays = |input: &&collegium_manifest::Spanned<Input>| match input.get_ref() {
        Input::Output { expert, output: Output::Prediction } => *expert != gone,
        Input::Column { column: name, .. } => Some(name) != column.as_ref(),
        Input::Output { .. } => true,
    };
    Some(Expert {
        inputs: expert.inputs.iter().filter(stays).cloned().collect(),
        model: Model::Gate(Box::new(gate)),
        ..expert.clone()
    })
}

/// Parameters and multiply-adds of a perceptron.
fn size_of(width: u64, hidden: &[u32], outputs: u64) -> (f64, f64) {
    let (mut from, mut parameters, mut work) = (width, 0, 0);
    for next in hidden.iter().map(|h| u64::from(*h)).chain([outputs]) {
        parameters += (from + 1) * next;
        work += from * next;
        from = next;
    }
    (parameters as f64, work as f64)
}

/// The hidden layers of a pattern (one of 16 if it has none), all multiplied by one factor, so that
/// `size` comes nearest to `wanted`.
fn scaled(pattern: &Mlp, size: impl Fn(&[u32]) -> f64, wanted: f64) -> Vec<u32> {
    let pattern = if pattern.hidden.is_empty() { vec![16] } else { pattern.hidden.clone() };
    let of = |factor: f64| -> Vec<u32> {
        pattern.iter().map(|width| (f64::from(*width) * factor).round().max(1.0) as u32).collect()
    };
    let (mut low, mut high) = (1e-3, 1e3);
    for _ in 0..60 {
        let middle = f64::sqrt(low * high);
        if size(&of(middle)) < wanted { low = middle } else { high = middle }
    }
    let (below, above) = (of(low), of(high));
    match wanted - size(&below) <= size(&above) - wanted {
        true => below,
        false => above,
    }
}
