//! Disagreement (diversity) of experts: where they all say the same, a gate has nothing to choose.

use collegium_records::Disagreement;

/// Share of rows in which two experts predict different classes; `predicted` is rows × `experts`.
/// `None` for fewer than two experts, and without rows.
///
/// # Panics
/// When the predictions are no whole number of rows (a mistake of the caller, which no data can cause).
pub fn class_disagreement(predicted: &[u32], experts: usize) -> Option<Disagreement> {
    let rows = rows_of(predicted.len(), experts)?;
    let sums = sums(predicted, experts, |a, b| f64::from(u8::from(a != b)));
    Some(disagreement("different_labels", experts, sums, |sum| sum / rows as f64))
}

/// Root mean square difference of two experts over the standard deviation of the target (dividing by
/// n, as R² does): 1 is as far as rows are from their mean. `predicted` is rows × `experts`.
/// `None` for fewer than two experts, without rows, where the target is constant, and where a number is
/// not finite.
///
/// # Panics
/// When the slices do not fit each other (a mistake of the caller, which no data can cause).
pub fn value_disagreement(
    predicted: &[f32],
    truth: &[f64],
    experts: usize,
) -> Option<Disagreement> {
    assert_eq!(predicted.len(), truth.len() * experts, "a prediction for each row and expert");
    let rows = rows_of(predicted.len(), experts)? as f64;
    let finite = predicted.iter().all(|p| p.is_finite()) && truth.iter().all(|t| t.is_finite());
    if !finite || truth.iter().all(|&t| t == truth[0]) {
        return None;
    }
    let mean = truth.iter().sum::<f64>() / rows;
    let variance = truth.iter().map(|t| (t - mean).powi(2)).sum::<f64>() / rows;
    // Of values too large or too close for their squares.
    if !(variance.is_finite() && variance > 0.0) {
        return None;
    }
    let sums = sums(predicted, experts, |a, b| (f64::from(a) - f64::from(b)).powi(2));
    Some(disagreement("relative_rms", experts, sums, |sum| (sum / rows / variance).sqrt()))
}

fn rows_of(length: usize, experts: usize) -> Option<usize> {
    assert!(length.is_multiple_of(experts), "whole rows of predictions");
    (experts > 1 && length > 0).then(|| length / experts)
}

/// Σ over rows for each pair i < j, K × K.
fn sums<T: Copy>(predicted: &[T], experts: usize, apart: impl Fn(T, T) -> f64) -> Vec<f64> {
    let mut sums = vec![0.0; experts * experts];
    for row in predicted.chunks_exact(experts) {
        for i in 0..experts {
            for j in i + 1..experts {
                sums[i * experts + j] += apart(row[i], row[j]);
            }
        }
    }
    sums
}

fn disagreement(
    measure: &str,
    experts: usize,
    sums: Vec<f64>,
    figure: impl Fn(f64) -> f64,
) -> Disagreement {
    let mut matrix = vec![vec![0.0; experts]; experts];
    let mut total = 0.0;
    for i in 0..experts {
        for j in i + 1..experts {
            let apart = figure(sums[i * experts + j]);
            matrix[i][j] = apart;
            matrix[j][i] = apart;
            total += apart;
        }
    }
    let pairs = experts * (experts - 1) / 2;
    Disagreement { measure: measure.to_owned(), matrix, mean: total / pairs as f64 }
}
