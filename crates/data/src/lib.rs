//! From files to typed columns.
mod column;
mod encode;
mod folds;
mod matrix;
mod table;
mod time;

pub use column::{Column, MISSING_BOOLEAN, MISSING_CODE, MISSING_TIME, Values};
pub use encode::*;
pub use folds::folds;
pub use matrix::*;
pub use table::Table;
