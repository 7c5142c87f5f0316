//! Training of a perceptron: mini-batch gradient steps, learning-rate schedule, early stopping.
//!
//! The loop is the textbook's: shuffle, step through batches (the last may be short), measure the
//! validation loss, keep the best epoch's weights. What is particular: all draws come from streams
//! named by the job's key (`"weights"`, `"shuffle"`, `"dropout"`), the flag for interruption is read
//! at every step, and a fit that diverges is an error and never a result.

mod calibrate;
mod epochs;
mod loss;
mod multi;
mod optimizer;
mod step;
mod target;

use std::sync::atomic::{AtomicBool, Ordering};

use collegium_digest::{Digest, stream};
use collegium_manifest::spec::{Calibrate, Mlp, Train};
use collegium_records::Epoch;
use collegium_table::Matrix;

pub(crate) use calibrate::{calibrate, temperature};
pub use multi::train_beside;
pub use target::{Target, class_weights};

use crate::{Front, Network, init};
pub(crate) use epochs::{EpochLoop, Learner, run as through_epochs};
pub(crate) use optimizer::Stepper;
pub(crate) use step::{Pass, Rows, Tape};
pub(crate) use target::Targets;

/// Validation rows that are evaluated together.
const EVALUATED: usize = 1024;

/// What to fit, on what.
#[derive(Debug, Clone)]
pub struct Job<'a> {
    /// The shape.
    pub spec: &'a Mlp,
    /// How to train. Its `class_weights` are *not* read: see the field below.
    pub train: &'a Train,
    /// One weight per class, see [`class_weights`]; scaled so that the training rows' mean is 1.
    pub class_weights: Option<Vec<f32>>,
    /// Encoded training rows.
    pub x: &'a Matrix,
    /// Their targets.
    pub y: Target<'a>,
    /// Encoded validation rows; none: no early stopping, the last epoch's weights.
    pub x_valid: &'a Matrix,
    /// Their targets.
    pub y_valid: Target<'a>,
    /// Names the random streams.
    pub key: Digest,
    /// What the first layer is given beside the encoded rows.
    pub front: Option<&'a Front>,
    /// Weights to begin with instead of random ones, and the front that goes with them; of the shape that `spec` asks for.
    pub start: Option<&'a Network>,
}

/// Observer of a fit: receives its epochs, and can interrupt it.
pub struct Watch<'a> {
    /// Read at every step; true ends the fit with [`TrainError::Interrupted`].
    pub interrupted: &'a AtomicBool,
    /// Called after every epoch, which counts from 1.
    pub epoch: &'a mut dyn FnMut(u32, Epoch),
}

/// A fitted network.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// The best epoch's weights.
    pub network: Network,
    /// Losses before calibration; without validation rows `valid` repeats `train`.
    pub epochs: Vec<Epoch>,
    /// The epoch whose weights these are, from 1.
    pub best_epoch: u32,
}

/// Why a fit has no result.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TrainError {
    /// No training rows.
    #[error("there are no training rows")]
    Empty,
    /// Nothing to tell apart.
    #[error("all training rows are of one class, so there is nothing to learn")]
    OneClass,
    /// Rows, targets or weights that do not fit each other.
    #[error("{0}")]
    Mismatch(String),
    /// The loss left all bounds.
    #[error(
        "training diverged in epoch {epoch}: {what}; lower `learning_rate`, or look for extreme \
         values in the inputs and the target"
    )]
    Diverged {
        /// From 1.
        epoch: u32,
        /// What was seen.
        what: String,
    },
    /// The flag was raised.
    #[error("interrupted")]
    Interrupted,
}

/// Fits a perceptron: logistic loss for two classes (one logit), cross entropy for more, squared
/// error for values.
///
/// # Errors
/// [`TrainError`]; bad input is found before the first step.
pub fn train(job: &Job, watch: &mut Watch) -> Result<Trained, TrainError> {
    let truth = Targets::new(job.x, &job.y, job.class_weights.as_deref())?.trained_by(job.train);
    if truth.is_one_class() {
        return Err(TrainError::OneClass);
    }
    if job.spec.hidden.contains(&0) {
        return Err(TrainError::Mismatch("a hidden layer has no units".to_owned()));
    }
    let truth_valid = truth.validation(job.x_valid, &job.y_valid, job.x.width)?;
    let front = match job.start {
        None => job.front,
        Some(start) => start.front.as_ref(),
    };
    let widths = widths(job, front, truth.outputs());
    let network = match job.start {
        None => {
            Network { front: front.cloned(), ..init::fresh(&widths, job.spec.activation, &job.key) }
        }
        Some(start)
            if start.widths() == widths
                && start.inputs() == job.x.width
                && start.activation == job.spec.activation =>
        {
            start.clone()
        }
        Some(_) => {
            return Err(TrainError::Mismatch(
                "the model to start from has another shape".to_owned(),
            ));
        }
    };
    let course = EpochLoop {
        train: job.train,
        task: truth.task(),
        rows: job.x.rows,
        total: truth.total(),
        constant: truth.constant_loss(),
        key: job.key,
    };
    let mut fit = Perceptron::new(job, network, truth, truth_valid);
    let (epochs, best_epoch) = epochs::run(&course, &mut fit, watch)?;
    let network = calibrated(job, fit.best, fit.truth_valid.as_ref());
    Ok(Trained { network, epochs, best_epoch })
}

/// A trained network as `calibrate` asks for it.
fn calibrated(job: &Job, mut network: Network, truth_valid: Option<&Targets>) -> Network {
    if let (Calibrate::Temperature, Some(truth)) = (job.train.calibrate, truth_valid) {
        calibrate::calibrate(&mut network, job.x_valid, &truth.clone().plainly());
    }
    network
}

/// What the first layer has weights for, hidden units by layer, outputs.
fn widths(job: &Job, front: Option<&Front>, outputs: usize) -> Vec<usize> {
    let hidden = job.spec.hidden.iter().map(|h| *h as usize);
    std::iter::once(front.map_or(job.x.width, Front::width))
        .chain(hidden)
        .chain([outputs])
        .collect()
}

/// The mean loss on validation rows.
fn validation_loss(
    network: &Network,
    x: &Rows,
    truth: &Targets,
    interrupted: &AtomicBool,
) -> Result<f64, TrainError> {
    let rows: Vec<u32> = (0..u32::try_from(x.len()).unwrap_or(u32::MAX)).collect();
    let pass = Pass::of(network);
    let mut sum = 0.0;
    for rows in rows.chunks(EVALUATED) {
        if interrupted.load(Ordering::Relaxed) {
            return Err(TrainError::Interrupted);
        }
        sum += truth.loss(rows, &pass.forward_rows(x, rows, None), None);
    }
    Ok(sum / truth.total())
}

/// A perceptron under way.
struct Perceptron<'a> {
    x: Rows<'a>,
    x_valid: Rows<'a>,
    truth: Targets<'a>,
    truth_valid: Option<Targets<'a>>,
    network: Network,
    best: Network,
    stepper: Stepper,
    tape: Tape,
}

impl<'a> Perceptron<'a> {
    fn new(
        job: &'a Job<'a>,
        network: Network,
        truth: Targets<'a>,
        truth_valid: Option<Targets<'a>>,
    ) -> Self {
        let dropout = stream(&job.key, "dropout");
        let share = job.spec.dropout.of(truth.task());
        Self {
            x: Rows::new(job.x, network.front.as_ref()),
            x_valid: Rows::new(job.x_valid, network.front.as_ref()),
            truth,
            truth_valid,
            stepper: Stepper::new(job.train, &network),
            tape: Tape::new(&network, (share > 0.0).then_some((share, dropout))),
            best: network.clone(),
            network,
        }
    }
}

impl Learner for Perceptron<'_> {
    fn step(&mut self, rows: &[u32], rate: f64) -> f64 {
        let pass = Pass::of(&self.network);
        let logits = pass.forward_rows(&self.x, rows, Some(&mut self.tape));
        let mut delta = vec![0.0; logits.len()];
        let loss = self.truth.loss(rows, &logits, Some(&mut delta));
        if loss.is_finite() {
            let gradients = pass.backward_rows(&self.x, delta, &mut self.tape);
            self.stepper.step(&mut self.network, &gradients, rate);
        }
        loss
    }

    fn validate(&self, interrupted: &AtomicBool) -> Result<Option<f64>, TrainError> {
        let Some(truth) = &self.truth_valid else { return Ok(None) };
        validation_loss(&self.network, &self.x_valid, truth, interrupted).map(Some)
    }

    fn keep(&mut self) {
        self.best.clone_from(&self.network);
    }
}

#[cfg(test)]
mod tests;
