//! Searches for settings (`tune`): which settings are tried, for how many epochs, and what that costs.
//!
//! Everything here is decided before anything is fitted, by numbers that are the same on every machine.
//!
//! A search is successive halving (Jamieson and Talwalkar 2016) over settings that are drawn at random: all are trained for
//! a share of their epochs, the best third of them for three times as many, and so on. Each training is a whole fit, with the
//! schedule of its own epochs, and not the beginning of a longer one: what a step size does at the end of its schedule shows in it.

mod budget;
mod rungs;
mod space;

pub use budget::{affordable, search_units};
pub use rungs::{Rung, epochs_at, rungs, survivors};
pub use space::{SPACE_VERSION, SettingValues, candidates, with_values};
