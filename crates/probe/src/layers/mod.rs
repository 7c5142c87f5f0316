//! Diagnostics of hidden layers: neural collapse, neural feature ansatz, and the number of dimensions
//! in use.
//!
//! All three are read against a reference, never alone. Weights agree with the root of the AGOP to
//! .6 to .9 before any training (PROBE.md §2), so an [`Ansatz`](collegium_records::Ansatz) holds the
//! untrained network beside the trained one. Neural collapse on training rows is what training
//! drives towards and no merit by itself; the gap to test rows is the finding.
//!
//! Rejected: comparing WWᵀ with the AGOP by a matrix as wide as the inputs where the AGOP is known
//! through the hidden units (images have a thousand inputs and more, and roots by eigenvectors cost
//! the cube); numerical ranks, which need a threshold that nothing gives.

mod ansatz;
mod collapse;
mod rank;

pub use ansatz::{AgopRoot, ansatz};
pub use collapse::{ClassMeans, collapse, collapse_against};
pub use rank::{dead_units, effective_rank};
