//! Training targets: checks and weights of classes.

use collegium_manifest::{Task, spec::Train};
use collegium_table::Matrix;

use super::{
    TrainError,
    loss::{self, LossShape},
};
use crate::math;

/// Targets, one per row.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// Indices of classes.
    Classes {
        /// Below `count`.
        labels: &'a [u32],
        /// Classes; two make one logit.
        count: usize,
    },
    /// Standardised numbers.
    Values(&'a [f32]),
}

impl Target<'_> {
    /// Rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Classes { labels, .. } => labels.len(),
            Self::Values(values) => values.len(),
        }
    }

    /// No rows?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The targets of some rows.
    pub(crate) fn select(&self, rows: &[u32]) -> Selected {
        match self {
            Self::Classes { labels, count } => {
                Selected::Classes(rows.iter().map(|r| labels[*r as usize]).collect(), *count)
            }
            Self::Values(values) => {
                Selected::Values(rows.iter().map(|r| values[*r as usize]).collect())
            }
        }
    }
}

/// Owned targets.
pub(crate) enum Selected {
    Classes(Vec<u32>, usize),
    Values(Vec<f32>),
}

impl Selected {
    pub(crate) fn target(&self) -> Target<'_> {
        match self {
            Self::Classes(labels, count) => Target::Classes { labels, count: *count },
            Self::Values(values) => Target::Values(values),
        }
    }
}

/// `balanced` class weights: n / (C · nᵢ), as scikit-learn's; a class without rows has weight 0.
pub fn class_weights(labels: &[u32], count: usize) -> Vec<f32> {
    let counts = count_labels(labels, count);
    let total = labels.len() as f64;
    counts
        .into_iter()
        .map(|n| if n == 0 { 0.0 } else { (total / (count as f64 * n as f64)) as f32 })
        .collect()
}

fn count_labels(labels: &[u32], count: usize) -> Vec<u64> {
    let mut counts = vec![0; count];
    for label in labels {
        if let Some(n) = counts.get_mut(*label as usize) {
            *n += 1;
        }
    }
    counts
}

/// Targets that fit their rows, with the weight of each class.
#[derive(Debug, Clone)]
pub(crate) struct Targets<'a> {
    target: Target<'a>,
    weights: Option<Vec<f32>>,
    /// Sum of the rows' weights.
    total: f64,
    shape: LossShape,
}

impl<'a> Targets<'a> {
    /// Checks training targets and scales the class weights to a mean of 1 over their rows.
    pub(crate) fn new(
        x: &Matrix,
        target: &Target<'a>,
        weights: Option<&[f32]>,
    ) -> Result<Self, TrainError> {
        if x.rows == 0 {
            return Err(TrainError::Empty);
        }
        if x.width == 0 {
            return Err(mismatch("the inputs encode to no columns at all"));
        }
        check(x, target)?;
        let weights = match (target, weights) {
            (Target::Classes { labels, count }, Some(weights)) => {
                Some(scaled(labels, *count, weights)?)
            }
            _ => None,
        };
        Ok(Self { target: *target, weights, total: x.rows as f64, shape: LossShape::default() })
    }

    /// With the loss that training asks for.
    #[must_use]
    pub(crate) fn trained_by(self, train: &Train) -> Self {
        Self { shape: LossShape::of(train), ..self }
    }

    /// With squared error or log loss.
    #[must_use]
    pub(crate) fn plainly(self) -> Self {
        Self { shape: LossShape::default(), ..self }
    }

    /// A target that was checked before, of so many rows, all of weight 1.
    pub(crate) fn plain(target: Target<'a>, rows: usize) -> Self {
        Self { target, weights: None, total: rows as f64, shape: LossShape::default() }
    }

    /// The same for validation rows, under the weights of training; `None` without rows.
    pub(crate) fn validation<'v>(
        &self,
        x: &Matrix,
        target: &Target<'v>,
        width: usize,
    ) -> Result<Option<Targets<'v>>, TrainError> {
        if x.rows == 0 {
            return Ok(None);
        }
        if x.width != width {
            return Err(mismatch("validation rows are not as wide as training rows"));
        }
        check(x, target)?;
        let same = match (&self.target, target) {
            (Target::Classes { count: a, .. }, Target::Classes { count: b, .. }) => a == b,
            (Target::Values(_), Target::Values(_)) => true,
            _ => false,
        };
        if !same {
            return Err(mismatch("validation and training targets are of different kinds"));
        }
        let mut truth = Targets {
            target: *target,
            weights: self.weights.clone(),
            total: x.rows as f64,
            // Labels are smoothed to train on, not to be judged by.
            shape: LossShape { smoothing: 0.0, ..self.shape },
        };
        if let (Some(weights), Target::Classes { labels, .. }) = (&truth.weights, target) {
            truth.total = labels.iter().map(|l| f64::from(weights[*l as usize])).sum();
        }
        // Weights can leave nothing of the validation rows.
        Ok(if truth.total > 0.0 { Some(truth) } else { None })
    }

    /// Raw outputs per row.
    pub(crate) fn outputs(&self) -> usize {
        match self.target {
            Target::Classes { count, .. } if count != 2 => count,
            _ => 1,
        }
    }

    pub(crate) fn is_one_class(&self) -> bool {
        match self.target {
            Target::Classes { labels, .. } => labels.iter().all(|label| *label == labels[0]),
            Target::Values(_) => false,
        }
    }

    /// What is predicted.
    pub(crate) fn task(&self) -> Task {
        match self.target {
            Target::Classes { .. } => Task::Classification,
            Target::Values(_) => Task::Regression,
        }
    }

    pub(crate) fn total(&self) -> f64 {
        self.total
    }

    pub(crate) fn target(&self) -> Target<'a> {
        self.target
    }

    /// The weight of a row.
    pub(crate) fn weight(&self, row: usize) -> f32 {
        match (&self.weights, self.target) {
            (Some(weights), Target::Classes { labels, .. }) => weights[labels[row] as usize],
            _ => 1.0,
        }
    }

    /// ∂²loss/∂z_a∂z_b of one row with raw outputs `z`, without its weight.
    pub(crate) fn curvature(&self, z: &[f32], a: usize, b: usize) -> f32 {
        match self.target {
            Target::Values(_) => 2.0,
            Target::Classes { count: 2, .. } => {
                let p = math::sigmoid(z[0]);
                p * (1.0 - p)
            }
            Target::Classes { .. } => {
                let top = z.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let total: f32 = z.iter().map(|z| math::exp(z - top)).sum();
                let p = |i: usize| math::exp(z[i] - top) / total;
                p(a) * (f32::from(u8::from(a == b)) - p(b))
            }
        }
    }

    /// About the loss of a constant prediction, and at least 1: the scale of a loss.
    pub(crate) fn constant_loss(&self) -> f64 {
        match self.target {
            Target::Classes { count, .. } => libm::log(count as f64).max(1.0),
            Target::Values(values) => {
                let squares: f64 = values.iter().map(|v| f64::from(*v).powi(2)).sum();
                (squares / values.len().max(1) as f64).max(1.0)
            }
        }
    }

    /// The weighted loss of `rows`, summed; `delta` gets the gradient of its mean over them by the
    /// logits.
    pub(crate) fn loss(&self, rows: &[u32], logits: &[f32], delta: Option<&mut [f32]>) -> f64 {
        let scale = 1.0 / rows.len() as f32;
        let weight = |row: u32| self.weight(row as usize);
        match self.target {
            Target::Values(values) => {
                let each = rows.iter().map(|row| values[*row as usize]);
                loss::values(each, logits, &self.shape, scale, delta)
            }
            Target::Classes { labels, count: 2 } => {
                let each = rows.iter().map(|row| (labels[*row as usize], weight(*row)));
                loss::logistic(each, logits, &self.shape, scale, delta)
            }
            Target::Classes { labels, count } => {
                let each = rows.iter().map(|row| (labels[*row as usize], weight(*row)));
                loss::cross_entropy(each, logits, (count, &self.shape), scale, delta)
            }
        }
    }
}

fn mismatch(text: &str) -> TrainError {
    TrainError::Mismatch(text.to_owned())
}

fn check(x: &Matrix, target: &Target) -> Result<(), TrainError> {
    if target.len() != x.rows {
        return Err(TrainError::Mismatch(format!("{} rows have {} targets", x.rows, target.len())));
    }
    match target {
        Target::Classes { count: 0 | 1, .. } => return Err(TrainError::OneClass),
        Target::Classes { labels, count } => {
            if let Some(label) = labels.iter().find(|label| **label as usize >= *count) {
                return Err(TrainError::Mismatch(format!(
                    "a row has class {label}, but there are {count} classes"
                )));
            }
        }
        Target::Values(values) => {
            if values.iter().any(|value| !value.is_finite()) {
                return Err(mismatch("a target is not a finite number"));
            }
        }
    }
    if !all_finite(&x.data) {
        return Err(mismatch("an encoded input is not a finite number"));
    }
    Ok(())
}

/// A search that ends at the first hit looks at one number at a time; blocks without an end in their middle
/// are looked at sixteen at a time, and the inputs of a fit are tens of millions of numbers.
fn all_finite(values: &[f32]) -> bool {
    let block = |block: &[f32]| block.iter().fold(true, |all, value| all & value.is_finite());
    values.chunks(4096).all(block)
}

fn scaled(labels: &[u32], count: usize, weights: &[f32]) -> Result<Vec<f32>, TrainError> {
    if weights.len() != count {
        return Err(TrainError::Mismatch(format!(
            "{count} classes have {} class weights",
            weights.len()
        )));
    }
    if weights.iter().any(|weight| !weight.is_finite() || *weight < 0.0) {
        return Err(mismatch("class weights must be finite and not negative"));
    }
    let counts = count_labels(labels, count);
    let sum: f64 = counts.iter().zip(weights).map(|(n, w)| *n as f64 * f64::from(*w)).sum();
    if sum <= 0.0 {
        return Err(mismatch("the class weights leave no weight to any training row"));
    }
    let mean = sum / labels.len() as f64;
    Ok(weights.iter().map(|weight| (f64::from(*weight) / mean) as f32).collect())
}
