//! The engine (incremental build): brings a pipeline up to date.
//!
//! The engine is where decisions meet files. It opens a pipeline ([`Session`]), turns rows and
//! columns into digests, asks `collegium-plan` what is missing, executes that on tokio, and writes
//! down what came of it. Three kinds of results are cached, each under a recipe of its own:
//!
//! * **fit**: a trained model. Reads training and validation rows only.
//! * **apply**: a model's outputs on all rows, and the out-of-fold views that consumers train on.
//! * **measure**, **audit**: metrics and probes of outputs.
//!
//! Keeping them apart is what makes retraining selective: a change of test rows applies and measures
//! again, but fits nothing; a fit whose outputs come out equal leaves every consumer's recipe as it
//! was.
//!
//! One fit is single-threaded and owns its random streams; many fits run side by side, at most
//! `jobs` at once. A fit holds the lock of its recipe, so two processes never do the same work.
//!
//! Rejected: a thread pool inside a fit (slower for small experts, and another order of summation);
//! a run-wide lock (readers would wait, and a killed run would need an unlock command).

mod alike;
pub mod apply;
mod around;
mod audited;
mod bits;
mod blend;
mod blocked;
mod clock;
mod combine;
mod compare;
mod consent;
mod current;
mod decide;
mod described;
mod drift;
mod energy;
mod error;
mod evaluate;
mod events;
mod explain;
mod findings;
pub mod fit;
mod forward;
mod fresh;
mod groups;
mod guard;
mod held;
pub mod inputs;
pub mod intervals;
mod leaks;
mod locked;
pub mod measure;
mod membership;
mod memo;
mod memory;
mod mutex;
mod needs;
mod node;
mod notes;
mod patterns;
mod planning;
mod pool;
mod predict;
mod price;
mod provenance;
mod reads;
mod requirement;
mod resolve;
mod resolved;
pub mod reuse;
mod rotate;
pub mod rows;
mod run;
mod session;
pub mod slicing;
pub mod states;
mod status;
mod tune;
pub mod varied;
mod warm;

pub use clock::now;
pub use collegium_data::Side;
pub use collegium_learn::DECLARED;
pub use compare::{compare, find_run, past_runs};
pub use consent::fence;
pub use described::ReportStatus;
pub use error::{EngineError, FitFailure, LockChange, data_error, mended};
pub use evaluate::{EvaluateOptions, evaluate};
pub use events::{Event, Observer, Quiet};
pub use explain::{hindsight, why};
pub use findings::{Depth, sentence};
pub use fresh::{Fresh, fresh};
pub use locked::{keep_lock, keep_models};
pub use membership::{FEWEST_UNSEEN, forget::forget};
pub use node::NodeRef;
pub use planning::PlanOptions;
pub use predict::{PredictOptions, PredictSummary, SideOptions, Surprise, predict, predict_side};
pub use price::PastCosts;
pub use resolved::Resolved;
pub use rotate::{RotatedVersion, plan};
pub use run::{Ran, RunOptions, add_earlier, peak_memory, run};
pub use session::{Options, Session};
pub use status::{CheckReport, CheckedNode, NodeStatus, StatusReport, check_lock, status};
pub use tune::locked_values;
