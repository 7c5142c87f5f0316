//! End to end: the binary, real files, real processes.
//!
//! `project.rs` makes small projects and runs the binary in them; every other file has one subject.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs, unreachable_pub)]

mod project;

mod audit;
mod average;
mod bad_input;
mod bad_pipeline;
mod budget;
mod care;
mod cases_checks;
mod cases_columns;
mod cases_predict;
mod cases_reading;
mod cases_splits;
mod cases_sql;
mod commands;
mod consent;
mod contracts;
mod crash;
mod cuts;
mod damage;
mod decide;
mod documents;
mod evaluate;
mod examples;
mod explain;
mod faults;
mod forget;
mod fresh;
mod gates;
mod generalises;
mod golden;
mod groups;
mod headline;
mod held;
mod house;
mod images;
mod incremental;
mod kinds;
mod locked;
mod memory;
mod merge;
mod outputs;
mod predict;
mod presets;
mod priced;
mod provenance;
mod pure_sql;
mod regimes;
mod responses;
mod reuse;
mod rotate;
mod seen;
mod shared_data;
mod sketches;
mod skill;
mod slices;
mod supply;
mod tally;
mod terminal;
mod upstream;
mod usage;
mod views;
mod warm;
