//! How long the AGOP of a 784-256-256-10 network takes on one thread: 1,000 rows, the whole 784 × 784
//! matrix, and 20 bootstraps of its importances.
//!
//! The peer is PyTorch's `vmap(jacrev)`: `benches/agop.sh` runs both on the same weights and rows. Run
//! this by itself with `cargo run --release -p collegium-learn --example agop`; with a folder as
//! argument it writes weights, rows and its result there as plain little-endian numbers.
#![allow(clippy::print_stdout)]

use std::{error::Error, fs, path::PathBuf, time::Instant};

use collegium_digest::{Digest, stream};
use collegium_learn::{Activation, Dense, Network, Seeds};
use collegium_probe::{Accumulator, Frame, Gathered, Geometry, Lift};
use collegium_table::Matrix;
use rand::RngExt as _;

const WIDTHS: [usize; 4] = [784, 256, 256, 10];
const ROWS: usize = 1000;
const BOOTSTRAPS: usize = 20;
const TIMES: usize = 15;

fn main() -> Result<(), Box<dyn Error>> {
    let network = network();
    let x = Matrix { rows: ROWS, width: WIDTHS[0], data: draw("rows", ROWS * WIDTHS[0], 1.0) };
    let groups: Vec<_> = (0..WIDTHS[0]).map(|i| i..i + 1).collect();
    let geometry = Geometry::new(&x.data, x.width, &groups)?;
    let frame = geometry.frame();
    // Of no columns: nothing is kept by row.
    let nothing = Frame { values: Vec::new(), columns: 0, parts: Vec::new(), inputs: 0 };

    let matrix = || -> Result<Vec<f32>, Box<dyn Error>> {
        let gathered = gather(&network, &x, &geometry, &nothing)?;
        Ok(network.lifted(0, &gathered.gram))
    };
    let agop = matrix()?;
    let (alone, spread) = timed(|| matrix().map(drop))?;
    println!("AGOP {alone:.5} seconds, quartiles {:.5} to {:.5}", spread[0], spread[1]);
    let (both, spread) = timed(|| {
        let gathered = gather(&network, &x, &geometry, &frame)?;
        std::hint::black_box(network.lifted(0, &gathered.gram));
        std::hint::black_box(bootstraps(&gathered.contributions));
        Ok(())
    })?;
    println!("bootstraps {both:.5} seconds, quartiles {:.5} to {:.5}", spread[0], spread[1]);
    println!("ratio {:.2}", both / alone);
    if let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) {
        let mut weights = Vec::new();
        for layer in &network.layers {
            weights.extend_from_slice(&layer.weight);
            weights.extend_from_slice(&layer.bias);
        }
        for (name, values) in [("weights", &weights), ("rows", &x.data), ("agop", &agop)] {
            let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            fs::write(folder.join(name), bytes)?;
        }
    }
    Ok(())
}

fn gather(
    network: &Network,
    x: &Matrix,
    geometry: &Geometry,
    frame: &Frame,
) -> Result<Gathered, Box<dyn Error>> {
    let layer = &network.layers[0];
    let lift = Lift { weight: layer.weight.clone(), units: layer.outputs };
    let lens = network.lens(&frame.values, frame.columns);
    let mut sum = Accumulator::new(geometry, frame, x.rows, network.outputs(), Some(lift), false);
    network.sweep(x, Seeds::Outputs, &mut |swept| sum.add(&swept.through(&lens), &swept.gram(0)));
    Ok(sum.finish()?)
}

/// Importances of resampled rows: weighted sums of what each row contributed.
fn bootstraps(contributions: &[f64]) -> Vec<Vec<f64>> {
    let width = contributions.len() / ROWS;
    let mut random = stream(&Digest::of(b"bootstrap"), "draws");
    (0..BOOTSTRAPS)
        .map(|_| {
            let mut sums = vec![0.0; width];
            for _ in 0..ROWS {
                let row = random.random_range(0..ROWS);
                let of = &contributions[row * width..(row + 1) * width];
                sums.iter_mut().zip(of).for_each(|(sum, value)| *sum += value);
            }
            sums
        })
        .collect()
}

/// The median of several runs, and the quartiles.
fn timed(
    mut work: impl FnMut() -> Result<(), Box<dyn Error>>,
) -> Result<(f64, [f64; 2]), Box<dyn Error>> {
    let mut seconds = Vec::new();
    for _ in 0..TIMES {
        let start = Instant::now();
        work()?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    Ok((seconds[TIMES / 2], [seconds[TIMES / 4], seconds[3 * TIMES / 4]]))
}

fn network() -> Network {
    let layers = WIDTHS.windows(2).map(|pair| Dense {
        inputs: pair[0],
        outputs: pair[1],
        weight: draw(
            &format!("weights {pair:?}"),
            pair[0] * pair[1],
            (6.0 / pair[0] as f32).sqrt(),
        ),
        bias: draw(&format!("biases {pair:?}"), pair[1], 0.1),
    });
    Network::plain(layers.collect(), Activation::Relu)
}

fn draw(name: &str, count: usize, bound: f32) -> Vec<f32> {
    let mut random = stream(&Digest::of(name.as_bytes()), "agop");
    (0..count).map(|_| bound * (2.0 * random.random::<f32>() - 1.0)).collect()
}
