//! Routing of mixtures of experts: load balancing, dependence, regret. All of it on held-out
//! rows; lists by expert are in the order of [`RoutingDiagnostics::experts`].

use serde::{Deserialize, Serialize};

use crate::Measure;

/// Routing diagnostics of a gate and its experts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoutingDiagnostics {
    /// The experts, in the order of the gate's outputs.
    pub experts: Vec<String>,
    /// `log_loss` or `squared_error`: the unit of [`RoutingDiagnostics::regret`] and [`RoutingDiagnostics::values`].
    pub loss: String,
    /// Of all rows.
    pub overall: RouteFigures,
    /// By the true class; classification only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub label: Option<RouteColumn>,
    /// By the levels of other columns.
    #[serde(default)]
    pub slices: Vec<RouteColumn>,
    /// Against the best expert of every row.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub regret: Option<Regret>,
    /// What the mixture loses without each expert, where that was tried.
    #[serde(default)]
    pub values: Vec<ExpertValue>,
    /// How far the experts differ; of two or more.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub disagreement: Option<Disagreement>,
}

/// Load balancing figures: how some rows are divided among K experts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RouteFigures {
    /// Rows.
    pub rows: u64,
    /// Experts with a weight above 0, mean over rows. Where it is K, every row goes to every expert:
    /// load is then even whatever the gate does, and only importance tells.
    pub chosen: f64,
    /// Share of the assignments by expert: a row counts 1/(number of its experts) for each of them.
    /// Sums to 1.
    pub load: Vec<f64>,
    /// Mean weight by expert (Shazeer et al. 2017); sums to 1.
    pub importance: Vec<f64>,
    /// Share of experts with a load of at least 0.1/K.
    pub utilisation: f64,
    /// MaxVio = K · max(load) − 1 (Wang et al. 2024): 0 is even, K − 1 is one expert for all.
    pub max_violation: f64,
    /// H(load)/ln K: 1 is even, 0 is one expert for all; 0 for K = 1.
    pub load_entropy: f64,
    /// Mean over rows of H(weights)/ln K: 0 is a gate that decides, 1 one that does not.
    pub decision_entropy: f64,
    /// Experts with a load below 0.01/K.
    pub dead: Vec<String>,
}

/// The route by the levels of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RouteColumn {
    /// `penguins.island`
    pub name: String,
    /// How far the column says which expert comes first; absent where either is constant.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dependence: Option<RouteDependence>,
    /// Levels of 30 or more rows, in their order.
    #[serde(default)]
    pub levels: Vec<RouteLevel>,
}

/// The rows of one level, or of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RouteLevel {
    /// Its name.
    pub level: String,
    /// Of its rows.
    pub figures: RouteFigures,
}

/// Dependence of a row's first expert (that of the largest weight) on a column.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RouteDependence {
    /// Normalised mutual information, 2·I/(H(route) + H(column)): the arithmetic mean of the
    /// entropies, scikit-learn's default.
    pub nmi: f64,
    /// Its mean over the permutations: what few rows or many levels give without any dependence.
    pub by_chance: f64,
    /// (1 + permutations that reach it)/(1 + permutations). Not corrected for other columns.
    pub p_value: f64,
    /// Permutations.
    pub permutations: u32,
}

/// Mean losses of the mixture and of other ways to use the same experts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Regret {
    /// Rows.
    pub rows: u64,
    /// Of the mixture.
    pub mixture: f64,
    /// Of the expert that is best on each row, known only afterwards.
    pub oracle: f64,
    /// Of the expert to which the gate gives the largest weight.
    pub first_choice: f64,
    /// Of the best single expert.
    pub best_single: f64,
    /// Which that is: the least mean loss on these same rows, which flatters it a little.
    pub best_expert: String,
    /// mixture − oracle. Below 0 where averaging beats every expert (squared errors alone can).
    pub regret: f64,
    /// Share of rows in which no expert does better than the gate's first choice.
    pub oracle_share: f64,
    /// mixture − best single, with the interval of a paired row bootstrap: above 0 the mixture is worse.
    pub against_best: Measure,
}

/// The value of one expert to the mixture: mean loss without it less mean loss with it. Above 0 it
/// helps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExpertValue {
    /// The expert.
    pub expert: String,
    /// Its weight divided among the others as they stand.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub renormalised: Option<Measure>,
    /// The gate fitted again without it: what the others cannot take over.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub refitted: Option<Measure>,
}

/// How far experts differ in what they predict, in pairs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Disagreement {
    /// `different_labels`: share of rows. `relative_rms`: root mean square difference over the
    /// standard deviation of the target.
    pub measure: String,
    /// `matrix[i][j]`, symmetric, 0 on the diagonal.
    pub matrix: Vec<Vec<f64>>,
    /// Mean off the diagonal.
    pub mean: f64,
}
