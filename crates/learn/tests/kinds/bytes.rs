//! Bytes: a model survives them, equal models have equal ones, and what is damaged is refused.

use collegium_learn::Model;
use collegium_table::Encoder;

use super::cases::{cases, raw};

#[test]
fn a_model_survives_its_bytes() {
    for case in cases() {
        let ready = case.ready();
        let model = ready.model("k");
        let bytes = model.to_bytes();
        assert!((0..4).all(|_| model.to_bytes() == bytes), "{}", case.name);
        let back = Model::from_bytes(&bytes).unwrap();
        assert_eq!(back, model, "{}", case.name);
        assert_eq!(back.to_bytes(), bytes, "{}", case.name);
        assert_eq!(back.kind(), model.kind(), "{}", case.name);
        let (before, after) = (raw(&model, &ready.x_valid), raw(&back, &ready.x_valid));
        assert!(before.data.iter().zip(&after.data).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}

#[test]
fn bytes_that_are_cut_off_or_do_not_fit_are_refused() {
    for case in cases() {
        let model = case.ready().model("k");
        let bytes = model.to_bytes();
        for length in (0..bytes.len()).step_by(bytes.len() / 50 + 1) {
            assert!(Model::from_bytes(&bytes[..length]).is_err(), "{}, {length}", case.name);
        }
        let mut other = model.clone();
        other.encoder = Encoder::empty();
        assert!(Model::from_bytes(&other.to_bytes()).is_err(), "{}: no columns", case.name);
        let mut other = model.clone();
        other.classes.push("one more".to_owned());
        assert!(Model::from_bytes(&other.to_bytes()).is_err(), "{}: another class", case.name);
    }
}

/// No byte may be turned into a panic.
#[test]
fn a_flipped_byte_is_an_error_or_another_model() {
    for case in cases() {
        let ready = case.ready();
        let bytes = ready.model("k").to_bytes();
        for at in (0..bytes.len()).step_by(bytes.len() / 300 + 1) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x24;
            if let Ok(model) = Model::from_bytes(&flipped)
                && model.encoder.width() == ready.x_valid.width
            {
                raw(&model, &ready.x_valid);
            }
        }
    }
}
