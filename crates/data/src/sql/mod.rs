//! SQL by an embedded SQLite that sees the tables of a data source and may only read them.
//!
//! A user's SQL passes three gates: the scanner ([`scan`]) refuses what is no single expression or
//! statement and what asks the clock; the authorizer ([`guard`]) refuses everything but reading our
//! tables, at the time SQLite compiles the statement; and the statement must say of itself that it
//! writes nothing. While it runs it is metered ([`limit`]). Results are cached by content, so what they are made
//! from must be content alone. An expression over one row passes a fourth ([`row`]): it cannot look at another one.

mod clock;
mod database;
mod fault;
mod guard;
mod limit;
mod math;
mod moment;
mod names;
mod result;
mod row;
mod scan;
mod token;
mod watch;

pub(crate) use database::{Database, Shape, quoted};
pub(crate) use fault::Place;
pub(crate) use guard::Touched;
pub(crate) use limit::Budget;
pub use limit::SqlLimits;
pub(crate) use names::{Names, names};
pub(crate) use result::Results;
pub(crate) use row::{bare, reworded};
pub(crate) use scan::{expression, statement};
pub(crate) use watch::watched;
