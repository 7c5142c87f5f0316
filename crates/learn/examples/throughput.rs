//! How many rows per second a fit learns from, and a model answers, on one thread and on two.
//!
//! The shape is that of an expert of `pipelines/flights.toml`: 25 encoded inputs, hidden layers of 64
//! and 32, batches of 1024. Run it with
//! `cargo run --release -p collegium-learn --example throughput`.
#![allow(clippy::print_stdout)]

use std::{sync::atomic::AtomicBool, time::Instant};

use collegium_digest::{Digest, stream};
use collegium_learn::{
    Job, LinearJob, RIDGE, Target, TrainError, Watch, fit_linear, kernel_class, train,
};
use collegium_manifest::spec::{Activation, Batch, Mlp, Train};
use collegium_table::Matrix;
use rand::RngExt as _;

const ROWS: usize = 100_000;
const WIDTH: usize = 25;
const EPOCHS: u32 = 4;

fn main() -> Result<(), TrainError> {
    let mut random = stream(&Digest::of(b"throughput"), "rows");
    let data = (0..ROWS * WIDTH).map(|_| 2.0 * random.random::<f32>() - 1.0).collect();
    let x = Matrix { rows: ROWS, width: WIDTH, data };
    let labels: Vec<u32> =
        (0..ROWS).map(|i| u32::from(x.row(i)[0] * x.row(i)[1] + x.row(i)[2] > 0.0)).collect();
    println!("kernels: {}", kernel_class());

    for activation in [Activation::Relu, Activation::Tanh, Activation::Gelu] {
        let seconds = timed(|| fit(&x, &labels, activation, 1024))?;
        report(&format!("fit, {activation:?}, batch 1024"), seconds, ROWS * EPOCHS as usize);
    }
    for batch in [32, 256] {
        let seconds = timed(|| fit(&x, &labels, Activation::Relu, batch))?;
        report(&format!("fit, Relu, batch {batch}"), seconds, ROWS * EPOCHS as usize);
    }
    let seconds = timed(|| {
        std::thread::scope(|scope| {
            let one = scope.spawn(|| fit(&x, &labels, Activation::Relu, 1024));
            let two = fit(&x, &labels, Activation::Relu, 1024);
            one.join().unwrap_or(Err(TrainError::Interrupted)).and(two)
        })
    })?;
    report("two fits on two threads, batch 1024", seconds, 2 * ROWS * EPOCHS as usize);

    let network = fit(&x, &labels, Activation::Relu, 1024)?;
    let seconds = timed(|| {
        network.logits(&x);
        Ok(())
    })?;
    report("logits", seconds, ROWS);
    let mut sum = 0.0;
    let seconds = timed(|| {
        network.jacobians(&x, &mut |_, jacobian| sum += jacobian[0]);
        Ok(())
    })?;
    report("jacobians", seconds, ROWS);
    let seconds = timed(|| {
        fit_linear(&LinearJob {
            x: &x,
            y: Target::Classes { labels: &labels, count: 2 },
            class_weights: None,
            ridge: RIDGE,
            interrupted: &AtomicBool::new(false),
        })
    })?;
    report("logistic regression, to convergence", seconds, ROWS);
    Ok(())
}

fn fit(
    x: &Matrix,
    labels: &[u32],
    activation: Activation,
    batch: u32,
) -> Result<collegium_learn::Network, TrainError> {
    let job = Job {
        front: None,
        spec: &Mlp { hidden: vec![64, 32], activation, dropout: 0.0.into() },
        train: &Train {
            epochs: EPOCHS,
            batch: Batch::Rows(batch),
            patience: 0,
            ..Train::default()
        },
        class_weights: None,
        x,
        y: Target::Classes { labels, count: 2 },
        x_valid: &Matrix::zeros(0, x.width),
        y_valid: Target::Classes { labels: &[], count: 2 },
        key: Digest::of(b"throughput"),
        start: None,
    };
    let watch = &mut Watch { interrupted: &AtomicBool::new(false), epoch: &mut |_, _| {} };
    train(&job, watch).map(|trained| trained.network)
}

fn timed<T>(work: impl FnOnce() -> Result<T, TrainError>) -> Result<f64, TrainError> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64())
}

fn report(what: &str, seconds: f64, rows: usize) {
    println!("{what:40} {seconds:7.3} s  {:10.0} rows/s", rows as f64 / seconds);
}
