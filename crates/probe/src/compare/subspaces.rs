//! Subspace similarity: principal angles between the leading directions of two networks.
//!
//! Single eigenvectors are no good to compare: inside near-equal eigenvalues they rotate freely, and
//! a second seed may find the third of the first. The space that the first k span does not rotate,
//! if k is where the spectrum falls.

use nalgebra::DMatrix;

/// Directions that are compared at most.
const MOST: usize = 10;

/// Share of the trace that the leading directions must hold before a gap is looked for, and the one
/// after which what follows is noise.
const ENOUGH: f64 = 0.5;
const ALL: f64 = 0.99;

/// How many leading directions to compare: the k with the largest ratio λ_k/λ_{k+1} (the least such
/// k), for eigenvalues sorted from the largest.
///
/// Looked for from the first k whose eigenvalues hold half the trace to the first that hold 99 %, at
/// most 10, at least 1. Below a half, most of what the network looks at would be left out; beyond
/// 99 %, ratios are between one rounding and the next. For the same reason λ_{k+1} counts as no less
/// than the 1 % that may be missing, so a fall from .4 to 1e-9 is 40 and not 4e8.
pub fn spectral_gap(eigenvalues: &[f64]) -> usize {
    let value = |i: usize| eigenvalues.get(i).copied().filter(|v| *v > 0.0).unwrap_or(0.0);
    let count = eigenvalues.len();
    let total: f64 = (0..count).map(value).sum();
    let first_with = |share: f64| {
        let mut sum = 0.0;
        let found = (0..count).position(|i| {
            sum += value(i);
            sum >= share * total
        });
        found.map_or(1, |i| i + 1).clamp(1, MOST)
    };
    let ratio = |k: usize| value(k - 1) / value(k).max((1.0 - ALL) * total);
    let (from, to) = (first_with(ENOUGH), first_with(ALL));
    (from..=to).fold(from, |best, k| if ratio(k) > ratio(best) { k } else { best })
}

/// Similarity of two subspaces.
#[derive(Debug, Clone, PartialEq)]
pub struct Subspaces {
    /// 1/k Σ cos² of the principal angles: 1 for the same space, 0 for orthogonal ones. Two random
    /// spaces of dimension k in d have k/d on average.
    pub overlap: f64,
    /// Principal angles in degrees, least first.
    pub angles: Vec<f64>,
}

/// Principal angles between the spaces that the orthonormal columns of `a` and `b` span, both of d
/// rows (Björck and Golub 1973).
///
/// The singular values of AᵀB are the cosines. A cosine does not resolve an angle below √ε, about
/// 1e-6 degrees, so angles below 45 degrees are taken from the sines, the singular values of
/// B − A(AᵀB). With unequal dimensions the smaller is k.
///
/// `None` when one has no column, or something is not finite.
///
/// # Panics
/// When the rows differ in number (a mistake of the caller, which no data can cause).
pub fn subspaces(a: &DMatrix<f64>, b: &DMatrix<f64>) -> Option<Subspaces> {
    assert_eq!(a.nrows(), b.nrows(), "directions over the same columns");
    // Each direction of the smaller space has an angle to the larger one.
    let (a, b) = if a.ncols() < b.ncols() { (b, a) } else { (a, b) };
    if b.is_empty() || a.iter().chain(b).any(|x| !x.is_finite()) {
        return None;
    }
    let products = a.tr_mul(b);
    let sorted = |matrix: DMatrix<f64>| {
        let mut values: Vec<f64> =
            matrix.singular_values().iter().map(|v| v.clamp(0.0, 1.0)).collect();
        values.sort_by(|x, y| y.total_cmp(x));
        values
    };
    let sines = sorted(b - a * &products);
    let overlap = products.norm_squared() / b.ncols() as f64;
    // The largest cosine belongs to the least sine.
    let angles = sorted(products)
        .into_iter()
        .zip(sines.into_iter().rev())
        .map(|(cos, sin)| if 2.0 * cos * cos >= 1.0 { sin.asin() } else { cos.acos() })
        .map(f64::to_degrees)
        .collect();
    Some(Subspaces { overlap: overlap.clamp(0.0, 1.0), angles })
}
