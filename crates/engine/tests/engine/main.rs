//! The engine by itself, on a small project on a disk in memory: no program, no process, no printed word.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(unreachable_pub, reason = "modules of one test binary share these")]

mod project;

mod drift;
mod fresh;
mod judging;
mod planning;
mod pricing;
mod stores;
