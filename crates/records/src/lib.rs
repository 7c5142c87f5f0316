//! Records of the store, and the JSON documents and lock file that other programs read.
//!
//! Two kinds of types live here. *Contracts* are the documents of `--json` ([`RunReport`],
//! [`PlanReport`], [`AuditReport`], …) and the lock file: other people's programs read them, so they
//! are extended and never broken. *Records* are what the store keeps behind a recipe ([`Recipe`],
//! [`Fit`], [`Applied`], [`Measured`]).
//!
//! They share one crate because a report needs records and nothing else, and because a contract in
//! one small place is one that can be snapshot-tested.

mod audit;
mod audit_price;
mod care;
mod checks;
mod code;
mod combined;
mod compared;
mod contract;
mod decided;
mod diff;
mod evaluation;
mod explained;
mod findings;
mod fit;
mod fit_name;
mod headline;
mod lock;
mod metric_names;
mod metrics;
mod paired;
mod past_runs;
mod performance;
mod predicted;
mod printable;
mod probe;
mod reason;
mod recipe;
mod responses;
mod reuse;
mod rotated;
mod routing;
mod skill;
mod slices;
mod tuned;

pub use audit::*;
pub use audit_price::*;
pub use care::*;
pub use code::*;
pub use combined::*;
pub use compared::*;
pub use contract::*;
pub use decided::*;
pub use diff::*;
pub use evaluation::*;
pub use explained::*;
pub use findings::*;
pub use fit::*;
pub use fit_name::*;
pub use headline::*;
pub use lock::*;
pub use metric_names::*;
pub use metrics::*;
pub use paired::*;
pub use past_runs::*;
pub use performance::*;
pub use predicted::*;
pub use printable::*;
pub use probe::*;
pub use reason::*;
pub use recipe::*;
pub use responses::*;
pub use reuse::*;
pub use rotated::*;
pub use routing::*;
pub use skill::*;
pub use slices::*;
pub use tuned::*;

/// The version of every JSON document.
pub const FORMAT_VERSION: u32 = 1;

/// Raised whenever numerics or meaning change, so that nothing old is taken for new.
pub const ENGINE_EPOCH: u32 = 4;
