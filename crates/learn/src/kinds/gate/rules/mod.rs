//! A file for each rule by which a gate combines; means without anything to learn share one.

pub(super) mod best;
pub(super) mod cascade;
mod centres;
pub(super) mod distance;
pub(super) mod means;
pub(super) mod own;
pub(super) mod predicates;
pub(super) mod softmax;
pub(super) mod stack;
