//! Intervals where rows belong together: the unit that is drawn again is the group of `split.by`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    evaluate::plain,
    predict::csv,
    project::{Project, node, rows},
};

/// The project of rows that are of `groups` groups, after a run.
fn grouped(groups: usize) -> Project {
    let project = Project::new();
    project.map_column("id", |id| format!("g{}", id.parse::<usize>().unwrap() % groups));
    project.collegium(&["run", "-q"]).ok();
    project
}

fn audited(project: &Project) -> Value {
    project.collegium(&["audit", "--json", "-q"]).ok().json()
}

fn interval(measures: &Value, metric: &str) -> [f64; 2] {
    ["low", "high"].map(|end| measures["intervals"][metric][end].as_f64().unwrap())
}

/// Student's t: 2.5 % lie above, by degrees of freedom from 1.
const T: [f64; 18] = [
    12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281, 2.2010,
    2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009,
];

fn rmse(rows: &[(f64, f64)]) -> f64 {
    (rows.iter().map(|(a, b)| (a - b).powi(2)).sum::<f64>() / rows.len() as f64).sqrt()
}

#[test]
fn a_key_that_is_one_rows_own_groups_nothing() {
    let project = Project::ready();
    let audit = audited(&project);
    for name in ["size", "kind", "final"] {
        let metrics = &node(&audit, name)["metrics"];
        assert!(
            metrics["test"]["intervals"].is_object() && metrics["test"].get("groups").is_none()
        );
    }
    assert!(!audit.to_string().contains("split.by"));
}

/// The interval of a few groups, from what `predict` writes of them.
#[test]
fn few_groups_have_the_interval_of_a_jackknife_and_a_note() {
    let project = grouped(80);
    let audit = audited(&project);
    let test = &node(&audit, "size")["metrics"]["test"];
    project.collegium(&["predict", "--side", "test", "--keep", "id", "-o", "own.csv"]).ok();
    let own = csv(&project.read("own.csv"));
    let number = |cells: &str, row: usize| own[cells][row].parse::<f64>().unwrap();
    let all: Vec<(f64, f64)> =
        (0..own["id"].len()).map(|row| (number("size.value", row), number("size", row))).collect();
    let known: BTreeSet<&String> = own["id"].iter().collect();
    let count = known.len();
    assert!((2..20).contains(&count), "{count} groups");
    assert_eq!(test["groups"], count);
    let without: Vec<f64> = known
        .iter()
        .map(|group| {
            let others = all.iter().zip(&own["id"]).filter(|(_, id)| id != group);
            rmse(&others.map(|(row, _)| *row).collect::<Vec<_>>())
        })
        .collect();
    let mean = without.iter().sum::<f64>() / count as f64;
    let squares = without.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    let reach = T[count - 2] * (squares * (count - 1) as f64 / count as f64).sqrt();
    let [low, high] = interval(test, "rmse");
    let point = rmse(&all);
    assert!((point - test["metrics"]["rmse"].as_f64().unwrap()).abs() < 1e-5);
    assert!((low - (point - reach).max(0.0)).abs() < 1e-4 * point, "{low} {point} {reach}");
    assert!((high - (point + reach)).abs() < 1e-4 * point, "{high} {point} {reach}");
    let said = format!("The test rows are of {count} groups (`split.by`): intervals are rough.");
    let findings = node(&audit, "size")["findings"].to_string();
    assert!(findings.contains(&said), "{findings}");
    let told = project.collegium(&["audit"]).ok().out;
    let words = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(&said), "{told}");
    let on_test = format!("{count} on test");
    assert!(project.read(".collegium/reports/small.html").contains(&on_test));
    assert!(project.read(".collegium/reports/small.cards/size.md").contains(&on_test));
}

#[test]
fn one_group_of_test_rows_has_metrics_and_neither_intervals_nor_a_verdict() {
    let project = Project::new();
    project.edit_pipeline(
        "train = 0.7, valid = 0.15, test = 0.15, by",
        "column = \"unread\", train = [\"red\", \"green\"], test = [\"blue\"], by",
    );
    project.map_column("unread", |_| "red".to_owned());
    // The last hundred rows are of one customer and for the test.
    let text: String = project
        .read("pipelines/data/rows.csv")
        .lines()
        .enumerate()
        .map(|(at, line)| match at {
            501.. => format!("last,{}\n", line.split_once(',').unwrap().1.replace("red", "blue")),
            _ => format!("{line}\n"),
        })
        .collect();
    project.write("pipelines/data/rows.csv", text);
    project.collegium(&["run", "-q"]).ok();
    let audit = audited(&project);
    let size = node(&audit, "size");
    let test = &size["metrics"]["test"];
    assert_eq!((test["rows"].as_u64(), test["groups"].as_u64()), (Some(100), Some(1)));
    assert!(test["intervals"].as_object().unwrap().is_empty());
    assert!(test["metrics"]["rmse"].is_number() && size["skill"]["beats_baseline"] == false);
    let findings = size["findings"].to_string();
    assert!(findings.contains("All test rows are of one group"), "{findings}");
    assert!(!findings.contains("learned nothing"), "{findings}");
}

/// The same rows and the same sides, by a column: only what is drawn again differs.
#[test]
fn groups_move_intervals_and_neither_models_nor_metrics() {
    let project = Project::new();
    project.edit_pipeline(
        "train = 0.7, valid = 0.15, test = 0.15, by = [\"id\"]",
        "column = \"unread\", train = [\"red\"], valid = [\"green\"], test = [\"blue\"]",
    );
    // Nobody reads out of fold here, since folds keep groups whole.
    project.collegium(&["run", "size", "-q"]).ok();
    let audit =
        |project: &Project| project.collegium(&["audit", "size", "--json", "-q"]).ok().json();
    let before = audit(&project);
    project.edit_pipeline("test = [\"blue\"]", "test = [\"blue\"], by = [\"id\"]");
    project.map_column("id", |id| format!("g{}", id.parse::<usize>().unwrap() / 3));
    project.collegium(&["run", "size", "-q"]).ok();
    let after = audit(&project);
    let [one, other] = [&before, &after].map(|audit| &node(audit, "size")["metrics"]["test"]);
    assert_eq!(one["metrics"], other["metrics"]);
    assert_ne!(one["intervals"], other["intervals"]);
    assert!(one.get("groups").is_none() && other["groups"].as_u64().unwrap() > 20);
    let models = [&before, &after].map(|audit| node(audit, "size")["realisation"].clone());
    assert_eq!(models[0], models[1]);
}

#[test]
fn new_rows_are_drawn_by_their_own_groups_and_a_file_without_them_is_told() {
    let project = grouped(300);
    let new = |groups: usize| -> String {
        let text = plain(7, 240);
        let mut lines = text.lines();
        let mut out = format!("{}\n", lines.next().unwrap());
        for (row, line) in lines.enumerate() {
            out += &format!("n{},{}\n", row % groups, line.split_once(',').unwrap().1);
        }
        out
    };
    let evaluate = |rows: String| {
        project.write("new.csv", rows);
        project.collegium(&["evaluate", "-i", "new.csv", "--json"]).ok().json()
    };
    let found: BTreeMap<usize, Value> =
        [240, 60, 8, 1].into_iter().map(|groups| (groups, evaluate(new(groups)))).collect();
    let size = |groups: usize| node(&found[&groups], "size");
    assert!(size(240)["new"].get("groups").is_none());
    for groups in [60, 8, 1] {
        assert_eq!(size(groups)["new"]["groups"], groups);
        assert!(size(groups)["test"]["groups"].as_u64().unwrap() >= 20);
        assert_eq!(size(groups)["new"]["metrics"], size(240)["new"]["metrics"]);
        assert_eq!(size(groups)["test"]["intervals"], size(240)["test"]["intervals"]);
    }
    assert_ne!(size(60)["new"]["intervals"], size(240)["new"]["intervals"]);
    assert!(size(8)["changes"]["rmse"]["interval"].is_object());
    assert!(size(1)["changes"]["rmse"]["interval"].is_null());
    let notes = found[&8]["notes"].to_string();
    assert!(notes.contains("fewer than 20 groups are rough"), "{notes}");
    assert!(notes.contains("expert.size (8 of new rows)"), "{notes}");
    assert!(!found[&60]["notes"].to_string().contains("are rough"));
    let nameless = evaluate(rows(200).replacen("id,a", "other,a", 1));
    let notes = nameless["notes"].to_string();
    assert!(notes.contains("(`split.by`: `id`) is not known of this file"), "{notes}");
}

/// A project whose rows follow each other, an hour apart, split by time; `more` stands in the split.
fn timed(more: &str) -> Project {
    let project = Project::new();
    project.edit_pipeline(
        "train = 0.7, valid = 0.15, test = 0.15, by = [\"id\"]",
        &format!("time = \"id\", valid = 0.2, test = 0.4{more}"),
    );
    let hour = |id: usize| format!("2021-01-{:02} {:02}:00", 1 + id / 24, id % 24);
    project.map_column("id", |id| hour(id.parse().unwrap()));
    project
}

#[test]
fn a_split_by_time_has_blocks_of_time_and_says_how_long_they_are() {
    let project = timed(", block = \"12 hours\"");
    project.collegium(&["run", "size", "-q"]).ok();
    let audit =
        |project: &Project| project.collegium(&["audit", "size", "--json", "-q"]).ok().json();
    let declared = audit(&project);
    let test = &node(&declared, "size")["metrics"]["test"];
    let rows = test["rows"].as_u64().unwrap();
    assert_eq!(test["groups"], rows.div_ceil(12));
    assert_eq!(test["blocks"], serde_json::json!({"length": "12 hours"}));
    // Another length moves intervals alone: no fit, no metric.
    project.edit_pipeline("12 hours", "36 hours");
    let report = project.collegium(&["run", "size", "--json"]).ok().json();
    assert_eq!(node(&report, "size")["fits"], 0);
    let longer = audit(&project);
    let other = &node(&longer, "size")["metrics"]["test"];
    assert_eq!(test["metrics"], other["metrics"]);
    assert_ne!(test["intervals"], other["intervals"]);
    assert_eq!(other["groups"], rows.div_ceil(36));
    let page = project.collegium(&["audit", "size", "-o", "-", "-q"]).ok().out;
    assert!(page.contains("Intervals are over blocks of time"), "no word of blocks");
    assert!(page.contains(&format!("{} of 36 hours on test", rows.div_ceil(36))));
    let findings = node(&longer, "size")["findings"].to_string();
    assert!(
        findings.contains("blocks of time (of 36 hours each): intervals are rough"),
        "{findings}"
    );
    // Without a length the autocorrelation of the errors has its say, and is said.
    project.edit_pipeline(", block = \"36 hours\"", "");
    let found = audit(&project);
    let free = &node(&found, "size")["metrics"]["test"];
    assert!(free["blocks"]["memory"].is_string(), "{free}");
    // Where ten blocks as long as they should be do not fit, there are ten.
    let short = free["blocks"].get("short").is_some();
    let right = |groups| if short { groups == 10 } else { groups > rows / 12 };
    assert!(free["groups"].as_u64().is_none_or(right), "{free}");
}

#[test]
fn blocks_of_time_go_without_groups_and_in_the_unit_of_the_time() {
    let project = timed(", by = [\"unread\"], block = \"12 hours\"");
    let needles = ["`split` has both `block` and `by`", "blocks of time or by groups"];
    project.collegium(&["check"]).fails(3, &needles);
    let project = timed(", block = \"0 hours\"");
    project.collegium(&["check"]).fails(3, &["`block` must be longer than nothing"]);
    let project = timed(", block = 12");
    project.collegium(&["check"]).fails(3, &["`block` does not go with the column `id`"]);
    let project = Project::new();
    project.edit_pipeline("by = [\"id\"]", "by = [\"id\"], block = \"1 day\"");
    project.collegium(&["check"]).fails(3, &["`block` needs `time`"]);
}

#[test]
fn new_rows_that_follow_each_other_are_drawn_by_blocks_of_time() {
    let project = timed(", block = \"1 day\"");
    project.collegium(&["run", "size", "-q"]).ok();
    let text = plain(7, 240);
    let mut lines = text.lines();
    let mut out = format!("{}\n", lines.next().unwrap());
    for (row, line) in lines.enumerate() {
        let when = format!("2021-03-{:02} {:02}:00", 1 + row / 24, row % 24);
        out += &format!("{when},{}\n", line.split_once(',').unwrap().1);
    }
    project.write("new.csv", out);
    let found = project.collegium(&["evaluate", "size", "-i", "new.csv", "--json"]).ok().json();
    let new = &node(&found, "size")["new"];
    assert_eq!((&new["groups"], &new["blocks"]["length"]), (&10.into(), &"1 day".into()));
    assert!(found["notes"].to_string().contains("intervals draw whole blocks of time"));
}
