//! Costs: what is said before a fit is what the fit then takes, within a factor.
//!
//! A binary of its own, with one thread: what is held is counted for the whole process.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(unreachable_pub, dead_code, reason = "another binary uses the rest of the cases")]

use collegium_learn::estimator;
use peak_alloc::PeakAlloc;

#[path = "kinds/cases.rs"]
mod cases;

use cases::{cases, raw};

#[global_allocator]
static HELD: PeakAlloc = PeakAlloc;

/// A fit of so few rows holds some things that no estimate counts.
const BESIDE: usize = 1 << 20;

/// One test: what is held is counted for the whole process, and tests run side by side.
#[test]
fn fits_and_applications_take_no_more_bytes_than_they_said() {
    a_fit_takes_no_more_than_four_times_the_bytes_that_it_said();
    an_application_takes_no_more_than_twice_the_bytes_that_it_said();
}

fn a_fit_takes_no_more_than_four_times_the_bytes_that_it_said() {
    let cases = cases();
    // Matrix products keep buffers for each thread, by the size of its caches: they are made once, by the first.
    if let Some(first) = cases.first() {
        drop(first.ready().fit("k"));
    }
    for case in cases {
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

fn an_application_takes_no_more_than_twice_the_bytes_that_it_said() {
    for case in cases() {
        let ready = case.ready();
        let model = ready.model("k");
        let rows: Vec<u32> =
            (0..40 * ready.x.rows as u32).map(|row| row % ready.x.rows as u32).collect();
        let x = ready.x.select(&rows);
        let before = HELD.current_usage();
        HELD.reset_peak_usage();
        let answers = raw(&model, &x);
        let took = HELD.peak_usage() - before - 4 * answers.data.len();
        let said = model.learned.row_cost().peak_bytes(x.rows as u64) as usize;
        assert!(took <= 2 * said + BESIDE, "{}: {took} of {said}", case.name);
    }
}
