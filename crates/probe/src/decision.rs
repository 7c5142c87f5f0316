//! Decision thresholds: how the probability of two classes becomes a class, and how a threshold is chosen.

/// The classes of a classifier: how many, and how a row's class is decided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Classes {
    /// How many there are.
    pub count: usize,
    /// Of two classes.
    pub decision: ClassDecision,
}

impl From<usize> for Classes {
    fn from(count: usize) -> Self {
        Self { count, decision: ClassDecision::default() }
    }
}

/// The classes of two classifiers that are compared: of each, how a row's class is decided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Compared {
    /// Of the first.
    pub before: Classes,
    /// Of all others.
    pub after: Classes,
}

impl<T: Into<Classes>> From<T> for Compared {
    fn from(both: T) -> Self {
        let both = both.into();
        Self { before: both, after: both }
    }
}

/// How a row of two classes is decided. More classes have no threshold: the first of the largest probabilities is
/// the predicted one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassDecision {
    /// The positive class, 0 or 1: precision, recall, F1, average precision and curves are of it.
    pub positive: u32,
    /// A row is predicted positive where the positive class's probability is above this.
    pub threshold: f32,
    /// What errors cost, where that is declared: a negative row that is predicted positive, and a positive one that is
    /// predicted negative.
    pub costs: Option<[f64; 2]>,
}

impl Default for ClassDecision {
    /// The second class, above one half.
    fn default() -> Self {
        Self { positive: 1, threshold: 0.5, costs: None }
    }
}

impl ClassDecision {
    /// The probability of the positive class, from that of the second class.
    pub fn of_positive(self, second: f32) -> f32 {
        if self.positive == 1 { second } else { 1.0 - second }
    }

    /// What predicting a class costs where another is true; `None` where no costs are declared. A class that is not
    /// known is not the positive one.
    pub(crate) fn cost(self, label: u32, predicted: u32) -> Option<f64> {
        let [false_positive, false_negative] = self.costs?;
        Some(match (predicted == self.positive, label == self.positive) {
            (true, false) => false_positive,
            (false, true) => false_negative,
            (true, true) | (false, false) => 0.0,
        })
    }

    /// The predicted class, 0 or 1, from the probability of the second class.
    pub fn class(self, second: f32) -> u32 {
        let positive = self.of_positive(second) > self.threshold;
        if positive { self.positive } else { 1 - self.positive }
    }
}

/// What a threshold is chosen by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Criterion {
    /// The largest F1.
    F1,
    /// The largest threshold whose recall is at least this: of all that find as many, the one of highest precision
    /// that ranking allows.
    Recall(f64),
    /// The least mean cost.
    Costs {
        /// Of a negative row that is predicted positive.
        false_positive: f64,
        /// Of a positive row that is predicted negative.
        false_negative: f64,
    },
}

/// The threshold that does best by `criterion` on rows with known labels: midway between two neighbouring
/// probabilities, of equally good ones the one nearest to one half. `second` is the probability of the second class, one to
/// a row; a row of a class that is not known (a label above 1) is left out.
///
/// Returns the threshold on the positive class's probability; `None` without a row of each class, or with a probability that
/// is not finite.
///
/// # Panics
/// When the slices differ in length (a mistake of the caller, which no data can cause).
pub fn choose_threshold(
    second: &[f32],
    labels: &[u32],
    positive: u32,
    criterion: Criterion,
) -> Option<f32> {
    assert_eq!(second.len(), labels.len(), "a label for each row");
    let side = ClassDecision { positive, ..ClassDecision::default() };
    let mut rows: Vec<(f32, bool)> = second
        .iter()
        .zip(labels)
        .filter(|(_, label)| **label < 2)
        .map(|(&p, &label)| (side.of_positive(p), label == positive))
        .collect();
    let actual = rows.iter().filter(|(_, is)| *is).count() as f64;
    if actual == 0.0 || actual == rows.len() as f64 || rows.iter().any(|(p, _)| !p.is_finite()) {
        return None;
    }
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    // From the threshold that predicts nothing positive, downwards.
    let highest = rows[0].0;
    let (mut right, mut claimed) = (0.0, 0.0);
    let mut best: Option<(f64, f32)> = None;
    let mut consider = |right: f64, claimed: f64, threshold: f32| {
        let worth = match criterion {
            Criterion::F1 => 2.0 * right / (claimed + actual),
            Criterion::Recall(least) => match right / actual >= least {
                true => -claimed,
                false => f64::NEG_INFINITY,
            },
            Criterion::Costs { false_positive, false_negative } => {
                -(false_positive * (claimed - right) + false_negative * (actual - right))
            }
        };
        let nearer = |than: f32| (threshold - 0.5).abs() < (than - 0.5).abs();
        if best.is_none_or(|(most, at)| worth > most || worth == most && nearer(at)) {
            best = Some((worth, threshold));
        }
    };
    consider(0.0, 0.0, above(highest));
    for (at, &(p, is)) in rows.iter().enumerate() {
        claimed += 1.0;
        right += f64::from(u8::from(is));
        let next = rows.get(at + 1).map(|next| next.0);
        if next != Some(p) {
            consider(right, claimed, next.map_or_else(|| below(p), |next| between(next, p)));
        }
    }
    best.map(|(_, threshold)| threshold)
}

/// Midway, and below the larger of two even where no number lies between them.
fn between(low: f32, high: f32) -> f32 {
    let middle = low + (high - low) / 2.0;
    if middle < high { middle } else { low }
}

/// A threshold that no probability is above.
fn above(highest: f32) -> f32 {
    between(highest, 1.0).max(highest)
}

/// A threshold that every probability is above.
fn below(lowest: f32) -> f32 {
    if lowest > 0.0 { lowest / 2.0 } else { -1.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const P: [f32; 6] = [0.1, 0.2, 0.35, 0.4, 0.7, 0.9];
    const Y: [u32; 6] = [0, 0, 1, 0, 1, 1];

    #[test]
    fn the_largest_f1_is_found_between_two_probabilities() {
        // Positive from .35 on: precision 3/4, recall 1, F1 .857; from .7 on: 1, 2/3, .8.
        let found = choose_threshold(&P, &Y, 1, Criterion::F1).expect("both classes");
        assert!(found > 0.2 && found < 0.35, "{found}");
    }

    #[test]
    fn a_recall_is_reached_at_the_highest_threshold_that_reaches_it() {
        let at = |recall| choose_threshold(&P, &Y, 1, Criterion::Recall(recall)).expect("both");
        assert!(at(0.6) > 0.4 && at(0.6) < 0.7);
        assert!(at(1.0) > 0.2 && at(1.0) < 0.35);
    }

    #[test]
    fn a_dear_miss_lowers_the_threshold_and_a_dear_alarm_raises_it() {
        let at = |false_positive, false_negative| {
            choose_threshold(&P, &Y, 1, Criterion::Costs { false_positive, false_negative })
                .expect("both")
        };
        assert!(at(1.0, 10.0) < 0.35);
        assert!(at(10.0, 1.0) > 0.4);
    }

    #[test]
    fn of_one_class_nothing_is_chosen() {
        assert_eq!(choose_threshold(&[0.2, 0.3], &[1, 1], 1, Criterion::F1), None);
        assert_eq!(choose_threshold(&[f32::NAN, 0.3], &[0, 1], 1, Criterion::F1), None);
        assert_eq!(choose_threshold(&[0.2, 0.3], &[0, 9], 1, Criterion::F1), None);
    }

    proptest! {
        #[test]
        fn no_other_threshold_does_better(
            rows in prop::collection::vec((0_u8..=20, 0_u32..2), 2..60),
            positive in 0_u32..2,
            costs in (0.1_f64..10.0, 0.1_f64..10.0),
        ) {
            let p: Vec<f32> = rows.iter().map(|r| f32::from(r.0) / 20.0).collect();
            let y: Vec<u32> = rows.iter().map(|r| r.1).collect();
            let counts = |threshold: f32| {
                let decision = ClassDecision { positive, threshold, costs: None };
                let mut n = [0.0; 3];
                for (p, y) in p.iter().zip(&y) {
                    match (decision.class(*p) == positive, *y == positive) {
                        (true, true) => n[0] += 1.0,
                        (true, false) => n[1] += 1.0,
                        (false, true) => n[2] += 1.0,
                        (false, false) => {}
                    }
                }
                n
            };
            let (alarm, miss) = costs;
            let all = (-1..=21).map(|t| (t as f32 + 0.5) / 20.0);
            let cost = |t: f32| { let [_, a, m] = counts(t); alarm * a + miss * m };
            let f1 = |t: f32| { let [r, a, m] = counts(t); 2.0 * r / (2.0 * r + a + m) };
            let by_cost = Criterion::Costs { false_positive: alarm, false_negative: miss };
            if let Some(chosen) = choose_threshold(&p, &y, positive, by_cost) {
                for t in all.clone() {
                    prop_assert!(cost(chosen) <= cost(t) + 1e-9);
                }
                let chosen = choose_threshold(&p, &y, positive, Criterion::F1).expect("both");
                for t in all.clone() {
                    prop_assert!(f1(chosen) >= f1(t) - 1e-9);
                }
                let chosen = choose_threshold(&p, &y, positive, Criterion::Recall(0.7)).expect("both");
                let recall = |t: f32| { let [r, _, m] = counts(t); r / (r + m) };
                prop_assert!(recall(chosen) >= 0.7);
                for t in all.filter(|t| recall(*t) >= 0.7) {
                    let (ours, theirs) = (counts(chosen), counts(t));
                    prop_assert!(ours[0] + ours[1] <= theirs[0] + theirs[1]);
                }
            }
        }
    }
}
