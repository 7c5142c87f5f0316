//! `audit.slices`.

use crate::{GOOD, messages, pipeline, wrong_after_good};

fn with(slices: &str) -> String {
    format!("{GOOD}\n[audit]\nslices = [{slices}]\n")
}

#[test]
fn a_slice_is_a_column_or_a_condition_of_one_data_source() {
    let read = pipeline(&with(
        "\"flights.origin\", \"flights.hour >= 20 and flights.origin <> 'x.y'\", 'not \"flights\".late'",
    ));
    let slices: Vec<(&str, Option<&str>)> = read
        .audit
        .slices
        .iter()
        .map(|slice| (slice.get_ref().data.as_str(), slice.get_ref().column()))
        .collect();
    // Whether what stands behind the dot is a column is known where the data are.
    let long = "hour >= 20 and flights.origin <> 'x.y'";
    assert_eq!(slices, [("flights", Some("origin")), ("flights", Some(long)), ("flights", None)]);
    assert!(pipeline(GOOD).audit.slices.is_empty(), "there are none unless told");
}

#[test]
fn a_slice_of_nothing_and_one_of_a_models_output_are_marked() {
    insta::assert_snapshot!(wrong_after_good("[audit]\nslices = [\"origin\"]\n"), @r#"
    error: `origin` names no data source
     --> pipelines/flights.toml:9:11
      |
    9 | slices = ["origin"]
      |           ^^^^^^^^ expected `source.column` or a condition on such columns
      |
      = help: did you mean `flights.origin`?
    "#);
    insta::assert_snapshot!(
        wrong_after_good("[audit]\nslices = [\"departure.probability > 0.5\"]\n"), @r#"
    error: `departure` is an expert
     --> pipelines/flights.toml:9:12
      |
    9 | slices = ["departure.probability > 0.5"]
      |            ^^^^^^^^^ expected a data source
      |
      = help: slices are made of columns of the data
    "#);
    assert_eq!(
        messages(&with("\"flights.a\", \"flights.a\", \" \"")),
        ["`flights.a` stands there twice", "`slices` is empty"]
    );
}
