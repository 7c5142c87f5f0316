//! Sections of the audit views: each module has the name that the view has in the audit.

pub(crate) mod combined;
pub(crate) mod comparisons;
pub(crate) mod composite;
pub(crate) mod cues;
mod images;
pub(crate) mod importance;
pub(crate) mod layers;
pub(crate) mod out_of_fold;
mod raw;
mod responses;
mod rows;
pub(crate) mod seeds;
pub(crate) mod slices;
pub(crate) mod uses;
