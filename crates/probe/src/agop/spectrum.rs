//! Spectrum of the AGOP, free of scale: eigenvalues and directions of Σ^½ G Σ^½.
//!
//! Σ^½ is never formed. Write G = A Aᵀ with any A (width × r). Then Σ^½GΣ^½ and AᵀΣA have the same
//! eigenvalues but for zeros, and with q_j the eigenvectors of the latter the covectors a_j = A q_j
//! satisfy G = Σ_j a_j a_jᵀ and a_jᵀ Σ a_k = λ_j δ_jk: each is a linear function of the inputs, they
//! do not correlate on the probed rows, and λ_j is the variance of the j-th. For a linear expert there
//! is one, and it is the expert.
//!
//! Where gradients were summed behind the first layer, G = W K Wᵀ, everything happens among its units:
//! A = W F with K = F Fᵀ, and AᵀΣA = Fᵀ cov(xW) F. The width of the input then costs one product.

use nalgebra::{DMatrix, SymmetricEigen};

use super::{Gathered, Geometry};

/// Eigenvalues that are reported.
const REPORTED: usize = 32;

/// Directions that are kept.
const DIRECTIONS: usize = 10;

/// Part of a column's variance below which what the columns before it leave over is rounding.
const RANK_TOLERANCE: f64 = 1e-10;

/// The spectrum of one network.
pub struct Spectrum {
    /// Largest first, all of them.
    pub eigenvalues: Vec<f64>,
    /// a_j of the first, width × k.
    pub covectors: DMatrix<f64>,
    /// The probed rows along them, each of length 1: rows × k, orthonormal. Two networks' principal
    /// angles between these are those between their functions of the inputs.
    pub basis: DMatrix<f64>,
}

impl Spectrum {
    /// Of what was gathered on the rows of a geometry.
    pub fn new(geometry: &Geometry, gathered: &Gathered) -> Self {
        let lifted = gathered.lift.as_ref().map(|lift| {
            let narrow = DMatrix::from_row_slice(geometry.width(), lift.units, &lift.weight);
            narrow.map(f64::from)
        });
        let (lift, gram, spread) = match lifted {
            None => (None, gathered.gram.clone(), geometry.covariance()),
            Some(weight) if weight.ncols() <= weight.nrows() => {
                let spread = geometry.spread(&weight);
                (Some(weight), gathered.gram.clone(), spread)
            }
            // More units than inputs: the inputs are the smaller side.
            Some(weight) => {
                let gram = &weight * &gathered.gram * weight.transpose();
                (None, gram, geometry.covariance())
            }
        };
        let factor = pivoted_cholesky(&gram);
        if factor.ncols() == 0 {
            let (width, rows) = (geometry.width(), geometry.rows());
            let (covectors, basis) = (DMatrix::zeros(width, 0), DMatrix::zeros(rows, 0));
            return Self { eigenvalues: Vec::new(), covectors, basis };
        }
        let covectors = match lift {
            Some(weight) => weight * &factor,
            None => factor.clone(),
        };
        let product = factor.tr_mul(&(spread * &factor));
        // Symmetric but for rounding; the eigenvalues want it exactly so.
        let product = (&product + product.transpose()) * 0.5;
        let eigen = SymmetricEigen::new(product);
        let mut order: Vec<usize> = (0..eigen.eigenvalues.len()).collect();
        order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
        let eigenvalues: Vec<f64> = order.iter().map(|&i| eigen.eigenvalues[i].max(0.0)).collect();
        // Directions beyond the rank are rounding.
        let least = eigenvalues.first().copied().unwrap_or(0.0) * 1e-9;
        let kept = eigenvalues.iter().take(DIRECTIONS).take_while(|v| **v > least).count();
        let turned = eigen.eigenvectors.select_columns(&order[..kept]);
        let covectors = covectors * turned;
        let mut basis = geometry.along(&covectors);
        for mut column in basis.column_iter_mut() {
            let length = column.norm();
            if length > 0.0 {
                column /= length;
            }
        }
        Self { eigenvalues, covectors, basis }
    }

    /// The first of the eigenvalues, for a record.
    pub fn reported(&self) -> Vec<f64> {
        self.eigenvalues[..REPORTED.min(self.eigenvalues.len())].to_vec()
    }

    /// Effective rank: exp(−Σ pᵢ ln pᵢ), pᵢ = λᵢ/Σλ (Roy and Vetterli 2007); 0 for a matrix of zeros.
    pub fn effective_rank(&self) -> f64 {
        rank_of(self.eigenvalues.iter().copied())
    }

    /// Participation ratio: (Σλ)² / Σλ²; 0 for a matrix of zeros.
    pub fn participation(&self) -> f64 {
        let total: f64 = self.eigenvalues.iter().sum();
        let squares: f64 = self.eigenvalues.iter().map(|v| v * v).sum();
        if squares > 0.0 { total * total / squares } else { 0.0 }
    }
}

/// Effective rank of W K Wᵀ itself, for places whose coordinates share a unit (a layer's units): `weight`
/// is inputs × units, row-major, the gram units × units.
///
/// # Panics
/// When the shapes contradict each other (a mistake of the caller, which no data can cause).
pub fn hidden_rank(weight: &[f32], gram: &DMatrix<f64>) -> f64 {
    let units = gram.nrows();
    let weight = DMatrix::from_row_slice(weight.len() / units, units, weight).map(f64::from);
    let factor = pivoted_cholesky(gram);
    if factor.ncols() == 0 {
        return 0.0;
    }
    let product = match weight.nrows() < factor.ncols() {
        true => &weight * gram * weight.transpose(),
        false => {
            let half = weight * factor;
            half.tr_mul(&half)
        }
    };
    let product = (&product + product.transpose()) * 0.5;
    rank_of(product.symmetric_eigenvalues().iter().map(|v| v.max(0.0)))
}

/// exp(−Σ pᵢ ln pᵢ), pᵢ = λᵢ/Σλ (Roy and Vetterli 2007); 0 where all are 0.
pub(crate) fn rank_of(eigenvalues: impl Iterator<Item = f64> + Clone) -> f64 {
    let total: f64 = eigenvalues.clone().sum();
    if total <= 0.0 {
        return 0.0;
    }
    eigenvalues.map(|v| v / total).filter(|p| *p > 0.0).map(|p| -p * p.ln()).sum::<f64>().exp()
}

/// L (d × rank) with LLᵀ = Σ. Pivots are chosen on the correlation matrix, so that the rank does
/// not depend on the columns' units; constant columns fall out.
pub(crate) fn pivoted_cholesky(covariance: &DMatrix<f64>) -> DMatrix<f64> {
    let width = covariance.nrows();
    let deviation: Vec<f64> = covariance.diagonal().iter().map(|v| v.max(0.0).sqrt()).collect();
    let mut left: Vec<f64> = deviation.iter().map(|d| f64::from(u8::from(*d > 0.0))).collect();
    let mut factor = DMatrix::<f64>::zeros(width, width);
    let mut rank = 0;
    while rank < width {
        // The first of the largest, for one order on every machine.
        let pivot = (0..width).fold(0, |best, i| if left[i] > left[best] { i } else { best });
        if left[pivot] <= RANK_TOLERANCE {
            break;
        }
        let scale = left[pivot].sqrt();
        let known = factor.columns(0, rank) * factor.row(pivot).columns(0, rank).transpose();
        for i in 0..width {
            let correlation = if deviation[i] > 0.0 {
                covariance[(i, pivot)] / (deviation[i] * deviation[pivot])
            } else {
                0.0
            };
            let value = (correlation - known[i]) / scale;
            factor[(i, rank)] = value;
            left[i] -= value * value;
        }
        left[pivot] = 0.0;
        rank += 1;
    }
    let mut factor = factor.columns(0, rank).into_owned();
    for (mut row, deviation) in factor.row_iter_mut().zip(&deviation) {
        row *= *deviation;
    }
    factor
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::agop::Lift;

    fn matrix(rows: usize, columns: usize, seed: u64) -> DMatrix<f64> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        DMatrix::from_fn(rows, columns, |_, _| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Few bits, so that both sides' 32-bit weights are exact.
            f64::from((state >> 56) as i8) / 64.0
        })
    }

    fn gathered(gram: DMatrix<f64>, lift: Option<Lift>) -> Gathered {
        Gathered {
            outputs: 1,
            gram,
            lift,
            contributions: Vec::new(),
            by_output: Vec::new(),
            by_column: Vec::new(),
            projected: None,
        }
    }

    fn geometry(rows: usize, width: usize, seed: u64) -> Geometry {
        let x: Vec<f32> = matrix(rows, width, seed).iter().map(|v| *v as f32).collect();
        Geometry::new(&x, width, &(0..width).map(|i| i..i + 1).collect::<Vec<_>>()).expect("fits")
    }

    #[test]
    fn it_is_the_spectrum_of_the_symmetric_root() {
        let geometry = geometry(40, 5, 3);
        let a = matrix(5, 5, 7);
        let g = &a * a.transpose();
        let eigen = geometry.covariance().symmetric_eigen();
        let root = &eigen.eigenvectors
            * DMatrix::from_diagonal(&eigen.eigenvalues.map(f64::sqrt))
            * eigen.eigenvectors.transpose();
        let mut expected: Vec<f64> =
            (&root * &g * &root).symmetric_eigenvalues().iter().copied().collect();
        expected.sort_by(|a, b| b.total_cmp(a));
        let found = Spectrum::new(&geometry, &gathered(g.clone(), None));
        for (found, expected) in found.eigenvalues.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-9 * expected.max(1.0), "{found} {expected}");
        }
        // The covectors make up G, and do not correlate.
        let again = &found.covectors * found.covectors.transpose();
        assert!((again - g).norm() < 1e-8);
        let moments = found.covectors.tr_mul(&(geometry.covariance() * &found.covectors));
        for (i, value) in found.eigenvalues.iter().enumerate() {
            for j in 0..moments.ncols() {
                let expected = if i == j { *value } else { 0.0 };
                assert!((moments[(i, j)] - expected).abs() < 1e-8);
            }
        }
        let identity = found.basis.tr_mul(&found.basis);
        assert!((identity - DMatrix::identity(5, 5)).norm() < 1e-8);
    }

    #[test]
    fn a_singular_covariance_loses_its_rank_and_nothing_else() {
        // Two one-hot columns of equal frequency and a constant one.
        let covariance =
            DMatrix::from_row_slice(3, 3, &[0.25, -0.25, 0., -0.25, 0.25, 0., 0., 0., 0.]);
        let factor = pivoted_cholesky(&covariance);
        assert_eq!(factor.ncols(), 1);
        assert!((&factor * factor.transpose() - covariance).norm() < 1e-12);
    }

    proptest! {
        #[test]
        fn gradients_behind_the_first_layer_have_the_same_spectrum(
            seed in any::<u64>(), width in 1usize..7, units in 1usize..7,
        ) {
            let geometry = geometry(30, width, seed);
            let weight = matrix(width, units, seed ^ 1);
            let b = matrix(50, units, seed ^ 2);
            let k = b.tr_mul(&b) / 50.0;
            let g = &weight * &k * weight.transpose();
            let narrow = weight.transpose().iter().map(|v| *v as f32).collect();
            let behind = Spectrum::new(&geometry, &gathered(k, Some(Lift { weight: narrow, units })));
            let plain = Spectrum::new(&geometry, &gathered(g, None));
            // Gradients of next to nothing have no direction at all.
            let scale = plain.eigenvalues.first().copied().unwrap_or_default().max(1e-9);
            for i in 0..plain.eigenvalues.len().min(behind.eigenvalues.len()) {
                prop_assert!((plain.eigenvalues[i] - behind.eigenvalues[i]).abs() < 1e-6 * scale);
            }
            prop_assert!((plain.effective_rank() - behind.effective_rank()).abs() < 1e-4);
        }
    }
}
