//! The neural feature ansatz (NFA): alignment of a layer's weights with the AGOP at its input.
//!
//! Radhakrishnan, Beaglehole, Pandit and Belkin (2024, arXiv 2212.13881) find that the neural feature
//! matrix of a trained layer is nearly proportional to a power of the AGOP at that layer's input. With
//! the weights W of shape inputs × outputs the feature matrix is WWᵀ; the power here is ½, and "nearly
//! proportional" is the cosine of the two matrices as vectors, or their Pearson correlation over all
//! entries, which takes out a common level.
//!
//! **No root is ever formed.** With a P of inputs × rank such that PPᵀ = G^½, and d inputs,
//!
//! ```text
//! ⟨WWᵀ, G^½⟩ = ‖WᵀP‖²    ‖WWᵀ‖ = ‖WᵀW‖    ‖G^½‖ = ‖PᵀP‖    1ᵀ G^½ 1 = ‖Pᵀ1‖²
//! cosine  = ‖WᵀP‖² / (‖WᵀW‖ ‖PᵀP‖)
//! Pearson = (‖WᵀP‖² − ab/d²) / √((‖WᵀW‖² − a²/d²)(‖PᵀP‖² − b²/d²)),  a = ‖Wᵀ1‖², b = ‖Pᵀ1‖²
//! ```
//!
//! From G = EΛEᵀ, P = EΛ^¼. Where G is known through the layer, G = W K Wᵀ with K = 1/n Σ BᵀB and
//! B = ∂f/∂(pre-activation), all happens among its units: with A = W K^½, G = AAᵀ, and
//! AᵀA = USUᵀ, the non-zero eigenvalues of G are S with vectors A U S^-½, so P = A U S^-¼. That is
//! d·h² instead of d³ work, and inputs × units of memory.
//!
//! Eigenvalues below rounding, rank × ε of the largest, count as 0 in both. A fourth root would make
//! 1e-4 of 1e-16, and S^-¼ divides by it.

use collegium_records::Ansatz;
use nalgebra::{DMatrix, DVector};

/// Part of a matrix's squared norm below which its entries are all the same, and have no correlation.
const CONSTANT: f64 = 1e-12;

/// The square root of an AGOP at a layer's input, in factored form.
pub struct AgopRoot {
    /// P, inputs × rank.
    factor: DMatrix<f64>,
}

impl AgopRoot {
    /// Of a symmetric positive semi-definite matrix, inputs × inputs.
    ///
    /// `None` when it is 0 or not finite.
    ///
    /// # Panics
    /// When it is not square (a mistake of the caller, which no data can cause).
    pub fn new(agop: &DMatrix<f64>) -> Option<Self> {
        let (values, vectors) = eigen(agop)?;
        let fourth = DMatrix::from_diagonal(&values.map(|v| v.sqrt().sqrt()));
        Some(Self { factor: vectors * fourth })
    }

    /// Of W K Wᵀ, with `weight` W of inputs × units, row-major, and `sensitivity` K of units × units.
    ///
    /// `None` when it is 0 or not finite.
    ///
    /// # Panics
    /// When the shapes contradict each other (a mistake of the caller, which no data can cause).
    pub fn through(weight: &[f32], sensitivity: &DMatrix<f64>) -> Option<Self> {
        let weight = matrix(weight, sensitivity.nrows());
        let (values, vectors) = eigen(sensitivity)?;
        let a = weight * (vectors * DMatrix::from_diagonal(&values.map(f64::sqrt)));
        let (values, vectors) = eigen(&a.tr_mul(&a))?;
        let scale = DMatrix::from_diagonal(&values.map(|v| 1.0 / v.sqrt().sqrt()));
        Some(Self { factor: a * (vectors * scale) })
    }

    /// Inputs of the layer.
    pub fn inputs(&self) -> usize {
        self.factor.nrows()
    }

    /// Cosine and Pearson correlation of WWᵀ with this root, `weight` W of inputs × any, row-major.
    ///
    /// `None` when the weights are 0 or not finite, or all entries of one of the matrices are the
    /// same: a single input has nothing to compare.
    ///
    /// # Panics
    /// When the weights do not divide into the inputs (a mistake of the caller, which no data can
    /// cause).
    pub fn alignment(&self, weight: &[f32]) -> Option<(f64, f64)> {
        let inputs = self.inputs();
        assert!(weight.len().is_multiple_of(inputs), "weights for each input");
        let weight = matrix(weight, weight.len() / inputs);
        let (p, w) = (&self.factor, &weight);
        let together = w.tr_mul(p).norm_squared();
        let squares = [w.tr_mul(w).norm_squared(), p.tr_mul(p).norm_squared()];
        let sums = [w.row_sum().norm_squared(), p.row_sum().norm_squared()];
        let entries = (inputs * inputs) as f64;
        let variances = [0, 1].map(|i| squares[i] - sums[i] * sums[i] / entries);
        // Written so that NaN fails.
        if !(0..2).all(|i| squares[i] > 0.0 && variances[i] > CONSTANT * squares[i]) {
            return None;
        }
        let cosine = together / (squares[0] * squares[1]).sqrt();
        let covariance = together - sums[0] * sums[1] / entries;
        let pearson = covariance / (variances[0] * variances[1]).sqrt();
        (cosine.is_finite() && pearson.is_finite())
            .then(|| (cosine.clamp(0.0, 1.0), pearson.clamp(-1.0, 1.0)))
    }
}

/// Neural feature ansatz of one layer: `initial` and `trained` are each the weights into the layer (inputs ×
/// units, row-major) with the AGOP at its input in the same network; `began` the weights that the fit
/// began with, where they are known.
///
/// `change` is absent where `began` is, and where nothing changed. `None` where an alignment is not
/// defined; see [`AgopRoot::alignment`].
///
/// # Panics
/// When the lengths contradict each other (a mistake of the caller, which no data can cause).
pub fn ansatz(
    initial: (&[f32], &AgopRoot),
    trained: (&[f32], &AgopRoot),
    began: Option<&[f32]>,
) -> Option<Ansatz> {
    let (weight, root) = trained;
    let (cosine, pearson) = root.alignment(weight)?;
    let change = began.and_then(|began| {
        assert_eq!(began.len(), weight.len(), "the same layer before and after");
        let moved: Vec<f32> =
            weight.iter().zip(began).map(|(after, before)| after - before).collect();
        root.alignment(&moved)
    });
    Some(Ansatz {
        initial: initial.1.alignment(initial.0)?.0,
        trained: cosine,
        change: change.map(|(cosine, _)| cosine),
        pearson,
    })
}

/// Rows of the slice as rows.
fn matrix(values: &[f32], columns: usize) -> DMatrix<f64> {
    assert!(columns > 0 && values.len().is_multiple_of(columns), "whole rows of {columns}");
    let rows = values.len() / columns;
    DMatrix::from_row_iterator(rows, columns, values.iter().map(|&x| f64::from(x)))
}

/// The eigenvalues above rounding, and their vectors as columns.
fn eigen(symmetric: &DMatrix<f64>) -> Option<(DVector<f64>, DMatrix<f64>)> {
    assert!(symmetric.is_square(), "a symmetric matrix is square");
    if symmetric.is_empty() || symmetric.iter().any(|x| !x.is_finite()) {
        return None;
    }
    // Symmetric but for rounding; the eigenvalues want it exactly so.
    let eigen = ((symmetric + symmetric.transpose()) * 0.5).symmetric_eigen();
    let floor = eigen.eigenvalues.max() * symmetric.nrows() as f64 * f64::EPSILON;
    let kept: Vec<usize> =
        (0..symmetric.nrows()).filter(|&i| eigen.eigenvalues[i] > floor.max(0.0)).collect();
    (!kept.is_empty()).then(|| {
        let values = DVector::from_iterator(kept.len(), kept.iter().map(|&i| eigen.eigenvalues[i]));
        (values, eigen.eigenvectors.select_columns(&kept))
    })
}
