//! Intervals cover and are determined by their key; the score against a constant.

use collegium_digest::{Digest, stream};
use collegium_probe::{
    Loss, Resampling, bootstrap_classification, bootstrap_regression, classification, log_losses,
    measure_classification, measure_regression, regression, skill, squared_errors,
};
use rand::RngExt as _;

fn key(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

/// Rows whose probabilities are true: y is 1 with probability p.
fn calibrated(rows: usize, name: &str) -> (Vec<f32>, Vec<u32>) {
    let mut random = stream(&key(name), "rows");
    (0..rows)
        .map(|_| {
            let p: f32 = random.random();
            (p, u32::from(random.random::<f32>() < p))
        })
        .unzip()
}

#[test]
fn every_defined_metric_has_an_interval_around_it() {
    let (p, y) = calibrated(500, "a");
    let found = measure_classification(&p, 1, &y, 2, Resampling::of_rows(200, &key("k")));
    assert_eq!(found.metrics, classification(&p, 1, &y, 2));
    assert_eq!(
        found.intervals,
        bootstrap_classification(&p, 1, &y, 2, Resampling::of_rows(200, &key("k")))
    );
    assert_eq!(found.rows, 500);
    // Resampling adds noise to the bins of a calibration error: its interval would lie higher.
    assert!(found.metrics.keys().filter(|name| *name != "ece").eq(found.intervals.keys()));
    for (name, interval) in &found.intervals {
        assert!(interval.low < interval.high, "{name}");
        let value = found.metrics[name];
        assert!(interval.low <= value && value <= interval.high, "{name} {value} {interval:?}");
    }
}

#[test]
fn intervals_of_a_mean_have_the_width_that_theory_gives() {
    let (p, y) = calibrated(2000, "b");
    let losses = log_losses(&p, 1, &y, 2);
    let mean = losses.iter().sum::<f64>() / 2000.0;
    let variance = losses.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / 2000.0;
    let expected = 2.0 * 1.96 * (variance / 2000.0).sqrt();
    let interval =
        bootstrap_classification(&p, 1, &y, 2, Resampling::of_rows(2000, &key("k")))["log_loss"];
    let ratio = (interval.high - interval.low) / expected;
    assert!((0.93..1.07).contains(&ratio), "{ratio}");
}

#[test]
fn intervals_cover_the_truth_about_nineteen_times_in_twenty() {
    // AUC of p uniform, y ~ Bernoulli(p) is 5/6: P(s > t) under densities 2s and 2(1 − t).
    let covered = (0..200)
        .filter(|i| {
            let (p, y) = calibrated(300, &i.to_string());
            let auc =
                bootstrap_classification(&p, 1, &y, 2, Resampling::of_rows(100, &key("k")))["auc"];
            auc.low <= 5.0 / 6.0 && 5.0 / 6.0 <= auc.high
        })
        .count();
    assert!((178..=199).contains(&covered), "{covered} of 200");
}

#[test]
fn the_key_determines_an_interval() {
    let (p, y) = calibrated(100, "c");
    let intervals =
        |name| bootstrap_classification(&p, 1, &y, 2, Resampling::of_rows(50, &key(name)));
    assert_eq!(intervals("k"), intervals("k"));
    assert_ne!(intervals("k"), intervals("l"));
}

#[test]
fn no_resamples_or_no_rows_give_no_interval() {
    assert!(
        bootstrap_classification(&[0.1, 0.9], 1, &[0, 1], 2, Resampling::of_rows(0, &key("k")))
            .is_empty()
    );
    assert!(
        bootstrap_classification(&[], 1, &[], 2, Resampling::of_rows(20, &key("k"))).is_empty()
    );
    assert!(bootstrap_regression(&[], &[], Resampling::of_rows(20, &key("k"))).is_empty());
}

#[test]
fn resamples_of_one_class_do_not_break_the_interval_of_auc() {
    // One positive: 37 % of the resamples have none.
    let p = [0.9, 0.1, 0.2, 0.3, 0.4];
    let auc = bootstrap_classification(
        &p,
        1,
        &[1, 0, 0, 0, 0],
        2,
        Resampling::of_rows(100, &key("k")),
    )["auc"];
    assert_eq!((auc.low, auc.high), (1.0, 1.0));
}

#[test]
fn regression_intervals_lie_around_their_values() {
    let mut random = stream(&key("r"), "rows");
    let truth: Vec<f64> = (0..400).map(|_| 1e6 + random.random::<f64>()).collect();
    let errors: Vec<f64> = (0..400).map(|_| 0.5 * (random.random::<f64>() - 0.5)).collect();
    let predicted: Vec<f32> = truth.iter().zip(&errors).map(|(t, e)| (t + e) as f32).collect();
    let found = measure_regression(&predicted, &truth, Resampling::of_rows(200, &key("k")));
    assert_eq!(found.metrics, regression(&predicted, &truth));
    assert_eq!(found.intervals.len(), 3);
    for (name, interval) in &found.intervals {
        let value = found.metrics[name];
        assert!(interval.low < value && value < interval.high, "{name} {value} {interval:?}");
    }
}

#[test]
fn the_constant_itself_gains_nothing() {
    let losses = [0.3; 50];
    let found =
        skill(Loss::Log, &losses, &losses, Resampling::of_rows(100, &key("k"))).expect("rows");
    assert_eq!((found.gain, found.metric.as_str()), (0.0, "log_loss"));
}

#[test]
fn gain_in_regression_is_r2_against_the_constant() {
    let truth: Vec<f64> = (0..40).map(f64::from).collect();
    let predicted: Vec<f32> =
        (0..40).map(|i| i as f32 + if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
    let expert = squared_errors(&predicted, &truth);
    let constant = squared_errors(&[19.5; 40], &truth);
    let found = skill(Loss::Squared, &expert, &constant, Resampling::of_rows(100, &key("k")))
        .expect("rows");
    let r2 = regression(&predicted, &truth)["r2"];
    assert!((found.gain - r2).abs() < 1e-12 && found.gain_interval.low > 0.9);
    assert_eq!((found.metric.as_str(), found.value), ("rmse", 1.0));
    assert!((found.gain - (1.0 - (found.value / found.baseline).powi(2))).abs() < 1e-12);
}

#[test]
fn a_baseline_without_loss_leaves_nothing_to_gain() {
    let found = skill(Loss::Squared, &[0.5; 20], &[0.0; 20], Resampling::of_rows(50, &key("k")))
        .expect("rows");
    assert_eq!(found.gain, 0.0);
    assert_eq!(skill(Loss::Log, &[], &[], Resampling::of_rows(50, &key("k"))), None);
    assert_eq!(skill(Loss::Log, &[f64::NAN], &[1.0], Resampling::of_rows(50, &key("k"))), None);
}
