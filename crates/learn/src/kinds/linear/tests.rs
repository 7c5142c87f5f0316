use collegium_digest::{Digest, stream};
use rand::RngExt as _;

use super::{super::smooth::Smooth as _, *};

static GO: AtomicBool = AtomicBool::new(false);

/// Uniform rows in ±1 and their sums with weights 3, −2, 0.5.
fn rows(n: usize) -> (Matrix, Vec<f32>) {
    let mut random = stream(&Digest::of(b"linear"), "rows");
    let data: Vec<f32> = (0..n * 3).map(|_| 2.0 * random.random::<f32>() - 1.0).collect();
    let sums = data.chunks_exact(3).map(|x| 3.0 * x[0] - 2.0 * x[1] + 0.5 * x[2]).collect();
    (Matrix { rows: n, width: 3, data }, sums)
}

fn job<'a>(x: &'a Matrix, y: Target<'a>, ridge: f64) -> LinearJob<'a> {
    LinearJob { x, y, class_weights: None, ridge, interrupted: &GO }
}

/// Classes drawn with the probabilities of a logistic model.
fn drawn(sums: &[f32]) -> Vec<u32> {
    let mut random = stream(&Digest::of(b"linear"), "labels");
    sums.iter().map(|z| u32::from(random.random::<f32>() < 1.0 / (1.0 + (-z).exp()))).collect()
}

#[test]
fn regression_recovers_the_weights_that_made_the_target() {
    let (x, mut y) = rows(500);
    y.iter_mut().for_each(|y| *y += 0.25);
    let network = fit_linear(&job(&x, Target::Values(&y), 0.0)).unwrap();
    for (found, expected) in network.layers[0].weight.iter().zip([3.0, -2.0, 0.5]) {
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
    }
    assert!((network.layers[0].bias[0] - 0.25).abs() < 1e-5);
}

#[test]
fn logistic_regression_recovers_log_odds() {
    let (x, sums) = rows(20_000);
    let labels = drawn(&sums);
    let network =
        fit_linear(&job(&x, Target::Classes { labels: &labels, count: 2 }, RIDGE)).unwrap();
    for (found, expected) in network.layers[0].weight.iter().zip([3.0, -2.0, 0.5]) {
        assert!((found - expected).abs() < 0.15, "{found} {expected}");
    }
}

#[test]
fn newton_and_lbfgs_meet() {
    let (x, sums) = rows(600);
    let two = drawn(&sums);
    let three: Vec<u32> =
        sums.iter().map(|z| if *z < -1.0 { 0 } else { 1 + u32::from(*z > 1.0) }).collect();
    for target in [
        Target::Classes { labels: &two, count: 2 },
        Target::Classes { labels: &three, count: 3 },
        Target::Values(&sums),
    ] {
        let truth = Targets::new(&x, &target, None).unwrap();
        let objective = Objective::new(&x, &truth, 1e-2).unwrap();
        let one =
            newton::minimise(&objective, vec![0.0; objective.size()], newton::EXACT, &GO).unwrap();
        let other =
            lbfgs::minimise(&objective, vec![0.0; objective.size()], lbfgs::EXACT, &GO).unwrap();
        let outputs = objective.outputs();
        let (one, other) = (centred(one, outputs), centred(other, outputs));
        for (a, b) in one.iter().zip(&other) {
            assert!((a - b).abs() < 5e-3, "{one:?} {other:?}");
        }
        let slope = objective.evaluate(&one).1;
        assert!(slope.iter().all(|g| g.abs() < 1e-5), "{slope:?}");
    }
}

#[test]
fn separable_classes_keep_finite_weights() {
    let (x, sums) = rows(300);
    let labels: Vec<u32> = sums.iter().map(|z| u32::from(*z > 0.0)).collect();
    let network =
        fit_linear(&job(&x, Target::Classes { labels: &labels, count: 2 }, RIDGE)).unwrap();
    assert!(network.layers[0].weight.iter().all(|w| w.is_finite() && w.abs() < 100.0));
    let logits = network.logits(&x).data;
    let right = logits.iter().zip(&labels).filter(|(z, l)| (**z > 0.0) == (**l == 1)).count();
    assert!(right > 295, "{right}");
}

#[test]
fn constant_and_duplicate_columns_are_no_obstacle() {
    let (x, sums) = rows(200);
    let data = x.data.chunks_exact(3).flat_map(|x| [x[0], x[0], 0.0, x[1], x[2]]).collect();
    let x = Matrix { rows: 200, width: 5, data };
    let network = fit_linear(&job(&x, Target::Values(&sums), RIDGE)).unwrap();
    let weight = &network.layers[0].weight;
    assert!((weight[0] - weight[1]).abs() < 1e-3 && (weight[0] + weight[1] - 3.0).abs() < 1e-2);
    assert_eq!(weight[2], 0.0);
}

#[test]
fn class_weights_move_the_bias() {
    let (x, sums) = rows(1000);
    let labels: Vec<u32> = drawn(&sums.iter().map(|z| z - 3.0).collect::<Vec<_>>());
    let target = Target::Classes { labels: &labels, count: 2 };
    let plain = fit_linear(&job(&x, target, RIDGE)).unwrap();
    let weights = Some(crate::class_weights(&labels, 2));
    let balanced =
        fit_linear(&LinearJob { class_weights: weights, ..job(&x, target, RIDGE) }).unwrap();
    assert!(balanced.layers[0].bias[0] > plain.layers[0].bias[0] + 1.0);
}

#[test]
fn what_cannot_be_fitted_is_an_error() {
    let (x, sums) = rows(10);
    let error = |x: &Matrix, y: Target| fit_linear(&job(x, y, RIDGE)).unwrap_err().to_string();
    let one = Target::Classes { labels: &[1; 10], count: 2 };
    assert_eq!(error(&x, one), TrainError::OneClass.to_string());
    assert_eq!(error(&Matrix::zeros(0, 3), Target::Values(&[])), "there are no training rows");
    assert_eq!(error(&x, Target::Values(&sums[1..])), "10 rows have 9 targets");
    let stop = AtomicBool::new(true);
    let job = LinearJob { interrupted: &stop, ..job(&x, Target::Values(&sums), RIDGE) };
    assert_eq!(fit_linear(&job).unwrap_err(), TrainError::Interrupted);
}
