//! Model diagnostics: feature importance (AGOP), layers, ablations, comparisons.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Interval, MetricDiff, Responses};

/// The average gradient outer product at the declared inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Agop {
    /// `logit` or `value`: never probabilities, whose gradients vanish where they saturate.
    pub output: String,
    /// Rows it was averaged over.
    pub rows: u64,
    /// The side they come from.
    pub split: String,
    /// Sorted by share, largest first; shares sum to 1.
    pub importance: Vec<Importance>,
    /// Share per upstream expert, largest first.
    pub upstream: Vec<Importance>,
    /// Eigenvalues of the scale-free matrix Σ^½GΣ^½, largest first, at most 32.
    pub eigenvalues: Vec<f64>,
    /// exp of the entropy of the normalised eigenvalues.
    pub effective_rank: f64,
    /// What counts as noise.
    pub noise_floor: NoiseFloor,
    /// (tr M)² / tr M² of the same matrix: the participation ratio.
    #[serde(default)]
    pub participation: f64,
    /// Inputs that vary together (|correlation| > .9): their importance is one quantity that seeds
    /// divide among them as they like.
    #[serde(default)]
    pub groups: Vec<InputGroup>,
    /// The first directions of the same matrix, by named loadings.
    #[serde(default)]
    pub directions: Vec<Direction>,
    /// Of more than 64 classes: gradients are not those of each output but of so many random combinations of all
    /// outputs for each row, whose outer products have the same mean.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sketches: Option<u32>,
    /// Importance by class; more than two classes only (the two logits of a binary classifier
    /// are one), and at most 64.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub classes: Option<ClassShares>,
}

/// The share of one declared input, scale-free: tr(G_bb Σ_bb) over its encoded columns b.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Importance {
    /// `flights.hour`, or `expert.departure` in [`Agop::upstream`].
    pub input: String,
    /// Share of the sum.
    pub share: f64,
    /// 2.5 % bootstrap quantile.
    pub low: f64,
    /// 97.5 % bootstrap quantile.
    pub high: f64,
    /// Is it distinguishable from noise?
    pub above_noise: bool,
    /// Least and largest share among refits with other seeds, this fit included.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seeds: Option<Interval>,
    /// With refits: the part of its importance that all seeds have in common, from products of their
    /// gradients; what they do not share is chance.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub agreement: Option<f64>,
}

/// Two references for the importances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoiseFloor {
    /// Cosine between the importances of two random halves of the rows.
    pub split_half_cosine: f64,
    /// Share by declared input in the untrained model of the same shape, same order as
    /// [`Agop::importance`]; empty where there is none.
    pub untrained: Vec<f64>,
    /// Why there is no untrained model.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub no_untrained: Option<String>,
    /// Effective rank of the untrained model's matrix; 0 where there is none.
    pub untrained_effective_rank: f64,
    /// Eigenvalues of the untrained model's matrix, at most 32.
    #[serde(default)]
    pub untrained_eigenvalues: Vec<f64>,
    /// What networks look at that were trained on permuted labels (`audit.permuted`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub permuted: Option<PermutedNull>,
    /// How far refits with other seeds agree (`audit.seeds`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seeds: Option<Agreement>,
}

/// Networks trained on permuted labels: all else is as it was, and there is nothing to learn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PermutedNull {
    /// Fits.
    pub fits: u32,
    /// Largest share by declared input among them, same order as [`Agop::importance`].
    pub shares: Vec<f64>,
    /// Eigenvalues of the first one's matrix, at most 32.
    pub eigenvalues: Vec<f64>,
    /// Its effective rank.
    pub effective_rank: f64,
}

/// Agreement of importances of one expert, in pairs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Networks, or halves of the rows, compared with each other.
    pub of: u32,
    /// Least cosine of importances among the pairs.
    pub cosine: f64,
    /// Least Spearman correlation of importances among the pairs.
    pub spearman: f64,
    /// Least overlap of the top-k subspaces, 1/k Σ cos² of principal angles, k at the spectral gap.
    pub overlap: f64,
}

/// Inputs with |correlation| > .9 on the probed rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputGroup {
    /// Two or more, in the order of importance.
    pub inputs: Vec<String>,
    /// The least of the largest correlations that tie each of them to another.
    pub correlation: f64,
    /// Σ over the group's columns a, b of G_ab Σ_ab, divided by the sum of all importances: what the
    /// group does when its inputs move together, as they do.
    pub share: f64,
    /// 2.5 % bootstrap quantile.
    pub low: f64,
    /// 97.5 % bootstrap quantile.
    pub high: f64,
    /// All of them exchanged together.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub conditional: Option<Conditional>,
}

/// An eigenvector of Σ^½GΣ^½, in terms of the standardised columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Direction {
    /// Its eigenvalue.
    pub eigenvalue: f64,
    /// Its share of the trace.
    pub share: f64,
    /// Largest first, at most 12; the squares of all loadings sum to 1. The sign is that which
    /// correlates the projection with the output positively.
    pub loadings: Vec<Loading>,
}

/// What a column contributes to a direction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Loading {
    /// An encoded column: `flights.origin = EWR`.
    pub column: String,
    /// −1 to 1.
    pub weight: f64,
}

/// Importance by class: of the gradient of its logit less the mean over logits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassShares {
    /// Class names.
    pub classes: Vec<String>,
    /// Share of each class in the whole.
    pub totals: Vec<f64>,
    /// `shares[class][input]`, inputs in the order of [`Agop::importance`]; each row sums to 1.
    pub shares: Vec<Vec<f64>>,
}

/// What is measured beside the AGOP at the declared inputs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// At the raw columns of the data, through every expert above it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub raw: Option<RawAgop>,
    /// What single rows rest on.
    pub rows: Vec<RowAttribution>,
    /// Every hidden layer, from the inputs on.
    pub layers: Vec<LayerAudit>,
    /// Inputs that are images: what is looked at, pixel by pixel.
    pub images: Vec<ImageMaps>,
    /// Against the training rows, and against other experts of the same task.
    pub comparisons: Vec<Comparison>,
    /// What happens when an input is taken away.
    pub cues: Vec<Cue>,
    /// Refits with other seeds: test metrics of each, this fit first.
    pub seeds: Vec<BTreeMap<String, f64>>,
    /// How its output moves with each of its most important inputs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub responses: Option<Responses>,
}

/// Importance of raw columns: Jacobians chained per row through every expert and encoder above, and
/// only then averaged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RawAgop {
    /// Largest first; shares sum to 1.
    pub importance: Vec<Importance>,
    /// Columns that also reach it through another expert, with that expert: `flights.distance` by
    /// `expert.airborne`.
    pub through: BTreeMap<String, Vec<String>>,
    /// What has no derivative and was left out or taken by finite differences, in words.
    pub notes: Vec<String>,
}

/// What one row's output rests on: |gradient| weighted by √(diag G / max), signed as the gradient.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowAttribution {
    /// The row's number in the data source, from 0.
    pub row: u64,
    /// Why it was chosen.
    pub why: ChosenFor,
    /// The true class or value.
    pub truth: String,
    /// The predicted class or value.
    pub predicted: String,
    /// Its loss.
    pub loss: f64,
    /// Largest first, at most 12.
    pub inputs: Vec<InputAttribution>,
}

/// Why a row is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChosenFor {
    /// No other of the probed rows costs the expert as much.
    #[serde(rename = "largest loss")]
    LargestLoss,
    /// Its two most probable classes are nearest to each other.
    #[serde(rename = "least certain")]
    LeastCertain,
    /// Its loss is the median.
    #[serde(rename = "typical")]
    Typical,
    /// A person named it.
    #[serde(rename = "asked for")]
    AskedFor,
}

impl std::fmt::Display for ChosenFor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::LargestLoss => "largest loss",
            Self::LeastCertain => "least certain",
            Self::Typical => "typical",
            Self::AskedFor => "asked for",
        })
    }
}

/// One input's part in one row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputAttribution {
    /// The declared input.
    pub input: String,
    /// What the row holds there.
    pub value: String,
    /// −1 to 1, relative to the largest of this row: with more of it, the output for the predicted
    /// class (or the value) rises or falls.
    pub weight: f64,
}

/// One hidden layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerAudit {
    /// `hidden 1`, …
    pub name: String,
    /// Units.
    pub units: u32,
    /// Effective rank of the AGOP with respect to this layer's activations.
    pub agop_effective_rank: f64,
    /// Effective rank of the covariance of its activations: dimensions that an `embedding` uses.
    pub activation_effective_rank: f64,
    /// Units that are 0 on every probed row.
    pub dead_units: u32,
    /// The neural feature ansatz for the weights into this layer; absent where there is nothing to
    /// compare (a single input, no gradient).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ansatz: Option<Ansatz>,
    /// Neural collapse on training rows; classification only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub collapse_train: Option<Collapse>,
    /// Neural collapse on test rows.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub collapse_test: Option<Collapse>,
}

/// NC1 on test rows over NC1 on training rows above which a layer is called collapsed on training rows alone: seeds
/// and rows move it far less.
const COLLAPSED: f64 = 5.0;

impl LayerAudit {
    /// NC1 on training and on test rows, if the classes collapse on training rows and not on test rows.
    pub fn collapsed_alone(&self) -> Option<[f64; 2]> {
        let nc1 = [self.collapse_train.as_ref()?.nc1, self.collapse_test.as_ref()?.nc1];
        (nc1[0] >= 0.0 && nc1[1] > COLLAPSED * nc1[0]).then_some(nc1)
    }
}

/// Neural feature ansatz: how far WᵀW (the neural feature matrix) of the weights into a layer agrees
/// with the square root of the AGOP at that layer's input (Radhakrishnan et al. 2024). The cosine of
/// the two matrices as vectors, with power ½ of the AGOP; and the same as Pearson correlation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ansatz {
    /// Of the untrained network, with its own AGOP; cosine.
    pub initial: f64,
    /// Of the trained network; cosine.
    pub trained: f64,
    /// Of W − W₀ with the trained AGOP, W₀ the weights that this fit began with; cosine. Absent where
    /// they are not known (a patched or imported model).
    pub change: Option<f64>,
    /// As `trained`, Pearson.
    pub pearson: f64,
}

/// Neural collapse (Papyan, Han and Donoho 2020) of one layer's activations.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Collapse {
    /// Rows.
    pub rows: u64,
    /// tr(S_W)/tr(S_B): within-class scatter per row over 1/C Σ ‖μ_c − μ_G‖².
    pub nc1: f64,
    /// Mean squared deviation of cos(μ_i − μ_G, μ_j − μ_G) from −1/(C − 1), i ≠ j.
    pub nc2: f64,
    /// ‖W/‖W‖ − M/‖M‖‖² of the head's weights, less what all classes share, and the centred class
    /// means; the last layer only.
    pub nc3: Option<f64>,
    /// Share of rows whose nearest class mean is the predicted class.
    pub nc4: f64,
}

/// Maps of an image input, each height × width (channels summed), row by row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageMaps {
    /// The declared input.
    pub input: String,
    /// Pixels.
    pub height: u32,
    /// Pixels.
    pub width: u32,
    /// 1 or 3.
    pub channels: u32,
    /// Mean of the probed rows, to see where things are.
    pub mean: Vec<f32>,
    /// Gᵢᵢ·var(xᵢ) by pixel, divided by the largest.
    pub importance: Vec<f32>,
    /// The same of each class's centred logit, by class name.
    pub classes: Vec<(String, Vec<f32>)>,
    /// Eigenvectors, −1 to 1, same order as [`Agop::directions`].
    pub directions: Vec<Vec<f32>>,
    /// Regions, each tested by exchanging it between rows: those that the map proposes, and the quarters.
    #[serde(default)]
    pub regions: Vec<ImageRegion>,
}

/// A rectangle of an image, and what the expert is without it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageRegion {
    /// Does the map hold more in it than its area? Else it is a quarter of the image.
    pub proposed: bool,
    /// Its share of the importance in the map.
    pub share: f64,
    /// Its share of the pixels.
    pub area: f64,
    /// It taken away from the expert, in three ways.
    pub cue: Cue,
}

/// Comparison of the importances of two networks, or of one on two sets of rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// What is compared.
    pub between: Between,
    /// The same in words: `training rows against test rows`, `expert.newark against expert.kennedy`.
    pub what: String,
    /// Cosine of the importances.
    pub cosine: f64,
    /// Spearman correlation of the importances.
    pub spearman: f64,
    /// Dimension of the subspaces: where the spectrum has its gap.
    pub k: u32,
    /// Overlap of the top-k subspaces, 1/k Σ cos².
    pub overlap: f64,
    /// Principal angles in degrees, least first.
    pub angles: Vec<f64>,
    /// Two halves of the rows of one network: what no change at all looks like.
    pub split_half: Agreement,
    /// Seeds of one version: what no change of meaning looks like.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seeds: Option<Agreement>,
    /// Did its importances change?
    pub changed: Changed,
    /// Why, in a sentence.
    pub reason: String,
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Between {
    /// One model, on its training rows and on its test rows.
    Sides,
    /// Two experts of the same inputs and target, on the same rows.
    Experts,
    /// Two versions of one expert.
    Versions,
}

/// An answer that may be withheld.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Changed {
    /// By more than seeds do.
    Yes,
    /// By no more than halves of the rows, or seeds, do.
    No,
    /// Beyond halves of the rows with no seeds to compare with, or beyond seeds by too little; or an
    /// expert without skill.
    CannotTell,
}

/// Ablation of an input (cue test): what an expert can do without it. Nothing is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cue {
    /// `flights.hour`, or `digits.image[0:2, 0:2]`.
    pub input: String,
    /// Test rows.
    pub rows: u64,
    /// Replaced by its mean (categories: by their shares): metrics before and after.
    pub removed: BTreeMap<String, MetricDiff>,
    /// Exchanged between rows at random.
    pub permuted: BTreeMap<String, MetricDiff>,
    /// Each row is given that of a row of another class (of the other half of the target for
    /// regression): a cue that the expert follows then leads it wrong.
    pub swapped: BTreeMap<String, MetricDiff>,
    /// Exchanged among rows that are alike in the other inputs. Only of an expert's declared inputs,
    /// taken from it alone.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub conditional: Option<Conditional>,
}

/// Conditional permutation: the rise in loss when an input is exchanged among rows in which the other
/// inputs say the same of it (Strobl et al. 2008), mean of several exchanges. What only varies with
/// another input costs nothing so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conditional {
    /// `log_loss` or `rmse`.
    pub metric: String,
    /// The rise, in the metric's unit.
    pub cost: f64,
    /// 95 % of a paired row bootstrap.
    pub interval: Interval,
    /// One-sided p-value of there being no rise.
    pub chance: f64,
    /// Was it exchanged among alike rows? If not, then among all: there is no other input, or the others
    /// determine it.
    pub alike: bool,
    /// Do the other inputs determine it, so that among alike rows nothing is left to exchange?
    #[serde(default)]
    pub determined: bool,
    /// Of one number and an output that is one: correlation of the change of the input with that of the
    /// output (log odds of the second class, or value) over all exchanged rows. At 1 the output rises
    /// whenever the input does, at −1 it falls, near 0 it does either.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub direction: Option<f64>,
}
