//! What fits will cost, with plain values.

use collegium_digest::Digest;
use collegium_plan::{PlannedFit, Prices, Witness, likelihood, scale};
use collegium_records::{Cost, Epoch, Estimate, Fit};
use proptest::prelude::*;

/// A recorded fit that took so many CPU seconds.
fn fit(rows: u64, epochs: usize, multiply_adds: u64, cpu_seconds: f64) -> Fit {
    Fit {
        judged: Vec::new(),
        restarts: Vec::new(),
        model: Digest::of(b"model"),
        kind: "mlp".into(),
        task: "regression".into(),
        classes: Vec::new(),
        epochs: vec![Epoch { train: 1.0, valid: 1.0 }; epochs],
        best_epoch: epochs as u32,
        parameters: multiply_adds,
        kept: 0,
        multiply_adds,
        rows,
        cost: Cost { seconds: cpu_seconds, cpu_seconds, ..Cost::default() },
        kernel: "any".into(),
        created: "2026-01-01T00:00:00Z".into(),
        table: None,
        parent: None,
        generation: 0,
        seen: None,
    }
}

const JOB: PlannedFit = PlannedFit { rows: 1000, epochs: 10, patience: 0, multiply_adds: 5000 };

fn by(job: PlannedFit, fit: &Fit, allowed: u32) -> Estimate {
    Prices::default().estimate(job, Some(Witness { fit, allowed })).expect("a witness has a price")
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * b.abs().max(1.0)
}

#[test]
fn the_same_fit_again_costs_what_it_cost() {
    let estimate = by(JOB, &fit(1000, 10, 5000, 4.0), 10);
    assert_eq!(estimate, Estimate { min: 4.0, expected: 4.0, max: 4.0 });
}

#[test]
fn a_witness_is_scaled_by_rows_epochs_and_work() {
    let witness = fit(1000, 10, 5000, 4.0);
    let expected = |job| by(job, &witness, 10).expected;
    assert!(near(expected(PlannedFit { rows: 3000, ..JOB }), 12.0));
    assert!(near(expected(PlannedFit { epochs: 5, ..JOB }), 2.0));
    // A row costs 1000 multiply-adds whatever the network's size.
    assert!(near(expected(PlannedFit { multiply_adds: 11_000, ..JOB }), 8.0));
}

#[test]
fn a_fit_that_stopped_early_will_do_so_again_and_may_go_on() {
    // It was allowed 100 epochs and stopped after 20.
    let witness = fit(1000, 20, 5000, 4.0);
    let job = PlannedFit { epochs: 100, patience: 3, ..JOB };
    let estimate = by(job, &witness, 100);
    assert!(near(estimate.expected, 4.0));
    assert!(near(estimate.max, 20.0), "all epochs");
    assert!(
        near(estimate.min, 2.0),
        "half of what is expected: more than patience allows at least"
    );
    let patient = by(PlannedFit { patience: 15, ..job }, &witness, 100);
    assert!(near(patient.min, 16.0 * 0.2));
    // Without patience it goes to its end.
    assert!(near(by(PlannedFit { patience: 0, ..job }, &witness, 100).min, 20.0));
}

#[test]
fn a_closed_form_is_scaled_by_rows_alone() {
    let witness = fit(1000, 0, 10, 0.5);
    let job = PlannedFit { rows: 2000, epochs: 0, patience: 0, multiply_adds: 10 };
    assert_eq!(by(job, &witness, 0), Estimate { min: 0.5, expected: 1.0, max: 2.0 });
    assert_eq!(Prices::default().estimate(job, None), Some(Estimate::default()));
}

#[test]
fn without_a_witness_recorded_rates_serve_and_without_any_there_is_no_price() {
    assert_eq!(Prices::default().estimate(JOB, None), None);
    let mut prices = Prices::default();
    for cpu_seconds in [6.0, 60.0, 12.0] {
        prices.record(&fit(1000, 10, 5000, cpu_seconds));
    }
    // What says nothing about rates is not taken for one.
    prices.record(&fit(1000, 0, 5000, 1.0));
    prices.record(&fit(1000, 10, 5000, 0.0));
    let estimate = prices.estimate(JOB, None).expect("there are rates");
    assert!(near(estimate.min, 2.0) && near(estimate.expected, 8.0) && near(estimate.max, 60.0));
    // A witness that cost nothing is none.
    let free = fit(1000, 10, 5000, 0.0);
    assert_eq!(prices.estimate(JOB, Some(Witness { fit: &free, allowed: 10 })), Some(estimate));
}

#[test]
fn what_was_never_seen_is_as_likely_as_not() {
    assert_eq!(likelihood(0, 0, 0.5), 0.5);
    assert_eq!(likelihood(0, 2, 0.5), 0.25);
    assert_eq!(likelihood(2, 2, 0.5), 0.75);
    assert!(near(likelihood(7, 19, 0.9), 8.8 / 21.0));
}

proptest! {
    #[test]
    fn estimates_are_finite_and_in_order(
        rows in 1u64..1_000_000, epochs in 0u32..500, patience in 0u32..50, work in 1u64..10_000_000,
        seen_rows in 0u64..1_000_000, went in 0usize..200, more in 0u32..200,
        seen_work in 1u64..10_000_000, cpu_seconds in 0.001f64..10_000.0,
    ) {
        let job = PlannedFit { rows, epochs, patience, multiply_adds: work };
        let fit = fit(seen_rows, went, seen_work, cpu_seconds);
        let mut prices = Prices::default();
        prices.record(&fit);
        let witness = Witness { fit: &fit, allowed: went as u32 + more };
        for estimate in [prices.estimate(job, Some(witness)), prices.estimate(job, None)] {
            let Some(Estimate { min, expected, max }) = estimate else { continue };
            prop_assert!(0.0 <= min && min <= expected && expected <= max && max.is_finite());
        }
    }

    #[test]
    fn a_likelihood_is_never_certain_and_grows_with_what_happened(of in 0u32..10_000, at in 0.0f64..1.0) {
        let happened = (f64::from(of) * at) as u32;
        let p = likelihood(happened, of, 0.9);
        prop_assert!(0.0 < p && p < 1.0);
        prop_assert!(likelihood(happened, of + 1, 0.9) < p && p < likelihood(happened + 1, of + 1, 0.9));
    }
}

#[test]
fn an_application_is_priced_by_rows_and_multiply_adds_of_those_before_it() {
    let mut prices = Prices::default();
    assert_eq!(prices.application(1000, 5000), Some(0.0), "a small thing beside a fit");
    assert_eq!(prices.application(1_000_000, 1_000_000), None, "no small thing, and unknown");
    prices.record_application(1000, 9000, 2.0);
    let price = |rows, work| prices.application(rows, work).expect("one was recorded");
    assert!(near(price(1000, 9000), 2.0));
    assert!(near(price(3000, 9000), 6.0));
    assert!(near(price(1000, 9000) * scale(99_000, 9000), price(1000, 99_000)));
    assert!(near(scale(99_000, 9000), 10.0));
    // One that took no time says nothing, and one that took long is not the rule.
    for seconds in [0.0, 4.0, 1000.0] {
        prices.record_application(1000, 9000, seconds);
    }
    assert!(near(prices.application(1000, 9000).expect("three were recorded"), 4.0));
}
