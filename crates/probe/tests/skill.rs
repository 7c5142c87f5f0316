//! Skill: what is shown where there is some, and how often it is claimed where there is none.

use collegium_digest::{Digest, Stream, stream};
use collegium_probe::{
    Groups, Loss, Recalibrated, Resampling, classification, judged, line, log_losses, loss_test,
    ranking_test, skill, variance_test,
};
use collegium_records::{Skill, SkillTest, SkillVerdict};
use proptest::prelude::*;

fn key(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

fn normal(random: &mut Stream) -> f64 {
    let size = -2.0 * (1.0 - random.random::<f64>()).ln();
    size.sqrt() * (std::f64::consts::TAU * random.random::<f64>()).cos()
}

/// Probabilities of `classes` (of two the positive one's alone) and labels.
#[derive(Clone, Default)]
struct Side {
    probability: Vec<f32>,
    labels: Vec<u32>,
    groups: Option<Groups>,
}

/// How rows come about: labels by `shares`, logits of width `sure` with `signal` for the true class.
#[derive(Clone, Copy)]
struct World<'a> {
    shares: &'a [f64],
    sure: f64,
    signal: f64,
    /// Groups of rows that share their luck, in score and in label; 0: each row for itself.
    groups: usize,
}

impl World<'_> {
    fn draw(self, random: &mut Stream, rows: usize) -> Side {
        let classes = self.shares.len();
        let luck: Vec<[f64; 2]> =
            (0..self.groups).map(|_| [normal(random), normal(random)]).collect();
        let mut side = Side::default();
        for row in 0..rows {
            let [score, label] = luck.get(row % self.groups.max(1)).copied().unwrap_or_default();
            let weights: Vec<f64> = self
                .shares
                .iter()
                .enumerate()
                .map(|(class, share)| share * (label * class as f64).exp())
                .collect();
            let mut at = random.random::<f64>() * weights.iter().sum::<f64>();
            let truth = weights.iter().position(|weight| {
                at -= weight;
                at <= 0.0
            });
            let truth = truth.unwrap_or(classes - 1);
            let logits: Vec<f64> = (0..classes)
                .map(|class| {
                    let own = if class == truth { self.signal } else { 0.0 };
                    self.shares[class].ln()
                        + self.sure * (normal(random) + score * class as f64 + own)
                })
                .collect();
            let total: f64 = logits.iter().map(|z| z.exp()).sum();
            let p = logits.iter().map(|z| (z.exp() / total) as f32);
            side.probability.extend(p.skip(if classes == 2 { 1 } else { 0 }));
            side.labels.push(truth as u32);
        }
        if self.groups > 0 {
            side.groups = Groups::of((0..rows as u64).map(|row| row % self.groups as u64));
        }
        side
    }
}

/// All that an audit does, on probabilities.
fn verdict(shares: &[f64], valid: &Side, test: &Side, key: &Digest) -> Skill {
    let classes = shares.len();
    let width = if classes == 2 { 1 } else { classes };
    let fitted = Recalibrated::fit(&valid.probability, width, &valid.labels, classes, [shares; 2]);
    let constant: Vec<f32> = match width {
        1 => vec![shares[1] as f32; test.labels.len()],
        _ => shares.iter().map(|p| *p as f32).collect::<Vec<f32>>().repeat(test.labels.len()),
    };
    let plain = log_losses(&test.probability, width, &test.labels, classes);
    let theirs = log_losses(&constant, width, &test.labels, classes);
    let how = Resampling::of_rows(200, key).by(test.groups.as_ref());
    let mut tests: Vec<SkillTest> =
        ranking_test(&test.probability, width, &test.labels, classes, test.groups.as_ref())
            .into_iter()
            .collect();
    let mut recalibrated = None;
    if let Some([expert, of_constant]) = fitted {
        let ours = expert.losses(&test.probability, width, &test.labels);
        let theirs = of_constant.losses(&test.probability, width, &test.labels);
        let test = loss_test("recalibrated_log_loss", &ours, &theirs, test.groups.as_ref());
        recalibrated = test
            .as_ref()
            .map(|test| [plain.iter().sum::<f64>() / plain.len() as f64, test.diff.after]);
        tests.extend(test);
    }
    let plain = skill(Loss::Log, &plain, &theirs, how).expect("rows");
    judged(plain, tests, recalibrated)
}

/// How many of so many tables without anything to learn are said to have skill.
fn claims(tables: usize, world: World, rows: [usize; 2], name: &str) -> usize {
    (0..tables)
        .filter(|table| {
            let key = key(&format!("{name} {table}"));
            let mut random = stream(&key, "table");
            let [valid, test] = rows.map(|rows| world.draw(&mut random, rows));
            verdict(world.shares, &valid, &test, &key).beats_baseline
        })
        .count()
}

const NOISE: World<'static> = World { shares: &[0.5, 0.5], sure: 3.0, signal: 0.0, groups: 0 };

/// Of 2,000 tables of noise of each kind 2 claims are expected at most; 8 have a chance of .001.
#[test]
fn of_tables_without_anything_to_learn_one_in_a_thousand_is_said_to_have_skill() {
    let even = [0.2; 5];
    for (name, world, rows) in [
        ("even", NOISE, [100, 100]),
        ("few", NOISE, [30, 30]),
        ("rare", World { shares: &[0.95, 0.05], ..NOISE }, [150, 150]),
        ("mild", World { sure: 0.2, ..NOISE }, [100, 60]),
        ("five classes", World { shares: &even, sure: 2.0, ..NOISE }, [100, 100]),
        ("groups", World { groups: 40, ..NOISE }, [400, 400]),
        ("few groups", World { groups: 12, ..NOISE }, [120, 120]),
    ] {
        let found = claims(2_000, world, rows, name);
        assert!(found < 8, "{name}: {found} of 2000");
    }
}

/// Numbers with heavy tails, and predictions that have nothing to do with them.
#[test]
fn of_regressions_of_noise_one_in_a_thousand_is_said_to_have_skill() {
    for (name, spread, rows) in [("normal", 0.0, 60), ("heavy", 1.5, 60), ("heavy, more", 1.5, 300)]
    {
        let found = (0..2_000)
            .filter(|table| {
                let mut random = stream(&key(&format!("{name} {table}")), "table");
                let mut side = |rows: usize| -> (Vec<f32>, Vec<f64>) {
                    let one = |random: &mut Stream| match spread > 0.0 {
                        true => (spread * normal(random)).exp(),
                        false => normal(random),
                    };
                    (0..rows).map(|_| (one(&mut random) as f32, one(&mut random))).unzip()
                };
                let ((of_valid, valid), (predicted, truth)) = (side(60), side(rows));
                let (line, mean) = line(&of_valid, &valid).expect("rows");
                let corrected: Vec<f32> =
                    predicted.iter().map(|p| (line[0] * f64::from(*p) + line[1]) as f32).collect();
                let key = key(&format!("{name} {table}"));
                let how = Resampling::of_rows(20, &key);
                let test = |name: &str, ours: &[f32]| variance_test(name, ours, mean, &truth, how);
                let tests: Vec<SkillTest> =
                    [test("r2", &predicted), test("recalibrated_r2", &corrected)]
                        .into_iter()
                        .flatten()
                        .collect();
                let plain = skill(Loss::Squared, &[1.0], &[1.0], how).expect("a row");
                judged(plain, tests, None).beats_baseline
            })
            .count();
        assert!(found < 8, "{name}: {found} of 2000");
    }
}

/// Of 300 classes with about ten training rows each, the counted shares are noise, and a network that says nothing
/// at all (every class alike) has a lower log loss than they have. That is no skill.
#[test]
fn saying_nothing_of_many_classes_is_no_skill() {
    let (classes, random) = (300, &mut stream(&key("many classes"), "rows"));
    for table in 0..20 {
        let mut drawn = |rows: usize| -> Vec<u32> {
            (0..rows).map(|_| (random.random::<f64>() * classes as f64) as u32).collect()
        };
        let (train, valid, test) = (drawn(3_000), drawn(600), drawn(900));
        let mut shares = vec![0.0; classes];
        train.iter().for_each(|y| shares[*y as usize] += 1.0);
        shares.iter_mut().for_each(|share: &mut f64| *share = share.max(1.0));
        let alike = |rows: usize| vec![1.0 / classes as f32; rows * classes];
        let [expert, constant] =
            Recalibrated::fit(&alike(600), classes, &valid, classes, [&shares; 2]).expect("rows");
        let losses = |one: &Recalibrated| one.losses(&alike(900), classes, &test);
        let found = loss_test("log_loss", &losses(&expert), &losses(&constant), None);
        assert!(found.is_none_or(|test| test.p_value > 0.001), "table {table}");
    }
}

#[test]
fn skill_is_found_where_there_is_some() {
    let world = World { signal: 1.0, sure: 1.0, ..NOISE };
    let mut random = stream(&key("skill"), "table");
    let [valid, test] = [300, 300].map(|rows| world.draw(&mut random, rows));
    let found = verdict(world.shares, &valid, &test, &key("k"));
    assert_eq!(found.verdict, SkillVerdict::Skilful);
    assert!(found.beats_baseline && found.tests.iter().all(SkillTest::holds), "{found:?}");
}

#[test]
fn one_that_ranks_and_is_too_sure_of_itself_is_told_from_one_without_skill() {
    let world = World { signal: 1.0, sure: 8.0, ..NOISE };
    let mut random = stream(&key("sure"), "table");
    let [valid, test] = [300, 300].map(|rows| world.draw(&mut random, rows));
    let found = verdict(world.shares, &valid, &test, &key("k"));
    assert!(found.gain < 0.0, "{found:?}");
    assert_eq!(found.verdict, SkillVerdict::RanksButOverconfident);
    let recalibrated = &found.tests[1];
    assert_eq!(recalibrated.metric, "recalibrated_log_loss");
    assert!(recalibrated.holds() && recalibrated.diff.after < found.baseline, "{found:?}");
}

#[test]
fn the_area_is_that_of_the_metrics() {
    for shares in [&[0.5, 0.5][..], &[0.2, 0.5, 0.3]] {
        let world = World { shares, signal: 0.7, sure: 1.0, groups: 0 };
        let side = world.draw(&mut stream(&key("area"), "table"), 80);
        let width = if shares.len() == 2 { 1 } else { 3 };
        let test = ranking_test(&side.probability, width, &side.labels, shares.len(), None);
        let test = test.expect("two classes");
        let auc = classification(&side.probability, width, &side.labels, shares.len())["auc"];
        assert!((test.diff.after - auc).abs() < 1e-12);
        assert_eq!((test.diff.before, test.metric.as_str()), (0.5, "auc"));
    }
}

#[test]
fn rows_of_one_class_have_no_ranking() {
    assert_eq!(ranking_test(&[0.2, 0.7], 1, &[1, 1], 2, None), None);
    assert_eq!(ranking_test(&[0.2, f32::NAN], 1, &[0, 1], 2, None), None);
    assert_eq!(loss_test("log_loss", &[0.1], &[0.2], None), None);
}

/// n rows that all agree are worth 2⁻ⁿ, however small their error.
#[test]
fn a_few_lucky_rows_prove_nothing() {
    let test = |rows: usize| {
        loss_test("log_loss", &vec![0.1; rows], &vec![0.7; rows], None).expect("rows")
    };
    assert!(!test(9).holds() && test(10).holds());
    assert_eq!(test(9).p_value, 1.0 / 512.0);
    // Twelve rows that are ranked without a mistake: 1 in 924 by chance, and too few to claim.
    let (p, y): (Vec<f32>, Vec<u32>) =
        (0..12).map(|row| (row as f32 / 12.0, u32::from(row >= 6))).unzip();
    let test = ranking_test(&p, 1, &y, 2, None).expect("two classes");
    assert_eq!(test.diff.after, 1.0);
    assert!(test.p_value > 1.0 / 924.0 && !test.holds(), "{test:?}");
}

#[test]
fn a_correction_finds_the_temperature_that_was_lost() {
    // Signal and noise of one width: logits of twice the width are the right ones for `sure = 2`.
    let world = World { signal: 1.0, sure: 4.0, ..NOISE };
    let side = world.draw(&mut stream(&key("temperature"), "table"), 20_000);
    let [found, constant] =
        Recalibrated::fit(&side.probability, 1, &side.labels, 2, [&[0.5; 2]; 2]).expect("rows");
    // Of two normal scores a width of 1 around means ±½·√2 apart, log odds are the score itself.
    assert!((found.slope - 0.25).abs() < 0.02, "{found:?}");
    assert_eq!(constant.slope, 0.0);
    assert!(found.shifts.iter().all(|shift| shift.abs() < 0.05), "{found:?}");
}

#[test]
fn one_that_ranks_backwards_is_corrected_to_the_constant() {
    let world = World { signal: -1.0, sure: 1.0, ..NOISE };
    let side = world.draw(&mut stream(&key("backwards"), "table"), 200);
    let [found, constant] =
        Recalibrated::fit(&side.probability, 1, &side.labels, 2, [&[0.5; 2]; 2]).expect("rows");
    assert_eq!(found, constant);
    let x: Vec<f32> = (0..20).map(|i| i as f32).collect();
    let y: Vec<f64> = (0..20).map(|i| -f64::from(i)).collect();
    assert_eq!(line(&x, &y), Some(([0.0, -9.5], -9.5)));
    assert_eq!(line(&x[..9], &y[..9]), None);
}

proptest! {
    /// The variance by chance of an area without ties is Mann and Whitney's, (P + N + 1)/(12 P N).
    #[test]
    fn the_error_is_never_less_than_that_of_labels_dealt_at_random(
        positives in 2usize..30, negatives in 2usize..30,
    ) {
        // Ranked without a mistake: DeLong's error is 0.
        let rows = positives + negatives;
        let p: Vec<f32> = (0..rows).map(|row| row as f32 / rows as f32).collect();
        let y: Vec<u32> = (0..rows).map(|row| u32::from(row >= negatives)).collect();
        let test = ranking_test(&p, 1, &y, 2, None).expect("two classes");
        let (pos, neg) = (positives as f64, negatives as f64);
        let z = 0.5 / ((pos + neg + 1.0) / (12.0 * pos * neg)).sqrt();
        // Beyond Student's distribution of rows - 1 degrees of freedom lies more than beyond the normal one.
        let normal = 0.5 * libm::erfc(z / std::f64::consts::SQRT_2);
        prop_assert!(test.p_value >= normal.min(1.0));
        prop_assert!(test.p_value <= (40.0 * normal).max(0.1) || rows < 20);
    }

    /// On the rows that it was fitted on a correction loses no more than the constant, up to its prior.
    #[test]
    fn a_correction_is_no_worse_than_the_constant_where_it_was_fitted(
        seed in 0u32..1_000, signal in -1.0f64..2.0, sure in 0.1f64..10.0,
    ) {
        let shares = [0.2, 0.5, 0.3];
        let world = World { shares: &shares, signal, sure, groups: 0 };
        let side = world.draw(&mut stream(&key(&seed.to_string()), "table"), 60);
        let [found, constant] =
            Recalibrated::fit(&side.probability, 3, &side.labels, 3, [&shares; 2]).expect("rows");
        let sum = |one: &Recalibrated| -> f64 { one.losses(&side.probability, 3, &side.labels).iter().sum() };
        prop_assert!(found.slope >= 0.0);
        prop_assert!(sum(&found) <= sum(&constant) + 0.5 + 0.5 * constant.shifts.iter().map(|b| b * b).sum::<f64>());
    }
}
