//! Training of one fit, from columns to a recorded model. Runs on one thread.

use std::collections::{BTreeMap, BTreeSet};

use collegium_digest::{Stream, stream};
use collegium_learn::{
    Estimator, FitError, FitJob, Fitted, Head, Model, RIDGE, Target, TrainError, TrainingSet,
    Watch, constant as average, kernel_class,
    kinds::{self, average::fit_members, linear::LinearParams},
};
use collegium_manifest::{Baseline, ClassWeights, Expert, Input, Task};
use collegium_plan::{BEGINS_WITH, Part, reads};
use collegium_records::{Cost, Epoch, Fit, Recipe, SeenByFit};
use collegium_table::{Encoder, Matrix, Source, Values};
use rand::RngExt as _;

use crate::{
    EngineError, Event, FitFailure, NodeRef,
    around::{self, Around},
    blend::is_blend,
    clock::Clock,
    inputs::{input_names, training_rows},
    rows::{NO_LABEL, Rows},
    states::States,
};

/// The ingredient that says that labels were permuted before a fit, and which permutation it was.
pub const PERMUTED: &str = "target.permuted";

/// The labels of one side of a fit.
pub enum Labels {
    /// Classes by number.
    Classes(Vec<u32>),
    /// Values in the units of the head.
    Values(Vec<f32>),
}

impl Labels {
    pub(crate) fn target(&self, count: usize) -> Target<'_> {
        match self {
            Self::Classes(labels) => Target::Classes { labels, count },
            Self::Values(values) => Target::Values(values),
        }
    }

    /// Is there nothing to tell apart?
    fn is_one(&self) -> bool {
        fn same<T: PartialEq>(values: &[T]) -> bool {
            values.windows(2).all(|pair| pair[0] == pair[1])
        }
        match self {
            Self::Classes(labels) => same(labels),
            Self::Values(values) => same(values),
        }
    }

    /// Deals the labels out to the rows at random.
    fn permute(&mut self, random: &mut Stream) {
        match self {
            Self::Classes(labels) => shuffle(labels, random),
            Self::Values(values) => shuffle(values, random),
        }
    }
}

/// A uniform random permutation in place (the shuffle of Fisher and Yates).
pub fn shuffle<T>(values: &mut [T], random: &mut Stream) {
    for last in (1..values.len()).rev() {
        values.swap(last, random.random_range(0..=last));
    }
}

/// Training set of a fit, encoded.
pub(crate) struct Prepared {
    pub(crate) encoder: Encoder,
    pub(crate) x: Matrix,
    pub(crate) y: Labels,
    pub(crate) x_valid: Matrix,
    pub(crate) y_valid: Labels,
    pub(crate) head: Head,
    /// Other targets of the training rows, and how many classes they have.
    pub(crate) auxiliary: Vec<(Labels, usize)>,
}

impl NodeRef<'_> {
    /// Executes a fit under the lock of its recipe. If another process has done it meanwhile, its
    /// result is taken and nothing is executed: the flag says whether this call did the work.
    pub fn execute(
        self,
        part: Part,
        recipe: &Recipe,
        warm: Option<&Fit>,
        states: &States,
        forced: bool,
    ) -> Result<(Fit, bool), EngineError> {
        let key = recipe.digest();
        let Some(_lock) = self.session.store.lock_unless(&key, &self.session.interrupted)? else {
            return Err(EngineError::Interrupted);
        };
        if !forced && let Some(fit) = self.session.known_fit(&key)? {
            return Ok((fit, false));
        }
        self.session.go_on()?;
        let (node, expected) = (self.node_name(), self.expected_cost());
        self.session.observer.event(Event::FitStarted {
            node: node.clone(),
            part: part.to_string(),
            epochs: match part {
                Part::Baseline(Baseline::Majority | Baseline::Linear) => 0,
                _ if is_blend(recipe) => 0,
                _ => expected
                    .epochs
                    .saturating_mul(expected.restarts)
                    .saturating_mul(self.declared().average.members),
            },
        });
        let limit = self.session.memory_limit();
        let _memory = self.session.memory_held.take(expected.peak_bytes, limit);
        let clock = Clock::start();
        let result = self.compute(part, recipe, warm, states);
        let cost = clock.stop();
        self.session.observer.event(Event::FitEnded {
            node,
            part: part.to_string(),
            seconds: cost.seconds,
            ok: result.is_ok(),
        });
        let (model, mut fit) = result?;
        fit.model = self.session.store.put(&model.to_bytes())?;
        fit.cost = Cost { peak_bytes: fit.cost.peak_bytes, ..cost };
        self.session.store.realise(recipe, &fit.model, &fit)?;
        Ok((fit, true))
    }

    /// Trains one fit, without filing it in the store.
    pub(crate) fn compute(
        self,
        part: Part,
        recipe: &Recipe,
        warm: Option<&Fit>,
        states: &States,
    ) -> Result<(Model, Fit), EngineError> {
        let failure = |reason: String| {
            EngineError::Fit(FitFailure { node: self.node_name(), part: part.to_string(), reason })
        };
        let expert = self.declared();
        let resolved = self.resolved();
        if is_blend(recipe) {
            return self.compose(part, recipe, states);
        }
        let parent = match warm {
            Some(fit) => Some(self.session.model(fit)?),
            None => None,
        };
        let encoder = parent.as_ref().map(|model| &model.encoder);
        let mut ready = self.prepare_fit(part, encoder, states)?.map_err(failure)?;
        if recipe.ingredients.contains_key(PERMUTED) {
            ready.y.permute(&mut stream(&recipe.digest(), "permuted training labels"));
            ready.y_valid.permute(&mut stream(&recipe.digest(), "permuted validation labels"));
        }
        let classes = resolved.classes.len();
        let weights = class_weights(expert, &resolved.classes, &ready.y);
        let (node, name) = (self.node_name(), part.to_string());
        let mut report = |epoch: u32, losses: Epoch| {
            self.session.observer.event(Event::FitEpoch {
                node: node.clone(),
                part: name.clone(),
                epoch,
                losses,
            });
        };
        let mut watch = Watch { interrupted: &self.session.interrupted, epoch: &mut report };
        // A fold without a row of the other class, or of another value, knows only how often.
        let constant = match part {
            Part::Baseline(Baseline::Majority) => true,
            Part::Fold { .. } => ready.y.is_one(),
            _ => false,
        };
        let fitted = if constant {
            let average = average(ready.x.width, &ready.y.target(classes));
            Fitted::at_once(kinds::constant::model(average))
        } else {
            let linear = LinearParams { ridge: RIDGE };
            let estimator: &dyn Estimator = match part {
                Part::Baseline(Baseline::Linear) => &linear,
                _ => self.estimator()?,
            };
            let auxiliary: Vec<Target<'_>> =
                ready.auxiliary.iter().map(|(labels, count)| labels.target(*count)).collect();
            let begins = |name: &String| name.starts_with(BEGINS_WITH);
            let job = FitJob {
                encode: &self.declared().encode,
                lesson: TrainingSet {
                    train: &expert.train,
                    class_weights: weights,
                    x: &ready.x,
                    y: ready.y.target(classes),
                    x_valid: &ready.x_valid,
                    y_valid: ready.y_valid.target(classes),
                    head: ready.head,
                    key: recipe.digest(),
                },
                encoder: &ready.encoder,
                data: &expert.data,
                auxiliary: &auxiliary,
                start: parent.as_ref(),
                begins: part == Part::Full && recipe.ingredients.keys().any(begins),
            };
            let mut around = Around::new(self, part, &ready.encoder, states);
            let members = match part {
                Part::Baseline(Baseline::Linear) => 1,
                _ => expert.average.members,
            };
            fit_members(estimator, &job, members, &mut around, &mut watch).map_err(|error| {
                match error {
                    FitError::Train(error) => training_error(error, failure),
                    FitError::Reason(reason) => failure(reason),
                    FitError::Host(error) => around::told(error),
                }
            })?
        };
        let rows = (ready.x.rows + ready.x_valid.rows) as u64;
        let peak_bytes = self.cost(self.shape(&ready.encoder, rows)).peak_bytes;
        let model = Model {
            encoder: ready.encoder,
            learned: fitted.learned,
            head: ready.head,
            classes: resolved.classes.clone(),
        };
        let fit = Fit {
            epochs: fitted.epochs,
            best_epoch: fitted.best_epoch,
            rows: ready.x.rows as u64,
            cost: Cost { peak_bytes, ..Cost::default() },
            parent: warm.map(|fit| fit.model),
            generation: warm.map_or(0, |fit| fit.generation + 1),
            seen: Some(self.seen(part, warm, states)?),
            restarts: fitted.restarts.into_iter().map(finite).collect(),
            judged: fitted.judged,
            ..self.record(&model, recipe)
        };
        Ok((model, fit))
    }

    /// What is recorded of any model of this node.
    pub(crate) fn record(self, model: &Model, recipe: &Recipe) -> Fit {
        Fit {
            model: recipe.digest(),
            kind: model.kind().to_owned(),
            task: self.resolved().task.name().to_owned(),
            classes: self.resolved().classes.clone(),
            epochs: Vec::new(),
            best_epoch: 0,
            parameters: model.parameters(),
            kept: model.kept(),
            multiply_adds: model.multiply_adds(),
            rows: 0,
            cost: Cost::default(),
            kernel: kernel_class(),
            created: crate::clock::now(),
            table: Some(self.prepared().object()),
            parent: None,
            generation: 0,
            seen: None,
            restarts: Vec::new(),
            judged: Vec::new(),
        }
    }

    /// Encodes what a fit reads. The inner error is a reason why nothing can be learned from it.
    fn prepare_fit(
        self,
        part: Part,
        encoder: Option<&Encoder>,
        states: &States,
    ) -> Result<Result<Prepared, String>, EngineError> {
        let rows = self.session.rows(training_rows(self.index, part))?;
        let valid = self.session.rows(self.stopping_rows(part))?;
        if rows.is_empty()
            && let Some(reason) = self.empty_window(part)
        {
            return Ok(Err(reason));
        }
        if rows.is_empty() {
            return Ok(Err(self.no_rows(part)?));
        }
        let inputs = self.part_inputs(part);
        let data = self.input_data(inputs, reads(self.index, self.declared()), states)?;
        let sources: Vec<Source> = data.iter().map(|input| input.source()).collect();
        // A warm start keeps the encoding too: its weights mean nothing on another.
        let encoder = match encoder {
            Some(encoder) => Ok(encoder.clone()),
            None => {
                // The models of a blend are functions of the same numbers.
                let shared = matches!(part, Part::Fold { .. }) && self.blended().is_some();
                let fitted_on = match shared {
                    true => self.session.rows(training_rows(self.index, Part::Full))?,
                    false => rows.clone(),
                };
                let scaling = self.declared().encode.scaling();
                Encoder::fit_scaled(&input_names(inputs), &sources, &fitted_on, scaling)
            }
        };
        if let Ok(encoder) = &encoder
            && let Err(refused) = self.memory_for(encoder, &rows, &valid)
        {
            return Ok(Err(refused));
        }
        let encoded = encoder.and_then(|encoder| {
            let x = encoder.encode(&sources, &rows)?;
            let x_valid = encoder.encode(&sources, &valid)?;
            Ok((encoder, x, x_valid))
        });
        let (encoder, x, x_valid) = match encoded {
            Ok(encoded) => encoded,
            Err(error) => return Ok(Err(error.to_string())),
        };
        if matches!(part, Part::Full | Part::Member) {
            if let Some((left, all)) = self.left_out()? {
                self.session.observer.event(Event::Note(format!(
                    "{}: {left} of {all} training rows are left out: they come before the first rows that \
                     what feeds it predicts forward in time",
                    self.node_name()
                )));
            }
            for note in encoder.notes() {
                self.session.observer.event(Event::Note(format!("{}: {note}", self.node_name())));
            }
        }
        let labelled = match (self.resolved().task, part) {
            // A fold may lack a class, or the one value that differs: its model has never seen it,
            // and that is just what its consumers are to be shown.
            (task, Part::Fold { .. }) => {
                let all = self.session.rows(Rows::Train { expert: self.index })?;
                // Where there is nothing to learn at all, no fold is fitted either.
                let whole = match task {
                    Task::Classification => self.class_labels(&all, &valid)?,
                    Task::Regression => self.value_labels(&all, &valid)?,
                };
                match (whole, task) {
                    (Err(reason), _) => Err(reason),
                    (_, Task::Classification) => Ok(self.class_labels_as_they_are(&rows, &valid)?),
                    (_, Task::Regression) => Ok(self.value_labels_as_they_are(&rows, &valid)?),
                }
            }
            (Task::Classification, _) => self.class_labels(&rows, &valid)?,
            (Task::Regression, _) => self.value_labels(&rows, &valid)?,
        };
        let auxiliary = self.auxiliary_labels(&rows)?;
        Ok(labelled.map(|(y, y_valid, head)| Prepared {
            encoder,
            x,
            y,
            x_valid,
            y_valid,
            head,
            auxiliary,
        }))
    }

    /// What a fit reads beyond its recipe, for later comparisons.
    pub(crate) fn seen(
        self,
        part: Part,
        warm: Option<&Fit>,
        states: &States,
    ) -> Result<SeenByFit, EngineError> {
        let mut classes = BTreeMap::new();
        for input in &self.resolved().inputs {
            if let Input::Output { expert, .. } = input {
                let from = self.session.index(expert)?;
                classes
                    .insert(input.to_string(), self.session.node(from).resolved().classes.clone());
            }
        }
        Ok(SeenByFit {
            train_rows: self.session.rows_digest(training_rows(self.index, part))?,
            valid_rows: self.session.rows_digest(self.stopping_rows(part))?,
            split_by: self.split_settings(),
            upstream: self.reads_now(states),
            classes,
            membership: self.membership(part, warm, states)?,
        })
    }

    /// What an expert learns to predict beside its target: texts and truth values as classes, numbers
    /// standardised.
    fn auxiliary_labels(self, rows: &[u32]) -> Result<Vec<(Labels, usize)>, EngineError> {
        let table = self.table()?;
        let mut found = Vec::new();
        for name in &self.declared().auxiliary {
            let column = table
                .column(name)
                .ok_or_else(|| EngineError::Internal(format!("column {name} has gone")))?;
            let at = |row: &u32| *row as usize;
            found.push(match &column.values {
                Values::Boolean(values) => {
                    let label = |row| match values[at(row)] {
                        value @ (0 | 1) => u32::from(value),
                        _ => NO_LABEL,
                    };
                    (Labels::Classes(rows.iter().map(label).collect()), 2)
                }
                Values::Category { codes, levels } => {
                    let label = |row| match codes[at(row)] {
                        code if (code as usize) < levels.len() => code,
                        _ => NO_LABEL,
                    };
                    (Labels::Classes(rows.iter().map(label).collect()), levels.len().max(2))
                }
                Values::Number(values) => {
                    let known = || rows.iter().map(|row| values[at(row)]).filter(|v| !v.is_nan());
                    let count = known().count().max(1) as f64;
                    let mean = known().sum::<f64>() / count;
                    let spread = (known().map(|v| (v - mean).powi(2)).sum::<f64>() / count).sqrt();
                    let scaled = |row| ((values[at(row)] - mean) / spread.max(1e-12)) as f32;
                    (Labels::Values(rows.iter().map(scaled).collect()), 0)
                }
                Values::Time(_) | Values::Image { .. } => continue,
            });
        }
        Ok(found)
    }

    #[allow(clippy::type_complexity)]
    pub(crate) fn class_labels(
        self,
        rows: &[u32],
        valid: &[u32],
    ) -> Result<Result<(Labels, Labels, Head), String>, EngineError> {
        let labels = self.labels()?;
        let seen: BTreeSet<u32> = rows
            .iter()
            .map(|&row| labels[row as usize])
            .filter(|&label| label != NO_LABEL)
            .collect();
        if seen.len() < 2 {
            return Ok(Err(self.one_class(rows.len(), seen.first().copied())?));
        }
        Ok(Ok(self.class_labels_as_they_are(rows, valid)?))
    }

    pub(crate) fn class_labels_as_they_are(
        self,
        rows: &[u32],
        valid: &[u32],
    ) -> Result<(Labels, Labels, Head), EngineError> {
        let labels = self.labels()?;
        let of =
            |rows: &[u32]| Labels::Classes(rows.iter().map(|&row| labels[row as usize]).collect());
        let binary = self.resolved().classes.len() == 2;
        Ok((of(rows), of(valid), if binary { Head::Binary } else { Head::Classes }))
    }

    /// Standardised targets of training and validation rows, with the head that undoes it; `Err` inside
    /// says why nothing can be fitted.
    #[allow(clippy::type_complexity)]
    pub fn value_labels(
        self,
        rows: &[u32],
        valid: &[u32],
    ) -> Result<Result<(Labels, Labels, Head), String>, EngineError> {
        let target = self.target_values()?;
        let (mean, deviation) = moments(&target, rows);
        if is_constant(mean, deviation) {
            return Ok(Err(format!(
                "its target is {mean} on all {} training rows; there is nothing to learn",
                rows.len()
            )));
        }
        Ok(Ok(self.value_labels_as_they_are(rows, valid)?))
    }

    fn value_labels_as_they_are(
        self,
        rows: &[u32],
        valid: &[u32],
    ) -> Result<(Labels, Labels, Head), EngineError> {
        let target = self.target_values()?;
        let (mean, deviation) = match moments(&target, rows) {
            (mean, deviation) if is_constant(mean, deviation) => (mean, 1.0),
            found => found,
        };
        let of = |rows: &[u32]| {
            let scaled = |&r: &u32| ((target[r as usize] - mean) / deviation) as f32;
            Labels::Values(rows.iter().map(scaled).collect())
        };
        Ok((of(rows), of(valid), Head::Regression { mean, deviation }))
    }

    /// A regression target on all rows; NaN where it is missing.
    pub fn target_values(self) -> Result<Vec<f64>, EngineError> {
        let table = self.table()?;
        let column = table.column(self.declared().target.get_ref());
        Ok(match column.map(|column| &column.values) {
            Some(Values::Number(values)) => values.clone(),
            Some(Values::Boolean(values)) => {
                values.iter().map(|&v| if v > 1 { f64::NAN } else { f64::from(v) }).collect()
            }
            _ => return Err(EngineError::Internal("a regression target that is no number".into())),
        })
    }
}

/// Mean and standard deviation of a target on some rows.
fn moments(target: &[f64], rows: &[u32]) -> (f64, f64) {
    let count = rows.len() as f64;
    let mean = rows.iter().map(|&row| target[row as usize]).sum::<f64>() / count;
    let variance =
        rows.iter().map(|&row| (target[row as usize] - mean).powi(2)).sum::<f64>() / count;
    (mean, variance.sqrt())
}

/// Is what is left of a deviation rounding?
fn is_constant(mean: f64, deviation: f64) -> bool {
    deviation <= f64::EPSILON * mean.abs()
}

pub(crate) fn class_weights(
    expert: &Expert,
    classes: &[String],
    labels: &Labels,
) -> Option<Vec<f32>> {
    let Labels::Classes(labels) = labels else { return None };
    let weights = weights_by_class(&expert.train.class_weights, classes, labels.iter().copied())?;
    Some(weights.into_iter().map(|weight| weight as f32).collect())
}

/// The weight of each class in the loss; `None` when all count the same.
pub fn weights_by_class(
    spec: &ClassWeights,
    classes: &[String],
    labels: impl Iterator<Item = u32>,
) -> Option<Vec<f64>> {
    match spec {
        ClassWeights::None => None,
        ClassWeights::Balanced => {
            let mut counts = vec![0u64; classes.len()];
            labels.for_each(|label| counts[label as usize] += 1);
            let rows = counts.iter().sum::<u64>() as f64;
            // A class without training rows weighs nothing: it never occurs in the loss.
            let weight = |&count: &u64| match count {
                0 => 0.0,
                n => rows / (classes.len() as f64 * n as f64),
            };
            Some(counts.iter().map(weight).collect())
        }
        ClassWeights::Given(map) => {
            Some(classes.iter().map(|class| map.get(class).copied().unwrap_or(1.0)).collect())
        }
    }
}

/// A restart that diverged has no loss.
fn finite(loss: f64) -> Option<f64> {
    loss.is_finite().then_some(loss)
}

/// The engine's error for a training error: an interrupted fit is an interrupted run, all else is a `failure`.
pub(crate) fn training_error(
    error: TrainError,
    failure: impl Fn(String) -> EngineError,
) -> EngineError {
    match error {
        TrainError::Interrupted => EngineError::Interrupted,
        other => failure(other.to_string()),
    }
}
