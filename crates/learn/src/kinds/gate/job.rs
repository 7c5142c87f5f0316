//! Input and result of the training of a gate, and helpers that several rules share.

use std::ops::Range;

use collegium_manifest::spec::{Activation, Gate};
use collegium_records::Epoch;
use collegium_table::Matrix;

use crate::{
    Combination, Dense, GateWeights, Head, Network, Pool, Routing, Target, TrainError, TrainingSet,
    combine::{
        cascade,
        softmax::{self, Seen},
    },
    train::Targets,
};

/// What to fit, on what.
pub struct GateJob<'a> {
    /// The gate.
    pub spec: &'a Gate,
    /// Rows, targets, and how to train on them.
    pub lesson: TrainingSet<'a>,
    /// The encoded columns that are each expert's prediction, in the order of the gate.
    pub handed: Vec<Range<usize>>,
    /// The encoded columns that are rules, in the same order.
    pub rules: Vec<usize>,
    /// Multiply-adds of each expert's forward pass.
    pub costs: Vec<u64>,
    /// Of a gate of type `self`: each expert's own network, see [`super::judgement_targets`].
    pub judges: Vec<Network>,
}

/// A fitted gate.
#[derive(Debug, Clone, PartialEq)]
pub struct Gated {
    /// What decides the route; of a gate without one, a network of no inputs.
    pub network: Network,
    /// The rest.
    pub combination: Combination,
    /// Losses by epoch, where there was training.
    pub epochs: Vec<Epoch>,
    /// The epoch whose weights these are, from 1; 0 without training.
    pub best_epoch: u32,
}

/// Why a gate has no result.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GateError {
    /// As for an expert.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// Answers that this rule cannot combine.
    #[error("{0}")]
    Answers(String),
    /// A cost budget that nothing can meet.
    #[error(
        "`cost_budget` is {budget} multiply-adds a row, but the first expert alone takes {least}: raise \
         it, or begin with a smaller expert"
    )]
    Budget {
        /// What was asked for.
        budget: f64,
        /// The first expert's.
        least: f64,
    },
}

/// A combination without a routing network.
pub(super) fn plain(job: &GateJob, weights: GateWeights, pool: Pool) -> Gated {
    let experts = job.handed.len();
    let layer = Dense { inputs: 0, outputs: experts, weight: Vec::new(), bias: vec![0.0; experts] };
    let network = Network::plain(vec![layer], Activation::Relu);
    let combination =
        Combination { handed: job.handed.clone(), experts: Vec::new(), weights, pool };
    Gated { network, combination, epochs: Vec::new(), best_epoch: 0 }
}

pub(super) fn fixed(job: &GateJob, weights: Vec<f32>, pool: Pool) -> Gated {
    plain(job, GateWeights::Fixed(weights), pool)
}

/// How the outputs of a routing network become weights, as the file has it.
pub(super) fn routing(job: &GateJob, temperature: f64) -> Routing {
    Routing {
        temperature: temperature as f32,
        top_k: job.spec.top_k.map(|k| k as usize),
        shared: job.spec.shared.clone(),
        bias: Vec::new(),
    }
}

/// A combination by a routing network, as the file has it.
pub(super) fn routed(job: &GateJob, temperature: f64) -> Combination {
    softmax::combination(job.handed.clone(), routing(job, temperature))
}

/// Rows as a gate's training sees them.
pub(super) fn seen<'a>(
    combination: &Combination,
    x: &Matrix,
    truth: Targets<'a>,
    head: &Head,
) -> Seen<'a> {
    Seen { own: combination.own(x), answers: combination.predictions(x, head, None), truth }
}

/// The loss that each expert alone has on each row: rows × experts.
pub(super) fn expert_losses(job: &GateJob, truth: &Targets) -> Vec<f64> {
    let combination = routed(job, 1.0);
    let width = combination.answer_width(&job.lesson.head);
    let answers = combination.predictions(job.lesson.x, &job.lesson.head, None);
    losses(&answers, width, job.handed.len(), &truth.target())
}

/// Log loss (a probability counts as at least e⁻⁸) or squared error: rows × experts.
pub(super) fn losses(answers: &[f32], width: usize, experts: usize, target: &Target) -> Vec<f64> {
    let rows = answers.chunks_exact(experts * width).enumerate();
    rows.flat_map(|(row, all)| {
        all.chunks_exact(width).map(move |answer| match target {
            Target::Classes { labels, .. } => {
                let p = f64::from(cascade::of_class(answer, labels[row]));
                -libm::log(p.max(libm::exp(-collegium_table::CLIP)))
            }
            Target::Values(values) => f64::from(answer[0] - values[row]).powi(2),
        })
    })
    .collect()
}
