//! One suite for every storage backend: what `backend/mod.rs` promises, a backend keeps.
//!
//! A new backend is a function in `fixtures.rs` and a line in `for_every_backend!`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

/// Runs tests once for each backend, under its name. They take the function that makes an empty one.
macro_rules! for_every_backend {
    ($($test:ident),* $(,)?) => {
        for_every_backend!(@in folder, [$($test)*]);
        for_every_backend!(@in memory, [$($test)*]);
        for_every_backend!(@in folder_before_memory, [$($test)*]);
        for_every_backend!(@in folder_before_folder, [$($test)*]);
    };
    (@in $backend:ident, [$($test:ident)*]) => {
        mod $backend {
            $(
                #[test]
                fn $test() {
                    super::$test(crate::fixtures::$backend);
                }
            )*
        }
    };
}

mod contract;
mod faults;
mod faulty;
mod fixtures;
mod layered;
mod model;
mod stores;
