//! Answers: a row has the same bits in any chunk, derivatives are those of the answers.

use collegium_digest::Digest;
use collegium_table::Matrix;

use super::cases::cases;

fn bits(matrix: &Matrix) -> Vec<u32> {
    matrix.data.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn a_row_has_the_same_bits_whatever_rows_surround_it() {
    for case in cases() {
        let ready = case.ready();
        let model = ready.model("k");
        let whole = model.raw(&ready.x);
        let outputs = ready.shape().outputs;
        assert_eq!((whole.rows, whole.width), (ready.x.rows, outputs), "{}", case.name);
        assert!(whole.data.iter().all(|v| v.is_finite()), "{}", case.name);
        let all: Vec<u32> = (0..ready.x.rows as u32).collect();
        for size in [1, 7, 130] {
            for chunk in all.chunks(size) {
                let part = model.raw(&ready.x.select(chunk));
                assert_eq!(bits(&part), bits(&whole.select(chunk)), "{}, {size}", case.name);
            }
        }
        assert_eq!(model.raw(&ready.x.select(&[])).rows, 0, "{}", case.name);
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
        model.jacobians(&x, &mut |row, jacobian| jacobians[row] = jacobian.to_vec());
        let (mut right, mut all) = (0, 0);
        for column in 0..x.width {
            let moved = |by: f32| {
                let mut moved = x.clone();
                (0..x.rows).for_each(|row| moved.row_mut(row)[column] += by);
                model.raw(&moved)
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
fn an_untrained_model_has_the_same_shape_and_its_key_decides_its_weights() {
    for case in cases() {
        let ready = case.ready();
        let model = ready.model("k");
        let [one, again, other] =
            [b"one", b"one", b"two"].map(|key| model.untrained(&Digest::of(key)));
        assert_eq!(one, again, "{}", case.name);
        assert_eq!(one.parameters(), model.parameters(), "{}", case.name);
        assert_eq!(one.raw(&ready.x).width, other.raw(&ready.x).width, "{}", case.name);
    }
}
