//! Recalibration: what predictions are worth once their confidence and level are corrected on other rows.
//!
//! An expert may rank rows well and be too sure of itself: then a few rows cost more log loss than a
//! constant would, and a correction of one number removes that. The logit of class k becomes
//!
//! z_k = β · ln(p_k / π_k) + ln π_k + b_k
//!
//! with the shares π of the training rows. β = 1, b = 0 is the expert, β = 0 a constant, and 1/β a
//! temperature. For two classes this is Platt's scaling (1999), without shifts temperature scaling
//! (Guo et al. 2017). Shifts b are fitted for at most [`MOST_SHIFTS`] classes: more of them are more than
//! validation rows can tell. Of more classes ln π is multiplied by one fitted number γ instead: shares of so many
//! classes are of few training rows each, and a constant that believes them loses to one that does not
//! (γ = 0, all classes alike) where there is nothing to learn. A weak prior (standard deviation 1 around β = 1 and b = 0) keeps few rows
//! from going to an end. β below 0 would turn the ranking over, and is taken for 0.
//!
//! Numbers are corrected by a straight line: truth on prediction, by least squares.

use nalgebra::{DMatrix, DVector};

use crate::scored::View;

/// Classes for which shifts are fitted, at most.
pub const MOST_SHIFTS: usize = 10;

/// Fewer rows than this correct nothing.
pub const LEAST_CALIBRATION: usize = 10;

/// Newton's steps at most; a handful is enough, since the loss is convex.
const STEPS: usize = 50;

/// Smallest share or probability that a logarithm is taken of.
const CLIP: f64 = 1e-7;

/// A correction of class probabilities.
#[derive(Debug, Clone, PartialEq)]
pub struct Recalibrated {
    /// What the logits, less those of the shares, are multiplied by.
    pub slope: f64,
    /// Added to each class's logit; empty for many classes.
    pub shifts: Vec<f64>,
    /// ln π as the expert was trained.
    trained: Vec<f64>,
    /// ln π of the rows.
    shares: Vec<f64>,
}

impl Recalibrated {
    /// The correction of an expert, and of the constant that it is compared with (β = 0), on the same rows.
    /// `shares` are the classes' in the training rows; `trained` the same as the expert was trained on
    /// them, where classes have weights. `None` with too few rows or with a probability that is no number.
    ///
    /// # Panics
    /// As [`crate::classification`], and if there is not a share for each class.
    pub fn fit(
        probability: &[f32],
        width: usize,
        labels: &[u32],
        classes: usize,
        [trained, shares]: [&[f64]; 2],
    ) -> Option<[Self; 2]> {
        assert_eq!((trained.len(), shares.len()), (classes, classes), "a share for each class");
        let view = View::new(probability, width, labels, classes);
        if labels.len() < LEAST_CALIBRATION || probability.iter().any(|p| !p.is_finite()) {
            return None;
        }
        let logs = |shares: &[f64]| {
            let total: f64 = shares.iter().sum();
            shares.iter().map(|share| (share / total).max(CLIP).ln()).collect::<Vec<f64>>()
        };
        let few = classes <= MOST_SHIFTS;
        let own = logs(shares);
        let start = Self {
            slope: 1.0,
            shifts: vec![0.0; if few { classes } else { 0 }],
            trained: logs(trained),
            shares: if few { own } else { tempered(own, labels) },
        };
        let trained = start.trained.clone();
        let view = Evidence::new(view, &trained);
        let constant = Self { slope: 0.0, ..start.clone() }.fitted(&view, false);
        let expert = start.fitted(&view, true);
        let expert = if expert.slope < 0.0 { constant.clone() } else { expert };
        Some([expert, constant])
    }

    /// Each row's log loss after the correction.
    ///
    /// # Panics
    /// As [`crate::classification`], of other classes than it was fitted for.
    pub fn losses(&self, probability: &[f32], width: usize, labels: &[u32]) -> Vec<f64> {
        let view = View::new(probability, width, labels, self.trained.len());
        let mut logits = vec![0.0; self.trained.len()];
        let mut evidence = logits.clone();
        let of_row = |row: usize| {
            evidence_of(&view, row, &self.trained, &mut evidence);
            self.logits(&evidence, &mut logits);
            let label = labels[row] as usize;
            logits.get(label).map_or(f64::NAN, |own| log_sum(&logits) - own)
        };
        (0..labels.len()).map(of_row).collect()
    }

    /// The corrected logit of each class, from its ln(p/π).
    fn logits(&self, evidence: &[f64], logits: &mut [f64]) {
        for (class, x) in evidence.iter().enumerate() {
            let shift = self.shifts.get(class).copied().unwrap_or(0.0);
            logits[class] = self.slope * *x + self.shares[class] + shift;
        }
    }

    /// Newton's method on the penalised log loss; without `sloped` the slope stays.
    fn fitted(mut self, view: &Evidence, sloped: bool) -> Self {
        // Of many classes a constant has nothing to fit.
        if !sloped && self.shifts.is_empty() {
            return self;
        }
        let mut loss = self.objective(view, sloped);
        for _ in 0..STEPS {
            let Some(step) = self.step(view, sloped) else { break };
            let mut length = 1.0;
            let moved = loop {
                let mut next = self.clone();
                next.slope += length * step[0];
                for (shift, by) in next.shifts.iter_mut().zip(step.iter().skip(1)) {
                    *shift += length * by;
                }
                let there = next.objective(view, sloped);
                if there < loss {
                    let gained = loss - there;
                    (self, loss) = (next, there);
                    break gained > 1e-10 * (1.0 + loss);
                }
                length *= 0.5;
                if length < 1e-6 {
                    break false;
                }
            };
            if !moved {
                break;
            }
        }
        self
    }

    fn objective(&self, view: &Evidence, sloped: bool) -> f64 {
        let mut logits = vec![0.0; self.trained.len()];
        let mut loss = 0.5 * self.shifts.iter().map(|b| b * b).sum::<f64>();
        if sloped {
            loss += 0.5 * (self.slope - 1.0).powi(2);
        }
        view.each(|label, evidence| {
            self.logits(evidence, &mut logits);
            if let Some(own) = logits.get(label as usize) {
                loss += log_sum(&logits) - own;
            }
        });
        loss
    }

    /// Newton's step: of the slope, then of each shift.
    fn step(&self, view: &Evidence, sloped: bool) -> Option<DVector<f64>> {
        let (classes, size) = (self.trained.len(), 1 + self.shifts.len());
        let mut logits = vec![0.0; classes];
        let mut gradient = DVector::zeros(size);
        let mut hessian = DMatrix::identity(size, size);
        for (at, shift) in self.shifts.iter().enumerate() {
            gradient[1 + at] = *shift;
        }
        gradient[0] = self.slope - 1.0;
        view.each(|label, evidence| {
            self.logits(evidence, &mut logits);
            let Some(own) = evidence.get(label as usize).copied() else { return };
            let total = log_sum(&logits);
            logits.iter_mut().for_each(|z| *z = (*z - total).exp());
            let mean: f64 = logits.iter().zip(evidence).map(|(p, x)| p * x).sum();
            gradient[0] += mean - own;
            hessian[(0, 0)] +=
                logits.iter().zip(evidence).map(|(p, x)| p * (x - mean).powi(2)).sum::<f64>();
            for k in 1..size {
                let p = logits[k - 1];
                gradient[k] += p - f64::from(u8::from(label as usize == k - 1));
                hessian[(k, 0)] += p * (evidence[k - 1] - mean);
                for l in 1..=k {
                    let same = if k == l { p } else { 0.0 };
                    hessian[(k, l)] += same - p * logits[l - 1];
                }
            }
        });
        if !sloped {
            gradient[0] = 0.0;
            hessian.column_mut(0).fill(0.0);
            hessian[(0, 0)] = 1.0;
        }
        // Only the lower triangle is read.
        Some(-hessian.cholesky()?.solve(&gradient))
    }
}

/// Numbers of ln(p/π) that are kept, at most (64 MiB); of more each is taken again whenever it is asked for.
const MOST_KEPT: usize = 8 << 20;

/// ln(p/π) of each row and class, which no step of a fit changes.
struct Evidence<'a> {
    view: View<'a>,
    trained: &'a [f64],
    /// Of all rows, where they are not too many.
    kept: Option<Vec<f64>>,
}

impl<'a> Evidence<'a> {
    fn new(view: View<'a>, trained: &'a [f64]) -> Self {
        let (rows, classes) = (view.labels.len(), trained.len());
        let kept = (rows * classes <= MOST_KEPT).then(|| {
            let mut all = vec![0.0; rows * classes];
            for (row, evidence) in all.chunks_exact_mut(classes.max(1)).enumerate() {
                evidence_of(&view, row, trained, evidence);
            }
            all
        });
        Self { view, trained, kept }
    }

    /// The label of every row, and its evidence by class.
    fn each(&self, mut of_row: impl FnMut(u32, &[f64])) {
        let classes = self.trained.len();
        let mut evidence = vec![0.0; classes];
        for (row, &label) in self.view.labels.iter().enumerate() {
            match &self.kept {
                Some(all) => of_row(label, &all[row * classes..(row + 1) * classes]),
                None => {
                    evidence_of(&self.view, row, self.trained, &mut evidence);
                    of_row(label, &evidence);
                }
            }
        }
    }
}

/// ln(p/π) of each class in a row.
fn evidence_of(view: &View, row: usize, trained: &[f64], evidence: &mut [f64]) {
    for (class, x) in evidence.iter_mut().enumerate() {
        let p = match (view.is_binary(), class) {
            (true, 0) => 1.0 - f64::from(view.positive(row)),
            (true, _) => f64::from(view.positive(row)),
            (false, class) => f64::from(view.row(row)[class]),
        };
        *x = p.clamp(CLIP, 1.0 - CLIP).ln() - trained[class];
    }
}

/// Logits γ · ln π of a constant, with the γ from 0 to 2 of the least log loss on rows, penalised as the slope is.
fn tempered(shares: Vec<f64>, labels: &[u32]) -> Vec<f64> {
    let own: Vec<f64> = labels.iter().filter_map(|y| shares.get(*y as usize).copied()).collect();
    let sum: f64 = own.iter().sum();
    // The derivative of a convex loss: it rises with γ.
    let derivative = |gamma: f64| {
        let logits: Vec<f64> = shares.iter().map(|share| gamma * share).collect();
        let total = log_sum(&logits);
        let mean: f64 = logits.iter().zip(&shares).map(|(z, x)| (z - total).exp() * x).sum();
        own.len() as f64 * mean - sum + gamma - 1.0
    };
    let (mut low, mut high) = (0.0, 2.0);
    for _ in 0..STEPS {
        let middle = 0.5 * (low + high);
        match derivative(middle) > 0.0 {
            true => high = middle,
            false => low = middle,
        }
    }
    shares.into_iter().map(|share| low * share).collect()
}

/// ln Σ exp.
fn log_sum(logits: &[f64]) -> f64 {
    let most = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    most + logits.iter().map(|z| (z - most).exp()).sum::<f64>().ln()
}

/// The straight line of truth on prediction by least squares, as slope and shift, and the mean of the truth, which
/// is the line of slope 0. A slope below 0 is taken for 0. `None` with too few rows.
///
/// # Panics
/// When the slices differ in length (a mistake of the caller, which no data can cause).
pub fn line(predicted: &[f32], truth: &[f64]) -> Option<([f64; 2], f64)> {
    assert_eq!(predicted.len(), truth.len(), "a prediction for each row");
    let rows = truth.len();
    if rows < LEAST_CALIBRATION || predicted.iter().any(|p| !p.is_finite()) {
        return None;
    }
    let mean = |sum: f64| sum / rows as f64;
    let x = mean(predicted.iter().map(|p| f64::from(*p)).sum());
    let y = mean(truth.iter().sum());
    let (mut both, mut square) = (0.0, 0.0);
    for (p, t) in predicted.iter().zip(truth) {
        let p = f64::from(*p) - x;
        both += p * (t - y);
        square += p * p;
    }
    let slope = if square > 0.0 { (both / square).max(0.0) } else { 0.0 };
    Some(([slope, y - slope * x], y))
}
