//! An embedded SQLite that sees our tables and may only read them.
//!
//! A user's SQL passes three gates: the scanner ([`scan`]) refuses what is no single expression or
//! statement and what asks the clock; the authorizer ([`guard`]) refuses everything but reading our
//! tables, at the time SQLite compiles the statement; and the statement must say of itself that it
//! writes nothing. Results are cached by content, so what they are made from must be content alone.

mod database;
mod fault;
mod guard;
mod result;
mod scan;
mod watch;

pub(crate) use database::{Database, Shape, quoted};
pub(crate) use fault::Place;
pub(crate) use guard::Touched;
pub(crate) use result::Results;
pub(crate) use scan::{expression, statement};
pub(crate) use watch::watched;
