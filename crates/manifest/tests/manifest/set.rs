//! Values of the command line over those of the file.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{path::PathBuf, sync::Arc};

use collegium_learn::DECLARED;
use collegium_manifest::{Diagnostics, Loaded, Pipeline, SourceFile, parse};
use proptest::prelude::*;

use super::{GOOD, blueprint, pipeline};

/// A text with values set over it.
fn set(text: &str, overrides: &[&str]) -> Result<Loaded, Diagnostics> {
    let overrides: Vec<String> = overrides.iter().map(|one| (*one).to_owned()).collect();
    let source = SourceFile::new("pipelines/flights.toml", text).set_over(&overrides);
    parse(Arc::new(source), PathBuf::from("."), &DECLARED, &blueprint)
}

#[track_caller]
fn good(overrides: &[&str]) -> Pipeline {
    set(GOOD, overrides).unwrap_or_else(|errors| panic!("{errors}")).pipeline
}

fn wrong(overrides: &[&str]) -> String {
    set(GOOD, overrides).expect_err("there are errors").to_string()
}

/// What it means, without where it stands.
fn meant(pipeline: &Pipeline) -> String {
    pipeline.with_defaults()
}

#[test]
fn a_value_that_is_set_means_what_it_means_in_the_file() {
    let in_file = |line: &str| pipeline(&format!("{GOOD}{line}\n"));
    for (one, line) in [
        ("expert.departure.train.epochs=3", "train.epochs = 3"),
        ("expert.departure.train = { epochs = 3 }", "train.epochs = 3"),
        ("expert.\"departure\".'train'.epochs=3", "train.epochs = 3"),
        ("expert.departure.train.learning_rate=0.5", "train.learning_rate = 0.5"),
        ("expert.departure.train.schedule=constant", "train.schedule = \"constant\""),
        ("expert.departure.model=small", "model = \"small\""),
        ("expert.departure.where=flights.hour > 3", "where = \"flights.hour > 3\""),
        ("expert.departure.where=\"flights.hour = 3\"", "where = \"flights.hour = 3\""),
        ("pipeline.seed=7", "[pipeline]\nseed = 7"),
        ("data.flights.split.seed=9", "[data.flights.split]\nseed = 9"),
        ("evaluate.rotate=5", "[evaluate]\nrotate = 5"),
        (
            "evaluate.require=[\"expert.departure test auc >= 0.7\"]",
            "[evaluate]\nrequire = [\"expert.departure test auc >= 0.7\"]",
        ),
    ] {
        assert_eq!(meant(&good(&[one])), meant(&in_file(line)), "{one}");
    }
}

#[test]
fn the_last_one_counts_and_a_key_that_is_set_keeps_its_place_in_the_file() {
    let both = good(&["pipeline.seed=7", "pipeline.seed=8"]);
    assert_eq!(both.seed, 8);
    let text = format!(
        "{GOOD}train = {{ epochs = 2, batch = 16 }}\n[expert.later]\nextends = \"expert.departure\"\n"
    );
    let set = set(&text, &["expert.departure.train.epochs=9"]).unwrap().pipeline;
    let file = pipeline(&text.replace("epochs = 2", "epochs = 9"));
    assert_eq!(meant(&set), meant(&file), "what extends it has it too");
    assert_eq!(set.source.overrides().collect::<Vec<_>>(), ["expert.departure.train.epochs=9"]);
}

#[test]
fn the_caret_points_into_the_argument() {
    insta::assert_snapshot!(wrong(&["expert.departure.train.epochs=three"]), @r#"
    error: `epochs` must be a whole number from 0 to 4294967295, not the text "three"
     --> command line:1:37
      |
    1 | --set expert.departure.train.epochs=three
      |                                     ^^^^^ expected a whole number from 0 to 4294967295
    "#);
    insta::assert_snapshot!(wrong(&["pipeline.seed=1", "expert.departure.train.epoch=3"]), @r"
    error: unknown key `epoch` in `expert.departure.train`
     --> command line:2:30
      |
    2 | --set expert.departure.train.epoch=3
      |                              ^^^^^ unknown key
      |
      = help: did you mean `epochs`?
    ");
    insta::assert_snapshot!(wrong(&["expert.departure.train.learning_rate=-1"]), @r"
    error: `learning_rate` must be a finite number above 0, not -1
     --> command line:1:44
      |
    1 | --set expert.departure.train.learning_rate=-1
      |                                            ^^ must be a finite number above 0
    ");
    insta::assert_snapshot!(wrong(&["experts.departure.seed=1"]), @r"
    error: unknown key `experts`
     --> command line:1:7
      |
    1 | --set experts.departure.seed=1
      |       ^^^^^^^ unknown key
      |
      = help: did you mean `expert`?
    ");
    insta::assert_snapshot!(wrong(&["expert.departure.inputs=[\"flights.hour\", \"flihgts.day\"]"]), @r#"
    error: there is no data source or expert `flihgts`
     --> command line:1:49
      |
    1 | --set expert.departure.inputs=["flights.hour", "flihgts.day"]
      |                                                 ^^^^^^^ unknown node
      |
      = help: did you mean `flights`?
    "#);
}

#[test]
fn an_expert_that_is_not_there_is_not_made() {
    insta::assert_snapshot!(wrong(&["expert.depature.seed=1"]), @r"
    error: there is no expert `depature`
     --> command line:1:14
      |
    1 | --set expert.depature.seed=1
      |              ^^^^^^^^ unknown expert
      |
      = help: did you mean `departure`?
    ");
    insta::assert_snapshot!(wrong(&["gate.departure.seed=1"]), @r"
    error: there is no gate `departure`
     --> command line:1:12
      |
    1 | --set gate.departure.seed=1
      |            ^^^^^^^^^ unknown gate
      |
      = help: did you mean `expert.departure`?
    ");
    insta::assert_snapshot!(wrong(&["data.planes.path=planes.csv"]), @r"
    error: there is no data source `planes`
     --> command line:1:12
      |
    1 | --set data.planes.path=planes.csv
      |            ^^^^^^ unknown data source
      |
      = help: there are: `flights`
    ");
    insta::assert_snapshot!(wrong(&["expert={ other = { inputs = [\"flights.hour\"] } }"]), @r#"
    error: `expert` is not a value: `--set` takes one key of it
     --> command line:1:7
      |
    1 | --set expert={ other = { inputs = ["flights.hour"] } }
      |       ^^^^^^ expected a key of it
      |
      = help: as in `--set expert.NAME.seed=3`
    "#);
    insta::assert_snapshot!(wrong(&["expert.departure={}"]), @r"
    error: `expert.departure` is not a value: `--set` takes one key of it
     --> command line:1:7
      |
    1 | --set expert.departure={}
      |       ^^^^^^^^^^^^^^^^ expected a key of it
      |
      = help: as in `--set expert.departure.seed=3`
    ");
}

#[test]
fn what_has_no_form_is_refused_at_its_place() {
    insta::assert_snapshot!(wrong(&["expert.departure.seed"]), @r"
    error: `--set` wants a key and a value
     --> command line:1:28
      |
    1 | --set expert.departure.seed
      |                            ^ expected `=` and a value
      |
      = help: as in `--set expert.arrival.train.epochs=3`
    ");
    insta::assert_snapshot!(wrong(&["=3"]), @r"
    error: there is no key before `=`
     --> command line:1:7
      |
    1 | --set =3
      |       ^ expected a dotted key
      |
      = help: as in `expert.arrival.train.epochs`; a part with other signs than letters, digits, `_` and `-` stands in quotes
    ");
    insta::assert_snapshot!(wrong(&["pipeline seed=3"]), @r"
    error: this is not a key: key with no value, expected `=`
     --> command line:1:16
      |
    1 | --set pipeline seed=3
      |                ^ expected a dotted key
      |
      = help: as in `expert.arrival.train.epochs`; a part with other signs than letters, digits, `_` and `-` stands in quotes
    ");
    insta::assert_snapshot!(wrong(&["pipeline.seed="]), @r#"
    error: there is no value behind `=`
     --> command line:1:21
      |
    1 | --set pipeline.seed=
      |                     ^ expected a value
      |
      = help: an empty text is `""`; to take the file's own value, leave `--set` away
    "#);
    insta::assert_snapshot!(wrong(&["expert.departure.inputs=[flights.hour]"]), @r#"
    error: this is not TOML: invalid boolean, expected `false`
     --> command line:1:32
      |
    1 | --set expert.departure.inputs=[flights.hour]
      |                                ^^^^^^^^^^^^
      |
      = help: in lists and tables texts are in quotes, as in `--set 'expert.arrival.inputs=["flights.hour"]'`
    "#);
    insta::assert_snapshot!(wrong(&["expert.departure.train.learning_rate=-.5"]), @r"
    error: this is not TOML: a number begins with a digit
     --> command line:1:44
      |
    1 | --set expert.departure.train.learning_rate=-.5
      |                                            ^^^
      |
      = help: write `-0.5`
    ");
}

#[test]
fn a_key_below_a_value_is_refused_and_both_places_are_shown() {
    let text = format!("{GOOD}model = \"small\"\n");
    let found = set(&text, &["expert.departure.model.hidden=[4]"]).unwrap_err().to_string();
    insta::assert_snapshot!(found, @r#"
    error: `expert.departure.model` is a text, and has no keys
     --> command line:1:24
      |
    1 | --set expert.departure.model.hidden=[4]
      |                        ^^^^^ not a table
      |
     ::: pipelines/flights.toml:8:9
      |
    8 | model = "small"
      |         ------- it is set here
      |
      = help: set it whole, as in `--set 'expert.departure.model={ … }'`
    "#);
}

#[test]
fn errors_of_the_file_and_of_the_command_line_are_told_together() {
    let text = format!("{GOOD}seeed = 3\n");
    let found = set(&text, &["pipeline.seed=x", "pipeline.sql_steps=3"]).unwrap_err();
    let places: Vec<_> = found
        .iter()
        .filter_map(|one| one.place.as_ref())
        .map(|(file, span)| {
            (file.path_of(span.start).display().to_string(), file.line_column(span.start))
        })
        .collect();
    assert_eq!(
        places,
        [
            ("pipelines/flights.toml".to_owned(), (8, 1)),
            ("command line".to_owned(), (1, 21)),
            ("command line".to_owned(), (2, 26)),
        ]
    );
    assert_eq!(found.to_json()[1]["file"], "command line");
}

proptest! {
    #[test]
    fn no_argument_makes_reading_or_rendering_panic(
        text in "[a-z.=\"'\\[{}\\]\\\\# \\n0-9ü-]{0,24}", key in prop::bool::ANY,
    ) {
        let text = if key { format!("expert.departure.{text}") } else { text };
        if let Err(found) = set(GOOD, &[&text, "pipeline.seed=3"]) {
            prop_assert!(!found.to_string().is_empty());
        }
    }
}
