//! Costs: what is said before a fit is what the fit then takes, within a factor.
//!
//! A binary of its own, with one thread: what is held is counted for the whole process.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(unreachable_pub, dead_code, reason = "another binary uses the rest of the cases")]

use collegium_learn::estimator;
use peak_alloc::PeakAlloc;

#[path = "kinds/cases.rs"]
mod cases;

use cases::cases;

#[global_allocator]
static HELD: PeakAlloc = PeakAlloc;

/// A fit of so few rows holds some things that no estimate counts.
const BESIDE: usize = 1 << 20;

#[test]
fn a_fit_takes_no_more_than_four_times_the_bytes_that_it_said() {
    for case in cases() {
        let ready = case.ready();
        let before = HELD.current_usage();
        HELD.reset_peak_usage();
        let fitted = ready.fit("k");
        let took = HELD.peak_usage() - before;
        drop(fitted);
        // The rows themselves are made before.
        let rows = 4 * ready.x.data.len() + 4 * ready.x_valid.data.len();
        let said = estimator(&*case.node.model).unwrap().cost(&ready.shape(), &case.node.train);
        let said = said.peak_bytes as usize;
        assert!(took + rows <= 4 * said + BESIDE, "{}: {took} and {rows} of {said}", case.name);
    }
}
