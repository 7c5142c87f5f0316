//! Typed tables in memory, matrices, and the encoders that turn columns into features.
//!
//! What a file, a query or a model gives is a [`Column`] of one of five types, a [`Table`] of such columns, or
//! a [`Matrix`] of 32-bit floats. An [`Encoder`] is fitted on training rows, belongs to an expert, and turns
//! columns and upstream outputs into the matrix that its model sees.
//!
//! Nothing here reads a file or knows where a value comes from, so experts can be built without SQLite,
//! Arrow and Parquet. Rejected: Arrow arrays in [`Values`]. Nulls in a bitmap beside the values buy nothing
//! for types that have a natural "missing" or none, and cost every reader a second lookup.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on has failed"))]

mod column;
mod encode;
mod matrix;
mod table;
pub mod time;
mod types;

pub use column::{
    Column, MISSING_BOOLEAN, MISSING_CODE, MISSING_TIME, Values, canonical_bits, image, number_text,
};
pub use encode::*;
pub use matrix::*;
pub use table::Table;
pub use types::{ColumnType, ImageShape};
