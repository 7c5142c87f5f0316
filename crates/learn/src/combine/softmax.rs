//! Softmax gate over experts that are trained already and stay as they are.

use std::sync::atomic::{AtomicBool, Ordering};

use collegium_digest::Stream;
use collegium_manifest::spec::{Balance, BalanceBy, GateLoss, Train};
use collegium_table::Matrix;
use rand::RngExt as _;

use super::{
    Combination, Pool,
    balance::{self, Routed},
    objective::Objective,
    weigh::{GateWeights, Routing},
};
use crate::{
    Head, Network, TrainError,
    train::{Learner, Pass, Stepper, Tape, Targets},
};

/// Validation rows that are evaluated together.
const EVALUATED: usize = 4096;

/// How a gate's network is trained, beside `train`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    pub(crate) loss: GateLoss,
    pub(crate) balance: Balance,
    pub(crate) noise: f64,
    pub(crate) z_loss: f64,
}

/// Rows as a gate's training sees them: own columns, answers, truth.
pub(crate) struct Seen<'a> {
    pub(crate) own: Matrix,
    /// Rows × experts × width.
    pub(crate) answers: Vec<f32>,
    pub(crate) truth: Targets<'a>,
}

/// A gate under way.
pub(crate) struct Softmax<'a> {
    manner: Manner,
    train: Seen<'a>,
    valid: Option<Seen<'a>>,
    head: Head,
    experts: usize,
    width: usize,
    pub(crate) routing: Routing,
    network: Network,
    pub(crate) best: (Network, Vec<f32>),
    stepper: Stepper,
    tape: Tape,
    noise: Stream,
    objective: Objective,
}

impl<'a> Softmax<'a> {
    pub(crate) fn new(
        manner: Manner,
        train: Seen<'a>,
        valid: Option<Seen<'a>>,
        head: Head,
        routing: Routing,
        (network, spec): (Network, &Train),
        noise: Stream,
    ) -> Self {
        let experts = network.outputs();
        let width = train.answers.len() / (train.own.rows * experts).max(1);
        let variance = least_residuals(&train, experts);
        Self {
            manner,
            train,
            valid,
            head,
            experts,
            width,
            best: (network.clone(), routing.bias.clone()),
            stepper: Stepper::new(spec, &network),
            tape: Tape::new(&network, None),
            network,
            routing,
            noise,
            objective: Objective::new(manner.loss, variance),
        }
    }
}

/// The mean of the squared residual of each row's best expert: where the density of values begins.
fn least_residuals(seen: &Seen, experts: usize) -> f64 {
    let crate::Target::Values(values) = seen.truth.target() else { return 1.0 };
    let sum: f64 = seen
        .answers
        .chunks_exact(experts)
        .zip(values)
        .map(|(row, y)| row.iter().map(|f| f64::from(f - y).powi(2)).fold(f64::INFINITY, f64::min))
        .sum();
    sum / values.len().max(1) as f64
}

/// A batch's weights.
pub(crate) struct Weighed {
    /// Of those that were chosen: what prediction would give, but for the noise.
    pub(crate) chosen: Vec<f32>,
    /// Of all experts. The gate learns by these: a choice has no derivative, and among the chosen alone
    /// a gate of `top_k = 1` could learn nothing.
    pub(crate) soft: Vec<f32>,
}

/// The gate's outputs with noise and choice as weights.
pub(crate) fn route(
    outputs: &[f32],
    experts: usize,
    routing: &Routing,
    noise: f64,
    random: &mut Stream,
) -> Weighed {
    let mut chosen = outputs.to_vec();
    if noise > 0.0 {
        chosen.iter_mut().for_each(|z| *z += noise as f32 * normal(random));
    }
    let mut soft = chosen.clone();
    let all = vec![true; experts];
    for (soft, chosen) in soft.chunks_exact_mut(experts).zip(chosen.chunks_exact_mut(experts)) {
        routing.weigh_chosen(soft, &all);
        routing.weigh(chosen);
    }
    Weighed { chosen, soft }
}

/// A standard normal number (Box and Muller 1958).
fn normal(random: &mut Stream) -> f32 {
    let (u, v): (f64, f64) = (1.0 - random.random::<f64>(), random.random());
    ((-2.0 * libm::log(u)).sqrt() * libm::cos(2.0 * std::f64::consts::PI * v)) as f32
}

impl Learner for Softmax<'_> {
    fn step(&mut self, rows: &[u32], rate: f64) -> f64 {
        let size = self.experts * self.width;
        let pass = Pass::new(&self.network);
        let own = self.train.own.select(rows).data;
        let outputs = pass.forward(own, rows.len(), Some(&mut self.tape));
        let noise = self.manner.noise;
        let weights = route(&outputs, self.experts, &self.routing, noise, &mut self.noise);
        let experts = self.experts;
        let mut answers = Vec::with_capacity(rows.len() * size);
        for row in rows {
            answers.extend_from_slice(&self.train.answers[*row as usize * size..][..size]);
        }
        let slopes =
            self.objective.slopes(rows, &self.train.truth, &weights.soft, &answers, self.width);
        let mut delta = vec![0.0; outputs.len()];
        let each = weights.soft.chunks_exact(experts).zip(slopes.by_weight.chunks_exact(experts));
        for ((weights, by_weight), into) in each.zip(delta.chunks_exact_mut(experts)) {
            self.routing.back(weights, by_weight, into);
        }
        let Weighed { chosen, soft } = &weights;
        let routed = Routed { outputs: &outputs, weights: chosen, soft, experts };
        balance::add(&routed, &self.routing, self.manner.balance, self.manner.z_loss, &mut delta);
        let gradients = pass.backward(delta, &mut self.tape);
        self.stepper.step(&mut self.network, &gradients, rate);
        if self.manner.balance.by == BalanceBy::Bias {
            balance::shift(&routed, self.manner.balance.weight, &mut self.routing.bias);
        }
        slopes.measured
    }

    fn passed(&mut self) {
        self.objective.passed();
    }

    fn validate(&self, interrupted: &AtomicBool) -> Result<Option<f64>, TrainError> {
        let Some(seen) = &self.valid else { return Ok(None) };
        if interrupted.load(Ordering::Relaxed) {
            return Err(TrainError::Interrupted);
        }
        // Judged by what it learns by. The loss of the chosen alone stands still until a choice flips,
        // which to early stopping looks like the end.
        let soft = Routing { top_k: None, ..self.routing.clone() };
        Ok(Some(measured(seen, &self.network, &soft, &self.head, self.width)))
    }

    fn keep(&mut self) {
        self.best.0.clone_from(&self.network);
        self.best.1.clone_from(&self.routing.bias);
    }
}

/// Mean log loss or squared error of the combined answer.
pub(crate) fn measured(
    seen: &Seen,
    network: &Network,
    routing: &Routing,
    head: &Head,
    width: usize,
) -> f64 {
    let experts = network.outputs();
    let rows: Vec<u32> = (0..u32::try_from(seen.own.rows).unwrap_or(u32::MAX)).collect();
    let mut sum = 0.0;
    for chunk in rows.chunks(EVALUATED) {
        let mut weights = network.logits(&seen.own.select(chunk));
        weights.data.chunks_exact_mut(experts).for_each(|row| routing.weigh(row));
        let start = chunk[0] as usize * experts * width;
        let answers = &seen.answers[start..start + chunk.len() * experts * width];
        let raw = Pool::Arithmetic.raw(&weights, answers, width, head);
        sum += seen.truth.loss(chunk, &raw.data, None);
    }
    sum / seen.truth.total()
}

/// A combination by a routing network, of answers that are handed in.
pub(crate) fn combination(handed: Vec<std::ops::Range<usize>>, routing: Routing) -> Combination {
    Combination {
        handed,
        experts: Vec::new(),
        weights: GateWeights::Softmax(routing),
        pool: Pool::Arithmetic,
    }
}
