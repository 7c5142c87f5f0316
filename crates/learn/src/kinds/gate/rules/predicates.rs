//! `rules`: those experts whose SQL predicate holds.

use super::super::fit::{GateJob, Gated, plain};
use crate::{Pool, Weights};

pub(in super::super) fn fit(job: &GateJob) -> Gated {
    plain(job, Weights::Rules(job.rules.clone()), Pool::Arithmetic)
}
