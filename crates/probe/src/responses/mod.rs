//! Response curves: how an output moves with one input, the others as they are.
//!
//! Of a number: first-order accumulated local effects (Apley and Zhu 2020, *Visualizing the effects of predictor
//! variables in black box supervised learning models*), [`accumulated_effects`]. Within a bin of the input each
//! of its rows is moved from the lower edge to the upper one; the mean differences of the bins, added up, are the
//! curve. A row is never moved further than its own bin, so that inputs that vary together are not torn
//! apart into rows that do not exist, as a partial dependence does.
//!
//! Levels of a category have no order to accumulate along. They have their partial dependence (Friedman
//! 2001): the mean output with every row put to the level, [`level_effects`].
//!
//! Both are centred: their mean over the rows is 0. The bands are of the model as it is, over other
//! rows (or groups of them).

mod ale;
mod bins;
mod levels;

pub use ale::accumulated_effects;
pub use bins::Bins;
pub use levels::level_effects;
