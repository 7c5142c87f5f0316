//! Derivatives of a combination's raw outputs, row by row.
//!
//! With weights g = softmax(z/T) of the chosen experts, ∂(Σ g f)/∂z_k = g_k (f_k − Σ g f)/T and
//! ∂(Σ g f)/∂f_k = g_k. Where the choice itself changes there is no derivative; on either side of it
//! these hold, as for ReLU. Rules and cascades have no derivative by what decides them, and are taken as
//! decided.

use collegium_data::Matrix;

use super::{Combination, Pool, Weights, pool};
use crate::{Head, Network, Seeds};

impl Combination {
    /// The Jacobian of every row: calls `visit` with its position and outputs × encoded columns.
    ///
    /// # Panics
    /// If the rows have another width than the combination was fitted on.
    pub fn jacobians(
        &self,
        network: &Network,
        x: &Matrix,
        head: &Head,
        visit: &mut dyn FnMut(usize, &[f32]),
    ) {
        let (experts, width) = (self.len(), self.answer_width(head));
        let weights = self.weights(network, x, head);
        let answers = self.predictions(x, head, None);
        let own = self.own(x);
        let own_columns = self.own_columns(x.width);
        let raw = self.raw(network, x, head);
        for row in 0..x.rows {
            let one = Matrix { rows: 1, width: own.width, data: own.row(row).to_vec() };
            let f = &answers[row * experts * width..][..experts * width];
            let g = weights.row(row);
            let mut jacobian = vec![0.0; width * x.width];
            let out = raw.row(row);
            // ∂raw/∂(Σ g f) by class: the outputs are functions of the pooled answers.
            let by_pool: Vec<f32> = (0..width).map(|class| slope(out, class, head)).collect();
            let mut by_answer = vec![0.0; width * experts * width];
            match self.pool {
                Pool::Arithmetic => {
                    for class in 0..width {
                        for (expert, g) in g.iter().enumerate() {
                            by_answer[(class * experts + expert) * width + class] =
                                g * by_pool[class];
                        }
                    }
                }
                Pool::Geometric => {
                    for class in 0..width {
                        for (expert, g) in g.iter().enumerate() {
                            let p = f[expert * width + class];
                            by_answer[(class * experts + expert) * width + class] =
                                g * log_slope(p, head);
                        }
                    }
                }
                Pool::NoisyOr => {
                    // z = ln((1 − q)/q), q = Π (1 − p): ∂z/∂p = 1 / ((1 − q)(1 − p)).
                    let q: f32 = f.iter().map(|p| 1.0 - p).product();
                    for (expert, p) in f.iter().enumerate() {
                        by_answer[expert] = 1.0 / ((1.0 - q).max(1e-6) * (1.0 - p).max(1e-6));
                    }
                }
                Pool::Stack => {
                    let features = self.features(f, 1, head);
                    network.jacobians(&features, &mut |_, all| {
                        for (at, (cell, slope)) in by_answer.iter_mut().zip(all).enumerate() {
                            let p = f[at % (experts * width)];
                            *cell = slope * log_slope(p, head);
                        }
                    });
                }
            }
            self.through_answers(&by_answer, f, (head, width), &mut jacobian, x, &one);
            if let (Pool::Arithmetic, Weights::Softmax(routing)) = (self.pool, &self.weights) {
                let mut seeds = vec![0.0; width * experts];
                for class in 0..width {
                    let each: Vec<f32> =
                        (0..experts).map(|k| f[k * width + class] * by_pool[class]).collect();
                    routing.back(g, &each, &mut seeds[class * experts..][..experts]);
                }
                network.sweep(&one, Seeds::Given { values: &seeds, each: width }, &mut |swept| {
                    for (class, gradient) in swept.at_inputs().chunks_exact(own.width).enumerate() {
                        for (column, slope) in own_columns.iter().zip(gradient) {
                            jacobian[class * x.width + column] += slope;
                        }
                    }
                });
            }
            visit(row, &jacobian);
        }
    }

    /// From slopes by the answers (outputs × experts × width) to slopes by encoded columns.
    fn through_answers(
        &self,
        by_answer: &[f32],
        f: &[f32],
        (head, width): (&Head, usize),
        jacobian: &mut [f32],
        x: &Matrix,
        own: &Matrix,
    ) {
        let experts = self.len();
        for (expert, columns) in self.handed.iter().enumerate() {
            let answer = &f[expert * width..][..width];
            for class in 0..width {
                let by = &by_answer[(class * experts + expert) * width..][..width];
                let by = self.through_calibration(expert, by, answer);
                let scale = match head {
                    Head::Regression { deviation, .. } => (1.0 / deviation) as f32,
                    _ => 1.0,
                };
                for (column, slope) in columns.clone().zip(by) {
                    jacobian[class * x.width + column] += slope * scale;
                }
            }
        }
        for (expert, network) in self.experts.iter().enumerate() {
            let answer = &f[expert * width..][..width];
            let mut seeds = vec![0.0; width * width];
            for class in 0..width {
                let by = &by_answer[(class * experts + expert) * width..][..width];
                let seed = &mut seeds[class * width..][..width];
                match head {
                    Head::Regression { .. } => seed[0] = by[0],
                    Head::Binary => seed[0] = by[0] * answer[0] * (1.0 - answer[0]),
                    Head::Classes => {
                        let mean: f32 = by.iter().zip(answer).map(|(b, p)| b * p).sum();
                        for ((seed, b), p) in seed.iter_mut().zip(by).zip(answer) {
                            *seed = p * (b - mean);
                        }
                    }
                }
            }
            if seeds.iter().all(|seed| *seed == 0.0) {
                continue;
            }
            network.sweep(own, Seeds::Given { values: &seeds, each: width }, &mut |swept| {
                for (cell, slope) in jacobian.iter_mut().zip(swept.at_inputs()) {
                    *cell += slope;
                }
            });
        }
    }

    /// Through a cascade's tempering: q ∝ p^(1/T), so ∂q_i/∂p_j = q_i (δ_ij − q_j) / (T p_j).
    fn through_calibration(&self, expert: usize, by: &[f32], answer: &[f32]) -> Vec<f32> {
        let Weights::Confidence { temperatures, .. } = &self.weights else { return by.to_vec() };
        let t = temperatures[expert];
        let before = |q: &[f32]| -> Vec<f32> {
            let mut p = q.to_vec();
            super::cascade::temper(&mut p, 1.0 / t);
            p
        };
        let p = before(answer);
        match (answer, p.as_slice()) {
            ([q], [p]) => {
                let (q, p) = (*q, p.clamp(1e-6, 1.0 - 1e-6));
                vec![by[0] * q * (1.0 - q) / (t * p * (1.0 - p))]
            }
            (q, p) => {
                let mean: f32 = by.iter().zip(q).map(|(b, q)| b * q).sum();
                let each = by.iter().zip(q).zip(p);
                each.map(|((b, q), p)| q * (b - mean) / (t * p.max(1e-6))).collect()
            }
        }
    }
}

/// ∂raw/∂pooled of one output: of log odds 1/(p(1−p)), of a log probability 1/p, of a value 1.
fn slope(raw: &[f32], class: usize, head: &Head) -> f32 {
    match head {
        Head::Regression { .. } => 1.0,
        Head::Binary => {
            let p = crate::math::sigmoid(raw[0]);
            1.0 / (p * (1.0 - p)).max(1e-6)
        }
        Head::Classes => 1.0 / crate::math::exp(raw[class]).max(1e-6),
    }
}

/// ∂ of [`pool::log_odds`] or [`pool::log`] by the probability; 0 where it is clipped, 1 for values.
fn log_slope(p: f32, head: &Head) -> f32 {
    let clip = collegium_data::CLIP as f32;
    match head {
        Head::Regression { .. } => 1.0,
        Head::Binary if pool::log_odds(p).abs() < clip => 1.0 / (p * (1.0 - p)),
        Head::Classes if pool::log(p) > -clip => 1.0 / p,
        _ => 0.0,
    }
}
