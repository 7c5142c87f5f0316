//! The directions of the AGOP, free of scale: eigenvalues of Σ^½ G Σ^½.

use nalgebra::DMatrix;

/// Eigenvalues that are reported.
const REPORTED: usize = 32;

/// Part of a column's variance below which what the columns before it leave over is rounding.
const RANK_TOLERANCE: f64 = 1e-10;

/// The eigenvalues of Σ^½ G Σ^½, largest first, at most 32, and the effective rank
/// exp(−Σ pᵢ ln pᵢ), pᵢ = λᵢ/Σλ (Roy and Vetterli 2007), over all of them; 0 for a matrix of zeros.
///
/// Σ^½ is never formed. With any L such that Σ = LLᵀ, the matrix LᵀGL has the same non-zero
/// eigenvalues (all of them are those of GΣ), and the `factor` of [`pivoted_cholesky`] is both
/// cheaper than a root and smaller: a one-hot group of k columns has rank k − 1.
pub(crate) fn spectrum(matrix: &DMatrix<f64>, factor: &DMatrix<f64>) -> (Vec<f64>, f64) {
    if factor.ncols() == 0 {
        return (Vec::new(), 0.0);
    }
    let product = factor.tr_mul(&(matrix * factor));
    // Symmetric but for rounding; the eigenvalues want it exactly so.
    let product = (&product + product.transpose()) * 0.5;
    let mut eigenvalues: Vec<f64> =
        product.symmetric_eigenvalues().iter().map(|v| v.max(0.0)).collect();
    eigenvalues.sort_by(|a, b| b.total_cmp(a));
    let rank = effective_rank(&eigenvalues);
    eigenvalues.truncate(REPORTED);
    (eigenvalues, rank)
}

fn effective_rank(eigenvalues: &[f64]) -> f64 {
    let total: f64 = eigenvalues.iter().sum();
    if total <= 0.0 {
        return 0.0;
    }
    let entropy: f64 =
        eigenvalues.iter().map(|v| v / total).filter(|p| *p > 0.0).map(|p| -p * p.ln()).sum();
    entropy.exp()
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
    use super::*;

    #[test]
    fn equal_directions_have_the_rank_of_their_number() {
        let (values, rank) =
            spectrum(&DMatrix::identity(5, 5), &pivoted_cholesky(&DMatrix::identity(5, 5)));
        assert_eq!(values, [1.0; 5]);
        assert!((rank - 5.0).abs() < 1e-12);
    }

    #[test]
    fn it_is_the_spectrum_of_the_symmetric_root() {
        let a = DMatrix::from_row_slice(3, 3, &[2., 1., 0., 0., 1., 3., 1., 1., 1.]);
        let b = DMatrix::from_row_slice(3, 3, &[1., 0., 2., 1., 1., 0., 0., 3., 1.]);
        let (g, covariance) = (&a * a.transpose(), &b * b.transpose());
        let eigen = covariance.clone().symmetric_eigen();
        let root = &eigen.eigenvectors
            * DMatrix::from_diagonal(&eigen.eigenvalues.map(f64::sqrt))
            * eigen.eigenvectors.transpose();
        let mut expected: Vec<f64> =
            (&root * &g * &root).symmetric_eigenvalues().iter().copied().collect();
        expected.sort_by(|a, b| b.total_cmp(a));
        let (found, _) = spectrum(&g, &pivoted_cholesky(&covariance));
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-9 * expected.max(1.0), "{found} {expected}");
        }
    }

    #[test]
    fn a_singular_covariance_loses_its_rank_and_nothing_else() {
        // Two one-hot columns of equal frequency and a constant one.
        let covariance =
            DMatrix::from_row_slice(3, 3, &[0.25, -0.25, 0., -0.25, 0.25, 0., 0., 0., 0.]);
        let (values, rank) = spectrum(&DMatrix::identity(3, 3), &pivoted_cholesky(&covariance));
        assert_eq!(values.len(), 1);
        assert!((values[0] - 0.5).abs() < 1e-12 && (rank - 1.0).abs() < 1e-12);
    }
}
