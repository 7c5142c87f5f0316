//! Ranking of rows by the score of one class: areas under curves with row weights, and the curves' corners.
//!
//! Areas need no order of all rows. They need to know between which two scores of the class's own rows each other row
//! lies; of a class among a thousand that are some twenty scores. So rows are dealt into sets once, and a
//! resample is a sum of weights over each set. The largest set at the low end is never summed: it is what is left of the
//! total. Sums of counts are exact, so all figures have the bits of a walk through the sorted rows.

use crate::resample::Counts;

/// Of more rows than one in this many, all are sorted; else each other row is looked up among them.
const RARE: usize = 8;

/// The rows of one class among all others.
pub(crate) struct Areas {
    /// Rows by set, but for the set that is left out; within a set ascending, so that weights are read in order.
    rows: Vec<u32>,
    /// The end in `rows` of each set. For each distinct score of the class, from the highest: rows of other classes
    /// above it (and below the one before), rows of other classes at it, rows of the class at it. Then all others.
    ends: Vec<u32>,
    /// Are rows of other classes at the lowest score left out, or (`false`) those below it?
    ties_left_out: bool,
}

impl Areas {
    /// Of scores by row, and which rows are of the class.
    pub(crate) fn new(scores: &[f32], is_own: impl Fn(usize) -> bool) -> Self {
        let own: Vec<usize> = (0..scores.len()).filter(|&row| is_own(row)).collect();
        let mut distinct: Vec<f32> = own.iter().map(|&row| scores[row]).collect();
        distinct.sort_unstable_by(|a, b| b.total_cmp(a));
        distinct.dedup();
        let lowest = distinct.last().copied().unwrap_or(f32::INFINITY);
        // Rows that do not lie below all scores of the class, by number, with their sets. Of a class among a thousand they are few.
        let mut placed: Vec<(u32, u32)> = Vec::new();
        let set = |place: usize, row: usize| {
            let tied = distinct.get(place).is_some_and(|at| *at == scores[row]);
            // A row of the class lies at one of the distinct scores.
            3 * place as u32 + u32::from(tied) + u32::from(is_own(row))
        };
        if own.len() * RARE < scores.len() {
            for (row, &score) in scores.iter().enumerate().filter(|(_, score)| **score >= lowest) {
                let place = distinct.partition_point(|at| *at > score);
                placed.push((row as u32, set(place, row)));
            }
        } else {
            let mut place = 0;
            for row in descending(scores) {
                let score = scores[row as usize];
                if score < lowest {
                    break;
                }
                while distinct.get(place).is_some_and(|at| *at > score) {
                    place += 1;
                }
                placed.push((row, set(place, row as usize)));
            }
            placed.sort_unstable();
        }
        let sets = 3 * distinct.len() + 1;
        let (ties, below) = (sets.saturating_sub(3), sets - 1);
        let mut ends = vec![0_u32; sets];
        placed.iter().for_each(|(_, set)| ends[*set as usize] += 1);
        ends[below] = (scores.len() - placed.len()) as u32;
        let ties_left_out = sets > 1 && ends[ties] > ends[below];
        let left_out = if ties_left_out { ties } else { below };
        ends[left_out] = 0;
        let mut start = 0;
        let mut next: Vec<u32> = Vec::with_capacity(sets);
        for end in &mut ends {
            next.push(start);
            start += *end;
            *end = start;
        }
        let mut rows = vec![0; start as usize];
        let mut put = |row: u32, set: usize| {
            let at = &mut next[set];
            rows[*at as usize] = row;
            *at += 1;
        };
        for &(row, set) in placed.iter().filter(|(_, set)| *set as usize != left_out) {
            put(row, set as usize);
        }
        if ties_left_out {
            let mut known = placed.iter().map(|(row, _)| *row).peekable();
            for row in 0..scores.len() as u32 {
                if known.next_if_eq(&row).is_none() {
                    put(row, below);
                }
            }
        }
        Self { rows, ends, ties_left_out }
    }

    /// Area under the ROC curve and average precision with row weights that add up to `total`: NaN where they are
    /// not defined.
    ///
    /// A negative at some score loses against every positive above it and half against those at
    /// the same score, so the sum over runs of equal scores of N·(TP before + P/2) is the
    /// Mann-Whitney statistic with ties. Average precision is Σ (recall gained)·precision over the
    /// same runs (step-wise, without interpolation).
    pub(crate) fn measure<const L: usize>(
        &self,
        weights: &[Counts<L>],
        total: [f64; L],
    ) -> [[f64; L]; 2] {
        let (mut above, mut below) = ([0.0; L], [0.0; L]);
        let (mut pairs, mut precision) = ([0.0; L], [0.0; L]);
        let (steps, _) = self.ends.as_chunks::<3>();
        let mut start = 0;
        for (at, ends) in steps.iter().enumerate() {
            let [between, mut ties, own] = ends.map(|end| {
                let set = &self.rows[start..end as usize];
                start = end as usize;
                sum(set, weights)
            });
            if self.ties_left_out && at + 1 == steps.len() {
                let under = sum(&self.rows[start..], weights);
                for lane in 0..L {
                    let known = above[lane] + below[lane] + between[lane] + own[lane] + under[lane];
                    ties[lane] = total[lane] - known;
                }
            }
            for lane in 0..L {
                let (p, n) = (own[lane], ties[lane]);
                pairs[lane] += between[lane] * above[lane];
                below[lane] += between[lane];
                pairs[lane] += n * (above[lane] + 0.5 * p);
                above[lane] += p;
                below[lane] += n;
                // The maximum guards 0/0 where a resample has drawn nothing so far; p is 0 then.
                precision[lane] += p * above[lane] / (above[lane] + below[lane]).max(1.0);
            }
        }
        for lane in 0..L {
            let under = total[lane] - above[lane] - below[lane];
            pairs[lane] += under * above[lane];
            below[lane] += under;
        }
        // 0/0 is NaN: without positives neither is defined, without negatives AUC is not.
        for lane in 0..L {
            pairs[lane] /= above[lane] * below[lane];
            precision[lane] /= above[lane];
        }
        [pairs, precision]
    }
}

/// Sum of the weights of some rows.
fn sum<const L: usize>(rows: &[u32], weights: &[Counts<L>]) -> [f64; L] {
    let mut sums = [0_u32; L];
    for &row in rows {
        for (sum, &count) in sums.iter_mut().zip(&weights[row as usize]) {
            *sum += u32::from(count);
        }
    }
    sums.map(f64::from)
}

/// Rows from the highest score to the lowest, equal ones by number. Sorted by one integer that holds both: the
/// scores themselves lie anywhere.
pub(crate) fn descending(scores: &[f32]) -> Vec<u32> {
    let key = |(row, score): (usize, &f32)| {
        let bits = score.to_bits();
        // Ascending as `total_cmp` orders them.
        let ascending = if bits >> 31 == 1 { !bits } else { bits | 1 << 31 };
        u64::from(!ascending) << 32 | row as u64
    };
    let mut keys: Vec<u64> = scores.iter().enumerate().map(key).collect();
    keys.sort_unstable();
    keys.into_iter().map(|key| key as u32).collect()
}

/// Rows of other classes and rows of the class down to each distinct score, from the highest:
/// the corners of every curve over thresholds, a run of equal scores being one step.
pub(crate) fn corners(scores: &[f32], is_own: impl Fn(usize) -> bool) -> Vec<[u64; 2]> {
    let mut corners = Vec::new();
    let mut counts = [0_u64; 2];
    let order = descending(scores);
    for run in order.chunk_by(|&a, &b| scores[a as usize] == scores[b as usize]) {
        run.iter().for_each(|&row| counts[usize::from(is_own(row as usize))] += 1);
        corners.push(counts);
    }
    corners
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Both areas by comparing every row of the class with every other row.
    fn by_pairs(scores: &[f32], own: &[bool], weights: &[u16]) -> [f64; 2] {
        let rows = || (0..scores.len()).map(|row| (scores[row], own[row], f64::from(weights[row])));
        let total = |is: bool| rows().filter(|row| row.1 == is).map(|row| row.2).sum::<f64>();
        let (mut pairs, mut precision) = (0.0, 0.0);
        for (score, _, weight) in rows().filter(|row| row.1) {
            let at_least = |is: bool| {
                rows().filter(|row| row.1 == is && row.0 >= score).map(|row| row.2).sum::<f64>()
            };
            let (hits, all) = (at_least(true), at_least(true) + at_least(false));
            precision += weight * hits / all.max(1.0);
            for (other, _, w) in rows().filter(|row| !row.1) {
                let won =
                    if score > other { 1.0 } else { 0.5 * f64::from(u8::from(score == other)) };
                pairs += weight * w * won;
            }
        }
        [pairs / (total(true) * total(false)), precision / total(true)]
    }

    proptest! {
        /// With many ties, with few and with many rows of the class, and whichever set is left out.
        #[test]
        fn areas_are_those_of_all_pairs(
            rows in prop::collection::vec((0_u8..9, 0_u8..40, 0_u16..4), 1..60),
            levels in 1_u8..9,
            rare in 1_u8..40,
        ) {
            let scores: Vec<f32> = rows.iter().map(|row| f32::from(row.0 % levels) / 9.0).collect();
            let own: Vec<bool> = rows.iter().enumerate().map(|(at, row)| at == 0 || row.1 < rare).collect();
            let weights: Vec<u16> = rows.iter().map(|row| row.2).collect();
            let lanes: Vec<Counts<2>> = weights.iter().map(|&w| [w, 1]).collect();
            let total = [weights.iter().map(|&w| f64::from(w)).sum(), rows.len() as f64];
            let found = Areas::new(&scores, |row| own[row]).measure(&lanes, total);
            let ones = vec![1; rows.len()];
            for (lane, weights) in [&weights, &ones].into_iter().enumerate() {
                for (found, truth) in found.iter().zip(by_pairs(&scores, &own, weights)) {
                    let found = found[lane];
                    prop_assert!(
                        (found - truth).abs() < 1e-12 || (found.is_nan() && truth.is_nan()),
                        "{found} {truth}"
                    );
                }
            }
        }

        #[test]
        fn rows_come_in_the_order_of_their_scores(bits in prop::collection::vec(any::<u32>(), 0..50)) {
            let scores: Vec<f32> =
                bits.into_iter().map(f32::from_bits).filter(|score| !score.is_nan()).collect();
            let mut order: Vec<u32> = (0..scores.len() as u32).collect();
            let score = |row: u32| scores[row as usize];
            order.sort_by(|&a, &b| score(b).total_cmp(&score(a)).then(a.cmp(&b)));
            prop_assert_eq!(descending(&scores), order);
        }
    }
}
