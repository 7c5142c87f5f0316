//! Classes, curves and residuals: golden values of scikit-learn 1.9, definitions, agreement with the
//! metrics.

use collegium_digest::{Digest, stream};
use collegium_probe::{
    ClassDecision, Resampling, class_measures, classification, curves, measure_classification,
    regression, residuals,
};
use collegium_records::{ClassMeasures, Curve};
use proptest::prelude::*;

const P: [f32; 10] = [0.9, 0.8, 0.8, 0.3, 0.55, 0.1, 0.55, 0.45, 0.2, 0.7];
const Y: [u32; 10] = [1, 1, 0, 0, 1, 0, 0, 1, 0, 1];

fn names(classes: usize) -> Vec<String> {
    (0..classes).map(|class| format!("c{class}")).collect()
}

fn key() -> Digest {
    Digest::of(b"k")
}

/// Sixteenths are exact in f32, so that ties are ties on both sides.
fn three_classes() -> (Vec<f32>, [u32; 8]) {
    let sixteenths: [[f32; 3]; 8] = [
        [11., 3., 2.],
        [2., 9., 5.],
        [3., 3., 10.],
        [8., 5., 3.],
        [5., 6., 5.],
        [2., 2., 12.],
        [6., 8., 2.],
        [5., 5., 6.],
    ];
    (sixteenths.concat().iter().map(|p| p / 16.0).collect(), [0, 1, 2, 1, 0, 2, 1, 0])
}

/// Precision, recall, F1.
fn values(measures: &ClassMeasures) -> [Option<f64>; 3] {
    [measures.precision, measures.recall, measures.f1].map(|measure| measure.map(|m| m.value))
}

fn assert_values(found: &ClassMeasures, expected: [f64; 3]) {
    for (found, expected) in values(found).into_iter().zip(expected) {
        assert!((found.expect("defined") - expected).abs() < 1e-12, "{found:?} {expected}");
    }
}

fn assert_points(curve: &Curve, expected: &[[f64; 2]]) {
    assert_eq!(curve.points.len(), expected.len(), "{:?}", curve.points);
    for (a, b) in curve.points.iter().zip(expected) {
        assert!((a[0] - b[0]).abs() < 1e-12 && (a[1] - b[1]).abs() < 1e-12, "{:?}", curve.points);
    }
}

/// Of straight lines between the points.
fn area(points: &[[f64; 2]]) -> f64 {
    points.windows(2).map(|p| (p[1][0] - p[0][0]) * (p[1][1] + p[0][1]) / 2.0).sum()
}

#[test]
fn both_classes_of_a_binary_classifier_agree_with_scikit_learn() {
    let found = class_measures(
        &P,
        1,
        &Y,
        &names(2),
        ClassDecision::default(),
        Resampling::of_rows(0, &key()),
    );
    assert_eq!(found.iter().map(|c| (c.rows, c.predicted)).collect::<Vec<_>>(), [(5, 4), (5, 6)]);
    assert_values(&found[0], [0.75, 0.6, 2.0 / 3.0]);
    assert_values(&found[1], [2.0 / 3.0, 0.8, 0.7272727272727273]);
    assert!(found.iter().all(|c| c.recall.is_some_and(|recall| recall.interval.is_none())));
}

#[test]
fn three_classes_agree_with_scikit_learn() {
    let (p, y) = three_classes();
    let found = class_measures(
        &p,
        3,
        &y,
        &names(3),
        ClassDecision::default(),
        Resampling::of_rows(0, &key()),
    );
    assert_values(&found[0], [0.5, 1.0 / 3.0, 0.4]);
    assert_values(&found[1], [2.0 / 3.0; 3]);
    assert_values(&found[2], [2.0 / 3.0, 1.0, 0.8]);
}

#[test]
fn what_is_not_defined_of_a_class_is_absent() {
    // Nothing is ever predicted as c1, and no row is c2.
    let p = [0.8, 0.1, 0.1, 0.2, 0.1, 0.7];
    let found = class_measures(
        &p,
        3,
        &[0, 1],
        &names(3),
        ClassDecision::default(),
        Resampling::of_rows(50, &key()),
    );
    assert_eq!(values(&found[0]), [Some(1.0); 3]);
    assert_eq!(values(&found[1]), [None, Some(0.0), Some(0.0)]);
    assert_eq!(values(&found[2]), [Some(0.0), None, Some(0.0)]);
    assert!(
        class_measures(
            &[],
            1,
            &[],
            &names(2),
            ClassDecision::default(),
            Resampling::of_rows(50, &key())
        )
        .is_empty()
    );
    assert!(
        class_measures(
            &[f32::NAN],
            1,
            &[0],
            &names(2),
            ClassDecision::default(),
            Resampling::of_rows(50, &key())
        )
        .is_empty()
    );
}

#[test]
fn a_row_of_an_unknown_class_counts_where_it_is_predicted() {
    let found = class_measures(
        &[0.9, 0.9],
        1,
        &[1, 7],
        &names(2),
        ClassDecision::default(),
        Resampling::of_rows(0, &key()),
    );
    assert_eq!((found[1].rows, found[1].predicted), (1, 2));
    assert_eq!(values(&found[1]), [Some(0.5), Some(1.0), Some(2.0 / 3.0)]);
}

#[test]
fn f1_has_the_interval_that_the_metric_has() {
    let (p, y) = drawn(400, 1);
    let metrics = measure_classification(&p, 1, &y, 2, Resampling::of_rows(200, &key()));
    let found = class_measures(
        &p,
        1,
        &y,
        &names(2),
        ClassDecision::default(),
        Resampling::of_rows(200, &key()),
    );
    let f1 = found[1].f1.expect("defined");
    assert_eq!((f1.value, f1.interval), (metrics.metrics["f1"], Some(metrics.intervals["f1"])));
}

#[test]
fn intervals_of_a_recall_have_the_width_that_theory_gives() {
    let (p, y) = drawn(4000, 2);
    let found = class_measures(
        &p,
        1,
        &y,
        &names(2),
        ClassDecision::default(),
        Resampling::of_rows(2000, &key()),
    );
    for class in &found {
        let recall = class.recall.expect("rows");
        let interval = recall.interval.expect("resamples");
        let error = (recall.value * (1.0 - recall.value) / class.rows as f64).sqrt();
        let ratio = (interval.high - interval.low) / (2.0 * 1.96 * error);
        assert!((0.93..1.07).contains(&ratio), "{ratio}");
        assert!(interval.low < recall.value && recall.value < interval.high);
    }
}

#[test]
fn binary_curves_agree_with_scikit_learn() {
    let found = curves(&P, 1, &Y, &names(2), ClassDecision::default()).expect("both classes");
    let [roc] = found.roc.as_slice() else { panic!("one curve") };
    assert_eq!((roc.class.as_str(), roc.prevalence), ("c1", 0.5));
    // roc_curve(Y, P, drop_intermediate=False)
    let rates =
        [[0., 0.], [0., 1.], [1., 2.], [1., 3.], [2., 4.], [2., 5.], [3., 5.], [4., 5.], [5., 5.]];
    assert_points(roc, &rates.map(|[x, y]| [x / 5.0, y / 5.0]));
    assert!((roc.area - 0.8).abs() < 1e-12);
    // precision_recall_curve(Y, P), each precision held back to the recall before it.
    let [curve] = found.precision_recall.as_slice() else { panic!("one curve") };
    assert_points(
        curve,
        &[
            [0.0, 1.0],
            [0.2, 1.0],
            [0.2, 0.6666666666666666],
            [0.4, 0.6666666666666666],
            [0.4, 0.75],
            [0.6, 0.75],
            [0.6, 0.6666666666666666],
            [0.8, 0.6666666666666666],
            [0.8, 0.7142857142857143],
            [1.0, 0.7142857142857143],
            [1.0, 0.625],
            [1.0, 0.5555555555555556],
            [1.0, 0.5],
        ],
    );
    assert!((curve.area - 0.7595238095238095).abs() < 1e-12);
}

#[test]
fn curves_of_three_classes_agree_with_scikit_learn() {
    let (p, y) = three_classes();
    let found = curves(&p, 3, &y, &names(3), ClassDecision::default()).expect("rows");
    let areas = |curves: &[Curve]| curves.iter().map(|c| c.area).collect::<Vec<f64>>();
    // roc_auc_score and average_precision_score of each column.
    for (found, expected) in areas(&found.roc).into_iter().zip([0.7333333333333333, 0.9, 1.0]) {
        assert!((found - expected).abs() < 1e-12);
    }
    let expected = [0.7333333333333334, 0.8666666666666667, 1.0];
    for (found, expected) in areas(&found.precision_recall).into_iter().zip(expected) {
        assert!((found - expected).abs() < 1e-12);
    }
    // roc_curve(y == 0, p[:, 0], drop_intermediate=False)
    let third = 1.0 / 3.0;
    assert_points(
        &found.roc[0],
        &[[0., 0.], [0., third], [0.2, third], [0.4, third], [0.4, 1.], [0.6, 1.], [1., 1.]],
    );
}

#[test]
fn a_class_that_does_not_occur_has_no_curve() {
    assert_eq!(curves(&[0.2, 0.4], 1, &[0, 0], &names(2), ClassDecision::default()), None);
    assert_eq!(curves(&[], 3, &[], &names(3), ClassDecision::default()), None);
    assert_eq!(curves(&[f32::NAN], 1, &[1], &names(2), ClassDecision::default()), None);
    let all =
        curves(&[0.2, 0.4], 1, &[1, 1], &names(2), ClassDecision::default()).expect("positives");
    assert!(all.roc.is_empty());
    assert_eq!(all.precision_recall[0].points, [[0.0, 1.0], [0.5, 1.0], [1.0, 1.0]]);
    let three =
        curves(&[0.8, 0.1, 0.1, 0.2, 0.7, 0.1], 3, &[0, 1], &names(3), ClassDecision::default())
            .expect("rows");
    let classes: Vec<&str> = three.roc.iter().map(|curve| curve.class.as_str()).collect();
    assert_eq!(classes, ["c0", "c1"]);
}

#[test]
fn of_many_classes_those_with_the_least_area_stay_in_their_order() {
    let (classes, rows) = (20, 600);
    let mut random = stream(&key(), "rows");
    let labels: Vec<u32> = (0..rows).map(|row| row % classes).collect();
    // The larger a class's number modulo 7, the clearer its score.
    let p: Vec<f32> = labels
        .iter()
        .flat_map(|&label| {
            (0..classes)
                .map(|class| {
                    let signal = if class == label { 0.1 * (class % 7) as f32 } else { 0.0 };
                    random.random::<f32>() + signal
                })
                .collect::<Vec<f32>>()
        })
        .collect();
    let names = names(classes as usize);
    let found =
        curves(&p, classes as usize, &labels, &names, ClassDecision::default()).expect("rows");
    let mut all: Vec<(f64, &String)> = names
        .iter()
        .enumerate()
        .map(|(class, name)| {
            let score: Vec<f32> = p.iter().skip(class).step_by(classes as usize).copied().collect();
            let is: Vec<u32> = labels.iter().map(|&l| u32::from(l == class as u32)).collect();
            (classification(&score, 1, &is, 2)["auc"], name)
        })
        .collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let least: Vec<&String> = all[..12].iter().map(|(_, name)| *name).collect();
    let expected: Vec<&String> = names.iter().filter(|name| least.contains(name)).collect();
    assert_eq!(found.roc.iter().map(|c| &c.class).collect::<Vec<_>>(), expected);
    assert_eq!(found.precision_recall.iter().map(|c| &c.class).collect::<Vec<_>>(), expected);
}

#[test]
fn curves_of_many_rows_are_short_and_keep_their_area() {
    let (p, y) = drawn(50_000, 3);
    let found = curves(&p, 1, &y, &names(2), ClassDecision::default()).expect("both classes");
    for curve in found.roc.iter().chain(&found.precision_recall) {
        assert!(curve.points.len() <= 200, "{}", curve.points.len());
        assert!((area(&curve.points) - curve.area).abs() < 0.002);
    }
    assert_eq!(found.roc[0].points.first(), Some(&[0.0, 0.0]));
    assert_eq!(found.roc[0].points.last(), Some(&[1.0, 1.0]));
    assert!(found.roc[0].points.len() < 100);
    assert_eq!(found.precision_recall[0].points.last().map(|p| p[0]), Some(1.0));
}

#[test]
fn residuals_agree_with_numpy() {
    let predicted: Vec<f32> = (0..100).map(|i| i as f32).collect();
    let truth: Vec<f64> = (0..100).map(|i| f64::from(i) - f64::from((i * 37) % 100)).collect();
    let found = residuals(&predicted, &truth).expect("rows");
    assert!((found.bias - 49.5).abs() < 1e-12);
    // numpy.quantile(numpy.arange(100), [.025, .25, .5, .75, .975])
    for (found, expected) in found.quantiles.iter().zip([2.475, 24.75, 49.5, 74.25, 96.525]) {
        assert!((found - expected).abs() < 1e-12);
    }
    // √100 bins from .495 to 98.505.
    assert_eq!(found.edges.len(), 11);
    assert!((found.edges[0] - 0.495).abs() < 1e-12 && (found.edges[10] - 98.505).abs() < 1e-12);
    assert_eq!(found.counts, [11, 10, 9, 10, 10, 10, 10, 9, 10, 11]);
    assert_eq!(found.by_prediction.len(), 10);
    let first = found.by_prediction[0];
    // (37 i) mod 100 for i = 0..10: 0 37 74 11 48 85 22 59 96 33
    assert_eq!((first.rows, first.predicted, first.mean), (10, 4.5, 46.5));
    assert!((first.low - 9.9).abs() < 1e-12 && (first.high - 86.1).abs() < 1e-12);
}

#[test]
fn a_constant_error_has_one_bin_and_a_constant_prediction_one_group() {
    let found = residuals(&[3.0; 5], &[1.0; 5]).expect("rows");
    assert_eq!((found.bias, found.quantiles), (2.0, [2.0; 5]));
    assert_eq!((found.edges, found.counts), (vec![1.5, 2.5], vec![5]));
    assert_eq!(found.by_prediction.len(), 1);
    assert_eq!(found.by_prediction[0].rows, 5);
    let single = residuals(&[1.0], &[3.0]).expect("a row");
    assert_eq!((single.bias, single.counts), (-2.0, vec![1]));
}

#[test]
fn residuals_of_few_rows_or_of_what_is_no_number() {
    let found = residuals(&[1.0, 2.0, 3.0], &[0.0; 3]).expect("rows");
    assert_eq!(found.by_prediction.iter().map(|b| b.rows).collect::<Vec<_>>(), [1, 1, 1]);
    assert_eq!(found.counts.iter().sum::<u64>(), 3);
    assert_eq!(residuals(&[], &[]), None);
    assert_eq!(residuals(&[f32::NAN], &[1.0]), None);
    assert_eq!(residuals(&[0.0, 0.0], &[f64::INFINITY, 1.0]), None);
    assert_eq!(residuals(&[0.0, 0.0], &[f64::MAX, -f64::MAX]), None);
}

/// Scores in hundredths with overlapping classes.
fn drawn(rows: usize, seed: u8) -> (Vec<f32>, Vec<u32>) {
    let mut random = stream(&Digest::of(&[seed]), "rows");
    (0..rows)
        .map(|_| {
            let p: f32 = random.random();
            (p, u32::from(random.random::<f32>() < 0.2 + 0.6 * p))
        })
        .unzip()
}

proptest! {
    #[test]
    fn lines_between_the_points_enclose_the_metrics(
        rows in prop::collection::vec((0_u8..30, any::<bool>()), 1..95)
    ) {
        let p: Vec<f32> = rows.iter().map(|r| f32::from(r.0) / 29.0).collect();
        let y: Vec<u32> = rows.iter().map(|r| u32::from(r.1)).collect();
        let metrics = classification(&p, 1, &y, 2);
        let Some(found) = curves(&p, 1, &y, &names(2), ClassDecision::default()) else {
            prop_assert!(!metrics.contains_key("average_precision"));
            return Ok(());
        };
        prop_assert_eq!(found.roc.first().map(|c| c.area), metrics.get("auc").copied());
        for roc in &found.roc {
            prop_assert!((area(&roc.points) - roc.area).abs() < 1e-12);
            prop_assert!(roc.points.windows(2).all(|p| p[0][0] <= p[1][0] && p[0][1] <= p[1][1]));
        }
        let curve = &found.precision_recall[0];
        prop_assert_eq!(curve.area, metrics["average_precision"]);
        prop_assert!((area(&curve.points) - curve.area).abs() < 1e-12);
        prop_assert!(curve.points.windows(2).all(|p| p[0][0] <= p[1][0]));
    }

    #[test]
    fn the_mean_area_of_all_classes_is_the_metric(
        rows in prop::collection::vec(([1_u8..6, 1..6, 1..6, 1..6], 0_u32..5), 2..60)
    ) {
        let p: Vec<f32> = rows.iter().flat_map(|r| r.0.map(|p| f32::from(p) / 24.0)).collect();
        let y: Vec<u32> = rows.iter().map(|r| r.1).collect();
        let metrics = classification(&p, 4, &y, 4);
        if let Some(found) = curves(&p, 4, &y, &names(4), ClassDecision::default()) {
            for (curves, metric) in [(&found.roc, "auc"), (&found.precision_recall, "average_precision")] {
                let mean = curves.iter().map(|c| c.area).sum::<f64>() / curves.len() as f64;
                match metrics.get(metric) {
                    Some(value) => prop_assert!((mean - value).abs() < 1e-12),
                    None => prop_assert!(curves.is_empty()),
                }
            }
        }
    }

    #[test]
    fn class_measures_are_their_definitions(
        rows in prop::collection::vec(([1_u8..9, 1..9, 1..9], 0_u32..4), 1..40)
    ) {
        let p: Vec<f32> = rows.iter().flat_map(|r| r.0.map(|p| f32::from(p) / 24.0)).collect();
        let y: Vec<u32> = rows.iter().map(|r| r.1).collect();
        let predicted = collegium_probe::predicted_labels(&p, 3, ClassDecision::default());
        for (class, found) in (0..).zip(class_measures(&p, 3, &y, &names(3), ClassDecision::default(), Resampling::of_rows(16, &key()))) {
            let count = |holds: &dyn Fn(u32, u32) -> bool| {
                y.iter().zip(&predicted).filter(|(y, p)| holds(**y, **p)).count() as f64
            };
            let actual = count(&|y, _| y == class);
            let claimed = count(&|_, p| p == class);
            let right = count(&|y, p| y == class && p == class);
            prop_assert_eq!((found.rows as f64, found.predicted as f64), (actual, claimed));
            let ratio = |a: f64, b: f64| (b > 0.0).then(|| a / b);
            let expected =
                [ratio(right, claimed), ratio(right, actual), ratio(2.0 * right, claimed + actual)];
            prop_assert_eq!(values(&found), expected);
            for measure in [found.precision, found.recall, found.f1].into_iter().flatten() {
                if let Some(interval) = measure.interval {
                    prop_assert!(0.0 <= interval.low && interval.low <= interval.high);
                    prop_assert!(interval.high <= 1.0);
                }
            }
        }
    }

    #[test]
    fn residuals_count_every_row_and_agree_with_the_metrics(
        rows in prop::collection::vec((0_u8..20, -1e3_f64..1e3), 1..300)
    ) {
        let predicted: Vec<f32> = rows.iter().map(|r| f32::from(r.0)).collect();
        let truth: Vec<f64> = rows.iter().map(|r| r.1).collect();
        let found = residuals(&predicted, &truth).expect("numbers");
        prop_assert_eq!(found.counts.iter().sum::<u64>(), rows.len() as u64);
        prop_assert_eq!(found.edges.len(), found.counts.len() + 1);
        prop_assert!(found.edges.windows(2).all(|e| e[0] < e[1]));
        let groups = &found.by_prediction;
        prop_assert!(groups.len() <= 10.min(rows.len()));
        prop_assert_eq!(groups.iter().map(|g| g.rows).sum::<u64>(), rows.len() as u64);
        prop_assert!(groups.windows(2).all(|g| g[0].predicted < g[1].predicted));
        let bias: f64 = groups.iter().map(|g| g.rows as f64 * g.mean).sum::<f64>();
        prop_assert!((bias / rows.len() as f64 - found.bias).abs() < 1e-9);
        let rmse = regression(&predicted, &truth)["rmse"];
        prop_assert!(found.bias.abs() <= rmse + 1e-9);
        let (mut backwards_p, mut backwards_t) = (predicted, truth);
        backwards_p.reverse();
        backwards_t.reverse();
        prop_assert_eq!(residuals(&backwards_p, &backwards_t), Some(found));
    }
}
