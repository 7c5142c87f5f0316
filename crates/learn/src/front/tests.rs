use std::sync::atomic::AtomicBool;

use collegium_digest::Digest;
use collegium_manifest::spec::{Activation, Edges, Encode, NumberEncoding};
use collegium_table::{Matrix, NumberColumn};
use proptest::prelude::*;

use super::*;
use crate::{Network, Seeds, Target, init, raw_outputs, train::Rows};

/// Numbers without a pattern, some of them equal.
fn draw(rows: usize, width: usize, seed: u64) -> Matrix {
    let random = init::fresh(&[rows, width], Activation::Tanh, &Digest::of(&seed.to_le_bytes()));
    let bound = (6.0 / (rows + width) as f32).sqrt();
    let data = random.layers[0].weight.iter().map(|w| (w / bound * 20.0).round() / 10.0).collect();
    Matrix { rows, width, data }
}

fn encode(numbers: &[NumberEncoding], edges: Edges) -> Encode {
    Encode { numbers: numbers.to_vec(), bins: 5, edges }
}

/// Three numbers, the last of which is missing where the fourth column is 1.
fn numbers() -> [NumberColumn; 3] {
    [
        NumberColumn { column: 0, missing: None },
        NumberColumn { column: 1, missing: None },
        NumberColumn { column: 2, missing: Some(3) },
    ]
}

fn rows(count: usize, seed: u64) -> Matrix {
    let mut x = draw(count, 4, seed);
    for row in 0..count {
        let missing = row % 5 == 0;
        x.row_mut(row)[3] = f32::from(u8::from(missing));
        if missing {
            x.row_mut(row)[2] = 0.0;
        }
    }
    x
}

fn fitted(which: &[NumberEncoding], edges: Edges, x: &Matrix) -> Front {
    let y: Vec<f32> = (0..x.rows).map(|row| x.row(row)[0].sin()).collect();
    Front::fit(&encode(which, edges), &numbers(), x, &Target::Values(&y)).unwrap()
}

fn network(front: Front, hidden: usize) -> Network {
    let widths = [front.width(), hidden, 7, 2];
    Network {
        front: Some(front),
        ..init::fresh(&widths, Activation::Gelu, &Digest::of(b"network"))
    }
}

use NumberEncoding::{Ple, Quantile, Standard};

#[test]
fn bins_rise_one_after_the_other_and_scores_follow_the_ranks() {
    let bins = Map::Bins { edges: vec![0.0, 1.0, 3.0] };
    let written = |value: f32| {
        let mut out = [0.0; 2];
        bins.write(value, &mut out);
        out
    };
    assert_eq!(
        [-1.0, 0.5, 1.0, 2.0, 9.0].map(written),
        [[0.0, 0.0], [0.5, 0.0], [1.0, 0.0], [1.0, 0.5], [1.0, 1.0]]
    );
    assert_eq!(
        [-1.0, 0.5, 2.0, 9.0].map(|value| bins.slope(value)),
        [None, Some((0, 1.0)), Some((1, 0.5)), None]
    );

    let x = Matrix { rows: 999, width: 1, data: (0..999).map(|i| (i * i) as f32).collect() };
    let y = vec![0.0; 999];
    let column = [NumberColumn { column: 0, missing: None }];
    let front =
        Front::fit(&encode(&[Quantile], Edges::Quantiles), &column, &x, &Target::Values(&y))
            .unwrap();
    let wide = front.widened(&x.data);
    let score = |row: usize| wide[2 * row + 1];
    assert!(score(499).abs() < 1e-3, "{}", score(499));
    // The normal quantile at .8413 is 1.
    assert!((score(840) - 1.0).abs() < 0.01, "{}", score(840));
    assert!(wide.chunks(2).all(|row| row[0] == 0.0), "a number that is given by rank alone");
    assert!((score(998) - 2.878).abs() < 1e-3 && score(0) == -score(998));
}

#[test]
fn a_tree_puts_its_edges_where_the_target_jumps() {
    let x = Matrix { rows: 4000, width: 1, data: (0..4000).map(|i| i as f32 / 4000.0).collect() };
    let jumps = |x: &f32| {
        if *x < 0.1 {
            0.0
        } else if *x < 0.15 {
            5.0
        } else {
            1.0
        }
    };
    let values: Vec<f32> = x.data.iter().map(jumps).collect();
    let labels: Vec<u32> = x.data.iter().map(|x| jumps(x) as u32).collect();
    let column = [NumberColumn { column: 0, missing: None }];
    for y in [Target::Values(&values), Target::Classes { labels: &labels, count: 6 }] {
        let front = Front::fit(&encode(&[Ple], Edges::Tree), &column, &x, &y).unwrap();
        let Map::Bins { edges } = &front.maps[0].map else { panic!("no bins") };
        for jump in [0.1, 0.15] {
            assert!(edges.iter().any(|edge| (edge - jump).abs() < 1e-3), "{edges:?}");
        }
    }
}

#[test]
fn nothing_bends_where_there_are_but_two_values_or_nothing_is_asked_for() {
    let x = Matrix { rows: 40, width: 1, data: (0..40).map(|i| (i % 2) as f32).collect() };
    let y = vec![0.0; 40];
    let column = [NumberColumn { column: 0, missing: None }];
    let fit = |which: &[NumberEncoding], x| {
        Front::fit(&encode(which, Edges::Quantiles), &column, x, &Target::Values(&y))
    };
    assert_eq!(fit(&[Standard, Quantile, Ple], &x), None);
    let many = Matrix { data: (0..40).map(|i| i as f32).collect(), ..x };
    assert_eq!(fit(&[Standard], &many), None);
    assert!(fit(&[Standard, Ple], &many).is_some());
}

proptest! {
    /// Lists and sums against rows that are written out.
    #[test]
    fn the_first_layer_on_lists_is_the_dense_one(
        count in 20usize..60, seed in any::<u64>(), hidden in 1usize..90, which in 0usize..4,
    ) {
        let x = rows(count, seed);
        let which: &[NumberEncoding] = [
            &[Standard, Quantile, Ple][..], &[Ple], &[Quantile], &[Standard, Ple],
        ][which];
        let edges = if seed % 2 == 0 { Edges::Quantiles } else { Edges::Tree };
        let y: Vec<f32> = (0..x.rows).map(|row| x.row(row)[0].sin()).collect();
        let front = Front::fit(&encode(which, edges), &numbers(), &x, &Target::Values(&y));
        prop_assume!(front.is_some());
        let network = network(front.unwrap(), hidden);
        let lists = network.logits(&x);
        let dense = raw_outputs(&network, &x);
        for (a, b) in lists.data.iter().zip(&dense.data) {
            prop_assert!((a - b).abs() < 1e-4, "{} {}", a, b);
        }
        // A row has the same bits alone.
        let alone = x.select(&[count as u32 / 2]);
        prop_assert_eq!(&network.logits(&alone).data[..], lists.row(count / 2));

        let front = network.front.as_ref().unwrap();
        let delta = draw(count, hidden, seed ^ 1).data;
        let all: Vec<u32> = (0..count as u32).collect();
        let found = front.gradient(&front.sparse(&x.data), &all, &delta, hidden);
        let wide = front.widened(&x.data);
        for i in 0..front.width() {
            for unit in 0..hidden {
                let expected: f32 =
                    (0..count).map(|row| wide[row * front.width() + i] * delta[row * hidden + unit]).sum();
                let found = found[i * hidden + unit];
                prop_assert!((found - expected).abs() < 1e-2 * expected.abs().max(1.0), "{} {}", found, expected);
            }
        }
    }

    #[test]
    fn gradients_are_pulled_back_through_encodings(seed in any::<u64>()) {
        let x = rows(40, seed);
        let network = network(fitted(&[Standard, Quantile, Ple], Edges::Quantiles, &x), 9);
        let front = network.front.as_ref().unwrap();
        // Off the points, where the slope has no jump.
        let mut off = x.clone();
        off.data.chunks_mut(4).for_each(|row| row[..3].iter_mut().for_each(|v| *v += 0.013));
        let mut checked = 0;
        network.jacobians(&off, &mut |row, jacobian| {
            for input in 0..3 {
                if off.row(row)[3] == 1.0 && input == 2 {
                    continue;
                }
                let h = 2e-3;
                let moved = |by: f32| {
                    let mut one = off.select(&[row as u32]);
                    one.data[input] += by;
                    raw_outputs(&network, &one).data
                };
                let (up, down) = (moved(h), moved(-h));
                for output in 0..2 {
                    let slope = (up[output] - down[output]) / (2.0 * h);
                    let exact = jacobian[output * 4 + input];
                    assert!((slope - exact).abs() < 2e-2 * exact.abs().max(1.0), "{slope} {exact}");
                    checked += 1;
                }
            }
        });
        prop_assert!(checked > 100 && front.inputs() == 4);
        // A lens sees what the Jacobian says.
        let columns: Vec<f32> = (0..8).map(|i| (i % 3) as f32 - 1.0).collect();
        let lens = network.lens(&columns, 2);
        network.sweep(&off, Seeds::Outputs, &mut |swept| {
            let at_inputs = swept.at_inputs();
            for (gradient, through) in at_inputs.chunks(4).zip(swept.through(&lens).chunks(2)) {
                for column in 0..2 {
                    let expected: f32 = (0..4).map(|i| gradient[i] * columns[i * 2 + column]).sum();
                    assert!((expected - through[column]).abs() < 1e-4);
                }
            }
        });
    }
}

#[test]
fn training_on_lists_follows_the_gradient_of_the_loss() {
    // One step of gradient descent against the dense gradient of a network whose rows are written out.
    use crate::{Job, Watch, train};
    use collegium_manifest::{
        Mlp, Train,
        spec::{Batch, Optimizer},
    };
    let x = rows(60, 3);
    let y: Vec<f32> = (0..60).map(|row| x.row(row)[0] - x.row(row)[1]).collect();
    let front = fitted(&[Standard, Quantile, Ple], Edges::Quantiles, &x);
    let wide = Matrix { rows: 60, width: front.width(), data: front.widened(&x.data) };
    let spec = Mlp { hidden: vec![8], activation: Activation::Tanh, dropout: 0.0.into() };
    let settings = Train {
        epochs: 3,
        batch: Batch::Rows(20),
        optimizer: Optimizer::Sgd,
        learning_rate: 0.05.into(),
        ..Train::default()
    };
    let stop = AtomicBool::new(false);
    let fit = |x: &Matrix, front: Option<&Front>| {
        let job = Job {
            spec: &spec,
            train: &settings,
            class_weights: None,
            x,
            y: Target::Values(&y),
            x_valid: x,
            y_valid: Target::Values(&y),
            key: Digest::of(b"fit"),
            front,
            start: None,
        };
        train(&job, &mut Watch { interrupted: &stop, epoch: &mut |_, _| {} }).unwrap()
    };
    let (lists, dense) = (fit(&x, Some(&front)), fit(&wide, None));
    for (a, b) in lists.network.layers.iter().zip(&dense.network.layers) {
        for (a, b) in a.weight.iter().chain(&a.bias).zip(b.weight.iter().chain(&b.bias)) {
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
    }
    assert_eq!(Rows::new(&x, Some(&front)).len(), 60);
}

#[test]
fn a_front_keeps_its_place_when_columns_move_and_refuses_to_lose_one() {
    let x = rows(60, 5);
    let front = fitted(&[Standard, Ple], Edges::Quantiles, &x);
    let moved = front.moved(6, |column| Some(column + 2)).unwrap();
    let wide = Matrix {
        rows: 60,
        width: 6,
        data: x.data.chunks(4).flat_map(|r| [9.0, 9.0, r[0], r[1], r[2], r[3]]).collect(),
    };
    let before = front.widened(&x.data);
    let after = moved.widened(&wide.data);
    for (before, after) in before.chunks(front.width()).zip(after.chunks(moved.width())) {
        assert_eq!(before[4..], after[6..]);
    }
    assert_eq!(front.moved(3, |column| (column < 2).then_some(column)), None);
    assert!(front.bends(0) && !front.bends(3));
}

#[test]
fn a_value_that_most_rows_hold_leaves_bins_for_the_others() {
    // Nine tenths are 0, the others spread from 1 to 100.
    let data: Vec<f32> = (0..1000).map(|i| if i < 900 { 0.0 } else { (i - 899) as f32 }).collect();
    let x = Matrix { rows: 1000, width: 1, data };
    let y = vec![0.0; 1000];
    let column = [NumberColumn { column: 0, missing: None }];
    let front =
        Front::fit(&encode(&[Ple], Edges::Quantiles), &column, &x, &Target::Values(&y)).unwrap();
    let Map::Bins { edges } = &front.maps[0].map else { panic!("no bins") };
    assert_eq!(edges.len(), 6, "{edges:?}");
    assert!(edges[0] == 0.0 && (edges[3] - 50.0).abs() < 2.0 && edges[5] == 100.0, "{edges:?}");
}
