//! Planning: the DAG, the recipes (cache keys), the reasons, the price.
//!
//! This crate decides and does nothing. It reads no file and asks no clock, so that every decision
//! about retraining can be tested with plain values. The form is that of *Build Systems à la Carte*
//! (Mokhov, Mitchell, Peyton Jones 2018): depth-1 constructive traces. A fit's key is made of its
//! own settings and of the *content of the columns* it reads, on the rows it reads; for an upstream
//! expert that is the content of the outputs handed over, never the upstream's weights. Equal
//! outputs therefore stop propagation without anybody having to notice it.
//!
//! * [`Dag`]: the experts in topological order.
//! * [`demand`]: which fits an expert needs because of who reads it (its folds).
//! * [`fit_recipe`] and [`baseline_recipe`]: the ingredients of a fit.
//! * [`decide`]: from recipes before and after to an action with reasons in words.
//! * [`reuse`]: keep, patch or retrain.
//! * [`check()`]: is a lock consistent?
//! * [`Prices`]: what fits like this one have cost before.
//!
//! Rejected: timestamps and file dates (touching a file is not a change); hashing the pipeline's
//! text (a comment is not a change); keys that include the upstream's key (then a changed comment
//! in a label rule retrains the whole body below, whatever its outputs).

mod check;
mod dag;
mod decide;
mod demand;
mod price;
mod recipe;
pub mod reuse;
mod task;
pub mod tune;

pub use check::{NodeCheck, check, view_name};
pub use dag::Dag;
pub use decide::{Decision, Known, decide, explain, from_above};
pub use demand::{Part, View, asked, blended, demand, reads};
pub use price::{PlannedFit, Prices, Witness, likelihood, scale};
pub use recipe::{
    BEGINS_WITH, FitInputs, InputDigest, baseline_recipe, begins_with, fit_recipe,
    judgement_recipe, shape,
};
pub use task::{TargetFacts, TaskError, resolve_task};
