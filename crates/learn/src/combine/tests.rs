use collegium_digest::Digest;
use collegium_manifest::spec::{Activation, GateLoss};
use collegium_table::Matrix;
use proptest::prelude::*;

use super::{cascade, *};
use crate::{Dense, Target, init};

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
    let none = |experts| {
        let layer = Dense { inputs: 0, outputs: experts, weight: vec![], bias: vec![0.0; experts] };
        Network::plain(vec![layer], Activation::Relu)
    };
    let gate = init::fresh(&[2, 5, 3], Activation::Tanh, &Digest::of(b"gate"));
    let of = |weights, pool| Combination { handed: handed.clone(), experts: vec![], weights, pool };
    let fixed = || GateWeights::Fixed(vec![0.5, 0.2, 0.3]);
    let mut all = vec![
        (of(fixed(), Pool::Arithmetic), none(3)),
        (of(GateWeights::Softmax(routing(None)), Pool::Arithmetic), gate.clone()),
        (of(GateWeights::Softmax(routing(Some(2))), Pool::Arithmetic), gate.clone()),
        (
            of(fixed(), Pool::Stack),
            init::fresh(&[3 * width, width], Activation::Relu, &Digest::of(b"s")),
        ),
    ];
    if !matches!(head, Head::Regression { .. }) {
        let sure = GateWeights::Confidence { threshold: 0.6, temperatures: vec![1.5, 0.8, 1.0] };
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
        let weights = GateWeights::Softmax(routing(top_k));
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
                    && !matches!(combination.weights, GateWeights::Confidence { .. })
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
        weights: GateWeights::Fixed(vec![1.0 / 3.0; 3]),
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
            let truth = crate::train::Targets::new(&x, &target, None).unwrap();
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
