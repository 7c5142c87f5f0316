//! Keys, types and numbers that a file cannot mean.

use crate::{GOOD, pipeline, wrong, wrong_after_good};

#[test]
fn an_unknown_key_names_the_nearest_known_one() {
    insta::assert_snapshot!(wrong_after_good("train = { learnig_rate = 0.1 }\n"), @r"
    error: unknown key `learnig_rate` in `expert.departure.train`
     --> pipelines/flights.toml:8:11
      |
    8 | train = { learnig_rate = 0.1 }
      |           ^^^^^^^^^^^^ unknown key
      |
      = help: did you mean `learning_rate`?
    ");
}

#[test]
fn an_unknown_key_far_from_all_lists_the_known_ones() {
    insta::assert_snapshot!(wrong("[pipeline]\nauthor = \"me\"\n"), @r#"
    error: unknown key `author` in `pipeline`
     --> pipelines/flights.toml:2:1
      |
    2 | author = "me"
      | ^^^^^^ unknown key
      |
      = help: the known keys are `name`, `format`, `seed`, `memory_limit`, `reads`, `sql_steps`, `sql_memory`, `preset`, `reuse`
    "#);
}

#[test]
fn an_unknown_section_is_an_unknown_key() {
    insta::assert_snapshot!(wrong_after_good("[evaluation]\nbaselines = []\n"), @r"
    error: unknown key `evaluation`
     --> pipelines/flights.toml:8:2
      |
    8 | [evaluation]
      |  ^^^^^^^^^^ unknown key
      |
      = help: did you mean `evaluate`?
    ");
}

#[test]
fn a_wrong_type_is_named_in_plain_words() {
    insta::assert_snapshot!(
        wrong_after_good("train = { epochs = \"many\", batch = 2.5, patience = -1 }\n"),
        @r#"
    error: `epochs` must be a whole number from 0 to 4294967295, not the text "many"
     --> pipelines/flights.toml:8:20
      |
    8 | train = { epochs = "many", batch = 2.5, patience = -1 }
      |                    ^^^^^^ expected a whole number from 0 to 4294967295

    error: `batch` must be a number of rows or `auto`, not 2.5
     --> pipelines/flights.toml:8:36
      |
    8 | train = { epochs = "many", batch = 2.5, patience = -1 }
      |                                    ^^^ expected a number of rows or `auto`

    error: `patience` must be a whole number from 0 to 4294967295, not -1
     --> pipelines/flights.toml:8:52
      |
    8 | train = { epochs = "many", batch = 2.5, patience = -1 }
      |                                                    ^^ expected a whole number from 0 to 4294967295
    "#
    );
}

#[test]
fn a_wrong_entry_of_a_list_is_marked_alone() {
    insta::assert_snapshot!(wrong_after_good("model = { hidden = [32, \"16\", 8] }\n"), @r#"
    error: an entry of `hidden` must be a whole number from 0 to 4294967295, not the text "16"
     --> pipelines/flights.toml:8:25
      |
    8 | model = { hidden = [32, "16", 8] }
      |                         ^^^^ expected a whole number from 0 to 4294967295
    "#);
}

#[test]
fn an_unknown_choice_names_the_nearest_known_one() {
    insta::assert_snapshot!(
        wrong_after_good("model = { type = \"mpl\", activation = \"sigmoid\" }\nupstream = \"oof\"\n"),
        @r#"
    error: `type` cannot be `mpl`
     --> pipelines/flights.toml:8:18
      |
    8 | model = { type = "mpl", activation = "sigmoid" }
      |                  ^^^^^ unknown choice
      |
      = help: did you mean `mlp`?

    error: `activation` cannot be `sigmoid`
     --> pipelines/flights.toml:8:38
      |
    8 | model = { type = "mpl", activation = "sigmoid" }
      |                                      ^^^^^^^^^ unknown choice
      |
      = help: choose one of `relu`, `tanh`, `gelu`, `silu`, `selu`, `mish`

    error: `upstream` cannot be `oof`
     --> pipelines/flights.toml:9:12
      |
    9 | upstream = "oof"
      |            ^^^^^ unknown choice
      |
      = help: choose one of `out-of-fold`, `held-out`, `in-sample`
    "#
    );
}

#[test]
fn class_weights_are_a_rule_or_a_table_of_positive_numbers() {
    insta::assert_snapshot!(wrong_after_good("train = { class_weights = \"balance\" }\n"), @r#"
    error: `class_weights` cannot be `balance`
     --> pipelines/flights.toml:8:27
      |
    8 | train = { class_weights = "balance" }
      |                           ^^^^^^^^^ unknown choice
      |
      = help: did you mean `balanced`?
    "#);
    insta::assert_snapshot!(
        wrong_after_good("train = { class_weights = { yes = 0, no = 1 } }\n"),
        @r"
    error: `class_weights.yes` must be a finite number above 0, not 0
     --> pipelines/flights.toml:8:35
      |
    8 | train = { class_weights = { yes = 0, no = 1 } }
      |                                   ^ must be a finite number above 0
    "
    );
}

#[test]
fn numbers_out_of_range_are_refused_as_they_are_written() {
    insta::assert_snapshot!(
        wrong_after_good(
            "folds = 1\nmodel = { hidden = [0], dropout = 1 }\n\
             train = { epochs = 0, batch = 0, learning_rate = nan, weight_decay = -inf }\n"
        ),
        @r"
    error: `folds` must be from 2 to 100, not 1
     --> pipelines/flights.toml:8:9
      |
    8 | folds = 1
      |         ^ must be from 2 to 100

    warning: `folds` has no effect on `departure`
     --> pipelines/flights.toml:8:9
      |
    8 | folds = 1
      |         ^ it reads no expert

    error: `hidden` must be from 1 to 65536, not 0
     --> pipelines/flights.toml:9:21
      |
    9 | model = { hidden = [0], dropout = 1 }
      |                     ^ must be from 1 to 65536

    error: `dropout` must be from 0 to below 1, not 1
     --> pipelines/flights.toml:9:35
      |
    9 | model = { hidden = [0], dropout = 1 }
      |                                   ^ must be from 0 to below 1

    error: `epochs` must be at least 1, not 0
      --> pipelines/flights.toml:10:20
       |
    10 | train = { epochs = 0, batch = 0, learning_rate = nan, weight_decay = -inf }
       |                    ^ must be at least 1

    error: `batch` must be at least 1, not 0
      --> pipelines/flights.toml:10:31
       |
    10 | train = { epochs = 0, batch = 0, learning_rate = nan, weight_decay = -inf }
       |                               ^ must be at least 1

    error: `learning_rate` must be a finite number above 0, not nan
      --> pipelines/flights.toml:10:50
       |
    10 | train = { epochs = 0, batch = 0, learning_rate = nan, weight_decay = -inf }
       |                                                  ^^^ must be a finite number above 0

    error: `weight_decay` must be a finite number of at least 0, not -inf
      --> pipelines/flights.toml:10:70
       |
    10 | train = { epochs = 0, batch = 0, learning_rate = nan, weight_decay = -inf }
       |                                                                      ^^^^ must be a finite number of at least 0
    "
    );
}

#[test]
fn a_split_must_sum_to_one_and_train_on_something() {
    insta::assert_snapshot!(wrong("[data.a]\npath = \"a.csv\"\nsplit = { train = 0.8 }\n"), @r"
    error: the shares of `split` sum to 1.1
     --> pipelines/flights.toml:3:9
      |
    3 | split = { train = 0.8 }
      |         ^^^^^^^^^^^^^^^ must sum to 1
      |
      = help: give all three: by default `valid` is 0.15 and `test` is 0.15
    ");
    insta::assert_snapshot!(
        wrong("[data.a]\npath = \"a.csv\"\nsplit = { train = 0, valid = 0.5, test = 0.5 }\n"),
        @r"
    error: `train` must be above 0 and at most 1, not 0
     --> pipelines/flights.toml:3:19
      |
    3 | split = { train = 0, valid = 0.5, test = 0.5 }
      |                   ^ must be above 0 and at most 1
    "
    );
}

#[test]
fn another_format_is_refused() {
    insta::assert_snapshot!(wrong("[pipeline]\nformat = 2\n"), @r"
    error: format 2 is not known
     --> pipelines/flights.toml:2:10
      |
    2 | format = 2
      |          ^ this version reads format 1
      |
      = help: a newer collegium may be able to read this file
    ");
}

#[test]
fn a_margin_is_of_a_metric_and_above_zero() {
    insta::assert_snapshot!(wrong("[audit]\nmargin = { acu = 0.01, log_loss = -1 }\n"), @r"
    error: there is no metric `acu`
     --> pipelines/flights.toml:2:12
      |
    2 | margin = { acu = 0.01, log_loss = -1 }
      |            ^^^ unknown metric
      |
      = help: did you mean `auc`?

    error: `margin.log_loss` must be a finite number above 0, not -1
     --> pipelines/flights.toml:2:35
      |
    2 | margin = { acu = 0.01, log_loss = -1 }
      |                                   ^^ must be a finite number above 0
    ");
    let pipeline =
        pipeline(&format!("{GOOD}[audit]\nmargin = {{ auc = 0.005, log_loss = 0.01 }}\n"));
    assert_eq!(pipeline.audit.margin.get("auc"), Some(&0.005));
    assert!(pipeline.with_defaults().contains("margin = { auc = 0.005, log_loss = 0.01 }"));
}

#[test]
fn audit_needs_rows_and_resamples() {
    insta::assert_snapshot!(wrong("[audit]\nrows = 0\nbootstrap = 1\n"), @r"
    error: `rows` must be at least 1, not 0
     --> pipelines/flights.toml:2:8
      |
    2 | rows = 0
      |        ^ must be at least 1

    error: `bootstrap` must be at least 2, not 1
     --> pipelines/flights.toml:3:13
      |
    3 | bootstrap = 1
      |             ^ must be at least 2
    ");
}
