//! Two samples: tests keep their promise under no shift and find planted ones, indices are what their
//! formulas say, and a change between samples has an interval that covers.

#![allow(clippy::unwrap_used)]

use collegium_digest::{Digest, Stream, stream};
use collegium_probe::{
    Family, Resampling, chance_index, counts_differ, holm, in_bin, measure_classification,
    numbers_differ, stability_index, tenths, unpaired_classification, unpaired_regression,
};
use proptest::prelude::*;

fn key(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

fn random(name: &str) -> Stream {
    stream(&key(name), "rows")
}

/// The p-value of one test.
fn p_of_numbers(first: &[f64], second: &[f64]) -> f64 {
    let key = key("family");
    numbers_differ(first, second, &Family { key: &key, name: "x", tests: 10 }).unwrap().p_value
}

fn p_of_counts(first: &[u64], second: &[u64]) -> f64 {
    let key = key("family");
    let family = Family { key: &key, name: "x", tests: 10 };
    counts_differ(first, second, &family).map_or(1.0, |found| found.p_value)
}

/// P-values of samples of one distribution must not be small too often; where `full`, not too seldom
/// either.
#[track_caller]
fn keeps_its_promise(p_values: &[f64], full: bool) {
    let n = p_values.len() as f64;
    for level in [0.01, 0.05, 0.2, 0.5] {
        let share = p_values.iter().filter(|p| **p <= level).count() as f64 / n;
        let deviation = (level * (1.0 - level) / n).sqrt();
        assert!(share <= level + 3.5 * deviation, "{share} at {level}");
        assert!(!full || share >= level - 3.5 * deviation, "{share} at {level}");
    }
}

fn counted(codes: impl Iterator<Item = usize>, bins: usize) -> Vec<u64> {
    let mut counts = vec![0; bins];
    codes.for_each(|code| counts[code] += 1);
    counts
}

#[test]
fn p_values_of_numbers_are_uniform_without_a_shift_counted_or_in_the_limit() {
    for (n, m, runs) in [(300, 90, 600), (4_000, 1_500, 400)] {
        let p: Vec<f64> = (0..runs)
            .map(|run| {
                let mut random = random(&format!("{n} {run}"));
                let mut draw = |rows: usize| -> Vec<f64> {
                    (0..rows).map(|_| random.random::<f64>().powi(3)).collect()
                };
                p_of_numbers(&draw(n), &draw(m))
            })
            .collect();
        keeps_its_promise(&p, true);
    }
}

#[test]
fn p_values_of_heavily_tied_numbers_keep_their_promise() {
    // Most rows 0, some small whole numbers: what Kolmogorov's formula is blind for.
    for (n, m) in [(500, 120), (9_000, 700)] {
        let p: Vec<f64> = (0..300)
            .map(|run| {
                let mut random = random(&format!("ties {n} {run}"));
                let mut draw = |rows: usize| -> Vec<f64> {
                    (0..rows)
                        .map(|_| (random.random::<f64>() * 8.0 - 4.0).max(0.0).floor())
                        .collect()
                };
                p_of_numbers(&draw(n), &draw(m))
            })
            .collect();
        keeps_its_promise(&p, false);
        // And they are not all near 1: a tenth of them is below .2 at least.
        assert!(p.iter().filter(|p| **p < 0.2).count() > 30);
    }
}

#[test]
fn p_values_of_levels_keep_their_promise_rare_ones_among_them() {
    // Levels as Zipf has them: the rarest have no expected row in the smaller sample.
    for (n, m, levels) in [(400, 60, 12), (20_000, 9_000, 400), (3_000, 800, 3)] {
        let p: Vec<f64> = (0..300)
            .map(|run| {
                let mut random = random(&format!("levels {n} {run}"));
                let mut draw = |rows: usize| {
                    let level = |u: f64| ((levels as f64).powf(u) as usize - 1).min(levels - 1);
                    counted((0..rows).map(|_| level(random.random::<f64>())), levels)
                };
                p_of_counts(&draw(n), &draw(m))
            })
            .collect();
        keeps_its_promise(&p, levels == 3);
    }
}

#[test]
fn p_values_of_missing_values_keep_their_promise_however_rare_they_are() {
    for (n, m, share) in [(50_000, 40, 0.001), (300, 100, 0.2), (900, 5_000, 0.0005)] {
        let p: Vec<f64> = (0..400)
            .map(|run| {
                let mut random = random(&format!("missing {n} {run}"));
                let mut draw = |rows: usize| {
                    counted((0..rows).map(|_| usize::from(random.random::<f64>() < share)), 2)
                };
                p_of_counts(&draw(n), &draw(m))
            })
            .collect();
        keeps_its_promise(&p, false);
    }
}

#[test]
fn planted_shifts_are_found() {
    let mut random = random("shift");
    let mut draw = |rows: usize, by: f64| -> Vec<f64> {
        (0..rows).map(|_| random.random::<f64>() + by).collect()
    };
    assert!(p_of_numbers(&draw(1_000, 0.0), &draw(300, 0.25)) < 1e-6);
    assert!(p_of_counts(&[500, 300, 200], &[100, 120, 130]) < 1e-6);
    // A level that training never had.
    assert!(p_of_counts(&[500, 300, 0], &[200, 120, 30]) < 1e-6);
}

#[test]
fn holm_names_no_column_more_often_than_once_in_twenty_tables() {
    // 12 columns without a shift.
    let tables = 200;
    let false_alarms = (0..tables)
        .filter(|table| {
            let mut random = random(&format!("table {table}"));
            let p: Vec<f64> = (0..12)
                .map(|_| {
                    let mut draw = |rows: usize| -> Vec<f64> {
                        (0..rows).map(|_| random.random::<f64>()).collect()
                    };
                    p_of_numbers(&draw(200), &draw(100))
                })
                .collect();
            holm(&p).iter().any(|p| *p <= 0.05)
        })
        .count();
    // Mean 10, deviation 3.1.
    assert!(false_alarms <= 20, "{false_alarms} of {tables}");
}

#[test]
fn the_index_of_one_distribution_is_on_average_what_chance_makes_of_it() {
    let (mut found, mut expected) = (0.0, 0.0);
    for run in 0..200 {
        let mut random = random(&format!("index {run}"));
        let mut draw =
            |rows: usize| -> Vec<f64> { (0..rows).map(|_| random.random::<f64>()).collect() };
        let mut training = draw(900);
        training.sort_by(f64::total_cmp);
        let cuts = tenths(&training);
        let bins = |values: &[f64]| counted(values.iter().map(|x| in_bin(&cuts, *x)), 10);
        let (training, new) = (bins(&training), bins(&draw(400)));
        found += stability_index(&training, &new);
        expected += chance_index(&training, &new);
    }
    // The training tenths are equal by construction, and their own chance falls out.
    let ratio = found / expected;
    assert!((0.8..1.2).contains(&ratio), "{ratio}");
}

/// Rows whose probabilities are true: y is 1 with probability p.
fn calibrated(rows: usize, name: &str) -> (Vec<f32>, Vec<u32>) {
    let mut random = random(name);
    (0..rows)
        .map(|_| {
            let p: f32 = random.random();
            (p, u32::from(random.random::<f32>() < p))
        })
        .unzip()
}

#[test]
fn a_change_between_samples_of_equal_quality_is_called_one_about_once_in_twenty() {
    let runs = 300;
    let mut covered = 0;
    let mut p_values = Vec::new();
    for run in 0..runs {
        let (p, y) = calibrated(400, &format!("before {run}"));
        let (q, z) = calibrated(250, &format!("after {run}"));
        let (ka, kb) = (key("a"), key("b"));
        let (_, changes) = unpaired_classification(
            [(&p, &y, Resampling::of_rows(200, &ka)), (&q, &z, Resampling::of_rows(200, &kb))],
            1,
            2,
        );
        let auc = changes["auc"];
        let interval = auc.interval.unwrap();
        covered += u32::from(interval.low <= 0.0 && 0.0 <= interval.high);
        p_values.push(auc.p_value.unwrap());
    }
    // Deviation 3.8 about 285.
    assert!((270..=297).contains(&covered), "{covered} of {runs}");
    let below = p_values.iter().filter(|p| **p <= 0.05).count();
    assert!((4..=30).contains(&below), "{below} of {runs}");
}

#[test]
fn what_is_said_of_each_sample_is_what_is_said_of_it_alone() {
    let (p, y) = calibrated(300, "one");
    let (q, z) = calibrated(200, "two");
    let (ka, kb) = (key("a"), key("b"));
    let ([before, after], changes) = unpaired_classification(
        [(&p, &y, Resampling::of_rows(100, &ka)), (&q, &z, Resampling::of_rows(100, &kb))],
        1,
        2,
    );
    assert_eq!(before, measure_classification(&p, 1, &y, 2, Resampling::of_rows(100, &ka)));
    assert_eq!(after, measure_classification(&q, 1, &z, 2, Resampling::of_rows(100, &kb)));
    assert!(!changes.contains_key("ece"));
    for (name, change) in &changes {
        assert_eq!((change.before, change.after), (before.metrics[name], after.metrics[name]));
    }
}

#[test]
fn a_side_without_rows_has_no_metrics_and_no_changes() {
    let (ka, kb) = (key("a"), key("b"));
    let ([before, after], changes) = unpaired_regression([
        (&[], &[], Resampling::of_rows(50, &ka)),
        (&[1.0, 2.0], &[1.0, 3.0], Resampling::of_rows(50, &kb)),
    ]);
    assert!(before.metrics.is_empty() && changes.is_empty());
    assert_eq!((before.rows, after.rows), (0, 2));
    assert!(after.metrics.contains_key("rmse"));
}

proptest! {
    #[test]
    fn a_sample_is_like_itself(values in prop::collection::vec(-9_i32..9, 1..80)) {
        let values: Vec<f64> = values.into_iter().map(f64::from).collect();
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        let cuts = tenths(&sorted);
        let bins = counted(values.iter().map(|x| in_bin(&cuts, *x)), cuts.len() + 1);
        prop_assert_eq!(stability_index(&bins, &bins), 0.0);
        prop_assert_eq!(p_of_numbers(&values, &values), 1.0);
        prop_assert!(p_of_counts(&bins, &bins) > 0.999);
        prop_assert!(bins.iter().all(|rows| *rows > 0));
    }

    #[test]
    fn the_largest_distance_is_that_of_the_distribution_functions(
        a in prop::collection::vec(0_i32..12, 1..60),
        b in prop::collection::vec(0_i32..12, 1..60),
    ) {
        let (a, b): (Vec<f64>, Vec<f64>) =
            (a.into_iter().map(f64::from).collect(), b.into_iter().map(f64::from).collect());
        let share = |of: &[f64], x: f64| {
            of.iter().filter(|v| **v <= x).count() as f64 / of.len() as f64
        };
        let naive = (0..12)
            .map(|x| (share(&a, f64::from(x)) - share(&b, f64::from(x))).abs())
            .fold(0.0, f64::max);
        let key = key("k");
        let family = Family { key: &key, name: "x", tests: 1 };
        let found = numbers_differ(&a, &b, &family).unwrap();
        prop_assert!((found.statistic - naive).abs() < 1e-12);
        let other = numbers_differ(&b, &a, &family).unwrap();
        prop_assert!((found.p_value - other.p_value).abs() < 1e-9);
        prop_assert!((0.0..=1.0).contains(&found.p_value));
    }

    #[test]
    fn the_index_does_not_care_which_sample_is_first_and_is_never_negative(
        pairs in prop::collection::vec((0_u64..500, 0_u64..500), 1..30),
    ) {
        let (a, b): (Vec<u64>, Vec<u64>) = pairs.into_iter().unzip();
        let found = stability_index(&a, &b);
        prop_assert!(found >= 0.0);
        prop_assert!((found - stability_index(&b, &a)).abs() < 1e-9);
    }

    #[test]
    fn a_p_value_is_one_whatever_the_counts(
        pairs in prop::collection::vec((0_u64..40, 0_u64..40), 2..9),
    ) {
        let (a, b): (Vec<u64>, Vec<u64>) = pairs.into_iter().unzip();
        let p = p_of_counts(&a, &b);
        prop_assert!((0.0..=1.0).contains(&p));
    }
}
