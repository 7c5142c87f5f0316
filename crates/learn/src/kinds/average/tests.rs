use std::sync::atomic::AtomicBool;

use collegium_digest::Digest;
use collegium_manifest::spec::Activation;
use collegium_table::{Column, Encoder, Source, Values};

use super::*;
use crate::{Model, Target, init, kinds::mlp};

fn rows() -> (Encoder, Matrix) {
    let values = (0..120).map(|row| f64::from(row % 13) - 6.0).collect();
    let column = Column { name: "x".to_owned(), values: Values::Number(values) };
    let all: Vec<u32> = (0..120).collect();
    let sources = [Source::Column(&column)];
    let encoder = Encoder::fit(&["t.x".to_owned()], &sources, &all).unwrap();
    let x = encoder.encode(&sources, &all).unwrap();
    (encoder, x)
}

fn model(encoder: &Encoder, head: Head, key: &str) -> Model {
    let classes: &[&str] = match head {
        Head::Binary => &["no", "yes"],
        Head::Classes => &["a", "b", "c"],
        Head::Regression { .. } => &[],
    };
    let outputs = if head == Head::Classes { 3 } else { 1 };
    let network =
        init::fresh(&[encoder.width(), 4, outputs], Activation::Tanh, &Digest::of(key.as_bytes()));
    Model {
        encoder: encoder.clone(),
        learned: mlp::model(network),
        head,
        classes: classes.iter().map(|class| (*class).to_owned()).collect(),
    }
}

fn never() -> AtomicBool {
    AtomicBool::new(false)
}

#[test]
fn a_blend_is_half_the_whole_and_half_the_mean_of_its_folds_in_the_units_of_the_target() {
    let (encoder, x) = rows();
    let heads = [(10.0, 2.0), (11.0, 3.0), (8.0, 0.5)];
    let models = heads.map(|(mean, deviation)| {
        model(&encoder, Head::Regression { mean, deviation }, &format!("{mean}"))
    });
    let whole = blend(&models[0], &models[1..], None, &never()).unwrap().unwrap();
    let values = |model: &Model| model.predictions(&x, &never()).unwrap().data;
    let each = models.each_ref().map(values);
    for (row, value) in values(&whole).iter().enumerate() {
        let mean = 0.5 * each[0][row] + 0.25 * (each[1][row] + each[2][row]);
        assert!((value - mean).abs() < 1e-4, "{value} {mean}");
    }
    assert_eq!(whole.kind(), "average");
    assert_eq!(whole.parameters(), 3 * models[0].parameters());
    assert_eq!(whole.embedding(&x), models[0].embedding(&x));
}

#[test]
fn a_blend_of_blends_survives_its_bytes() {
    let (encoder, x) = rows();
    for head in [Head::Binary, Head::Classes, Head::Regression { mean: 0.1, deviation: 0.3 }] {
        let [one, two, three] = ["1", "2", "3"].map(|key| model(&encoder, head, key));
        let inner = blend(&one, &[two], None, &never()).unwrap().unwrap();
        let outer = blend(&three, &[inner], None, &never()).unwrap().unwrap();
        let bytes = outer.to_bytes();
        let back = Model::from_bytes(&bytes).unwrap();
        assert_eq!(back, outer);
        assert_eq!(back.to_bytes(), bytes);
        assert_eq!(back.raw(&x, &never()), outer.raw(&x, &never()));
    }
}

#[test]
fn models_of_other_encodings_are_not_blended() {
    let (encoder, _) = rows();
    let one = model(&encoder, Head::Binary, "1");
    let other = Model { encoder: Encoder::empty(), ..one.clone() };
    let refused = blend(&one, &[other], None, &never()).unwrap().unwrap_err();
    assert!(refused.to_string().contains("encoded in another way"), "{refused}");
    assert!(blend(&one, &[], None, &never()).unwrap().is_err());
}

#[test]
fn a_blend_is_calibrated_anew_on_validation_rows() {
    let (encoder, x) = rows();
    let models = ["1", "2"].map(|key| model(&encoder, Head::Binary, key));
    let labels: Vec<u32> = (0..x.rows).map(|row| u32::from(row % 3 == 0)).collect();
    let y = Target::Classes { labels: &labels, count: 2 };
    let valid = ValidationRows { x: &x, y, class_weights: None };
    let plain = blend(&models[0], &models[1..], None, &never()).unwrap().unwrap();
    let scaled = blend(&models[0], &models[1..], Some(&valid), &never()).unwrap().unwrap();
    let loss = |model: &Model| {
        let p = model.predictions(&x, &never()).unwrap().data;
        let each =
            p.iter().zip(&labels).map(|(p, y)| if *y == 1 { p.ln() } else { (1.0 - p).ln() });
        -each.sum::<f32>()
    };
    assert!(loss(&scaled) < loss(&plain), "{} {}", loss(&scaled), loss(&plain));
    // It moves no rank and no label.
    let [a, b] = [&plain, &scaled].map(|model| model.raw(&x, &never()).unwrap().data);
    let factor = b[0] / a[0];
    assert!(a.iter().zip(&b).all(|(a, b)| (b - factor * a).abs() < 1e-4));
}
