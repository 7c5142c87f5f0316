//! What a search for settings says: which settings matter, and how far the best is too good.

use collegium_digest::{Digest, stream};
use rand::RngExt as _;

/// The share of the variance of scores that lies between the levels of a setting, corrected for chance: with k levels and n
/// scores ε² = (SSB − (k − 1) · MSW) / SST, where MSW = SSW / (n − k) (Kelley 1935), not below 0. `None` where there is nothing to
/// divide: fewer than two levels, no more scores than levels, or equal scores.
pub fn explained(levels: &[usize], scores: &[f64]) -> Option<f64> {
    let n = levels.len().min(scores.len());
    let most = levels.iter().max()? + 1;
    let mut sums = vec![(0_usize, 0.0); most];
    for (&level, &score) in levels.iter().zip(scores) {
        sums[level].0 += 1;
        sums[level].1 += score;
    }
    let k = sums.iter().filter(|(count, _)| *count > 0).count();
    if k < 2 || n <= k {
        return None;
    }
    let mean = scores.iter().sum::<f64>() / n as f64;
    let total: f64 = scores.iter().map(|score| (score - mean) * (score - mean)).sum();
    if total <= 0.0 {
        return None;
    }
    let between: f64 = sums
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|&(count, sum)| {
            let off = sum / count as f64 - mean;
            count as f64 * off * off
        })
        .sum();
    let within = (total - between).max(0.0) / (n - k) as f64;
    Some(((between - (k - 1) as f64 * within) / total).clamp(0.0, 1.0))
}

/// A choice among models by their losses, repeated on resampled units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rechosen {
    /// The mean loss, on units that took no part in the choice, of what was chosen.
    pub corrected: f64,
    /// The share of resamples in which something else than the first model was chosen and was better there than the first.
    pub better: f64,
    /// Resamples that left units out.
    pub resamples: u32,
}

/// Bootstrap bias correction (Tsamardinos et al. 2018): units (rows, or groups of them) are resampled, the model of the least
/// mean loss is chosen on them, and its loss is measured on the rows of the other units. `losses` are by model, then by row; `units` are the
/// unit of each row, below `count`. `None` without a resample that leaves rows out.
pub fn rechosen(
    losses: &[&[f64]],
    units: &[u32],
    count: usize,
    resamples: u32,
    key: &Digest,
) -> Option<Rechosen> {
    // Sums by model and unit: a resample is then a sum over units.
    let mut rows = vec![0.0_f64; count];
    units.iter().for_each(|&unit| rows[unit as usize] += 1.0);
    let sums: Vec<Vec<f64>> = losses
        .iter()
        .map(|losses| {
            let mut sums = vec![0.0; count];
            units.iter().zip(*losses).for_each(|(&unit, loss)| sums[unit as usize] += loss);
            sums
        })
        .collect();
    let mut random = stream(key, "settings chosen again");
    let (mut total, mut better, mut done) = (0.0, 0_u32, 0_u32);
    for _ in 0..resamples {
        let mut drawn = vec![0.0_f64; count];
        (0..count).for_each(|_| drawn[random.random_range(0..count)] += 1.0);
        let inside: Vec<f64> =
            sums.iter().map(|sums| sums.iter().zip(&drawn).map(|(s, d)| s * d).sum()).collect();
        let outside = |model: usize| -> f64 {
            let left = sums[model].iter().zip(&drawn).filter(|(_, drawn)| **drawn == 0.0);
            left.map(|(sum, _)| sum).sum()
        };
        let left: f64 =
            rows.iter().zip(&drawn).filter(|(_, drawn)| **drawn == 0.0).map(|(rows, _)| rows).sum();
        if left == 0.0 {
            continue;
        }
        let chosen = (0..inside.len()).min_by(|&a, &b| inside[a].total_cmp(&inside[b]))?;
        total += outside(chosen) / left;
        better += u32::from(chosen != 0 && outside(chosen) < outside(0));
        done += 1;
    }
    (done > 0).then(|| Rechosen {
        corrected: total / f64::from(done),
        better: f64::from(better) / f64::from(done),
        resamples: done,
    })
}
