//! Values agree with scikit-learn 1.9 (the literals were printed by it) and with definitions.

use collegium_digest::Digest;
use collegium_probe::{
    ClassDecision, Classes, Resampling, classification, confusion, measure_classification,
    predicted_labels, regression, reliability,
};
use proptest::prelude::*;

const P: [f32; 10] = [0.9, 0.8, 0.8, 0.3, 0.55, 0.1, 0.55, 0.45, 0.2, 0.7];
const Y: [u32; 10] = [1, 1, 0, 0, 1, 0, 0, 1, 0, 1];

fn assert_near(found: &collegium_records::Metrics, expected: &[(&str, f64)]) {
    let names: Vec<&str> = found.keys().map(String::as_str).collect();
    let mut wanted: Vec<&str> = expected.iter().map(|e| e.0).collect();
    wanted.sort_unstable();
    assert_eq!(names, wanted);
    for (name, value) in expected {
        assert!((found[*name] - value).abs() < 1e-12, "{name}: {} is not {value}", found[*name]);
    }
}

#[test]
fn binary_metrics_agree_with_scikit_learn() {
    assert_near(
        &classification(&P, 1, &Y, 2),
        &[
            ("accuracy", 0.7),
            ("auc", 0.8),
            ("average_precision", 0.7595238095238095),
            ("f1", 0.7272727272727273),
            ("precision", 0.6666666666666666),
            ("recall", 0.8),
            ("log_loss", 0.5174648469389503),
            ("brier", 0.17275000503659263),
            ("ece", 0.2250000111758709),
        ],
    );
}

#[test]
fn two_columns_are_binary_as_well() {
    let both: Vec<f32> = P.iter().flat_map(|p| [1.0 - p, *p]).collect();
    assert_eq!(classification(&both, 2, &Y, 2), classification(&P, 1, &Y, 2));
}

#[test]
fn three_classes_agree_with_scikit_learn() {
    // Sixteenths are exact in f32, so that ties are ties on both sides.
    let p = [
        [11., 3., 2.],
        [2., 9., 5.],
        [3., 3., 10.],
        [8., 5., 3.],
        [5., 6., 5.],
        [2., 2., 12.],
        [6., 8., 2.],
        [5., 5., 6.],
    ]
    .concat()
    .iter()
    .map(|sixteenths: &f32| sixteenths / 16.0)
    .collect::<Vec<_>>();
    assert_near(
        &classification(&p, 3, &[0, 1, 2, 1, 0, 2, 1, 0], 3),
        &[
            ("accuracy", 0.625),
            ("auc", 0.8777777777777778),
            ("average_precision", 0.8666666666666667),
            ("f1", 0.6222222222222222),
            ("precision", 0.611111111111111),
            ("recall", 0.6666666666666666),
            ("log_loss", 0.7362928632524346),
            ("brier", 0.41796875),
            ("ece", 0.265625),
        ],
    );
}

#[test]
fn a_class_that_is_never_predicted_has_precision_0_in_the_mean() {
    let one_hot = [[1.0_f32, 0., 0.], [1., 0., 0.], [1., 0., 0.], [0., 1., 0.]].concat();
    let found = classification(&one_hot, 3, &[0, 1, 2, 0], 3);
    for (name, value) in [("precision", 1.0 / 9.0), ("recall", 1.0 / 6.0), ("f1", 2.0 / 15.0)] {
        assert!((found[name] - value).abs() < 1e-12, "{name}: {}", found[name]);
    }
}

#[test]
fn the_other_class_may_be_positive_and_the_threshold_elsewhere() {
    let decision = ClassDecision { positive: 0, threshold: 0.6, costs: Some([2.0, 7.0]) };
    let found = classification(&P, 1, &Y, Classes { count: 2, decision });
    // Two of the five are missed, at 7 each. Positive (class 0) where 1 − p > .6: p of .3, .1 and .2, all of class 0; five are of it.
    for (name, value) in [
        ("precision", 1.0),
        ("recall", 0.6),
        ("f1", 0.75),
        ("accuracy", 0.8),
        ("expected_cost", 1.4),
    ] {
        assert!((found[name] - value).abs() < 1e-12, "{name}: {}", found[name]);
    }
    let other: Vec<f32> = P.iter().map(|p| 1.0 - p).collect();
    let turned: Vec<u32> = Y.iter().map(|y| 1 - y).collect();
    let as_second = classification(&other, 1, &turned, 2);
    for name in ["auc", "average_precision", "log_loss", "brier"] {
        assert!((found[name] - as_second[name]).abs() < 1e-6, "{name}");
    }
}

#[test]
fn regression_metrics_agree_with_scikit_learn() {
    let found = regression(&[2.5, 0., 2., 8., 3.5], &[3., -1., 2., 7., 4.]);
    assert_near(
        &found,
        &[("rmse", std::f64::consts::FRAC_1_SQRT_2), ("mae", 0.6), ("r2", 0.9264705882352942)],
    );
}

#[test]
fn what_is_not_defined_is_absent() {
    let one_class = classification(&[0.2, 0.4], 1, &[0, 0], 2);
    assert_eq!(one_class.keys().collect::<Vec<_>>(), ["accuracy", "brier", "ece", "log_loss"]);
    let constant = regression(&[1.0, 2.0, 3.0], &[0.1, 0.1, 0.1]);
    assert_eq!(constant.keys().collect::<Vec<_>>(), ["mae", "rmse"]);
    assert!(classification(&[], 3, &[], 3).is_empty());
    assert!(regression(&[], &[]).is_empty());
}

#[test]
fn a_prediction_that_is_no_number_has_no_metrics() {
    assert!(classification(&[0.5, f32::NAN], 1, &[0, 1], 2).is_empty());
    assert!(regression(&[f32::INFINITY, 1.0], &[0.0, 1.0]).is_empty());
    assert_eq!(reliability(&[f32::NAN], 1, &[0], 2), None);
    let measured =
        measure_classification(&[f32::NAN], 1, &[0], 2, Resampling::of_rows(10, &Digest::of(b"k")));
    assert_eq!((measured.rows, measured.metrics.len()), (1, 0));
}

#[test]
fn a_class_absent_from_the_rows_does_not_enter_a_macro_average() {
    let p = [0.8, 0.1, 0.1, 0.2, 0.7, 0.1];
    let found = classification(&p, 3, &[0, 1], 3);
    assert_eq!((found["auc"], found["average_precision"], found["f1"]), (1.0, 1.0, 1.0));
}

#[test]
fn a_class_that_the_model_does_not_know_is_always_wrong() {
    let found = classification(&[0.8, 0.1, 0.1], 3, &[3], 3);
    assert_eq!(found["accuracy"], 0.0);
    assert!((found["log_loss"] - 1e7_f64.ln()).abs() < 1e-9);
    assert!((found["brier"] - 1.66).abs() < 1e-6);
}

#[test]
fn certainty_that_fails_costs_a_finite_loss() {
    let found = classification(&[0.0, 1.0], 1, &[1, 0], 2);
    assert!((found["log_loss"] - 1e7_f64.ln()).abs() < 1e-9);
}

#[test]
fn an_even_probability_is_not_the_positive_class() {
    assert_eq!(predicted_labels(&[0.5, 0.5000001], 1, ClassDecision::default()), [0, 1]);
    assert_eq!(
        predicted_labels(&[0.3, 0.3, 0.3, 0.1, 0.2, 0.7], 3, ClassDecision::default()),
        [0, 2]
    );
}

#[test]
fn confusion_counts_true_by_predicted() {
    let classes: Vec<String> = ["a", "b"].map(str::to_owned).into();
    let found = confusion(&[0, 0, 1, 1, 1, 9], &[0, 1, 1, 1, 0, 0], &classes);
    assert_eq!(found.counts, [[1, 1], [1, 2]]);
    assert_eq!(found.classes, classes);
}

#[test]
fn reliability_holds_the_rows_of_each_bin_and_the_same_error_as_the_metric() {
    let found = reliability(&[0.5, 0.52, 0.9, 1.0], 1, &[1, 0, 1, 1], 2).expect("rows");
    let rows: Vec<u64> = found.bins.iter().map(|b| b.rows).collect();
    assert_eq!(rows, [2, 1, 1]);
    assert!((found.bins[0].predicted - 0.51).abs() < 1e-7);
    assert_eq!(found.bins[0].observed, 0.5);
    let metric = classification(&[0.5, 0.52, 0.9, 1.0], 1, &[1, 0, 1, 1], 2)["ece"];
    assert!((found.ece - metric).abs() < 1e-12);
    assert_eq!(reliability(&[], 1, &[], 2), None);
}

#[test]
#[should_panic(expected = "probabilities are rows × width")]
fn contradicting_shapes_are_a_mistake_of_the_program() {
    classification(&[0.5; 3], 1, &[0, 1], 2);
}

proptest! {
    #[test]
    fn auc_is_the_share_of_pairs_in_order(rows in prop::collection::vec((0_u8..12, any::<bool>()), 2..60)) {
        let p: Vec<f32> = rows.iter().map(|r| f32::from(r.0) / 11.0).collect();
        let y: Vec<u32> = rows.iter().map(|r| u32::from(r.1)).collect();
        let (mut won, mut pairs) = (0.0, 0.0);
        for a in rows.iter().filter(|r| r.1) {
            for b in rows.iter().filter(|r| !r.1) {
                pairs += 1.0;
                won += if a.0 > b.0 { 1.0 } else if a.0 == b.0 { 0.5 } else { 0.0 };
            }
        }
        match classification(&p, 1, &y, 2).get("auc") {
            Some(auc) => prop_assert!((auc - won / pairs).abs() < 1e-12),
            None => prop_assert_eq!(pairs, 0.0),
        }
    }

    #[test]
    fn average_precision_is_its_definition(rows in prop::collection::vec((0_u8..12, any::<bool>()), 1..40)) {
        let p: Vec<f32> = rows.iter().map(|r| f32::from(r.0) / 11.0).collect();
        let y: Vec<u32> = rows.iter().map(|r| u32::from(r.1)).collect();
        let positives = rows.iter().filter(|r| r.1).count() as f64;
        let (mut sum, mut recall) = (0.0, 0.0);
        for threshold in (0..12).rev() {
            let kept: Vec<_> = rows.iter().filter(|r| r.0 >= threshold).collect();
            let hits = kept.iter().filter(|r| r.1).count() as f64;
            if !kept.is_empty() && positives > 0.0 {
                sum += (hits / positives - recall) * hits / kept.len() as f64;
                recall = hits / positives;
            }
        }
        match classification(&p, 1, &y, 2).get("average_precision") {
            Some(found) => prop_assert!((found - sum).abs() < 1e-12),
            None => prop_assert_eq!(positives, 0.0),
        }
    }

    #[test]
    fn the_order_of_rows_moves_no_metric(rows in prop::collection::vec((0.0_f32..1.0, 0_u32..2), 2..50)) {
        let measure = |rows: &[(f32, u32)]| {
            let (p, y): (Vec<f32>, Vec<u32>) = rows.iter().copied().unzip();
            classification(&p, 1, &y, 2)
        };
        let forwards = measure(&rows);
        let backwards = measure(&rows.iter().rev().copied().collect::<Vec<_>>());
        for (name, value) in &forwards {
            prop_assert!((value - backwards[name]).abs() < 1e-12, "{}", name);
        }
    }
}
