//! Joint training of a mixture of experts: experts and gate together.
//!
//! A step routes its rows and pulls back the likelihood: at an expert's raw outputs the slope is its
//! responsibility times that of its own loss, at the gate's outputs g − h. With `top_k` an expert learns
//! from the rows that it was chosen for alone, and prediction computes no more than these; the gate
//! learns from what all experts say, since a choice has no derivative.

use std::sync::atomic::AtomicBool;

use collegium_digest::{Digest, Hasher, Stream, stream};
use collegium_manifest::spec::{BalanceBy, GateLoss, Mixture};
use collegium_records::Epoch;
use collegium_table::Matrix;

use crate::{
    Combination, GateWeights, Head, Network, Pool, Routing, Target, TrainError, TrainingSet, Watch,
    combine::{
        balance::{self, Routed},
        objective::Objective,
        pool::LEAST_PROBABILITY,
        softmax::route,
    },
    init,
    train::{EpochLoop, Learner, Pass, Stepper, Tape, Targets, through_epochs},
};

/// What to fit, on what.
pub struct MixtureJob<'a> {
    /// The mixture.
    pub spec: &'a Mixture,
    /// Rows, targets, and how to train on them.
    pub lesson: TrainingSet<'a>,
    /// Networks that the experts begin with, the routed ones first; empty: random weights.
    pub start: Vec<Network>,
}

/// A fitted mixture.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedMixture {
    /// The gate.
    pub network: Network,
    /// The experts, and how they are routed to.
    pub combination: Combination,
    /// Losses by epoch, of the restart that was kept.
    pub epochs: Vec<Epoch>,
    /// The epoch whose weights these are, from 1.
    pub best_epoch: u32,
    /// The best validation loss of each restart; training loss without validation rows.
    pub restarts: Vec<f64>,
}

/// Fits a mixture as often as it asks for, and keeps the best on validation rows, the first of equals.
///
/// # Errors
/// [`TrainError`]. A restart that diverges is an error only if all do: it is told by an infinite loss.
pub fn fit_mixture(job: &MixtureJob, watch: &mut Watch) -> Result<FittedMixture, TrainError> {
    let truth = Targets::new(job.lesson.x, &job.lesson.y, job.lesson.class_weights.as_deref())?;
    if truth.is_one_class() {
        return Err(TrainError::OneClass);
    }
    let mut best: Option<(f64, FittedMixture)> = None;
    let mut losses = Vec::new();
    let mut failed = None;
    for restart in 0..job.spec.restarts.max(1) {
        let key = match restart {
            0 => job.lesson.key,
            n => Hasher::new("restart").digest(&job.lesson.key).count(u64::from(n)).finish(),
        };
        let before = restart * job.lesson.train.epochs;
        let mut report = |epoch: u32, losses: Epoch| (watch.epoch)(before + epoch, losses);
        let mut own = Watch { interrupted: watch.interrupted, epoch: &mut report };
        match once(job, truth.clone(), key, &mut own) {
            Ok(grown) => {
                let loss = grown.epochs[grown.best_epoch as usize - 1].valid;
                losses.push(loss);
                if best.as_ref().is_none_or(|(least, _)| loss < *least) {
                    best = Some((loss, grown));
                }
            }
            Err(TrainError::Diverged { epoch, what }) => {
                losses.push(f64::INFINITY);
                failed = Some(TrainError::Diverged { epoch, what });
            }
            Err(error) => return Err(error),
        }
    }
    match (best, failed) {
        (Some((_, grown)), _) => Ok(FittedMixture { restarts: losses, ..grown }),
        (None, Some(error)) => Err(error),
        (None, None) => Err(TrainError::Empty),
    }
}

fn once(
    job: &MixtureJob,
    truth: Targets,
    key: Digest,
    watch: &mut Watch,
) -> Result<FittedMixture, TrainError> {
    let spec = job.spec;
    let (routed, shared) = (spec.experts as usize, spec.shared as usize);
    let experts = routed + shared;
    let widths = |hidden: &[u32], outputs: usize| -> Vec<usize> {
        let hidden = hidden.iter().map(|width| *width as usize);
        std::iter::once(job.lesson.x.width).chain(hidden).chain([outputs]).collect()
    };
    let shape = widths(&spec.expert.hidden, truth.outputs());
    let named = |purpose: &str, expert: usize| {
        Hasher::new(purpose).digest(&key).count(expert as u64).finish()
    };
    let networks: Vec<Network> = match job.start.is_empty() {
        true => (0..experts)
            .map(|expert| init::fresh(&shape, spec.expert.activation, &named("expert", expert)))
            .collect(),
        false => job.start.clone(),
    };
    if networks.len() != experts
        || networks.iter().any(|network| {
            network.widths() != shape || network.activation != spec.expert.activation
        })
    {
        return Err(TrainError::Mismatch(
            "the experts to begin with have another shape".to_owned(),
        ));
    }
    let gate = init::fresh(&widths(&spec.gate.hidden, experts), spec.gate.activation, &key);
    let routing = Routing {
        temperature: spec.temperature as f32,
        top_k: spec.top_k.map(|k| k as usize),
        shared: (routed..experts).collect(),
        bias: Vec::new(),
    };
    let truth_valid =
        truth.validation(job.lesson.x_valid, &job.lesson.y_valid, job.lesson.x.width)?;
    let course = EpochLoop {
        train: job.lesson.train,
        task: truth.task(),
        rows: job.lesson.x.rows,
        total: truth.total(),
        constant: truth.constant_loss(),
        key,
    };
    let mut fit = Joint {
        job,
        truth,
        truth_valid,
        steppers: networks.iter().map(|network| Stepper::new(job.lesson.train, network)).collect(),
        tapes: networks
            .iter()
            .enumerate()
            .map(|(expert, network)| {
                let random = stream(&named("dropout of an expert", expert), "dropout");
                let share = spec.expert.dropout.of(course.task);
                let dropout = (share > 0.0).then_some((share, random));
                Tape::new(network, dropout)
            })
            .collect(),
        gate_stepper: Stepper::new(job.lesson.train, &gate),
        gate_tape: Tape::new(&gate, None),
        noise: stream(&key, "gate noise"),
        objective: Objective::new(GateLoss::Likelihood, 1.0),
        best: (gate.clone(), networks.clone(), routing.clone()),
        gate,
        experts: networks,
        routing,
    };
    let (epochs, best_epoch) = through_epochs(&course, &mut fit, watch)?;
    let (network, experts, routing) = fit.best;
    let combination = whole(experts, routing);
    Ok(FittedMixture { network, combination, epochs, best_epoch, restarts: Vec::new() })
}

fn whole(experts: Vec<Network>, routing: Routing) -> Combination {
    Combination {
        handed: Vec::new(),
        experts,
        weights: GateWeights::Softmax(routing),
        pool: Pool::Arithmetic,
    }
}

/// A mixture under way.
struct Joint<'a> {
    job: &'a MixtureJob<'a>,
    truth: Targets<'a>,
    truth_valid: Option<Targets<'a>>,
    gate: Network,
    experts: Vec<Network>,
    routing: Routing,
    best: (Network, Vec<Network>, Routing),
    gate_stepper: Stepper,
    gate_tape: Tape,
    steppers: Vec<Stepper>,
    tapes: Vec<Tape>,
    noise: Stream,
    objective: Objective,
}

impl Joint<'_> {
    /// Takes from each expert the rows beyond its capacity, in the batch's order.
    fn within_capacity(&self, weights: &mut [f32], rows: usize) {
        let Some(factor) = self.job.spec.capacity_factor else { return };
        let experts = self.experts.len();
        let each = self.routing.top_k.unwrap_or(experts - self.routing.shared.len());
        let routed = experts - self.routing.shared.len();
        let most = libm::ceil(factor * (rows * each) as f64 / routed.max(1) as f64) as usize;
        let mut taken = vec![0; experts];
        for row in weights.chunks_exact_mut(experts) {
            for (expert, weight) in row.iter_mut().enumerate() {
                if *weight == 0.0 || self.routing.shared.contains(&expert) {
                    continue;
                }
                taken[expert] += 1;
                if taken[expert] > most {
                    *weight = 0.0;
                }
            }
            let sum: f32 = row.iter().sum();
            if sum > 0.0 {
                row.iter_mut().for_each(|weight| *weight /= sum);
            }
        }
    }
}

impl Learner for Joint<'_> {
    fn step(&mut self, rows: &[u32], rate: f64) -> f64 {
        let (experts, width) = (self.experts.len(), self.truth.outputs());
        let x = self.job.lesson.x.select(rows);
        let gate = Pass::new(&self.gate);
        let outputs = gate.forward(x.data.clone(), rows.len(), Some(&mut self.gate_tape));
        let noise = self.job.spec.noise;
        let mut weighed = route(&outputs, experts, &self.routing, noise, &mut self.noise);
        let sparse = self.routing.top_k.is_some();
        self.within_capacity(&mut weighed.chosen, rows.len());
        let weights = &weighed.chosen;
        let mut answers = vec![0.0; rows.len() * experts * width];
        let mut given: Vec<Vec<u32>> = Vec::with_capacity(experts);
        let passes: Vec<Pass> = self.experts.iter().map(Pass::new).collect();
        for (expert, pass) in passes.iter().enumerate() {
            let own: Vec<u32> = (0..rows.len() as u32)
                .filter(|row| weights[*row as usize * experts + expert] != 0.0)
                .collect();
            if sparse {
                let raw = pass.forward(x.data.clone(), rows.len(), None);
                let all: Vec<u32> = (0..rows.len() as u32).collect();
                spread(&mut answers, raw, &all, (expert, experts), &self.job.lesson.head);
            }
            if !own.is_empty() {
                let gathered = x.select(&own).data;
                let raw = pass.forward(gathered, own.len(), Some(&mut self.tapes[expert]));
                spread(&mut answers, raw, &own, (expert, experts), &self.job.lesson.head);
            }
            given.push(own);
        }
        let slopes = self.objective.slopes(rows, &self.truth, weights, &answers, width);
        // Those of the experts count by what was chosen, those of the gate by what all say.
        let by_weight = match sparse {
            false => slopes.by_weight.clone(),
            true => {
                let soft = &weighed.soft;
                let mut beside = Objective::new(GateLoss::Likelihood, self.objective.variance());
                beside.slopes(rows, &self.truth, soft, &answers, width).by_weight
            }
        };
        // Rows that no expert had room for teach nothing.
        let left =
            weights.chunks_exact(experts).filter(|row| row.iter().all(|w| *w == 0.0)).count();
        let measured = match left {
            0 => slopes.measured,
            all if all == rows.len() => 0.0,
            left => {
                let without: f64 = rows
                    .iter()
                    .zip(weights.chunks_exact(experts))
                    .filter(|(_, weights)| weights.iter().all(|w| *w == 0.0))
                    .map(|(row, _)| orphan_loss(&self.truth, *row))
                    .sum();
                (slopes.measured - without) * rows.len() as f64 / (rows.len() - left) as f64
            }
        };
        let mut delta = vec![0.0; outputs.len()];
        let each = weighed.soft.chunks_exact(experts).zip(by_weight.chunks_exact(experts));
        for ((weights, by_weight), into) in each.zip(delta.chunks_exact_mut(experts)) {
            self.routing.back(weights, by_weight, into);
        }
        let routed = Routed { outputs: &outputs, weights, soft: &weighed.soft, experts };
        let balance = self.job.spec.balance;
        balance::add(&routed, &self.routing, balance, self.job.spec.z_loss, &mut delta);
        let gate_gradients = gate.backward(delta, &mut self.gate_tape);
        let precision = 1.0 / self.objective.variance();
        let mut gradients = Vec::with_capacity(experts);
        for (expert, (pass, own)) in passes.iter().zip(&given).enumerate() {
            if own.is_empty() {
                gradients.push(Vec::new());
                continue;
            }
            let mut delta = vec![0.0; own.len() * width];
            for (row, into) in own.iter().zip(delta.chunks_exact_mut(width)) {
                let at = *row as usize * experts + expert;
                let answer = &answers[at * width..][..width];
                let responsibility = slopes.responsibility[at];
                let truth = rows[*row as usize] as usize;
                match self.truth.target() {
                    Target::Classes { labels, .. } => {
                        for (class, (cell, p)) in into.iter_mut().zip(answer).enumerate() {
                            let hit = match width {
                                1 => labels[truth] == 1,
                                _ => labels[truth] as usize == class,
                            };
                            *cell = responsibility * (p - f32::from(u8::from(hit)));
                        }
                    }
                    Target::Values(values) => {
                        into[0] = responsibility * (answer[0] - values[truth]) * precision as f32;
                    }
                }
            }
            gradients.push(pass.backward(delta, &mut self.tapes[expert]));
        }
        self.gate_stepper.step(&mut self.gate, &gate_gradients, rate);
        let networks = self.experts.iter_mut().zip(&mut self.steppers).zip(&gradients);
        for ((network, stepper), gradients) in networks.filter(|(_, g)| !g.is_empty()) {
            stepper.step(network, gradients, rate);
        }
        if balance.by == BalanceBy::Bias {
            balance::shift(&routed, balance.weight, &mut self.routing.bias);
        }
        measured
    }

    fn passed(&mut self) {
        self.objective.passed();
    }

    fn validate(&self, interrupted: &AtomicBool) -> Result<Option<f64>, TrainError> {
        let Some(truth) = &self.truth_valid else { return Ok(None) };
        if interrupted.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(TrainError::Interrupted);
        }
        let whole = whole(self.experts.clone(), self.routing.clone());
        let x: &Matrix = self.job.lesson.x_valid;
        let raw = whole.raw(&self.gate, x, &self.job.lesson.head);
        let rows: Vec<u32> = (0..u32::try_from(x.rows).unwrap_or(u32::MAX)).collect();
        Ok(Some(truth.loss(&rows, &raw.data, None) / truth.total()))
    }

    fn keep(&mut self) {
        self.best = (self.gate.clone(), self.experts.clone(), self.routing.clone());
    }
}

/// Writes an expert's raw outputs for some rows among all answers.
fn spread(
    answers: &mut [f32],
    mut raw: Vec<f32>,
    rows: &[u32],
    (expert, experts): (usize, usize),
    head: &Head,
) {
    let width = raw.len() / rows.len().max(1);
    for (row, answer) in rows.iter().zip(raw.chunks_exact_mut(width.max(1))) {
        head.answer(answer);
        let to = (*row as usize * experts + expert) * width;
        answers[to..to + width].copy_from_slice(answer);
    }
}

/// What [`Objective::slopes`] counts for a row without any weight.
fn orphan_loss(truth: &Targets, row: u32) -> f64 {
    let loss = match truth.target() {
        Target::Classes { .. } => -libm::log(f64::from(LEAST_PROBABILITY)),
        Target::Values(values) => f64::from(values[row as usize]).powi(2),
    };
    loss * f64::from(truth.weight(row as usize))
}
