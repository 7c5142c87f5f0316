//! Data preparation: from files, SQL and a split to typed columns.
//!
//! Everything above this crate reasons about *columns by content*: a recipe names the digest of a
//! column on some rows, and an expert retrains when that digest moves. So the one idea here is that a
//! table is a value. [`prepare`] turns files, SQL and a split into [`Prepared`]: facts and digests
//! that are found in the store without touching data, and a [`Table`] that is loaded when somebody
//! really needs rows. What goes in is content alone (no paths, no clock, no chance, no row order
//! where it can be helped), what comes out has five types ([`Values`]) and no NaN that is not a
//! missing value.
//!
//! * Types are settled over *all* rows, never a sample; a value that does not fit is an error with
//!   file, line and column, never a silent NaN.
//! * A row's [`Side`] is a keyed hash of its own identity, so no other row and no new column moves it.
//! * SQL runs on an embedded SQLite behind its own authorizer. Rejected: DataFusion, whose release
//!   build took 15 minutes on two cores against 42 seconds; a query language of our own, which nobody
//!   knows. SQLite joins a third of a million rows in the time that it takes to read them.
//! * An image is one value of one column, a byte per pixel and channel, and never a column per pixel:
//!   70,000 images of 28 × 28 are 55 MB, and one input of an expert.
//! * [`read_rows`] and [`Conform`] bring new rows into the shape that the experts were trained on.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on has failed"))]

mod beside;
mod build;
mod cast;
mod conform;
mod context;
mod error;
mod evaluate;
mod facts;
mod file;
mod folds;
mod gather;
mod identity;
mod ingredients;
mod load;
pub mod machine;
mod object;
mod prepare;
mod read;
mod remark;
mod rows;
mod settle;
mod side;
mod split;
mod sql;
mod unfit;
mod write;

use collegium_table::{
    Column, MISSING_BOOLEAN, MISSING_CODE, MISSING_TIME, Table, Values, number_text, time,
};
pub use conform::{Conform, conform};
pub use context::Context;
pub use error::{DataError, DataErrorKind, Fault};
pub use evaluate::{derive, predicate_reads, select};
pub use facts::{ColumnFacts, TableFacts};
pub use file::read_file;
pub use folds::folds;
pub use identity::{
    identities_from_bytes, identities_to_bytes, row_groups, row_identities, row_times,
};
pub use prepare::{Prepared, prepare, read_table};
pub use read::{KeptColumn, Style, files_of, resemblance};
pub use remark::Remark;
pub use rows::{Places, RowReader, read_rows};
pub use side::{Side, sides_from_bytes, sides_to_bytes};
pub use sql::SqlLimits;
pub use unfit::Unfit;
pub use write::{RowWriter, WholeRows};
