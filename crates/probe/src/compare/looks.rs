//! Reference lines of a comparison: how far importances agree when nothing but chance differs.

use collegium_records::Agreement;
use nalgebra::DMatrix;

use super::{importance, subspaces::subspaces};

/// The importances of one network on some rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// Share of each declared input; all looks that are compared have the same inputs in one order.
    pub shares: Vec<f64>,
    /// Leading eigenvectors of Σ^½GΣ^½, largest first: orthonormal columns over the encoded columns.
    pub basis: DMatrix<f64>,
    /// Does the network beat a constant? If not, its importances are those of its initial weights.
    pub skilled: bool,
}

/// How similar two sets of importances are.
pub(super) struct Pair {
    pub(super) cosine: f64,
    pub(super) spearman: f64,
    pub(super) overlap: f64,
    pub(super) angles: Vec<f64>,
}

impl Look {
    /// Compares importances and the first `k` directions, or as many as both have. `None` where one
    /// looks at nothing.
    pub(super) fn beside(&self, other: &Self, k: usize) -> Option<Pair> {
        let k = k.min(self.basis.ncols()).min(other.basis.ncols());
        let first = |look: &Self| look.basis.columns(0, k).into_owned();
        let spaces = subspaces(&first(self), &first(other))?;
        let (a, b) = (&self.shares, &other.shares);
        Some(Pair {
            cosine: importance::cosine(a, b)?,
            spearman: importance::spearman(a, b).unwrap_or_else(|| unranked(a, b)),
            overlap: spaces.overlap,
            angles: spaces.angles,
        })
    }
}

/// Where one of two ranks nothing: they agree if neither does (a single input never does).
fn unranked(a: &[f64], b: &[f64]) -> f64 {
    let flat = |values: &[f64]| values.iter().all(|v| *v == values[0]);
    f64::from(u8::from(flat(a) && flat(b)))
}

/// The least agreement among all pairs of looks: networks of other seeds, on the same rows. `k` is
/// that of the comparison which this is a reference for.
///
/// `None` with fewer than two looks, or where one looks at nothing.
///
/// # Panics
/// When the looks differ in inputs or columns (a mistake of the caller, which no data can cause).
pub fn agreement(looks: &[Look], k: usize) -> Option<Agreement> {
    let pairs =
        looks.iter().enumerate().flat_map(|(i, a)| looks[i + 1..].iter().map(move |b| (a, b)));
    let least = least(pairs, k)?;
    Some(Agreement { of: u32::try_from(looks.len()).unwrap_or(u32::MAX), ..least })
}

/// The least agreement among these pairs alone: the two halves of one or several divisions of the
/// rows, where halves of different divisions share rows and prove nothing.
///
/// Several divisions are better than one. How far two halves are apart is itself a draw, and with
/// three inputs one in twenty is 19 times as far (in squared distance) as another.
///
/// `None` without pairs, or where one looks at nothing.
///
/// # Panics
/// As [`agreement`].
pub fn agreement_of_pairs(pairs: &[(Look, Look)], k: usize) -> Option<Agreement> {
    least(pairs.iter().map(|(a, b)| (a, b)), k)
}

fn least<'a>(pairs: impl Iterator<Item = (&'a Look, &'a Look)>, k: usize) -> Option<Agreement> {
    let mut least: Option<Agreement> = None;
    for (a, b) in pairs {
        let pair = a.beside(b, k)?;
        let so_far = least.unwrap_or(Agreement { of: 0, cosine: 1.0, spearman: 1.0, overlap: 1.0 });
        least = Some(Agreement {
            of: so_far.of.saturating_add(2),
            cosine: so_far.cosine.min(pair.cosine),
            spearman: so_far.spearman.min(pair.spearman),
            overlap: so_far.overlap.min(pair.overlap),
        });
    }
    least
}
