//! Fuzz targets: a module for each file format. Bundles do not exist yet, and have no target.

pub mod arrow;
pub mod csv;
pub mod idx;
pub mod lock;
pub mod model;
pub mod object;
pub mod parquet;
pub mod pipeline;
pub mod record;
mod tables;

use crate::FuzzTarget;

/// All targets: files of data first, then those of our own.
pub fn all() -> Vec<Box<dyn FuzzTarget>> {
    vec![
        Box::new(csv::Csv),
        Box::new(arrow::Arrow),
        Box::new(parquet::Parquet),
        Box::new(idx::Idx),
        Box::new(pipeline::PipelineText),
        Box::new(lock::LockFile),
        Box::new(model::ModelBytes),
        Box::new(object::Object),
        Box::new(record::Record),
    ]
}

/// The target of a name.
pub fn named(name: &str) -> Option<Box<dyn FuzzTarget>> {
    all().into_iter().find(|target| target.name() == name)
}
