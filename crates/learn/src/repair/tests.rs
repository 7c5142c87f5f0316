use collegium_digest::{Digest, stream};
use collegium_manifest::spec::Activation;
use rand::RngExt as _;

use super::*;
use crate::init;

static GO: AtomicBool = AtomicBool::new(false);

fn uniform(n: usize, width: usize, name: &str) -> Matrix {
    let mut random = stream(&Digest::of(b"repair"), name);
    let data = (0..n * width).map(|_| 2.0 * random.random::<f32>() - 1.0).collect();
    Matrix { rows: n, width, data }
}

/// A network of three inputs; the last two come from upstream.
fn network(outputs: usize) -> Network {
    init::fresh(&[3, 12, outputs], Activation::Tanh, &Digest::of(b"net"))
}

fn columns() -> Columns {
    Columns { same: vec![(0, 0)], old: vec![1, 2], new: vec![1, 2] }
}

/// The rows with their last two columns mapped.
fn mapped(x: &Matrix, map: impl Fn(f32, f32) -> [f32; 2]) -> Matrix {
    let data = x.data.chunks_exact(3).flat_map(|r| {
        let [a, b] = map(r[1], r[2]);
        [r[0], a, b]
    });
    Matrix { data: data.collect(), ..x.clone() }
}

fn repair<'a>(
    network: &'a Network,
    old: &'a Matrix,
    new: &'a Matrix,
    columns: &'a Columns,
    y: Target<'a>,
) -> Repair<'a> {
    Repair { network, old, new, columns, y, class_weights: None, interrupted: &GO }
}

fn furthest(a: &Matrix, b: &Matrix) -> f32 {
    a.data.iter().zip(&b.data).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn a_shim_undoes_negation_scaling_swapping_and_shifts_entirely() {
    let (network, columns) = (network(1), columns());
    let old = uniform(300, 3, "x");
    let y = vec![0.0; 300];
    let maps: [fn(f32, f32) -> [f32; 2]; 4] = [
        |a, b| [-a, b],
        |a, b| [3.0 * a, 0.01 * b],
        |a, b| [b, a],
        |a, b| [a + b + 0.5, a - 2.0 * b - 1.0],
    ];
    for map in maps {
        let new = mapped(&old, map);
        let shim = repair(&network, &old, &new, &columns, Target::Values(&y)).shim().unwrap();
        assert!(furthest(&shim.logits(&new), &network.logits(&old)) < 1e-4);
    }
}

#[test]
fn a_shim_folds_an_encoding_of_another_width() {
    let network = network(1);
    let old = uniform(200, 3, "x");
    // The second input became three columns, of which one is constant and one repeats another.
    let data = old.data.chunks_exact(3).flat_map(|r| [r[0], r[1], r[2], 1.0, r[2]]).collect();
    let new = Matrix { rows: 200, width: 5, data };
    let columns = Columns { same: vec![(0, 0)], old: vec![1, 2], new: vec![1, 2, 3, 4] };
    let y = vec![0.0; 200];
    let repair = repair(&network, &old, &new, &columns, Target::Values(&y));
    let shim = repair.shim().unwrap();
    assert_eq!(shim.widths(), [5, 12, 1]);
    assert!(furthest(&shim.logits(&new), &network.logits(&old)) < 1e-3);
    assert_eq!(repair.restandardised(), None, "other columns have no place in the first layer");
}

/// Labels by where a linear function of the hidden units lies.
fn labels(features: &Matrix, classes: usize) -> Vec<u32> {
    let score =
        |row: &[f32]| row.iter().enumerate().map(|(i, h)| h * (i as f32 - 5.0)).sum::<f32>();
    let mut scores: Vec<f32> = (0..features.rows).map(|r| score(features.row(r))).collect();
    let all = scores.clone();
    scores.sort_by(f32::total_cmp);
    let place = |score: &f32| scores.partition_point(|s| s < score);
    all.iter().map(|s| (place(s) * classes / scores.len()) as u32).collect()
}

fn mean_loss(logits: &Matrix, y: &Target) -> f64 {
    let losses = row_losses(logits, y, None).unwrap();
    losses.iter().sum::<f64>() / losses.len() as f64
}

#[test]
fn a_refit_finds_what_the_hidden_units_know_and_touches_only_the_last_layer() {
    for classes in [2, 3, 40] {
        let network = network(if classes == 2 { 1 } else { classes });
        let x = uniform(2000, 3, "x");
        let labels = labels(&network.embedding(&x), classes);
        let y = Target::Classes { labels: &labels, count: classes };
        let (columns, before) = (columns(), mean_loss(&network.logits(&x), &y));
        let refitted = repair(&network, &x, &x, &columns, y).refit(&network).unwrap();
        assert_eq!(refitted.layers[0], network.layers[0]);
        let after = mean_loss(&refitted.logits(&x), &y);
        assert!(after < 0.75 * before, "{classes} classes: {before} to {after}");
    }
}

#[test]
fn a_refit_of_squared_error_is_the_least_squares_solution() {
    let network = network(1);
    let x = uniform(1000, 3, "x");
    let features = network.embedding(&x);
    let values: Vec<f32> =
        (0..1000).map(|r| 0.3 + features.row(r)[2] - 2.0 * features.row(r)[7]).collect();
    let columns = columns();
    let repair = repair(&network, &x, &x, &columns, Target::Values(&values));
    let loss = mean_loss(&repair.refit(&network).unwrap().logits(&x), &Target::Values(&values));
    assert!(loss < 1e-3, "{loss}");
}

#[test]
fn a_refit_on_what_was_learned_already_changes_next_to_nothing() {
    let start = network(1);
    let x = uniform(4000, 3, "x");
    let mut random = stream(&Digest::of(b"repair"), "labels");
    // Labels drawn from the network's own probabilities: it is the truth.
    let labels: Vec<u32> = start
        .logits(&x)
        .data
        .iter()
        .map(|z| u32::from(random.random::<f32>() < 1.0 / (1.0 + (-z).exp())))
        .collect();
    let y = Target::Classes { labels: &labels, count: 2 };
    let columns = columns();
    let refitted = repair(&start, &x, &x, &columns, y).refit(&start).unwrap();
    let (before, after) = (mean_loss(&start.logits(&x), &y), mean_loss(&refitted.logits(&x), &y));
    assert!(after <= before && before - after < 0.004, "{before} {after}");
}

#[test]
fn advice_sees_information_that_no_repair_can_use() {
    let network = network(1);
    let x = uniform(3000, 3, "x");
    let labels: Vec<u32> = (0..3000).map(|r| u32::from(x.row(r)[1] > 0.0)).collect();
    let y = Target::Classes { labels: &labels, count: 2 };
    let columns = columns();
    let repair = repair(&network, &x, &x, &columns, y);
    let logits = repair.advise(&[&network, &network], &x, &x).unwrap();
    let advised = mean_loss(&logits, &y);
    let refitted = mean_loss(&repair.refit(&network).unwrap().logits(&x), &y);
    assert!(advised <= refitted + 1e-3 && advised < 0.3, "{advised} {refitted}");
}

#[test]
fn row_losses_add_up_to_the_loss_and_know_class_weights() {
    let logits = Matrix { rows: 4, width: 1, data: vec![0.0, 2.0, -1.0, 3.0] };
    let labels = [0, 1, 1, 0];
    let y = Target::Classes { labels: &labels, count: 2 };
    let plain = row_losses(&logits, &y, None).unwrap();
    assert!((plain[0] - 2f64.ln()).abs() < 1e-6);
    assert!((plain[3] - (3.0 + (-3f64).exp().ln_1p())).abs() < 1e-5);
    let weighted = row_losses(&logits, &y, Some(&[3.0, 1.0])).unwrap();
    assert!(
        (weighted[0] / plain[0] - 1.5).abs() < 1e-6 && (weighted[1] / plain[1] - 0.5).abs() < 1e-6
    );
    let constant = constant_losses(&y, &y, None).unwrap();
    assert!(constant.iter().all(|l| (l - 2f64.ln()).abs() < 1e-6));
}

#[test]
fn a_raised_flag_ends_a_refit() {
    let network = network(1);
    let x = uniform(50, 3, "x");
    let y = vec![0.5; 50];
    let (columns, stop) = (columns(), AtomicBool::new(true));
    let mut repair = repair(&network, &x, &x, &columns, Target::Values(&y));
    repair.interrupted = &stop;
    assert_eq!(repair.refit(&network), Err(TrainError::Interrupted));
}
