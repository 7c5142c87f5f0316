//! Models: training, inference, gradients, serialisation.
//!
//! An expert is a small multilayer perceptron behind an encoder ([`Model`]). This crate fits it
//! ([`train()`], and [`fit_linear`] and [`constant`] for the baselines), writes it down byte by byte
//! the same every time, and evaluates it. It is the only crate that knows burn.
//!
//! Two promises shape it. *A fit gives the same bits alone, beside others, and in any order*: every
//! random number comes from a stream named by the fit's key, one fit runs on one thread, and nothing
//! global is touched. *A row gives the same bits whatever rows surround it*: prediction adds up each
//! row in one fixed order, in plain loops of separate multiplications and additions, so that even
//! processors of different classes agree on what a stored model answers.
//!
//! An expert whose inputs moved need not be trained again: [`Repair`] has what can be done for it in
//! closed form, and an estimate of what training would gain.
//!
//! Training therefore uses burn's flex backend for what it is best at, matrix products, and nothing
//! else of it. The backward pass of a perceptron is three lines, and a test checks it against finite
//! differences. Rejected: burn's autodiff, at 2.7 times the cost (1.34 ms against 0.49 ms for a step
//! of 1024 rows through 25-64-32-1, 74 µs against 26 µs for 32 rows; its old fault of concurrent fits
//! losing each other's gradients did not show in 96 fits on four threads); burn's optimisers, which
//! allocate where one fused loop does; burn's random numbers, which have one seed per process;
//! burn's inference, whose products round differently with the number of rows; and the `exp` of the
//! C library, which rounds differently with the processor.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on has failed"))]

mod active;
mod combine;
mod estimator;
mod format;
mod front;
mod gradients;
mod head;
mod init;
mod joined;
mod kernel;
pub mod kinds;
mod learned;
mod machine;
mod math;
mod model;
mod network;
mod repair;
mod tensors;
mod train;

pub use collegium_manifest::spec::Activation;
pub use combine::{Combination, GateWeights, Pool, Routing, TrainingSet};
pub use estimator::{Estimator, FitCost, FitError, FitJob, Fitted, Host, Shape};
pub use format::{
    error::ModelError,
    stored::{Own, Stored},
    tensors::{Tensor, Tensors},
};
pub use front::{ColumnMap, Front, Map};
pub use gradients::{Lens, MOST_OUTPUTS, SKETCHES, Seeds, Swept, sketches};
pub use head::Head;
pub use kinds::{
    DECLARED, DenseModel, KINDS, Kind, RoutedModel,
    constant::constant,
    estimator,
    gate::{GateError, GateJob, Gated, fit_gate, judged, judgement_targets},
    kind,
    linear::{LinearJob, RIDGE, fit_linear},
    mixture::{FittedMixture, MixtureJob, fit_mixture},
};
pub use learned::{Learned, Routes, RowCost};
pub(crate) use machine::bytes_of_encodings;
pub use machine::{estimate_bytes, kernel_class};
pub use model::{Interrupted, Model, Outputs};
pub use network::{Dense, Network};
pub use repair::{Columns, Repair, constant_losses, raw_outputs, re_encoded, row_losses};
pub use train::{Job, Target, TrainError, Trained, Watch, class_weights, train, train_beside};
