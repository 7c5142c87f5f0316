//! Past runs side by side: `compare`, `log --metrics`.

use serde_json::Value;

use crate::{
    commands::out,
    project::{Project, node, rows},
};

const SPLIT: &str = "data.rows.split={ train = 0.65, valid = 0.15, test = 0.2, by = [\"id\"] }";

/// Three runs: as the file is, with five epochs, with other sides.
fn three() -> Project {
    let project = Project::ready();
    project.collegium(&["run", "-q", "--set", "expert.kind.train.epochs=5"]).ok();
    project.collegium(&["run", "-q", "--set", SPLIT]).ok();
    project
}

#[test]
fn runs_are_compared_expert_by_expert_with_the_settings_that_differ() {
    let project = three();
    insta::assert_snapshot!(without_figures(&out(&project, &["compare", "1", "2"])), @"
    run 1: ended TIME, # s
    run 2: ended TIME, # s, with `--set expert.kind.train.epochs=5`

    expert.size run 1 run 2
    R² # #
    fits 6 0
    CPU # s # s
    no setting of its fit differs

    expert.kind run 1 run 2
    AUC * # #
    fits 6 6
    CPU # s # s
    train.epochs 4 5

    expert.final run 1 run 2
    AUC # * #
    fits 1 1
    CPU # s # s
    other contents: inputs.kind.logit

    * the best of those that are compared
    ");
}

#[test]
fn what_cannot_be_compared_is_said_and_not_compared() {
    let project = three();
    // Another table.
    project.write("pipelines/data/rows.csv", rows(590));
    project.collegium(&["run", "-q"]).ok();
    let compared = project.collegium(&["compare", "1", "2", "3", "latest", "--json"]).ok().json();
    let why = |at: usize| node(&compared, "kind")["runs"][at]["not_compared"].clone();
    assert_eq!((why(0), why(1)), (Value::Null, Value::Null));
    assert_eq!(why(2), "other-test-rows", "the split is another");
    assert_eq!(why(3), "another-table");
    let said = out(&project, &["compare", "1", "3", "4"]);
    assert!(said.contains("run 3: not compared: other test rows\n"), "{said}");
    assert!(said.contains("run 4: not compared: another table\n"), "{said}");
    assert!(!said.contains("* "), "nothing is left to be better than: {said}");
}

#[test]
fn the_best_is_marked_and_a_run_that_did_not_come_to_an_expert_has_no_figure() {
    let project = three();
    project.collegium(&["run", "kind", "-q", "--set", "expert.kind.train.epochs=1"]).ok();
    let compared = project.collegium(&["compare", "1", "2", "latest", "--json"]).ok().json();
    let kind = node(&compared, "kind");
    let runs = kind["runs"].as_array().unwrap();
    let value = |run: &Value| run["headline"]["value"].as_f64().unwrap();
    let best = runs.iter().map(value).fold(f64::MIN, f64::max);
    for run in runs {
        assert_eq!(run["best"].as_bool().unwrap(), value(run) == best, "{run}");
    }
    assert_eq!(kind["metric"], "auc");
    assert_eq!(kind["contents"], serde_json::json!({}));
    assert_eq!(kind["settings"]["train.epochs"], serde_json::json!(["4", "5", "1"]));
    assert_eq!(node(&compared, "final")["runs"][2], Value::Null);
    assert_eq!(compared["runs"][2]["number"], 4);
    assert_eq!(compared["runs"][2]["overrides"], serde_json::json!(["expert.kind.train.epochs=1"]));
    let size = node(&compared, "size");
    assert_eq!(size["settings"], serde_json::json!({}));
    assert!(size["runs"].as_array().unwrap().iter().all(|run| run["best"] != true));
}

#[test]
fn runs_are_called_by_number_time_or_latest() {
    let project = three();
    let log = project.collegium(&["log", "--json"]).ok().json();
    let runs = log["runs"].as_array().unwrap();
    let numbers: Vec<u64> = runs.iter().map(|run| run["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 3]);
    let when = runs[1]["when"].as_str().unwrap();
    let by_number = project.collegium(&["compare", "2", "3"]).ok().out;
    assert_eq!(
        project.collegium(&["compare", when, "latest", "pipelines/small.toml"]).ok().out,
        by_number
    );
    let fails = |args: &[&str], needle: &str| {
        project.collegium(&[&["compare"], args].concat()).fails(2, &[needle]).explained();
    };
    fails(&["1"], "name two runs or more, as in `collegium compare 1 latest`");
    fails(&["1", "7"], "there is no run `7`: `collegium log` lists them, from 1 to 3");
    fails(&["1", "20"], "there is no run `20`");
    fails(&["3", "latest"], "`latest` is run 3, which is named already");
    fails(&["1", &when[..5]], "begins the time of several runs: 1, 2, 3");
    Project::new().collegium(&["compare", "1", "2"]).fails(2, &["there are no runs yet"]);
}

#[test]
fn the_log_has_a_table_of_the_figures_of_each_run() {
    let project = three();
    let said = out(&project, &["log", "--metrics"]);
    assert!(
        said.lines().all(|line| line.chars().count() <= 80 || line.starts_with("run ")),
        "{said}"
    );
    insta::assert_snapshot!(without_figures(&said), @r#"
    run ended size kind final
    R² AUC AUC
    1 # # # # #
    2 # # # # #
    3 # # # # #
    run 2: with `--set expert.kind.train.epochs=5`
    run 3: with `--set data.rows.split={ train = 0.65, valid = 0.15, test = 0.2, by = ["id"] }`
    "#);
    let json = project.collegium(&["log", "--metrics", "--json"]).ok().json();
    let log = project.collegium(&["log", "--json"]).ok().json();
    for (run, whole) in json["runs"].as_array().unwrap().iter().zip(log["runs"].as_array().unwrap())
    {
        assert_eq!(run["number"], whole["number"]);
        assert_eq!(run["figures"]["expert.kind"], node(&whole["run"], "kind")["headline"]);
    }
}

#[test]
fn experts_for_which_a_line_has_no_room_are_named() {
    let project = Project::forty();
    project.collegium(&["run", "-q"]).ok();
    let said = project.collegium(&["log", "--metrics"]).ok().out;
    let table: Vec<&str> = said.lines().take(3).collect();
    assert!(table.iter().all(|line| line.chars().count() <= 80), "{said}");
    let shown = table[0].split_whitespace().count() - 2;
    assert!(shown >= 4, "{said}");
    assert!(said.contains(&format!("no room for {} more experts (", 40 - shown)), "{said}");
    assert!(said.contains("l4n0), which `--json` has\n"), "{said}");
}

/// With times and figures as `#`.
fn without_figures(text: &str) -> String {
    let word = |word: &str| match word.starts_with("20") || word.contains(':') && word.len() == 8 {
        true => "#".to_owned(),
        false if word.contains('.') && word.parse::<f64>().is_ok() => "#".to_owned(),
        false => word.to_owned(),
    };
    let line = |line: &str| line.split_whitespace().map(word).collect::<Vec<_>>().join(" ");
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}
