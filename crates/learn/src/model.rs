//! A fitted model: its encoder, what it has learned, and its output head.

use std::{
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
};

use collegium_digest::Digest;
use collegium_table::{Encoder, Matrix};

use crate::{Head, Learned, Network, Routes, RowCost, head::softmax, math};

/// A trained model: rows of declared inputs in, outputs out.
#[derive(Debug, Clone)]
pub struct Model {
    /// From declared inputs to encoded columns.
    pub encoder: Encoder,
    /// From encoded columns to raw outputs.
    pub learned: Box<dyn Learned>,
    /// What the outputs mean.
    pub head: Head,
    /// Class names in the order of the logits; empty for regression.
    pub classes: Vec<String>,
}

impl PartialEq for Model {
    fn eq(&self, other: &Self) -> bool {
        let Self { encoder, learned, head, classes } = self;
        *encoder == other.encoder
            && **learned == *other.learned
            && *head == other.head
            && *classes == other.classes
    }
}

/// Predictions of a model for each row.
#[derive(Debug, Clone, PartialEq)]
pub struct Outputs {
    /// Classification: the raw logits, not clipped. Rows × (1 or C).
    pub logit: Option<Matrix>,
    /// Classification: probability of the second class (width 1) or of each class (width C).
    pub probability: Option<Matrix>,
    /// Regression: the prediction in the target's units. Rows × 1.
    pub value: Option<Matrix>,
    /// Classification: index of the most probable class; the first of equals. A binary probability
    /// of exactly ½ counts as the second class.
    pub label: Option<Vec<u32>>,
}

/// The application of a model was asked to end before it had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

/// Most bytes that a kind holds in one call, unless a single row takes more.
const BYTES_AT_ONCE: u64 = 64 << 20;

/// Most multiply-adds of one call, likewise: about a second of plain loops, after which it can be interrupted.
const WORK_AT_ONCE: u64 = 1 << 30;

impl RowCost {
    /// Rows that are answered at once.
    fn at_once(self) -> usize {
        let most =
            (BYTES_AT_ONCE / self.bytes.max(1)).min(WORK_AT_ONCE / self.multiply_adds.max(1));
        usize::try_from(most).unwrap_or(usize::MAX).max(1)
    }

    /// Bytes that are held while so many rows are answered.
    pub fn peak_bytes(self, rows: u64) -> u64 {
        self.bytes.saturating_mul(rows.min(self.at_once() as u64))
    }
}

/// Hands out `x` in parts of so many rows, with the places of these rows, until `stop` is true.
fn in_parts(
    x: &Matrix,
    at_once: usize,
    stop: &AtomicBool,
    mut part: impl FnMut(&Matrix, Range<usize>),
) -> Result<(), Interrupted> {
    let asked_to_end = || if stop.load(Ordering::Relaxed) { Err(Interrupted) } else { Ok(()) };
    asked_to_end()?;
    if x.rows <= at_once {
        part(x, 0..x.rows);
        return Ok(());
    }
    for start in (0..x.rows).step_by(at_once) {
        asked_to_end()?;
        let rows = start..x.rows.min(start + at_once);
        let data = x.data[rows.start * x.width..rows.end * x.width].to_vec();
        part(&Matrix { rows: rows.len(), width: x.width, data }, rows);
    }
    Ok(())
}

impl Model {
    /// The raw outputs for encoded rows: logits, or the standardised value. Rows × (1 or C). However many rows there
    /// are, no more are answered at once than the kind's [`RowCost`] allows.
    ///
    /// # Errors
    /// [`Interrupted`] soon after `stop` is true.
    ///
    /// # Panics
    /// If the rows have another width than the encoder makes.
    pub fn raw(&self, x: &Matrix, stop: &AtomicBool) -> Result<Matrix, Interrupted> {
        let mut whole: Option<Matrix> = None;
        in_parts(x, self.learned.row_cost().at_once(), stop, |part, _| {
            let raw = self.learned.raw(part, &self.head);
            match &mut whole {
                None => whole = Some(raw),
                Some(whole) => {
                    whole.rows += raw.rows;
                    whole.data.extend_from_slice(&raw.data);
                }
            }
        })?;
        Ok(whole.unwrap_or_else(|| Matrix::zeros(0, self.outputs_wide())))
    }

    /// Calls `visit` for every row, in order, with the Jacobian of the raw outputs: outputs × encoded
    /// columns, row-major.
    ///
    /// # Errors
    /// [`Interrupted`] soon after `stop` is true.
    ///
    /// # Panics
    /// If the rows have another width than the encoder makes.
    pub fn jacobians(
        &self,
        x: &Matrix,
        stop: &AtomicBool,
        visit: &mut dyn FnMut(usize, &[f32]),
    ) -> Result<(), Interrupted> {
        let RowCost { multiply_adds, bytes } = self.learned.row_cost();
        // An answer, and for each output its gradient.
        let times = 1 + self.outputs_wide() as u64;
        let cost = RowCost {
            multiply_adds: multiply_adds.saturating_mul(times),
            bytes: bytes.saturating_mul(times),
        };
        in_parts(x, cost.at_once(), stop, |part, rows| {
            self.learned.jacobians(part, &self.head, &mut |row, jacobian| {
                visit(rows.start + row, jacobian);
            });
        })
    }

    /// The dense layers that it is, if it is made of nothing else.
    pub fn layers(&self) -> Option<&Network> {
        self.learned.layers()
    }

    /// Its routing among several experts, if it has any.
    pub fn routes(&self) -> Option<Routes<'_>> {
        self.learned.routes()
    }

    /// The activations of the last hidden layer: rows × units; for one that has dense layers.
    pub fn embedding(&self, x: &Matrix) -> Option<Matrix> {
        self.learned.embedding(x)
    }

    /// Raw outputs per row.
    pub fn outputs_wide(&self) -> usize {
        match self.head {
            Head::Binary | Head::Regression { .. } => 1,
            Head::Classes => self.classes.len(),
        }
    }

    /// What chance gives for its kind: the same shape with random weights; `None` for a kind that draws none.
    pub fn untrained(&self, key: &Digest) -> Option<Self> {
        let learned = self.learned.untrained(key)?;
        let Self { encoder, learned: _, head, classes } = self;
        Some(Self { encoder: encoder.clone(), learned, head: *head, classes: classes.clone() })
    }

    /// Numbers that were trained.
    pub fn parameters(&self) -> u64 {
        self.learned.parameters()
    }

    /// Numbers of the training rows that it keeps as they are.
    pub fn kept(&self) -> u64 {
        self.learned.kept()
    }

    /// Multiply-adds of one row, without those of experts that are handed in.
    pub fn multiply_adds(&self) -> u64 {
        self.learned.row_cost().multiply_adds
    }

    /// Outputs for encoded rows.
    ///
    /// # Errors
    /// [`Interrupted`] soon after `stop` is true.
    ///
    /// # Panics
    /// If the rows have another width than the encoder makes.
    pub fn outputs(&self, x: &Matrix, stop: &AtomicBool) -> Result<Outputs, Interrupted> {
        Ok(self.outputs_of(self.raw(x, stop)?))
    }

    /// What it predicts for encoded rows, and nothing beside: probabilities, or values in the target's units.
    ///
    /// # Errors
    /// As [`outputs`](Self::outputs).
    ///
    /// # Panics
    /// As [`outputs`](Self::outputs).
    pub fn predictions(&self, x: &Matrix, stop: &AtomicBool) -> Result<Matrix, Interrupted> {
        let mut raw = self.raw(x, stop)?;
        match self.head {
            Head::Regression { mean, deviation } => {
                raw.data.iter_mut().for_each(|z| *z = in_units(*z, mean, deviation));
            }
            Head::Binary | Head::Classes => {
                (0..raw.rows).for_each(|row| self.head.answer(raw.row_mut(row)));
            }
        }
        Ok(raw)
    }

    /// Outputs for raw outputs.
    fn outputs_of(&self, raw: Matrix) -> Outputs {
        let nothing = Outputs { logit: None, probability: None, value: None, label: None };
        match self.head {
            Head::Regression { mean, deviation } => {
                let data = raw.data.iter().map(|z| in_units(*z, mean, deviation)).collect();
                Outputs { value: Some(Matrix { data, ..raw }), ..nothing }
            }
            Head::Binary => {
                let data: Vec<f32> = raw.data.iter().map(|z| math::sigmoid(*z)).collect();
                let label = data.iter().map(|p| u32::from(*p >= 0.5)).collect();
                let probability = Some(Matrix { rows: raw.rows, width: raw.width, data });
                Outputs { logit: Some(raw), probability, label: Some(label), ..nothing }
            }
            Head::Classes => {
                let mut probability = raw.clone();
                let label = (0..raw.rows).map(|row| softmax(probability.row_mut(row))).collect();
                Outputs {
                    logit: Some(raw),
                    probability: Some(probability),
                    label: Some(label),
                    ..nothing
                }
            }
        }
    }
}

/// A standardised value in the target's units.
fn in_units(z: f32, mean: f64, deviation: f64) -> f32 {
    (f64::from(z) * deviation + mean) as f32
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use collegium_manifest::spec::Activation;

    use super::*;
    use crate::Dense;

    fn model(head: Head, bias: &[f32]) -> Model {
        let layer =
            Dense { inputs: 0, outputs: bias.len(), weight: Vec::new(), bias: bias.to_vec() };
        let network = Network::plain(vec![layer], Activation::Relu);
        let classes = match head {
            Head::Regression { .. } => Vec::new(),
            _ => (0..bias.len().max(2)).map(|i| i.to_string()).collect(),
        };
        Model {
            encoder: Encoder::empty(),
            learned: crate::kinds::constant::model(network),
            head,
            classes,
        }
    }

    #[test]
    fn predictions_are_those_among_the_outputs() {
        let (x, never) = (Matrix::zeros(2, 0), AtomicBool::new(false));
        for (head, bias) in [
            (Head::Regression { mean: 3.0, deviation: 0.7 }, &[0.3][..]),
            (Head::Binary, &[-0.4]),
            (Head::Classes, &[0.1, 2.0, -1.0]),
        ] {
            let model = model(head, bias);
            let Outputs { probability, value, .. } = model.outputs(&x, &never).unwrap();
            assert_eq!(Some(model.predictions(&x, &never).unwrap()), probability.or(value));
        }
    }

    fn outputs(head: Head, bias: &[f32]) -> Outputs {
        model(head, bias).outputs(&Matrix::zeros(1, 0), &AtomicBool::new(false)).unwrap()
    }

    /// Says how many rows it is called with.
    #[derive(Debug, Clone)]
    struct Counting {
        cost: RowCost,
        calls: Arc<Mutex<Vec<usize>>>,
        ends: Option<Arc<AtomicBool>>,
    }

    impl PartialEq for Counting {
        fn eq(&self, other: &Self) -> bool {
            self.cost == other.cost
        }
    }

    impl Learned for Counting {
        fn kind(&self) -> &'static str {
            "counting"
        }

        fn raw(&self, x: &Matrix, _: &Head) -> Matrix {
            self.calls.lock().unwrap().push(x.rows);
            if let Some(ends) = &self.ends {
                ends.store(true, Ordering::Relaxed);
            }
            Matrix { rows: x.rows, width: 1, data: x.data.iter().map(|v| 2.0 * v).collect() }
        }

        fn jacobians(&self, x: &Matrix, _: &Head, visit: &mut dyn FnMut(usize, &[f32])) {
            self.calls.lock().unwrap().push(x.rows);
            (0..x.rows).for_each(|row| visit(row, &[x.data[row]]));
        }

        fn parameters(&self) -> u64 {
            0
        }

        fn row_cost(&self) -> RowCost {
            self.cost
        }

        fn misfit(&self, _: usize, _: usize, _: &Head) -> Option<&'static str> {
            None
        }

        fn store(&self) -> crate::Stored {
            crate::Stored::default()
        }
    }

    fn counting(cost: RowCost, ends: Option<Arc<AtomicBool>>) -> (Model, Arc<Mutex<Vec<usize>>>) {
        let calls = Arc::default();
        let learned = Box::new(Counting { cost, calls: Arc::clone(&calls), ends });
        (Model { learned, ..model(Head::Binary, &[0.0]) }, calls)
    }

    #[test]
    fn no_more_rows_are_answered_at_once_than_their_cost_allows() {
        let x = Matrix { rows: 10, width: 1, data: (0..10).map(|row| row as f32).collect() };
        let going_on = AtomicBool::new(false);
        for (multiply_adds, bytes, each) in [
            (1, 1, vec![10]),
            (0, 0, vec![10]),
            (WORK_AT_ONCE / 4, 1, vec![4, 4, 2]),
            (1, BYTES_AT_ONCE / 3, vec![3, 3, 3, 1]),
            (u64::MAX, u64::MAX, vec![1; 10]),
        ] {
            let (model, calls) = counting(RowCost { multiply_adds, bytes }, None);
            let raw = model.raw(&x, &going_on).unwrap();
            assert_eq!((raw.rows, raw.width), (10, 1));
            assert!(raw.data.iter().zip(&x.data).all(|(raw, x)| *raw == 2.0 * x));
            assert_eq!(
                *calls.lock().unwrap(),
                each,
                "{multiply_adds} multiply-adds, {bytes} bytes"
            );
            calls.lock().unwrap().clear();
            let mut seen = Vec::new();
            model.jacobians(&x, &going_on, &mut |row, of| seen.push((row, of[0]))).unwrap();
            assert!(seen.iter().enumerate().all(|(at, (row, x))| *row == at && *x == at as f32));
            // A row's gradient is more work than its answer.
            assert!(calls.lock().unwrap().len() >= each.len());
        }
    }

    #[test]
    fn long_work_is_interrupted_between_its_parts() {
        let x = Matrix::zeros(10, 1);
        let stop = Arc::new(AtomicBool::new(false));
        let cost = RowCost { multiply_adds: WORK_AT_ONCE, bytes: 0 };
        let (model, calls) = counting(cost, Some(Arc::clone(&stop)));
        assert_eq!(model.raw(&x, &stop), Err(Interrupted));
        assert_eq!(*calls.lock().unwrap(), [1], "it went on after it was asked to end");
    }

    #[test]
    fn log_odds_become_probabilities_without_overflow() {
        for (logit, probability, label) in
            [(0.0, 0.5, 1), (-0.01, 0.4975, 0), (200.0, 1.0, 1), (-200.0, 0.0, 0)]
        {
            let out = outputs(Head::Binary, &[logit]);
            assert_eq!(out.logit.unwrap().data, [logit]);
            assert!((out.probability.unwrap().data[0] - probability).abs() < 1e-6);
            assert_eq!(out.label.unwrap(), [label]);
        }
    }

    #[test]
    fn class_probabilities_sum_to_one_and_ties_go_to_the_first() {
        let out = outputs(Head::Classes, &[1000.0, -5.0, 1000.0]);
        let probability = out.probability.unwrap().data;
        assert!(probability[0] == 0.5 && probability[1] < 1e-37 && probability[2] == 0.5);
        assert_eq!(out.label.unwrap(), [0]);
        assert_eq!(out.logit.unwrap().data, [1000.0, -5.0, 1000.0]);
        assert!(out.value.is_none());
    }

    #[test]
    fn a_value_is_in_the_targets_units() {
        let out = outputs(Head::Regression { mean: 100.0, deviation: 20.0 }, &[-0.5]);
        assert_eq!(out.value.unwrap().data, [90.0]);
        assert!(out.logit.is_none() && out.probability.is_none() && out.label.is_none());
    }
}
