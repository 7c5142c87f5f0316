//! Gates and mixtures: what is wrong with them before anything trains, what of their experts reaches
//! their fits, and the fits.

use std::collections::{BTreeMap, BTreeSet};

use collegium_learn::{
    Dense, GateError, GateJob, Grown, Head, Job, Lesson, MixtureJob, Model, Network, Target, Watch,
    fit_gate, fit_mixture, judgement_targets, kernel_class, kinds, re_encoded, train,
};
use collegium_manifest::{
    Diagnostic, Gate, Input, Mixture, Mlp, Model as Spec, Output, Rule, Task,
};
use collegium_plan::{Part, begins_with, judgement_recipe};
use collegium_records::{Cost, Fit, Ingredient, Recipe};
use collegium_table::{Encoder, Matrix};

use crate::{
    EngineError, Session,
    clock::Clock,
    fit::{Fitted, Prepared, training_error},
    inputs::States,
    memory::mebibytes,
    resolve::Resolved,
};

/// A fit of a gate or a mixture.
pub(crate) struct Gating<'a, S> {
    pub(crate) index: usize,
    pub(crate) part: Part,
    pub(crate) recipe: &'a Recipe,
    pub(crate) spec: &'a S,
    pub(crate) states: &'a States,
}

impl Session {
    /// What of its upstreams reaches a fit beside the content of inputs; `None` while they are not done.
    pub(crate) fn beside(
        &self,
        index: usize,
        part: Part,
        states: &States,
    ) -> Result<Option<BTreeMap<String, Ingredient>>, EngineError> {
        let mut beside = BTreeMap::new();
        for column in &self.expert(index).auxiliary {
            let rows = crate::inputs::training_rows(index, part);
            let digest = self.column_digest(index, column, rows)?;
            beside.insert(format!("auxiliary.{column}"), digest.into());
        }
        match &self.expert(index).model {
            Spec::Gate(gate) if gate.is_cascade() => {
                let Some(costs) = self.costs(gate, states)? else { return Ok(None) };
                for (expert, cost) in gate.experts.iter().zip(costs) {
                    let cost = Ingredient::Integer(i64::try_from(cost).unwrap_or(i64::MAX));
                    beside.insert(format!("cost.{}", expert.get_ref()), cost);
                }
            }
            // The full models have seen the rows that a fold leaves out: folds begin cold.
            Spec::Mixture(mixture) if part == Part::Full => {
                for expert in &mixture.warm_start {
                    let Some(state) = states.get(&self.index(expert.get_ref())?) else {
                        return Ok(None);
                    };
                    let (name, model) = begins_with(expert.get_ref(), state.full().model);
                    beside.insert(name, model);
                }
            }
            _ => {}
        }
        Ok(Some(beside))
    }

    /// Multiply-adds of a row that each expert of a gate adds to those before it: its own, and those of
    /// everything above it that has not been asked yet.
    pub(crate) fn costs(
        &self,
        gate: &Gate,
        states: &States,
    ) -> Result<Option<Vec<u64>>, EngineError> {
        let mut counted = BTreeSet::new();
        let mut costs = Vec::new();
        for expert in &gate.experts {
            let index = self.index(expert.get_ref())?;
            let mut cost = 0;
            for above in self.dag.with_ancestors(&[index]) {
                if counted.insert(above) {
                    // What is above an upstream has no state here, and its fit is at hand in the store.
                    let own = match states.get(&above) {
                        Some(state) => Some(state.full().multiply_adds),
                        None => self.locked_fit(above)?.map(|fit| fit.multiply_adds),
                    };
                    match own {
                        Some(own) => cost += own,
                        None if above == index => return Ok(None),
                        None => {}
                    }
                }
            }
            costs.push(cost);
        }
        Ok(Some(costs))
    }

    /// What a gate or a mixture learns from.
    fn lesson<'a>(
        &'a self,
        index: usize,
        ready: &'a Prepared,
        class_weights: Option<Vec<f32>>,
        recipe: &Recipe,
    ) -> Lesson<'a> {
        let classes = self.experts[index].classes.len();
        Lesson {
            train: &self.expert(index).train,
            class_weights,
            x: &ready.x,
            y: ready.y.target(classes),
            x_valid: &ready.x_valid,
            y_valid: ready.y_valid.target(classes),
            head: ready.head,
            key: recipe.digest(),
        }
    }

    /// Trains a gate.
    pub(crate) fn fit_gate_on(
        &self,
        gating: &Gating<Box<Gate>>,
        ready: &Prepared,
        class_weights: Option<Vec<f32>>,
        watch: &mut Watch,
        failure: &impl Fn(String) -> EngineError,
    ) -> Result<Fitted, EngineError> {
        let Gating { index, recipe, spec, states, .. } = gating;
        let expert = self.expert(*index);
        let handed = handed(&ready.encoder, spec, expert)
            .ok_or_else(|| EngineError::Internal("a gate without its experts".to_owned()))?;
        let rules = match &spec.rule {
            Rule::Rules { columns } => {
                let of = |column: &String| {
                    let name = format!("{}.{column}", expert.data);
                    let at = ready.encoder.names().iter().position(|known| *known == name)?;
                    ready.encoder.groups().get(at).map(|range| range.start)
                };
                columns.iter().filter_map(of).collect()
            }
            _ => Vec::new(),
        };
        let (judges, judged) = match &spec.rule {
            Rule::Own { net } => self.judges(gating, net, ready, &handed, watch, failure)?,
            _ => (Vec::new(), Vec::new()),
        };
        let costs = match spec.rule {
            Rule::Cascade(_) => self.costs(spec, states)?.unwrap_or_default(),
            _ => Vec::new(),
        };
        let job = GateJob {
            lesson: self.lesson(*index, ready, class_weights, recipe),
            spec,
            handed,
            rules,
            costs,
            judges,
        };
        let gated = fit_gate(&job, watch).map_err(|error| match error {
            GateError::Train(error) => training_error(error, failure),
            other => failure(other.to_string()),
        })?;
        Ok(Fitted {
            learned: kinds::gate::model(gated.network, gated.combination),
            epochs: gated.epochs,
            best_epoch: gated.best_epoch,
            restarts: Vec::new(),
            judged,
        })
    }

    /// Each expert's own network of a gate of type `self`, looked up or trained, and the names of those
    /// that were trained.
    fn judges(
        &self,
        gating: &Gating<Box<Gate>>,
        net: &Mlp,
        ready: &Prepared,
        handed: &[std::ops::Range<usize>],
        watch: &mut Watch,
        failure: &impl Fn(String) -> EngineError,
    ) -> Result<(Vec<Network>, Vec<String>), EngineError> {
        let Gating { index, part, spec, states, .. } = gating;
        let expert = self.expert(*index);
        let classes = self.experts[*index].classes.len();
        let inputs = self
            .fit_inputs(*index, *part, states)?
            .ok_or_else(|| EngineError::Lost("an output of an expert".to_owned()))?;
        let taken: BTreeSet<usize> = handed.iter().cloned().flatten().collect();
        let own: Vec<usize> = (0..ready.x.width).filter(|at| !taken.contains(at)).collect();
        let (x, x_valid) = (columns(&ready.x, &own), columns(&ready.x_valid, &own));
        let handed_in: BTreeSet<usize> =
            ready.encoder.handed().into_iter().map(|(position, _)| position).collect();
        let inputs_of_its_own: Vec<usize> = (0..ready.encoder.names().len())
            .filter(|position| !handed_in.contains(position))
            .collect();
        let (mut networks, mut trained) = (Vec::new(), Vec::new());
        for (member, range) in spec.experts.iter().zip(handed) {
            let name = member.get_ref();
            let input = format!("{name}.{}", Output::Prediction);
            let recipe = judgement_recipe(expert, net, &inputs, &input);
            if let Some(fit) = self.known_fit(&recipe.digest())? {
                networks.extend(self.model(&fit)?.layers().cloned());
                continue;
            }
            let clock = Clock::start();
            let y = judgement_targets(&ready.x, range, ready.head, &ready.y.target(classes));
            let y_valid = judgement_targets(
                &ready.x_valid,
                range,
                ready.head,
                &ready.y_valid.target(classes),
            );
            let job = Job {
                spec: net,
                train: &expert.train,
                class_weights: None,
                x: &x,
                y: Target::Values(&y),
                x_valid: &x_valid,
                y_valid: Target::Values(&y_valid),
                key: recipe.digest(),
                start: None,
            };
            let done = train(&job, watch).map_err(|error| training_error(error, failure))?;
            let model = Model {
                encoder: ready.encoder.only(&inputs_of_its_own),
                learned: kinds::mlp::model(done.network.clone()),
                head: Head::Regression { mean: 0.0, deviation: 1.0 },
                classes: Vec::new(),
            };
            let fit = Fit {
                model: self.store.put(&model.to_bytes())?,
                kind: model.kind().to_owned(),
                task: Task::Regression.name().to_owned(),
                classes: Vec::new(),
                epochs: done.epochs,
                best_epoch: done.best_epoch,
                parameters: model.parameters(),
                multiply_adds: model.multiply_adds(),
                rows: x.rows as u64,
                cost: Cost { peak_bytes: 0, ..clock.stop() },
                kernel: kernel_class(),
                created: crate::run::now(),
                table: None,
                parent: None,
                generation: 0,
                seen: None,
                restarts: Vec::new(),
                judged: Vec::new(),
            };
            self.store.realise(&recipe, &fit.model, &fit)?;
            networks.push(done.network);
            trained.push(name.clone());
        }
        Ok((networks, trained))
    }

    /// Trains a mixture.
    pub(crate) fn fit_mixture_on(
        &self,
        gating: &Gating<Box<Mixture>>,
        ready: &Prepared,
        class_weights: Option<Vec<f32>>,
        watch: &mut Watch,
        failure: &impl Fn(String) -> EngineError,
    ) -> Result<Fitted, EngineError> {
        let Gating { index, part, recipe, spec, states } = gating;
        let start = match part {
            Part::Full if recipe.ingredients.keys().any(|key| key.starts_with("warm_start.")) => {
                self.begun(spec, ready, states, *index)?
            }
            _ => Vec::new(),
        };
        let job =
            MixtureJob { lesson: self.lesson(*index, ready, class_weights, recipe), spec, start };
        let Grown { network, combination, epochs, best_epoch, restarts } =
            fit_mixture(&job, watch).map_err(|error| training_error(error, failure))?;
        Ok(Fitted {
            learned: kinds::mixture::model(network, combination),
            epochs,
            best_epoch,
            restarts: restarts.into_iter().map(|loss| loss.is_finite().then_some(loss)).collect(),
            judged: Vec::new(),
        })
    }

    /// The networks of the experts that a mixture begins with, on its own encoding: a linear map that
    /// is folded into the first layer, and the target's scale into the last.
    fn begun(
        &self,
        spec: &Mixture,
        ready: &Prepared,
        states: &States,
        index: usize,
    ) -> Result<Vec<Network>, EngineError> {
        let rows = self.rows(crate::rows::Rows::Train { expert: index })?;
        let rows = crate::rows::evenly(&rows, MAPPED);
        let inputs = &self.experts[index].inputs;
        let view = collegium_plan::View::Deployed;
        let data = self.input_data(index, inputs, view, states)?;
        let sources = crate::drift::sources(&data);
        let encode = |encoder: &Encoder| {
            encoder
                .encode(&sources, &rows)
                .map_err(|error| EngineError::Internal(format!("encoding: {error}")))
        };
        let ours = encode(&ready.encoder)?;
        let mut networks = Vec::new();
        for expert in &spec.warm_start {
            let state = states
                .get(&self.index(expert.get_ref())?)
                .ok_or_else(|| EngineError::Lost(format!("the model of {}", expert.get_ref())))?;
            let model = self.model(state.full())?;
            let theirs = encode(&model.encoder)?;
            let layers = model.layers();
            let network = layers.and_then(|network| re_encoded(network, &theirs, &ours));
            let mut network = network.ok_or_else(|| {
                EngineError::Internal(format!("{} cannot be re-encoded", expert.get_ref()))
            })?;
            rescale(&mut network, model.head, ready.head);
            networks.push(network);
        }
        Ok(networks)
    }

    /// Gates whose experts cannot be combined.
    pub(crate) fn wrong_gates(&self, resolved: &[Option<Resolved>]) -> Vec<Diagnostic> {
        let mut wrong = Vec::new();
        for (index, node) in self.pipeline.experts.values().enumerate() {
            let (Some(gate), Some(own)) = (node.gate(), &resolved[index]) else { continue };
            let name = node.name.get_ref();
            let classes = own.classes.len();
            let needs = match &gate.rule {
                Rule::NoisyOr if classes != 2 => Some("yes/no targets"),
                Rule::Geometric | Rule::Cascade(_) if own.task == Task::Regression => {
                    Some("classes")
                }
                _ => None,
            };
            if let Some(needs) = needs {
                let message = format!("a gate of type `{}` combines {needs}", gate.rule.name());
                wrong.push(
                    Diagnostic::error(&self.pipeline.source, node.target.span(), message)
                        .label(match own.task {
                            Task::Regression => "this target is a number".to_owned(),
                            Task::Classification => format!("this target has {classes} classes"),
                        })
                        .help(format!("choose another `type` for `gate.{name}`")),
                );
                continue;
            }
            for expert in &gate.experts {
                let Some(at) = self.pipeline.experts.get_index_of(expert.get_ref()) else {
                    continue;
                };
                let Some(theirs) = &resolved[at] else { continue };
                // Any cause suffices: the causes have targets of their own.
                let same = match gate.rule {
                    Rule::NoisyOr => theirs.classes.len() == 2,
                    _ => theirs.classes == own.classes,
                };
                if theirs.task == own.task && same {
                    continue;
                }
                let what = match theirs.task {
                    Task::Regression => "it predicts a number".to_owned(),
                    Task::Classification => format!("it tells apart {}", in_words(&theirs.classes)),
                };
                let ours = match own.task {
                    Task::Regression => "a number".to_owned(),
                    Task::Classification => in_words(&own.classes),
                };
                wrong.push(
                    Diagnostic::error(
                        &self.pipeline.source,
                        expert.span(),
                        format!("`{}` does not predict what `{name}` predicts", expert.get_ref()),
                    )
                    .label(what)
                    .also(node.target.span(), format!("the gate's target: {ours}"))
                    .help(
                        "combine experts of the same classes, or give it to an expert as an input",
                    ),
                );
            }
        }
        wrong
    }

    /// Mixtures that cannot fit into `memory_limit`, whatever their columns encode to.
    pub(crate) fn too_large(&self, resolved: &[Option<Resolved>]) -> Vec<Diagnostic> {
        let Some(limit) = self.pipeline.memory_limit else { return Vec::new() };
        let mut wrong = Vec::new();
        for (index, node) in self.pipeline.experts.values().enumerate() {
            let (Spec::Mixture(mixture), Some(own)) = (&node.model, &resolved[index]) else {
                continue;
            };
            let rows: u64 = self.prepared(index).facts.sides[..2].iter().sum();
            // Every input is at least one column.
            let needed = self.bytes(index, node.inputs.len(), own.outputs(), rows);
            if needed > limit {
                let message = format!(
                    "`{}` would hold at least {}, more than `memory_limit` allows ({})",
                    node.name.get_ref(),
                    mebibytes(needed),
                    mebibytes(limit)
                );
                wrong.push(
                    Diagnostic::error(&self.pipeline.source, node.name.span(), message)
                        .label(format!("{} experts", mixture.experts + mixture.shared))
                        .help(
                            "fewer or smaller experts, fewer rows (`where`), or a higher limit would do",
                        ),
                );
            }
        }
        wrong
    }
}

/// Rows on which an expert's encoding is compared with the mixture's.
const MAPPED: usize = 65_536;

fn in_words(classes: &[String]) -> String {
    let quoted: Vec<String> = classes.iter().take(5).map(|class| format!("`{class}`")).collect();
    let more = if classes.len() > 5 { ", …" } else { "" };
    format!("{}{more}", quoted.join(", "))
}

/// The encoded columns of each expert's prediction, in the order of the gate.
fn handed(
    encoder: &Encoder,
    gate: &Gate,
    expert: &collegium_manifest::Expert,
) -> Option<Vec<std::ops::Range<usize>>> {
    let all = encoder.handed();
    gate.experts
        .iter()
        .map(|member| {
            let input =
                Input::Output { expert: member.get_ref().clone(), output: Output::Prediction };
            debug_assert!(expert.is_handed(&input));
            let name = input.to_string();
            let at = encoder.names().iter().position(|known| *known == name)?;
            all.iter().find(|(position, _)| *position == at).map(|(_, columns)| columns.clone())
        })
        .collect()
}

fn columns(x: &Matrix, which: &[usize]) -> Matrix {
    let mut data = Vec::with_capacity(x.rows * which.len());
    for row in 0..x.rows {
        let row = x.row(row);
        data.extend(which.iter().map(|at| row[*at]));
    }
    Matrix { rows: x.rows, width: which.len(), data }
}

/// Standardised values of one target scale as those of another.
fn rescale(network: &mut Network, from: Head, to: Head) {
    let (Head::Regression { mean, deviation }, Head::Regression { mean: to_mean, deviation: unit }) =
        (from, to)
    else {
        return;
    };
    if let Some(Dense { weight, bias, .. }) = network.layers.last_mut() {
        let scale = deviation / unit;
        weight.iter_mut().for_each(|w| *w = (f64::from(*w) * scale) as f32);
        bias.iter_mut().for_each(|b| {
            *b = ((f64::from(*b) * deviation + mean - to_mean) / unit) as f32;
        });
    }
}
