//! Precision, recall and F1 of every class.

use collegium_records::{ClassMeasures, Measure};

use crate::{
    ClassDecision, Classes, Resampling,
    bootstrap::within,
    resample::{Block, Counts, Draws},
    scored::View,
};

/// True positives, predicted and actual rows of one class, on each lane.
type Tally<const L: usize> = [[f64; L]; 3];

/// Metrics of each class, in the order of `class_names`: precision = TP/predicted, recall = TP/rows,
/// F1 = 2·TP/(rows + predicted), at the predicted class (binary: by `decision`; else the first of the
/// largest). A binary classifier has both its classes here.
///
/// `probability`, `width` and `labels` are as in [`crate::classification`], with `class_names.len()`
/// classes. A row whose class the model does not know is no row of any class here, but it counts
/// where it was predicted, and so lowers a precision.
///
/// Intervals come from the resamples that [`crate::measure_classification`] draws under the same
/// key, so a binary classifier's F1 has the same interval in both. A measure that is not defined on
/// all rows is absent; one that is not defined on some resamples has the interval of the others. A
/// class all of whose rows are right has the interval from 1 to 1: a resample cannot draw a mistake
/// that is not there, so an interval of few rows says less than it seems to.
///
/// Values agree with scikit-learn's `precision_recall_fscore_support`, which says 0 where a measure
/// is not defined. No rows, or a probability that is not finite: an empty list.
///
/// # Panics
/// When the shapes do not fit each other (a mistake of the caller, which no data can cause).
pub fn class_measures(
    probability: &[f32],
    width: usize,
    labels: &[u32],
    class_names: &[String],
    decision: ClassDecision,
    how: Resampling,
) -> Vec<ClassMeasures> {
    let view =
        View::new(probability, width, labels, Classes { count: class_names.len(), decision });
    let rows = labels.len();
    if rows == 0 || probability.iter().any(|p| !p.is_finite()) {
        return Vec::new();
    }
    let classes = width.max(2);
    let pairs: Vec<(u32, u32)> =
        labels.iter().enumerate().map(|(row, &label)| (label, view.top(row).0)).collect();
    let mut drawn: Vec<[Vec<f64>; 3]> = vec![Default::default(); classes];
    let mut draws = Draws::new(how, "bootstrap", rows);
    while let Some(Block { counts, lanes, .. }) = draws.next_block() {
        for (values, tally) in drawn.iter_mut().zip(tallies(&pairs, counts, classes)) {
            for (values, measure) in values.iter_mut().zip(measures(&tally)) {
                values.extend_from_slice(&measure[..lanes]);
            }
        }
    }
    tallies(&pairs, &vec![[1]; rows], classes)
        .iter()
        .zip(&mut drawn)
        .zip(class_names)
        .map(|((tally, drawn), class)| {
            let mut values = measures(tally).into_iter().zip(drawn).map(|([value], drawn)| {
                value.is_finite().then(|| {
                    let interval = how.interval(value, drawn);
                    Measure { value, interval: interval.map(|i| within(i, [0.0, 1.0])) }
                })
            });
            let [_, [predicted], [actual]] = *tally;
            ClassMeasures {
                class: class.clone(),
                rows: actual as u64,
                predicted: predicted as u64,
                precision: values.next().flatten(),
                recall: values.next().flatten(),
                f1: values.next().flatten(),
            }
        })
        .collect()
}

/// Counts by class of (label, predicted) pairs with row weights.
fn tallies<const L: usize>(
    pairs: &[(u32, u32)],
    weights: &[Counts<L>],
    classes: usize,
) -> Vec<Tally<L>> {
    let mut tallies = vec![[[0.0; L]; 3]; classes];
    for (&(label, predicted), weight) in pairs.iter().zip(weights) {
        let weight = weight.map(f64::from);
        let hit = f64::from(u8::from(label == predicted));
        let [right, claimed, _] = &mut tallies[predicted as usize];
        for lane in 0..L {
            right[lane] += weight[lane] * hit;
            claimed[lane] += weight[lane];
        }
        if let Some([_, _, actual]) = tallies.get_mut(label as usize) {
            for lane in 0..L {
                actual[lane] += weight[lane];
            }
        }
    }
    tallies
}

/// Precision, recall and F1; NaN where not defined.
fn measures<const L: usize>([right, claimed, actual]: &Tally<L>) -> [[f64; L]; 3] {
    [
        std::array::from_fn(|lane| right[lane] / claimed[lane]),
        std::array::from_fn(|lane| right[lane] / actual[lane]),
        std::array::from_fn(|lane| 2.0 * right[lane] / (claimed[lane] + actual[lane])),
    ]
}
