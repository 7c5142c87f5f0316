//! Fitting a perceptron by gradient steps.
//!
//! The loop is the textbook's: shuffle, step through batches (the last may be short), measure the
//! validation loss, keep the best epoch's weights. What is particular: all draws come from streams
//! named by the job's key (`"weights"`, `"shuffle"`, `"dropout"`), the flag for interruption is read
//! at every step, and a fit that diverges is an error and never a result.

mod loss;
mod optimizer;
mod step;
mod target;

use std::sync::atomic::{AtomicBool, Ordering};

use collegium_data::Matrix;
use collegium_digest::{Digest, Stream, stream};
use collegium_manifest::spec::{Mlp, Schedule, Train};
use collegium_records::Epoch;
use rand::RngExt as _;

pub use target::{Target, class_weights};

use crate::{Network, init};
use optimizer::Stepper;
pub(crate) use step::{Pass, Tape};
pub(crate) use target::Truth;

/// A training loss this many times that of a constant prediction has diverged, even if it is finite.
const RUNAWAY: f64 = 1000.0;
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
    /// Weights to begin with instead of random ones; of the shape that `spec` asks for.
    pub start: Option<&'a Network>,
}

/// Who watches a fit.
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
    /// Losses; without validation rows `valid` repeats `train`.
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
    let truth = Truth::new(job.x, &job.y, job.class_weights.as_deref())?;
    if truth.is_one_class() {
        return Err(TrainError::OneClass);
    }
    if job.spec.hidden.contains(&0) {
        return Err(TrainError::Mismatch("a hidden layer has no units".to_owned()));
    }
    let truth_valid = truth.validation(job.x_valid, &job.y_valid, job.x.width)?;
    let widths: Vec<usize> = std::iter::once(job.x.width)
        .chain(job.spec.hidden.iter().map(|h| *h as usize))
        .chain([truth.outputs()])
        .collect();
    let network = match job.start {
        None => init::fresh(&widths, job.spec.activation, &job.key),
        Some(start) if start.widths() == widths && start.activation == job.spec.activation => {
            start.clone()
        }
        Some(_) => {
            return Err(TrainError::Mismatch(
                "the model to start from has another shape".to_owned(),
            ));
        }
    };
    Fit::new(job, network, truth, truth_valid).run(watch)
}

/// A fit under way.
struct Fit<'a> {
    job: &'a Job<'a>,
    truth: Truth<'a>,
    truth_valid: Option<Truth<'a>>,
    network: Network,
    stepper: Stepper,
    tape: Tape,
    order: Vec<u32>,
    shuffle: Stream,
    batch: usize,
    /// Steps done, and in all epochs.
    step: u64,
    steps: u64,
}

impl<'a> Fit<'a> {
    fn new(
        job: &'a Job<'a>,
        network: Network,
        truth: Truth<'a>,
        truth_valid: Option<Truth<'a>>,
    ) -> Self {
        let rows = job.x.rows;
        let batch = (job.train.batch.max(1) as usize).min(rows);
        let per_epoch = rows.div_ceil(batch) as u64;
        let dropout = stream(&job.key, "dropout");
        Self {
            job,
            truth,
            truth_valid,
            stepper: Stepper::new(job.train, &network),
            tape: Tape::new(
                &network,
                (job.spec.dropout > 0.0).then_some((job.spec.dropout, dropout)),
            ),
            network,
            order: (0..u32::try_from(rows).unwrap_or(u32::MAX)).collect(),
            shuffle: stream(&job.key, "shuffle"),
            batch,
            step: 0,
            steps: per_epoch * u64::from(job.train.epochs),
        }
    }

    fn run(mut self, watch: &mut Watch) -> Result<Trained, TrainError> {
        let mut epochs: Vec<Epoch> = Vec::new();
        let mut best = (self.network.clone(), f64::INFINITY, 0_u32);
        for number in 1..=self.job.train.epochs {
            let train = self.epoch(number, watch.interrupted)?;
            let valid = match &self.truth_valid {
                Some(truth) => self.validate(truth, number, watch.interrupted)?,
                None => train,
            };
            let epoch = Epoch { train, valid };
            epochs.push(epoch);
            (watch.epoch)(number, epoch);
            if self.truth_valid.is_none() || valid < best.1 {
                best = (self.network.clone(), valid, number);
            }
            let patience = self.job.train.patience;
            if self.truth_valid.is_some() && patience > 0 && number - best.2 >= patience {
                break;
            }
        }
        Ok(Trained { network: best.0, epochs, best_epoch: best.2 })
    }

    /// One pass over the training rows; its mean loss.
    fn epoch(&mut self, number: u32, interrupted: &AtomicBool) -> Result<f64, TrainError> {
        for last in (1..self.order.len()).rev() {
            self.order.swap(last, self.shuffle.random_range(0..=last));
        }
        let x = self.job.x;
        let order = std::mem::take(&mut self.order);
        let mut sum = 0.0;
        for rows in order.chunks(self.batch) {
            if interrupted.load(Ordering::Relaxed) {
                return Err(TrainError::Interrupted);
            }
            let mut gathered = Vec::with_capacity(rows.len() * x.width);
            for row in rows {
                gathered.extend_from_slice(x.row(*row as usize));
            }
            let pass = Pass::new(&self.network);
            let logits = pass.forward(gathered, rows.len(), Some(&mut self.tape));
            let mut delta = vec![0.0; logits.len()];
            let loss = self.truth.loss(rows, &logits, Some(&mut delta));
            if !loss.is_finite() {
                let what = "the training loss is no longer a finite number".to_owned();
                return Err(TrainError::Diverged { epoch: number, what });
            }
            sum += loss;
            let gradients = pass.backward(delta, &mut self.tape);
            let rate = self.rate();
            self.stepper.step(&mut self.network, &gradients, rate);
            self.step += 1;
        }
        self.order = order;
        let mean = sum / self.truth.total();
        let constant = self.truth.constant_loss();
        if mean > RUNAWAY * constant {
            let what = format!(
                "the mean training loss is {mean:.3e}, where a constant prediction has {constant:.3}"
            );
            return Err(TrainError::Diverged { epoch: number, what });
        }
        Ok(mean)
    }

    fn validate(
        &self,
        truth: &Truth,
        number: u32,
        interrupted: &AtomicBool,
    ) -> Result<f64, TrainError> {
        let x = self.job.x_valid;
        let rows: Vec<u32> = (0..u32::try_from(x.rows).unwrap_or(u32::MAX)).collect();
        let pass = Pass::new(&self.network);
        let mut sum = 0.0;
        for (i, rows) in rows.chunks(EVALUATED).enumerate() {
            if interrupted.load(Ordering::Relaxed) {
                return Err(TrainError::Interrupted);
            }
            let start = i * EVALUATED * x.width;
            let values = x.data[start..start + rows.len() * x.width].to_vec();
            let logits = pass.forward(values, rows.len(), None);
            sum += truth.loss(rows, &logits, None);
        }
        let mean = sum / truth.total();
        if mean.is_finite() {
            return Ok(mean);
        }
        let what = "the validation loss is not a finite number".to_owned();
        Err(TrainError::Diverged { epoch: number, what })
    }

    /// The learning rate of the current step.
    fn rate(&self) -> f64 {
        let start = self.job.train.learning_rate;
        match self.job.train.schedule {
            Schedule::Constant => start,
            Schedule::Cosine => {
                let done = self.step as f64 / self.steps.max(1) as f64;
                start * 0.5 * (1.0 + libm::cos(std::f64::consts::PI * done))
            }
        }
    }
}

#[cfg(test)]
mod tests;
