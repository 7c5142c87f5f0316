//! Comparison of two sets of importances: do two networks use the same inputs?
//!
//! Two versions of an expert, an expert on training and on test rows, two experts of one task: each
//! pair has two sets of importances and two bundles of leading directions, which always differ. The
//! question is whether they differ by more than they would if nothing had changed, so a comparison
//! stands beside two reference lines. *Halves of the rows* of one network are what no change at all
//! looks like; *seeds* of one version are what no change of meaning looks like, and they are far
//! apart (PROBE.md §2: cosines of .9999 and .916 on digits). A difference between the lines is not
//! a finding, and without the second line nothing beyond the first can be told.
//!
//! Rejected: a p-value, since a handful of seeds makes no distribution and their pairs are not
//! independent; one number that mixes importances and directions, since an expert with a single
//! image as its input has only directions, and one that is linear has only one direction.

mod importance;
mod looks;
mod paired;
mod reason;
mod subspaces;
mod verdict;

pub use importance::{align, cosine, ranks, spearman};
pub use looks::{Look, agreement, agreement_of_pairs};
pub(crate) use paired::student_quantile;
pub use paired::{over_rows, over_seeds, student_above};
pub use subspaces::{Subspaces, spectral_gap, subspaces};
pub use verdict::compare;
