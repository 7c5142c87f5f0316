//! The positive class and the threshold of two classes: what is measured and written, and that nothing is fitted for them.

use serde_json::Value;

use crate::{
    predict::csv,
    project::{Project, node},
};

/// Test rows as `predict` writes them: probability of `true`, label, truth.
fn test_rows(project: &Project) -> Vec<(f64, bool, bool)> {
    project.collegium(&["predict", "--side", "test", "kind", "-o", "own.csv"]).ok();
    let own = csv(&project.read("own.csv"));
    let probability = own["kind.probability"].iter().map(|p| p.parse().unwrap());
    let rest = own["kind.label"].iter().zip(&own["kind"]);
    probability.zip(rest).map(|(p, (label, truth))| (p, label == "true", truth == "true")).collect()
}

/// Precision, recall and F1 of a class, by hand.
fn by_hand(rows: &[(f64, bool, bool)], positive: bool) -> [f64; 3] {
    let count = |f: &dyn Fn(bool, bool) -> bool| {
        rows.iter().filter(|(_, said, is)| f(*said == positive, *is == positive)).count() as f64
    };
    let right = count(&|said, is| said && is);
    let (claimed, actual) = (count(&|said, _| said), count(&|_, is| is));
    [right / claimed, right / actual, 2.0 * right / (claimed + actual)]
}

#[track_caller]
fn agree(measured: &Value, by_hand: [f64; 3]) {
    for (name, by_hand) in ["precision", "recall", "f1"].into_iter().zip(by_hand) {
        let value = measured[name].as_f64().unwrap();
        assert!((value - by_hand).abs() < 1e-12, "{name}: {value} and {by_hand}");
    }
}

fn audited(project: &Project) -> Value {
    let audit = project.collegium(&["audit", "kind", "--json", "-q"]).ok().json();
    node(&audit, "kind").clone()
}

#[test]
fn precision_recall_and_f1_are_of_the_positive_class_at_the_threshold() {
    let project = Project::ready();
    let plain = audited(&project);
    assert_eq!(plain["decided"]["positive"], "true");
    assert_eq!(plain["decided"]["by"], "default");
    agree(&plain["metrics"]["test"]["metrics"], by_hand(&test_rows(&project), true));

    project.to_kind("positive = \"false\"\nthreshold = 0.3");
    assert_eq!(project.fitted(), Vec::<String>::new());
    let changed = audited(&project);
    let rows = test_rows(&project);
    assert!(rows.iter().all(|(p, label, _)| *label == (1.0 - *p <= f64::from(0.3_f32))));
    agree(&changed["metrics"]["test"]["metrics"], by_hand(&rows, false));
    assert_eq!(changed["decided"]["positive"], "false");
    assert_eq!(changed["performance"]["curves"]["roc"][0]["class"], "false");
    // What does not depend on it stays as it was.
    for metric in ["auc", "log_loss", "brier"] {
        let of = |audit: &Value| audit["metrics"]["test"]["metrics"][metric].as_f64().unwrap();
        assert!((of(&plain) - of(&changed)).abs() < 1e-9, "{metric}");
    }
}

/// The choice is made on validation rows: no other threshold does better there.
#[test]
fn a_threshold_is_chosen_on_validation_rows() {
    let project = Project::ready();
    project.to_kind("threshold = { false_positive = 1, false_negative = 9 }");
    assert_eq!(project.fitted(), Vec::<String>::new());
    let chosen = audited(&project)["decided"].clone();
    let threshold = chosen["threshold"].as_f64().unwrap();
    project.collegium(&["predict", "--side", "valid", "kind", "-o", "valid.csv"]).ok();
    let own = csv(&project.read("valid.csv"));
    let rows: Vec<(f64, bool)> = own["kind.probability"]
        .iter()
        .zip(&own["kind"])
        .map(|(p, truth)| (p.parse().unwrap(), truth == "true"))
        .collect();
    assert_eq!(chosen["rows"], rows.len());
    let cost = |threshold: f64| -> u32 {
        let of = |(p, is): &(f64, bool)| match (*p > threshold, is) {
            (true, false) => 1,
            (false, true) => 9,
            _ => 0,
        };
        rows.iter().map(of).sum()
    };
    let least = rows.iter().map(|(p, _)| cost(*p)).min().unwrap();
    assert_eq!(cost(threshold), least);
    assert_ne!(threshold, 0.5);
    // New rows are decided by the same threshold.
    project.collegium(&["predict", "-i", "pipelines/data/rows.csv", "kind", "-o", "new.csv"]).ok();
    let new = csv(&project.read("new.csv"));
    for (p, label) in new["kind.probability"].iter().zip(&new["kind.label"]) {
        assert_eq!(p.parse::<f64>().unwrap() > threshold, label == "true");
    }
}

#[test]
fn a_threshold_moves_nothing_that_other_experts_read() {
    let project = Project::new();
    project.edit_pipeline("kind.logit", "kind.label");
    project.collegium(&["run", "-q"]).ok();
    project.to_kind("threshold = { recall = 0.99 }");
    assert_eq!(project.fitted(), Vec::<String>::new());
    let plan = project.collegium(&["plan", "--json", "-q"]).ok().json();
    assert!(plan["nodes"].as_array().unwrap().iter().all(|node| node["action"] == "cached"));
}

/// What was chosen for a model holds for it: rows that come later are predicted by the model of the lock and its threshold.
#[test]
fn a_chosen_threshold_stands_with_its_model_although_rows_came() {
    let project = Project::ready();
    project.to_kind("threshold = { false_positive = 1, false_negative = 9 }");
    assert_eq!(project.fitted(), Vec::<String>::new());
    let rows = project.read("pipelines/data/rows.csv");
    project.write("new.csv", &rows);
    let labels = || {
        project.collegium(&["predict", "-i", "new.csv", "kind", "-o", "out.csv"]).ok();
        csv(&project.read("out.csv"))["kind.label"].clone()
    };
    let before = labels();
    let last = rows.lines().last().unwrap();
    let (_, cells) = last.split_once(',').unwrap();
    project.write("pipelines/data/rows.csv", format!("{rows}99999,{cells}\n"));
    assert_eq!(labels(), before);
    project.collegium(&["gc"]).ok();
    assert_eq!(labels(), before);
}

/// A metric without an input is compared with the expert's own, which is decided by the same threshold.
#[test]
fn changed_inputs_are_measured_at_the_threshold_of_the_expert() {
    for threshold in ["0.3", "{ false_positive = 1, false_negative = 9 }"] {
        let project = Project::new();
        project.to_kind(&format!("positive = \"false\"\nthreshold = {threshold}"));
        project.collegium(&["run", "-q"]).ok();
        let audit = audited(&project);
        let test = &audit["metrics"]["test"];
        let cues = audit["probe"]["cues"].as_array().unwrap();
        assert!(!cues.is_empty());
        for cue in cues {
            assert_eq!(cue["rows"], test["rows"]);
            for metric in ["accuracy", "f1", "precision", "recall"] {
                let (own, before) = (&test["metrics"][metric], &cue["permuted"][metric]["before"]);
                let both = [own, before].map(|value| value.as_f64().unwrap());
                assert!((both[0] - both[1]).abs() < 1e-12, "{threshold}, {metric}: {both:?}");
            }
        }
    }
}

#[test]
fn recall_and_precision_may_be_required() {
    let project = Project::new();
    project.edit_pipeline(
        "baselines = []",
        "baselines = []\nrequire = [\"expert.kind test recall >= 0.9\", \"expert.kind test precision >= 0.999\"]",
    );
    project.to_kind("threshold = { recall = 0.97 }");
    let said = project.collegium(&["run"]).fails(6, &[]);
    assert!(said.out.contains("require expert.kind test recall >= 0.9: met"), "{}", said.out);
    assert!(
        said.out.contains("require expert.kind test precision >= 0.999: NOT MET"),
        "{}",
        said.out
    );
}

#[test]
fn prediction_with_a_threshold_that_no_run_has_chosen_says_to_run() {
    let project = Project::ready();
    project.to_kind("threshold = \"f1\"");
    project
        .collegium(&["predict", "-i", "pipelines/data/rows.csv", "-o", "new.csv"])
        .fails(2, &["the `threshold` of expert.kind was not chosen yet; run `collegium run kind`"]);
    assert!(!project.path("new.csv").exists());
}

#[test]
fn keys_that_say_nothing_of_the_target_are_refused() {
    let refused = |lines: &str, needles: &[&str]| {
        let project = Project::new();
        project.to_kind(lines);
        project.collegium(&["check"]).fails(3, needles);
    };
    refused("positive = \"yes\"", &["`yes` is no class of the target", "false, true"]);
    refused("positive = \"True\"", &["did you mean `true`?"]);
    refused("threshold = 1.5", &["`threshold` must be from 0 to 1, not 1.5"]);
    refused("threshold = { recall = 0.0 }", &["`recall` must be above 0 and at most 1, not 0.0"]);
    refused("threshold = { false_positive = 1 }", &["says nothing without that of the other"]);
    refused("threshold = { recall = 0.9, false_positive = 1 }", &["not by both"]);
    refused("threshold = {}", &["chosen by nothing"]);
    refused("threshold = \"f2\"", &["f1"]);
    let project = Project::new();
    project.to_expert("size", "threshold = 0.3");
    project
        .collegium(&["check"])
        .fails(3, &["`threshold` is for a target of two classes", "is a number"]);
    let project = Project::new();
    project.edit_pipeline(
        "train = 0.7, valid = 0.15, test = 0.15",
        "train = 0.8, valid = 0.0, test = 0.2",
    );
    project.to_kind("threshold = \"f1\"");
    project.collegium(&["check"]).fails(3, &["chosen on validation rows, and there are none"]);
}

#[test]
fn a_threshold_that_validation_rows_of_one_class_cannot_choose_is_an_error_at_its_place() {
    let project = Project::new();
    let rows = project.read("pipelines/data/rows.csv");
    let kind = rows.lines().next().unwrap().split(',').position(|name| name == "kind").unwrap();
    let mut text = String::new();
    for (at, line) in rows.lines().enumerate() {
        let side = ["train", "train", "valid", "test"][at % 4];
        let mut cells: Vec<&str> = line.split(',').collect();
        if at > 0 && side == "valid" {
            cells[kind] = "true";
        }
        let side = if at == 0 { "side" } else { side };
        text += &format!("{},{side}\n", cells.join(","));
    }
    project.write("pipelines/data/rows.csv", text);
    project.edit_pipeline(
        "split = { train = 0.7, valid = 0.15, test = 0.15, by = [\"id\"] }",
        "split = { column = \"side\" }",
    );
    project.to_kind("threshold = \"f1\"");
    let said = project.collegium(&["run", "-q"]);
    let needles = [
        "small.toml:",
        "the `threshold` of expert.kind cannot be chosen",
        "validation rows are of class `true`",
        "give `threshold` a number",
    ];
    said.fails(3, &needles);
}

#[test]
fn an_expected_cost_is_the_mean_cost_of_the_decisions_and_may_be_required() {
    let project = Project::ready();
    assert!(audited(&project)["metrics"]["test"]["metrics"]["expected_cost"].is_null());
    assert!(!audited(&project)["not_measured"].to_string().contains("expected_cost"));
    project.to_kind("positive = \"false\"\nthreshold = { false_positive = 2, false_negative = 7 }");
    assert_eq!(project.fitted(), Vec::<String>::new());
    let rows = test_rows(&project);
    // The positive class is `false`.
    let cost = |(_, said, is): &(f64, bool, bool)| match (*said, *is) {
        (false, true) => 2.0,
        (true, false) => 7.0,
        _ => 0.0,
    };
    let by_hand = rows.iter().map(cost).sum::<f64>() / rows.len() as f64;
    let test = audited(&project)["metrics"]["test"].clone();
    let value = test["metrics"]["expected_cost"].as_f64().unwrap();
    assert!((value - by_hand).abs() < 1e-12, "{value} and {by_hand}");
    let interval = &test["intervals"]["expected_cost"];
    assert!(
        interval["low"].as_f64().unwrap() <= value && value <= interval["high"].as_f64().unwrap()
    );
    let require = |bound: f64| {
        let text = project.read("pipelines/small.toml");
        let text: String = text
            .lines()
            .filter(|line| !line.starts_with("require"))
            .map(|line| format!("{line}\n"))
            .collect();
        let asked =
            format!("baselines = []\nrequire = [\"expert.kind test expected_cost <= {bound}\"]");
        project.write("pipelines/small.toml", text.replacen("baselines = []", &asked, 1));
    };
    require(by_hand + 0.01);
    let met = project.collegium(&["run"]).ok();
    assert!(met.out.contains("expected_cost <= ") && met.out.contains(": met ("), "{}", met.out);
    require(by_hand - 0.01);
    project.collegium(&["run", "-q"]).fails(6, &[]);
}

#[test]
fn an_expected_cost_without_costs_is_an_error_at_the_requirement() {
    let project = Project::new();
    let asked = "baselines = []\nrequire = [\"expert.kind test expected_cost <= 1\"]";
    project.edit_pipeline("baselines = []", asked);
    let needles = [
        "small.toml:",
        "no error of expert `kind` has a cost",
        "`expected_cost` needs the costs of errors",
    ];
    project.collegium(&["check"]).fails(3, &needles);
    project.to_kind("threshold = { recall = 0.9 }");
    project.collegium(&["check"]).fails(3, &needles);
    // A number has no decision, and so no cost of one.
    project.edit_pipeline("expert.kind test expected_cost", "expert.size test expected_cost");
    project.collegium(&["check"]).fails(3, &["no error of expert `size` has a cost"]);
}
