//! Regret of a routing against the oracle, and the value of each expert to it (leave one out).

use collegium_records::{ExpertValue, Measure, Regret};

use crate::{
    Resampling,
    resample::{Block, Draws, weighted},
};

/// Ablation of one expert: the mixture's loss by row without it; each where it was tried.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExpertRemoved<'a> {
    /// Its weight divided among the others as they stand.
    pub renormalised: Option<&'a [f64]>,
    /// The gate fitted again.
    pub refitted: Option<&'a [f64]>,
}

/// Regret: the mixture's mean loss beside that of the best expert of each row (the oracle), of the gate's first
/// choice, and of the best single expert; regret = mixture − oracle.
///
/// `losses` is rows × K, K the number of `experts`; `routes` has the first choice of every row
/// ([`crate::routes`]). Where several experts are best on a row, each is the oracle's choice. Regret is
/// at least 0 for log losses of averaged probabilities, which lie between those of the experts; an
/// averaged value may be nearer to the truth than any of them.
///
/// The interval of mixture − best single is that of a paired bootstrap of rows, or of their groups, with
/// the single expert held fixed. `None` without rows or experts or with a loss that is not finite.
///
/// # Panics
/// When the shapes do not fit each other (a mistake of the caller, which no data can cause).
pub fn route_regret(
    experts: &[String],
    losses: &[f64],
    mixture: &[f64],
    routes: &[u32],
    how: Resampling,
) -> Option<Regret> {
    let (rows, width) = (mixture.len(), experts.len());
    assert_eq!(losses.len(), rows * width, "a loss for each row and expert");
    assert_eq!(routes.len(), rows, "a first choice for each row");
    if rows == 0 || width == 0 || !losses.iter().chain(mixture).all(|loss| loss.is_finite()) {
        return None;
    }
    let (mut sums, mut oracle, mut first, mut hits) = (vec![0.0; width], 0.0, 0.0, 0_usize);
    for (row, &route) in losses.chunks_exact(width).zip(routes) {
        let least = row.iter().copied().fold(f64::INFINITY, f64::min);
        let chosen = row[route as usize];
        sums.iter_mut().zip(row).for_each(|(sum, loss)| *sum += loss);
        oracle += least;
        first += chosen;
        hits += usize::from(chosen <= least);
    }
    let best = (0..width).fold(0, |best, e| if sums[e] < sums[best] { e } else { best });
    let single: Vec<f64> = losses.iter().skip(best).step_by(width).copied().collect();
    let mut against = rises(&single, &[Some(mixture)], "routing regret", how);
    let mean = |sum: f64| sum / rows as f64;
    let (mixture, oracle) = (mean(mixture.iter().sum()), mean(oracle));
    Some(Regret {
        rows: rows as u64,
        mixture,
        oracle,
        first_choice: mean(first),
        best_single: mean(sums[best]),
        best_expert: experts[best].clone(),
        regret: mixture - oracle,
        oracle_share: mean(hits as f64),
        against_best: against.pop().flatten()?,
    })
}

/// Value of each expert: mean loss without it less that of the whole `mixture`, with the interval
/// of a paired bootstrap of rows, or of their groups. All are measured on the same resamples.
///
/// `without` has an entry for each of the `experts`, or none at all: then nothing was tried and the
/// list is empty. Absent is what was not tried, has no rows, or has a loss that is not finite.
///
/// # Panics
/// When the shapes do not fit each other (a mistake of the caller, which no data can cause).
pub fn expert_values(
    experts: &[String],
    mixture: &[f64],
    without: &[ExpertRemoved],
    how: Resampling,
) -> Vec<ExpertValue> {
    if without.is_empty() {
        return Vec::new();
    }
    assert_eq!(without.len(), experts.len(), "an entry for each expert");
    let ways: Vec<Option<&[f64]>> =
        without.iter().flat_map(|without| [without.renormalised, without.refitted]).collect();
    let measures = rises(mixture, &ways, "routing value", how);
    let each = experts.iter().zip(measures.chunks_exact(2)).map(|(expert, measures)| ExpertValue {
        expert: expert.clone(),
        renormalised: measures[0],
        refitted: measures[1],
    });
    each.collect()
}

/// Mean of each of `after` less mean of `before`, over resamples of the rows. Without resamples there
/// is no interval.
fn rises(
    before: &[f64],
    after: &[Option<&[f64]>],
    purpose: &str,
    how: Resampling,
) -> Vec<Option<Measure>> {
    let rows = before.len();
    assert!(after.iter().flatten().all(|after| after.len() == rows), "losses of the same rows");
    let finite = |losses: &[f64]| losses.iter().all(|loss| loss.is_finite());
    let sound = rows > 0 && finite(before);
    let after: Vec<Option<&[f64]>> =
        after.iter().map(|after| after.filter(|after| sound && finite(after))).collect();
    if after.iter().all(Option::is_none) {
        return vec![None; after.len()];
    }
    let mut drawn = vec![Vec::with_capacity(how.resamples as usize); after.len()];
    let mut draws = Draws::new(how, purpose, rows);
    while let Some(Block { counts, lanes, totals }) = draws.next_block() {
        let base = weighted(counts, before);
        for (drawn, after) in drawn.iter_mut().zip(&after) {
            let Some(after) = after else { continue };
            let sums = weighted(counts, after);
            drawn.extend((0..lanes).map(|lane| (sums[lane] - base[lane]) / totals[lane]));
        }
    }
    let base: f64 = before.iter().sum();
    let each = after.iter().zip(&mut drawn).map(|(after, drawn)| {
        let value = (after.as_ref()?.iter().sum::<f64>() - base) / rows as f64;
        Some(Measure { value, interval: how.interval(value, drawn) })
    });
    each.collect()
}
