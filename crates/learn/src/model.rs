//! A fitted model: its encoder, what it has learned, and what its outputs mean.

use collegium_digest::Digest;
use collegium_table::{Encoder, Matrix};

use crate::{
    Kind, Learned, Network, Routes,
    kinds::{self},
    math,
};

/// What the raw outputs mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Head {
    /// One output: the log odds of the second class.
    Binary,
    /// One logit per class.
    Classes,
    /// One output: the target, standardised with these.
    Regression {
        /// Mean of the target over the training rows.
        mean: f64,
        /// Its deviation; not 0.
        deviation: f64,
    },
}

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

/// What a model says about each row.
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

impl Head {
    /// The raw outputs of one row as an answer, in place: probabilities, or the standardised value.
    pub fn answer(&self, raw: &mut [f32]) {
        match self {
            Self::Regression { .. } => {}
            Self::Binary => raw.iter_mut().for_each(|z| *z = math::sigmoid(*z)),
            Self::Classes => drop(softmax(raw)),
        }
    }
}

impl Model {
    /// The raw outputs for encoded rows: logits, or the standardised value. Rows × (1 or C).
    ///
    /// # Panics
    /// If the rows have another width than the encoder makes.
    pub fn raw(&self, x: &Matrix) -> Matrix {
        self.learned.raw(x, &self.head)
    }

    /// Calls `visit` for every row, in order, with the Jacobian of the raw outputs: outputs × encoded
    /// columns, row-major.
    ///
    /// # Panics
    /// If the rows have another width than the encoder makes.
    pub fn jacobians(&self, x: &Matrix, visit: &mut dyn FnMut(usize, &[f32])) {
        self.learned.jacobians(x, &self.head, visit);
    }

    /// The name of its kind in the records of fits.
    pub fn kind(&self) -> &'static str {
        let name = self.learned.kind();
        kinds::kind(name).map_or(name, Kind::in_records)
    }

    /// The dense layers that it is, if it is made of nothing else.
    pub fn layers(&self) -> Option<&Network> {
        self.learned.layers()
    }

    /// How it weighs several experts, if it does.
    pub fn routes(&self) -> Option<Routes<'_>> {
        self.learned.routes()
    }

    /// The activations of the last hidden layer: rows × units; for one that has dense layers.
    pub fn embedding(&self, x: &Matrix) -> Option<Matrix> {
        self.layers().map(|network| network.embedding(x))
    }

    /// Raw outputs per row.
    pub fn outputs_wide(&self) -> usize {
        match self.head {
            Head::Binary | Head::Regression { .. } => 1,
            Head::Classes => self.classes.len(),
        }
    }

    /// The same shape with fresh weights, wherever weights are trained by steps.
    pub fn untrained(&self, key: &Digest) -> Self {
        Self { learned: self.learned.untrained(key), ..self.clone() }
    }

    /// Trainable numbers.
    pub fn parameters(&self) -> u64 {
        self.learned.parameters()
    }

    /// Multiply-adds of one row, without those of experts that are handed in.
    pub fn multiply_adds(&self) -> u64 {
        self.learned.multiply_adds()
    }

    /// Outputs for encoded rows.
    ///
    /// # Panics
    /// If the rows have another width than the encoder makes.
    pub fn outputs(&self, x: &Matrix) -> Outputs {
        let raw = self.raw(x);
        let nothing = Outputs { logit: None, probability: None, value: None, label: None };
        match self.head {
            Head::Regression { mean, deviation } => {
                let data =
                    raw.data.iter().map(|z| (f64::from(*z) * deviation + mean) as f32).collect();
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

/// Turns logits into probabilities and returns the place of the largest, the first of equals.
fn softmax(row: &mut [f32]) -> u32 {
    let mut best = 0;
    for (i, z) in row.iter().enumerate() {
        if *z > row[best] {
            best = i;
        }
    }
    let Some(&top) = row.get(best) else { return 0 };
    let mut sum = 0.0;
    for z in row.iter_mut() {
        *z = math::exp(*z - top);
        sum += *z;
    }
    row.iter_mut().for_each(|p| *p /= sum);
    u32::try_from(best).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use collegium_manifest::spec::Activation;

    use super::*;
    use crate::Dense;

    fn model(head: Head, bias: &[f32]) -> Model {
        let layer =
            Dense { inputs: 0, outputs: bias.len(), weight: Vec::new(), bias: bias.to_vec() };
        let network = Network { layers: vec![layer], activation: Activation::Relu };
        let classes = match head {
            Head::Regression { .. } => Vec::new(),
            _ => (0..bias.len().max(2)).map(|i| i.to_string()).collect(),
        };
        Model { encoder: Encoder::empty(), learned: kinds::constant::model(network), head, classes }
    }

    fn outputs(head: Head, bias: &[f32]) -> Outputs {
        model(head, bias).outputs(&Matrix::zeros(1, 0))
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
