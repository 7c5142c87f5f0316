//! Answers: a row has the same bits in any chunk, derivatives are those of the answers.

use std::sync::atomic::AtomicBool;

use collegium_digest::Digest;
use collegium_learn::Interrupted;
use collegium_table::Matrix;

use super::cases::{GOING_ON, cases, raw};

fn bits(matrix: &Matrix) -> Vec<u32> {
    matrix.data.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn a_row_has_the_same_bits_whatever_rows_surround_it() {
    for case in cases() {
        let ready = case.ready();
        let model = ready.model("k");
        let whole = raw(&model, &ready.x);
        let outputs = ready.shape().outputs;
        assert_eq!((whole.rows, whole.width), (ready.x.rows, outputs), "{}", case.name);
        assert!(whole.data.iter().all(|v| v.is_finite()), "{}", case.name);
        let all: Vec<u32> = (0..ready.x.rows as u32).collect();
        for size in [1, 7, 130] {
            for chunk in all.chunks(size) {
                let part = raw(&model, &ready.x.select(chunk));
                assert_eq!(bits(&part), bits(&whole.select(chunk)), "{}, {size}", case.name);
            }
        }
        assert_eq!(raw(&model, &ready.x.select(&[])).rows, 0, "{}", case.name);
    }
}

/// Steps, in units of an encoded column.
const STEP: f32 = 1e-3;

#[test]
fn the_jacobian_is_that_of_the_raw_outputs() {
    for case in cases() {
        let ready = case.ready();
        let model = ready.model("k");
        let rows: Vec<u32> = (0..60).collect();
        let x = ready.x.select(&rows);
        let outputs = ready.shape().outputs;
        let mut jacobians = vec![Vec::new(); x.rows];
        model.jacobians(&x, &GOING_ON, &mut |row, of| jacobians[row] = of.to_vec()).unwrap();
        let (mut right, mut all) = (0, 0);
        for column in 0..x.width {
            let moved = |by: f32| {
                let mut moved = x.clone();
                (0..x.rows).for_each(|row| moved.row_mut(row)[column] += by);
                raw(&model, &moved)
            };
            let (up, down) = (moved(STEP), moved(-STEP));
            for (row, jacobian) in jacobians.iter().enumerate() {
                assert_eq!(jacobian.len(), outputs * x.width, "{}", case.name);
                for output in 0..outputs {
                    let slope = (up.row(row)[output] - down.row(row)[output]) / (2.0 * STEP);
                    let said = jacobian[output * x.width + column];
                    all += 1;
                    right += usize::from((slope - said).abs() <= 0.02 * (1.0 + said.abs()));
                }
            }
        }
        // On a kink, and where a choice changes, there is no derivative.
        assert!(right as f64 >= 0.95 * f64::from(all), "{}: {right} of {all}", case.name);
    }
}

#[test]
fn chance_gives_a_model_of_the_same_shape_by_its_key_or_no_model() {
    for case in cases() {
        let ready = case.ready();
        let model = ready.model("k");
        let [one, again, other] =
            [b"one", b"one", b"two"].map(|key| model.untrained(&Digest::of(key)));
        let (Some(one), Some(again), Some(other)) = (one, again, other) else {
            assert_eq!(model.untrained(&Digest::of(b"one")), None, "{}", case.name);
            continue;
        };
        assert_eq!(one, again, "{}", case.name);
        assert_eq!(one.parameters(), model.parameters(), "{}", case.name);
        let [one, other, trained] = [&one, &other, &model].map(|model| raw(model, &ready.x));
        assert_eq!(one.width, other.width, "{}", case.name);
        // Never the model itself: an audit would compare it with itself.
        assert_ne!(bits(&one), bits(&other), "{}", case.name);
        assert_ne!(bits(&one), bits(&trained), "{}", case.name);
    }
}

#[test]
fn an_application_that_is_asked_to_end_ends() {
    let asked = AtomicBool::new(true);
    for case in cases() {
        let ready = case.ready();
        let model = ready.model("k");
        assert_eq!(model.raw(&ready.x, &asked), Err(Interrupted), "{}", case.name);
        assert!(model.outputs(&ready.x, &asked).is_err(), "{}", case.name);
        let went = model.jacobians(&ready.x, &asked, &mut |_, _| panic!("it went on"));
        assert_eq!(went, Err(Interrupted), "{}", case.name);
    }
}
