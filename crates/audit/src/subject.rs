//! A model under probe: its network, the probed rows, and their covariance.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use collegium_digest::{Digest, Hasher, stream};
use collegium_learn::{Interrupted, MOST_OUTPUTS, Model, Network, SKETCHES, Seeds, sketches};
use collegium_manifest::{Input, Task};
use collegium_probe::{
    Accumulator, AgopError, AgopInputs, AgopOutput, Frame, Gathered, Geometry, Groups, Lift, Look,
    Sight, Spectrum, agop, agreement_of_pairs, halves, shares,
};
use collegium_records::Agreement;
use collegium_table::{Matrix, Source};
use rand::RngExt as _;

use collegium_engine::{
    EngineError, Session,
    inputs::{InputData, encode, sources},
    rows::{Rows, Side, side_name},
};

use crate::Auditor;

/// Models with initial weights behind the reference of what training found nothing for.
const UNTRAINED: u64 = 8;

/// Divisions of the rows into halves: how far two halves are apart is itself a draw.
const DIVISIONS: usize = 5;

/// A model and the rows that it is probed on.
pub(crate) struct Subject {
    pub(super) index: usize,
    pub(super) model: Model,
    pub(super) data: Vec<InputData>,
    /// By number, ascending.
    pub(super) rows: Vec<u32>,
    /// As the network sees them.
    pub(super) x: Matrix,
    pub(super) geometry: Geometry,
    pub(super) frame: Frame,
    pub(super) task: Task,
    /// Rows that are resampled together.
    groups: Option<Groups>,
    stop: Arc<AtomicBool>,
}

/// Why nothing was gathered.
#[derive(Debug)]
pub(super) enum Unseen {
    Agop(AgopError),
    Engine(EngineError),
    Interrupted,
}

impl From<AgopError> for Unseen {
    fn from(error: AgopError) -> Self {
        Self::Agop(error)
    }
}

impl From<Interrupted> for Unseen {
    fn from(_: Interrupted) -> Self {
        Self::Interrupted
    }
}

impl From<Unseen> for EngineError {
    fn from(error: Unseen) -> Self {
        match error {
            Unseen::Agop(error) => Self::Internal(error.to_string()),
            Unseen::Engine(error) => error,
            Unseen::Interrupted => Self::Interrupted,
        }
    }
}

impl Subject {
    /// Of rows by number and their groups. `Err` inside says why there is nothing to see.
    pub(crate) fn new(
        session: &Session,
        index: usize,
        model: Model,
        data: Vec<InputData>,
        (rows, groups): (Vec<u32>, Option<Groups>),
    ) -> Result<Result<Self, String>, EngineError> {
        let x = encode(&model, &sources(&data), &rows)?;
        let geometry = match Geometry::new(&x.data, x.width, &model.encoder.groups()) {
            Ok(geometry) => geometry,
            Err(error) => return reason(error.into()).map(Err),
        };
        let (frame, task) = (geometry.frame(), session.node(index).resolved().task);
        let stop = session.interrupted.clone();
        Ok(Ok(Self { index, model, data, rows, x, geometry, frame, task, groups, stop }))
    }

    /// The same probed as a classifier, whatever the expert's own task.
    pub(super) fn of_classes(mut self) -> Self {
        self.task = Task::Classification;
        self
    }

    /// The probed rows, by number.
    pub(crate) fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// Its declared inputs.
    pub(crate) fn names(&self) -> &[String] {
        self.model.encoder.names()
    }

    pub(super) fn sources(&self) -> Vec<Source<'_>> {
        sources(&self.data)
    }

    /// Gradients of a network on some of the rows (all, or a half), through the frame of all. The
    /// common shift of logits is taken out; one output has none.
    pub(super) fn gather(&self, model: &Model, x: &Matrix, keep: bool) -> Result<Gathered, Unseen> {
        self.gather_through(model, x, &self.frame, keep)
    }

    pub(super) fn gather_through(
        &self,
        model: &Model,
        x: &Matrix,
        frame: &Frame,
        keep: bool,
    ) -> Result<Gathered, Unseen> {
        let Some(network) = model.layers() else {
            return self.gather_jacobians(model, x, frame, keep);
        };
        let seeds = seeds_of(self.task, network);
        let each = seeds.each(network);
        // Behind encodings the first layer's slopes differ from row to row: nothing is lifted by its weights.
        let lens = network.front.is_none().then(|| network.lens(&frame.values, frame.columns));
        let first = network.layers.first().filter(|_| lens.is_some());
        let lift = first.map(|layer| Lift { weight: layer.weight.clone(), units: layer.outputs });
        let mut sum = Accumulator::new(&self.geometry, frame, x.rows, each, lift, keep);
        let mut projected = Vec::new();
        network.sweep(x, seeds, &mut |swept| {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let Some(lens) = &lens else { return sum.add_jacobians(&swept.at_inputs()) };
            swept.through_into(lens, &mut projected);
            sum.add(&projected, &swept.gram(0));
        });
        if self.stop.load(Ordering::Relaxed) {
            return Err(Unseen::Interrupted);
        }
        Ok(sum.finish()?)
    }

    /// The same of a model that is not dense layers: its Jacobians are written out.
    fn gather_jacobians(
        &self,
        model: &Model,
        x: &Matrix,
        frame: &Frame,
        keep: bool,
    ) -> Result<Gathered, Unseen> {
        let outputs = model.outputs_wide();
        let mut sum = Accumulator::new(&self.geometry, frame, x.rows, outputs, None, keep);
        let mut chunk: Vec<f32> = Vec::new();
        model.jacobians(x, &self.stop, &mut |row, jacobian| {
            let from = chunk.len();
            chunk.extend_from_slice(jacobian);
            if outputs > 1 && self.task == Task::Classification {
                centre(&mut chunk[from..], outputs);
            }
            if (row + 1) % JACOBIANS == 0 || row + 1 == x.rows {
                sum.add_jacobians(&chunk);
                chunk.clear();
            }
        })?;
        Ok(sum.finish()?)
    }

    /// The whole measurement. `initial` is the model with its first weights, if its kind draws
    /// any; `seeds` and `permuted` are refits; those encode rows as the expert does, or they could not be compared.
    pub(super) fn sight(
        &self,
        session: &Session,
        initial: Option<&Model>,
        [seeds, permuted]: [&[Model]; 2],
        key: &Digest,
    ) -> Result<Result<Sight, String>, EngineError> {
        let inputs = &session.node(self.index).resolved().inputs;
        let upstream: Vec<Option<String>> = self
            .names()
            .iter()
            .filter_map(|name| inputs.iter().find(|input| input.to_string() == *name))
            .map(|input| match input {
                Input::Output { expert, .. } => Some(session.pipeline.node_name(expert)),
                Input::Column { .. } => None,
            })
            .collect();
        let model = &self.model;
        let gathered = |models: &[Model], keep| {
            models
                .iter()
                .map(|m| self.gather(m, &self.x, keep))
                .collect::<Result<Vec<Gathered>, Unseen>>()
        };
        let measured = || -> Result<Sight, Unseen> {
            let seeds = gathered(seeds, true)?;
            let permuted = gathered(permuted, false)?;
            let mut untrained = Vec::new();
            if let Some(initial) = initial {
                untrained.push(self.gather(initial, &self.x, false)?);
                for draw in 1..UNTRAINED {
                    let key = Hasher::new("untrained").digest(key).count(draw).finish();
                    if let Some(drawn) = model.untrained(&key) {
                        untrained.push(self.gather(&drawn, &self.x, false)?);
                    }
                }
            }
            let mut raw = model.raw(&self.x, &self.stop)?.data;
            let sketched = self.is_sketched(model);
            if sketched {
                raw = combined(&raw, model.outputs_wide());
            }
            let trained = self.gather(model, &self.x, !seeds.is_empty())?;
            let spreads = self.geometry.spreads(&trained);
            let groups = session
                .node(self.index)
                .groups_for(self.groups.clone(), &self.rows, || {
                    by_part([&trained.contributions, &spreads], self.frame.parts.len())
                })
                .map_err(Unseen::Engine)?;
            let how = session.resampling(resamples(session), key);
            let mut sight = agop(&AgopInputs {
                names: self.model.encoder.names(),
                upstream: &upstream,
                columns: &self.model.encoder.column_names(),
                classes: if model.outputs_wide() > 1 { &self.model.classes } else { &[] },
                geometry: &self.geometry,
                frame: &self.frame,
                trained: &trained,
                spreads: &spreads,
                untrained: &untrained,
                seeds: &seeds,
                permuted: &permuted,
                raw: &raw,
                output: match self.task {
                    Task::Classification => AgopOutput::Logit,
                    Task::Regression => AgopOutput::Value,
                },
                split: side_name(Side::Test),
                how: how.by(groups.as_ref()),
            })?;
            sight.agop.sketches = sketched.then_some(SKETCHES as u32);
            if initial.is_none() {
                let noun = session.node(self.index).declared().model.noun();
                sight.agop.noise_floor.no_untrained = Some(format!(
                    "nothing is drawn at random in this {noun}, so there is none that has learned nothing to \
                     compare it with"
                ));
            }
            Ok(sight)
        };
        match measured() {
            Ok(sight) => Ok(Ok(sight)),
            Err(error) => reason(error).map(Err),
        }
    }

    /// Are gradients those of random combinations of the outputs, since there are so many?
    pub(super) fn is_sketched(&self, model: &Model) -> bool {
        model
            .layers()
            .is_some_and(|network| matches!(seeds_of(self.task, network), Seeds::Sketched))
    }

    /// Importances of a network on some of the rows, for comparisons, with the eigenvalues of its
    /// directions. `None` where its gradients are 0.
    pub(super) fn look(
        &self,
        model: &Model,
        x: &Matrix,
        skilled: bool,
    ) -> Result<Option<(Look, Vec<f64>)>, EngineError> {
        match self.gather(model, x, false) {
            Ok(gathered) => Ok(shares(&self.frame, &gathered).map(|shares| {
                let Spectrum { eigenvalues, basis, .. } = Spectrum::new(&self.geometry, &gathered);
                (Look { shares, basis, skilled }, eigenvalues)
            })),
            Err(error) => Err(error.into()),
        }
    }

    /// Agreement of halves of the rows: the reference line of no change at all.
    pub(crate) fn split_half(
        &self,
        k: usize,
        key: &Digest,
    ) -> Result<Option<Agreement>, EngineError> {
        let mut pairs = Vec::new();
        for division in 0..DIVISIONS {
            let key = Hasher::new("division").digest(key).count(division as u64).finish();
            let [one, other] = halves(self.x.rows, self.groups.as_ref(), &key);
            let look = |half: &[u32]| self.look(&self.model, &self.x.select(half), true);
            if let (Some((one, _)), Some((other, _))) = (look(&one)?, look(&other)?) {
                pairs.push((one, other));
            }
        }
        Ok(agreement_of_pairs(&pairs, k))
    }
}

/// Resamples behind bands of importances, at least: 2.5 % of them must be several, and they cost next to nothing.
const LEAST_RESAMPLES: u32 = 200;

/// Resamples behind these bands.
pub(super) fn resamples(session: &Session) -> u32 {
    session.pipeline.audit.bootstrap.max(LEAST_RESAMPLES)
}

/// What each row adds to each part, by parts: columns of matrices of so many columns.
pub(super) fn by_part(added: [&[f64]; 2], parts: usize) -> Vec<Vec<f64>> {
    let column =
        |values: &[f64], part: usize| values.iter().skip(part).step_by(parts).copied().collect();
    added.iter().flat_map(|values| (0..parts).map(move |part| column(values, part))).collect()
}

/// Rows whose Jacobians are held at once.
const JACOBIANS: usize = 64;

/// Takes out of a row's Jacobian (outputs × columns) what all outputs share.
fn centre(jacobian: &mut [f32], outputs: usize) {
    let width = jacobian.len() / outputs;
    for column in 0..width {
        let each = || (0..outputs).map(|output| output * width + column);
        let mean = each().map(|at| jacobian[at]).sum::<f32>() / outputs as f32;
        each().for_each(|at| jacobian[at] -= mean);
    }
}

/// What a probe takes derivatives of: logits without the shift that all share (of many classes random
/// combinations of them), or the value.
pub(super) fn seeds_of(task: Task, network: &Network) -> Seeds<'static> {
    match task {
        Task::Classification if network.outputs() > MOST_OUTPUTS => Seeds::Sketched,
        Task::Classification => Seeds::Centred,
        Task::Regression => Seeds::Outputs,
    }
}

/// The random combinations of raw outputs (rows × outputs) whose gradients are taken.
fn combined(raw: &[f32], outputs: usize) -> Vec<f32> {
    let of_row = |(row, raw): (usize, &[f32])| {
        let each = sketches(row, outputs);
        let sum = |signs: &[f32]| signs.iter().zip(raw).map(|(sign, raw)| sign * raw).sum();
        each.chunks_exact(outputs).map(sum).collect::<Vec<f32>>()
    };
    raw.chunks_exact(outputs).enumerate().flat_map(of_row).collect()
}

/// What is a finding about the expert is told to the reader; anything else is a mistake of ours.
fn reason(error: Unseen) -> Result<String, EngineError> {
    match error {
        Unseen::Agop(error @ (AgopError::Constant | AgopError::TooFewRows(_))) => {
            Ok(error.to_string())
        }
        error => Err(error.into()),
    }
}

impl Auditor<'_> {
    /// Importances of a model on given inputs, for comparisons of versions.
    pub(crate) fn look_at(
        self,
        model: Model,
        data: Vec<InputData>,
        key: &Digest,
    ) -> Result<Result<(Subject, Sight), String>, EngineError> {
        let rows = self.probed_rows(Side::Test, key)?;
        let groups = match self.states.get(&self.node.index) {
            Some(state) => self.node.groups_of(state, &rows)?,
            None => self.node.groups_by(&rows, || Ok(Vec::new()))?,
        };
        let untrained = model.untrained(key);
        let of = (rows, groups);
        let subject = match Subject::new(self.session(), self.node.index, model, data, of)? {
            Ok(subject) => subject,
            Err(reason) => return Ok(Err(reason)),
        };
        Ok(subject
            .sight(self.session(), untrained.as_ref(), [&[], &[]], key)?
            .map(|sight| (subject, sight)))
    }

    /// The classes of rows by number; none for a regression.
    pub(crate) fn class_of(self, rows: &[u32]) -> Result<Vec<u32>, EngineError> {
        if self.node.resolved().task == Task::Regression {
            return Ok(Vec::new());
        }
        let labels = self.node.labels()?;
        Ok(rows.iter().map(|&row| labels[row as usize]).collect())
    }

    /// `audit.rows` of the expert's rows on one side, without replacement, in the table's order.
    pub(crate) fn probed_rows(self, side: Side, key: &Digest) -> Result<Vec<u32>, EngineError> {
        let rows = self.session().rows(Rows::HeldOut { expert: self.node.index, side })?;
        Ok(some_of(&rows, self.session().pipeline.audit.rows as usize, key))
    }
}

/// Some of the rows, drawn by key without replacement, ascending.
pub(super) fn some_of(rows: &[u32], wanted: usize, key: &Digest) -> Vec<u32> {
    let mut rows = rows.to_vec();
    if rows.len() > wanted {
        let mut random = stream(key, "probed rows");
        for taken in 0..wanted {
            let other = random.random_range(taken..rows.len());
            rows.swap(taken, other);
        }
        rows.truncate(wanted);
        rows.sort_unstable();
    }
    rows
}
