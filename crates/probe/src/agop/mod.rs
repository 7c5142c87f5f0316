//! Feature importance by the average gradient outer product (AGOP) at the declared inputs.
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
//! Columns beyond 256 to an input (images) are weighed by their variances alone, without the
//! covariances between them.
//!
//! **Bands.** Bootstrap of the shares over rows, or over groups of rows where these belong together. A
//! resample changes both G and Σ: of each row its gradient's part J_b Σ_bb J_bᵀ is kept, and its input's,
//! (x − mean)_b G_bb (x − mean)_bᵀ; the means of both are tr(G_bb Σ_bb), and on a resample that is the
//! product of the two means over the value on all rows (exact for one column, of the first order for
//! several). Without the second part a linear expert, whose gradient is the same everywhere, would have
//! bands of no width. Bands tell how well the rows determine the AGOP *of this network*, and nothing about
//! another seed, which moves shares much more: halves of the rows agreed to a cosine of .9999, four
//! seeds to .937.
//!
//! **Noise.** See [`agop`].

mod accumulator;
mod consistency;
mod geometry;
mod spectrum;

use std::fmt;

use collegium_digest::{Digest, stream};
use collegium_records::{
    Agop, ClassShares, Direction, Importance, InputGroup, Interval, Loading, NoiseFloor,
    PermutedNull,
};

pub use accumulator::{Accumulator, Gathered, Lift};
use consistency::consistency;
pub use geometry::{Cluster, Frame, Geometry};
pub(crate) use spectrum::rank_of;
pub use spectrum::{Spectrum, hidden_rank};

use crate::{
    Groups, Resampling,
    bootstrap::within,
    compare::Look,
    resample::{Block, Draws, shuffle},
};

/// Part of an even share below which an input is too small to speak of, however certain.
const LEAST_SHARE: f64 = 0.1;

/// Part of an input's importance that must be common to all seeds.
const LEAST_COMMON: f64 = 0.5;

/// Loadings that are named.
const LOADINGS: usize = 12;

/// What the gradients are derivatives of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgopOutput {
    /// Logits: one for a binary classifier, else one per class, whose common shift is taken out.
    Logit,
    /// A regression's value.
    Value,
}

/// All that [`agop`] needs. Whatever was gathered was gathered on the same rows, through the same
/// frame.
pub struct AgopInputs<'a> {
    /// Declared inputs: `flights.hour`, `departure.logit`.
    pub names: &'a [String],
    /// For each declared input the `expert.NAME` whose output it is, if it is one.
    pub upstream: &'a [Option<String>],
    /// Names of the encoded columns.
    pub columns: &'a [String],
    /// Names of the classes, for a classifier of more than two.
    pub classes: &'a [String],
    /// The probed rows as the network sees them.
    pub geometry: &'a Geometry,
    /// [`Geometry::frame`]
    pub frame: &'a Frame,
    /// The network.
    pub trained: &'a Gathered,
    /// [`Geometry::spreads`] of it.
    pub spreads: &'a [f64],
    /// Models of the same shape with initial weights, if its kind draws any: what one of them looks at is a draw,
    /// so shares are compared with the mean of several.
    pub untrained: &'a [Gathered],
    /// Refits with other seeds; with any, they and `trained` must have kept their gradients.
    pub seeds: &'a [Gathered],
    /// Refits on permuted labels.
    pub permuted: &'a [Gathered],
    /// The network's raw outputs on the rows, rows × outputs: they fix the signs of directions.
    pub raw: &'a [f32],
    /// What the gradients are derivatives of.
    pub output: AgopOutput,
    /// The side of the split that the rows come from.
    pub split: &'a str,
    /// How rows are drawn again for the bands; its key also names the other random numbers.
    pub how: Resampling<'a>,
}

/// The importances of a network, for a record and for comparisons.
pub struct Sight {
    /// The record.
    pub agop: Agop,
    /// Shares of the declared inputs, in their order.
    pub shares: Vec<f64>,
    /// Its directions.
    pub spectrum: Spectrum,
    /// The sign (±1) of each direction, in which it goes with the output.
    pub signs: Vec<f64>,
}

impl Sight {
    /// For comparisons. Pictures are only made of networks with skill, so it counts as skilled.
    pub fn look(&self) -> Look {
        Look { shares: self.shares.clone(), basis: self.spectrum.basis.clone(), skilled: true }
    }
}

/// Why there is no AGOP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgopError {
    /// The gradients of the model's output are 0 on all probed rows, by every input that varies on them.
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
            Self::Constant => f.write_str(
                "its gradients are 0 on all of these rows (it is constant, or answers in steps)",
            ),
            Self::TooFewRows(rows) => write!(f, "{rows} rows are too few to measure on"),
            Self::NotFinite(what) => write!(f, "{what} is NaN or infinite"),
            Self::Shape(what) => write!(f, "shapes do not fit: {what}"),
        }
    }
}

impl std::error::Error for AgopError {}

/// Importances: shares of the declared inputs, in their order; `None` for a network whose gradients are 0.
pub fn shares(frame: &Frame, gathered: &Gathered) -> Option<Vec<f64>> {
    normalised(&column_sums(&gathered.contributions, frame.parts.len()), frame.inputs).map(
        |mut shares| {
            shares.truncate(frame.inputs);
            shares
        },
    )
}

/// Measures the importances of a network.
///
/// An input is *above noise* when the lower end of its band **matters**: at least a tenth of an even
/// share, 1/(10·inputs). With refits it must pass two more bars:
/// - **seeds agree on it**: at least half of its importance is common to all seeds. What seeds do not
///   share is chance, and squares of chance never average out; products between seeds do
///   (see the head of `consistency.rs`).
/// - it is **more than nothing taught**: its importance, in units of the output, is larger than in
///   every refit on permuted labels.
///
/// A small or overfitted expert gives every input weight, and nothing computed from the gradients of
/// one network can tell: only refits can, or what exchanging the input between rows costs. So *above
/// noise* alone means "it has weight", never "it is related to the target".
///
/// A bar on growth against initial weights stood here once (an input that training has no use for
/// keeps about the weights that it began with). It was rejected: of 20 experts on machines whose rule
/// has three inputs (`benches/controls.sh`), 3 named exactly these with it, and 19 without, by weight
/// and by what exchanging inputs costs. One untrained network's shares are a draw.
///
/// # Errors
/// [`AgopError`]; `Constant` is a finding about the network, the others are mistakes of the caller
/// or of training.
pub fn agop(inputs: &AgopInputs<'_>) -> Result<Sight, AgopError> {
    let count = inputs.names.len();
    let (geometry, frame, trained) = (inputs.geometry, inputs.frame, inputs.trained);
    if frame.inputs != count || inputs.upstream.len() != count {
        return Err(AgopError::Shape(format!(
            "{count} inputs, {} groups of columns, {} upstreams",
            frame.inputs,
            inputs.upstream.len()
        )));
    }
    let parts = frame.parts.len();
    let sums = column_sums(&trained.contributions, parts);
    let shares = normalised(&sums, count).ok_or(AgopError::Constant)?;
    // A network of which nothing depends on its input has no shares; zeros say so.
    let shares_of = |gathered: &Gathered| {
        normalised(&column_sums(&gathered.contributions, parts), count)
            .unwrap_or_else(|| vec![0.0; parts])
    };
    let mut null = vec![0.0; parts];
    for network in inputs.untrained {
        let of = shares_of(network).into_iter();
        null.iter_mut().zip(of).for_each(|(sum, share)| *sum += share);
    }
    null.iter_mut().for_each(|share| *share /= inputs.untrained.len().max(1) as f64);
    let of_seeds: Vec<Vec<f64>> = inputs.seeds.iter().map(shares_of).collect();
    let taught: Vec<Vec<f64>> =
        inputs.permuted.iter().map(|g| column_sums(&g.contributions, parts)).collect();
    let common = consistency(frame, trained, inputs.seeds);

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
    let added = [trained.contributions.as_slice(), inputs.spreads];
    if added[0].len() != added[1].len() {
        return Err(AgopError::Shape(format!(
            "{} and {} values of rows",
            added[0].len(),
            added[1].len()
        )));
    }
    let resampled = bootstrap(added, parts, count, inputs.how);
    let measured: Vec<Ranked> = members
        .into_iter()
        .enumerate()
        .map(|(at, (input, members))| {
            let (share, initial) = (of(&shares, &members), of(&null, &members));
            let drawn = resampled.iter().map(|shares| of(shares, &members)).collect();
            let Interval { low, high } = band(inputs.how, share, drawn);
            let matters = low >= LEAST_SHARE / count as f64;
            let agreed = common.as_ref().is_none_or(|common| {
                of(&common.common, &members) >= LEAST_COMMON * of(&common.total, &members)
            });
            let more =
                taught.iter().all(|sums_there| of(&sums, &members) > of(sums_there, &members));
            let seeds = (!of_seeds.is_empty()).then(|| {
                let all = of_seeds.iter().map(|shares| of(shares, &members));
                all.fold(Interval { low: share, high: share }, |band, share| Interval {
                    low: band.low.min(share),
                    high: band.high.max(share),
                })
            });
            let agreement = common.as_ref().map(|common| {
                let total = of(&common.total, &members);
                if total > 0.0 { of(&common.common, &members) / total } else { 0.0 }
            });
            let above_noise = matters && agreed && more;
            let importance = Importance { input, share, low, high, above_noise, seeds, agreement };
            Ranked { at, importance, initial }
        })
        .collect();
    let (mut ranked, mut upstream) = (measured, Vec::new());
    upstream.extend(ranked.drain(count..));
    for list in [&mut ranked, &mut upstream] {
        // Stable: equal shares stay in the order of the file.
        list.sort_by(|a, b| b.importance.share.total_cmp(&a.importance.share));
    }
    let order: Vec<usize> = ranked.iter().map(|ranked| ranked.at).collect();
    let spectrum = Spectrum::new(geometry, trained);
    let untrained = inputs.untrained.first().map(|first| Spectrum::new(geometry, first));
    let signs: Vec<f64> = (0..spectrum.basis.ncols()).map(|k| sign(inputs, &spectrum, k)).collect();
    let agop = Agop {
        output: match inputs.output {
            AgopOutput::Logit => "logit",
            AgopOutput::Value => "value",
        }
        .to_owned(),
        rows: geometry.rows() as u64,
        split: inputs.split.to_owned(),
        upstream: upstream.into_iter().map(|ranked| ranked.importance).collect(),
        eigenvalues: spectrum.reported(),
        effective_rank: spectrum.effective_rank(),
        participation: spectrum.participation(),
        sketches: None,
        noise_floor: NoiseFloor {
            split_half_cosine: split_half_cosine(&trained.contributions, parts, count, inputs.how),
            untrained: match &untrained {
                Some(_) => ranked.iter().map(|ranked| ranked.initial).collect(),
                None => Vec::new(),
            },
            no_untrained: None,
            untrained_effective_rank: untrained.as_ref().map_or(0.0, Spectrum::effective_rank),
            untrained_eigenvalues: untrained.as_ref().map_or_else(Vec::new, Spectrum::reported),
            permuted: permuted(inputs, &order),
            seeds: None,
        },
        groups: groups(inputs, &shares, &resampled, &order),
        directions: directions(inputs, &spectrum, &signs),
        classes: classes(inputs, &order),
        importance: ranked.into_iter().map(|ranked| ranked.importance).collect(),
    };
    let mut shares = shares;
    shares.truncate(count);
    Ok(Sight { agop, shares, spectrum, signs })
}

struct Ranked {
    /// Its place among the declared inputs.
    at: usize,
    importance: Importance,
    /// Its share in the untrained network.
    initial: f64,
}

fn permuted(inputs: &AgopInputs, order: &[usize]) -> Option<PermutedNull> {
    let spectrum = Spectrum::new(inputs.geometry, inputs.permuted.first()?);
    let parts = inputs.frame.parts.len();
    let all: Vec<Vec<f64>> = inputs
        .permuted
        .iter()
        .filter_map(|g| normalised(&column_sums(&g.contributions, parts), order.len()))
        .collect();
    let largest = |at: usize| all.iter().map(|shares| shares[at]).fold(0.0, f64::max);
    Some(PermutedNull {
        fits: inputs.permuted.len() as u32,
        shares: order.iter().map(|&at| largest(at)).collect(),
        eigenvalues: spectrum.reported(),
        effective_rank: spectrum.effective_rank(),
    })
}

/// Inputs that vary together, as one.
fn groups(
    inputs: &AgopInputs,
    shares: &[f64],
    resampled: &[Vec<f64>],
    order: &[usize],
) -> Vec<InputGroup> {
    let clusters = inputs.geometry.clusters().iter().enumerate();
    let mut groups: Vec<InputGroup> = clusters
        .map(|(i, cluster)| {
            let part = inputs.frame.inputs + i;
            let members = order.iter().filter(|at| cluster.inputs.contains(at));
            let drawn = resampled.iter().map(|shares| shares[part]).collect();
            let share = shares[part];
            let band = band(inputs.how, share, drawn);
            InputGroup {
                inputs: members.map(|&at| inputs.names[at].clone()).collect(),
                correlation: cluster.correlation,
                share,
                low: band.low,
                high: band.high,
                conditional: None,
            }
        })
        .collect();
    groups.sort_by(|a, b| b.share.total_cmp(&a.share));
    groups
}

/// Each class's own importances.
fn classes(inputs: &AgopInputs, order: &[usize]) -> Option<ClassShares> {
    let trained = inputs.trained;
    if inputs.classes.len() != trained.outputs || trained.outputs < 2 {
        return None;
    }
    let parts = inputs.frame.parts.len();
    let by_class: Vec<&[f64]> =
        trained.by_output.chunks_exact(parts).map(|row| &row[..order.len()]).collect();
    let totals: Vec<f64> = by_class.iter().map(|row| row.iter().sum()).collect();
    let all: f64 = totals.iter().sum();
    Some(ClassShares {
        classes: inputs.classes.to_vec(),
        shares: by_class
            .iter()
            .zip(&totals)
            .map(|(row, total)| {
                order.iter().map(|&at| if *total > 0.0 { row[at] / total } else { 0.0 }).collect()
            })
            .collect(),
        totals: totals.iter().map(|total| if all > 0.0 { total / all } else { 0.0 }).collect(),
    })
}

/// The first directions by their loadings on standardised columns.
fn directions(inputs: &AgopInputs, spectrum: &Spectrum, signs: &[f64]) -> Vec<Direction> {
    let total: f64 = spectrum.eigenvalues.iter().sum();
    let variances = inputs.geometry.variances();
    let columns = spectrum.covectors.column_iter().zip(&spectrum.eigenvalues).enumerate();
    columns
        .map(|(k, (covector, &eigenvalue))| {
            let scaled: Vec<f64> =
                covector.iter().zip(variances).map(|(a, v)| a * v.sqrt()).collect();
            let length = scaled.iter().map(|v| v * v).sum::<f64>().sqrt();
            let scale = if length > 0.0 { signs[k] / length } else { 0.0 };
            let mut loadings: Vec<Loading> = scaled
                .iter()
                .zip(inputs.columns)
                .map(|(weight, column)| Loading { column: column.clone(), weight: weight * scale })
                .collect();
            loadings.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
            loadings.truncate(LOADINGS);
            loadings.retain(|loading| loading.weight != 0.0);
            Direction { eigenvalue, share: eigenvalue / total, loadings }
        })
        .collect()
}

/// The sign of a direction (±1): that in which the projection goes with the raw output that it is
/// most correlated with.
fn sign(inputs: &AgopInputs, spectrum: &Spectrum, direction: usize) -> f64 {
    let outputs = inputs.trained.outputs;
    let along = spectrum.basis.column(direction);
    let mut sums = vec![0.0; outputs];
    // `along` is centred, so the outputs need not be.
    for (row, value) in inputs.raw.chunks_exact(outputs.max(1)).zip(along.iter()) {
        for (sum, output) in sums.iter_mut().zip(row) {
            *sum += f64::from(*output) * value;
        }
    }
    let strongest = sums.into_iter().fold(0.0, |a: f64, b| if b.abs() > a.abs() { b } else { a });
    if strongest < 0.0 { -1.0 } else { 1.0 }
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

/// Divided by the sum of the first `inputs`; `None` when that is 0.
fn normalised(values: &[f64], inputs: usize) -> Option<Vec<f64>> {
    let total: f64 = values[..inputs].iter().sum();
    (total > 0.0).then(|| values.iter().map(|v| v / total).collect())
}

/// The band of a share by its values on resamples. Without resamples it has no width; where rows say
/// nothing of how far it may be off (all are of one group) it is all that a share can be.
fn band(how: Resampling, share: f64, mut drawn: Vec<f64>) -> Interval {
    match how.resamples {
        0 => Interval { low: share, high: share },
        _ => match how.interval(share, &mut drawn) {
            Some(band) => within(band, [0.0, 1.0]),
            None => Interval { low: 0.0, high: 1.0 },
        },
    }
}

/// The shares of each resample of the rows, by what each row adds through its gradient and through its
/// inputs (rows × parts each); NaN for a resample on which nothing is added.
fn bootstrap(
    [gradients, spreads]: [&[f64]; 2],
    parts: usize,
    inputs: usize,
    how: Resampling,
) -> Vec<Vec<f64>> {
    let rows = gradients.len() / parts;
    let whole = column_sums(spreads, parts);
    let mut all = Vec::with_capacity(how.resamples as usize);
    let mut draws = Draws::new(how, "agop bootstrap", rows);
    while let Some(Block { counts, lanes, .. }) = draws.next_block() {
        let mut sums = vec![vec![[0.0; 2]; parts]; lanes];
        let rows = gradients.chunks_exact(parts).zip(spreads.chunks_exact(parts));
        for (count, (gradients, spreads)) in counts.iter().zip(rows) {
            for (sums, &count) in sums.iter_mut().zip(count) {
                let count = f64::from(count);
                for (sum, (gradient, spread)) in sums.iter_mut().zip(gradients.iter().zip(spreads))
                {
                    sum[0] += count * gradient;
                    sum[1] += count * spread;
                }
            }
        }
        for sums in sums {
            let values: Vec<f64> = sums
                .iter()
                .zip(&whole)
                .map(|(sum, whole)| if *whole > 0.0 { sum[0] * sum[1] / whole } else { 0.0 })
                .collect();
            all.push(normalised(&values, inputs).unwrap_or_else(|| vec![f64::NAN; parts]));
        }
    }
    all
}

/// Two random halves of some rows, by number, as reproducibly as the key; where rows come in groups, each
/// has the rows of half of them.
pub fn halves(rows: usize, groups: Option<&Groups>, key: &Digest) -> [Vec<u32>; 2] {
    let mut stream = stream(key, "agop halves");
    // One group has no two halves but those of its rows.
    let units = groups.filter(|groups| groups.count() > 1);
    let mut order: Vec<u32> = (0..units.map_or(rows, Groups::count) as u32).collect();
    shuffle(&mut order, &mut stream);
    let second = order.split_off(order.len() / 2);
    let Some(groups) = units else { return [order, second] };
    let mut is_second = vec![false; groups.count()];
    second.iter().for_each(|&group| is_second[group as usize] = true);
    let rows = |half: bool| {
        let of = groups.codes().iter().enumerate();
        of.filter(|(_, group)| is_second[**group as usize] == half)
            .map(|(row, _)| row as u32)
            .collect()
    };
    [rows(false), rows(true)]
}

/// The cosine between the importances of two random halves of the rows; 0 when one half has none.
fn split_half_cosine(contributions: &[f64], parts: usize, inputs: usize, how: Resampling) -> f64 {
    let sums = halves(contributions.len() / parts, how.groups, how.key).map(|half| {
        let mut sums = vec![0.0; inputs];
        for row in half {
            for (sum, value) in sums.iter_mut().zip(&contributions[row as usize * parts..]) {
                *sum += value;
            }
        }
        sums
    });
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let [a, b] = &sums;
    let length = (dot(a, a) * dot(b, b)).sqrt();
    if length > 0.0 { (dot(a, b) / length).min(1.0) } else { 0.0 }
}
