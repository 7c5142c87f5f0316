//! Fits: the same bits alone and beside others, better than a constant, and ended when they are asked to end.

use std::{sync::atomic::AtomicBool, thread};

use collegium_learn::{FitError, Head, TrainError, estimator};

use super::cases::{self, Task, cases};

#[test]
fn a_fit_gives_the_same_bits_alone_and_beside_others() {
    let cases = cases();
    let all: Vec<_> = cases.iter().map(|case| (case, case.ready())).collect();
    let alone: Vec<Vec<u8>> = all.iter().map(|(_, ready)| ready.model("k").to_bytes()).collect();
    for _ in 0..2 {
        thread::scope(|scope| {
            let beside: Vec<_> = all
                .iter()
                .map(|(case, ready)| (case, scope.spawn(|| ready.model("k").to_bytes())))
                .collect();
            for ((case, handle), alone) in beside.into_iter().zip(&alone) {
                assert!(handle.join().unwrap() == *alone, "{}", case.name);
            }
        });
    }
}

/// The mean log loss, or squared error, of raw outputs.
fn loss(head: Head, raw: &collegium_table::Matrix, labels: &[u32], values: &[f32]) -> f64 {
    let row = |i: usize| {
        let mut answer = raw.row(i).to_vec();
        head.answer(&mut answer);
        match head {
            Head::Regression { .. } => f64::from(answer[0] - values[i]).powi(2),
            Head::Binary => {
                let p = if labels[i] == 1 { answer[0] } else { 1.0 - answer[0] };
                -f64::from(p.max(1e-7)).ln()
            }
            Head::Classes => -f64::from(answer[labels[i] as usize].max(1e-7)).ln(),
        }
    };
    (0..raw.rows).map(row).sum::<f64>() / raw.rows as f64
}

#[test]
fn what_an_expert_learns_is_worth_more_than_a_constant() {
    // With its defaults: what a changed key is worth is not for this suite to say.
    for case in cases().iter().filter(|c| !c.node.combines() && !c.name.contains('=')) {
        let ready = case.ready();
        let (labels, values) = case.validation();
        let raw = cases::raw(&ready.model("k"), &ready.x_valid);
        let constant = match case.task {
            Task::Values => {
                let mean = values.iter().sum::<f32>() / values.len() as f32;
                values.iter().map(|v| f64::from(v - mean).powi(2)).sum::<f64>()
                    / values.len() as f64
            }
            Task::Binary => 2f64.ln(),
            Task::Classes => 3f64.ln(),
        };
        let loss = loss(ready.head, &raw, labels, values);
        assert!(loss < 0.8 * constant, "{}: {loss} of {constant}", case.name);
    }
}

#[test]
fn a_fit_that_is_interrupted_says_so_or_has_no_step_to_interrupt() {
    for case in cases() {
        let ready = case.ready();
        match ready.try_fit("k", &AtomicBool::new(true)) {
            Err(FitError::Train(TrainError::Interrupted)) => {}
            Ok(fitted) => assert!(fitted.epochs.is_empty(), "{} went on", case.name),
            Err(other) => panic!("{}: {other}", case.name),
        }
    }
}

#[test]
fn another_key_gives_other_random_numbers_or_the_same_model() {
    for case in cases() {
        let ready = case.ready();
        let (one, other) = (ready.fit("one"), ready.fit("other"));
        let trained = !one.epochs.is_empty();
        assert!(one.learned != other.learned || !trained, "{}", case.name);
    }
}

#[test]
fn multiply_adds_and_epochs_are_those_of_the_fit() {
    for case in cases() {
        let ready = case.ready();
        let cost = estimator(&*case.node.model).unwrap().cost(&ready.shape(), &case.node.train);
        let fitted = ready.fit("k");
        let epochs = cost.epochs as usize;
        assert!(fitted.epochs.len() <= epochs, "{}: {}", case.name, fitted.epochs.len());
        assert!(cost.restarts >= 1, "{}", case.name);
        let (said, really) = (cost.apply, fitted.learned.row_cost());
        // A fit costs so many times as much.
        let members = u64::from(case.node.average.members);
        for (said, really) in
            [(members * said.multiply_adds, really.multiply_adds), (said.bytes, really.bytes)]
        {
            let factor = (said + 64) as f64 / (really + 64) as f64;
            assert!((0.5..=3.0).contains(&factor), "{}: {said} for {really}", case.name);
        }
    }
}
