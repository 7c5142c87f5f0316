//! `origin`, `origins` and `least_measured`: what a pipeline says of where its labels come from.

use collegium_manifest::{DataSource, Origin, Pipeline, SourceOrigin};

use crate::{messages, pipeline, wrong};

/// A data source of two tables with some lines more, and an expert.
fn with(lines: &str) -> String {
    format!(
        "[data.flights]\ntables = {{ flights = \"f.csv\", weather = \"w.csv\" }}\nquery = \"SELECT 1\"\n\
         {lines}\n\n[expert.late]\ninputs = [\"flights.hour\"]\ntarget = \"flights.late\"\n"
    )
}

fn source(lines: &str) -> DataSource {
    pipeline(&with(lines)).data.swap_remove("flights").expect("the source is there")
}

fn bounded(bound: &str) -> String {
    format!("{}[evaluate]\nleast_measured = {bound}\n", with(""))
}

#[test]
fn what_is_not_said_is_measured() {
    let source = source("");
    assert!(matches!(source.origin, SourceOrigin::Whole(Origin::Measured)));
    assert_eq!(source.origin_of("weather"), Origin::Measured);
    assert_eq!(pipeline(&with("")).evaluate.least_measured, None, "and there is no bound");
}

#[test]
fn a_table_may_differ_from_its_source() {
    let said = |lines: &str| {
        let source = source(lines);
        [source.origin_of("flights"), source.origin_of("weather")]
    };
    let (measured, synthetic) = (Origin::Measured, Origin::Synthetic);
    assert_eq!(said("origin = \"synthetic\""), [synthetic, synthetic]);
    assert_eq!(said("origins = { weather = \"synthetic\" }"), [measured, synthetic]);
    assert_eq!(
        said("origin = \"synthetic\"\norigins = { weather = \"measured\" }"),
        [synthetic, measured]
    );
}

#[test]
fn rows_may_say_it_one_by_one() {
    let source = source("origin = { column = \"by\", synthetic = [\"gpt\", \"old\"] }");
    let SourceOrigin::ByRow { column, synthetic } = &source.origin else { panic!("{source:?}") };
    let values: Vec<&str> = synthetic.iter().map(|value| value.get_ref().as_str()).collect();
    assert_eq!((column.get_ref().as_str(), values), ("by", vec!["gpt", "old"]));
    assert_eq!(source.origin_of("weather"), Origin::Measured, "the tables say nothing");
}

#[test]
fn a_bound_is_a_share() {
    let share = |pipeline: Pipeline| pipeline.evaluate.least_measured.map(|at| *at.get_ref());
    assert_eq!(share(pipeline(&bounded("0.5"))), Some(0.5));
    assert_eq!(share(pipeline(&bounded("0.0"))), Some(0.0));
    assert_eq!(share(pipeline(&bounded("1.0"))), Some(1.0));
    insta::assert_snapshot!(wrong(&bounded("1.5")), @r#"
    error: `least_measured` must be from 0 to 1, not 1.5
      --> pipelines/flights.toml:10:18
       |
    10 | least_measured = 1.5
       |                  ^^^ must be from 0 to 1
    "#);
    assert_eq!(messages(&bounded("nan")), ["`least_measured` must be from 0 to 1, not nan"]);
}

#[test]
fn an_unknown_word_names_the_nearest_known_one() {
    insta::assert_snapshot!(wrong(&with("origin = \"syntetic\"")), @r#"
    error: `origin` cannot be `syntetic`
     --> pipelines/flights.toml:4:10
      |
    4 | origin = "syntetic"
      |          ^^^^^^^^^^ unknown choice
      |
      = help: did you mean `synthetic`?
    "#);
    insta::assert_snapshot!(wrong(&with("origins = { weather = \"made up\" }")), @r#"
    error: `weather` cannot be `made up`
     --> pipelines/flights.toml:4:23
      |
    4 | origins = { weather = "made up" }
      |                       ^^^^^^^^^ unknown choice
      |
      = help: choose one of `measured`, `synthetic`
    "#);
    insta::assert_snapshot!(wrong(&with("origin = 3")), @r#"
    error: `origin` must be `measured`, `synthetic` or a table such as `{ column = "source", synthetic = ["model"] }`, not 3
     --> pipelines/flights.toml:4:10
      |
    4 | origin = 3
      |          ^ expected `measured`, `synthetic` or a table such as `{ column = "source", synthetic = ["model"] }`
    "#);
}

#[test]
fn an_unknown_table_names_the_nearest_known_one() {
    insta::assert_snapshot!(wrong(&with("origins = { wether = \"synthetic\" }")), @r#"
    error: there is no table `wether`
     --> pipelines/flights.toml:4:13
      |
    4 | origins = { wether = "synthetic" }
      |             ^^^^^^ unknown table
      |
      = help: did you mean `weather`?
    "#);
}

#[test]
fn an_origin_by_row_needs_a_column_and_its_values() {
    insta::assert_snapshot!(wrong(&with("origin = { synthetic = [\"gpt\"] }")), @r#"
    error: `origin` has no `column`
     --> pipelines/flights.toml:4:10
      |
    4 | origin = { synthetic = ["gpt"] }
      |          ^^^^^^^^^^^^^^^^^^^^^^^ `column` is missing
      |
      = help: name a column and its values that mean that a model made the row: `origin = { column = "source", synthetic = ["model"] }`
    "#);
    assert_eq!(messages(&with("origin = { column = \"by\" }")), ["`origin` has no `synthetic`"]);
    insta::assert_snapshot!(wrong(&with("origin = { column = \"by\", synthetic = [] }")), @r#"
    error: `synthetic` names no value
     --> pipelines/flights.toml:4:39
      |
    4 | origin = { column = "by", synthetic = [] }
      |                                       ^^ empty
      |
      = help: leave `origin` away: every row is measured then
    "#);
    assert_eq!(
        messages(&with("origin = { column = \"by\", synthetic = [\"gpt\", \"gpt\"] }")),
        ["`gpt` is listed twice in `synthetic`"]
    );
    assert_eq!(
        messages(&with("origin = { colum = \"by\", synthetic = [\"gpt\"] }")),
        ["unknown key `colum` in `data.flights.origin`"],
        "a misspelt key is not missing, too"
    );
}
