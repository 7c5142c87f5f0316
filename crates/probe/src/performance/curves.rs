//! ROC curve and precision-recall curve.

use collegium_records::{Curve, Curves};

use super::thin::thin;
use crate::{
    ClassDecision, Classes,
    ranking::{Areas, corners},
    scored::View,
};

/// Curves that are kept where there are more classes.
const MOST_CLASSES: usize = 12;

/// ROC, precision-recall and gain curves: of the positive class of a binary classifier, else of each class
/// that occurs against all others. Arguments as in [`crate::classification`], with
/// `class_names.len()` classes.
///
/// * **ROC**: (false positive rate, true positive rate) from (0, 0) to (1, 1), one point for each
///   distinct score; rows of equal scores are one straight step, so the area is that of
///   Mann-Whitney with ties at half. Absent for a class without rows of other classes.
/// * **Precision-recall**: the corners of the steps whose area is average precision. Each distinct
///   score gives (recall, precision); precision at a score holds back to the recall before it, so
///   straight lines between these points enclose just that area. Joining the points themselves
///   would enclose more than any threshold reaches (Davis and Goadrich 2006).
/// * **Gain** (cumulative gains): (share of all rows that are predicted positive, share of the class's rows among
///   them), from (0, 0) to (1, 1). Lift at x is y / x. Absent where ROC is.
///
/// `area` is that of all points; of ROC and precision-recall it equals `auc` and `average_precision` of
/// [`crate::classification`] (for more classes, their means do). Points and areas agree with
/// scikit-learn's `roc_curve`, `roc_auc_score`, `precision_recall_curve` (drawn as its display does,
/// and without the point (0, 1) that it adds) and `average_precision_score`.
///
/// A curve of at most 200 points is kept as it is. A longer one is thinned: the point farthest from
/// the lines drawn so far is added until none is farther than .002, or there are 200. The latter
/// happens to jagged curves of some hundred to some thousand rows; on 280 sets of random scores,
/// which give the most jagged there are, no point was then farther than .004 (ROC) and .009
/// (precision-recall). First and last point always stay.
///
/// Of more than 12 classes, the 12 with the least AUC are kept, in the order of the classes: what is
/// looked for in a sheaf of curves is the ones that sag.
///
/// `None` without rows, without a row of a ranked class, or with a probability that is not finite.
///
/// # Panics
/// When the shapes do not fit each other (a mistake of the caller, which no data can cause).
pub fn curves(
    probability: &[f32],
    width: usize,
    labels: &[u32],
    class_names: &[String],
    decision: ClassDecision,
) -> Option<Curves> {
    let view =
        View::new(probability, width, labels, Classes { count: class_names.len(), decision });
    if probability.iter().any(|p| !p.is_finite()) {
        return None;
    }
    let mut found = Curves { roc: Vec::new(), precision_recall: Vec::new(), gain: Vec::new() };
    view.each_column(&chosen(&view), |class, scores| {
        let Some(name) = class_names.get(class as usize) else { return };
        let is_own = |row: usize| labels[row] == class;
        let [auc, precision] = areas(scores, is_own);
        let steps = corners(scores, is_own);
        let Some(&[negative, positive]) = steps.last() else { return };
        let curve = |points: Vec<[f64; 2]>, area| Curve {
            class: name.clone(),
            prevalence: positive as f64 / (positive + negative) as f64,
            points: thin(&points),
            area,
        };
        if negative > 0 {
            found.roc.push(curve(roc(&steps, negative, positive), auc));
            let points = gain(&steps, negative, positive);
            let area = area(&points);
            found.gain.push(curve(points, area));
        }
        found.precision_recall.push(curve(precision_recall(&steps, positive), precision));
    });
    (!found.precision_recall.is_empty()).then_some(found)
}

/// The classes whose curves are kept, ascending.
fn chosen(view: &View) -> Vec<u32> {
    let classes: Vec<u32> = view.ranked().collect();
    if classes.len() <= MOST_CLASSES {
        return classes;
    }
    let mut by_area: Vec<(f64, u32)> = Vec::with_capacity(classes.len());
    view.each_column(&classes, |class, scores| {
        by_area.push((areas(scores, |row| view.labels[row] == class)[0], class));
    });
    by_area.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    by_area.truncate(MOST_CLASSES);
    let mut classes: Vec<u32> = by_area.into_iter().map(|(_, class)| class).collect();
    classes.sort_unstable();
    classes
}

/// Area under the ROC curve and average precision.
fn areas(scores: &[f32], is_own: impl Fn(usize) -> bool) -> [f64; 2] {
    let [[auc], [precision]] =
        Areas::new(scores, is_own).measure(&vec![[1]; scores.len()], [scores.len() as f64]);
    [auc, precision]
}

fn roc(steps: &[[u64; 2]], negative: u64, positive: u64) -> Vec<[f64; 2]> {
    let rates =
        steps.iter().map(|&[n, p]| [n as f64 / negative as f64, p as f64 / positive as f64]);
    std::iter::once([0.0, 0.0]).chain(rates).collect()
}

fn gain(steps: &[[u64; 2]], negative: u64, positive: u64) -> Vec<[f64; 2]> {
    let all = (negative + positive) as f64;
    let shares = steps.iter().map(|&[n, p]| [(n + p) as f64 / all, p as f64 / positive as f64]);
    std::iter::once([0.0, 0.0]).chain(shares).collect()
}

/// The area under straight lines between points.
fn area(points: &[[f64; 2]]) -> f64 {
    points.windows(2).map(|pair| (pair[1][0] - pair[0][0]) * (pair[0][1] + pair[1][1]) / 2.0).sum()
}

fn precision_recall(steps: &[[u64; 2]], positive: u64) -> Vec<[f64; 2]> {
    let mut points = Vec::with_capacity(2 * steps.len());
    let mut before = 0.0;
    for &[n, p] in steps {
        let (recall, precision) = (p as f64 / positive as f64, p as f64 / (n + p) as f64);
        points.extend([[before, precision], [recall, precision]]);
        before = recall;
    }
    points.dedup();
    points
}
