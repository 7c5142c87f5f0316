//! `tune`: a search for settings, whose values stay in the lock.

use std::fmt::Write as _;

use serde_json::Value;

use crate::project::{Project, all, fitted, noise, with_folds};

/// `kind` of the small project searches its settings: 4 trials, 600 rows, so out of fold.
const TUNE: &str = "tune = { trials = 4, space = \"same-cost\" }";

fn project() -> Project {
    let project = Project::new();
    let fixed = "target = \"rows.kind\"\nmodel  = { type = \"mlp\", hidden = [8] }\n\
                 train  = { epochs = 4, batch = 32, learning_rate = 0.01 }\n";
    let open = format!(
        "target = \"rows.kind\"\npreset = \"fast\"\ntrain = {{ epochs = 4, batch = 32 }} # short\n{TUNE}\n"
    );
    project.edit_pipeline(fixed, &open);
    project
}

/// The searches of a run: how many fits each of them executed.
fn searched(report: &Value) -> Vec<u64> {
    let none = Vec::new();
    let searches = report["searches"].as_array().unwrap_or(&none);
    searches.iter().map(|search| search["fits"].as_u64().unwrap()).collect()
}

fn tuned(project: &Project) -> Option<collegium_records::LockedTuned> {
    project.lock().node["expert.kind"].tuned.clone()
}

fn kind_and_final() -> Vec<String> {
    all(&[with_folds("kind"), vec!["final: full".to_owned()]])
}

#[test]
fn a_search_is_done_once_and_its_values_stay_whatever_changes() {
    let project = project();
    let first = project.run(&[]);
    // Four trials in five folds; a third of four epochs is too little, so there is one rung.
    assert_eq!(searched(&first), [20]);
    let locked = tuned(&project).unwrap();
    assert_eq!(locked.trials, 4);
    let again = project.run(&[]);
    assert_eq!((searched(&again), fitted(&again)), (vec![], vec![]));
    // Another column of its inputs: it is fitted with the values that it has.
    project.map_column("c", |cell| (cell.parse::<f64>().unwrap() * 0.5).to_string() + "1");
    let moved = project.run(&[]);
    assert_eq!((searched(&moved), fitted(&moved)), (vec![], kind_and_final()));
    assert_eq!(tuned(&project).unwrap(), locked);
    // Now all trials have other recipes; the folds of the one that it stands on are at hand.
    let anew = project.run(&["--retune"]);
    assert_eq!(searched(&anew), [15]);
    assert_ne!(tuned(&project).unwrap().search, locked.search);
    let same = project.run(&["--retune=kind"]);
    assert_eq!((searched(&same), fitted(&same)), (vec![0], vec![]));
    project.collegium(&["run", "--retune=size"]).fails(2, &["expert.size has no `tune`"]);
}

#[test]
fn a_lost_lock_costs_no_trial_again() {
    let project = project();
    project.run(&[]);
    let lock = project.read("pipelines/small.lock");
    std::fs::remove_file(project.path("pipelines/small.lock")).unwrap();
    let again = project.run(&[]);
    assert_eq!((searched(&again), fitted(&again)), (vec![0], vec![]));
    assert_eq!(project.read("pipelines/small.lock"), lock);
}

#[test]
fn another_search_is_done_anew_and_shares_its_trials() {
    let project = project();
    project.run(&[]);
    project.edit_pipeline("trials = 4", "trials = 5");
    let said = project.collegium(&["plan"]).ok().out;
    assert!(said.contains("its `tune` is another than the lock's"), "{said}");
    assert!(said.contains("5 trials, up to 25 fits"), "{said}");
    project.collegium(&["run", "--locked"]).fails(5, &["expert.kind: would be trained"]);
    project.collegium(&["audit"]).fails(2, &["not up to date: expert.kind"]);
    let anew = project.run(&[]);
    assert_eq!(searched(&anew), [5], "the first four trials are those of before");
    assert_eq!(tuned(&project).unwrap().trials, 5);
    // Rows that decided may be test rows now.
    project.edit_pipeline("train = 0.7, valid = 0.15", "train = 0.6, valid = 0.25");
    let said = project.collegium(&["plan"]).ok().out;
    assert!(said.contains("its `tune` is another than the lock's"), "{said}");
}

#[test]
fn one_job_and_four_jobs_leave_the_same_objects() {
    let (one, four) = (project(), project());
    one.run(&["--jobs", "1"]);
    four.run(&["--jobs", "4"]);
    assert_eq!(one.objects(), four.objects());
    assert_eq!(one.read("pipelines/small.lock"), four.read("pipelines/small.lock"));
}

#[test]
fn values_that_are_written_into_the_file_fit_nothing() {
    let project = project();
    let values = project.run(&[])["searches"][0]["values"].clone();
    let shown = project.collegium(&["show", "kind"]).ok().out;
    assert!(
        shown.contains("a search of 4 trials (in the lock) found train.learning_rate"),
        "{shown}"
    );
    let rate = values["train.learning_rate"].as_str().unwrap();
    assert!(shown.contains(&format!("learning_rate = {rate}")), "{shown}");
    let report = project.collegium(&["tune", "kind", "--write", "--json", "--quiet"]).ok().json();
    assert_eq!(report["nodes"][0]["searched"], false);
    assert_eq!(report["nodes"][0]["values"], values);
    assert_eq!(report["nodes"][0]["search"]["trials"].as_array().unwrap().len(), 4);
    let text = project.read("pipelines/small.toml");
    assert!(text.contains(" # short") && !text.contains("tune"), "{text}");
    assert!(fitted(&project.run(&[])).is_empty());
    assert_eq!(tuned(&project), None);
    project.collegium(&["tune", "kind"]).fails(2, &["expert.kind has no `tune`"]);
    project.collegium(&["status", "--check"]).ok();
}

#[test]
fn rotations_are_fitted_with_the_values_of_the_declared_split() {
    let project = project();
    project.edit_pipeline("[evaluate]\n", "[evaluate]\nrotate = 2\n");
    let first = project.run(&[]);
    assert_eq!(searched(&first), [20]);
    let fits = |report: &Value| {
        let nodes = report["rotated"]["nodes"].as_array().unwrap().clone();
        let fits = |node: &Value| node["fitted"].as_object().map_or(0, serde_json::Map::len);
        nodes.iter().map(fits).sum::<usize>()
    };
    assert_eq!(fits(&first), 6, "three experts in two rotations");
    project.map_column("unread", |level| format!("dark {level}"));
    let again = project.run(&[]);
    assert_eq!((searched(&again), fits(&again)), (vec![], 0));
    let said = project.collegium(&["plan", "--exit-code"]).ok().out;
    assert!(said.contains("all 3 experts up to date"), "{said}");
}

/// A table of 7,000 rows with a column that says their sides, whose test rows are moved.
fn large(moved: f64) -> Project {
    let project = Project::empty();
    let mut noise = noise(7);
    let mut text = "a,b,side,y\n".to_owned();
    for row in 0..7000 {
        let (a, b) = (noise(), noise());
        let side = ["train", "train", "train", "valid", "test"][row % 5];
        let off = if side == "test" { moved } else { 0.0 };
        writeln!(text, "{},{b},{side},{}", a + off, (9.0 * a).sin() + b + 0.1 * noise() + off)
            .unwrap();
    }
    project.write("pipelines/data/rows.csv", text);
    project.write(
        "pipelines/small.toml",
        "[data.rows]\npath = \"data/rows.csv\"\nsplit = { column = \"side\" }\n\n[expert.kind]\n\
         inputs = [\"rows.a\", \"rows.b\"]\ntarget = \"rows.y\"\npreset = \"fast\"\n\
         train.epochs = 30\ntune = { trials = 4 }\n\n[evaluate]\nbaselines = []\n",
    );
    project
}

#[test]
fn test_rows_move_no_trial_and_validation_rows_decide_where_there_are_many() {
    let (one, other) = (large(0.0), large(3.0));
    let first = one.run(&[]);
    // Two rungs: 4 trials of 10 epochs, then 2 of 30, and the untuned ones beside them.
    assert!((6..=7).contains(&searched(&first)[0]), "{}", first["searches"]);
    let (search, untuned) = (&first["searches"][0], &first["searches"][0]["untuned"]);
    assert!(search["loss"].as_f64().unwrap() <= untuned.as_f64().unwrap(), "{search}");
    // The search's recipe has those of all trials.
    other.run(&[]);
    let (one_tuned, other_tuned) = (tuned(&one).unwrap(), tuned(&other).unwrap());
    assert_eq!(one_tuned, other_tuned);
    let said = one.collegium(&["tune"]).ok().out;
    assert!(said.contains("squared error on 1400 validation rows"), "{said}");
    // Its fit is the winner's last one.
    assert_eq!(first["nodes"][0]["outcome"], "trained");
    assert!(fitted(&first).is_empty());
}

#[test]
fn seconds_become_a_number_of_trials_that_no_machine_and_no_average_moves() {
    let project = large(0.0);
    project.edit_pipeline("trials = 4", "trials = 50, seconds = 8");
    let plan = project.collegium(&["plan", "--json"]).ok().json();
    let trials = plan["nodes"][0]["search"]["trials"].as_u64().unwrap();
    assert!((2..50).contains(&trials), "{trials}");
    // A trial is a single model, whatever is deployed.
    project.edit_pipeline("preset = \"fast\"", "preset = \"fast\"\nmembers = 4");
    let plan = project.collegium(&["plan", "--json"]).ok().json();
    assert_eq!(plan["nodes"][0]["search"]["trials"], trials);
    project.edit_pipeline("seconds = 8", "seconds = 1");
    let plan = project.collegium(&["plan", "--json"]).ok().json();
    assert!(plan["nodes"][0]["search"]["trials"].as_u64().unwrap() < trials);
}

#[test]
fn an_audit_shows_what_was_tried() {
    let project = project();
    project.run(&[]);
    let report = project.collegium(&["audit", "kind", "--json", "--quiet"]).ok().json();
    let search = &report["nodes"][0]["search"];
    assert_eq!(search["trials"].as_array().unwrap().len(), 4, "{search}");
    assert_eq!(search["scored_on"], "out-of-fold");
    let optimism = &search["optimism"];
    assert!(optimism["corrected"].as_f64() >= optimism["chosen"].as_f64(), "{optimism}");
    project.collegium(&["audit", "kind", "--quiet"]).ok();
    let pages = project.files("");
    let page = pages.iter().find(|(name, _)| name.ends_with(".html")).unwrap().1;
    let page = String::from_utf8_lossy(page);
    assert!(page.contains("Settings that were tried") && page.contains("trained to the end"));
    // What the lock names is kept.
    project.collegium(&["gc", "--grace", "0"]).ok();
    let said = project.collegium(&["tune", "kind", "--quiet"]).ok().out;
    assert!(said.contains("4 trials, compared by"), "{said}");
}

#[test]
fn a_failing_search_is_the_failure_of_its_expert() {
    let project = project();
    project.map_column("kind", |_| "true".to_owned());
    let said = project.collegium(&["run", "--json", "--quiet"]);
    assert_eq!(said.code, 4, "{}", said.err);
    let report = said.json();
    let kind = crate::project::node(&report, "kind");
    assert_eq!(kind["outcome"], "failed");
    assert!(
        kind["error"].as_str().unwrap().contains("no trial of `tune` could be fitted"),
        "{kind}"
    );
}
