//! References, and nodes that do not fit together.

use crate::{GOOD, messages, wrong, wrong_after_good};

#[test]
fn an_unknown_node_names_the_nearest_known_one() {
    insta::assert_snapshot!(
        wrong_after_good("[expert.b]\ninputs = [\"fligths.hour\"]\ntarget = \"flights.x\"\n"),
        @r#"
    error: there is no data source or expert `fligths`
     --> pipelines/flights.toml:9:12
      |
    9 | inputs = ["fligths.hour"]
      |            ^^^^^^^ unknown node
      |
      = help: did you mean `flights`?
    "#
    );
}

#[test]
fn an_unknown_node_far_from_all_lists_the_known_ones() {
    insta::assert_snapshot!(
        wrong_after_good("[expert.b]\ninputs = [\"weather.wind\"]\ntarget = \"flights.x\"\n"),
        @r#"
    error: there is no data source or expert `weather`
     --> pipelines/flights.toml:9:12
      |
    9 | inputs = ["weather.wind"]
      |            ^^^^^^^ unknown node
      |
      = help: there are: `b`, `departure`, `flights`
    "#
    );
}

#[test]
fn a_reference_needs_a_node_and_a_part() {
    insta::assert_snapshot!(
        wrong_after_good(
            "[expert.b]\ninputs = [\"hour\", \"departure\", \"flights.\"]\ntarget = \"flights.x\"\n"
        ),
        @r#"
    error: `hour` is not a reference
     --> pipelines/flights.toml:9:11
      |
    9 | inputs = ["hour", "departure", "flights."]
      |           ^^^^^^ expected `source.column` or `expert.output`
      |
      = help: did you mean `flights.hour`?

    error: `departure` is not a reference
     --> pipelines/flights.toml:9:19
      |
    9 | inputs = ["hour", "departure", "flights."]
      |                   ^^^^^^^^^^^ expected `source.column` or `expert.output`
      |
      = help: say which output of `departure`: `departure.value`, `departure.probability`, `departure.logit`, `departure.label`, `departure.embedding`

    error: `flights.` names no column and no output
     --> pipelines/flights.toml:9:32
      |
    9 | inputs = ["hour", "departure", "flights."]
      |                                ^^^^^^^^^^ nothing behind the dot
    "#
    );
}

#[test]
fn a_prefix_in_a_reference_is_taken_away() {
    insta::assert_snapshot!(
        wrong_after_good(
            "[expert.b]\ninputs = [\"expert.departure.logit\"]\ntarget = \"flights.x\"\n"
        ),
        @r#"
    error: there is no data source or expert `expert`
     --> pipelines/flights.toml:9:12
      |
    9 | inputs = ["expert.departure.logit"]
      |            ^^^^^^ unknown node
      |
      = help: leave the prefix away: `departure.logit`
    "#
    );
}

#[test]
fn an_unknown_output_names_the_nearest_known_one() {
    insta::assert_snapshot!(
        wrong_after_good("[expert.b]\ninputs = [\"departure.logits\"]\ntarget = \"flights.x\"\n"),
        @r#"
    error: experts have no output `logits`
     --> pipelines/flights.toml:9:22
      |
    9 | inputs = ["departure.logits"]
      |                      ^^^^^^ unknown output
      |
      = help: did you mean `logit`?
    "#
    );
}

#[test]
fn an_output_must_be_one_that_the_task_has() {
    insta::assert_snapshot!(
        wrong_after_good(
            "task = \"classification\"\n\n[expert.b]\ninputs = [\"departure.value\"]\ntarget = \"flights.x\"\n"
        ),
        @r#"
    error: `departure` has no output `value`
      --> pipelines/flights.toml:11:22
       |
     8 | task = "classification"
       |        ---------------- `departure` does classification
    ...
    11 | inputs = ["departure.value"]
       |                      ^^^^^ not an output of classification
       |
       = help: it has `departure.probability`, `departure.logit`, `departure.label`, `departure.embedding`
    "#
    );
}

#[test]
fn one_expert_reads_one_data_source() {
    insta::assert_snapshot!(
        wrong_after_good(
            "[data.planes]\npath = \"planes.csv\"\n\n[expert.b]\n\
             inputs = [\"planes.seats\", \"departure.logit\"]\ntarget = \"planes.age\"\n"
        ),
        @r#"
    error: `b` reads two data sources, `planes` and `flights`
      --> pipelines/flights.toml:12:28
       |
    12 | inputs = ["planes.seats", "departure.logit"]
       |                            ^^^^^^^^^ `departure` works on the rows of `flights`
    13 | target = "planes.age"
       |          ------------ its rows are those of `planes`
       |
       = help: join them in one `[data.NAME]` with a `query`
    "#
    );
}

#[test]
fn an_expert_needs_inputs_and_a_target() {
    insta::assert_snapshot!(
        wrong_after_good("[expert.b]\n\n[expert.c]\ninputs = []\ntarget = \"departure.logit\"\n"),
        @r#"
    error: `b` has no target
     --> pipelines/flights.toml:8:9
      |
    8 | [expert.b]
      |         ^ no `target`
      |
      = help: add `target = "source.column"`: the column that it predicts

    error: `b` has no inputs
     --> pipelines/flights.toml:8:9
      |
    8 | [expert.b]
      |         ^ no `inputs`
      |
      = help: add `inputs = ["source.column", …]`: what it is given

    error: `c` has no inputs
      --> pipelines/flights.toml:11:10
       |
    11 | inputs = []
       |          ^^ empty

    error: `departure.logit` is no column
      --> pipelines/flights.toml:12:10
       |
    12 | target = "departure.logit"
       |          ^^^^^^^^^^^^^^^^^ `departure` is an expert
       |
       = help: a target is a column of a data source: `source.column`
    "#
    );
}

#[test]
fn an_input_is_given_once() {
    insta::assert_snapshot!(
        wrong_after_good(
            "[expert.b]\ninputs = [\"flights.hour\", \"flights.day\", \"flights.hour\"]\ntarget = \"flights.x\"\n"
        ),
        @r#"
    error: the input `flights.hour` is given twice
     --> pipelines/flights.toml:9:42
      |
    9 | inputs = ["flights.hour", "flights.day", "flights.hour"]
      |           --------------                 ^^^^^^^^^^^^^^ given a second time
      |           |
      |           first given here
    "#
    );
}

#[test]
fn a_target_among_the_inputs_is_a_leak() {
    insta::assert_snapshot!(
        wrong_after_good(
            "[expert.b]\ninputs = [\"flights.hour\", \"flights.x\"]\ntarget = \"flights.x\"\n"
        ),
        @r#"
    error: `b` is given what it is to predict
      --> pipelines/flights.toml:9:27
       |
     9 | inputs = ["flights.hour", "flights.x"]
       |                           ^^^^^^^^^^^ this is its target
    10 | target = "flights.x"
       |          ----------- the target
       |
       = help: take it out of `inputs`
    "#
    );
}

#[test]
fn a_circle_of_experts_is_shown_with_its_way() {
    insta::assert_snapshot!(
        wrong_after_good(
            "[expert.a]\ninputs = [\"c.logit\"]\ntarget = \"flights.x\"\n\
             [expert.b]\ninputs = [\"a.logit\", \"flights.hour\"]\ntarget = \"flights.x\"\n\
             [expert.c]\ninputs = [\"b.logit\"]\ntarget = \"flights.x\"\n"
        ),
        @r#"
    error: experts feed each other in a circle: `a` → `b` → `c` → `a`
      --> pipelines/flights.toml:12:11
       |
    12 | inputs = ["a.logit", "flights.hour"]
       |           ^^^^^^^^^ this closes the circle
       |
       = help: an expert can only read experts that do not depend on it
    "#
    );
}

#[test]
fn an_expert_cannot_read_itself() {
    insta::assert_snapshot!(
        wrong_after_good("[expert.a]\ninputs = [\"a.logit\"]\ntarget = \"flights.x\"\n"),
        @r#"
    error: `a` reads its own output
     --> pipelines/flights.toml:9:12
      |
    9 | inputs = ["a.logit"]
      |            ^ this is the expert itself
    "#
    );
}

#[test]
fn an_embedding_is_read_in_sample_or_not_at_all() {
    insta::assert_snapshot!(
        wrong_after_good("[expert.a]\ninputs = [\"departure.embedding\"]\ntarget = \"flights.x\"\n"),
        @r#"
    error: an embedding cannot be read out-of-fold
     --> pipelines/flights.toml:9:22
      |
    9 | inputs = ["departure.embedding"]
      |                      ^^^^^^^^^ each fold's fit has its own basis
      |
      = help: read `departure.logit` or another output whose coordinates mean the same in every fit, or set `upstream = "in-sample"` and accept that training rows look better than new ones
    "#
    );
    let held_out = format!(
        "{GOOD}[expert.a]\ninputs = [\"departure.embedding\"]\ntarget = \"flights.x\"\nupstream = \"held-out\"\n"
    );
    assert_eq!(messages(&held_out), ["an embedding cannot be read held-out"]);
    let in_sample = held_out.replace("held-out", "in-sample");
    assert_eq!(messages(&in_sample), [""; 0]);
}

#[test]
fn a_linear_model_has_no_embedding() {
    let text = format!(
        "{GOOD}model = {{ hidden = [] }}\n[expert.a]\ninputs = [\"departure.embedding\"]\n\
         target = \"flights.x\"\nupstream = \"in-sample\"\n"
    );
    assert_eq!(messages(&text), ["`departure` has no embedding"]);
}

#[test]
fn names_can_be_spelled_and_are_not_shared() {
    insta::assert_snapshot!(
        wrong_after_good(
            "[expert.flights]\ninputs = [\"flights.hour\"]\ntarget = \"flights.x\"\n\
             [expert.\"a b\"]\ninputs = [\"flights.hour\"]\ntarget = \"flights.x\"\n"
        ),
        @r#"
    error: `flights` is both a data source and an expert
     --> pipelines/flights.toml:8:9
      |
    2 | [data.flights]
      |       ------- by this data source
    ...
    8 | [expert.flights]
      |         ^^^^^^^ the name is taken
      |
      = help: references could not tell them apart: rename one of them

    error: `a b` cannot be the name of an expert
      --> pipelines/flights.toml:11:9
       |
    11 | [expert."a b"]
       |         ^^^^^ names are made of letters, digits, `_` and `-`
    "#
    );
}

#[test]
fn a_data_source_has_one_file_or_a_query() {
    insta::assert_snapshot!(
        wrong(
            "[data.a]\n[data.b]\npath = \"b.csv\"\ntables = { b = \"b.csv\" }\n\
             [data.c]\ntables = { x = \"x.csv\", y = \"y.csv\" }\n\
             [data.d]\npath = \"d/***.csv\"\nquery = \" \"\n"
        ),
        @r#"
    error: the data source `a` has no file
     --> pipelines/flights.toml:1:7
      |
    1 | [data.a]
      |       ^ neither `path` nor `tables`
      |
      = help: add `path = "FILE.csv"`, relative to the pipeline file

    error: `b` has both `path` and `tables`
     --> pipelines/flights.toml:3:8
      |
    3 | path = "b.csv"
      |        ^^^^^^^ `path` is for one file or glob
    4 | tables = { b = "b.csv" }
      |          --------------- `tables` for several

    error: `c` has several tables and no query
     --> pipelines/flights.toml:6:10
      |
    6 | tables = { x = "x.csv", y = "y.csv" }
      |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ 2 tables
      |
      = help: add `query = "SELECT … FROM … JOIN …"` that makes one table of them

    error: `d/***.csv` is not a glob pattern
     --> pipelines/flights.toml:8:13
      |
    8 | path = "d/***.csv"
      |             ^^^^^ wildcards are either regular `*` or recursive `**`

    error: `query` is empty
     --> pipelines/flights.toml:9:9
      |
    9 | query = " "
      |         ^^^ empty
    "#
    );
}

#[test]
fn a_requirement_has_a_grammar() {
    insta::assert_snapshot!(
        wrong_after_good("[evaluate]\nrequire = [\"departure is good\", \"auc >= 0.7\"]\n"),
        @r#"
    error: `departure is good` is not a requirement
     --> pipelines/flights.toml:9:12
      |
    9 | require = ["departure is good", "auc >= 0.7"]
      |            ^^^^^^^^^^^^^^^^^^^ no comparison: `>=`, `<=`, `>` or `<`
      |
      = help: write `expert.NAME SPLIT METRIC >= BOUND`, for example `expert.arrival test auc >= 0.70`

    error: `auc >= 0.7` is not a requirement
     --> pipelines/flights.toml:9:33
      |
    9 | require = ["departure is good", "auc >= 0.7"]
      |                                 ^^^^^^^^^^^^ expected an expert, a split and a metric before the comparison
      |
      = help: write `expert.NAME SPLIT METRIC >= BOUND`, for example `expert.arrival test auc >= 0.70`
    "#
    );
}

#[test]
fn every_word_of_a_requirement_is_checked() {
    insta::assert_snapshot!(
        wrong_after_good(
            "[evaluate]\nrequire = [\n  \"expert.depature tset acu >= high\",\n  \"departure test auc => 0.7\",\n  \"departure test auc >= 0.7\",\n]\n"
        ),
        @r#"
    error: there is no expert `depature`
      --> pipelines/flights.toml:10:4
       |
    10 |   "expert.depature tset acu >= high",
       |    ^^^^^^^^^^^^^^^ unknown expert
       |
       = help: did you mean `expert.departure`?

    error: there is no split `tset`
      --> pipelines/flights.toml:10:20
       |
    10 |   "expert.depature tset acu >= high",
       |                    ^^^^ unknown split
       |
       = help: did you mean `test`?

    error: there is no metric `acu`
      --> pipelines/flights.toml:10:25
       |
    10 |   "expert.depature tset acu >= high",
       |                         ^^^ unknown metric
       |
       = help: did you mean `auc`?

    error: `high` is no finite number
      --> pipelines/flights.toml:10:32
       |
    10 |   "expert.depature tset acu >= high",
       |                                ^^^^ expected a number

    error: `=>` is no comparison
      --> pipelines/flights.toml:11:23
       |
    11 |   "departure test auc => 0.7",
       |                       ^^ expected `>=`, `<=`, `>` or `<`

    error: `departure` is no expert
      --> pipelines/flights.toml:12:4
       |
    12 |   "departure test auc >= 0.7",
       |    ^^^^^^^^^ expected `expert.NAME`
       |
       = help: did you mean `expert.departure`?
    "#
    );
}

#[test]
fn a_metric_must_be_one_of_the_task() {
    insta::assert_snapshot!(
        wrong_after_good(
            "task = \"regression\"\n[evaluate]\nrequire = [\"expert.departure test auc >= 0.7\"]\n"
        ),
        @r#"
    error: `departure` has no `auc`
      --> pipelines/flights.toml:10:35
       |
    10 | require = ["expert.departure test auc >= 0.7"]
       |                                   ^^^ not a metric of regression
       |
       = help: there are `rmse`, `mae`, `r2`
    "#
    );
}

#[test]
fn a_baseline_is_listed_once() {
    let text = format!("{GOOD}[evaluate]\nbaselines = [\"linear\", \"linear\"]\n");
    assert_eq!(messages(&text), ["a baseline is listed twice"]);
}

#[test]
fn what_is_idle_is_a_warning_and_no_error() {
    let text = format!("{GOOD}folds = 3\n\n[data.spare]\npath = \"x.csv\"\n");
    assert_eq!(
        messages(&text),
        ["`folds` has no effect on `departure`", "no expert reads the data source `spare`"]
    );
    assert_eq!(
        messages("[pipeline]\nname = \"empty\"\n"),
        ["the pipeline has no experts: there is nothing to train"]
    );
}
