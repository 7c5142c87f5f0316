//! Declared slices: the same parts in `audit` and `evaluate`, their figures by hand, and what is refused.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    evaluate::{agrees, naive_classification},
    predict::csv,
    project::{Project, first_try, rows},
};

/// The small project with more rows and these slices, run.
fn sliced(slices: &str, count: usize) -> Project {
    let project = Project::in_memory();
    project.write("pipelines/small.toml", first_try());
    project.write("pipelines/data/rows.csv", rows(count));
    project.edit_pipeline("bootstrap = 5", &format!("bootstrap = 5\nslices = {slices}"));
    project.collegium(&["run", "-q"]).ok();
    project
}

fn declared<'a>(report: &'a Value, name: &str) -> &'a Value {
    let mut nodes = report["nodes"].as_array().unwrap().iter();
    &nodes.find(|node| node["name"] == name).unwrap()["performance"]["declared_slices"]
}

fn names(declared: &Value) -> Vec<&str> {
    let slices = declared["slices"].as_array().unwrap().iter();
    slices.map(|slice| slice["slice"].as_str().unwrap()).collect()
}

const SLICES: &str = r#"["rows.unread", "rows.a > 0.1 and rows.unread <> 'red'", "rows.d"]"#;

/// Of a binary classifier: figures of some rows by hand.
fn by_hand(p: &[f64], y: &[bool], keep: &[bool]) -> BTreeMap<&'static str, f64> {
    let kept = |i: &usize| keep[*i];
    let at: Vec<usize> = (0..p.len()).filter(kept).collect();
    let (p, y): (Vec<f64>, Vec<bool>) = at.iter().map(|&i| (p[i], y[i])).unzip();
    let share = |of: &dyn Fn(usize) -> bool, among: &dyn Fn(usize) -> bool| {
        let among: Vec<usize> = (0..p.len()).filter(|i| among(*i)).collect();
        among.iter().filter(|i| of(**i)).count() as f64 / among.len() as f64
    };
    let mut metrics = naive_classification(&p, &y);
    metrics.insert("predicted_positive", share(&|i| p[i] > 0.5, &|_| true));
    metrics.insert("recall", share(&|i| p[i] > 0.5, &|i| y[i]));
    metrics
}

/// Every slice of `declared` against what the rows say by hand.
#[track_caller]
fn right(declared: &Value, p: &[f64], y: &[bool], table: &BTreeMap<String, Vec<String>>) {
    let cells = |column: &str| &table[column];
    let number = |column: &str| -> Vec<f64> {
        cells(column).iter().map(|cell| cell.parse().unwrap()).collect()
    };
    let (a, d, unread) = (number("a"), number("d"), cells("unread"));
    assert_eq!(declared["rows"].as_u64(), Some(p.len() as u64));
    let slices = declared["slices"].as_array().unwrap();
    let (mut quarters, mut compared) = (0, 0);
    for slice in slices {
        let name = slice["slice"].as_str().unwrap();
        let keep: Vec<bool> = match slice["declared"].as_str().unwrap() {
            "rows.unread" => {
                let level = name.strip_prefix("rows.unread = ").unwrap();
                unread.iter().map(|cell| cell == level).collect()
            }
            "rows.d" => {
                let words: Vec<&str> = name.split(' ').collect();
                let (low, high) = match words[..] {
                    ["rows.d", "<=", high] => (f64::NEG_INFINITY, high.parse().unwrap()),
                    [low, "<", "rows.d", "<=", high] => {
                        (low.parse().unwrap(), high.parse().unwrap())
                    }
                    ["rows.d", ">", low] => (low.parse().unwrap(), f64::INFINITY),
                    _ => panic!("{name}"),
                };
                quarters += 1;
                d.iter().map(|d| low < *d && *d <= high).collect()
            }
            condition => {
                assert_eq!(name, condition);
                a.iter().zip(unread).map(|(a, level)| *a > 0.1 && level != "red").collect()
            }
        };
        let rows = keep.iter().filter(|keep| **keep).count();
        assert_eq!(slice["measures"]["rows"], rows, "{name}");
        if rows < 30 || p.len() - rows < 30 {
            assert!(slice["differences"].is_null(), "{name}");
            let measured = slice["measures"]["metrics"].as_object().unwrap();
            assert_eq!(measured.is_empty(), rows < 30, "{name}");
            continue;
        }
        compared += 1;
        let (inside, rest) = (by_hand(p, y, &keep), {
            let others: Vec<bool> = keep.iter().map(|keep| !keep).collect();
            by_hand(p, y, &others)
        });
        agrees(&slice["measures"]["metrics"], &inside);
        for (metric, value) in &inside {
            let diff = &slice["differences"][*metric];
            let interval = &slice["measures"]["intervals"][*metric];
            let [before, after, difference] =
                ["before", "after", "difference"].map(|key| diff[key].as_f64().unwrap());
            assert!((after - value).abs() < 1e-6 && (before - rest[metric]).abs() < 1e-6, "{name}");
            assert!((difference - (after - before)).abs() < 1e-12);
            for (interval, value) in [(interval, *value), (&diff["interval"], difference)] {
                let [low, high] = ["low", "high"].map(|end| interval[end].as_f64().unwrap());
                assert!(low <= value && value <= high, "{name} {metric}: {interval} of {value}");
            }
        }
    }
    assert!(quarters == 4 && compared >= 5, "{quarters} and {compared}");
}

#[test]
fn figures_by_slice_are_those_of_predictions_in_audit_and_in_evaluate() {
    let project = sliced(SLICES, 2_400);
    let audit = project.collegium(&["audit", "--json", "-q"]).ok().json();
    project.collegium(&["predict", "-q", "--side", "test", "-o", "test.csv", "--keep", "id"]).ok();
    let out = csv(&project.read("test.csv"));
    let all = csv(&rows(2_400));
    let of_test = |column: &String| {
        let cells = out["id"].iter().map(|id| all[column][id.parse::<usize>().unwrap()].clone());
        (column.clone(), cells.collect())
    };
    let table: BTreeMap<String, Vec<String>> = all.keys().map(of_test).collect();
    let p: Vec<f64> = out["kind.probability"].iter().map(|cell| cell.parse().unwrap()).collect();
    let y: Vec<bool> = table["kind"].iter().map(|cell| cell == "true").collect();
    right(declared(&audit, "expert.kind"), &p, &y, &table);
    // A regression has its own metrics, and nothing that is decided.
    let size = &declared(&audit, "expert.size")["slices"][0];
    assert!(size["measures"]["metrics"]["rmse"].is_number(), "{size}");
    assert!(size["measures"]["metrics"]["recall"].is_null(), "{size}");
    // The same parts of other rows.
    let levels = ["unread", "red", "green", "blue", "green"];
    let text: String = crate::evaluate::plain(7, 900)
        .lines()
        .enumerate()
        .map(|(at, line)| {
            let mut cells: Vec<&str> = line.split(',').collect();
            cells[5] = levels[if at == 0 { 0 } else { 1 + at % 4 }];
            cells.join(",") + "\n"
        })
        .collect();
    project.write("new.csv", &text);
    let report = project.collegium(&["evaluate", "-i", "new.csv", "--json"]).ok().json();
    project.collegium(&["predict", "-q", "-i", "new.csv", "-o", "out.csv"]).ok();
    let (given, out) = (csv(&text), csv(&project.read("out.csv")));
    let p: Vec<f64> = out["kind.probability"].iter().map(|cell| cell.parse().unwrap()).collect();
    let y: Vec<bool> = given["kind"].iter().map(|cell| cell == "true").collect();
    right(declared(&report, "expert.kind"), &p, &y, &given);
    assert_eq!(
        names(declared(&report, "expert.kind")),
        names(declared(&audit, "expert.kind")),
        "cut at the quartiles of training rows in both"
    );
    // On the terminal and on the page.
    let said = project.collegium(&["evaluate", "-i", "new.csv"]).ok().out;
    assert!(said.contains("rows.unread = green: "), "{said}");
    let said = project.collegium(&["audit"]).ok().out;
    assert!(said.contains("rows.unread = green: ") && said.contains("from the rest"), "{said}");
    let page = project.read(".collegium/reports/small.html");
    assert!(page.contains("Declared slices") && page.contains("rows.unread = green"));
}

#[test]
fn a_change_of_slices_fits_nothing_and_measures_nothing_else_again() {
    let project = sliced("[\"rows.unread\"]", 600);
    let audit = |project: &Project| project.collegium(&["audit", "--json", "-q"]).ok().json();
    let first = audit(&project);
    let (lock, store) = (project.read("pipelines/small.lock"), project.files(".collegium/recipes"));
    project.edit_pipeline("[\"rows.unread\"]", "[\"rows.unread\", \"rows.c < 0\"]");
    assert_eq!(project.fitted(), Vec::<String>::new());
    assert_eq!(project.read("pipelines/small.lock"), lock);
    let second = audit(&project);
    let new = project.files(".collegium/recipes");
    let added: Vec<&Vec<u8>> =
        new.iter().filter(|(name, _)| !store.contains_key(*name)).map(|(_, text)| text).collect();
    assert_eq!(added.len(), 3, "one record of an expert");
    for recipe in added {
        let recipe: Value = serde_json::from_slice(recipe).unwrap();
        assert_eq!(recipe["ingredients"]["view"]["text"], "slices", "{recipe}");
    }
    let kind = |audit: &Value| declared(audit, "expert.kind")["slices"].as_array().unwrap().clone();
    assert_eq!(kind(&first)[..], kind(&second)[..kind(&second).len() - 1]);
    // Without the key there is nothing of it.
    project.edit_pipeline("slices = [\"rows.unread\", \"rows.c < 0\"]\n", "");
    assert!(declared(&audit(&project), "expert.kind").is_null());
}

#[test]
fn few_rows_are_counted_and_not_measured() {
    let project = sliced("[\"rows.a > 0.45\", \"rows.a > 9\", \"rows.a <= 0.49\"]", 600);
    let audit = project.collegium(&["audit", "--json", "-q"]).ok().json();
    let found = &declared(&audit, "expert.kind")["slices"];
    let rows = found[0]["measures"]["rows"].as_u64().unwrap();
    assert!((1..30).contains(&rows), "{rows}");
    assert_eq!(found[1]["measures"]["rows"], 0);
    for slice in [&found[0], &found[1]] {
        assert_eq!(slice["measures"]["metrics"], serde_json::json!({}));
        assert!(slice["differences"].is_null(), "{slice}");
    }
    // Nearly all rows: measured, and too few others to compare with.
    assert!(
        found[2]["measures"]["metrics"]["auc"].is_number() && found[2]["differences"].is_null()
    );
    let said = project.collegium(&["audit"]).ok().out;
    assert!(said.contains(&format!("rows.a > 0.45: {rows} rows, too few to measure")), "{said}");
}

#[test]
fn rows_that_belong_together_are_drawn_together() {
    let project = Project::in_memory();
    project.write("pipelines/small.toml", crate::project::PIPELINE);
    // Each row sixteen times.
    let text = rows(800);
    let mut lines = text.lines();
    let mut table = format!("{}\n", lines.next().unwrap());
    lines.for_each(|line| (0..16).for_each(|_| table += &format!("{line}\n")));
    project.write("pipelines/data/rows.csv", table);
    project.edit_pipeline("bootstrap = 5", "bootstrap = 5\nslices = [\"rows.a > 0\"]");
    project.collegium(&["run", "-q"]).ok();
    let width = |project: &Project| {
        let audit = project.collegium(&["audit", "--json", "-q"]).ok().json();
        let found = declared(&audit, "expert.size").clone();
        let rmse = &found["slices"][0]["differences"]["rmse"];
        let [low, high] = ["low", "high"].map(|end| rmse["interval"][end].as_f64().unwrap());
        // More rows make a better model: the width is told by the size of its errors.
        let width = (high - low) / rmse["after"].as_f64().unwrap();
        (found, width)
    };
    let (found, by_group) = width(&project);
    let groups = found["groups"].as_u64().unwrap();
    assert_eq!(found["rows"].as_u64(), Some(16 * groups));
    assert_eq!(
        found["slices"][0]["measures"]["rows"].as_u64(),
        found["slices"][0]["measures"]["groups"].as_u64().map(|groups| 16 * groups)
    );
    // Sixteen copies of a row say as much as one: alone they would make it four times as narrow.
    project.write("pipelines/data/rows.csv", rows(800));
    project.collegium(&["run", "-q"]).ok();
    let (_, by_row) = width(&project);
    assert!((0.5..2.0).contains(&(by_group / by_row)), "{by_group} and {by_row}");
}

#[test]
fn new_rows_without_the_column_are_evaluated_without_the_slice() {
    let project = sliced("[\"rows.unread\", \"rows.a > 0\"]", 600);
    let text: String = crate::evaluate::plain(7, 300)
        .lines()
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            // Without `unread`, the sixth.
            format!("{},{}\n", cells[..5].join(","), cells[6..].join(","))
        })
        .collect();
    project.write("new.csv", text);
    let report = project.collegium(&["evaluate", "-i", "new.csv", "--json"]).ok().json();
    assert_eq!(names(declared(&report, "expert.kind")), ["rows.a > 0"]);
    let notes = report["notes"].to_string();
    assert!(notes.contains("slice `rows.unread` is not measured"), "{notes}");
}

#[test]
fn what_is_no_slice_is_refused_at_its_place() {
    let refused = |slices: &str, needles: &[&str]| {
        let project = Project::ready();
        project.edit_pipeline("bootstrap = 5", &format!("bootstrap = 5\nslices = [{slices}]"));
        let all: Vec<&str> = needles.iter().copied().chain(["small.toml:33:"]).collect();
        project.refuses(3, &all);
    };
    refused("\"rows.unraed\"", &["no column `unraed`", "did you mean `rows.unread`?"]);
    refused("\"rows.aa > 3\"", &["no such column", "aa"]);
    refused("\"rows.a >\"", &["^"]);
    refused("\"unread\"", &["`unread` names no data source", "did you mean `rows.unread`?"]);
    refused("\"a > 0\"", &["names no data source", "write columns as `rows.COLUMN`"]);
    refused("\"kind.probability > 0.5\"", &["`kind` is an expert", "expected a data source"]);
    refused("\"rows.a > size.value\"", &["not of `rows` and `size`"]);
    refused("\"\"", &["`slices` is empty"]);
    refused("\"rows.a\", \"rows.a\"", &["`rows.a` stands there twice"]);
    refused("\"'rows.' = 'rows.'\"", &["names no data source"]);
    refused("\"rows.a > (select 1)\"", &["^"]);
}

#[test]
fn show_writes_them_out() {
    let project = sliced("[\"rows.unread\", \"rows.a > 0\"]", 200);
    let shown = project.collegium(&["show"]).ok().out;
    assert!(shown.contains("slices = [\"rows.unread\", \"rows.a > 0\"]"), "{shown}");
}
