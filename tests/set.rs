//! `--set KEY=VALUE`: values of the command line over those of the pipeline file.

use std::{thread::sleep, time::Duration};

use crate::{
    commands::{out, without_costs},
    project::{Project, fitted, node},
};

const EPOCHS: &str = "--set=expert.kind.train.epochs=5";

/// An argument as two words.
fn set<'a>(command: &[&'a str], one: &'a str) -> Vec<&'a str> {
    [command, &["--set", one]].concat()
}

#[test]
fn a_run_with_a_value_set_makes_the_models_of_a_file_that_says_it() {
    let (one, other) = (Project::new(), Project::new());
    let set = one.run(&set(&[], "expert.kind.train.epochs=5"));
    other.edit("pipelines/small.toml", KIND, &KIND.replace("epochs = 4", "epochs = 5"));
    let file = other.run(&[]);
    for name in ["size", "kind", "final"] {
        for key in ["recipe", "realisation", "metrics"] {
            assert_eq!(node(&set, name)[key], node(&file, name)[key], "{name} {key}");
        }
    }
    assert_eq!(set["overrides"], serde_json::json!(["expert.kind.train.epochs=5"]));
    assert_eq!(file.get("overrides"), None);
    // The same values are found by whoever writes them into the file.
    one.edit("pipelines/small.toml", KIND, &KIND.replace("epochs = 4", "epochs = 5"));
    assert!(fitted(&one.run(&[])).is_empty());
    assert_eq!(one.read("pipelines/small.lock"), other.read("pipelines/small.lock"));
}

const KIND: &str =
    "target = \"rows.kind\"\nmodel  = { type = \"mlp\", hidden = [8] }\ntrain  = { epochs = 4";

#[test]
fn a_plan_prices_what_is_set_and_then_what_going_back_costs() {
    let project = Project::new();
    project.collegium(&["run", "-q", EPOCHS]).ok();
    project.collegium(&["plan", "--exit-code", EPOCHS]).ok();
    project.collegium(&["plan", "--exit-code"]).fails(5, &[]);
    insta::assert_snapshot!(without_costs(&out(&project, &["plan", EPOCHS])), @"small: all 3 experts up to date");
    insta::assert_snapshot!(without_costs(&out(&project, &["plan"])), @r"
    node action fits CPU memory why
    expert.kind train 6 # s (# s to # s) # KiB train.epochs 5 → 4
    expert.final may train 1 # s (# s to # s) # KiB upstream kind decides

    1 expert cached, 7 fits to do, # s (# s to # s) of CPU
    ");
    insta::assert_snapshot!(out(&project, &["why", "kind"]), @r"
    expert.kind: will be fitted: its recipe changed
    ingredient    before  after  drift (sd)  by its AGOP
    train.epochs  5       4
    ");
    let more = ["plan", "kind", EPOCHS, "--set", "expert.kind.train.batch=16"];
    insta::assert_snapshot!(without_costs(&out(&project, &more)), @r"
    node action fits CPU memory why
    expert.kind train 1 # s (# s to # s) # KiB train.batch 32 → 16

    0 experts cached, 1 fit to do, # s (# s to # s) of CPU
    ");
}

#[test]
fn run_log_and_status_say_what_was_set() {
    let project = Project::ready();
    let said = project.collegium(&["run", "-q", EPOCHS]).ok();
    assert!(
        said.out.contains(
            "note: run with `--set expert.kind.train.epochs=5`, which the pipeline file does not say\n"
        ),
        "{}",
        said.out
    );
    insta::assert_snapshot!(without_costs(&out(&project, &["log"])), @"
    run ended time fits what
    1 TIME # s 13 trained size (R² 0.979), kind (AUC 0.972), final (AUC 0.939)
    2 TIME # s 7 trained kind (AUC 0.966), final (AUC 0.942); with `--set expert.kind.train.epochs=5`
    ");
    insta::assert_snapshot!(without_costs(&out(&project, &["status"])), @r"
    node state model fitted why
    expert.size fresh DIGEST TIME
    expert.kind fresh DIGEST TIME
    expert.final fresh DIGEST TIME
    lock: written with `--set expert.kind.train.epochs=5`, over the pipeline file
    ");
    insta::assert_snapshot!(without_costs(&out(&project, &["status", "--check"])), @r"
    small: the lock holds together (3 fitted)
    lock: written with `--set expert.kind.train.epochs=5`, over the pipeline file
    ");
    let status = project.collegium(&["status", "--json"]).ok().json();
    let expected = serde_json::json!(["expert.kind.train.epochs=5"]);
    assert_eq!(node(&status, "kind")["overrides"], expected);
    assert!(
        project
            .read("pipelines/small.lock")
            .contains("\noverrides = [\"expert.kind.train.epochs=5\"]\n")
    );
    // Of a run of one expert the others' blocks are as they were.
    project.collegium(&["run", "size", "-q"]).ok();
    insta::assert_snapshot!(without_costs(&out(&project, &["status", "--check"])), @r"
    small: the lock holds together (3 fitted)
    lock: expert.kind, expert.final written with `--set expert.kind.train.epochs=5`, over the pipeline file
    ");
    // Back to the file: nothing is said any more.
    project.collegium(&["run", "-q"]).ok();
    assert!(!project.collegium(&["status"]).ok().out.contains("--set"));
    assert!(!project.read("pipelines/small.lock").contains("overrides"));
}

#[test]
fn a_locked_run_keeps_a_lock_of_other_values() {
    let project = Project::ready();
    project
        .collegium(&["run", "--locked", "-q", EPOCHS])
        .fails(5, &["expert.kind: would be trained"]);
    project.collegium(&["run", "-q", EPOCHS]).ok();
    project.collegium(&["run", "--locked", "-q", EPOCHS]).ok();
    project.collegium(&["run", "--locked", "-q"]).fails(5, &["expert.kind"]);
}

#[test]
fn the_short_way_is_taken_only_for_the_same_values() {
    let project = Project::ready();
    // A file's times are trusted once they are two seconds old.
    sleep(Duration::from_millis(2100));
    project.run(&[]);
    let short = |args: &[&str]| {
        let report = project.run(args);
        let store = collegium_store::Store::open(project.root()).unwrap();
        let last = store.last_runs(1).unwrap().pop().unwrap().1;
        (report, last.nodes.is_empty(), last.overrides)
    };
    assert!(short(&[]).1, "nothing has changed");
    let (report, taken, _) = short(&[EPOCHS]);
    assert!(!taken && !fitted(&report).is_empty());
    let (report, taken, logged) = short(&[EPOCHS]);
    assert!(taken, "the same values again");
    assert_eq!(logged, ["expert.kind.train.epochs=5"]);
    assert_eq!(report["overrides"], serde_json::json!(logged));
    let (report, taken, _) = short(&[]);
    assert!(!taken && fitted(&report).is_empty(), "the first models are at hand");
    assert!(short(&[]).1);
}

#[test]
fn what_is_wrong_with_an_argument_is_shown_in_it() {
    let project = Project::ready();
    let lock = project.read("pipelines/small.lock");
    let said = |one: &str| project.collegium(&set(&["run", "-q"], one));
    let one = said("expert.kind.train.epochs=three");
    insta::assert_snapshot!(one.fails(3, &[]).err, @r#"
    error: `epochs` must be a whole number from 0 to 4294967295, not the text "three"
     --> command line:1:32
      |
    1 | --set expert.kind.train.epochs=three
      |                                ^^^^^ expected a whole number from 0 to 4294967295
    "#);
    insta::assert_snapshot!(said("expert.knd.train.epochs=3").fails(3, &[]).err, @r"
    error: there is no expert `knd`
     --> command line:1:14
      |
    1 | --set expert.knd.train.epochs=3
      |              ^^^ unknown expert
      |
      = help: did you mean `kind`?
    ");
    // What only the data can prove wrong, too.
    insta::assert_snapshot!(said("expert.kind.inputs=[\"rows.b\", \"rows.bb\"]").fails(3, &[]).err, @r#"
    error: data source `rows` has no column `bb`
     --> command line:1:37
      |
    1 | --set expert.kind.inputs=["rows.b", "rows.bb"]
      |                                     ^^^^^^^^^ no such column
      |
      = help: did you mean `rows.b`?
    "#);
    insta::assert_snapshot!(said("expert.kind.where=bb > 3").fails(3, &[]).err, @r"
    error: no such column: bb
     --> command line:1:25
      |
    1 | --set expert.kind.where=bb > 3
      |                         ^^
      |
      = help: did you mean `b`?
    ");
    insta::assert_snapshot!(said("data.rows.path=data/row.csv").fails(3, &[]).err, @r"
    error: pipelines/data/row.csv: there is no such file
     --> command line:1:22
      |
    1 | --set data.rows.path=data/row.csv
      |                      ^^^^^^^^^^^^
      |
      = help: did you mean `rows.csv`?
    ");
    assert_eq!(project.read("pipelines/small.lock"), lock);
    let found = project.collegium(&["check", "--json", "--set", "expert.kind.train.epochs=three"]);
    let found = found.fails(3, &[]).json();
    assert_eq!(found["diagnostics"][0]["file"], "command line");
    assert_eq!(found["diagnostics"][0]["column"], 32);
}

#[test]
fn a_repair_makes_again_what_was_made_with_values_set() {
    let project = Project::ready();
    project.collegium(&["run", "-q", EPOCHS]).ok();
    let lock = project.read("pipelines/small.lock");
    project.lose(&project.lock().node["expert.kind"].realisation);
    let repaired = project.collegium(&["verify", "--repair", "--json"]).ok().json();
    assert_eq!(repaired["repaired"][0]["fitted"]["expert.kind"], serde_json::json!(["full"]));
    assert_eq!(project.read("pipelines/small.lock"), lock);
}

#[test]
fn every_command_that_looks_at_a_pipeline_takes_it() {
    let project = Project::ready();
    project.collegium(&["run", "-q", EPOCHS]).ok();
    let shown = project.collegium(&["show", "kind", EPOCHS]).ok().out;
    assert!(shown.contains("epochs = 5"), "{shown}");
    project.collegium(&["check", EPOCHS]).ok();
    let status = project.collegium(&["status", EPOCHS]).ok().out;
    assert!(!status.contains("stale"), "{status}");
    project.collegium(&["why", "kind", EPOCHS]).ok();
    project.collegium(&["audit", "-n", EPOCHS]).ok();
    let lock = project.read("pipelines/small.lock");
    let table = "pipelines/data/rows.csv";
    project.collegium(&["predict", "--locked", "-i", table, "-o", "out.csv", "-q", EPOCHS]).ok();
    project.collegium(&["evaluate", "--locked", "-i", table, "-q", EPOCHS]).ok();
    assert_eq!(project.read("pipelines/small.lock"), lock);
    project.collegium(&["gc", EPOCHS]).fails(2, &["unexpected argument '--set'"]);
}
