//! Gate weights: softmax, top-k routing, temperature.

use crate::math;

/// Where weights come from.
#[derive(Debug, Clone, PartialEq)]
pub enum GateWeights {
    /// The same in every row; of sum 1.
    Fixed(Vec<f32>),
    /// A softmax of the routing network's outputs.
    Softmax(Routing),
    /// Columns of the encoded row, one for each expert: those that are not 0 share the weight; where
    /// all are 0, all experts do.
    Rules(Vec<usize>),
    /// All for the first expert whose calibrated confidence reaches the threshold, else for the last.
    Confidence {
        /// Largest probability that is sure enough.
        threshold: f32,
        /// Of each expert: its log probabilities are divided by it.
        temperatures: Vec<f32>,
    },
}

/// From a routing network's outputs to weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Routing {
    /// Divides the outputs, above 0.
    pub temperature: f32,
    /// How many experts answer, shared ones not counted; `None`: all.
    pub top_k: Option<usize>,
    /// Positions of experts that always answer.
    pub shared: Vec<usize>,
    /// Added to the outputs where experts are chosen, and nowhere else (loss-free balancing); empty, or
    /// one for each expert.
    pub bias: Vec<f32>,
}

impl Routing {
    /// All experts, at temperature 1.
    pub fn all() -> Self {
        Self { temperature: 1.0, top_k: None, shared: Vec::new(), bias: Vec::new() }
    }

    /// Top-k routing: which experts answer for a row of outputs: the shared ones, and the `top_k` largest of the
    /// others, the first of equals.
    pub(crate) fn chosen(&self, outputs: &[f32]) -> Vec<bool> {
        let Some(k) = self.top_k else { return vec![true; outputs.len()] };
        let mut chosen = vec![false; outputs.len()];
        let score = |expert: usize| outputs[expert] + self.bias.get(expert).unwrap_or(&0.0);
        let mut routed: Vec<usize> =
            (0..outputs.len()).filter(|expert| !self.shared.contains(expert)).collect();
        routed.sort_by(|&a, &b| score(b).total_cmp(&score(a)).then(a.cmp(&b)));
        for &expert in routed.iter().take(k).chain(&self.shared) {
            chosen[expert] = true;
        }
        chosen
    }

    /// Outputs into weights, in place.
    pub(crate) fn weigh(&self, outputs: &mut [f32]) {
        let chosen = self.chosen(outputs);
        self.weigh_chosen(outputs, &chosen);
    }

    /// The same as if one expert were not there.
    pub(crate) fn weigh_without(&self, outputs: &mut [f32], expert: usize) {
        let kept = outputs[expert];
        outputs[expert] = f32::NEG_INFINITY;
        let mut chosen = self.chosen(outputs);
        outputs[expert] = kept;
        chosen[expert] = false;
        self.weigh_chosen(outputs, &chosen);
    }

    /// The softmax over those that were chosen; 0 for the others.
    pub(crate) fn weigh_chosen(&self, outputs: &mut [f32], chosen: &[bool]) {
        let of = |outputs: &[f32]| {
            outputs
                .iter()
                .zip(chosen)
                .filter(|(_, chosen)| **chosen)
                .map(|(z, _)| *z)
                .fold(f32::NEG_INFINITY, f32::max)
        };
        let top = of(outputs);
        let mut sum = 0.0;
        for (z, chosen) in outputs.iter_mut().zip(chosen) {
            *z = if *chosen { math::exp((*z - top) / self.temperature) } else { 0.0 };
            sum += *z;
        }
        if sum > 0.0 {
            outputs.iter_mut().for_each(|z| *z /= sum);
        }
    }

    /// ∂loss/∂outputs of a row from ∂loss/∂weights: g (a − Σ g a) / T.
    pub(crate) fn back(&self, weights: &[f32], by_weight: &[f32], into: &mut [f32]) {
        let mean: f32 = weights.iter().zip(by_weight).map(|(g, a)| g * a).sum();
        for ((cell, g), a) in into.iter_mut().zip(weights).zip(by_weight) {
            *cell += g * (a - mean) / self.temperature;
        }
    }
}
