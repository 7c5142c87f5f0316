use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::Values;

fn column(name: &str, values: Values) -> Column {
    Column { name: name.to_owned(), values }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn texts(texts: &[&str]) -> Vec<String> {
    names(texts)
}

fn all(n: usize) -> Vec<u32> {
    (0..n as u32).collect()
}

fn fit_one(source: Source) -> Encoder {
    Encoder::fit(&names(&["t.x"]), &[source], &all(source.rows())).unwrap()
}

#[test]
fn numbers_are_standardised_by_the_training_rows_alone() {
    let x = column("x", Values::Number(vec![1.0, 3.0, 1e9]));
    let encoder = Encoder::fit(&names(&["t.x"]), &[Source::Column(&x)], &[0, 1]).unwrap();
    let matrix = encoder.encode(&[Source::Column(&x)], &[0, 1, 2]).unwrap();
    assert_eq!(matrix.data, [-1.0, 1.0, 8.0]);
}

#[test]
fn a_missing_number_is_the_mean_and_flagged_if_training_missed_some() {
    let x = column("x", Values::Number(vec![1.0, f64::NAN, 3.0]));
    let source = Source::Column(&x);
    let encoder = fit_one(source);
    assert_eq!(encoder.column_names(), ["t.x", "t.x missing"]);
    assert_eq!(encoder.encode(&[source], &all(3)).unwrap().data, [-1., 0., 0., 1., 1., 0.]);

    let encoder = Encoder::fit(&names(&["t.x"]), &[source], &[0, 2]).unwrap();
    let (matrix, surprises) = encoder.encode_counted(&[source], &all(3)).unwrap();
    assert_eq!(matrix.data, [-1.0, 0.0, 1.0]);
    assert_eq!(
        surprises.notes(),
        ["1 row lacks `t.x`, which was never missing in training: the average is used"]
    );
}

#[test]
fn a_constant_column_encodes_to_zero_whatever_comes_later() {
    let x = column("x", Values::Number(vec![0.1, 0.1, 0.1, 5.0]));
    let source = Source::Column(&x);
    let encoder = Encoder::fit(&names(&["t.x"]), &[source], &[0, 1, 2]).unwrap();
    assert_eq!(encoder.encode(&[source], &all(4)).unwrap().data, [0.0; 4]);
    assert_eq!(
        encoder.notes(),
        ["`t.x` is constant in the training rows and tells the expert nothing"]
    );
}

#[test]
fn values_that_lie_close_together_far_from_zero_tell_as_much_as_those_around_it() {
    let near: Vec<f64> = (0..200).map(|i| f64::from(i) / 256.0).collect();
    let encoded = |shift: f64| {
        let x = column("x", Values::Number(near.iter().map(|value| shift + value).collect()));
        let encoder = fit_one(Source::Column(&x));
        assert!(encoder.notes().is_empty(), "{shift}: {:?}", encoder.notes());
        encoder.encode(&[Source::Column(&x)], &all(200)).unwrap().data
    };
    let around_zero = encoded(0.0);
    for shift in [1e9, 1e12, -1e12, 1e13] {
        for (far, near) in encoded(shift).iter().zip(&around_zero) {
            assert!((far - near).abs() < 1e-5, "{shift}: {far} and {near}");
        }
    }
    // Neighbouring floats differ by rounding alone.
    let x = column("x", Values::Number(vec![0.3, 0.1 + 0.2, 0.3]));
    assert_eq!(fit_one(Source::Column(&x)).notes().len(), 1);
}

#[test]
fn a_column_that_is_all_missing_is_noted_and_carries_nothing() {
    let x = column("x", Values::Number(vec![f64::NAN; 3]));
    let encoder = fit_one(Source::Column(&x));
    assert_eq!(encoder.notes(), ["`t.x` is missing in all training rows"]);
    let matrix = encoder.encode(&[Source::Column(&x)], &all(3)).unwrap();
    assert_eq!(matrix.data, [0., 1., 0., 1., 0., 1.]);
}

#[test]
fn booleans_are_standardised_like_numbers() {
    let x = column("x", Values::Boolean(vec![0, 1, 2, 1, 0]));
    let matrix = fit_one(Source::Column(&x)).encode(&[Source::Column(&x)], &all(5)).unwrap();
    assert_eq!(matrix.data, [-1., 0., 1., 0., 0., 1., 1., 0., -1., 0.]);
}

#[test]
fn numbers_too_large_to_average_are_an_error() {
    let x = column("x", Values::Number(vec![1e308, 1e308, -1e308]));
    let error = Encoder::fit(&names(&["t.x"]), &[Source::Column(&x)], &all(3)).unwrap_err();
    assert_eq!(error.to_string(), "`t.x` holds numbers too large to standardise");
}

#[test]
fn categories_do_not_depend_on_how_a_column_numbers_its_levels() {
    let one = column("x", Values::Category { codes: vec![0, 1, 1], levels: texts(&["b", "a"]) });
    let two =
        column("x", Values::Category { codes: vec![2, 0, 0], levels: texts(&["a", "never", "b"]) });
    let (one, two) = (Source::Column(&one), Source::Column(&two));
    let encoder = fit_one(one);
    assert_eq!(encoder, fit_one(two));
    assert_eq!(encoder.column_names(), ["t.x = a", "t.x = b"]);
    assert_eq!(encoder.encode(&[one], &all(3)).unwrap(), encoder.encode(&[two], &all(3)).unwrap());
    assert_eq!(encoder.encode(&[one], &[0, 1]).unwrap().data, [0., 1., 1., 0.]);
}

#[test]
fn rare_levels_share_a_column_with_unseen_ones() {
    let mut codes = vec![0; 20_000];
    codes[7] = 1;
    codes[8] = 2;
    let x = column("x", Values::Category { codes, levels: texts(&["common", "rare", "odd"]) });
    let encoder = fit_one(Source::Column(&x));
    assert_eq!(encoder.column_names(), ["t.x = common", "t.x other"]);
    assert_eq!(encoder.notes(), ["`t.x`: 2 rare levels of 3 grouped as `other`"]);
    let later =
        column("x", Values::Category { codes: vec![0, 1], levels: texts(&["new", "rare"]) });
    let (matrix, surprises) = encoder.encode_counted(&[Source::Column(&later)], &all(2)).unwrap();
    assert_eq!(matrix.data, [0., 1., 0., 1.]);
    assert_eq!(surprises.notes(), ["1 row holds categories of `t.x` that training never saw"]);
}

#[test]
fn without_rare_levels_an_unseen_one_is_the_average_row() {
    let x = column("x", Values::Category { codes: vec![0, 0, 0, 1], levels: texts(&["a", "b"]) });
    let encoder = fit_one(Source::Column(&x));
    let later = column("x", Values::Category { codes: vec![0, u32::MAX], levels: texts(&["new"]) });
    let (matrix, surprises) = encoder.encode_counted(&[Source::Column(&later)], &all(2)).unwrap();
    assert_eq!(matrix.data, [0.75, 0.25, 0.75, 0.25]);
    assert_eq!((surprises.unseen["t.x"], surprises.missing["t.x"]), (1, 1));
}

#[test]
fn a_missing_category_has_its_own_column_if_training_missed_some() {
    let x = column("x", Values::Category { codes: vec![0, u32::MAX], levels: texts(&["a"]) });
    let encoder = fit_one(Source::Column(&x));
    assert_eq!(encoder.column_names(), ["t.x = a", "t.x missing"]);
    assert_eq!(encoder.encode(&[Source::Column(&x)], &all(2)).unwrap().data, [1., 0., 0., 1.]);
}

#[test]
fn only_the_most_frequent_levels_of_very_many_get_columns() {
    let levels: Vec<String> = (0..400).map(|i| format!("{i:03}")).collect();
    let codes = (0..8000).map(|i| i % 400).chain([399; 5]).collect();
    let x = column("x", Values::Category { codes, levels });
    let encoder = fit_one(Source::Column(&x));
    assert_eq!(encoder.width(), 257);
    let columns = encoder.column_names();
    assert_eq!((columns[254].as_str(), columns[255].as_str()), ("t.x = 254", "t.x = 399"));
    assert_eq!(columns[256], "t.x other");
}

#[test]
fn a_time_is_seconds_and_the_cycles_that_vary() {
    let day = 86_400_000_000;
    let dates = column("x", Values::Time(vec![0, day, 2 * day, i64::MIN]));
    let encoder = fit_one(Source::Column(&dates));
    assert_eq!(
        encoder.column_names(),
        [
            "t.x",
            "t.x weekday sine",
            "t.x weekday cosine",
            "t.x season sine",
            "t.x season cosine",
            "t.x missing"
        ]
    );
    let matrix = encoder.encode(&[Source::Column(&dates)], &all(4)).unwrap();
    // 1 January 1970 was a Thursday: day 0 of this cycle.
    assert_eq!(&matrix.row(0)[1..3], [0.0, 1.0]);
    assert_eq!(matrix.row(1)[0], 0.0);
    assert_eq!((matrix.row(3)[0], matrix.row(3)[5]), (0.0, 1.0));
    let hours = column("x", Values::Time(vec![-day / 4, day / 4]));
    let encoder = fit_one(Source::Column(&hours));
    let matrix = encoder.encode(&[Source::Column(&hours)], &all(2)).unwrap();
    assert_eq!(&matrix.row(0)[..2], [-1.0, -1.0]);
    assert_eq!(&matrix.row(1)[..2], [1.0, 1.0]);
}

fn images(sides: [usize; 3], pixels: Vec<u8>) -> Column {
    let [height, width, channels] = sides;
    column("x", Values::Image { shape: ImageShape { height, width, channels }, pixels })
}

#[test]
fn all_pixels_of_an_image_share_one_mean_and_one_deviation_of_the_training_rows() {
    // Row 0 is the training row: mean 102, deviation 102 of 255; a pixel of its own scale would differ.
    let x = images([1, 5, 1], vec![0, 0, 255, 102, 153, 255, 0, 51, 204, 102]);
    let source = Source::Column(&x);
    let encoder = Encoder::fit(&names(&["t.x"]), &[source], &[0]).unwrap();
    let deviation =
        (2.0 * 102.0_f64.powi(2) + 153.0_f64.powi(2) + 51.0_f64.powi(2)).sqrt() / 5.0_f64.sqrt();
    let expected = |pixel: u8| ((f64::from(pixel) - 102.0) / deviation) as f32;
    let matrix = encoder.encode(&[source], &all(2)).unwrap();
    let Values::Image { pixels, .. } = &x.values else { panic!() };
    for (found, pixel) in matrix.data.iter().zip(pixels) {
        assert!((found - expected(*pixel)).abs() < 1e-6, "{found} for {pixel}");
    }
    let row = matrix.row(0);
    let mean: f32 = row.iter().sum::<f32>() / 5.0;
    let square: f32 = row.iter().map(|x| x * x).sum::<f32>() / 5.0;
    assert!(mean.abs() < 1e-6 && (square - 1.0).abs() < 1e-5, "{mean} {square}");
    assert!(encoder.notes().is_empty());
}

#[test]
fn an_image_is_as_many_columns_as_it_has_numbers_and_says_its_shape() {
    let grey = images([2, 3, 1], (0..12).collect());
    let colour = images([1, 2, 3], (0..12).collect());
    let n = column("n", Values::Number(vec![1.0, 2.0]));
    let sources = [Source::Column(&grey), Source::Column(&n), Source::Column(&colour)];
    let encoder = Encoder::fit(&names(&["t.grey", "t.n", "t.colour"]), &sources, &all(2)).unwrap();
    assert_eq!(encoder.groups(), [0..6, 6..7, 7..13]);
    assert_eq!(
        encoder.images(),
        [
            (0, ImageShape { height: 2, width: 3, channels: 1 }),
            (2, ImageShape { height: 1, width: 2, channels: 3 })
        ]
    );
    let columns = encoder.column_names();
    assert_eq!(
        columns[..6],
        ["[0, 0]", "[0, 1]", "[0, 2]", "[1, 0]", "[1, 1]", "[1, 2]"]
            .map(|at| format!("t.grey{at}"))
    );
    assert_eq!(
        columns[7..10],
        ["[0, 0, 0]", "[0, 0, 1]", "[0, 0, 2]"].map(|at| format!("t.colour{at}"))
    );
    assert!(fit_one(Source::Column(&n)).images().is_empty());
}

#[test]
fn an_even_image_is_noted_and_carries_nothing() {
    let x = images([1, 2, 1], vec![7, 7, 7, 7, 0, 255]);
    let source = Source::Column(&x);
    let encoder = Encoder::fit(&names(&["t.x"]), &[source], &[0, 1]).unwrap();
    assert_eq!(
        encoder.notes(),
        ["`t.x` is one even area in all training rows and tells the expert nothing"]
    );
    assert!(encoder.encode(&[source], &all(3)).unwrap().data.iter().all(|x| *x == 0.0));
}

#[test]
fn an_image_of_another_shape_is_named() {
    let small = images([1, 2, 1], vec![0, 1]);
    let tall = images([2, 1, 1], vec![0, 1]);
    let encoder = fit_one(Source::Column(&small));
    assert_eq!(
        encoder.encode(&[Source::Column(&tall)], &[0]).unwrap_err().to_string(),
        "`t.x` was an image of 1 × 2 when the expert was trained and is an image of 2 × 1 now"
    );
    let number = column("x", Values::Number(vec![1.0]));
    assert_eq!(
        encoder.encode(&[Source::Column(&number)], &[0]).unwrap_err().to_string(),
        "`t.x` was an image of 1 × 2 when the expert was trained and is a number now"
    );
}

#[test]
fn incoming_logits_are_clipped_before_they_are_standardised() {
    let wild = Matrix { rows: 4, width: 1, data: vec![-77.0, 8.0, f32::INFINITY, -8.0] };
    let source = Source::Logit(&wild);
    let matrix = fit_one(source).encode(&[source], &all(4)).unwrap();
    assert_eq!(matrix.data, [-1.0, 1.0, 1.0, -1.0]);
}

#[test]
fn nearly_equal_logits_are_not_blown_up() {
    let flat = Matrix { rows: 2, width: 1, data: vec![0.5, 0.500001] };
    let matrix = fit_one(Source::Logit(&flat)).encode(&[Source::Logit(&flat)], &all(2)).unwrap();
    assert!(matrix.data.iter().all(|x| x.abs() < 1e-2), "{matrix:?}");
}

#[test]
fn an_embedding_has_a_column_per_unit() {
    let outputs = Matrix { rows: 2, width: 2, data: vec![0., 5., 2., 5.] };
    let source = Source::Plain(&outputs);
    let encoder = fit_one(source);
    assert_eq!(encoder.column_names(), ["t.x[0]", "t.x[1]"]);
    assert_eq!(encoder.notes().len(), 1, "the second unit is constant");
    assert_eq!(encoder.encode(&[source], &all(2)).unwrap().data, [-1., 0., 1., 0.]);
}

#[test]
fn a_label_is_one_hot() {
    let classes = texts(&["no", "yes"]);
    let source = Source::Label(&[1, 0], &classes);
    let encoder = fit_one(source);
    assert_eq!(encoder.column_names(), ["t.x = no", "t.x = yes"]);
    assert_eq!(encoder.encode(&[source], &all(2)).unwrap().data, [0., 1., 1., 0.]);
}

#[test]
fn an_input_of_another_kind_is_named() {
    let number = column("x", Values::Number(vec![1.0, 2.0]));
    let truth = column("x", Values::Boolean(vec![0, 1]));
    let encoder = fit_one(Source::Column(&number));
    assert_eq!(
        encoder.encode(&[Source::Column(&truth)], &[0]).unwrap_err().to_string(),
        "`t.x` was a number when the expert was trained and is a boolean now"
    );
    let wide = Matrix::zeros(2, 3);
    let narrow = Matrix::zeros(2, 1);
    let encoder = fit_one(Source::Logit(&narrow));
    assert_eq!(
        encoder.encode(&[Source::Logit(&wide)], &[0]).unwrap_err().to_string(),
        "`t.x` was an expert's logit of width 1 when the expert was trained and is an expert's \
         logit of width 3 now"
    );
}

#[test]
fn rows_and_inputs_that_are_not_there_are_errors() {
    let x = column("x", Values::Number(vec![1.0, 2.0]));
    let source = Source::Column(&x);
    let encoder = fit_one(source);
    assert_eq!(
        encoder.encode(&[source], &[2]).unwrap_err().to_string(),
        "row 2 is asked for, but `t.x` has 2 rows"
    );
    assert_eq!(
        encoder.encode(&[], &[0]).unwrap_err().to_string(),
        "1 inputs are expected, 0 were given"
    );
    assert_eq!(Encoder::fit(&names(&["t.x"]), &[source], &[]), Err(EncodeError::Empty));
}

#[test]
fn groups_cover_the_columns_in_order() {
    let x = Arc::new(column("x", Values::Number(vec![1.0, f64::NAN])));
    let c = column("c", Values::Category { codes: vec![0, 1], levels: texts(&["a", "b"]) });
    let sources = [Source::Column(&x), Source::Column(&c)];
    let encoder = Encoder::fit(&names(&["t.x", "t.c"]), &sources, &all(2)).unwrap();
    assert_eq!(encoder.groups(), [0..2, 2..4]);
    assert_eq!(encoder.width(), 4);
    assert_eq!(encoder.column_names().len(), 4);
}

/// A table of every kind of input, from a few random numbers.
fn mixed(seed: &[(f64, u32)]) -> (Vec<Column>, Matrix) {
    let pick = |missing: bool, value: f64| if missing { f64::NAN } else { value };
    let number = seed.iter().map(|(x, c)| pick(c % 5 == 0, *x)).collect();
    let boolean = seed.iter().map(|(_, c)| (c % 3) as u8).collect();
    let codes = seed.iter().map(|(_, c)| if *c % 7 == 0 { u32::MAX } else { c % 4 }).collect();
    let levels = texts(&["d", "a", "c", "b"]);
    let time = seed.iter().map(|(x, c)| if c % 6 == 0 { i64::MIN } else { (x * 1e9) as i64 });
    let columns = vec![
        column("number", Values::Number(number)),
        column("boolean", Values::Boolean(boolean)),
        column("category", Values::Category { codes, levels }),
        column("time", Values::Time(time.collect())),
        images(
            [2, 1, 3],
            seed.iter().flat_map(|(_, c)| (0..6).map(move |i| (c * i) as u8)).collect(),
        ),
    ];
    let data = seed.iter().flat_map(|(x, c)| [*x as f32, *c as f32]).collect();
    (columns, Matrix { rows: seed.len(), width: 2, data })
}

proptest! {
    #[test]
    fn a_row_has_the_same_bits_whatever_rows_surround_it(
        seed in prop::collection::vec((-1e6_f64..1e6, 0u32..100), 2..40), train in 1usize..40,
    ) {
        let (columns, outputs) = mixed(&seed);
        let mut sources: Vec<Source> = columns.iter().map(Source::Column).collect();
        sources.extend([Source::Logit(&outputs), Source::Plain(&outputs)]);
        let names = names(&["n", "b", "c", "t", "i", "l", "p"]);
        let encoder = Encoder::fit(&names, &sources, &all(train.min(seed.len()))).unwrap();
        let whole = encoder.encode(&sources, &all(seed.len())).unwrap();
        for row in (0..seed.len()).rev() {
            let alone = encoder.encode(&sources, &[row as u32]).unwrap();
            let bits = |row: &[f32]| row.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(alone.row(0)), bits(whole.row(row)));
        }
        let image = &encoder.groups()[4];
        let clipped = (0..whole.rows).flat_map(|row| {
            let cells = whole.row(row).iter().enumerate();
            cells.filter(|(at, _)| !image.contains(at)).map(|(_, x)| *x)
        });
        prop_assert!(whole.data.iter().all(|x| x.is_finite()));
        prop_assert!(clipped.into_iter().all(|x| x.abs() <= 8.0));
    }

    #[test]
    fn an_encoder_survives_json_bit_by_bit(
        seed in prop::collection::vec((-1e6_f64..1e6, 0u32..100), 1..40),
    ) {
        let (columns, outputs) = mixed(&seed);
        let mut sources: Vec<Source> = columns.iter().map(Source::Column).collect();
        sources.push(Source::Plain(&outputs));
        let names = names(&["n", "b", "c", "t", "i", "p"]);
        let encoder = Encoder::fit(&names, &sources, &all(seed.len())).unwrap();
        let json = serde_json::to_string(&encoder).unwrap();
        let back: Encoder = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(&back, &encoder);
        prop_assert_eq!(serde_json::to_string(&back).unwrap(), json);
    }
}
