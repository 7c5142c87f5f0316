//! Pooling of predictions: arithmetic, geometric, noisy-or, stacking.

use collegium_table::Matrix;

use crate::Head;

/// A pooling rule: one prediction from several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pool {
    /// Σ g f: of probabilities a mixture, of values their mean.
    Arithmetic,
    /// Π pᵍ, normalised: the mean of log odds, or of log probabilities.
    Geometric,
    /// 1 − Π (1 − p).
    NoisyOr,
    /// A linear model of the answers.
    Stack,
}

/// Log odds lie within ± this, as everywhere between experts; log probabilities above its negative.
const CLIP: f32 = collegium_table::CLIP as f32;
/// The least probability of a class that is turned into a raw output.
const LEAST: f32 = LEAST_PROBABILITY;
/// The least probability that has a logarithm here.
pub(crate) const LEAST_PROBABILITY: f32 = 1e-12;

/// ln(p / (1 − p)), clipped.
pub(crate) fn log_odds(p: f32) -> f32 {
    (libm::logf(p) - libm::logf(1.0 - p)).clamp(-CLIP, CLIP)
}

/// ln p, clipped.
pub(crate) fn log(p: f32) -> f32 {
    libm::logf(p).max(-CLIP)
}

impl Pool {
    /// Raw outputs from weights (rows × experts) and predictions (rows × experts × `width`).
    pub(crate) fn raw(
        self,
        weights: &Matrix,
        predictions: &[f32],
        width: usize,
        head: &Head,
    ) -> Matrix {
        let experts = weights.width;
        let mut raw = Matrix::zeros(weights.rows, width);
        for row in 0..weights.rows {
            let all = &predictions[row * experts * width..][..experts * width];
            let to = raw.row_mut(row);
            match (self, head) {
                (Self::NoisyOr, _) => {
                    let none: f32 = all.iter().map(|p| 1.0 - p).product();
                    to[0] = odds(1.0 - none, none);
                }
                (Self::Geometric, Head::Binary) => {
                    to[0] = dot(weights.row(row), all.iter().map(|p| log_odds(*p)));
                }
                (Self::Geometric, _) => {
                    for (class, cell) in to.iter_mut().enumerate() {
                        let each = all.iter().skip(class).step_by(width);
                        *cell = dot(weights.row(row), each.map(|p| log(*p)));
                    }
                }
                (_, Head::Binary) => {
                    let yes = dot(weights.row(row), all.iter().copied());
                    let no = dot(weights.row(row), all.iter().map(|p| 1.0 - p));
                    to[0] = odds(yes, no);
                }
                (_, Head::Classes) => {
                    for (class, cell) in to.iter_mut().enumerate() {
                        let each = all.iter().skip(class).step_by(width);
                        *cell = libm::logf(dot(weights.row(row), each.copied()).max(LEAST));
                    }
                }
                (_, Head::Regression { .. }) => {
                    to[0] = dot(weights.row(row), all.iter().copied());
                }
            }
        }
        raw
    }
}

/// ln(yes / no), finite.
pub(crate) fn odds(yes: f32, no: f32) -> f32 {
    libm::logf(yes.max(LEAST)) - libm::logf(no.max(LEAST))
}

/// Σ g f over those that count: what does not answer may be anything.
fn dot(weights: &[f32], values: impl Iterator<Item = f32>) -> f32 {
    let mut sum = 0.0;
    for (weight, value) in weights.iter().zip(values) {
        if *weight != 0.0 {
            sum += weight * value;
        }
    }
    sum
}
