//! k-means centres of experts, begun where each expert is best.

use collegium_manifest::spec::Activation;
use collegium_table::Matrix;

use crate::{Dense, Network};

/// Most passes of Lloyd's algorithm.
const PASSES: usize = 100;

/// Centres of as many clusters as there are experts, each belonging to one of them (Lloyd 1982):
/// begun at the mean of the rows in which the expert has the least loss. `losses` are rows × experts.
/// An expert that is best nowhere begins, and may end, at the mean of all rows.
pub(super) fn centres(x: &Matrix, losses: &[f64], experts: usize) -> Vec<Vec<f64>> {
    let best: Vec<usize> = losses
        .chunks_exact(experts)
        .map(|row| (0..experts).fold(0, |best, k| if row[k] < row[best] { k } else { best }))
        .collect();
    let everywhere = means(x, &vec![0; x.rows], &[vec![0.0; x.width]]);
    let mut centres = means(x, &best, &vec![everywhere[0].clone(); experts]);
    let mut nearest = vec![usize::MAX; x.rows];
    for _ in 0..PASSES {
        let now: Vec<usize> = (0..x.rows).map(|row| closest(x.row(row), &centres)).collect();
        if now == nearest {
            break;
        }
        centres = means(x, &now, &centres);
        nearest = now;
    }
    centres
}

/// The mean row of each cluster; of an empty one, what it was.
fn means(x: &Matrix, cluster: &[usize], before: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut sums = vec![vec![0.0; x.width]; before.len()];
    let mut counts = vec![0u64; before.len()];
    for (row, &cluster) in cluster.iter().enumerate() {
        counts[cluster] += 1;
        for (sum, value) in sums[cluster].iter_mut().zip(x.row(row)) {
            *sum += f64::from(*value);
        }
    }
    for ((sum, count), before) in sums.iter_mut().zip(&counts).zip(before) {
        match count {
            0 => sum.clone_from(before),
            n => sum.iter_mut().for_each(|value| *value /= *n as f64),
        }
    }
    sums
}

fn closest(row: &[f32], centres: &[Vec<f64>]) -> usize {
    let far = |centre: &[f64]| -> f64 {
        row.iter().zip(centre).map(|(x, c)| (f64::from(*x) - c).powi(2)).sum()
    };
    let distances: Vec<f64> = centres.iter().map(|centre| far(centre)).collect();
    (0..centres.len()).fold(0, |best, k| if distances[k] < distances[best] { k } else { best })
}

/// −|x − c|² without |x|², which all experts share: 2cᵀx − |c|².
pub(super) fn network(centres: &[Vec<f64>]) -> Network {
    let (experts, inputs) = (centres.len(), centres.first().map_or(0, Vec::len));
    let weight = (0..inputs)
        .flat_map(|input| centres.iter().map(move |centre| (2.0 * centre[input]) as f32))
        .collect();
    let bias = centres.iter().map(|c| -c.iter().map(|c| c * c).sum::<f64>() as f32).collect();
    let layer = Dense { inputs, outputs: experts, weight, bias };
    Network::plain(vec![layer], Activation::Relu)
}
