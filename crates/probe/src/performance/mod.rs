//! Performance beyond one number: classes, thresholds, residuals, weak slices.
//!
//! A metric is one number of all rows. What it leaves out is found in four places: the single
//! *classes* ([`class_measures`]), the other *thresholds* ([`curves`]), the *distribution* of errors
//! ([`residuals`]), and the *rows* on which it does worse than elsewhere ([`weak_slices`]). The first
//! two take their definitions, rankings and resamples from the metrics, so that a figure and the
//! number beside it cannot contradict each other.

mod classes;
mod curves;
mod residuals;
mod slices;
mod student;
mod thin;

pub use classes::class_measures;
pub use curves::curves;
pub use residuals::residuals;
pub(crate) use student::{f_upper_tail, upper_tail};

pub use slices::{SliceFeature, SliceRows, SliceValues, weak_slices};
