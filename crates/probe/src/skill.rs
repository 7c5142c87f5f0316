//! Skill: an expert against a constant, on the same rows, in more than one metric.
//!
//! One loss does not tell. A few rows on which an expert is too sure of itself cost more log loss than a constant
//! does, however well it ranks all others. So skill is asked for twice: in how it *ranks* (AUC, R²), and in its
//! loss *after recalibration* on validation rows ([`crate::Recalibrated`], [`crate::line`]), where the constant is
//! corrected on the same rows. A claim needs one of them at one-sided 99.9 %, by Holm's correction over both.
//!
//! The tests are Student's, on each row's influence on the difference, summed over groups where rows come in groups.
//! Two floors keep few rows from claiming: no error of an AUC is taken to be less than it is where
//! labels are dealt at random among the rows, and no probability less than 2⁻ⁿ for n rows or groups, since an
//! expert without skill does better on every one of them with that probability.

use collegium_digest::{Digest, stream};
use collegium_records::{Interval, MetricDiff, SKILL_LEVEL, Skill, SkillTest, SkillVerdict};

use crate::{
    Classes, Groups, Resampling,
    compare::student_quantile,
    holm,
    performance::upper_tail,
    ranking::descending,
    resample::{Block, Draws, shuffle, weighted},
    scored::View,
};

/// Why nothing is said of rows that all belong together.
const ONE_GROUP: &str = "all test rows are of one group or block of time, and how much it would be worth on \
                         others cannot be told from one";

/// Random orders of the truth behind a probability by chance.
const DEALS: u32 = 9_999;

/// Rows that are dealt at random, at most.
const MOST_DEALT: usize = 2_000;

/// Which loss the rows carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Natural logarithm, of classifiers: see [`log_losses`].
    Log,
    /// Of regressions, in squared target units: see [`squared_errors`].
    Squared,
}

impl Loss {
    /// The metric that reports its mean.
    pub(crate) fn metric(self) -> &'static str {
        match self {
            Self::Log => "log_loss",
            Self::Squared => "rmse",
        }
    }

    /// The metric of some rows, from the sum of their losses.
    pub(crate) fn mean(self, sum: f64, rows: f64) -> f64 {
        match self {
            Self::Log => sum / rows,
            Self::Squared => (sum / rows).sqrt(),
        }
    }
}

/// Each row's log loss, clipped as in [`crate::classification`] (same arguments).
///
/// # Panics
/// As [`crate::classification`].
pub fn log_losses(
    probability: &[f32],
    width: usize,
    labels: &[u32],
    classes: impl Into<Classes>,
) -> Vec<f64> {
    let view = View::new(probability, width, labels, classes);
    (0..labels.len()).map(|row| view.log_loss(row)).collect()
}

/// Each row's squared error.
///
/// # Panics
/// When the slices differ in length (a mistake of the caller, which no data can cause).
pub fn squared_errors(predicted: &[f32], truth: &[f64]) -> Vec<f64> {
    assert_eq!(predicted.len(), truth.len(), "a prediction for each row");
    predicted.iter().zip(truth).map(|(&p, t)| (f64::from(p) - t).powi(2)).collect()
}

/// The plain score of an expert whose rows lose `expert`, against a constant that loses `baseline` on the
/// same rows; nothing is claimed by it: see [`judged`].
///
/// gain = 1 − Σ expert / Σ baseline. For [`Loss::Squared`] with the training mean as the constant
/// this is R² against the training mean (the `r2` of [`crate::regression`] compares with the mean of
/// the rows themselves and is a little lower); `value` and `baseline` are then root mean squares,
/// in target units, and gain = 1 − (value/baseline)².
///
/// The interval is that of a *paired* bootstrap of rows, or of their groups: both losses of a row are
/// drawn together, which takes out what makes a row hard for both. It holds the expert fixed.
/// Where the baseline loses nothing there is nothing to gain, and gain is 0. Where all rows are of one
/// group nothing is judged.
///
/// `None` without rows or with a loss that is not finite.
///
/// # Panics
/// When the slices differ in length (a mistake of the caller, which no data can cause).
pub fn skill(loss: Loss, expert: &[f64], baseline: &[f64], how: Resampling) -> Option<Skill> {
    assert_eq!(expert.len(), baseline.len(), "both losses of the same rows");
    let rows = expert.len();
    if rows == 0 || expert.iter().chain(baseline).any(|loss| !loss.is_finite()) {
        return None;
    }
    let (sum, sum_baseline) = (expert.iter().sum::<f64>(), baseline.iter().sum::<f64>());
    let mut gains = Vec::with_capacity(how.resamples as usize);
    let mut draws = Draws::new(how, "skill", rows);
    while let Some(Block { counts, lanes, .. }) = draws.next_block() {
        let (ours, theirs) = (weighted(counts, expert), weighted(counts, baseline));
        gains.extend((0..lanes).map(|lane| gain(ours[lane], theirs[lane])));
    }
    let point = gain(sum, sum_baseline);
    let alone = how.groups.is_some_and(|groups| groups.count() == 1);
    Some(Skill {
        metric: loss.metric().to_owned(),
        value: loss.mean(sum, rows as f64),
        baseline: loss.mean(sum_baseline, rows as f64),
        gain: point,
        gain_interval: how
            .interval(point, &mut gains)
            .unwrap_or(Interval { low: point, high: point }),
        beats_baseline: false,
        verdict: if alone { SkillVerdict::NotJudged } else { SkillVerdict::NoSkill },
        tests: Vec::new(),
        recalibration: None,
        not_judged: alone.then(|| ONE_GROUP.to_owned()),
        above_chance: false,
    })
}

fn gain(ours: f64, theirs: f64) -> f64 {
    if theirs > 0.0 { 1.0 - ours / theirs } else { 0.0 }
}

/// What is said of an expert by its tests: Holm's correction over them, and the verdict.
///
/// `recalibrated` is the plain loss of the expert after recalibration in the unit of [`Skill::value`], beside that
/// before; it tells one that is too sure of itself from one whose loss rows are too few to judge.
pub fn judged(plain: Skill, tests: Vec<SkillTest>, recalibrated: Option<[f64; 2]>) -> Skill {
    let adjusted = holm(&tests.iter().map(|test| test.p_value).collect::<Vec<f64>>());
    let tests: Vec<SkillTest> = tests
        .into_iter()
        .zip(adjusted)
        .map(|(test, adjusted)| SkillTest { adjusted, ..test })
        .collect();
    if plain.not_judged.is_some() {
        return Skill { tests, ..plain };
    }
    let helped = recalibrated.is_some_and(|[before, after]| after < before);
    let overconfident = plain.gain_interval.low <= 0.0 && (plain.gain < 0.0 || helped);
    let verdict = match (tests.iter().any(SkillTest::holds), overconfident) {
        (true, true) => SkillVerdict::RanksButOverconfident,
        (true, false) => SkillVerdict::Skilful,
        (false, _) => SkillVerdict::NoSkill,
    };
    Skill { beats_baseline: verdict.is_skill(), verdict, tests, ..plain }
}

/// The ranking of a classifier against chance: AUC, of more than two classes the mean over those that occur, each
/// against all others.
///
/// The error is that of DeLong, DeLong and Clarke-Pearson (1988), by groups that of Obuchowski (1997), and at least
/// what it is where labels are dealt at random (Mann and Whitney, with ties; Hoeffding 1951 for several classes).
///
/// `None` where no class has rows on either side, or a probability is not finite.
///
/// # Panics
/// As [`crate::classification`].
pub fn ranking_test(
    probability: &[f32],
    width: usize,
    labels: &[u32],
    classes: usize,
    groups: Option<&Groups>,
) -> Option<SkillTest> {
    let view = View::new(probability, width, labels, classes);
    let rows = labels.len();
    let of_class = |class: u32| labels.iter().filter(|label| **label == class).count();
    let ranked: Vec<u32> = view.ranked().filter(|class| of_class(*class) < rows).collect();
    if ranked.is_empty() || probability.iter().any(|p| !p.is_finite()) {
        return None;
    }
    let each = ranked.len() as f64;
    let (mut auc, mut influence) = (0.0, vec![0.0; rows]);
    // Hoeffding's variance of Σ a(row, its label) over random orders of the labels.
    let (mut within, mut mean_of_row) = (0.0, vec![0.0; rows]);
    view.each_column(&ranked, |class, scores| {
        let is_positive = |row: usize| labels[row] == class;
        let positives = of_class(class) as f64;
        let negatives = rows as f64 - positives;
        let places = placements(scores, &is_positive);
        let area = (0..rows).filter(|row| is_positive(*row)).map(|row| places[row].below);
        let area = area.sum::<f64>() / positives / negatives;
        auc += area / each;
        let middle = (rows as f64 + 1.0) / 2.0;
        for (row, place) in places.iter().enumerate() {
            influence[row] += match is_positive(row) {
                true => (place.below / negatives - area) / positives,
                false => (place.above / positives - area) / negatives,
            } / each;
            let centred = (place.rank - middle) / (positives * negatives * each);
            within += positives * centred * centred;
            mean_of_row[row] += positives / rows as f64 * centred;
        }
    });
    let between = rows as f64 * mean_of_row.iter().map(|mean| mean * mean).sum::<f64>();
    let by_chance = (within - between).max(0.0) / (rows as f64 - 1.0).max(1.0);
    let error = Error::of(&influence, groups)?;
    Some(error.test("auc", [0.5, auc], auc - 0.5, by_chance))
}

/// Where a row stands among the others by its score.
struct Place {
    /// Of negatives below it, for a positive row; ties count half.
    below: f64,
    /// Of positives above it.
    above: f64,
    /// From 1, the mean of ties.
    rank: f64,
}

fn placements(scores: &[f32], is_positive: &dyn Fn(usize) -> bool) -> Vec<Place> {
    let mut order = descending(scores);
    order.reverse();
    let positives = (0..scores.len()).filter(|row| is_positive(*row)).count() as f64;
    let mut places: Vec<Place> =
        scores.iter().map(|_| Place { below: 0.0, above: 0.0, rank: 0.0 }).collect();
    let (mut passed, mut from) = ([0.0, 0.0], 0);
    for ties in order.chunk_by(|&a, &b| scores[a as usize] == scores[b as usize]) {
        let tied = ties.iter().filter(|row| is_positive(**row as usize)).count() as f64;
        let other = ties.len() as f64 - tied;
        for &row in ties {
            places[row as usize] = Place {
                below: passed[0] + 0.5 * other,
                above: positives - passed[1] - 0.5 * tied,
                rank: from as f64 + (ties.len() as f64 + 1.0) / 2.0,
            };
        }
        passed = [passed[0] + other, passed[1] + tied];
        from += ties.len();
    }
    places
}

/// An expert's mean loss against that of its baseline, row by row.
///
/// `None` without two rows or groups, or with a loss that is not finite.
///
/// # Panics
/// When the slices differ in length (a mistake of the caller, which no data can cause).
pub fn loss_test(
    metric: &str,
    expert: &[f64],
    baseline: &[f64],
    groups: Option<&Groups>,
) -> Option<SkillTest> {
    let (means, influence) = differences(expert, baseline)?;
    let error = Error::of(&influence, groups)?;
    Some(error.test(metric, means, means[1] - means[0], 0.0))
}

/// The share of a constant's squared errors that a regression removes (R²).
///
/// The test is that of the difference of both errors, row by row; the interval that of their ratio. Squares of
/// numbers with heavy tails are so skewed that Student's test claims too much of a few rows (measured: 3 of 1,000 with
/// 60 rows of log-normal numbers). So the probability is at least that of as large a product of prediction
/// and truth where the truth is dealt at random among the rows, `DEALS` times; of more than `MOST_DEALT` rows
/// the mean is near enough to normal.
///
/// `None` as [`loss_test`], and where the constant has no error.
///
/// # Panics
/// As [`loss_test`].
pub fn variance_test(
    metric: &str,
    predicted: &[f32],
    constant: f64,
    truth: &[f64],
    how: Resampling,
) -> Option<SkillTest> {
    let expert = squared_errors(predicted, truth);
    let baseline: Vec<f64> = truth.iter().map(|t| (constant - t).powi(2)).collect();
    let ([theirs, ours], influence) = differences(&expert, &baseline)?;
    if theirs <= 0.0 {
        return None;
    }
    let removed = 1.0 - ours / theirs;
    let mut p_value = Error::of(&influence, how.groups)?.chance(theirs - ours, 0.0);
    // What Student's test does not claim need not be dealt.
    if truth.len() <= MOST_DEALT && p_value <= SKILL_LEVEL {
        p_value = p_value.max(by_chance(predicted, truth, how.key));
    }
    let rows = truth.len() as f64;
    let of_row = |(a, b): (&f64, &f64)| (a - ours - ours / theirs * (b - theirs)) / (rows * theirs);
    let of_ratio: Vec<f64> = expert.iter().zip(&baseline).map(of_row).collect();
    let error = Error::of(&of_ratio, how.groups)?;
    Some(SkillTest {
        p_value,
        adjusted: p_value,
        ..error.test(metric, [0.0, removed], removed, 0.0)
    })
}

/// The share of random orders of the truth with as large a Σ prediction · truth.
fn by_chance(predicted: &[f32], truth: &[f64], key: &Digest) -> f64 {
    let product = |truth: &[f64]| -> f64 {
        predicted.iter().zip(truth).map(|(p, t)| f64::from(*p) * t).sum()
    };
    let mean = truth.iter().sum::<f64>() / truth.len() as f64;
    let mut dealt: Vec<f64> = truth.iter().map(|t| t - mean).collect();
    let found = product(&dealt);
    // Sums in another order differ in their last digits.
    let slack =
        1e-9 * predicted.iter().zip(&dealt).map(|(p, t)| (f64::from(*p) * t).abs()).sum::<f64>();
    let mut random = stream(key, "truth dealt at random");
    let mut as_large = 1;
    for _ in 0..DEALS {
        shuffle(&mut dealt, &mut random);
        as_large += u32::from(product(&dealt) >= found - slack);
    }
    f64::from(as_large) / f64::from(DEALS + 1)
}

/// Mean losses (baseline, expert), and each row's influence on their difference.
fn differences(expert: &[f64], baseline: &[f64]) -> Option<([f64; 2], Vec<f64>)> {
    assert_eq!(expert.len(), baseline.len(), "both losses of the same rows");
    if expert.iter().chain(baseline).any(|loss| !loss.is_finite()) {
        return None;
    }
    let rows = expert.len() as f64;
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / rows;
    let [theirs, ours] = [mean(baseline), mean(expert)];
    let of_row = |(a, b): (&f64, &f64)| ((a - b) - (ours - theirs)) / rows;
    Some(([theirs, ours], expert.iter().zip(baseline).map(of_row).collect()))
}

/// The error of an estimate that is a sum of influences.
struct Error {
    variance: f64,
    /// Rows or groups.
    units: f64,
}

impl Error {
    /// `None` of fewer than two rows or groups.
    fn of(influence: &[f64], groups: Option<&Groups>) -> Option<Self> {
        let (squares, units) = match groups {
            None => (influence.iter().map(|one| one * one).sum::<f64>(), influence.len()),
            Some(groups) => {
                let sums = groups.sums(influence.iter().copied());
                (sums.iter().map(|sum| sum * sum).sum(), sums.len())
            }
        };
        let units = units as f64;
        (units >= 2.0).then_some(Self { variance: squares * units / (units - 1.0), units })
    }

    /// The one-sided probability of so large a `gain` without skill, with a variance of at least `least`.
    fn chance(&self, gain: f64, least: f64) -> f64 {
        let variance = self.variance.max(least);
        let every_one = libm::exp2(-self.units);
        match variance > 0.0 {
            true => upper_tail(gain / variance.sqrt(), self.units - 1.0).max(every_one),
            false if gain > 0.0 => every_one,
            false => 1.0,
        }
    }

    /// A test of values (baseline, expert) whose direction of better is that of `gain`.
    fn test(&self, metric: &str, [before, after]: [f64; 2], gain: f64, least: f64) -> SkillTest {
        let better = if collegium_records::larger_is_better(metric) { gain } else { -gain };
        let reach = student_quantile(self.units - 1.0) * self.variance.sqrt();
        let difference = after - before;
        let interval = Interval { low: difference - reach, high: difference + reach };
        let p_value = self.chance(better, least);
        SkillTest {
            metric: metric.to_owned(),
            diff: MetricDiff { before, after, difference, interval: Some(interval) },
            p_value,
            adjusted: p_value,
        }
    }
}
