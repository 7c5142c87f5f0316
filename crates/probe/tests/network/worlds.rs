//! Worlds with a known answer: networks that learned the same function, or another one.

use collegium_digest::{Digest, stream};
use collegium_probe::{Look, agreement, agreement_of_pairs, compare, spectral_gap};
use collegium_records::{Between, Changed};
use nalgebra::DMatrix;
use rand::RngExt as _;

use super::{Network, Target, uniform};

/// Probed rows.
const PROBED: usize = 1000;

/// Looks that the seeds' line is made of: the first network and its refits; 0 for no line.
pub const LINES: [usize; 4] = [0, 3, 4, 5];

/// How large a world is.
#[derive(Clone, Copy)]
pub struct Setting {
    pub inputs: usize,
    pub rows: usize,
    pub epochs: usize,
}

/// What is compared with the first network on the probed rows.
pub const CASES: [&str; 8] = [
    "the same network on other rows",
    "the same network on its training rows",
    "another seed",
    "another seed, trained on other rows",
    "one weight 1.5 times as large",
    "one input's weight shared with another",
    "another input for one",
    "the same inputs, combined otherwise",
];

/// The function of a case: x₀x₁ + sin 2x₂ + x₃, or what became of it.
fn function(case: usize, x: &[f64]) -> f64 {
    let base = x[0] * x[1] + (2.0 * x[2]).sin();
    match case {
        4 => base + 1.5 * x[3],
        5 => base + 0.7 * (x[3] + x[4]),
        6 => base + x[4],
        7 => x[0] * x[2] + (2.0 * x[1]).sin() + x[3],
        _ => base + x[3],
    }
}

/// The verdicts of one world: a place in [`CASES`], one of [`LINES`], and what was said.
pub fn verdicts(setting: Setting, world: usize) -> Vec<(usize, usize, Changed)> {
    let Setting { inputs, rows, epochs } = setting;
    let draw = |rows, what: &str| uniform(rows, inputs, &format!("{what} {world}"));
    let (train, other, test) = (draw(rows, "train"), draw(rows, "other"), draw(PROBED, "test"));
    let fit = |x: &DMatrix<f64>, case: usize, seed: &str| {
        let seed = format!("{seed} {world}");
        // A sum of twelve uniform values is normal enough, and the same on every machine.
        let mut random = stream(&Digest::of(format!("{} {world}", x[0]).as_bytes()), "noise");
        let mut noise = || (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
        let y: Vec<f64> =
            x.column_iter().map(|x| function(case, x.as_slice()) + 0.5 * noise()).collect();
        let mut network = Network::new(&[inputs, 32, 16, 1], &seed);
        network.train(x, &Target::Value(&y), epochs, 1e-4, &seed);
        network
    };
    let first = fit(&train, 0, "seed 0");
    let (shown, spectrum) = look(&first, &test);
    let k = spectral_gap(&spectrum);
    let mut seeds = vec![shown];
    seeds.extend((1..5).map(|seed| look(&fit(&train, 0, &format!("seed {seed}")), &test).0));
    let halves: Vec<(Look, Look)> = (0..5)
        .map(|division| {
            let mut random =
                stream(&Digest::of(format!("{division} {world}").as_bytes()), "halves");
            let mut order: Vec<usize> = (0..PROBED).collect();
            for i in (1..PROBED).rev() {
                order.swap(i, random.random_range(0..=i));
            }
            let half = |rows: &[usize]| look(&first, &test.select_columns(rows)).0;
            (half(&order[..PROBED / 2]), half(&order[PROBED / 2..]))
        })
        .collect();
    let halves = agreement_of_pairs(&halves, k).expect("they look at something");
    let shown = |case: usize| match case {
        0 => look(&first, &draw(PROBED, "more")).0,
        1 => look(&first, &train).0,
        3 => look(&fit(&other, case, "new"), &test).0,
        _ => look(&fit(&train, case, "new"), &test).0,
    };
    let mut found = Vec::new();
    for (case, what) in CASES.iter().enumerate() {
        let shown = shown(case);
        for looks in LINES {
            let line = agreement(&seeds[..looks], k);
            let said = compare(Between::Versions, what, &seeds[0], &shown, k, halves, line);
            found.push((case, looks, said.expect("they look at something").changed));
        }
    }
    found
}

/// What a network with one output looks at, and the spectrum of Σ^½GΣ^½.
pub fn look(network: &Network, x: &DMatrix<f64>) -> (Look, Vec<f64>) {
    let rows = x.ncols() as f64;
    let activations = network.forward(x);
    let back = network.backward(&activations, DMatrix::from_element(1, x.ncols(), 1.0));
    let gradients = &network.weights[0] * &back[0];
    let agop = &gradients * gradients.transpose() / rows;
    let mut centred = x.clone();
    centred.column_iter_mut().for_each(|mut row| row -= &x.column_mean());
    let covariance = &centred * centred.transpose() / rows;
    let eigen = covariance.clone().symmetric_eigen();
    let root = &eigen.eigenvectors
        * DMatrix::from_diagonal(&eigen.eigenvalues.map(|v| v.max(0.0).sqrt()))
        * eigen.eigenvectors.transpose();
    let eigen = (&root * &agop * &root).symmetric_eigen();
    let mut order: Vec<usize> = (0..x.nrows()).collect();
    order.sort_by(|&i, &j| eigen.eigenvalues[j].total_cmp(&eigen.eigenvalues[i]));
    let sums: Vec<f64> = (0..x.nrows()).map(|i| agop[(i, i)] * covariance[(i, i)]).collect();
    let total: f64 = sums.iter().sum();
    let shares = sums.iter().map(|sum| sum / total).collect();
    let basis = eigen.eigenvectors.select_columns(&order);
    let spectrum = order.iter().map(|&i| eigen.eigenvalues[i]).collect();
    (Look { shares, basis, skilled: true }, spectrum)
}
