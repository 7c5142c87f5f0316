//! Routing diagnostics of a mixture of experts: load balancing, entropy, dependence, regret.
//!
//! A mixture may be right for reasons that have nothing to do with its gate, so four questions are
//! asked apart. *How are rows divided?* [`route_figures`]: load counts assignments, importance weighs
//! them, and two entropies keep apart what one number confuses: a gate that sends every row to all
//! experts alike has as even a load as one that sends each row to the right one. *What does the
//! division follow?* [`route_dependence`]. *What is it worth?* [`route_regret`] against the best expert
//! of each row, which no gate reaches, and against the best single expert, which every gate must
//! beat to be worth its cost; [`expert_values`] by taking experts away. *Is there anything to
//! choose?* [`class_disagreement`] and [`value_disagreement`]: experts that say the same make every
//! gate as good as any.
//!
//! Nothing here knows a gate: weights are rows × K, each row's sum 1, 0 for experts that were not
//! chosen. Sums are made exact again in f64, so that the rounding of a softmax does not show.
//!
//! Rejected: the coefficient of variation of loads (Shazeer et al. 2017), whose largest value moves
//! with K; adjusted mutual information, since what chance gives is written beside the plain one;
//! choosing the best single expert anew on every resample, since the question is about the one expert
//! that would be used instead.

mod dependence;
mod disagreement;
mod figures;
mod findings;
mod regret;

use collegium_records::{RouteColumn, RoutingDiagnostics};

use crate::{Loss, Resampling};
pub use dependence::{PERMUTATIONS, route_dependence};
pub use disagreement::{class_disagreement, value_disagreement};
pub use figures::{LEAST_GROUP, route_figures, route_figures_by, routes};
pub use findings::routing_findings;
pub use regret::{ExpertRemoved, expert_values, route_regret};

/// A named column of categories, by row. A code of `levels.len()` or more is missing.
#[derive(Debug, Clone, Copy)]
pub struct RouteCodes<'a> {
    /// `penguins.island`
    pub name: &'a str,
    /// Names of the levels.
    pub levels: &'a [String],
    /// Positions in `levels`.
    pub codes: &'a [u32],
}

/// Predictions of every expert on every row, rows × K.
#[derive(Debug, Clone, Copy)]
pub enum Predictions<'a> {
    /// Predicted classes.
    Classes(&'a [u32]),
    /// Predicted values.
    Values {
        /// Rows × K.
        predicted: &'a [f32],
        /// By row.
        truth: &'a [f64],
    },
}

/// All that [`routing`] needs, of the same rows and in the same order of K experts.
#[derive(Debug, Clone, Copy)]
pub struct RoutingInputs<'a> {
    /// Names of the experts.
    pub experts: &'a [String],
    /// Rows × K: each row's weights after top-k.
    pub weights: &'a [f32],
    /// Rows × K: what each expert alone loses.
    pub losses: &'a [f64],
    /// What the mixture loses, by row.
    pub mixture: &'a [f64],
    /// Which loss that is.
    pub loss: Loss,
    /// The true classes; none for regression.
    pub labels: Option<RouteCodes<'a>>,
    /// Other columns.
    pub slices: &'a [RouteCodes<'a>],
    /// The mixture without each of the K experts; empty where that was not tried.
    pub without: &'a [ExpertRemoved<'a>],
    /// For the disagreement.
    pub predictions: Option<Predictions<'a>>,
    /// For the intervals; its key names all random numbers.
    pub how: Resampling<'a>,
}

/// Routing diagnostics of a gate. `None` without rows or experts, and with weights that are
/// no weights (not finite, below 0, or none above 0 in a row); of losses or predictions that are not
/// finite, only what follows from them is absent.
///
/// # Panics
/// When the shapes do not fit each other (a mistake of the caller, which no data can cause).
pub fn routing(of: &RoutingInputs) -> Option<RoutingDiagnostics> {
    let experts = of.experts;
    let rows = of.mixture.len();
    assert_eq!(of.weights.len(), rows * experts.len(), "a weight for each row and expert");
    let all: Vec<usize> = (0..rows).collect();
    let overall = route_figures(of.weights, experts, &all)?;
    let routes = routes(of.weights, experts.len());
    let columns: Vec<RouteCodes> = of.labels.iter().chain(of.slices).copied().collect();
    let dependences = route_dependence(&routes, &columns, PERMUTATIONS, of.how.key);
    let mut by_column = columns.iter().zip(dependences).map(|(column, dependence)| RouteColumn {
        name: column.name.to_owned(),
        dependence,
        levels: route_figures_by(of.weights, experts, column),
    });
    Some(RoutingDiagnostics {
        experts: experts.to_vec(),
        loss: match of.loss {
            Loss::Log => "log_loss",
            Loss::Squared => "squared_error",
        }
        .to_owned(),
        overall,
        label: of.labels.and_then(|_| by_column.next()),
        slices: by_column.collect(),
        regret: route_regret(experts, of.losses, of.mixture, &routes, of.how),
        values: expert_values(experts, of.mixture, of.without, of.how),
        disagreement: of.predictions.and_then(|predictions| match predictions {
            Predictions::Classes(predicted) => class_disagreement(predicted, experts.len()),
            Predictions::Values { predicted, truth } => {
                value_disagreement(predicted, truth, experts.len())
            }
        }),
    })
}
