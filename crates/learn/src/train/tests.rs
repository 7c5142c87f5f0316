use collegium_manifest::spec::{Activation, Calibrate, ClassWeights, Optimizer};

use collegium_digest::stream;
use collegium_manifest::spec::Schedule;
use rand::RngExt as _;

use super::*;

static GO: AtomicBool = AtomicBool::new(false);

fn spec(hidden: &[u32]) -> Mlp {
    Mlp { hidden: hidden.to_vec(), activation: Activation::Relu, dropout: 0.0.into() }
}

fn settings(epochs: u32, learning_rate: f64) -> Train {
    Train {
        epochs,
        batch: collegium_manifest::Batch::Rows(32),
        learning_rate: learning_rate.into(),
        schedule: Schedule::Constant,
        warm_up: 0.0,
        optimizer: Optimizer::Adam,
        beta2: 0.999,
        weight_decay: 0.0,
        patience: 0,
        class_weights: ClassWeights::None,
        calibrate: Calibrate::None,
        ..Train::default()
    }
}

fn uniform(n: usize, width: usize, name: &str) -> Matrix {
    let mut random = stream(&Digest::of(b"train"), name);
    let data = (0..n * width).map(|_| 2.0 * random.random::<f32>() - 1.0).collect();
    Matrix { rows: n, width, data }
}

/// The fit of a test: rows, targets, and no validation rows unless given.
struct Case {
    spec: Mlp,
    train: Train,
    x: Matrix,
    labels: Vec<u32>,
    count: usize,
    values: Vec<f32>,
    /// The first rows are for training, the rest for validation.
    split: usize,
    weights: Option<Vec<f32>>,
}

impl Case {
    fn classes(spec: Mlp, train: Train, x: Matrix, labels: Vec<u32>, count: usize) -> Self {
        let split = x.rows;
        Self { spec, train, x, labels, count, values: Vec::new(), split, weights: None }
    }

    fn values(spec: Mlp, train: Train, x: Matrix, values: Vec<f32>) -> Self {
        let split = x.rows;
        Self { spec, train, x, labels: Vec::new(), count: 0, values, split, weights: None }
    }

    fn fit_with(&self, key: &str, interrupted: &AtomicBool) -> Result<Trained, TrainError> {
        let all: Vec<u32> = (0..self.x.rows as u32).collect();
        let (first, second) = all.split_at(self.split);
        let (x, x_valid) = (self.x.select(first), self.x.select(second));
        let target = |from: usize, to: usize| match self.count {
            0 => Target::Values(&self.values[from..to]),
            count => Target::Classes { labels: &self.labels[from..to], count },
        };
        let job = Job {
            front: None,
            spec: &self.spec,
            train: &self.train,
            class_weights: self.weights.clone(),
            x: &x,
            y: target(0, self.split),
            x_valid: &x_valid,
            y_valid: target(self.split, self.x.rows),
            key: Digest::of(key.as_bytes()),
            start: None,
        };
        train(&job, &mut Watch { interrupted, epoch: &mut |_, _| {} })
    }

    fn fit(&self, key: &str) -> Trained {
        self.fit_with(key, &GO).unwrap()
    }

    fn accuracy(&self, network: &Network) -> f64 {
        let logits = network.logits(&self.x);
        let right = self.labels.iter().enumerate().filter(|(row, label)| {
            let z = logits.row(*row);
            let best = match self.count {
                2 => usize::from(z[0] >= 0.0),
                _ => (0..z.len()).max_by(|a, b| z[*a].total_cmp(&z[*b])).unwrap(),
            };
            best == **label as usize
        });
        right.count() as f64 / self.labels.len() as f64
    }
}

fn xor() -> Case {
    let x = uniform(400, 2, "xor");
    let labels = (0..400).map(|i| u32::from(x.row(i)[0] * x.row(i)[1] > 0.0)).collect();
    Case::classes(spec(&[16, 8]), settings(60, 1e-2), x, labels, 2)
}

fn blobs() -> Case {
    let mut x = uniform(300, 2, "blobs");
    let labels: Vec<u32> = (0..300).map(|i| i % 3).collect();
    for (row, label) in labels.iter().enumerate() {
        let angle = f64::from(*label) * 2.0;
        x.row_mut(row)[0] += 2.0 * angle.cos() as f32;
        x.row_mut(row)[1] += 2.0 * angle.sin() as f32;
    }
    Case::classes(spec(&[8]), settings(30, 1e-2), x, labels, 3)
}

fn wave() -> Case {
    let x = uniform(500, 1, "wave");
    let values = x.data.iter().map(|x| (3.0 * x).sin()).collect();
    Case::values(spec(&[32, 16]), settings(60, 5e-3), x, values)
}

fn bits(network: &Network) -> Vec<u32> {
    let layers = network.layers.iter();
    layers.flat_map(|l| l.weight.iter().chain(&l.bias)).map(|w| w.to_bits()).collect()
}

#[test]
fn it_learns_exclusive_or_which_no_linear_model_can() {
    let case = xor();
    let trained = case.fit("xor");
    assert!(case.accuracy(&trained.network) > 0.95);
    assert_eq!(trained.epochs.len(), 60);
    assert_eq!(trained.best_epoch, 60, "without validation rows the last weights stay");
    let linear = Case { spec: spec(&[]), ..xor() };
    assert!(linear.accuracy(&linear.fit("xor").network) < 0.7);
}

#[test]
fn every_activation_and_optimiser_separates_three_classes() {
    for activation in [Activation::Relu, Activation::Tanh, Activation::Gelu] {
        for optimizer in [Optimizer::Adam, Optimizer::Adamw, Optimizer::Sgd] {
            let mut case = blobs();
            case.spec.activation = activation;
            case.train.optimizer = optimizer;
            case.train.schedule = Schedule::Cosine;
            let accuracy = case.accuracy(&case.fit("blobs").network);
            assert!(accuracy > 0.97, "{activation:?} {optimizer:?}: {accuracy}");
        }
    }
}

#[test]
fn it_fits_a_curve() {
    let loss = wave().fit("wave").epochs.last().unwrap().train;
    assert!(loss < 5e-3, "{loss}");
}

/// Kernels of other processors round differently, hence the tolerance.
#[test]
fn the_loss_of_a_fixed_fit_has_not_moved() {
    let mut case = blobs();
    case.train.epochs = 5;
    case.spec.dropout = 0.1.into();
    const GOLDEN: f64 = 0.112_782_7;
    let loss = case.fit("golden").epochs[4].train;
    assert!((loss - GOLDEN).abs() < 1e-4, "{loss}");
}

#[test]
fn equal_jobs_give_equal_bits_and_other_keys_others() {
    let mut case = xor();
    case.train.epochs = 3;
    case.spec.dropout = 0.2.into();
    let one = case.fit("a");
    assert_eq!(bits(&one.network), bits(&case.fit("a").network));
    assert_ne!(bits(&one.network), bits(&case.fit("b").network));
}

/// Burn issue 5573: concurrent fits must not disturb each other.
#[test]
fn fits_side_by_side_give_the_bits_of_fits_alone() {
    let cases: Vec<Case> = (0..8)
        .map(|i| {
            let mut case = match i % 3 {
                0 => xor(),
                1 => blobs(),
                _ => wave(),
            };
            case.train.epochs = 12;
            case.train.batch = collegium_manifest::Batch::Rows(20 + i);
            case.spec.hidden = vec![40 + i, 24];
            case.spec.dropout = if i % 2 == 0 { 0.1 } else { 0.0 }.into();
            case
        })
        .collect();
    let alone: Vec<_> = cases.iter().map(|case| bits(&case.fit("stress").network)).collect();
    for _ in 0..3 {
        let next = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    loop {
                        let i = next.fetch_add(1, Ordering::Relaxed);
                        let Some(case) = cases.get(i) else { break };
                        assert_eq!(bits(&case.fit("stress").network), alone[i], "fit {i}");
                    }
                });
            }
        });
    }
}

#[test]
fn early_stopping_keeps_the_best_epoch() {
    // Labels of noise: after some epochs only the training rows get better.
    let x = uniform(120, 6, "noise");
    let labels: Vec<u32> =
        (0..120).map(|i| u32::from(x.row(i)[0] > 0.0) ^ u32::from(i % 4 == 0)).collect();
    let mut case = Case::classes(spec(&[64]), settings(200, 1e-2), x, labels, 2);
    case.split = 60;
    case.train.patience = 5;
    let trained = case.fit("noise");
    let best = trained.epochs.iter().map(|e| e.valid).fold(f64::INFINITY, f64::min);
    assert_eq!(trained.epochs[trained.best_epoch as usize - 1].valid, best);
    assert_eq!(trained.epochs.len() as u32, trained.best_epoch + 5);
    // The weights are really those of that epoch.
    case.train.epochs = trained.best_epoch;
    assert_eq!(bits(&case.fit("noise").network), bits(&trained.network));
    // Without patience all epochs run and the best is kept all the same.
    case.train.epochs = trained.epochs.len() as u32 + 2;
    case.train.patience = 0;
    let patient = case.fit("noise");
    assert_eq!(patient.epochs.len(), trained.epochs.len() + 2);
}

#[test]
fn a_huge_learning_rate_diverges_with_advice() {
    for case in [xor(), blobs(), wave()] {
        for optimizer in [Optimizer::Adam, Optimizer::Sgd] {
            let mut train = case.train.clone();
            train.learning_rate = 1e6.into();
            train.optimizer = optimizer;
            let case = Case {
                train,
                spec: case.spec.clone(),
                x: case.x.clone(),
                labels: case.labels.clone(),
                values: case.values.clone(),
                weights: None,
                ..case
            };
            let error = case.fit_with("huge", &GO).unwrap_err();
            assert!(matches!(error, TrainError::Diverged { .. }), "{error}");
            assert!(error.to_string().contains("lower `learning_rate`"));
        }
    }
}

#[test]
fn a_raised_flag_ends_a_fit() {
    assert_eq!(xor().fit_with("k", &AtomicBool::new(true)), Err(TrainError::Interrupted));
}

#[test]
fn class_weights_make_a_rare_class_count() {
    let x = uniform(400, 2, "rare");
    let labels: Vec<u32> = (0..400).map(|i| u32::from(i % 20 == 0)).collect();
    let mut case = Case::classes(spec(&[]), settings(60, 1e-2), x, labels, 2);
    let mean = |network: &Network| network.logits(&case.x).data.iter().sum::<f32>() / 400.0;
    let plain = mean(&case.fit("rare").network);
    assert!((plain - (0.05_f32 / 0.95).ln()).abs() < 0.4, "{plain}");
    case.weights = Some(class_weights(&case.labels, 2));
    let balanced = case.fit("rare").network;
    let balanced = balanced.logits(&case.x).data.iter().sum::<f32>() / 400.0;
    assert!(balanced.abs() < 0.4, "{balanced}");
}

#[test]
fn epochs_are_reported_as_they_end() {
    let case = blobs();
    let mut seen = Vec::new();
    let job = Job {
        front: None,
        spec: &case.spec,
        train: &case.train,
        class_weights: None,
        x: &case.x,
        y: Target::Classes { labels: &case.labels, count: 3 },
        x_valid: &Matrix::zeros(0, 2),
        y_valid: Target::Classes { labels: &[], count: 3 },
        key: Digest::of(b"k"),
        start: None,
    };
    let mut epoch = |number: u32, epoch: Epoch| seen.push((number, epoch));
    let trained = train(&job, &mut Watch { interrupted: &GO, epoch: &mut epoch }).unwrap();
    assert_eq!(seen.len(), 30);
    assert!(
        seen.iter().enumerate().all(|(i, (n, e))| *n as usize == i + 1 && *e == trained.epochs[i])
    );
    assert!(trained.epochs.iter().all(|e| e.valid == e.train));
}

#[test]
fn what_cannot_be_fitted_is_an_error() {
    let error = |case: Case| case.fit_with("k", &GO).unwrap_err().to_string();
    assert_eq!(error(Case { labels: vec![1; 300], ..blobs() }), TrainError::OneClass.to_string());
    assert_eq!(
        error(Case { labels: vec![7; 300], ..blobs() }),
        "a row has class 7, but there are 3 classes"
    );
    assert_eq!(
        error(Case { weights: Some(vec![1.0]), ..blobs() }),
        "3 classes have 1 class weights"
    );
    let mut case = wave();
    case.values[3] = f32::NAN;
    assert_eq!(error(case), "a target is not a finite number");
    let mut case = wave();
    case.x.data[3] = f32::INFINITY;
    assert_eq!(error(case), "an encoded input is not a finite number");
    assert_eq!(error(Case { spec: spec(&[8, 0]), ..blobs() }), "a hidden layer has no units");
    let nothing = Case { x: Matrix::zeros(300, 0), ..blobs() };
    assert_eq!(error(nothing), "the inputs encode to no columns at all");
    let empty = Case { split: 0, ..blobs() };
    assert_eq!(error(empty), "there are no training rows");
}
