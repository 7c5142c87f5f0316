//! `tune`: which settings of an expert are searched, and how found values are written into a file.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use collegium_manifest::{Setting, put_settings};

use super::{GOOD, pipeline, read};

fn free(lines: &str) -> Vec<String> {
    let pipeline = pipeline(&format!("{GOOD}{lines}\n"));
    let tune = pipeline.experts["departure"].tune.as_ref().unwrap_or_else(|| panic!("{lines}"));
    tune.free.iter().map(|setting| setting.key()).collect()
}

fn wrong(lines: &str) -> String {
    read(&format!("{GOOD}{lines}\n")).expect_err("there are errors").to_string()
}

#[test]
fn what_the_file_sets_is_not_searched() {
    let all = free("preset = \"default\"\ntune = {}");
    assert_eq!(all.len(), Setting::ALL.len());
    let some = free(
        "preset = \"default\"\ntune = {}\ntrain = { epochs = 3 }\nmodel = { hidden = [8] }\nencode.bins = 16",
    );
    assert_eq!(
        some,
        [
            "train.learning_rate",
            "train.weight_decay",
            "model.activation",
            "model.dropout",
            "encode.numbers",
            "encode.edges"
        ]
    );
    assert!(
        !free("tune = {}\ntrain = { optimizer = \"adam\" }")
            .contains(&"train.weight_decay".to_owned()),
        "of Adam it is another number"
    );
    let layers = free("tune = {}\nmodel = \"small\"");
    assert!(!layers.iter().any(|key| key.starts_with("model.")), "a blueprint is a whole model");
    let cheap = free("tune = { space = \"same-cost\" }");
    assert!(!cheap.iter().any(|key| key == "model.hidden" || key == "train.epochs"));
    let plain = free("tune = {}\nencode = { numbers = [\"standard\"] }");
    assert!(!plain.iter().any(|key| key.starts_with("encode.")), "bins of nothing");
}

#[test]
fn a_search_is_not_inherited() {
    let two = format!("{GOOD}tune = {{}}\n[expert.b]\nextends = \"expert.departure\"\n");
    let pipeline = pipeline(&two);
    assert!(pipeline.experts["departure"].tune.is_some());
    assert!(pipeline.experts["b"].tune.is_none());
}

#[test]
fn what_cannot_be_tuned_says_so_at_its_place() {
    insta::assert_snapshot!(wrong("tune = { trials = 1, seconds = 0 }"), @"
    error: `trials` must be from 2 to 1000, not 1
     --> pipelines/flights.toml:8:19
      |
    8 | tune = { trials = 1, seconds = 0 }
      |                   ^ must be from 2 to 1000

    error: `seconds` must be above 0, not 0
     --> pipelines/flights.toml:8:32
      |
    8 | tune = { trials = 1, seconds = 0 }
      |                                ^ must be above 0
    ");
    insta::assert_snapshot!(wrong("tune = {}\nmodel = { type = \"linear\" }"), @r#"
    error: `tune` does not apply to `departure`
     --> pipelines/flights.toml:8:8
      |
    8 | tune = {}
      |        ^^ a linear model has no settings to search
      |
      = help: remove it; only networks (`type = "mlp"`) are tuned
    "#);
    insta::assert_snapshot!(wrong("tune = {}\npin = \"0123456\""), @r#"
    error: `tune` does not go with `pin`
     --> pipelines/flights.toml:8:8
      |
    8 | tune = {}
      |        ^^ a search would train it
    9 | pin = "0123456"
      |       --------- this keeps it from being trained
      |
      = help: leave one of them away
    "#);
    insta::assert_snapshot!(wrong("tune = true"), @"
    error: `tune` must be a table, not true
     --> pipelines/flights.toml:8:8
      |
    8 | tune = true
      |        ^^^^ expected a table
    ");
    insta::assert_snapshot!(
        wrong("tune = { space = \"same-cost\" }\nmodel = \"small\"\ntrain = { learning_rate = 0.1, weight_decay = 0.1 }\nencode = { numbers = [\"standard\"] }"),
        @r#"
    error: there is nothing to search for `departure`
     --> pipelines/flights.toml:8:8
      |
    8 | tune = { space = "same-cost" }
      |        ^^^^^^^^^^^^^^^^^^^^^^^ the file sets everything that it would try
      |
      = help: remove `tune`, or one of the values that it is to find
    "#
    );
}

#[test]
fn every_setting_is_read_back_as_it_was_written() {
    let pipeline = pipeline(&format!("{GOOD}preset = \"default\"\n"));
    let expert = &pipeline.experts["departure"];
    for setting in Setting::ALL {
        let written = setting.written(expert).unwrap();
        let mut again = expert.clone();
        assert!(setting.set(&mut again, &written), "{written}");
        assert_eq!(setting.written(&again), Some(written));
        assert!(!setting.set(&mut again, "{"), "no TOML");
        assert_eq!(Setting::of(&setting.key()), Some(setting));
    }
}

/// The text that follows `[expert.a]`, with a step size and layers put in.
fn put(lines: &str) -> String {
    let values =
        [(Setting::LearningRate, "0.5".to_owned()), (Setting::Hidden, "[8, 4]".to_owned())];
    put_settings(&format!("[expert.a]\n{lines}"), "a", &values).unwrap()
}

#[test]
fn values_are_put_where_the_file_has_their_tables() {
    insta::assert_snapshot!(put("tune = { trials = 3 } # why\ntarget = \"t.y\" # kept\n"), @r#"
    [expert.a]
    model = { hidden = [8, 4] }
    train = { learning_rate = 0.5 }
    # why
    target = "t.y" # kept
    "#);
    insta::assert_snapshot!(put("train = { epochs = 3 } # kept\ntune.trials = 3\nmodel = {}\n"), @"
    [expert.a]
    train = { epochs = 3, learning_rate = 0.5 } # kept
    model = { hidden = [8, 4] }
    ");
    insta::assert_snapshot!(
        put("target = \"t.y\"\n\n[expert.a.train] # kept\nepochs = 3\n\n[expert.a.tune]\ntrials = 3\n\n[expert.b]\n"),
        @r#"
    [expert.a]
    target = "t.y"
    model = { hidden = [8, 4] }

    [expert.a.train] # kept
    learning_rate = 0.5
    epochs = 3


    [expert.b]
    "#
    );
    insta::assert_snapshot!(put("  train.epochs = 3\n  tune = {}\n"), @"
    [expert.a]
      train.learning_rate = 0.5
      train.epochs = 3
    model = { hidden = [8, 4] }
    ");
    // Whoever writes it reads it first; what is on one line with others is left to people.
    assert_eq!(put_settings("expert = { a = { tune = {} } }", "b", &[]), None);
}
