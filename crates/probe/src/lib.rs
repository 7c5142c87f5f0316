//! Metrics and model diagnostics: pure functions on slices.
//!
//! Two questions are asked of every expert. *Is it right?* [`classification`] and [`regression`] give
//! the field's standard metrics, [`measure_classification`] and [`measure_regression`] the same with
//! bootstrap intervals, [`judged`] says whether it is better than a constant, [`confusion`] and [`reliability`] show
//! where it errs. *What does it use?* [`agop()`] averages the outer products of its gradients and
//! reports them per declared input, free of units, beside two references for noise. The order
//! matters: importances of an expert without skill are a picture of its initial weights, and are to
//! be withheld.
//!
//! A third is asked of gates: *which expert does a row go to, and was that a good choice?*
//! [`routing()`]. A fourth of new rows: *is it still right, and are they like those that it learned from?*
//! [`unpaired_classification`], [`numbers_differ`].
//!
//! The central idea is that a resample is a set of row weights. Whatever does not depend on them
//! (sorted scores, losses, each row's contribution to the AGOP) is computed once; a metric is a
//! weighted pass over it, and the point value is the pass with all weights 1, so an interval can
//! never be of something else than the value it stands beside.
//!
//! Nothing here reads a file, knows a network or draws a number that a key does not name: callers
//! hand in slices and Jacobians. What is not defined on the rows is absent, never NaN. Slices whose
//! lengths contradict each other are a mistake in the program and panic; no data can cause that.
//!
//! Rejected: permutation importance and Shapley values as the first picture, because they feed the
//! expert rows that do not exist and cost a forward pass per input and draw; impurity-like scores,
//! because they are tied to one kind of model; a Poisson bootstrap, because an exact one is as fast;
//! subsampling large tables, because it needs a rescaling that is wrong for AUC and its relatives.

mod agop;
mod blocks;
mod bootstrap;
mod compare;
mod conditional;
mod decision;
mod errors;
mod groups;
mod hints;
mod holm;
mod layers;
mod metrics;
mod moved;
mod performance;
mod ranking;
mod recalibrate;
mod regions;
mod resample;
mod responses;
mod rotated;
mod routing;
mod scored;
mod seeded;
mod skill;
mod sliced;
mod tables;
mod tuning;

pub use agop::{
    Accumulator, AgopError, AgopInputs, AgopOutput, Cluster, Frame, Gathered, Geometry, Lift,
    Sight, Spectrum, agop, halves, hidden_rank, shares,
};
pub use blocks::{TimeBlocks, series_of_classes, series_of_values};
pub use bootstrap::{
    ReferenceClassifier, bootstrap_classification, bootstrap_regression, measure_classification,
    measure_regression, paired_classification, paired_regression, unpaired_classification,
    unpaired_regression,
};
pub use compare::{
    Look, Subspaces, agreement, agreement_of_pairs, align, compare, cosine, over_rows, over_seeds,
    ranks, spearman, spectral_gap, student_above, subspaces,
};
pub use conditional::{Expected, Partners, Rises, exchange_costs};
pub use decision::{ClassDecision, Classes, Compared, Criterion, choose_threshold};
pub use groups::{Groups, Resampling};
pub use hints::{
    Codes, Determined, Far, Truth, codes, determined_by_levels, determined_by_order, far,
};
pub use holm::holm;
pub use layers::{
    AgopRoot, ClassMeans, ansatz, collapse, collapse_against, dead_units, effective_rank,
};
pub use metrics::{classification, regression};
pub use moved::{
    Family, chance_index, counts_differ, in_bin, numbers_differ, quantile_cuts, stability_index,
    tenths,
};
pub use performance::{
    SliceFeature, SliceRows, SliceValues, class_measures, curves, residuals, weak_slices,
};
pub use recalibrate::{LEAST_CALIBRATION, MOST_SHIFTS, Recalibrated, line};
pub use regions::{Region, dense_regions};
pub use responses::{Bins, accumulated_effects, level_effects};
pub use rotated::over_rotations;
pub use routing::{
    ExpertRemoved, LEAST_GROUP, PERMUTATIONS, Predictions, RouteCodes, RoutingInputs,
    class_disagreement, expert_values, route_dependence, route_figures, route_figures_by,
    route_regret, routes, routing, routing_findings, value_disagreement,
};
pub use seeded::{metric_over_seeds, over_seeds_too};
pub use skill::{
    Loss, judged, log_losses, loss_test, ranking_test, skill, squared_errors, variance_test,
};
pub use sliced::{Sliced, sliced_classification, sliced_regression};
pub use tables::{confusion, predicted_labels, reliability};
pub use tuning::{Rechosen, explained, rechosen};
