//! Similarity of two importance vectors: cosine and rank correlation.

use std::collections::BTreeMap;

use collegium_records::Importance;

/// Shares over the union of two lists of inputs, in the order of the first and then what only the
/// second has. An expert that is not given an input looks at it with a share of 0.
pub fn align(a: &[Importance], b: &[Importance]) -> (Vec<f64>, Vec<f64>) {
    let mut theirs: BTreeMap<&str, f64> = b.iter().map(|i| (i.input.as_str(), i.share)).collect();
    let mut pairs: Vec<(f64, f64)> =
        a.iter().map(|i| (i.share, theirs.remove(i.input.as_str()).unwrap_or(0.0))).collect();
    pairs
        .extend(b.iter().filter_map(|i| theirs.remove(i.input.as_str())).map(|share| (0.0, share)));
    pairs.into_iter().unzip()
}

/// Cosine similarity: a·b / (‖a‖ ‖b‖). `None` when one of them is 0 or not finite.
///
/// # Panics
/// When the lengths differ (a mistake of the caller, which no data can cause).
pub fn cosine(a: &[f64], b: &[f64]) -> Option<f64> {
    assert_eq!(a.len(), b.len(), "shares of the same inputs");
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let length = (dot(a, a) * dot(b, b)).sqrt();
    (length > 0.0 && length.is_finite()).then(|| (dot(a, b) / length).clamp(-1.0, 1.0))
}

/// Spearman's correlation: Pearson's of the ranks, equal values sharing the mean of theirs. `None`
/// when one of them ranks nothing above anything (all values equal, or fewer than two).
///
/// # Panics
/// When the lengths differ (a mistake of the caller, which no data can cause).
pub fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    assert_eq!(a.len(), b.len(), "shares of the same inputs");
    // The mean of n ranks is (n + 1)/2, ties or not.
    let middle = (a.len() as f64 + 1.0) / 2.0;
    let centred = |values| ranks(values).into_iter().map(|r| r - middle).collect::<Vec<f64>>();
    cosine(&centred(a), &centred(b))
}

/// From 1 for the least; equal values share the mean of their ranks.
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
    let mut ranks = vec![0.0; values.len()];
    let mut below = 0;
    for tied in order.chunk_by(|&i, &j| values[i] == values[j]) {
        let rank = below as f64 + (tied.len() as f64 + 1.0) / 2.0;
        tied.iter().for_each(|&i| ranks[i] = rank);
        below += tied.len();
    }
    ranks
}
