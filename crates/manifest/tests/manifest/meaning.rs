//! What a file without errors means: defaults, files, folders.

use std::{fs, path::Path};

use collegium_learn::DECLARED;
use collegium_manifest::{
    Baseline, Batch, ClassWeights, Comparator, Input, Output, Task, Upstream, load, project_root,
};

use crate::{GOOD, expert, pipeline};

#[test]
fn what_is_not_said_has_a_default() {
    let pipeline = pipeline(GOOD);
    assert_eq!(pipeline.name, "flights", "the file's name");
    assert_eq!(pipeline.seed, 0);
    assert_eq!(pipeline.evaluate.baselines, [Baseline::Majority, Baseline::Linear]);
    let data = &pipeline.data["flights"];
    assert_eq!(data.tables["flights"].get_ref(), "flights.csv", "one table named like the source");
    assert_eq!(data.missing, ["", "NA"]);
    assert_eq!((data.split.train, data.split.valid, data.split.test), (0.7, 0.15, 0.15));
    let departure = &pipeline.experts["departure"];
    assert_eq!(departure.data, "flights");
    assert_eq!((departure.upstream, departure.folds), (Upstream::OutOfFold, 5));
    assert_eq!((departure.train.epochs, departure.train.batch), (40, Batch::Auto));
    assert_eq!((departure.average.members, departure.encode.bins), (4, 32));
    assert_eq!(departure.train.class_weights, ClassWeights::None);
}

#[test]
fn an_experts_seed_is_the_pipelines_unless_told() {
    let text = format!(
        "[pipeline]\nseed = 7\n{GOOD}[expert.b]\nextends = \"expert.departure\"\nseed = 8\n"
    );
    assert_eq!(expert(&text, "departure").seed, 7);
    assert_eq!(expert(&text, "b").seed, 8);
}

#[test]
fn whole_numbers_are_numbers() {
    let text = format!("{GOOD}train = {{ learning_rate = 1 }}\n");
    assert_eq!(expert(&text, "departure").train.learning_rate, 1.0.into());
}

#[test]
fn a_columns_name_may_hold_dots_and_spaces() {
    let text = GOOD.replace("flights.hour", "flights.air temp. [K]");
    let column = Input::Column { data: "flights".into(), column: "air temp. [K]".into() };
    assert_eq!(expert(&text, "departure").inputs[0].get_ref(), &column);
}

#[test]
fn spans_point_at_what_is_written() {
    let pipeline = pipeline(GOOD);
    let departure = &pipeline.experts["departure"];
    let text = |span: std::ops::Range<usize>| &pipeline.source.text[span];
    assert_eq!(text(departure.name.span()), "departure");
    assert_eq!(text(departure.inputs[1].span()), "\"flights.distance\"");
    assert_eq!(text(departure.target.span()), "\"flights.departs_late\"");
}

#[test]
fn a_requirement_is_taken_apart_with_or_without_spaces() {
    let text = format!("{GOOD}[evaluate]\nrequire = [\"expert.departure valid log_loss<.5\"]\n");
    let pipeline = pipeline(&text);
    let require = pipeline.evaluate.require[0].get_ref();
    assert_eq!((require.expert.as_str(), require.split.as_str()), ("departure", "valid"));
    assert_eq!((require.metric.as_str(), require.bound), ("log_loss", 0.5));
    assert_eq!(require.comparison, Comparator::Below);
}

#[test]
fn a_task_knows_its_outputs() {
    assert!(Task::Regression.outputs().contains(&Output::Value));
    assert!(!Task::Classification.outputs().contains(&Output::Value));
    assert!(Output::ALL.iter().all(|output| {
        Task::Regression.outputs().contains(output)
            || Task::Classification.outputs().contains(output)
    }));
}

#[test]
fn the_project_root_is_the_nearest_folder_that_holds_pipelines() {
    let home = tempfile::tempdir().expect("a folder");
    let deep = home.path().join("pipelines/more");
    fs::create_dir_all(&deep).expect("folders");
    assert_eq!(project_root(&deep.join("a.toml")), home.path());
    assert_eq!(project_root(&home.path().join("a.toml")), home.path());
    let alone = tempfile::tempdir().expect("a folder");
    assert_eq!(project_root(&alone.path().join("a.toml")), alone.path());
}

#[test]
fn load_reads_the_file_and_its_blueprints() {
    let home = project();
    let file = home.path().join("pipelines/p.toml");
    let loaded = load(&file, &DECLARED).expect("no errors");
    assert!(loaded.warnings.is_empty());
    assert_eq!(loaded.pipeline.root, home.path());
    let mlp = loaded.pipeline.experts["departure"].model.layers().expect("a perceptron");
    assert_eq!(mlp.hidden, [5]);
}

#[test]
fn a_missing_file_or_blueprint_names_the_nearest_one() {
    let home = project();
    let said = load(&home.path().join("pipelines/q.toml"), &DECLARED).expect_err("it is not there");
    insta::assert_snapshot!(hide(&said.to_string(), home.path()), @r"
    error: cannot read `HOME/pipelines/q.toml`: there is no such file
     |
     = help: there are: `HOME/pipelines/p.toml`
    ");
    let file = home.path().join("pipelines/p.toml");
    fs::write(&file, format!("{GOOD}model = \"tinny\"\n")).expect("a file");
    let said = load(&file, &DECLARED).expect_err("no such blueprint");
    insta::assert_snapshot!(hide(&said.to_string(), home.path()), @r#"
    error: cannot read the blueprint `tinny`
     --> HOME/pipelines/p.toml:8:9
      |
    8 | model = "tinny"
      |         ^^^^^^^ there is no `models/tinny.toml`
      |
      = help: did you mean `tiny`?
    "#);
}

#[test]
fn a_file_that_is_not_utf8_is_shown_at_the_byte() {
    let home = project();
    let file = home.path().join("pipelines/p.toml");
    fs::write(&file, b"[pipeline]\nname = \"caf\xe9\"\n").expect("a file");
    let said = load(&file, &DECLARED).expect_err("not UTF-8");
    insta::assert_snapshot!(hide(&said.to_string(), home.path()), @r#"
    error: the file is not UTF-8
     --> HOME/pipelines/p.toml:2:12
      |
    2 | name = "caf�"
      |            ^ this byte
      |
      = help: save it in the encoding UTF-8
    "#);
}

fn project() -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(home.path().join("pipelines")).expect("a folder");
    fs::create_dir_all(home.path().join("models")).expect("a folder");
    fs::write(home.path().join("models/tiny.toml"), "hidden = [5]\n").expect("a file");
    let text = format!("{GOOD}model = \"tiny\"\n");
    fs::write(home.path().join("pipelines/p.toml"), text).expect("a file");
    home
}

fn hide(text: &str, folder: &Path) -> String {
    text.replace(&folder.display().to_string(), "HOME")
}
