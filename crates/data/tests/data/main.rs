//! Tables from files, through the public interface.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bad_input;
mod cache;
mod columns;
mod files;
mod hostile;
mod images;
mod predict;
mod project;
mod split;
mod splits;
mod sql;
mod sql_rows;
mod swapped;
mod text;
mod text_options;
