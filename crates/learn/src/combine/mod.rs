//! Combination of experts (mixture of experts, ensembles): weights and pooling.
//!
//! A combination is two questions. *How much does each expert count in this row?* A row of
//! [`GateWeights`], which sum to 1. *What do their answers come to?* A [`Pool`]. All gates are a choice
//! of the two:
//!
//! | gate | weights | pool |
//! |---|---|---|
//! | uniform, fixed, best | fixed | arithmetic |
//! | softmax, distance, self; mixtures | a network on the row's own columns, then a softmax | arithmetic |
//! | rules | those whose column is not 0 | arithmetic |
//! | cascade | 1 for the first that is sure enough | arithmetic |
//! | geometric, noisy-or | all the same | geometric, noisy-or |
//! | stack | none: the network reads the predictions | stack |
//!
//! That distances are a network too is a small identity: in the softmax of −|x − c|²/T the term |x|²
//! cancels, and what stays is linear in x. Thus whatever decides a route is a [`Network`], and is
//! looked into like one.
//!
//! The predictions of a gate's experts are columns of its encoded rows, taken as they are; a mixture
//! has its experts inside and computes those alone that have weight. Raw outputs are as everywhere:
//! log odds, one logit (here the log probability) a class, or a standardised value; so what comes out
//! is an expert's answer in every respect, and gates combine gates.

pub(crate) mod balance;
pub(crate) mod cascade;
mod jacobian;
pub(crate) mod objective;
pub(crate) mod pool;
pub(crate) mod softmax;
mod weigh;

use std::ops::Range;

use collegium_digest::Digest;
use collegium_manifest::spec::Train;
use collegium_table::Matrix;

use crate::{Head, Network, Target};

pub use pool::Pool;
pub use weigh::{GateWeights, Routing};

/// Training set of a gate or a mixture: rows with their targets, and how to learn from them.
#[derive(Debug, Clone)]
pub struct TrainingSet<'a> {
    /// How what is trained by steps is trained.
    pub train: &'a Train,
    /// One weight per class, see [`crate::class_weights`].
    pub class_weights: Option<Vec<f32>>,
    /// Encoded training rows; of a gate, predictions as they are among them.
    pub x: &'a Matrix,
    /// Their targets; values standardised.
    pub y: Target<'a>,
    /// Encoded validation rows.
    pub x_valid: &'a Matrix,
    /// Their targets.
    pub y_valid: Target<'a>,
    /// What raw outputs mean.
    pub head: Head,
    /// Names the random streams.
    pub key: Digest,
}

/// What turns a row's own columns and its experts' predictions into one answer, beside the routing
/// network.
#[derive(Debug, Clone, PartialEq)]
pub struct Combination {
    /// Encoded columns that are each expert's prediction; none for a mixture.
    pub handed: Vec<Range<usize>>,
    /// A mixture's experts, on the row's own columns; none for a gate.
    pub experts: Vec<Network>,
    /// How much each expert counts.
    pub weights: GateWeights,
    /// What their answers come to.
    pub pool: Pool,
}

impl Combination {
    /// How many experts there are.
    pub fn len(&self) -> usize {
        self.handed.len().max(self.experts.len())
    }

    /// No experts? There is no such combination.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The columns that the routing network reads: all but predictions and rules.
    pub fn own_columns(&self, width: usize) -> Vec<usize> {
        let taken = |column: &usize| {
            self.handed.iter().any(|range| range.contains(column))
                || matches!(&self.weights, GateWeights::Rules(columns) if columns.contains(column))
        };
        (0..width).filter(|column| !taken(column)).collect()
    }

    /// The rows as the routing network sees them.
    pub fn own(&self, x: &Matrix) -> Matrix {
        let columns = self.own_columns(x.width);
        let mut data = Vec::with_capacity(x.rows * columns.len());
        for row in 0..x.rows {
            let row = x.row(row);
            data.extend(columns.iter().map(|column| row[*column]));
        }
        Matrix { rows: x.rows, width: columns.len(), data }
    }

    /// Gate weights of each row: rows × experts, each row of sum 1. Of a cascade this
    /// needs the predictions in `x`, of all others the own columns and rules alone.
    pub fn weights(&self, network: &Network, x: &Matrix, head: &Head) -> Matrix {
        let experts = self.len();
        match &self.weights {
            GateWeights::Fixed(weights) => {
                Matrix { rows: x.rows, width: experts, data: weights.repeat(x.rows) }
            }
            GateWeights::Softmax(routing) => {
                let mut weights = network.logits(&self.own(x));
                weights.data.chunks_exact_mut(experts).for_each(|row| routing.weigh(row));
                weights
            }
            GateWeights::Rules(columns) => {
                let mut weights = Matrix::zeros(x.rows, experts);
                for row in 0..x.rows {
                    let holds = |column: &usize| f32::from(u8::from(x.row(row)[*column] > 0.5));
                    let all: Vec<f32> = columns.iter().map(holds).collect();
                    let sum: f32 = all.iter().sum();
                    for (weight, holds) in weights.row_mut(row).iter_mut().zip(all) {
                        *weight = if sum > 0.0 { holds / sum } else { 1.0 / experts as f32 };
                    }
                }
                weights
            }
            GateWeights::Confidence { .. } => {
                let predictions = self.predictions(x, head, None);
                let width = self.answer_width(head);
                let mut weights = Matrix::zeros(x.rows, experts);
                for (row, all) in predictions.chunks_exact(experts * width).enumerate() {
                    let sure = (0..experts - 1)
                        .find(|&expert| self.is_sure(expert, &all[expert * width..][..width]));
                    weights.row_mut(row)[sure.unwrap_or(experts - 1)] = 1.0;
                }
                weights
            }
        }
    }

    /// Is an expert of a cascade sure enough of its (calibrated) probabilities?
    pub fn is_sure(&self, expert: usize, calibrated: &[f32]) -> bool {
        match &self.weights {
            GateWeights::Confidence { threshold, .. } if expert + 1 < self.len() => {
                cascade::confidence(calibrated) >= *threshold
            }
            _ => true,
        }
    }

    /// An expert's probabilities as the cascade sees them, in place: tempered, so that a confidence is
    /// how often it is right.
    pub fn calibrate(&self, expert: usize, probabilities: &mut [f32]) {
        if let GateWeights::Confidence { temperatures, .. } = &self.weights {
            cascade::temper(probabilities, temperatures[expert]);
        }
    }

    /// Numbers of one expert's answer: a probability, one a class, or a value.
    pub fn answer_width(&self, head: &Head) -> usize {
        match self.handed.first() {
            Some(columns) => columns.len(),
            None => match head {
                Head::Classes => self.experts.first().map_or(1, Network::outputs),
                _ => 1,
            },
        }
    }

    /// Predictions of each expert: rows × experts × [`answer_width`](Self::answer_width);
    /// probabilities, or standardised values. With weights, a mixture computes only who counts.
    pub fn predictions(&self, x: &Matrix, head: &Head, weights: Option<&Matrix>) -> Vec<f32> {
        let (experts, width) = (self.len(), self.answer_width(head));
        let mut all = vec![0.0; x.rows * experts * width];
        for (expert, columns) in self.handed.iter().enumerate() {
            for row in 0..x.rows {
                let to = &mut all[(row * experts + expert) * width..][..width];
                to.copy_from_slice(&x.row(row)[columns.clone()]);
                if let Head::Regression { mean, deviation } = head {
                    for value in to.iter_mut() {
                        *value = ((f64::from(*value) - mean) / deviation) as f32;
                    }
                }
                self.calibrate(expert, to);
            }
        }
        for (expert, network) in self.experts.iter().enumerate() {
            let counts = |row: &u32| weights.is_none_or(|w| w.row(*row as usize)[expert] != 0.0);
            let rows: Vec<u32> = (0..x.rows as u32).filter(counts).collect();
            let mut answers = match rows.len() == x.rows {
                true => network.logits(x),
                false => network.logits(&x.select(&rows)),
            };
            for (&row, answer) in rows.iter().zip(answers.data.chunks_exact_mut(width)) {
                head.answer(answer);
                let to = (row as usize * experts + expert) * width;
                all[to..to + width].copy_from_slice(answer);
            }
        }
        all
    }

    /// The raw outputs of the whole: rows × (1 or classes).
    ///
    /// # Panics
    /// If the rows have another width than the combination was fitted on.
    pub fn raw(&self, network: &Network, x: &Matrix, head: &Head) -> Matrix {
        if self.pool == Pool::Stack {
            let predictions = self.predictions(x, head, None);
            return network.logits(&self.features(&predictions, x.rows, head));
        }
        let weights = self.weights(network, x, head);
        let predictions = self.predictions(x, head, Some(&weights));
        self.pool.raw(&weights, &predictions, self.answer_width(head), head)
    }

    /// The raw outputs of one expert alone, or of the arithmetic mean of all.
    pub fn raw_by(&self, x: &Matrix, head: &Head, expert: Option<usize>) -> Matrix {
        let experts = self.len();
        let row: Vec<f32> = match expert {
            Some(one) => (0..experts).map(|at| f32::from(u8::from(at == one))).collect(),
            None => vec![1.0 / experts as f32; experts],
        };
        let weights = Matrix { rows: x.rows, width: experts, data: row.repeat(x.rows) };
        let predictions = self.predictions(x, head, Some(&weights));
        Pool::Arithmetic.raw(&weights, &predictions, self.answer_width(head), head)
    }

    /// The raw outputs without one expert: the others' weights scaled up, the next one chosen where it
    /// was. A stack has no weights, and is left as it is.
    pub fn raw_without(&self, network: &Network, x: &Matrix, head: &Head, expert: usize) -> Matrix {
        if self.pool == Pool::Stack || self.len() < 2 {
            return self.raw(network, x, head);
        }
        let experts = self.len();
        let width = self.answer_width(head);
        let mut weights = match &self.weights {
            GateWeights::Softmax(routing) => {
                let mut weights = network.logits(&self.own(x));
                for row in weights.data.chunks_exact_mut(experts) {
                    routing.weigh_without(row, expert);
                }
                weights
            }
            GateWeights::Confidence { .. } => {
                let predictions = self.predictions(x, head, None);
                let mut weights = Matrix::zeros(x.rows, experts);
                let stages: Vec<usize> = (0..experts).filter(|stage| *stage != expert).collect();
                for (row, all) in predictions.chunks_exact(experts * width).enumerate() {
                    let sure =
                        |stage: &&usize| self.is_sure(**stage, &all[**stage * width..][..width]);
                    let last = stages[stages.len() - 1];
                    let by = stages.iter().find(sure).copied().unwrap_or(last);
                    weights.row_mut(row)[by] = 1.0;
                }
                weights
            }
            _ => self.weights(network, x, head),
        };
        for row in weights.data.chunks_exact_mut(experts) {
            row[expert] = 0.0;
            let sum: f32 = row.iter().sum();
            for (at, weight) in row.iter_mut().enumerate() {
                *weight = match sum > 0.0 {
                    true => *weight / sum,
                    false => f32::from(u8::from(at != expert)) / (experts - 1) as f32,
                };
            }
        }
        let mut predictions = self.predictions(x, head, None);
        if self.pool == Pool::NoisyOr {
            // A cause that never is.
            predictions.iter_mut().skip(expert).step_by(experts).for_each(|p| *p = 0.0);
        }
        self.pool.raw(&weights, &predictions, width, head)
    }

    /// The predictions as a stack's linear model sees them: log odds or log probabilities, clipped, or
    /// values.
    pub(crate) fn features(&self, predictions: &[f32], rows: usize, head: &Head) -> Matrix {
        let width = self.len() * self.answer_width(head);
        let data = match head {
            Head::Regression { .. } => predictions.to_vec(),
            Head::Binary => predictions.iter().map(|p| pool::log_odds(*p)).collect(),
            Head::Classes => predictions.iter().map(|p| pool::log(*p)).collect(),
        };
        Matrix { rows, width, data }
    }

    /// Numbers that were trained, beside the routing network's.
    pub fn parameters(&self) -> u64 {
        self.experts.iter().map(Network::parameters).sum()
    }

    /// Multiply-adds of a row, beside the routing network's: of the experts inside that answer.
    pub fn multiply_adds(&self) -> u64 {
        let all: u64 = self.experts.iter().map(Network::multiply_adds).sum();
        match (&self.weights, self.experts.len() as u64) {
            (GateWeights::Softmax(Routing { top_k: Some(k), shared, .. }), experts)
                if experts > 0 =>
            {
                all / experts * (*k + shared.len()) as u64
            }
            _ => all,
        }
    }
}

#[cfg(test)]
mod tests;
