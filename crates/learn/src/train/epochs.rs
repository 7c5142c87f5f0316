//! The training loop over epochs, with early stopping: shuffle, step through batches (the last may
//! be short), measure, keep the best.

use std::sync::atomic::{AtomicBool, Ordering};

use collegium_digest::{Digest, stream};
use collegium_manifest::spec::{Schedule, Task, Train};
use collegium_records::Epoch;
use rand::RngExt as _;

use super::{TrainError, Watch};

/// A training loss this many times that of a constant prediction has diverged, even if it is finite.
const RUNAWAY: f64 = 1000.0;

/// What is left of the step size at the end of one cycle.
const LEAST_RATE: f64 = 0.01;

/// What the training loop trains.
pub(crate) trait Learner {
    /// One step on some rows, at a learning rate; their loss, summed.
    fn step(&mut self, rows: &[u32], rate: f64) -> f64;

    /// What is to be done after each pass over the rows.
    fn passed(&mut self) {}

    /// The mean loss on validation rows; `None` without any.
    fn validate(&self, interrupted: &AtomicBool) -> Result<Option<f64>, TrainError>;

    /// Remembers the present weights as the best.
    fn keep(&mut self);
}

/// Settings of the training loop: epochs, learning-rate schedule, rows.
pub(crate) struct EpochLoop<'a> {
    pub(crate) train: &'a Train,
    pub(crate) task: Task,
    pub(crate) rows: usize,
    /// Sum of the rows' weights.
    pub(crate) total: f64,
    /// About the loss of a constant prediction.
    pub(crate) constant: f64,
    /// Names the stream of the shuffles.
    pub(crate) key: Digest,
}

/// Losses by epoch, and the best epoch, from 1.
pub(crate) fn run(
    course: &EpochLoop,
    learner: &mut impl Learner,
    watch: &mut Watch,
) -> Result<(Vec<Epoch>, u32), TrainError> {
    let batch = (course.train.batch.of(course.rows as u64).max(1) as usize).min(course.rows);
    let mut shuffle = stream(&course.key, "shuffle");
    let mut order: Vec<u32> = (0..u32::try_from(course.rows).unwrap_or(u32::MAX)).collect();
    let steps = course.rows.div_ceil(batch) as u64 * u64::from(course.train.epochs);
    let most = course.train.learning_rate.of(course.task);
    let mut step = 0;
    let mut epochs: Vec<Epoch> = Vec::new();
    let mut best = (f64::INFINITY, 0_u32);
    for number in 1..=course.train.epochs {
        for last in (1..order.len()).rev() {
            order.swap(last, shuffle.random_range(0..=last));
        }
        let mut sum = 0.0;
        for rows in order.chunks(batch) {
            if watch.interrupted.load(Ordering::Relaxed) {
                return Err(TrainError::Interrupted);
            }
            let loss = learner.step(rows, most * share_of_rate(course.train, step, steps));
            if !loss.is_finite() {
                let what = "the training loss is no longer a finite number".to_owned();
                return Err(TrainError::Diverged { epoch: number, what });
            }
            sum += loss;
            step += 1;
        }
        learner.passed();
        let train = sum / course.total;
        if train > RUNAWAY * course.constant {
            let what = format!(
                "the mean training loss is {train:.3e}, where a constant prediction has {:.3}",
                course.constant
            );
            return Err(TrainError::Diverged { epoch: number, what });
        }
        let validated = learner.validate(watch.interrupted)?;
        let valid = validated.unwrap_or(train);
        if !valid.is_finite() {
            let what = "the validation loss is not a finite number".to_owned();
            return Err(TrainError::Diverged { epoch: number, what });
        }
        let epoch = Epoch { train, valid };
        epochs.push(epoch);
        (watch.epoch)(number, epoch);
        if validated.is_none() || valid < best.0 {
            learner.keep();
            best = (valid, number);
        }
        let patience = course.train.patience;
        if validated.is_some() && patience > 0 && number - best.1 >= patience {
            break;
        }
    }
    Ok((epochs, best.1))
}

/// Learning-rate schedule: the share of the learning rate that a step has.
fn share_of_rate(train: &Train, step: u64, steps: u64) -> f64 {
    use std::f64::consts::PI;
    let done = step as f64 / steps.max(1) as f64;
    if done < train.warm_up {
        // Above 0 from the first step on.
        return (step + 1) as f64 / (train.warm_up * steps as f64).max(1.0);
    }
    let done = (done - train.warm_up) / (1.0 - train.warm_up);
    let falling = || 0.5 * (1.0 + libm::cos(PI * done));
    match train.schedule {
        Schedule::Constant => 1.0,
        Schedule::Cosine => falling(),
        Schedule::OneCycle => LEAST_RATE + (1.0 - LEAST_RATE) * falling(),
        Schedule::Coslog4 => 0.5 * (1.0 - libm::cos(2.0 * PI * libm::log2(1.0 + 15.0 * done))),
    }
}
