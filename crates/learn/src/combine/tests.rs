use std::sync::atomic::AtomicBool;

use collegium_digest::Digest;
use collegium_manifest::spec::{
    Activation, Balance, BalanceBy, Gate, GateLoss, Mixture, Mlp, Rule, Threshold, Train,
};
use collegium_table::Matrix;
use proptest::prelude::*;

use super::*;
use crate::{Dense, Target, TrainError, Watch, init};

fn draw(n: usize, name: &[u8]) -> Vec<f32> {
    let network = init::fresh(&[n, 1], Activation::Tanh, &Digest::of(name));
    network.layers[0].weight.iter().map(|w| w * (n as f32).sqrt() / 2.0).collect()
}

fn probabilities(rows: usize, experts: usize, width: usize, name: &[u8]) -> Vec<f32> {
    let mut all: Vec<f32> =
        draw(rows * experts * width, name).iter().map(|z| crate::math::sigmoid(*z * 2.0)).collect();
    if width > 1 {
        for one in all.chunks_exact_mut(width) {
            let sum: f32 = one.iter().sum();
            one.iter_mut().for_each(|p| *p /= sum);
        }
    }
    all
}

/// Encoded rows of three experts' answers and two own columns between them.
fn rows(count: usize, width: usize, values: bool) -> (Matrix, Vec<Range<usize>>) {
    let handed = vec![0..width, width + 1..2 * width + 1, 2 * width + 2..3 * width + 2];
    let mut x = Matrix::zeros(count, 3 * width + 2);
    let answers = match values {
        true => draw(count * 3, b"values"),
        false => probabilities(count, 3, width, b"answers"),
    };
    let own = draw(count * 2, b"own");
    for row in 0..count {
        let to = x.row_mut(row);
        for (expert, columns) in handed.iter().enumerate() {
            to[columns.clone()].copy_from_slice(&answers[(row * 3 + expert) * width..][..width]);
        }
        to[width] = own[row * 2];
        to[2 * width + 1] = own[row * 2 + 1];
    }
    (x, handed)
}

fn routing(top_k: Option<usize>) -> Routing {
    Routing { temperature: 0.7, top_k, shared: Vec::new(), bias: Vec::new() }
}

fn combinations(width: usize, head: Head) -> Vec<(Combination, Network)> {
    let (_, handed) = rows(1, width, matches!(head, Head::Regression { .. }));
    let none = |experts| Network {
        layers: vec![Dense {
            inputs: 0,
            outputs: experts,
            weight: vec![],
            bias: vec![0.0; experts],
        }],
        activation: Activation::Relu,
    };
    let gate = init::fresh(&[2, 5, 3], Activation::Tanh, &Digest::of(b"gate"));
    let of = |weights, pool| Combination { handed: handed.clone(), experts: vec![], weights, pool };
    let fixed = || Weights::Fixed(vec![0.5, 0.2, 0.3]);
    let mut all = vec![
        (of(fixed(), Pool::Arithmetic), none(3)),
        (of(Weights::Softmax(routing(None)), Pool::Arithmetic), gate.clone()),
        (of(Weights::Softmax(routing(Some(2))), Pool::Arithmetic), gate.clone()),
        (
            of(fixed(), Pool::Stack),
            init::fresh(&[3 * width, width], Activation::Relu, &Digest::of(b"s")),
        ),
    ];
    if !matches!(head, Head::Regression { .. }) {
        let sure = Weights::Confidence { threshold: 0.6, temperatures: vec![1.5, 0.8, 1.0] };
        all.push((of(fixed(), Pool::Geometric), none(3)));
        all.push((of(sure, Pool::Arithmetic), none(3)));
    }
    if head == Head::Binary {
        all.push((of(fixed(), Pool::NoisyOr), none(3)));
    }
    let inside =
        |i: u8| init::fresh(&[3 * width + 2, 4, width], Activation::Tanh, &Digest::of(&[i]));
    let experts = vec![inside(1), inside(2), inside(3)];
    let wide = init::fresh(&[3 * width + 2, 3], Activation::Tanh, &Digest::of(b"wide"));
    for top_k in [None, Some(1)] {
        let weights = Weights::Softmax(routing(top_k));
        let mixture = Combination {
            handed: vec![],
            experts: experts.clone(),
            weights,
            pool: Pool::Arithmetic,
        };
        all.push((mixture, wide.clone()));
    }
    all
}

const HEADS: [(Head, usize); 3] =
    [(Head::Binary, 1), (Head::Classes, 3), (Head::Regression { mean: 3.0, deviation: 2.0 }, 1)];

#[test]
fn jacobians_of_every_combination_match_differences() {
    for (head, width) in HEADS {
        for (combination, network) in combinations(width, head) {
            let (x, _) = rows(6, width, matches!(head, Head::Regression { .. }));
            combination.jacobians(&network, &x, &head, &mut |row, jacobian| {
                for column in 0..x.width {
                    let moved = |by: f32| {
                        let mut x = x.select(&[row as u32]);
                        x.data[column] += by;
                        combination.raw(&network, &x, &head).data
                    };
                    let (h, chosen) = (2e-3, |x: &Matrix| {
                        let weights = combination.weights(&network, x, &head);
                        weights.data.iter().map(|w| *w != 0.0).collect::<Vec<_>>()
                    });
                    let mut side = [x.select(&[row as u32]), x.select(&[row as u32])];
                    side[0].data[column] -= h;
                    side[1].data[column] += h;
                    if chosen(&side[0]) != chosen(&side[1]) {
                        continue; // where the choice changes there is no derivative
                    }
                    let (up, down) = (moved(h), moved(-h));
                    for output in 0..width {
                        let slope = (up[output] - down[output]) / (2.0 * h);
                        let exact = jacobian[output * x.width + column];
                        assert!(
                            (slope - exact).abs() < 0.02 + 0.02 * exact.abs(),
                            "{head:?} {:?} {:?} column {column}: {slope} {exact}",
                            combination.weights,
                            combination.pool
                        );
                    }
                }
            });
        }
    }
}

#[test]
fn a_rows_bits_do_not_depend_on_its_neighbours_or_on_experts_left_out() {
    for (head, width) in HEADS {
        for (combination, network) in combinations(width, head) {
            let (x, _) = rows(40, width, matches!(head, Head::Regression { .. }));
            let whole = combination.raw(&network, &x, &head);
            let weights = combination.weights(&network, &x, &head);
            for row in 0..x.rows {
                assert!((weights.row(row).iter().sum::<f32>() - 1.0).abs() < 1e-5);
                let mut alone = x.select(&[row as u32]);
                if combination.pool == Pool::Arithmetic
                    && !matches!(combination.weights, Weights::Confidence { .. })
                {
                    for (columns, weight) in combination.handed.iter().zip(weights.row(row)) {
                        if *weight == 0.0 {
                            alone.data[columns.clone()].fill(0.0);
                        }
                    }
                }
                assert_eq!(combination.raw(&network, &alone, &head).data, whole.row(row));
            }
        }
    }
}

#[test]
fn pools_are_what_their_names_say() {
    let head = Head::Binary;
    let (x, handed) = rows(1, 1, false);
    let p: Vec<f64> = handed.iter().map(|c| f64::from(x.data[c.start])).collect();
    let of = |pool| Combination {
        handed: handed.clone(),
        experts: vec![],
        weights: Weights::Fixed(vec![1.0 / 3.0; 3]),
        pool,
    };
    let network = init::fresh(&[1, 3], Activation::Relu, &Digest::of(b"none"));
    let odds = |pool| f64::from(of(pool).raw(&network, &x, &head).data[0]);
    let logit = |p: f64| (p / (1.0 - p)).ln();
    let mean = p.iter().sum::<f64>() / 3.0;
    assert!((odds(Pool::Arithmetic) - logit(mean)).abs() < 1e-4);
    assert!((odds(Pool::Geometric) - p.iter().map(|p| logit(*p)).sum::<f64>() / 3.0).abs() < 1e-4);
    let none: f64 = p.iter().map(|p| 1.0 - p).product();
    assert!((odds(Pool::NoisyOr) - logit(1.0 - none)).abs() < 1e-4);
}

#[test]
fn shared_experts_always_answer_and_biases_only_choose() {
    let outputs = [3.0, 1.0, 2.0, -5.0];
    let routing = Routing { temperature: 1.0, top_k: Some(1), shared: vec![3], bias: vec![] };
    assert_eq!(routing.chosen(&outputs), [true, false, false, true]);
    let biased = Routing { bias: vec![0.0, 9.0, 0.0, 0.0], ..routing };
    assert_eq!(biased.chosen(&outputs), [false, true, false, true]);
    let mut weights = outputs;
    biased.weigh(&mut weights);
    assert!((weights[1] - 1.0 / (1.0 + (-6.0f32).exp())).abs() < 1e-5);
    assert_eq!((weights[0], weights[2]), (0.0, 0.0));
}

/// The likelihood's gradient at the gate's outputs, against differences of the loss itself.
#[test]
fn slopes_by_weights_match_differences() {
    let labels = [0u32, 2, 1];
    let values = [0.3f32, -1.0, 2.0];
    for loss in [GateLoss::Likelihood, GateLoss::SquaredError] {
        for classes in [true, false] {
            let (width, target) = match classes {
                true => (3, Target::Classes { labels: &labels, count: 3 }),
                false => (1, Target::Values(&values)),
            };
            let x = Matrix::zeros(3, 1);
            let truth = crate::train::Truth::new(&x, &target, None).unwrap();
            let answers = match classes {
                true => probabilities(3, 4, 3, b"a"),
                false => draw(12, b"v"),
            };
            let mut objective = objective::Objective::new(loss, 0.5);
            let g = [0.1, 0.2, 0.3, 0.4].repeat(3);
            let slopes = objective.slopes(&[0, 1, 2], &truth, &g, &answers, width);
            let value = |g: &[f32]| -> f64 {
                let rows = g.chunks_exact(4).zip(answers.chunks_exact(4 * width)).enumerate();
                rows.map(|(row, (g, f))| {
                    let pooled: Vec<f64> = (0..width)
                        .map(|c| {
                            let each = g.iter().zip(f.iter().skip(c).step_by(width));
                            each.map(|(g, f)| f64::from(g * f)).sum()
                        })
                        .collect();
                    match (loss, classes) {
                        (GateLoss::Likelihood, true) => -pooled[labels[row] as usize].ln(),
                        (GateLoss::SquaredError, true) => pooled
                            .iter()
                            .enumerate()
                            .map(|(c, p)| {
                                (p - f64::from(u8::from(c == labels[row] as usize))).powi(2)
                            })
                            .sum(),
                        (GateLoss::Likelihood, false) => -g
                            .iter()
                            .zip(f)
                            .map(|(g, f)| {
                                let e = f64::from(f - values[row]);
                                f64::from(*g) * (-e * e / (2.0 * 0.5)).exp()
                            })
                            .sum::<f64>()
                            .ln(),
                        (GateLoss::SquaredError, false) => {
                            (pooled[0] - f64::from(values[row])).powi(2)
                        }
                    }
                })
                .sum::<f64>()
                    / 3.0
            };
            for at in 0..g.len() {
                let moved = |by: f32| {
                    let mut g = g.clone();
                    g[at] += by;
                    value(&g)
                };
                let slope = (moved(1e-3) - moved(-1e-3)) / 2e-3;
                assert!(
                    (slope - f64::from(slopes.by_weight[at])).abs() < 1e-2,
                    "{loss:?} {classes} {at}"
                );
            }
        }
    }
}

/// Rows of a plane whose quadrants are four linear regimes, and what each expert says of them.
fn regimes(count: usize, seed: u8) -> (Matrix, Vec<f32>, Vec<u32>) {
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

fn gate(rule: Rule) -> Gate {
    let name = |name: &str| collegium_manifest::Spanned::new(0..0, name.to_owned());
    let experts = ["a", "b", "c", "d"].map(name).to_vec();
    Gate { experts, rule, temperature: Some(1.0), top_k: None, shared: Vec::new() }
}

fn watch<T>(work: impl FnOnce(&mut Watch) -> T) -> T {
    let never = AtomicBool::new(false);
    work(&mut Watch { interrupted: &never, epoch: &mut |_, _| {} })
}

fn fitted(spec: &Gate, train: &Train) -> (Gated, f64, f64) {
    fitted_from(spec, train, b"key")
}

fn fitted_from(spec: &Gate, train: &Train, key: &[u8]) -> (Gated, f64, f64) {
    let (x, y, _) = regimes(600, 1);
    let (x_valid, y_valid, regime) = regimes(300, 2);
    let head = Head::Regression { mean: 0.0, deviation: 1.0 };
    let job = GateJob {
        lesson: Lesson {
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
    let train = Train { epochs: 150, learning_rate: 0.05, batch: 64, ..Train::default() };
    let mean = fitted(&gate(Rule::Uniform), &train);
    for loss in [GateLoss::Likelihood, GateLoss::SquaredError] {
        let rule = Rule::Softmax { net: net.clone(), loss, balance, noise: 0.0 };
        let (_, error, right) = fitted(&gate(rule), &train);
        assert!(error < 0.2 * mean.1 && right > 0.75, "{loss:?}: {error} of {}, {right}", mean.1);
    }
}

/// A choice stands still until it flips: judged by it, early stopping would end most of these at once.
#[test]
fn a_gate_that_chooses_one_expert_finds_the_regimes_from_every_seed() {
    let rule = Rule::Softmax {
        net: Mlp { hidden: vec![8], ..Mlp::default() },
        loss: GateLoss::Likelihood,
        balance: Balance { by: BalanceBy::None, weight: 0.0 },
        noise: 0.0,
    };
    let spec = Gate { top_k: Some(1), ..gate(rule) };
    let train = Train { epochs: 200, learning_rate: 0.01, batch: 64, ..Train::default() };
    for seed in 0..6 {
        let (_, error, right) = fitted_from(&spec, &train, &[seed]);
        assert!(right > 0.85 && error < 0.05, "seed {seed}: {error} {right}");
    }
}

#[test]
fn a_distance_gate_begins_where_experts_are_at_home_and_chooses_its_temperature() {
    let mut spec = gate(Rule::Distance);
    spec.temperature = None;
    let (gated, error, right) = fitted(&spec, &Train::default());
    let (_, vague, _) = fitted(&Gate { temperature: Some(100.0), ..spec }, &Train::default());
    assert!(right > 0.9 && error < 0.2 * vague, "{right} {error} {vague}");
    let Weights::Softmax(routing) = gated.combination.weights else { panic!("no softmax") };
    assert!(routing.temperature < 1.0);
}

#[test]
fn the_best_expert_is_the_one_of_least_loss() {
    let (gated, ..) = fitted(&gate(Rule::Best), &Train::default());
    let Weights::Fixed(weights) = &gated.combination.weights else { panic!("not fixed") };
    assert_eq!(weights.iter().sum::<f32>(), 1.0);
    assert_eq!(weights.iter().filter(|w| **w == 1.0).count(), 1);
}

#[test]
fn balancing_makes_load_more_even() {
    let train = Train { epochs: 60, learning_rate: 0.05, batch: 64, ..Train::default() };
    let load = |by, weight| {
        let rule = Rule::Softmax {
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
            lesson: Lesson {
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
        let mut spec = gate(Rule::Cascade(threshold));
        spec.experts.truncate(2);
        let y = Target::Classes { labels: &labels, count: 2 };
        let job = GateJob {
            lesson: Lesson {
                train: &Train::default(),
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

fn mixture() -> Mixture {
    let linear = Mlp { hidden: vec![], ..Mlp::default() };
    Mixture {
        experts: 4,
        shared: 0,
        expert: linear.clone(),
        gate: linear,
        temperature: 1.0,
        top_k: None,
        noise: 0.0,
        balance: Balance { by: BalanceBy::None, weight: 0.0 },
        z_loss: 0.0,
        capacity_factor: None,
        restarts: 3,
        warm_start: Vec::new(),
    }
}

fn grown(spec: &Mixture) -> Result<(Grown, f64), TrainError> {
    let (all, y, _) = regimes(800, 1);
    let (all_valid, y_valid, _) = regimes(300, 2);
    let own = |all: &Matrix| {
        let data = (0..all.rows).flat_map(|row| all.row(row)[4..].to_vec()).collect();
        Matrix { rows: all.rows, width: 2, data }
    };
    let (x, x_valid) = (own(&all), own(&all_valid));
    let train =
        Train { epochs: 120, learning_rate: 0.03, batch: 64, patience: 0, ..Train::default() };
    let head = Head::Regression { mean: 0.0, deviation: 1.0 };
    let job = MixtureJob {
        lesson: Lesson {
            train: &train,
            class_weights: None,
            x: &x,
            y: Target::Values(&y),
            x_valid: &x_valid,
            y_valid: Target::Values(&y_valid),
            head,
            key: Digest::of(b"key"),
        },
        spec,
        start: Vec::new(),
    };
    let grown = watch(|watch| fit_mixture(&job, watch))?;
    let raw = grown.combination.raw(&grown.network, &x_valid, &head);
    let errors = raw.data.iter().zip(&y_valid).map(|(f, y)| f64::from(f - y).powi(2));
    Ok((grown, errors.sum::<f64>() / 300.0))
}

#[test]
fn a_mixture_of_lines_learns_what_no_line_can_and_keeps_the_best_restart() {
    let (first, error) = grown(&mixture()).unwrap();
    assert_eq!(first.restarts.len(), 3);
    let least = first.restarts.iter().copied().fold(f64::INFINITY, f64::min);
    assert!((error - least).abs() < 1e-4, "{error} {least}");
    assert!(error < 0.3, "{error}");
    assert_eq!(grown(&mixture()).unwrap().0, Grown { ..first }, "the same bits again");
}

#[test]
fn every_option_of_a_mixture_trains_and_stays_finite() {
    let base = Mixture { restarts: 1, ..mixture() };
    let options = [
        Mixture { top_k: Some(1), noise: 0.5, ..base.clone() },
        Mixture { top_k: Some(2), shared: 1, z_loss: 1e-3, ..base.clone() },
        Mixture { top_k: Some(1), capacity_factor: Some(1.0), ..base.clone() },
        Mixture { top_k: Some(1), capacity_factor: Some(0.1), ..base.clone() },
        Mixture {
            top_k: Some(1),
            balance: Balance { by: BalanceBy::Bias, weight: 0.01 },
            ..base.clone()
        },
        Mixture { balance: Balance { by: BalanceBy::Switch, weight: 0.1 }, ..base },
    ];
    for spec in options {
        let (grown, error) = grown(&spec).unwrap();
        assert!(
            error < 6.0 && grown.epochs.iter().all(|e| e.train.is_finite()),
            "{spec:?}: {error}"
        );
        let experts = (spec.experts + spec.shared) as usize;
        assert_eq!(grown.combination.len(), experts);
    }
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

proptest! {
    #[test]
    fn tempering_keeps_the_order_and_undoes_itself(p in 0.01f32..0.99, q in 0.01f32..0.99, t in 0.2f32..5.0) {
        let mut both = vec![p / (p + q), q / (p + q)];
        let before = both.clone();
        cascade::temper(&mut both, t);
        prop_assert_eq!(both[0] > both[1], before[0] > before[1]);
        cascade::temper(&mut both, 1.0 / t);
        prop_assert!((both[0] - before[0]).abs() < 1e-3);
        let mut one = vec![before[1]];
        cascade::temper(&mut one, t);
        let mut two = before.clone();
        cascade::temper(&mut two, t);
        prop_assert!((one[0] - two[1]).abs() < 1e-4);
    }
}
