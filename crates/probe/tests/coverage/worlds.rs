//! Worlds of known truth: rows that are independent, that come in groups, that follow each other in time; and two
//! fixed models of them.

use collegium_digest::Stream;
use rand::RngExt as _;

/// Inputs of a row.
pub(crate) const WIDTH: usize = 3;

/// Which rows belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum World {
    /// None.
    Rows,
    /// Those of a group: it has an effect of its own, and inputs that its rows share.
    Groups,
    /// Those that follow each other: the effect and the inputs are autoregressions.
    Time,
}

pub(crate) const WORLDS: [World; 3] = [World::Rows, World::Groups, World::Time];

/// Rows of a group.
const MEMBERS: usize = 25;

impl World {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rows => "1,000 independent rows",
            Self::Groups => "40 groups of 25 rows",
            Self::Time => "2,000 steps of time",
        }
    }

    /// Rows of a table.
    pub(crate) fn rows(self) -> usize {
        if self == Self::Time { 2_000 } else { 1_000 }
    }
}

/// Rows in a world: inputs, an effect that no input shows, a label and a value.
pub(crate) struct Sample {
    /// Rows × [`WIDTH`].
    pub(crate) x: Vec<f32>,
    pub(crate) labels: Vec<u32>,
    pub(crate) values: Vec<f64>,
    /// By row, where rows come in groups.
    pub(crate) groups: Option<Vec<u64>>,
    /// By row, where they follow each other.
    pub(crate) times: Option<Vec<f64>>,
}

pub(crate) fn normal(random: &mut Stream) -> f64 {
    let size = -2.0 * (1.0 - random.random::<f64>()).ln();
    size.sqrt() * (std::f64::consts::TAU * random.random::<f64>()).cos()
}

pub(crate) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

impl Sample {
    pub(crate) fn new(world: World, rows: usize, random: &mut Stream) -> Self {
        let mut sample = Self {
            x: Vec::with_capacity(rows * WIDTH),
            labels: Vec::with_capacity(rows),
            values: Vec::with_capacity(rows),
            groups: (world == World::Groups)
                .then(|| (0..rows).map(|r| (r / MEMBERS) as u64).collect()),
            times: (world == World::Time).then(|| (0..rows).map(|row| row as f64).collect()),
        };
        // The effect, and what rows that belong together share of each input.
        let mut shared = [0.0; 1 + WIDTH];
        if world == World::Time {
            shared.iter_mut().for_each(|value| *value = normal(random));
        }
        for row in 0..rows {
            match world {
                World::Rows => shared = [0.0; 1 + WIDTH],
                World::Groups if row % MEMBERS == 0 => {
                    shared.iter_mut().for_each(|value| *value = normal(random));
                }
                World::Groups => {}
                World::Time => {
                    let rest = (1.0 - STAYS * STAYS).sqrt();
                    shared.iter_mut().for_each(|v| *v = STAYS * *v + rest * normal(random));
                }
            }
            let own = |shared: f64, random: &mut Stream| 0.6 * shared + 0.8 * normal(random);
            let first = own(shared[1], random);
            // The second goes with the first.
            let second = 0.7 * first + 0.7 * own(shared[2], random);
            let third = own(shared[3], random);
            let signal = first + 0.5 * second.sin() + 0.4 * first * third + shared[0];
            sample.x.extend([first as f32, second as f32, third as f32]);
            sample.labels.push(u32::from(random.random::<f64>() < sigmoid(signal)));
            sample.values.push(signal + normal(random));
        }
        sample
    }

    pub(crate) fn rows(&self) -> usize {
        self.labels.len()
    }
}

/// What of an autoregression stays from one step to the next.
const STAYS: f64 = 0.9;

/// The model that is measured: an output and its gradient.
pub(crate) fn model(x: &[f32]) -> (f64, [f32; WIDTH]) {
    let [first, second, third] = [x[0], x[1], x[2]].map(f64::from);
    let output = 0.8 * first + 0.6 * second.sin() + 0.3 * first * third;
    (output, [0.8 + 0.3 * third, 0.6 * second.cos(), 0.3 * first].map(|slope| slope as f32))
}

/// One that knows less, on the same rows.
pub(crate) fn rival(x: &[f32]) -> f64 {
    0.9 * f64::from(x[0])
}
