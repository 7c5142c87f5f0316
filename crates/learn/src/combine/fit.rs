//! Fitting a gate, whatever its rule.

use std::{ops::Range, sync::atomic::AtomicBool};

use collegium_digest::stream;
use collegium_manifest::spec::{Activation, BalanceBy, Gate, Rule};
use collegium_records::Epoch;
use collegium_table::Matrix;

use super::{
    Combination, Lesson, Pool, cascade, distance,
    softmax::{self, Manner, Seen, Softmax, measured},
    weigh::{Routing, Weights},
};
use crate::{
    Dense, Head, LinearJob, Network, Target, TrainError, Watch, fit_linear, init,
    train::{Course, Truth, through_epochs},
};

/// What to fit, on what.
pub struct GateJob<'a> {
    /// The gate.
    pub spec: &'a Gate,
    /// Rows, targets, and how to train on them.
    pub lesson: Lesson<'a>,
    /// The encoded columns that are each expert's prediction, in the order of the gate.
    pub handed: Vec<Range<usize>>,
    /// The encoded columns that are rules, in the same order.
    pub rules: Vec<usize>,
    /// Multiply-adds of each expert's forward pass.
    pub costs: Vec<u64>,
    /// Of a gate of type `self`: each expert's own network, see [`judgement_targets`].
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

/// Fits a gate.
///
/// # Errors
/// [`GateError`]; bad input is found before the first step.
pub fn fit_gate(job: &GateJob, watch: &mut Watch) -> Result<Gated, GateError> {
    let truth = Truth::new(job.lesson.x, &job.lesson.y, job.lesson.class_weights.as_deref())?;
    if truth.is_one_class() {
        return Err(TrainError::OneClass.into());
    }
    if job.lesson.x.rows == 0 {
        return Err(TrainError::Empty.into());
    }
    let experts = job.handed.len();
    let even = vec![1.0 / experts as f32; experts];
    let classes = !matches!(job.lesson.head, Head::Regression { .. });
    match &job.spec.rule {
        Rule::Uniform => Ok(fixed(job, even, Pool::Arithmetic)),
        Rule::Geometric if classes => Ok(fixed(job, even, Pool::Geometric)),
        Rule::NoisyOr if job.lesson.head == Head::Binary => Ok(fixed(job, even, Pool::NoisyOr)),
        Rule::Geometric | Rule::NoisyOr | Rule::Cascade(_) if !classes => {
            Err(GateError::Answers(format!(
                "a gate of type `{}` combines probabilities, and its experts hand over values",
                job.spec.rule.name()
            )))
        }
        Rule::Geometric | Rule::NoisyOr => Err(GateError::Answers(
            "a gate of type `noisy-or` combines two classes, yes and no".to_owned(),
        )),
        Rule::Fixed(weights) => {
            Ok(fixed(job, weights.iter().map(|w| *w as f32).collect(), Pool::Arithmetic))
        }
        Rule::Best => {
            let losses = expert_losses(job, &truth);
            let mean = |expert: usize| losses.iter().skip(expert).step_by(experts).sum::<f64>();
            let best = (0..experts).fold(0, |b, k| if mean(k) < mean(b) { k } else { b });
            let mut weights = vec![0.0; experts];
            weights[best] = 1.0;
            Ok(fixed(job, weights, Pool::Arithmetic))
        }
        Rule::Rules { .. } => Ok(plain(job, Weights::Rules(job.rules.clone()), Pool::Arithmetic)),
        Rule::Stack { ridge } => stack(job, *ridge, watch.interrupted),
        Rule::Softmax { net, loss, balance, noise } => {
            let manner = Manner { loss: *loss, balance: *balance, noise: *noise, z_loss: 0.0 };
            let combination = routed(job, 1.0);
            let own = combination.own_columns(job.lesson.x.width).len();
            let widths: Vec<usize> = std::iter::once(own)
                .chain(net.hidden.iter().map(|width| *width as usize))
                .chain([experts])
                .collect();
            let network = init::fresh(&widths, net.activation, &job.lesson.key);
            softmax_gate(job, truth, manner, network, watch)
        }
        Rule::Distance => Ok(by_distance(job, &truth)?),
        Rule::Own { .. } => {
            let combination = routed(job, job.spec.temperature.unwrap_or(1.0));
            let network = judged(&job.judges);
            Ok(Gated { network, combination, epochs: Vec::new(), best_epoch: 0 })
        }
        Rule::Cascade(budget) => in_turn(job, *budget),
    }
}

/// A combination without a routing network.
fn plain(job: &GateJob, weights: Weights, pool: Pool) -> Gated {
    let experts = job.handed.len();
    let layer = Dense { inputs: 0, outputs: experts, weight: Vec::new(), bias: vec![0.0; experts] };
    let network = Network { layers: vec![layer], activation: Activation::Relu };
    let combination =
        Combination { handed: job.handed.clone(), experts: Vec::new(), weights, pool };
    Gated { network, combination, epochs: Vec::new(), best_epoch: 0 }
}

fn fixed(job: &GateJob, weights: Vec<f32>, pool: Pool) -> Gated {
    plain(job, Weights::Fixed(weights), pool)
}

/// A combination by a routing network, as the file has it.
fn routed(job: &GateJob, temperature: f64) -> Combination {
    softmax::combination(
        job.handed.clone(),
        Routing {
            temperature: temperature as f32,
            top_k: job.spec.top_k.map(|k| k as usize),
            shared: job.spec.shared.clone(),
            bias: Vec::new(),
        },
    )
}

/// Rows as a gate's training sees them.
fn seen<'a>(combination: &Combination, x: &Matrix, truth: Truth<'a>, head: &Head) -> Seen<'a> {
    Seen { own: combination.own(x), answers: combination.predictions(x, head, None), truth }
}

fn softmax_gate(
    job: &GateJob,
    truth: Truth,
    manner: Manner,
    network: Network,
    watch: &mut Watch,
) -> Result<Gated, GateError> {
    let mut combination = routed(job, job.spec.temperature.unwrap_or(1.0));
    let Weights::Softmax(routing) = combination.weights.clone() else {
        unreachable!("a routed combination has a softmax");
    };
    let course = Course {
        train: job.lesson.train,
        rows: job.lesson.x.rows,
        total: truth.total(),
        constant: truth.constant_loss(),
        key: job.lesson.key,
    };
    let valid = truth
        .validation(job.lesson.x_valid, &job.lesson.y_valid, job.lesson.x.width)?
        .map(|truth| seen(&combination, job.lesson.x_valid, truth, &job.lesson.head));
    let train = seen(&combination, job.lesson.x, truth, &job.lesson.head);
    let noise = stream(&job.lesson.key, "gate noise");
    let start = (network, job.lesson.train);
    let mut fit =
        Softmax::new(manner, train, valid, job.lesson.head, routing.clone(), start, noise);
    let (epochs, best_epoch) = through_epochs(&course, &mut fit, watch)?;
    let (network, bias) = fit.best;
    let bias = if manner.balance.by == BalanceBy::Bias { bias } else { Vec::new() };
    combination.weights = Weights::Softmax(Routing { bias, ..routing });
    Ok(Gated { network, combination, epochs, best_epoch })
}

fn stack(job: &GateJob, ridge: f64, interrupted: &AtomicBool) -> Result<Gated, GateError> {
    let mut gated = fixed(job, vec![0.0; job.handed.len()], Pool::Stack);
    let answers = gated.combination.predictions(job.lesson.x, &job.lesson.head, None);
    gated.network = fit_linear(&LinearJob {
        x: &gated.combination.features(&answers, job.lesson.x.rows, &job.lesson.head),
        y: job.lesson.y,
        class_weights: job.lesson.class_weights.clone(),
        ridge,
        interrupted,
    })?;
    Ok(gated)
}

/// Temperatures that are tried, in units of the mean squared distance between centres: from next to the
/// nearest centre alone to next to no difference.
fn temperatures() -> impl Iterator<Item = f64> {
    (-16..=8).map(|step| libm::exp2(f64::from(step) * 0.5))
}

fn by_distance(job: &GateJob, truth: &Truth) -> Result<Gated, TrainError> {
    let experts = job.handed.len();
    let mut combination = routed(job, 1.0);
    let losses = expert_losses(job, truth);
    let centres = distance::centres(&combination.own(job.lesson.x), &losses, experts);
    let network = distance::network(&centres);
    let Weights::Softmax(routing) = combination.weights.clone() else {
        unreachable!("a routed combination has a softmax");
    };
    let valid = truth.validation(job.lesson.x_valid, &job.lesson.y_valid, job.lesson.x.width)?;
    let temperature = match (job.spec.temperature, valid) {
        (Some(temperature), _) => temperature,
        (None, None) => 1.0,
        (None, Some(truth)) => {
            let seen = seen(&combination, job.lesson.x_valid, truth, &job.lesson.head);
            let width = combination.answer_width(&job.lesson.head);
            let scale = mean_square_between(&centres);
            let tried = temperatures().map(|t| t * scale).map(|temperature| {
                let routing = Routing { temperature: temperature as f32, ..routing.clone() };
                (measured(&seen, &network, &routing, &job.lesson.head, width), temperature)
            });
            tried.min_by(|a, b| a.0.total_cmp(&b.0)).map_or(1.0, |(_, temperature)| temperature)
        }
    };
    combination.weights = Weights::Softmax(Routing { temperature: temperature as f32, ..routing });
    Ok(Gated { network, combination, epochs: Vec::new(), best_epoch: 0 })
}

fn mean_square_between(centres: &[Vec<f64>]) -> f64 {
    let mut sum = 0.0;
    let mut pairs = 0.0;
    for (i, a) in centres.iter().enumerate() {
        for b in &centres[..i] {
            sum += a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
            pairs += 1.0;
        }
    }
    if sum > 0.0 { sum / pairs } else { 1.0 }
}

fn in_turn(job: &GateJob, budget: collegium_manifest::spec::Threshold) -> Result<Gated, GateError> {
    use collegium_manifest::spec::Threshold;
    let experts = job.handed.len();
    let (Target::Classes { labels, .. }, Target::Classes { labels: valid, .. }) =
        (job.lesson.y, job.lesson.y_valid)
    else {
        return Err(GateError::Answers("a cascade needs classes".to_owned()));
    };
    let ones = Weights::Confidence { threshold: 1.0, temperatures: vec![1.0; experts] };
    let mut gated = plain(job, ones, Pool::Arithmetic);
    let width = gated.combination.answer_width(&job.lesson.head);
    let answers = gated.combination.predictions(job.lesson.x, &job.lesson.head, None);
    let temperatures: Vec<f32> = (0..experts)
        .map(|expert| {
            let own: Vec<f32> = answers
                .chunks_exact(experts * width)
                .flat_map(|row| &row[expert * width..][..width])
                .copied()
                .collect();
            cascade::calibration(&own, width, labels)
        })
        .collect();
    gated.combination.weights =
        Weights::Confidence { threshold: 1.0, temperatures: temperatures.clone() };
    // Chosen where nothing was trained: on what prediction will see. Without such rows, on the others.
    let (x, labels) = match job.lesson.x_valid.rows {
        0 => (job.lesson.x, labels),
        _ => (job.lesson.x_valid, valid),
    };
    let calibrated = gated.combination.predictions(x, &job.lesson.head, None);
    let threshold = cascade::threshold(budget, &calibrated, width, labels, &job.costs);
    let threshold = threshold.map_err(|least| GateError::Budget {
        budget: match budget {
            Threshold::CostBudget(budget) => budget,
            _ => 0.0,
        },
        least,
    })?;
    gated.combination.weights = Weights::Confidence { threshold, temperatures };
    Ok(gated)
}

/// The loss that each expert alone has on each row: rows × experts.
fn expert_losses(job: &GateJob, truth: &Truth) -> Vec<f64> {
    let combination = routed(job, 1.0);
    let width = combination.answer_width(&job.lesson.head);
    let answers = combination.predictions(job.lesson.x, &job.lesson.head, None);
    losses(&answers, width, job.handed.len(), &truth.target())
}

/// Log loss (a probability counts as at least e⁻⁸) or squared error: rows × experts.
fn losses(answers: &[f32], width: usize, experts: usize, target: &Target) -> Vec<f64> {
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

/// The least squared error that has a logarithm, in units of the target's variance.
const LEAST_SQUARE: f64 = 1e-6;

/// What one expert's own network of a gate of type `self` learns to say of each row: how badly it does.
/// Classes: its log loss. Values: the logarithm of its squared error, so that weights are those of
/// inverse variances. `handed` are the columns of its predictions in `x`.
pub fn judgement_targets(x: &Matrix, handed: &Range<usize>, head: Head, y: &Target) -> Vec<f32> {
    let alone = softmax::combination(vec![handed.clone()], Routing::all());
    let answers = alone.predictions(x, &head, None);
    let badly = losses(&answers, handed.len(), 1, y);
    match y {
        Target::Classes { .. } => badly.into_iter().map(|loss| loss as f32).collect(),
        Target::Values(_) => {
            badly.into_iter().map(|square| libm::log(square + LEAST_SQUARE) as f32).collect()
        }
    }
}

/// The networks of all experts side by side, as one: the outputs are how *well* each does.
pub fn judged(judges: &[Network]) -> Network {
    let Some(first) = judges.first() else {
        return Network { layers: Vec::new(), activation: Activation::Relu };
    };
    let depth = first.layers.len();
    let layers = (0..depth)
        .map(|depth_now| {
            let parts: Vec<&Dense> = judges.iter().map(|judge| &judge.layers[depth_now]).collect();
            let shared = depth_now == 0;
            let outputs: usize = parts.iter().map(|part| part.outputs).sum();
            let inputs = match shared {
                true => parts[0].inputs,
                false => parts.iter().map(|part| part.inputs).sum(),
            };
            let sign = if depth_now + 1 == depth { -1.0 } else { 1.0 };
            let mut weight = vec![0.0; inputs * outputs];
            let (mut row, mut column) = (0, 0);
            for part in &parts {
                for i in 0..part.inputs {
                    let to = (row + i) * outputs + column;
                    let from = &part.weight[i * part.outputs..][..part.outputs];
                    weight[to..to + part.outputs]
                        .iter_mut()
                        .zip(from)
                        .for_each(|(to, from)| *to = sign * from);
                }
                column += part.outputs;
                row += if shared { 0 } else { part.inputs };
            }
            let bias = parts.iter().flat_map(|part| &part.bias).map(|b| sign * b).collect();
            Dense { inputs, outputs, weight, bias }
        })
        .collect();
    Network { layers, activation: first.activation }
}
