//! Intervals where rows belong together: how often they hold the truth, and when they are those of rows.

use collegium_digest::{Digest, Stream, stream};
use collegium_probe::{
    ClassDecision, Groups, Loss, Resampling, SliceFeature, SliceRows, SliceValues,
    bootstrap_classification, bootstrap_regression, class_measures, loss_test,
    measure_classification, measure_regression, over_rows, paired_classification,
    paired_regression, route_regret, skill, unpaired_classification, unpaired_regression,
    weak_slices,
};
use collegium_records::{Interval, SkillVerdict};
use proptest::prelude::*;

const RESAMPLES: u32 = 200;

fn key(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

fn normal(random: &mut Stream) -> f64 {
    let size = -2.0 * (1.0 - random.random::<f64>()).ln();
    size.sqrt() * (std::f64::consts::TAU * random.random::<f64>()).cos()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Rows of a fixed model: what it says, what is true, and the group of each.
struct Sample {
    probability: Vec<f32>,
    labels: Vec<u32>,
    predicted: Vec<f32>,
    truth: Vec<f64>,
    groups: Vec<u64>,
}

impl Sample {
    /// Groups have effects of their own, of which the model knows nothing, and columns that their rows
    /// share, of which it does.
    fn new(random: &mut Stream, groups: usize, rows: usize) -> Self {
        let mut sample = Self {
            probability: Vec::new(),
            labels: Vec::new(),
            predicted: Vec::new(),
            truth: Vec::new(),
            groups: Vec::new(),
        };
        for group in 0..groups {
            let (effect, shared) = (normal(random), normal(random));
            for _ in 0..rows {
                let x = 0.5 * shared + normal(random);
                sample.probability.push(sigmoid(x) as f32);
                let chance = sigmoid(x + effect);
                sample.labels.push(u32::from(random.random::<f64>() < chance));
                sample.predicted.push(x as f32);
                sample.truth.push(x + effect + normal(random));
                sample.groups.push(group as u64);
            }
        }
        sample
    }

    fn intervals(&self, how: Resampling) -> [Option<Interval>; 4] {
        let classes = bootstrap_classification(&self.probability, 1, &self.labels, 2, how);
        let values = bootstrap_regression(&self.predicted, &self.truth, how);
        [classes.get("log_loss"), classes.get("accuracy"), classes.get("auc"), values.get("rmse")]
            .map(Option::<&Interval>::copied)
    }

    fn points(&self) -> [f64; 4] {
        let key = key("none");
        let how = Resampling::of_rows(0, &key);
        let classes = measure_classification(&self.probability, 1, &self.labels, 2, how).metrics;
        let values = measure_regression(&self.predicted, &self.truth, how).metrics;
        [classes["log_loss"], classes["accuracy"], classes["auc"], values["rmse"]]
    }
}

/// Of `tables` tables, how many intervals of log loss, accuracy, AUC and RMSE hold the truth: drawn by
/// groups, and by rows. The truth is what the fixed model comes to on very many groups.
fn coverage(tables: usize, groups: usize, rows: usize) -> [[usize; 4]; 2] {
    let mut random = stream(&key("truth"), "coverage");
    let truth = Sample::new(&mut random, 40_000, 5).points();
    let mut held = [[0; 4]; 2];
    for table in 0..tables {
        let key = key(&format!("table {table} of {groups}"));
        let sample = Sample::new(&mut stream(&key, "table"), groups, rows);
        let of = Groups::of(sample.groups.iter().copied());
        let how = Resampling::of_rows(RESAMPLES, &key);
        for (held, how) in held.iter_mut().zip([how.by(of.as_ref()), how]) {
            for ((held, interval), truth) in held.iter_mut().zip(sample.intervals(how)).zip(truth) {
                *held += usize::from(interval.is_some_and(|i| i.low <= truth && truth <= i.high));
            }
        }
    }
    held
}

/// 200 tables of 40 groups of 60 rows: by groups the truth is held in 90 to 98 %, by rows in far fewer.
#[test]
fn intervals_of_groups_hold_the_truth_and_those_of_rows_do_not() {
    let [by_groups, by_rows] = coverage(200, 40, 60);
    for (groups, rows) in by_groups.into_iter().zip(by_rows) {
        assert!((180..=196).contains(&groups), "by groups {by_groups:?}, by rows {by_rows:?}");
        assert!(rows + 20 < groups, "by groups {by_groups:?}, by rows {by_rows:?}");
    }
}

/// The same with so few groups that one is left out at a time. Of those, RMSE is the worst: squares of few
/// effects are skewed, and the interval is not.
#[test]
fn intervals_of_few_groups_hold_the_truth() {
    let all = [4, 12].map(|groups| coverage(200, groups, 60));
    for [by_groups, by_rows] in all {
        for (held, rows) in by_groups.into_iter().zip(by_rows) {
            assert!((164..=199).contains(&held) && rows + 20 < held, "{all:?}");
        }
    }
}

/// Of `tables` pairs of samples of the same kind, of so many groups, how many changes of the log loss hold
/// 0: drawn by groups, and by rows.
fn unmoved(tables: usize, groups: [usize; 2], rows: usize) -> [usize; 2] {
    let mut held = [0; 2];
    for table in 0..tables {
        let keys = [0, 1].map(|side| key(&format!("{table} {side} {groups:?}")));
        let [one, other] =
            [0, 1].map(|side| Sample::new(&mut stream(&keys[side], "table"), groups[side], rows));
        let known = [&one, &other].map(|sample| Groups::of(sample.groups.iter().copied()));
        let hows = [0, 1].map(|side| Resampling::of_rows(RESAMPLES, &keys[side]));
        let by_groups = [0, 1].map(|side| hows[side].by(known[side].as_ref()));
        for (held, [how, then]) in held.iter_mut().zip([by_groups, hows]) {
            let sides = [
                (&*one.probability, &*one.labels, how),
                (&*other.probability, &*other.labels, then),
            ];
            let (_, changes) = unpaired_classification(sides, 1, 2);
            let change = &changes["log_loss"];
            let holds = change.interval.is_some_and(|i| i.low <= 0.0 && 0.0 <= i.high);
            if how.groups.is_some() {
                // The interval and the chance are of one test.
                assert_eq!(holds, change.p_value.is_some_and(|chance| chance >= 0.05));
            }
            *held += usize::from(holds);
        }
    }
    held
}

/// Of many groups and of few, of two and of one sample.
#[test]
fn a_change_that_is_none_is_held_to_be_none() {
    let mut all = Vec::new();
    for groups in [[40, 40], [40, 12], [12, 12]] {
        all.push(unmoved(200, groups, 60));
    }
    for [by_groups, by_rows] in &all {
        assert!((180..=199).contains(by_groups) && by_rows + 20 < *by_groups, "{all:?}");
    }
}

/// Prints how often intervals hold the truth, of more tables than a test has time for (`benches/coverage.sh`).
#[test]
#[ignore = "minutes; run by benches/coverage.sh"]
#[expect(clippy::print_stdout, reason = "a table for whoever runs it")]
fn coverage_of_two_thousand_tables() {
    println!("metrics of one sample: groups, rows of each; share held in %, by groups and by rows");
    println!("{:>16} {:>15} {:>15} {:>15} {:>15}", "", "log loss", "accuracy", "AUC", "RMSE");
    for [groups, rows] in
        [[4, 25], [8, 25], [12, 25], [19, 25], [20, 25], [40, 25], [40, 60], [200, 25]]
    {
        let [by_groups, by_rows] = coverage(2_000, groups, rows);
        let cells = by_groups.iter().zip(by_rows).map(|(of_groups, of_rows)| {
            format!("{:>9.1} {:>5.1}", *of_groups as f64 / 20.0, of_rows as f64 / 20.0)
        });
        println!("{groups:>9} {rows:>6} {}", cells.collect::<Vec<_>>().join(" "));
    }
    println!("changes of the log loss between two samples that are alike, 25 rows a group");
    for groups in [[40, 40], [40, 12], [12, 12]] {
        let [by_groups, by_rows] = unmoved(2_000, groups, 25).map(|held| held as f64 / 20.0);
        println!("{:>9} {:>6} {by_groups:>9.1} {by_rows:>5.1}", groups[0], groups[1]);
    }
}

/// An expert that is worth nothing, on rows that share their luck by groups.
#[test]
fn luck_of_groups_is_no_skill() {
    let (mut by_groups, mut by_rows) = (0, 0);
    for table in 0..200 {
        let key = key(&format!("luck {table}"));
        let mut random = stream(&key, "table");
        let luck: Vec<f64> = (0..40).map(|_| normal(&mut random)).collect();
        let groups = Groups::of((0..1_000).map(|row| row % 40));
        let expert: Vec<f64> =
            (0..1_000).map(|row| 10.0 + luck[row % 40] + normal(&mut random)).collect();
        let constant = vec![10.0; 1_000];
        let how = Resampling::of_rows(RESAMPLES, &key);
        let beats = |groups: Option<&Groups>| {
            loss_test("log_loss", &expert, &constant, groups).expect("rows").p_value < 0.025
        };
        by_groups += usize::from(beats(groups.as_ref()));
        by_rows += usize::from(beats(None));
        let lead: Vec<f64> = expert.iter().zip(&constant).map(|(a, b)| a - b).collect();
        let whole = over_rows(&lead, how.by(groups.as_ref())).and_then(|m| m.interval);
        let single = over_rows(&lead, how).and_then(|m| m.interval);
        let width = |i: Option<Interval>| i.map_or(0.0, |i| i.high - i.low);
        assert!(width(whole) > 2.0 * width(single));
    }
    assert!(by_groups <= 11 && by_rows >= 40, "by groups {by_groups}, by rows {by_rows}");
}

#[test]
fn one_group_has_no_interval_and_no_verdict() {
    let key = key("k");
    let sample = Sample::new(&mut stream(&key, "table"), 1, 50);
    let groups = Groups::of(sample.groups.iter().copied());
    let how = Resampling::of_rows(RESAMPLES, &key).by(groups.as_ref());
    let found = measure_classification(&sample.probability, 1, &sample.labels, 2, how);
    assert!(found.intervals.is_empty() && !found.metrics.is_empty());
    assert_eq!(found.groups, Some(1));
    assert_eq!(over_rows(&[1.0; 50], how).map(|m| m.interval), Some(None));
    let found = skill(Loss::Log, &[0.1; 50], &[0.7; 50], how).expect("rows");
    assert_eq!(found.verdict, SkillVerdict::NotJudged);
    assert!(found.not_judged.is_some_and(|why| why.contains("one group")));
    let (sides, changes) = unpaired_regression([
        (&sample.predicted, &sample.truth, how),
        (&sample.predicted, &sample.truth, Resampling::of_rows(RESAMPLES, &key)),
    ]);
    assert!(sides[0].intervals.is_empty() && !sides[1].intervals.is_empty());
    assert!(changes.values().all(|change| change.interval.is_none() && change.p_value.is_none()));
}

/// What a metric cannot be lies in no interval, though a jackknife lays as much on either side.
#[test]
fn an_interval_ends_where_its_metric_does() {
    let key = key("k");
    let labels = [1, 1, 1, 1, 0, 0, 0, 0, 1, 0];
    let probability = [0.9, 0.8, 0.9, 0.7, 0.1, 0.2, 0.1, 0.2, 0.4, 0.3];
    let groups = Groups::of([0, 0, 1, 1, 0, 0, 1, 1, 2, 2]);
    let how = Resampling::of_rows(1, &key).by(groups.as_ref());
    let found = measure_classification(&probability, 1, &labels, 2, how);
    assert_eq!(found.intervals["accuracy"].high, 1.0);
    assert!(found.intervals.values().all(|i| i.low >= 0.0 && i.low < i.high || i.low == i.high));
    let names = ["no".to_owned(), "yes".to_owned()];
    for class in class_measures(&probability, 1, &labels, &names, ClassDecision::default(), how) {
        for measure in [class.precision, class.recall, class.f1].into_iter().flatten() {
            assert!(measure.interval.is_some_and(|i| i.low >= 0.0 && i.high <= 1.0));
        }
    }
}

/// Losses of a slice that is a few whole groups: they share their luck, and no slice is weak.
#[test]
fn slices_of_unlucky_groups_are_seldom_called_weak() {
    let (mut by_groups, mut by_rows) = (0, 0);
    for table in 0..60 {
        let mut random = stream(&key(&format!("slices {table}")), "table");
        let (rows, groups) = (2_000_usize, 40_usize);
        let luck: Vec<f64> = (0..2 * groups).map(|_| (0.7 * normal(&mut random)).exp()).collect();
        // Test rows are of other groups than validation rows; a group has one value of the column.
        let of: Vec<usize> =
            (0..2 * rows).map(|row| row % groups + if row < rows { 0 } else { groups }).collect();
        let losses: Vec<f64> =
            of.iter().map(|group| luck[*group] * random.random::<f64>()).collect();
        let x: Vec<f64> = of.iter().map(|group| (group % groups) as f64).collect();
        let all: Vec<u32> = (0..2 * rows as u32).collect();
        let features = [SliceFeature { name: "t.x", values: SliceValues::Number(&x) }];
        let known = Groups::of(of[rows..].iter().map(|group| *group as u64));
        let weak = |groups| {
            let valid = SliceRows { rows: &all[..rows], losses: &losses[..rows], groups: None };
            let test = SliceRows { rows: &all[rows..], losses: &losses[rows..], groups };
            let found = weak_slices(Loss::Log, &features, valid, test).expect("rows");
            !found.slices.is_empty()
        };
        by_groups += usize::from(weak(known.as_ref()));
        by_rows += usize::from(weak(None));
    }
    assert!(by_groups <= 7 && by_rows >= 20, "by groups {by_groups}, by rows {by_rows}");
}

/// A slice that is weak in all groups is found.
#[test]
fn a_slice_that_is_weak_in_every_group_is_found() {
    let mut random = stream(&key("weak"), "table");
    let x: Vec<f64> = (0..4_000).map(|_| random.random_range(0.0..10.0)).collect();
    let losses: Vec<f64> =
        x.iter().map(|x| random.random::<f64>() * if *x > 7.0 { 2.0 } else { 1.0 }).collect();
    let all: Vec<u32> = (0..4_000).collect();
    let groups = Groups::of((0..2_000).map(|row| row % 40));
    let features = [SliceFeature { name: "t.x", values: SliceValues::Number(&x) }];
    let valid = SliceRows { rows: &all[..2_000], losses: &losses[..2_000], groups: None };
    let test = SliceRows { rows: &all[2_000..], losses: &losses[2_000..], groups: groups.as_ref() };
    let found = weak_slices(Loss::Log, &features, valid, test).expect("rows");
    assert!(found.slices.iter().any(|slice| slice.adjusted < 1e-6), "{found:?}");
}

proptest! {
    /// A key that is unique for each row names no groups, so that everything is as by rows, bit for bit.
    #[test]
    fn rows_that_are_each_a_group_are_drawn_as_rows(
        rows in 2_usize..60,
        start in any::<u64>(),
        seed in any::<u32>(),
    ) {
        let names: Vec<u64> = (0..rows as u64).map(|row| start.wrapping_add(row * row)).collect();
        let groups = Groups::of(names);
        prop_assert!(groups.is_none());
        let key = key(&seed.to_string());
        let sample = Sample::new(&mut stream(&key, "table"), rows, 1);
        let how = Resampling::of_rows(40, &key);
        prop_assert_eq!(sample.intervals(how), sample.intervals(how.by(groups.as_ref())));
    }

    /// The order of the rows and the names of the groups are no matter of an interval of few groups.
    #[test]
    fn a_jackknife_knows_neither_order_nor_names(seed in any::<u32>(), groups in 2_u64..19) {
        let key = key(&seed.to_string());
        let sample = Sample::new(&mut stream(&key, "table"), groups as usize, 4);
        let how = Resampling::of_rows(RESAMPLES, &key);
        let one = Groups::of(sample.groups.iter().copied());
        let turned = Sample {
            probability: sample.probability.iter().rev().copied().collect(),
            labels: sample.labels.iter().rev().copied().collect(),
            predicted: sample.predicted.iter().rev().copied().collect(),
            truth: sample.truth.iter().rev().copied().collect(),
            groups: sample.groups.iter().rev().map(|group| group * 7 + 3).collect(),
        };
        let other = Groups::of(turned.groups.iter().copied());
        let (a, b) = (sample.intervals(how.by(one.as_ref())), turned.intervals(how.by(other.as_ref())));
        for (a, b) in a.into_iter().zip(b) {
            match (a, b) {
                (Some(a), Some(b)) => {
                    prop_assert!((a.low - b.low).abs() < 1e-9 && (a.high - b.high).abs() < 1e-9);
                }
                (a, b) => prop_assert_eq!(a, b),
            }
        }
    }

    /// Each row written twice is no more evidence, where a group says that they are one.
    #[test]
    fn copies_of_rows_in_one_group_do_not_narrow_a_difference(seed in any::<u32>()) {
        let key = key(&seed.to_string());
        let mut random = stream(&key, "table");
        let before: Vec<f32> = (0..60).map(|_| random.random::<f32>()).collect();
        let after: Vec<f32> = (0..60).map(|_| random.random::<f32>()).collect();
        let truth: Vec<f64> = (0..60).map(|_| random.random::<f64>()).collect();
        let labels: Vec<u32> = (0..60).map(|row| row % 2).collect();
        let how = Resampling::of_rows(40, &key);
        let twice = Groups::of((0..120).map(|row| row % 60));
        let by = how.by(twice.as_ref());
        let (b2, a2) = (before.repeat(2), after.repeat(2));
        let once = paired_regression(&before, &[&after], &truth, how);
        let both = paired_regression(&b2, &[&a2], &truth.repeat(2), by);
        let width = |i: Option<Interval>| i.map_or(0.0, |i| i.high - i.low);
        prop_assert!(width(both[0]["rmse"].interval) >= width(once[0]["rmse"].interval) - 1e-12);
        let once = paired_classification(&before, &[&after], 1, &labels, 2, how);
        let both = paired_classification(&b2, &[&a2], 1, &labels.repeat(2), 2, by);
        prop_assert!(width(both[0]["auc"].interval) >= width(once[0]["auc"].interval) - 1e-12);
        let losses: Vec<f64> = truth.iter().flat_map(|t| [*t, 1.0 - t]).collect();
        let names = ["a".to_owned(), "b".to_owned()];
        let regret = |losses: &[f64], mixture: &[f64], how| {
            let found = route_regret(&names, losses, mixture, &vec![0; mixture.len()], how);
            width(found.and_then(|regret| regret.against_best.interval))
        };
        prop_assert!(
            regret(&losses.repeat(2), &truth.repeat(2), by) >= regret(&losses, &truth, how) - 1e-12
        );
    }
}
