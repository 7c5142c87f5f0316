//! End to end: the binary, real files, real processes.
//!
//! `project.rs` makes small projects and runs the binary in them; every other file has one subject.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

mod project;

mod incremental;
