//! What is fuzzed: a module for each form.

pub mod arrow;
pub mod csv;
pub mod idx;
pub mod parquet;
mod tables;

use crate::Target;

/// All targets.
pub fn all() -> Vec<Box<dyn Target>> {
    vec![Box::new(csv::Csv), Box::new(arrow::Arrow), Box::new(parquet::Parquet), Box::new(idx::Idx)]
}

/// The target of a name.
pub fn named(name: &str) -> Option<Box<dyn Target>> {
    all().into_iter().find(|target| target.name() == name)
}
