//! Multi-task learning (Caruana 1997): one network for several targets, of which only the first is kept.
//! What the others teach it stays in the hidden layers.

use std::sync::atomic::AtomicBool;

use collegium_digest::stream;

use super::{
    EpochLoop, Job, Learner, Pass, Rows, Stepper, Tape, Target, Targets, TrainError, Trained,
    Watch, calibrated, epochs, validation_loss, widths,
};
use crate::{Dense, Network, init};

/// Fits a perceptron to its target and to others at once, all with the same weight; rows whose other
/// target is not known (class `u32::MAX`, value NaN) teach only what is known. Epochs are judged by the
/// first target alone, and the outputs of the others are cut off in the end.
///
/// # Errors
/// As [`crate::train()`].
pub fn train_beside(
    job: &Job,
    others: &[Target],
    watch: &mut Watch,
) -> Result<Trained, TrainError> {
    let truth = Targets::new(job.x, &job.y, job.class_weights.as_deref())?.trained_by(job.train);
    if truth.is_one_class() {
        return Err(TrainError::OneClass);
    }
    if others.iter().any(|other| other.len() != job.x.rows) {
        return Err(TrainError::Mismatch("another target has another number of rows".to_owned()));
    }
    let truth_valid = truth.validation(job.x_valid, &job.y_valid, job.x.width)?;
    let outputs = truth.outputs() + others.iter().map(outputs_of).sum::<usize>();
    let widths = widths(job, job.front, outputs);
    let network = Network {
        front: job.front.cloned(),
        ..init::fresh(&widths, job.spec.activation, &job.key)
    };
    let course = EpochLoop {
        train: job.train,
        task: truth.task(),
        rows: job.x.rows,
        total: truth.total(),
        constant: truth.constant_loss(),
        key: job.key,
    };
    let dropout = stream(&job.key, "dropout");
    let share = job.spec.dropout.of(truth.task());
    let mut fit = Several {
        x: Rows::new(job.x, job.front),
        x_valid: Rows::new(job.x_valid, job.front),
        others,
        truth_valid,
        stepper: Stepper::new(job.train, &network),
        tape: Tape::new(&network, (share > 0.0).then_some((share, dropout))),
        best: network.clone(),
        network,
        own: truth.outputs(),
        truth,
    };
    let (epochs, best_epoch) = epochs::run(&course, &mut fit, watch)?;
    let network = calibrated(job, first(&fit.best, fit.own), fit.truth_valid.as_ref());
    Ok(Trained { network, epochs, best_epoch })
}

fn outputs_of(target: &Target) -> usize {
    match target {
        Target::Classes { count, .. } if *count != 2 => *count,
        _ => 1,
    }
}

/// The network with the first outputs alone.
fn first(network: &Network, outputs: usize) -> Network {
    let mut network = network.clone();
    if let Some(last) = network.layers.last_mut() {
        let rows = last.weight.chunks_exact(last.outputs);
        let weight = rows.flat_map(|row| row[..outputs].iter().copied()).collect();
        let bias = last.bias[..outputs].to_vec();
        *last = Dense { inputs: last.inputs, outputs, weight, bias };
    }
    network
}

struct Several<'a> {
    x: Rows<'a>,
    x_valid: Rows<'a>,
    others: &'a [Target<'a>],
    truth: Targets<'a>,
    truth_valid: Option<Targets<'a>>,
    network: Network,
    best: Network,
    stepper: Stepper,
    tape: Tape,
    own: usize,
}

impl Learner for Several<'_> {
    fn step(&mut self, rows: &[u32], rate: f64) -> f64 {
        let pass = Pass::of(&self.network);
        let logits = pass.forward_rows(&self.x, rows, Some(&mut self.tape));
        let width = self.network.outputs();
        let mut delta = vec![0.0; logits.len()];
        let own = columns(&logits, width, 0, self.own);
        let mut own_delta = vec![0.0; own.len()];
        let loss = self.truth.loss(rows, &own, Some(&mut own_delta));
        put(&mut delta, width, 0, self.own, &own_delta, |at| at);
        let mut from = self.own;
        for other in self.others {
            let outputs = outputs_of(other);
            let known: Vec<usize> = (0..rows.len())
                .filter(|at| match other {
                    Target::Classes { labels, .. } => labels[rows[*at] as usize] != u32::MAX,
                    Target::Values(values) => !values[rows[*at] as usize].is_nan(),
                })
                .collect();
            if !known.is_empty() {
                let all = columns(&logits, width, from, outputs);
                let mut z = Vec::with_capacity(known.len() * outputs);
                known.iter().for_each(|at| z.extend_from_slice(&all[at * outputs..][..outputs]));
                let own_rows: Vec<u32> = known.iter().map(|at| rows[*at]).collect();
                let mut slope = vec![0.0; z.len()];
                Targets::plain(*other, own_rows.len()).loss(&own_rows, &z, Some(&mut slope));
                let share = known.len() as f32 / rows.len() as f32;
                slope.iter_mut().for_each(|cell| *cell *= share);
                put(&mut delta, width, from, outputs, &slope, |at| known[at]);
            }
            from += outputs;
        }
        if loss.is_finite() {
            let gradients = pass.backward_rows(&self.x, delta, &mut self.tape);
            self.stepper.step(&mut self.network, &gradients, rate);
        }
        loss
    }

    fn validate(&self, interrupted: &AtomicBool) -> Result<Option<f64>, TrainError> {
        let Some(truth) = &self.truth_valid else { return Ok(None) };
        let network = first(&self.network, self.own);
        validation_loss(&network, &self.x_valid, truth, interrupted).map(Some)
    }

    fn keep(&mut self) {
        self.best.clone_from(&self.network);
    }
}

/// Some columns of rows.
fn columns(rows: &[f32], width: usize, from: usize, count: usize) -> Vec<f32> {
    rows.chunks_exact(width).flat_map(|row| row[from..from + count].iter().copied()).collect()
}

/// Writes some columns of the rows that `row` names.
fn put(
    into: &mut [f32],
    width: usize,
    from: usize,
    count: usize,
    values: &[f32],
    row: impl Fn(usize) -> usize,
) {
    for (at, values) in values.chunks_exact(count).enumerate() {
        into[row(at) * width + from..][..count].copy_from_slice(values);
    }
}

#[cfg(test)]
mod tests {
    use collegium_digest::Digest;
    use collegium_manifest::spec::{Mlp, Train};

    use collegium_table::Matrix;

    use super::*;

    /// The main target is an exclusive or of which only few rows are known; another is the same on all.
    #[test]
    fn another_target_that_says_the_same_helps_where_labels_are_few() {
        let count = 400;
        let random = init::fresh(&[2, count], Mlp::default().activation, &Digest::of(b"x"));
        let x = Matrix { rows: count, width: 2, data: random.layers[0].weight.clone() };
        let sign = |row: usize| u32::from((x.row(row)[0] > 0.0) != (x.row(row)[1] > 0.0));
        let truth: Vec<u32> = (0..count).map(sign).collect();
        // Of the main target one row in two is wrong at random.
        let noisy: Vec<u32> =
            (0..count).map(|row| if row % 5 < 2 { 1 - truth[row] } else { truth[row] }).collect();
        let mut other = truth.clone();
        other[0] = u32::MAX;
        let spec = Mlp { hidden: vec![16], ..Mlp::default() };
        let train = Train {
            epochs: 60,
            batch: collegium_manifest::Batch::Rows(32),
            learning_rate: 0.02.into(),
            patience: 0,
            ..Train::default()
        };
        let none = Matrix::zeros(0, 2);
        let job = Job {
            front: None,
            spec: &spec,
            train: &train,
            class_weights: None,
            x: &x,
            y: Target::Classes { labels: &noisy, count: 2 },
            x_valid: &none,
            y_valid: Target::Classes { labels: &[], count: 2 },
            key: Digest::of(b"key"),
            start: None,
        };
        let never = AtomicBool::new(false);
        let mut watch = Watch { interrupted: &never, epoch: &mut |_, _| {} };
        let beside = Target::Classes { labels: &other, count: 2 };
        let with = train_beside(&job, &[beside], &mut watch).unwrap();
        let alone = crate::train(&job, &mut watch).unwrap();
        let right = |network: &Network| {
            let z = network.logits(&x).data;
            (0..count).filter(|row| u32::from(z[*row] > 0.0) == truth[*row]).count()
        };
        assert_eq!(with.network.widths(), [2, 16, 1]);
        assert!(
            right(&with.network) > right(&alone.network),
            "{} {}",
            right(&with.network),
            right(&alone.network)
        );
    }
}
