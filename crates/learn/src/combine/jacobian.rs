//! Jacobian of a combination's raw outputs, row by row.
//!
//! With weights g = softmax(z/T) of the chosen experts, ∂(Σ g f)/∂z_k = g_k (f_k − Σ g f)/T and
//! ∂(Σ g f)/∂f_k = g_k. Where the choice itself changes there is no derivative; on either side of it
//! these hold, as for ReLU. Rules and cascades have no derivative by what decides them, and are taken as
//! decided.

use collegium_table::Matrix;

use super::{Combination, GateWeights, Pool, pool};
use crate::{Head, Network, Seeds};

/// Rows that go through the networks together.
const CHUNK: usize = 128;

/// Some rows with all that their derivatives are made of.
struct Rows<'a> {
    head: &'a Head,
    /// Encoded, as given.
    x: Matrix,
    /// Numbers of one answer.
    width: usize,
    /// Rows × experts.
    weights: Matrix,
    /// Rows × experts × width.
    answers: Vec<f32>,
    /// Rows × width.
    raw: Matrix,
}

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
        let width = self.answer_width(head);
        let all: Vec<u32> = (0..x.rows as u32).collect();
        for chunk in all.chunks(CHUNK) {
            let x = x.select(chunk);
            let rows = Rows {
                head,
                width,
                weights: self.weights(network, &x, head),
                answers: self.predictions(&x, head, None),
                raw: self.raw(network, &x, head),
                x,
            };
            let jacobians = self.of_rows(network, &rows);
            let size = width * rows.x.width;
            for (row, jacobian) in chunk.iter().zip(jacobians.chunks_exact(size.max(1))) {
                visit(*row as usize, jacobian);
            }
        }
    }

    /// Rows × outputs × encoded columns.
    fn of_rows(&self, network: &Network, rows: &Rows) -> Vec<f32> {
        let (experts, width, count) = (self.len(), rows.width, rows.x.rows);
        let each = width * experts * width;
        let mut by_answer = vec![0.0; count * each];
        for row in 0..count {
            self.by_answer(network, rows, row, &mut by_answer[row * each..][..each]);
        }
        let mut jacobians = vec![0.0; count * width * rows.x.width];
        self.through_handed(rows, &by_answer, &mut jacobians);
        self.through_experts(rows, &by_answer, &mut jacobians);
        if let (Pool::Arithmetic, GateWeights::Softmax(routing)) = (self.pool, &self.weights) {
            let mut seeds = vec![0.0; count * width * experts];
            for row in 0..count {
                let f = &rows.answers[row * experts * width..][..experts * width];
                for class in 0..width {
                    let by_pool = slope(rows.raw.row(row), class, rows.head);
                    let each: Vec<f32> =
                        (0..experts).map(|k| f[k * width + class] * by_pool).collect();
                    let into = &mut seeds[(row * width + class) * experts..][..experts];
                    routing.back(rows.weights.row(row), &each, into);
                }
            }
            let own = self.own(&rows.x);
            let columns = self.own_columns(rows.x.width);
            add_swept(network, &own, &seeds, width, &columns, (&mut jacobians, rows.x.width));
        }
        jacobians
    }

    /// ∂raw/∂answers of one row: outputs × experts × width.
    fn by_answer(&self, network: &Network, rows: &Rows, row: usize, into: &mut [f32]) {
        let (experts, width, head) = (self.len(), rows.width, rows.head);
        let f = &rows.answers[row * experts * width..][..experts * width];
        let g = rows.weights.row(row);
        let at = |class: usize, expert: usize| (class * experts + expert) * width + class;
        match self.pool {
            // The outputs are functions of the pooled answers.
            Pool::Arithmetic => {
                for class in 0..width {
                    let by_pool = slope(rows.raw.row(row), class, head);
                    g.iter().enumerate().for_each(|(k, g)| into[at(class, k)] = g * by_pool);
                }
            }
            Pool::Geometric => {
                for class in 0..width {
                    for (expert, g) in g.iter().enumerate() {
                        into[at(class, expert)] = g * log_slope(f[expert * width + class], head);
                    }
                }
            }
            Pool::NoisyOr => {
                // z = ln((1 − q)/q), q = Π (1 − p): ∂z/∂p = 1 / ((1 − q)(1 − p)).
                let q: f32 = f.iter().map(|p| 1.0 - p).product();
                for (cell, p) in into.iter_mut().zip(f) {
                    *cell = 1.0 / ((1.0 - q).max(1e-6) * (1.0 - p).max(1e-6));
                }
            }
            Pool::Stack => {
                let features = self.features(f, 1, head);
                network.jacobians(&features, &mut |_, all| {
                    for (place, (cell, slope)) in into.iter_mut().zip(all).enumerate() {
                        *cell = slope * log_slope(f[place % (experts * width)], head);
                    }
                });
            }
        }
    }

    /// From slopes by the answers to slopes by the columns that are handed in.
    fn through_handed(&self, rows: &Rows, by_answer: &[f32], jacobians: &mut [f32]) {
        let (experts, width) = (self.len(), rows.width);
        let scale = match rows.head {
            Head::Regression { deviation, .. } => (1.0 / deviation) as f32,
            _ => 1.0,
        };
        for row in 0..rows.x.rows {
            for (expert, columns) in self.handed.iter().enumerate() {
                let answer = &rows.answers[(row * experts + expert) * width..][..width];
                for class in 0..width {
                    let at = row * width + class;
                    let by = &by_answer[(at * experts + expert) * width..][..width];
                    let by = self.through_calibration(expert, by, answer);
                    for (column, slope) in columns.clone().zip(by) {
                        jacobians[at * rows.x.width + column] += slope * scale;
                    }
                }
            }
        }
    }

    /// From slopes by the answers through the experts of a mixture.
    fn through_experts(&self, rows: &Rows, by_answer: &[f32], jacobians: &mut [f32]) {
        let (experts, width) = (self.len(), rows.width);
        let columns: Vec<usize> = (0..rows.x.width).collect();
        for (expert, network) in self.experts.iter().enumerate() {
            let mut seeds = vec![0.0; rows.x.rows * width * width];
            for row in 0..rows.x.rows {
                let answer = &rows.answers[(row * experts + expert) * width..][..width];
                for class in 0..width {
                    let at = row * width + class;
                    let by = &by_answer[(at * experts + expert) * width..][..width];
                    let seed = &mut seeds[at * width..][..width];
                    match rows.head {
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
            }
            if seeds.iter().any(|seed| *seed != 0.0) {
                let into = (&mut *jacobians, rows.x.width);
                add_swept(network, &rows.x, &seeds, width, &columns, into);
            }
        }
    }

    /// Through a cascade's tempering: q ∝ p^(1/T), so ∂q_i/∂p_j = q_i (δ_ij − q_j) / (T p_j).
    fn through_calibration(&self, expert: usize, by: &[f32], answer: &[f32]) -> Vec<f32> {
        let GateWeights::Confidence { temperatures, .. } = &self.weights else {
            return by.to_vec();
        };
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

/// Adds what comes back from seeds at a network's outputs (rows × `each` × outputs) to the columns that
/// its inputs are, among the Jacobians' (rows × `each` × width).
fn add_swept(
    network: &Network,
    x: &Matrix,
    seeds: &[f32],
    each: usize,
    columns: &[usize],
    (into, width): (&mut [f32], usize),
) {
    network.sweep(x, Seeds::Given { values: seeds, each }, &mut |swept| {
        let gradients = swept.at_inputs();
        let from = swept.start * each;
        for (at, gradient) in gradients.chunks_exact(columns.len().max(1)).enumerate() {
            for (column, slope) in columns.iter().zip(gradient) {
                into[(from + at) * width + column] += slope;
            }
        }
    });
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
    let clip = collegium_table::CLIP as f32;
    match head {
        Head::Regression { .. } => 1.0,
        Head::Binary if pool::log_odds(p).abs() < clip => 1.0 / (p * (1.0 - p)),
        Head::Classes if pool::log(p) > -clip => 1.0 / p,
        _ => 0.0,
    }
}
