//! Confusion matrix and reliability diagram (calibration).

use collegium_records::{Confusion, Reliability, ReliabilityBin};

use crate::{
    ClassDecision, Classes,
    scored::{BINS, View, bin},
};

/// The class that each row is predicted as: binary (width 1 or 2) by the decision; else the first of
/// the largest probabilities. Arguments as in [`crate::classification`].
///
/// # Panics
/// When `probability` is no whole number of rows (a mistake of the caller).
pub fn predicted_labels(probability: &[f32], width: usize, decision: ClassDecision) -> Vec<u32> {
    let labels = vec![0; probability.len() / width.max(1)];
    let view = View::new(probability, width, &labels, Classes { count: width, decision });
    (0..labels.len()).map(|row| view.top(row).0).collect()
}

/// Confusion matrix: rows by true class and predicted class. `labels` and `predicted` index `classes`; a row whose
/// class the model does not know has no cell and is left out.
///
/// # Panics
/// When the slices differ in length (a mistake of the caller, which no data can cause).
pub fn confusion(labels: &[u32], predicted: &[u32], classes: &[String]) -> Confusion {
    assert_eq!(labels.len(), predicted.len(), "a prediction for each row");
    let mut counts = vec![vec![0; classes.len()]; classes.len()];
    for (&truth, &guess) in labels.iter().zip(predicted) {
        if let Some(cell) = counts
            .get_mut(truth as usize)
            .and_then(|row: &mut Vec<u64>| row.get_mut(guess as usize))
        {
            *cell += 1;
        }
    }
    Confusion { classes: classes.to_vec(), counts }
}

/// Reliability diagram: predicted against observed frequency in 15 bins of equal width: of the positive class for a
/// binary classifier, of the predicted class for more classes (DeGroot and Fienberg 1983; Guo et al.
/// 2017). Arguments as in [`crate::classification`]; bins without rows are left out.
///
/// `None` without rows or with a probability that is not finite.
///
/// # Panics
/// As [`crate::classification`].
pub fn reliability(
    probability: &[f32],
    width: usize,
    labels: &[u32],
    classes: impl Into<Classes>,
) -> Option<Reliability> {
    let view = View::new(probability, width, labels, classes);
    if labels.is_empty() || probability.iter().any(|p| !p.is_finite()) {
        return None;
    }
    let (mut sums, mut hits, mut rows) = ([0.0; BINS], [0.0; BINS], [0_u64; BINS]);
    for row in 0..labels.len() {
        let (p, hit) = view.calibrated(row);
        let bin = bin(p);
        sums[bin] += p;
        hits[bin] += f64::from(u8::from(hit));
        rows[bin] += 1;
    }
    let bins: Vec<ReliabilityBin> = (0..BINS)
        .filter(|&bin| rows[bin] > 0)
        .map(|bin| ReliabilityBin {
            predicted: sums[bin] / rows[bin] as f64,
            observed: hits[bin] / rows[bin] as f64,
            rows: rows[bin],
        })
        .collect();
    let ece = bins.iter().map(|b| b.rows as f64 * (b.predicted - b.observed).abs()).sum::<f64>()
        / labels.len() as f64;
    Some(Reliability { ece, bins })
}
