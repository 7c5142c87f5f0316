//! What an expert looks at: the average gradient outer product at its declared inputs.
//!
//! G = 1/n Σ J(xᵢ)ᵀJ(xᵢ) over probed rows, on logits or raw values, uncentred (Radhakrishnan et al.
//! 2024, arXiv 2212.13881). Not on probabilities, whose gradients vanish where they saturate; not
//! centred, which would leave nothing of a linear function.
//!
//! **Importance.** Gᵢᵢ is in units of 1/xᵢ². A declared input with encoded columns b is given
//! s_b = tr(G_bb Σ_bb), Σ_bb the covariance of those columns over the probed rows, divided by the sum
//! over inputs. For one column that is Gᵢᵢ·var(xᵢ), which does not change when xᵢ is measured in
//! other units. For a one-hot group it is more than a sum of Gᵢᵢ·var(xᵢ): the columns of a group sum
//! to 1, so a constant may be added to all its weights (and taken from the bias) without changing
//! the function on any row. Σ_bb sends that direction to zero, so s_b does not see it; the diagonal
//! alone would, and a network that happens to hold a large common weight would seem to rely on it.
//!
//! **Bands.** Row bootstrap of the shares with Σ held at its value on all probed rows: a row's
//! contribution J_b Σ_bb J_bᵀ is kept, and a resample is a weighted mean. Such bands tell how well n
//! rows determine the AGOP *of this network*, and nothing about another seed, which moves shares
//! about as much as PROBE.md §2 says: halves of the rows agreed to a cosine of .9999, four seeds
//! to .937.
//!
//! **Noise.** See [`agop`].

mod accumulator;
mod geometry;
mod spectrum;

use std::{fmt, ops::Range};

use collegium_digest::{Digest, stream};
use collegium_records::{Agop, Importance, NoiseFloor};

pub use accumulator::{Accumulated, Accumulator};
pub use geometry::Geometry;

use crate::resample::{Draws, index, interval};
use spectrum::{pivoted_cholesky, spectrum};

/// How far behind the first input's growth an input may stay before it counts as noise: see
/// [`agop`].
const GROWTH: f64 = 20.0;

/// Part of an even share below which an input is too small to speak of, however certain.
const LEAST_SHARE: f64 = 0.1;

/// Visits every probed row once, in order, with its Jacobian: `outputs × width`, row-major.
pub type Jacobians<'a> = dyn FnMut(&mut dyn FnMut(usize, &[f32])) + 'a;

/// What the Jacobians are derivatives of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Logits: one for a binary classifier, else one per class, whose common shift is taken out.
    Logit,
    /// A regression's value.
    Value,
}

/// All that [`agop`] needs.
pub struct AgopInputs<'a> {
    /// Declared inputs: `flights.hour`, `departure.logit`.
    pub names: &'a [String],
    /// Encoded columns of each declared input; they follow each other and cover the width.
    pub groups: &'a [Range<usize>],
    /// For each declared input the `expert.NAME` whose output it is, if it is one.
    pub upstream: &'a [Option<String>],
    /// The probed rows as the network sees them: `rows × width`, row-major.
    pub encoded: &'a [f32],
    /// Encoded columns.
    pub width: usize,
    /// The trained network on these rows.
    pub trained: &'a mut Jacobians<'a>,
    /// A network of the same shape with initial weights, on the same rows.
    pub untrained: &'a mut Jacobians<'a>,
    /// What they are derivatives of.
    pub output: Output,
    /// The side of the split that the rows come from.
    pub split: &'a str,
    /// Resamples for the bands.
    pub bootstrap: u32,
    /// Names the random numbers.
    pub key: &'a Digest,
}

/// Why there is no AGOP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgopError {
    /// The network's output does not depend on any input that varies on the probed rows.
    Constant,
    /// Fewer than two rows have no variance.
    TooFewRows(usize),
    /// Something is NaN or infinite.
    NotFinite(&'static str),
    /// Arguments that do not belong together.
    Shape(String),
}

impl fmt::Display for AgopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant => f.write_str("its output does not depend on any input (constant)"),
            Self::TooFewRows(rows) => write!(f, "{rows} rows are too few to measure on"),
            Self::NotFinite(what) => write!(f, "{what} is NaN or infinite"),
            Self::Shape(what) => write!(f, "shapes do not fit: {what}"),
        }
    }
}

impl std::error::Error for AgopError {}

/// Measures what a network looks at.
///
/// An input is *above noise* when the lower end of its band passes two bars:
/// - it **grew**: share / untrained share is at least a twentieth of that of the first input. An
///   input that training had no use for keeps about the weights it was initialised with, while
///   those of a useful one grow, so their ratio to the initial network is what tells them apart; a
///   ratio to the first input, rather than a fixed one, means the same for 3 inputs and for 30.
/// - it **matters**: at least a tenth of an even share, 1/(10·inputs).
///
/// What the rule is worth was measured on 32-16 networks (scikit-learn, early stopping) with 3, 10
/// and 30 inputs of which two, four and four mattered, 6 to 16 seeds each. With 5,000 and 20,000
/// training rows no irrelevant input passed in regression, and 0 to 17 % of them (by setting) for a
/// noisy yes or no. An input with a tenth of the importance passed in 83 to 100 % of the fits, one
/// with a seventeenth in 50 to 88 %, weaker ones in 0 to 75 %. With 1,000 rows 0 to 7 % of the
/// irrelevant inputs passed in regression and 42 to 56 % for the yes or no; with 300 rows up to 55 %
/// and nearly all. A small or overfitted expert gives every input weight, and nothing computed from
/// one network can tell: only retrained seeds can. Until they are measured, *above noise* means
/// "training gave it weight" and *not above noise* "of little weight", never "unrelated to the
/// target".
///
/// # Errors
/// [`AgopError`]; `Constant` is a finding about the network, the others are mistakes of the caller
/// or of training.
pub fn agop(inputs: AgopInputs<'_>) -> Result<Agop, AgopError> {
    let count = inputs.names.len();
    if inputs.groups.len() != count || inputs.upstream.len() != count {
        return Err(AgopError::Shape(format!(
            "{count} inputs, {} groups of columns, {} upstreams",
            inputs.groups.len(),
            inputs.upstream.len()
        )));
    }
    let geometry = Geometry::new(inputs.encoded, inputs.width, inputs.groups)?;
    let gather = |visit: &mut Jacobians<'_>| {
        let mut sum = Accumulator::new(&geometry, inputs.output == Output::Logit);
        visit(&mut |_, jacobian| sum.add(jacobian));
        sum.finish()
    };
    let trained = gather(inputs.trained)?;
    let untrained = gather(inputs.untrained)?;

    let sums = column_sums(&trained.contributions, count);
    let shares = normalised(&sums).ok_or(AgopError::Constant)?;
    // A network of which nothing depends on its input has no shares; zeros say so.
    let null = normalised(&column_sums(&untrained.contributions, count))
        .unwrap_or_else(|| vec![0.0; count]);

    // The declared inputs and, after them, the upstream experts as sums of theirs.
    let mut members: Vec<(String, Vec<usize>)> =
        inputs.names.iter().enumerate().map(|(i, name)| (name.clone(), vec![i])).collect();
    for (input, expert) in inputs.upstream.iter().enumerate() {
        let Some(expert) = expert else { continue };
        match members[count..].iter_mut().find(|(name, _)| name == expert) {
            Some((_, inputs)) => inputs.push(input),
            None => members.push((expert.clone(), vec![input])),
        }
    }
    let of = |shares: &[f64], inputs: &[usize]| inputs.iter().map(|&i| shares[i]).sum::<f64>();
    let resampled = bootstrap(&trained.contributions, count, inputs.bootstrap, inputs.key);
    let first = (0..count).fold(0, |best, i| if shares[i] > shares[best] { i } else { best });
    let measured: Vec<(Importance, f64)> = members
        .into_iter()
        .map(|(input, members)| {
            let (share, initial) = (of(&shares, &members), of(&null, &members));
            let mut drawn = resampled.iter().map(|shares| of(shares, &members)).collect();
            let (low, high) =
                interval(&mut drawn).map_or((share, share), |band| (band.low, band.high));
            // Multiplied out, so that an untrained share of zero is no reference and no division.
            let grew = GROWTH * low * null[first] >= shares[first] * initial;
            let matters = low >= LEAST_SHARE / count as f64;
            let above_noise = grew && matters;
            (Importance { input, share, low, high, above_noise, seeds: None }, initial)
        })
        .collect();
    let (mut importance, mut upstream) = (measured, Vec::new());
    upstream.extend(importance.drain(count..));
    for list in [&mut importance, &mut upstream] {
        // Stable: equal shares stay in the order of the file.
        list.sort_by(|a, b| b.0.share.total_cmp(&a.0.share));
    }
    let (importance, null): (Vec<_>, Vec<_>) = importance.into_iter().unzip();

    let factor = pivoted_cholesky(geometry.covariance());
    let (eigenvalues, effective_rank) = spectrum(&trained.matrix, &factor);
    let (_, untrained_effective_rank) = spectrum(&untrained.matrix, &factor);
    Ok(Agop {
        output: match inputs.output {
            Output::Logit => "logit",
            Output::Value => "value",
        }
        .to_owned(),
        rows: geometry.rows() as u64,
        split: inputs.split.to_owned(),
        importance,
        upstream: upstream.into_iter().map(|(importance, _)| importance).collect(),
        eigenvalues,
        effective_rank,
        noise_floor: NoiseFloor {
            split_half_cosine: split_half_cosine(&trained.contributions, count, inputs.key),
            untrained: null,
            untrained_effective_rank,
            untrained_eigenvalues: Vec::new(),
            permuted: None,
            seeds: None,
        },
        participation: 0.0,
        groups: Vec::new(),
        directions: Vec::new(),
        classes: None,
    })
}

/// Sums of the columns of a row-major matrix.
fn column_sums(values: &[f64], width: usize) -> Vec<f64> {
    let mut sums = vec![0.0; width];
    for row in values.chunks_exact(width) {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += value;
        }
    }
    sums
}

/// Divided by their sum; `None` when that is 0.
fn normalised(values: &[f64]) -> Option<Vec<f64>> {
    let total: f64 = values.iter().sum();
    (total > 0.0).then(|| values.iter().map(|v| v / total).collect())
}

/// The shares of each resample of the rows; a resample whose contributions are all 0 has none.
fn bootstrap(contributions: &[f64], inputs: usize, resamples: u32, key: &Digest) -> Vec<Vec<f64>> {
    let rows = contributions.len() / inputs;
    let mut all = Vec::with_capacity(resamples as usize);
    let mut draws = Draws::new(key, "agop bootstrap", rows, resamples);
    while let Some((counts, lanes)) = draws.next_block() {
        let mut sums = vec![vec![0.0; inputs]; lanes];
        for (count, row) in counts.iter().zip(contributions.chunks_exact(inputs)) {
            for (sums, &count) in sums.iter_mut().zip(count) {
                for (sum, value) in sums.iter_mut().zip(row) {
                    *sum += f64::from(count) * value;
                }
            }
        }
        all.extend(sums.iter().filter_map(|sums| normalised(sums)));
    }
    all
}

/// The cosine between the importances of two random halves of the rows; 0 when one half has none.
fn split_half_cosine(contributions: &[f64], inputs: usize, key: &Digest) -> f64 {
    let rows = contributions.len() / inputs;
    let mut order: Vec<usize> = (0..rows).collect();
    let mut stream = stream(key, "agop halves");
    for i in (1..rows).rev() {
        order.swap(i, index(&mut stream, i + 1));
    }
    let mut halves = [vec![0.0; inputs], vec![0.0; inputs]];
    for (place, row) in order.into_iter().enumerate() {
        let half = &mut halves[usize::from(place >= rows / 2)];
        for (sum, value) in half.iter_mut().zip(&contributions[row * inputs..]) {
            *sum += value;
        }
    }
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let [a, b] = &halves;
    let length = (dot(a, a) * dot(b, b)).sqrt();
    if length > 0.0 { (dot(a, b) / length).min(1.0) } else { 0.0 }
}
