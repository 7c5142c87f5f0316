//! Effective rank of a layer's activations, and dead units.

use nalgebra::DMatrix;

use crate::agop::rank_of;

/// Rows that are turned into a matrix at a time.
const CHUNK: usize = 256;

/// Effective rank: exp of the entropy of the normalised eigenvalues (Roy and Vetterli 2007) of the covariance of
/// `rows × units` activations, row-major: h for h equal directions, 1 for one, 0 where all rows are
/// the same.
///
/// The eigenvalues are those of XXᵀ or XᵀX, X the centred rows, whichever is smaller; the activations
/// are never copied as a whole unless there are fewer rows than units.
///
/// `None` below two rows, or when an activation is not finite.
///
/// # Panics
/// When the activations are not whole rows (a mistake of the caller, which no data can cause).
pub fn effective_rank(activations: &[f32], units: usize) -> Option<f64> {
    assert!(units > 0 && activations.len().is_multiple_of(units), "whole rows of {units}");
    let rows = activations.len() / units;
    if rows < 2 || activations.iter().any(|x| !x.is_finite()) {
        return None;
    }
    // From the first row on, so that a unit that never changes is exactly 0.
    let first = &activations[..units];
    let from_first = |(i, &x): (usize, &f32)| f64::from(x) - f64::from(first[i % units]);
    let mut mean = vec![0.0; units];
    for row in activations.chunks_exact(units) {
        for (sum, x) in mean.iter_mut().zip(row.iter().enumerate().map(from_first)) {
            *sum += x;
        }
    }
    mean.iter_mut().for_each(|sum| *sum /= rows as f64);
    // A row of the activations is a column here, so that the copy is contiguous.
    let centred = |chunk: &[f32]| {
        let values = chunk.iter().enumerate().map(|at| from_first(at) - mean[at.0 % units]);
        DMatrix::from_iterator(units, chunk.len() / units, values)
    };
    let gram = if rows < units {
        let x = centred(activations);
        x.tr_mul(&x)
    } else {
        let mut gram = DMatrix::<f64>::zeros(units, units);
        for chunk in activations.chunks(CHUNK * units) {
            let x = centred(chunk);
            gram.gemm(1.0, &x, &x.transpose(), 1.0);
        }
        gram
    };
    let eigenvalues = ((&gram + gram.transpose()) * 0.5).symmetric_eigenvalues();
    Some(rank_of(eigenvalues.iter().map(|v| v.max(0.0))))
}

/// Dead units: 0 on every row of `rows × units` activations, row-major, as those of a rectifier that
/// no row reaches. Without rows nothing is known, and none is called dead.
///
/// # Panics
/// When the activations are not whole rows (a mistake of the caller, which no data can cause).
pub fn dead_units(activations: &[f32], units: usize) -> u32 {
    assert!(units > 0 && activations.len().is_multiple_of(units), "whole rows of {units}");
    if activations.is_empty() {
        return 0;
    }
    let mut alive = vec![false; units];
    for row in activations.chunks_exact(units) {
        for (alive, &x) in alive.iter_mut().zip(row) {
            *alive |= x != 0.0;
        }
    }
    alive.iter().map(|alive| u32::from(!alive)).sum()
}
