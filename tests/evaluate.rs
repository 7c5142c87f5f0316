//! New rows that have labels: figures that agree with their definitions, shifts that are found, and the
//! place in the DAG where quality begins to be lost.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::Value;

use crate::{
    predict::csv,
    project::{Project, Said, rows},
};

/// A linear congruential generator is random enough for a test table.
pub struct Noise(u64);

impl Noise {
    pub fn new(seed: u64) -> Self {
        let mut noise = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        (0..8).for_each(|_| {
            noise.centred();
        });
        noise
    }

    /// Uniform in [−½, ½).
    pub fn centred(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / (1u64 << 24) as f64 - 0.5
    }

    fn one_of<'a>(&mut self, levels: &[&'a str]) -> &'a str {
        levels[((self.centred() + 0.5) * levels.len() as f64) as usize]
    }
}

/// New rows of the project's table, made by the rules of `project::rows`; `spoil` may change what the
/// experts are given of a row, after its targets were made.
fn new_rows(seed: u64, count: usize, spoil: impl Fn(&mut [f64; 4], &mut Noise)) -> String {
    let mut text = "id,a,b,c,d,unread,size,kind,final\n".to_owned();
    let mut noise = Noise::new(seed);
    for id in 0..count {
        let mut x = [noise.centred(), noise.centred(), noise.centred(), noise.centred()];
        let size = 2.0 * x[0] + x[1] * x[1] + 0.05 * noise.centred();
        let kind = x[1] + x[2] + 0.2 * noise.centred() > 0.0;
        let last = size > 0.1 && kind || x[3] > 0.4;
        spoil(&mut x, &mut noise);
        let [a, b, c, d] = x;
        writeln!(text, "n{id},{a},{b},{c},{d},red,{size},{kind},{last}").unwrap();
    }
    text
}

/// New rows that are like those of the project's table.
pub fn plain(seed: u64, count: usize) -> String {
    new_rows(seed, count, |_, _| {})
}

/// A sensor that was put in the wrong way round: `c` falls where it should rise, and lies elsewhere.
fn spoilt() -> String {
    new_rows(5, 1_000, |x, _| x[2] = 0.4 - x[2])
}

/// Evaluates the rows of `new.csv`.
fn evaluate(project: &Project, rows: &str, args: &[&str]) -> Said {
    project.write("new.csv", rows);
    let all: Vec<&str> = ["evaluate", "-i", "new.csv"].iter().chain(args).copied().collect();
    project.collegium(&all)
}

#[track_caller]
fn document(project: &Project, rows: &str, args: &[&str]) -> Value {
    let all: Vec<&str> = ["--json"].iter().chain(args).copied().collect();
    evaluate(project, rows, &all).ok().json()
}

fn node<'a>(report: &'a Value, name: &str) -> &'a Value {
    let nodes = report["nodes"].as_array().unwrap();
    nodes.iter().find(|node| node["name"] == name).unwrap_or_else(|| panic!("no {name}"))
}

fn findings(report: &Value) -> String {
    let all = report["findings"].as_array().unwrap();
    all.iter().map(|f| f["text"].as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

/// Changes a column of a table.
fn map(text: &str, column: &str, change: impl Fn(usize, &str) -> String) -> String {
    let at = text.lines().next().unwrap().split(',').position(|name| name == column).unwrap();
    let line = |(row, line): (usize, &str)| {
        let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
        if row > 0 {
            cells[at] = change(row - 1, &cells[at]);
        }
        cells.join(",")
    };
    text.lines().enumerate().map(line).collect::<Vec<_>>().join("\n") + "\n"
}

// Figures.

/// Metrics as a textbook defines them, row by row and pair by pair.
mod naive {
    pub fn accuracy(p: &[f64], y: &[bool]) -> f64 {
        mean(p.iter().zip(y).map(|(p, y)| f64::from(u8::from((*p > 0.5) == *y))))
    }

    pub fn auc(p: &[f64], y: &[bool]) -> f64 {
        let (mut won, mut pairs) = (0.0, 0.0);
        for (a, _) in p.iter().zip(y).filter(|(_, y)| **y) {
            for (b, _) in p.iter().zip(y).filter(|(_, y)| !**y) {
                pairs += 1.0;
                won += if a > b {
                    1.0
                } else if a == b {
                    0.5
                } else {
                    0.0
                };
            }
        }
        won / pairs
    }

    pub fn log_loss(p: &[f64], y: &[bool]) -> f64 {
        mean(p.iter().zip(y).map(|(p, y)| -(if *y { *p } else { 1.0 - p }).ln()))
    }

    pub fn brier(p: &[f64], y: &[bool]) -> f64 {
        mean(p.iter().zip(y).map(|(p, y)| (p - f64::from(u8::from(*y))).powi(2)))
    }

    pub fn f1(p: &[f64], y: &[bool]) -> f64 {
        let count = |of: &dyn Fn(bool, bool) -> bool| {
            p.iter().zip(y).filter(|(p, y)| of(**p > 0.5, **y)).count() as f64
        };
        let hits = count(&|said, is| said && is);
        2.0 * hits / (2.0 * hits + count(&|said, is| said != is))
    }

    pub fn average_precision(p: &[f64], y: &[bool]) -> f64 {
        let mut bars: Vec<f64> = p.to_vec();
        bars.sort_by(|a, b| b.total_cmp(a));
        bars.dedup();
        let all = y.iter().filter(|y| **y).count() as f64;
        let (mut sum, mut before) = (0.0, 0.0);
        let mut order: Vec<usize> = (0..p.len()).collect();
        order.sort_by(|a, b| p[*b].total_cmp(&p[*a]));
        let (mut at, mut hits) = (0, 0.0);
        for bar in bars {
            while at < order.len() && p[order[at]] >= bar {
                hits += f64::from(u8::from(y[order[at]]));
                at += 1;
            }
            sum += (hits / all - before) * hits / at as f64;
            before = hits / all;
        }
        sum
    }

    pub fn rmse(p: &[f64], y: &[f64]) -> f64 {
        mean(p.iter().zip(y).map(|(p, y)| (p - y).powi(2))).sqrt()
    }

    pub fn mae(p: &[f64], y: &[f64]) -> f64 {
        mean(p.iter().zip(y).map(|(p, y)| (p - y).abs()))
    }

    pub fn r2(p: &[f64], y: &[f64]) -> f64 {
        let centre = mean(y.iter().copied());
        let spread = mean(y.iter().map(|y| (y - centre).powi(2)));
        1.0 - mean(p.iter().zip(y).map(|(p, y)| (p - y).powi(2))) / spread
    }

    fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
        let rows = values.len() as f64;
        values.sum::<f64>() / rows
    }
}

/// The metrics of probabilities against the classes `negative` and `positive`.
pub fn naive_classification(p: &[f64], y: &[bool]) -> BTreeMap<&'static str, f64> {
    BTreeMap::from([
        ("accuracy", naive::accuracy(p, y)),
        ("auc", naive::auc(p, y)),
        ("average_precision", naive::average_precision(p, y)),
        ("f1", naive::f1(p, y)),
        ("log_loss", naive::log_loss(p, y)),
        ("brier", naive::brier(p, y)),
    ])
}

#[track_caller]
pub fn agrees(metrics: &Value, expected: &BTreeMap<&str, f64>) {
    for (name, expected) in expected {
        let found = metrics[name].as_f64().unwrap_or(f64::NAN);
        assert!((found - expected).abs() <= 1e-6, "{name}: {found} and not {expected}");
    }
}

fn numbers(cells: &[String]) -> Vec<f64> {
    cells.iter().map(|cell| cell.parse().unwrap()).collect()
}

#[test]
fn figures_on_new_rows_are_those_that_predictions_give_by_hand() {
    let project = Project::ready();
    let text = plain(7, 400);
    let report = document(&project, &text, &[]);
    project.collegium(&["predict", "-i", "new.csv", "-o", "out.csv"]).ok();
    let (given, out) = (csv(&text), csv(&project.read("out.csv")));
    for expert in ["kind", "final"] {
        let p = numbers(&out[&format!("{expert}.probability")]);
        let y: Vec<bool> = given[expert].iter().map(|cell| cell == "true").collect();
        let node = node(&report, &format!("expert.{expert}"));
        agrees(&node["new"]["metrics"], &naive_classification(&p, &y));
        assert_eq!(node["new"]["rows"], 400);
    }
    let (p, y) = (numbers(&out["size.value"]), numbers(&given["size"]));
    let expected = BTreeMap::from([
        ("rmse", naive::rmse(&p, &y)),
        ("mae", naive::mae(&p, &y)),
        ("r2", naive::r2(&p, &y)),
    ]);
    agrees(&node(&report, "expert.size")["new"]["metrics"], &expected);
}

#[test]
fn test_figures_and_their_intervals_are_those_of_the_audit() {
    let project = Project::ready();
    let report = document(&project, &plain(7, 400), &[]);
    let audit = project.collegium(&["audit", "--json", "-q"]).ok().json();
    for name in ["expert.size", "expert.kind", "expert.final"] {
        let (ours, theirs) = (node(&report, name), node(&audit, name));
        assert_eq!(ours["test"], theirs["metrics"]["test"], "{name}");
        assert_eq!(ours["reliability_test"], theirs["reliability"], "{name}");
    }
}

#[test]
fn the_same_rows_give_the_same_report_in_any_number_of_chunks_of_the_file() {
    let project = Project::ready();
    let without_time = |mut report: Value| {
        report["created"] = Value::Null;
        report
    };
    // More than a chunk of 16,384 rows.
    let text = plain(3, 17_000);
    let first = without_time(document(&project, &text, &[]));
    assert_eq!(first, without_time(document(&project, &text, &[])));
    assert_eq!(first["rows"], 17_000);
    let nodes = first["nodes"].as_array().unwrap();
    assert!(nodes.iter().all(|node| node["rows"]["measured"] == 17_000));
}

#[test]
fn evaluating_fits_nothing_and_leaves_store_and_lock_as_they_are() {
    let project = Project::ready();
    let before = project.standing();
    evaluate(&project, &plain(7, 100), &[]).ok();
    project.stands_on(&before);
}

// Where quality is lost.

#[test]
fn rows_like_those_of_training_lose_nothing_and_nothing_moved() {
    let project = Project::ready();
    let report = document(&project, &plain(11, 500), &[]);
    for node in report["nodes"].as_array().unwrap() {
        assert_eq!(node["verdict"], "same", "{node:#}");
    }
    let moved = report["inputs"].as_array().unwrap().iter().any(|input| input["moved"] == true);
    assert!(!moved, "{:#}", report["inputs"]);
    assert!(findings(&report).starts_with("no loss of quality can be shown at expert.size"));
}

#[test]
fn a_loss_is_found_where_it_begins_and_its_input_is_named() {
    let project = Project::ready();
    let spoilt = spoilt();
    let report = document(&project, &spoilt, &[]);
    let verdicts: Vec<(&str, &str)> = report["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| (node["name"].as_str().unwrap(), node["verdict"].as_str().unwrap()))
        .collect();
    assert_eq!(
        verdicts,
        [("expert.size", "same"), ("expert.kind", "worse"), ("expert.final", "worse")]
    );
    let said = findings(&report);
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("quality is lost first at expert.kind: AUC "), "{said}");
    assert!(lines[0].contains("; its input rows.c (PSI "), "{said}");
    assert!(
        lines[1].starts_with("expert.final, an end of the pipeline, reads expert.kind"),
        "{said}"
    );
    assert!(lines[2].starts_with("no loss can be shown at expert.size"), "{said}");
    assert_eq!(node(&report, "expert.kind")["moved"], serde_json::json!(["rows.c"]));
    assert_eq!(report["inputs"][0]["column"], "rows.c");
}

#[test]
fn a_relation_that_changed_without_an_input_that_moved_is_said_to_have() {
    let project = Project::ready();
    // Inputs as they were, labels of the opposite sense: the world has changed its mind.
    let turned = map(&plain(5, 500), "size", |_, cell| (-cell.parse::<f64>().unwrap()).to_string());
    let report = document(&project, &turned, &["size"]);
    let said = findings(&report);
    assert!(said.starts_with("quality is lost first at expert.size: RMSE "), "{said}");
    let by = [
        "none of its inputs moved, so what they say",
        "none of its inputs moved, but its target did",
    ];
    assert!(by.iter().any(|by| said.contains(by)), "{said}");
}

#[test]
fn few_rows_decide_nothing() {
    let project = Project::ready();
    let report = document(&project, &new_rows(5, 20, |x, _| x[2] = 9.0), &[]);
    for node in report["nodes"].as_array().unwrap() {
        assert_eq!(node["verdict"], "unknown");
    }
}

// Which rows count.

#[test]
fn rows_without_a_target_are_counted_and_said_node_by_node() {
    let project = Project::ready();
    let text =
        map(
            &plain(7, 200),
            "kind",
            |row, cell| {
                if row % 4 == 0 { String::new() } else { cell.to_owned() }
            },
        );
    let report = document(&project, &text, &[]);
    let kind = &node(&report, "expert.kind")["rows"];
    assert_eq!(kind["admitted"], 200);
    assert_eq!(kind["without_target"], 50);
    assert_eq!(kind["measured"], 150);
    assert_eq!(node(&report, "expert.size")["rows"]["without_target"], 0);
    let said = evaluate(&project, &text, &[]).ok();
    assert!(said.out.contains("150 measured of 200, 50 without a target"), "{}", said.out);
}

#[test]
fn a_where_holds_for_new_rows_as_for_the_others() {
    let project = Project::new();
    project.to_kind("where = \"rows.d > 0\"");
    project.collegium(&["run", "-q"]).ok();
    let text = plain(7, 300);
    let report = document(&project, &text, &[]);
    let above = csv(&text)["d"].iter().filter(|cell| cell.parse::<f64>().unwrap() > 0.0).count();
    assert_eq!(node(&report, "expert.kind")["rows"]["admitted"], above);
    assert_eq!(node(&report, "expert.size")["rows"]["admitted"], 300);
    // The file may lack what only a `where` reads: that node is not measured then, and the reason is said.
    let without = text.lines().map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        [&cells[..4], &cells[5..]].concat().join(",")
    });
    let without = without.collect::<Vec<_>>().join("\n") + "\n";
    let report = document(&project, &without, &["size"]);
    assert_eq!(report["nodes"].as_array().unwrap().len(), 1);
    evaluate(&project, &without, &["kind"]).fails(3, &["the rows have no column `d`"]);
}

#[test]
fn a_target_that_the_rows_lack_is_said_and_is_an_error_only_where_it_was_asked_for() {
    let project = Project::ready();
    let text = plain(7, 300).replacen("kind,final", "knid,final", 1);
    let report = document(&project, &text, &[]);
    let kind = node(&report, "expert.kind");
    assert_eq!(kind["unmeasured"], "the rows have no column `kind`");
    assert_eq!(kind["verdict"], "unknown");
    assert_eq!(node(&report, "expert.final")["rows"]["measured"], 300);
    evaluate(&project, &text, &["kind"])
        .fails(3, &["the rows have no column `kind`", "did you mean `knid`?"]);
    let none = text.replacen("size,knid,final", "s,k,f", 1);
    evaluate(&project, &none, &[]).fails(3, &["new.csv has no target to evaluate on"]);
    let none = plain(7, 300).lines().next().unwrap().to_owned() + "\n";
    evaluate(&project, &none, &[]).fails(3, &["new.csv has a header and no rows"]);
}

#[test]
fn rows_that_a_model_has_seen_are_in_no_figure() {
    let project = Project::ready();
    // The table itself: what is left of it are its test rows, and their figures.
    let report = document(&project, &rows(600), &[]);
    for node in report["nodes"].as_array().unwrap() {
        let counts = &node["rows"];
        assert_eq!(counts["measured"], node["test"]["rows"], "{}", node["name"]);
        let seen = counts["seen"].as_u64().unwrap();
        assert_eq!(seen + counts["measured"].as_u64().unwrap(), 600);
        assert_eq!(node["new"]["metrics"], node["test"]["metrics"], "{}", node["name"]);
        assert_ne!(node["new"]["intervals"], node["test"]["intervals"], "drawn by another stream");
    }
    let said = findings(&report);
    let line = "held out from expert.size, expert.kind and expert.final: ";
    assert!(said.contains(line) && said.contains("were seen in training"), "{said}");
}

#[test]
fn rows_are_known_by_key_though_they_were_edited_and_by_nothing_where_the_key_is_gone() {
    let project = Project::ready();
    let edited = map(&rows(600), "d", |_, cell| format!("{}", cell.parse::<f64>().unwrap() / 2.0));
    let report = document(&project, &edited, &["final"]);
    let counts = &node(&report, "expert.final")["rows"];
    assert!(counts["seen"].as_u64().unwrap() > 400, "{counts}");
    let nameless = rows(600).replacen("id,a", "other,a", 1);
    let report = document(&project, &nameless, &["final"]);
    assert!(node(&report, "expert.final")["rows"]["seen"].is_null());
    assert_eq!(node(&report, "expert.final")["rows"]["measured"], 600);
    let notes = report["notes"].to_string();
    assert!(notes.contains("is not known of expert.size, expert.kind, expert.final"), "{notes}");
    assert!(notes.contains("columns that the file lacks (`id`)"), "{notes}");
}

#[test]
fn new_rows_of_a_known_group_are_new_rows() {
    let project = Project::new();
    // Forty groups: training has seen most of them, and not one of these rows.
    let grouped =
        |text: String, from: &str| map(&text, "id", |row, _| format!("{from}{}", row % 40));
    project.write("pipelines/data/rows.csv", grouped(rows(600), "g"));
    project.collegium(&["run", "-q"]).ok();
    let report = document(&project, &grouped(plain(7, 200), "g"), &["size"]);
    assert_eq!(node(&report, "expert.size")["rows"]["seen"], 0);
    assert_eq!(node(&report, "expert.size")["rows"]["measured"], 200);
    assert!(report["notes"].to_string().contains("rows of one `id` belong together"));
    let again = document(&project, &grouped(rows(600), "g"), &["size"]);
    assert!(node(&again, "expert.size")["rows"]["seen"].as_u64().unwrap() > 300);
}

/// An expert that tells three classes of text apart, and one of a derived target.
fn classes() -> Project {
    let project = Project::empty();
    project.write(
        "pipelines/small.toml",
        r#"[pipeline]
name = "small"

[data.rows]
path = "data/rows.csv"
derive = { large = "x + y > 0.3" }
split = { train = 0.6, valid = 0.2, test = 0.2, by = ["id"] }

[expert.class]
inputs = ["rows.x", "rows.y"]
target = "rows.class"
model  = { type = "mlp", hidden = [8] }
train  = { epochs = 10, batch = 32, learning_rate = 0.02 }

[expert.large]
inputs = ["rows.x"]
target = "rows.large"
model  = { type = "mlp", hidden = [8] }
train  = { epochs = 10, batch = 32, learning_rate = 0.02 }

[evaluate]
baselines = []
require = ["expert.class test accuracy >= 0.6", "expert.class valid accuracy >= 0.1"]
"#,
    );
    project.write("pipelines/data/rows.csv", class_rows(1, 500));
    project.collegium(&["run", "-q"]).ok();
    project
}

fn class_rows(seed: u64, count: usize) -> String {
    let mut noise = Noise::new(seed);
    let mut text = "id,x,y,class\n".to_owned();
    for id in 0..count {
        let (x, y) = (noise.centred(), noise.centred());
        let class = if x > 0.15 {
            "elk"
        } else if y > 0.0 {
            "cat"
        } else {
            "bee"
        };
        writeln!(text, "{seed}-{id},{x},{y},{class}").unwrap();
    }
    text
}

#[test]
fn classes_that_a_model_does_not_know_are_counted_named_and_in_no_figure() {
    let project = classes();
    let text = map(&class_rows(2, 200), "class", |row, cell| {
        if row < 10 { "dog".to_owned() } else { cell.to_owned() }
    });
    let report = document(&project, &text, &[]);
    let class = node(&report, "expert.class");
    assert_eq!(class["rows"]["unknown_class"], 10);
    assert_eq!(class["rows"]["measured"], 190);
    assert_eq!(class["unknown_classes"], serde_json::json!([{"level": "dog", "rows": 10}]));
    let known: String =
        text.lines().filter(|line| !line.ends_with(",dog")).map(|l| format!("{l}\n")).collect();
    let alone = document(&project, &known, &[]);
    assert_eq!(class["new"]["metrics"], node(&alone, "expert.class")["new"]["metrics"]);
    let accuracy = class["new"]["metrics"]["accuracy"].as_f64().unwrap();
    let said = findings(&report);
    assert!(
        said.contains("10 of 200 rows have a class that expert.class does not know, `dog` (10)"),
        "{said}"
    );
    let counted = format!("accuracy would be {:.3}", accuracy * 190.0 / 200.0);
    assert!(said.contains(&counted), "{counted} is not in {said}");
    // Labels as another file spells them: nothing is left to measure, and both spellings are shown.
    let dotted = map(&text, "class", |_, cell| format!("{cell}."));
    let said = evaluate(&project, &dotted, &["class"]);
    said.fails(3, &["nothing can be measured", "`cat.`", "it knows `bee`, `cat`, `elk`"]);
}

#[test]
fn a_derived_target_is_computed() {
    let project = classes();
    let report = document(&project, &class_rows(2, 200), &[]);
    let large = node(&report, "expert.large");
    assert_eq!(large["rows"]["measured"], 200);
    let without = class_rows(2, 200).replacen("id,x,y,class", "id,x,z,class", 1);
    evaluate(&project, &without, &["large"]).fails(3, &["the rows have no column `y`"]);
}

#[test]
fn a_row_whose_target_is_of_another_type_is_an_error_with_its_place() {
    let project = Project::ready();
    let text =
        map(
            &plain(7, 50),
            "size",
            |row, cell| {
                if row == 8 { "tall".to_owned() } else { cell.to_owned() }
            },
        );
    evaluate(&project, &text, &[]).fails(3, &["new.csv:10:7", "column `size`", "tall"]);
}

#[test]
fn rows_of_a_query_are_wanted_as_the_query_returns_them() {
    let project = Project::new();
    project.to_data("query = \"SELECT *, size > 0 AS tall FROM rows\"");
    project.edit_pipeline("target = \"rows.kind\"", "target = \"rows.tall\"");
    project.collegium(&["run", "-q"]).ok();
    evaluate(&project, &plain(7, 50), &["kind"])
        .fails(3, &["the rows have no column `tall`", "made by its `query`"]);
    let mut made = plain(7, 50).replacen("final\n", "final,tall\n", 1);
    let text: Vec<String> = made
        .lines()
        .enumerate()
        .map(|(at, line)| if at == 0 { line.to_owned() } else { format!("{line},{}", at % 2) })
        .collect();
    made = text.join("\n") + "\n";
    let report = document(&project, &made, &["kind"]);
    assert_eq!(node(&report, "expert.kind")["rows"]["measured"], 50);
}

#[test]
fn after_a_change_new_rows_are_measured_and_test_rows_are_not() {
    let project = Project::ready();
    project.edit_pipeline("learning_rate = 0.01", "learning_rate = 0.02");
    let report = document(&project, &plain(7, 100), &[]);
    let size = node(&report, "expert.size");
    assert_eq!(size["rows"]["measured"], 100);
    assert!(size["test"]["metrics"].as_object().unwrap().is_empty());
    assert!(size["test_withheld"].as_str().unwrap().contains("has changed since"));
    assert!(node(&report, "expert.kind")["test_withheld"].is_null());
    let note = "evaluated with the models of the lock, although the pipeline has changed since";
    assert!(report["notes"].to_string().contains(note));
}

#[test]
fn what_was_never_fitted_is_not_evaluated() {
    let project = Project::new();
    evaluate(&project, &plain(7, 100), &[]).fails(2, &["collegium run"]);
}

// Requirements.

#[test]
fn requirements_of_test_rows_are_held_against_new_rows() {
    let project = classes();
    let text = class_rows(2, 200);
    let report = document(&project, &text, &[]);
    assert_eq!(report["requirements"].as_array().unwrap().len(), 1);
    assert_eq!(report["requirements"][0]["met"], true);
    let note = "about other rows than these, and not checked: expert.class valid accuracy >= 0.1";
    assert!(
        report["notes"].as_array().unwrap().iter().any(|said| said == note),
        "{:#}",
        report["notes"]
    );
    let mixed = map(&text, "class", |row, _| ["elk", "cat", "bee"][row % 3].to_owned());
    let said = evaluate(&project, &mixed, &["class"]);
    assert_eq!(said.code, 6, "{}", said.err);
    assert!(
        said.out.contains("require expert.class test accuracy >= 0.6: NOT MET here (0."),
        "{}",
        said.out
    );
    // Of an expert that was not asked for nothing is required.
    evaluate(&project, &mixed, &["large"]).ok();
}

// What moved.

const SHIFTS: &str = r#"[pipeline]
name = "shifts"

[data.t]
path = "t.csv"
split = { train = 0.6, valid = 0.2, test = 0.2, by = ["id"] }

[expert.y]
inputs = ["t.n1", "t.n2", "t.n3", "t.tied", "t.k1", "t.k2", "t.rare", "t.flag", "t.hole", "t.hole2", "t.day"]
target = "t.y"
model  = { type = "mlp", hidden = [4] }
train  = { epochs = 1, batch = 64 }

[evaluate]
baselines = []
"#;

/// Eleven inputs; with `shift`, `n1` is larger by half a deviation, `k1` has other shares, and twice as
/// much of `hole` is missing.
fn table_of_shifts(seed: u64, count: usize, shift: bool) -> String {
    let mut noise = Noise::new(seed);
    let mut text = "id,n1,n2,n3,tied,k1,k2,rare,flag,hole,hole2,day,y\n".to_owned();
    let moved = f64::from(u8::from(shift));
    for id in 0..count {
        let normal = |noise: &mut Noise| (0..12).map(|_| noise.centred()).sum::<f64>();
        let n1 = normal(&mut noise) + 0.5 * moved;
        let n2 = normal(&mut noise).exp();
        let n3 = noise.centred();
        let tied = (noise.centred() * 6.0).max(0.0).floor();
        let k1 = if noise.centred() + 0.5 < 0.25 * moved {
            "d"
        } else {
            noise.one_of(&["a", "b", "c", "d"])
        };
        let k2 = noise.one_of(&["x", "y", "z"]);
        // Levels as they come in life: many, most of them rare.
        let rare = (40.0_f64).powf(noise.centred() + 0.5) as u32;
        let flag = noise.centred() > 0.2;
        let missing = |noise: &mut Noise, share: f64| noise.centred() + 0.5 < share;
        let value = noise.centred();
        let hole =
            if missing(&mut noise, 0.1 + 0.15 * moved) { String::new() } else { value.to_string() };
        let hole2 = if missing(&mut noise, 0.05) { String::new() } else { value.to_string() };
        let day = 1 + ((noise.centred() + 0.5) * 28.0) as u32;
        let y = n1 + n3 + normal(&mut noise) > 0.0;
        writeln!(
            text,
            "{seed}-{id},{n1},{n2},{n3},{tied},{k1},{k2},r{rare},{flag},{hole},{hole2},2024-02-{day:02},{y}"
        )
        .unwrap();
    }
    text
}

#[test]
fn three_planted_shifts_are_named_in_twenty_of_twenty_seeds_and_seldom_another() {
    let planted = ["t.hole", "t.k1", "t.n1"];
    let mut others = Vec::new();
    for seed in 0..20 {
        let project = Project::in_memory();
        project.write("pipelines/shifts.toml", SHIFTS);
        project.write("pipelines/t.csv", table_of_shifts(2 * seed + 1, 1_200, false));
        project.collegium(&["run", "-q"]).ok();
        let report = document(&project, &table_of_shifts(2 * seed + 2, 400, true), &[]);
        let mut moved: Vec<&str> = report["inputs"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|input| input["moved"] == true)
            .map(|input| input["column"].as_str().unwrap())
            .collect();
        moved.sort_unstable();
        assert!(planted.iter().all(|name| moved.contains(name)), "seed {seed}: {moved:?}");
        if moved.len() > planted.len() {
            others.push((seed, format!("{moved:?}")));
        }
    }
    assert!(others.len() <= 3, "{others:?}");
}

#[test]
fn unseen_levels_missing_values_and_the_range_are_said_of_each_input() {
    let project = Project::in_memory();
    project.write("pipelines/shifts.toml", SHIFTS);
    project.write("pipelines/t.csv", table_of_shifts(1, 600, false));
    project.collegium(&["run", "-q"]).ok();
    let text = map(&table_of_shifts(2, 100, false), "k2", |row, cell| match row {
        0..=3 => "new".to_owned(),
        4 => "newer".to_owned(),
        _ => cell.to_owned(),
    });
    let text =
        map(&text, "n3", |row, cell| if row < 7 { "99".to_owned() } else { cell.to_owned() });
    let report = document(&project, &text, &[]);
    let input = |name: &str| {
        let all = report["inputs"].as_array().unwrap();
        all.iter().find(|input| input["column"] == name).unwrap().clone()
    };
    let k2 = input("t.k2");
    assert_eq!(k2["unseen_rows"], 5);
    assert_eq!(k2["unseen"][0], serde_json::json!({"level": "new", "rows": 4}));
    assert_eq!(k2["kind"], "category");
    assert_eq!(k2["moved"], true);
    let n3 = input("t.n3");
    // A uniform number may by chance lie outside what training drew; 7 of 100 do by construction.
    assert!((0.07..=0.12).contains(&n3["outside"].as_f64().unwrap()), "{n3:#}");
    assert_eq!(input("t.day")["kind"], "time");
    let said = findings(&report);
    assert!(
        said.contains(
            "5 rows hold a category of t.k2 that training never saw: `new` (4), `newer` (1)"
        ),
        "{said}"
    );
}

// What it looks like.

#[test]
fn the_terminal_shows_both_sides_within_eighty_columns() {
    let project = Project::ready();
    let said = evaluate(&project, &spoilt(), &[]).ok();
    // Sentences wrap on a terminal; tables do not.
    let wide: Vec<&str> = said
        .out
        .lines()
        .filter(|line| line.chars().count() > 80)
        .filter(|line| {
            !["! ", "· ", "note: ", "  weak where"].iter().any(|mark| line.starts_with(mark))
        })
        .collect();
    assert!(wide.is_empty(), "{wide:?}");
    let heads: Vec<&str> = said.out.lines().filter(|line| line.starts_with("expert.")).collect();
    assert_eq!(
        heads,
        ["expert.size: no change shown", "expert.kind: WORSE", "expert.final: WORSE"]
    );
    assert!(said.out.contains("rows.c  MOVED"), "{}", said.out);
    assert!(said.out.contains("against 4"), "{}", said.out);
}

#[test]
fn a_report_is_one_file_that_needs_nothing_else() {
    let project = Project::ready();
    let spoilt = spoilt();
    let said = evaluate(&project, &spoilt, &["--report", "new.html"]).ok();
    assert!(said.out.ends_with("report: new.html\n"));
    let page = project.read("new.html");
    for needle in
        ["Quality is lost first at expert.kind", "What moved", "id=\"expert.kind\"", "Reliability"]
    {
        assert!(page.contains(needle), "{needle}");
    }
    let inside = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    for outside in ["http", "<script", "<link", "url(", "@import"] {
        assert!(!inside.contains(outside), "{outside}");
    }
}

#[test]
fn how_inputs_moved_is_told_of_the_rows_that_no_model_has_seen() {
    let project = Project::ready();
    let sides = project.run(&[])["nodes"][0]["account"]["sides"].clone();
    let unseen = sides["test"].as_u64().unwrap();
    // The whole table: 600 rows, of which the models know all but the test rows.
    let report = document(&project, &rows(600), &[]);
    assert_eq!(report["seen"].as_u64().unwrap(), 600 - unseen);
    for input in report["inputs"].as_array().unwrap() {
        let new: u64 =
            input["bins"].as_array().unwrap().iter().map(|bin| bin["new"].as_u64().unwrap()).sum();
        assert_eq!(new, unseen, "{input}");
    }
    let said = evaluate(&project, &rows(600), &[]).ok().out;
    let line = format!(
        "{unseen} rows here against {} training rows; {} that a model has seen are left out",
        sides["train"],
        600 - unseen
    );
    assert!(said.contains(&line), "{said}");
    // A shift among 90 new rows does not drown in 600 known ones.
    let spoilt = spoilt();
    let new: Vec<&str> = spoilt.lines().skip(1).take(90).collect();
    let report = document(&project, &format!("{}{}\n", rows(600), new.join("\n")), &[]);
    let alone = document(&project, &spoilt.lines().take(91).collect::<Vec<_>>().join("\n"), &[]);
    let moved = |report: &Value, column: &str| {
        let inputs = report["inputs"].as_array().unwrap();
        inputs.iter().find(|input| input["column"] == column).unwrap()["moved"].clone()
    };
    assert_eq!(moved(&alone, "rows.c"), true, "{alone}");
    assert_eq!(moved(&report, "rows.c"), true, "beside the test rows it is seen still");
    assert_eq!(report["seen"].as_u64().unwrap(), 600 - unseen);
    assert_eq!(moved(&report, "rows.a"), false);
}
