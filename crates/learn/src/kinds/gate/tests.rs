use std::sync::atomic::AtomicBool;

use collegium_digest::Digest;
use collegium_manifest::{
    Activation, Balance, BalanceBy, Gate, GateLoss, GateRule, Mlp, Optimizer, Schedule, Task, Train,
};
use collegium_table::Matrix;

use super::{
    Best, Cascade, Distance, GateError, GateJob, Gated, Softmax, Threshold, Uniform, controls,
    fit_gate, judged,
};
use crate::{GateWeights, Head, Network, Target, TrainingSet, Watch, init};

fn draw(n: usize, name: &[u8]) -> Vec<f32> {
    let network = init::fresh(&[n, 1], Activation::Tanh, &Digest::of(name));
    network.layers[0].weight.iter().map(|w| w * (n as f32).sqrt() / 2.0).collect()
}

/// Rows of a plane whose quadrants are four linear regimes, and what each expert says of them.
pub(crate) fn regimes(count: usize, seed: u8) -> (Matrix, Vec<f32>, Vec<u32>) {
    let x = draw(count * 2, &[seed]);
    let slopes = [(0.5, 0.1, 0.2), (-0.4, 0.3, -0.1), (0.2, -0.6, 0.0), (-0.3, -0.4, 0.5)];
    let of = |x: f32, y: f32| usize::from(x > 0.0) * 2 + usize::from(y > 0.0);
    let value = |k: usize, x: f32, y: f32| slopes[k].0 * x + slopes[k].1 * y + slopes[k].2 * 4.0;
    let mut all = Matrix::zeros(count, 6);
    let (mut y, mut regime) = (Vec::new(), Vec::new());
    for row in 0..count {
        let (a, b) = (x[row * 2], x[row * 2 + 1]);
        let to = all.row_mut(row);
        for (k, cell) in to[..4].iter_mut().enumerate() {
            *cell = value(k, a, b);
        }
        to[4..].copy_from_slice(&[a, b]);
        y.push(value(of(a, b), a, b));
        regime.push(of(a, b) as u32);
    }
    (all, y, regime)
}

fn gate(rule: impl GateRule) -> Gate {
    let name = |name: &str| collegium_manifest::Spanned::new(0..0, name.to_owned());
    let experts = ["a", "b", "c", "d"].map(name).to_vec();
    Gate { experts, rule: Box::new(rule), temperature: Some(1.0), top_k: None, shared: Vec::new() }
}

pub(crate) fn watch<T>(work: impl FnOnce(&mut Watch) -> T) -> T {
    let never = AtomicBool::new(false);
    work(&mut Watch { interrupted: &never, epoch: &mut |_, _| {} })
}

/// Adam at one rate.
fn steady() -> Train {
    Train {
        schedule: Schedule::Constant,
        warm_up: 0.0,
        optimizer: Optimizer::Adam,
        beta2: 0.999,
        weight_decay: 0.0,
        patience: 10,
        ..Train::default()
    }
}

fn fitted(spec: &Gate, train: &Train) -> (Gated, f64, f64) {
    fitted_from(spec, train, b"key")
}

fn fitted_from(spec: &Gate, train: &Train, key: &[u8]) -> (Gated, f64, f64) {
    let (x, y, _) = regimes(600, 1);
    let (x_valid, y_valid, regime) = regimes(300, 2);
    let head = Head::Regression { mean: 0.0, deviation: 1.0 };
    let job = GateJob {
        lesson: TrainingSet {
            train,
            class_weights: None,
            x: &x,
            y: Target::Values(&y),
            x_valid: &x_valid,
            y_valid: Target::Values(&y_valid),
            head,
            key: Digest::of(key),
        },
        spec,
        handed: (0..4).map(|k| k..k + 1).collect(),
        rules: Vec::new(),
        costs: Vec::new(),
        judges: Vec::new(),
    };
    let gated = watch(|watch| fit_gate(&job, watch)).unwrap();
    let raw = gated.combination.raw(&gated.network, &x_valid, &head);
    let errors = raw.data.iter().zip(&y_valid).map(|(f, y)| f64::from(f - y).powi(2));
    let error = errors.sum::<f64>() / 300.0;
    let weights = gated.combination.weights(&gated.network, &x_valid, &head);
    let right = (0..300).filter(|row| {
        let w = weights.row(*row);
        (0..4).all(|k| w[k] <= w[regime[*row] as usize])
    });
    let right = right.count() as f64 / 300.0;
    (gated, error, right)
}

#[test]
fn a_softmax_gate_finds_the_regimes_and_a_mean_does_not() {
    let net = Mlp { hidden: vec![], ..Mlp::default() };
    let balance = Balance { by: BalanceBy::None, weight: 0.0 };
    let train = Train {
        epochs: 150,
        learning_rate: 0.05.into(),
        batch: collegium_manifest::Batch::Rows(64),
        ..steady()
    };
    let mean = fitted(&gate(Uniform), &train);
    for loss in [GateLoss::Likelihood, GateLoss::SquaredError] {
        let rule = Softmax { net: net.clone(), loss, balance, noise: 0.0 };
        let (_, error, right) = fitted(&gate(rule), &train);
        assert!(error < 0.2 * mean.1 && right > 0.75, "{loss:?}: {error} of {}, {right}", mean.1);
    }
}

/// A choice stands still until it flips: judged by it, early stopping would end most of these at once.
#[test]
fn a_gate_that_chooses_one_expert_finds_the_regimes_from_every_seed() {
    let rule = Softmax {
        net: Mlp { hidden: vec![8], ..Mlp::default() },
        loss: GateLoss::Likelihood,
        balance: Balance { by: BalanceBy::None, weight: 0.0 },
        noise: 0.0,
    };
    let spec = Gate { top_k: Some(1), ..gate(rule) };
    let train = Train {
        epochs: 200,
        learning_rate: 0.01.into(),
        batch: collegium_manifest::Batch::Rows(64),
        ..steady()
    };
    for seed in 0..6 {
        let (_, error, right) = fitted_from(&spec, &train, &[seed]);
        assert!(right > 0.85 && error < 0.05, "seed {seed}: {error} {right}");
    }
}

#[test]
fn a_distance_gate_begins_where_experts_are_at_home_and_chooses_its_temperature() {
    let mut spec = gate(Distance);
    spec.temperature = None;
    let (gated, error, right) = fitted(&spec, &steady());
    let (_, vague, _) = fitted(&Gate { temperature: Some(100.0), ..spec }, &steady());
    assert!(right > 0.9 && error < 0.2 * vague, "{right} {error} {vague}");
    let GateWeights::Softmax(routing) = gated.combination.weights else { panic!("no softmax") };
    assert!(routing.temperature < 1.0);
}

#[test]
fn the_best_expert_is_the_one_of_least_loss() {
    let (gated, ..) = fitted(&gate(Best), &steady());
    let GateWeights::Fixed(weights) = &gated.combination.weights else { panic!("not fixed") };
    assert_eq!(weights.iter().sum::<f32>(), 1.0);
    assert_eq!(weights.iter().filter(|w| **w == 1.0).count(), 1);
}

#[test]
fn balancing_makes_load_more_even() {
    let train = Train {
        epochs: 60,
        learning_rate: 0.05.into(),
        batch: collegium_manifest::Batch::Rows(64),
        ..steady()
    };
    let load = |by, weight| {
        let rule = Softmax {
            net: Mlp { hidden: vec![], ..Mlp::default() },
            loss: GateLoss::Likelihood,
            balance: Balance { by, weight },
            noise: 0.1,
        };
        let spec = Gate { top_k: Some(1), ..gate(rule) };
        let (x, mut y, _) = regimes(600, 1);
        // Expert 0 is right nearly everywhere, so that it would take nearly everything.
        for (row, y) in y.iter_mut().enumerate() {
            *y = if row % 10 == 0 { *y } else { x.row(row)[0] };
        }
        let job = GateJob {
            lesson: TrainingSet {
                train: &train,
                class_weights: None,
                x: &x,
                y: Target::Values(&y),
                x_valid: &Matrix::zeros(0, 6),
                y_valid: Target::Values(&[]),
                head: Head::Regression { mean: 0.0, deviation: 1.0 },
                key: Digest::of(b"key"),
            },
            spec: &spec,
            handed: (0..4).map(|k| k..k + 1).collect(),
            rules: Vec::new(),
            costs: Vec::new(),
            judges: Vec::new(),
        };
        let gated = watch(|watch| fit_gate(&job, watch)).unwrap();
        let weights = gated.combination.weights(&gated.network, &x, &job.lesson.head);
        let mut load = [0.0f64; 4];
        for row in 0..600 {
            let w = weights.row(row);
            load[(0..4).fold(0, |best, k| if w[k] > w[best] { k } else { best })] += 1.0 / 600.0;
        }
        load.iter().copied().fold(0.0, f64::max)
    };
    let alone = load(BalanceBy::None, 0.0);
    for (by, weight) in
        [(BalanceBy::Importance, 1.0), (BalanceBy::Switch, 1.0), (BalanceBy::Bias, 0.02)]
    {
        let most = load(by, weight);
        assert!(most < alone - 0.1, "{by:?}: {most} of {alone}");
    }
}

#[test]
fn a_cascade_asks_the_next_when_unsure_and_keeps_its_budget() {
    // The first expert is right where it is sure; the second always.
    let labels: Vec<u32> = (0..400).map(|i| (i % 2) as u32).collect();
    let mut x = Matrix::zeros(400, 2);
    for (row, label) in labels.iter().enumerate() {
        let sure = row % 4 < 2;
        let right = if sure { 0.95 } else { 0.4 };
        x.row_mut(row)[0] = if *label == 1 { right } else { 1.0 - right };
        x.row_mut(row)[1] = if *label == 1 { 0.9 } else { 0.1 };
    }
    let fit = |threshold| {
        let mut spec = gate(Cascade(threshold));
        spec.experts.truncate(2);
        let y = Target::Classes { labels: &labels, count: 2 };
        let job = GateJob {
            lesson: TrainingSet {
                train: &steady(),
                class_weights: None,
                x: &x,
                y,
                x_valid: &x,
                y_valid: y,
                head: Head::Binary,
                key: Digest::of(b"key"),
            },
            spec: &spec,
            handed: vec![0..1, 1..2],
            rules: Vec::new(),
            costs: vec![100, 900],
            judges: Vec::new(),
        };
        watch(|watch| fit_gate(&job, watch))
    };
    let asked = |gated: &Gated| {
        let weights = gated.combination.weights(&gated.network, &x, &Head::Binary);
        (0..400).filter(|row| weights.row(*row)[1] == 1.0).count()
    };
    assert_eq!(asked(&fit(Threshold::ErrorBudget(0.0)).unwrap()), 200);
    assert_eq!(asked(&fit(Threshold::ErrorBudget(1.0)).unwrap()), 0);
    assert_eq!(asked(&fit(Threshold::CostBudget(600.0)).unwrap()), 200);
    assert_eq!(asked(&fit(Threshold::CostBudget(1000.0)).unwrap()), 400);
    assert_eq!(
        fit(Threshold::CostBudget(50.0)).unwrap_err(),
        GateError::Budget { budget: 50.0, least: 100.0 }
    );
}

#[test]
fn experts_own_networks_side_by_side_say_what_they_say_alone() {
    let judges: Vec<Network> =
        (0..3).map(|i| init::fresh(&[2, 4, 3, 1], Activation::Tanh, &Digest::of(&[i]))).collect();
    let x = Matrix { rows: 5, width: 2, data: draw(10, b"x") };
    let all = judged(&judges).logits(&x);
    for (k, judge) in judges.iter().enumerate() {
        for (row, badly) in judge.logits(&x).data.iter().enumerate() {
            assert!((all.row(row)[k] + badly).abs() < 1e-6);
        }
    }
}

#[test]
fn what_a_gate_has_to_beat_is_the_simplest_first_and_only_what_its_task_allows() {
    let of = |task| controls(task).iter().map(|c| c.rule.name()).collect::<Vec<_>>();
    assert_eq!(of(Task::Classification), ["best", "uniform", "geometric", "stack"]);
    assert_eq!(of(Task::Regression), ["best", "uniform", "stack"]);
}
