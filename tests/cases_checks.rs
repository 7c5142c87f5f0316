//! What is said of data before a figure is believed, and what works where nothing can be written.

use std::{fmt::Write as _, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use serde_json::Value;

use crate::project::{Project, Said};

/// Numbers between -.5 and .5, the same for the same seed.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 40) as f64 / (1u64 << 24) as f64 - 0.5
    }
}

/// A table `t` of `x`, `y` and what `more` makes of the row's number and two numbers.
fn table(rows: usize, head: &str, more: impl Fn(usize, f64, f64) -> String) -> String {
    let mut noise = Noise(99);
    let mut text = format!("id,x,y,{head}\n");
    for row in 0..rows {
        let (x, y) = (noise.next(), noise.next());
        writeln!(text, "{row},{x},{y},{}", more(row, x, y)).unwrap();
    }
    text
}

const TRAIN: &str = "model = { type = \"mlp\", hidden = [4] }\n\
                     train = { epochs = 3, batch = 32, learning_rate = 0.01 }\n";

/// A project of one table and one expert, with `more` at the end of the file.
fn project(csv: &str, split: &str, inputs: &str, target: &str, more: &str) -> Project {
    let project = Project::empty();
    project.write("pipelines/data/t.csv", csv);
    project.write(
        "pipelines/p.toml",
        format!(
            "[data.t]\npath = \"data/t.csv\"\nsplit = {split}\n\n[expert.k]\ninputs = {inputs}\n\
             target = \"t.{target}\"\n{TRAIN}{more}\n"
        ),
    );
    project
}

const SPLIT: &str = "{ train = 0.6, valid = 0.2, test = 0.2, by = [\"id\"] }";
const XY: &str = "[\"t.x\", \"t.y\"]";

/// The kinds of the findings of a document.
fn kinds(document: &Value) -> Vec<String> {
    let findings = document["findings"].as_array().cloned().unwrap_or_default();
    findings.iter().map(|finding| finding["kind"].as_str().unwrap().to_owned()).collect()
}

fn checked(project: &Project) -> (Said, Value) {
    let said = project.collegium(&["check"]).ok();
    (said, project.collegium(&["check", "--json"]).ok().json())
}

#[test]
fn rows_without_a_target_are_counted_and_said_wherever_figures_are() {
    let csv = table(200, "hot", |row, x, y| match row % 2 {
        0 => String::new(),
        _ => (x + y > 0.0).to_string(),
    });
    let project = project(&csv, SPLIT, XY, "hot", "[evaluate]\nbaselines = []\n");
    let text = "100 of 200 rows of `t` have no `hot` and are left out";
    let (said, document) = checked(&project);
    assert!(said.err.contains(&format!("note: {text}")), "{}", said.err);
    assert!(said.err.contains("pipelines/p.toml:7"), "its place is shown:\n{}", said.err);
    assert_eq!(said.out.trim(), "p: 1 expert over 1 data source, nothing wrong, 1 note");
    assert_eq!(kinds(&document), ["rows-without-target"]);
    assert_eq!(document["findings"][0]["nodes"][0], "expert.k");
    let account = &document["rows"]["expert.k"];
    assert_eq!((&account["rows"], &account["without_target"]), (&200.into(), &100.into()));
    let sides = &account["sides"];
    let used: u64 = ["train", "valid", "test"].iter().map(|s| sides[*s].as_u64().unwrap()).sum();
    assert_eq!(used, 100);

    let said = project.collegium(&["run"]).ok();
    assert!(said.out.contains(&format!("note: {text} (expert.k)")), "{}", said.out);
    // A run with nothing to do says it again, in words and as a document.
    let again = project.collegium(&["run"]).ok();
    assert!(again.out.contains("nothing to fit") && again.out.contains(text), "{}", again.out);
    let document = project.collegium(&["run", "--json"]).ok().json();
    assert_eq!(kinds(&document), ["rows-without-target"]);
    assert_eq!(document["nodes"][0]["account"]["without_target"], 100);

    let audit = project.collegium(&["audit"]).ok();
    assert!(audit.out.contains(&format!("· {text}.")), "{}", audit.out);
    let document = project.collegium(&["audit", "--json"]).ok().json();
    assert_eq!(document["nodes"][0]["account"]["without_target"], 100);
    let page = project.read(".collegium/reports/p.html");
    assert!(
        page.contains("<dt>Rows without a target</dt><dd>100 of 200, left out"),
        "the page says it"
    );
    let card = project.read(".collegium/reports/p.cards/k.md");
    assert!(card.contains("100 rows without a target"), "the card says it:\n{card}");
}

#[test]
fn rows_that_where_leaves_out_are_counted_apart_from_those_without_a_target() {
    let csv = table(200, "hot", |row, x, y| match row % 4 {
        0 => String::new(),
        _ => (x + y > 0.0).to_string(),
    });
    let project = project(&csv, SPLIT, XY, "hot", "where = \"id < 100\"\n");
    let (said, document) = checked(&project);
    assert_eq!(kinds(&document), ["rows-without-target", "rows-left-out"]);
    let without = "25 of the 100 rows of `t` that `where` admits have no `hot` and are left out";
    assert!(said.err.contains(without), "{}", said.err);
    assert!(said.err.contains("`where` leaves out 100 of 200 rows of `t`"), "{}", said.err);
    let account = &document["rows"]["expert.k"];
    assert_eq!((&account["filtered"], &account["without_target"]), (&100.into(), &25.into()));
    let said = project.collegium(&["run"]).ok();
    assert!(said.out.contains(without) && !said.out.contains("leaves out 100"), "{}", said.out);
}

#[test]
fn one_row_without_a_target_is_one_row_and_a_whole_table_says_nothing() {
    let csv = table(100, "hot", |row, x, y| match row {
        17 => String::new(),
        _ => (x + y).to_string(),
    });
    let one = project(&csv, SPLIT, XY, "hot", "");
    let said = one.collegium(&["check"]).ok();
    assert!(said.err.contains("1 of 100 rows of `t` has no `hot` and is left out"), "{}", said.err);
    let whole =
        project(&table(100, "hot", |_, x, y| (x + 0.5 * y).to_string()), SPLIT, XY, "hot", "");
    let said = whole.collegium(&["check"]).ok();
    assert_eq!(
        (said.out.trim(), said.err.trim()),
        ("p: 1 expert over 1 data source, nothing wrong", "")
    );
}

#[test]
fn the_same_finding_about_several_experts_is_told_once() {
    let csv = table(100, "hot", |row, x, y| match row % 2 {
        0 => String::new(),
        _ => (x + y > 0.0).to_string(),
    });
    let more: String = (0..5)
        .map(|at| format!("[expert.e{at}]\ninputs = [\"t.x\"]\ntarget = \"t.hot\"\n{TRAIN}\n"))
        .collect();
    let project = project(&csv, SPLIT, XY, "hot", &more);
    let document = project.collegium(&["check", "--json"]).ok().json();
    assert_eq!(kinds(&document), ["rows-without-target"]);
    assert_eq!(document["findings"][0]["nodes"].as_array().unwrap().len(), 6);
    let said = project.collegium(&["check"]).ok();
    assert!(said.err.contains("(expert.k, expert.e0, expert.e1 and 3 more)"), "{}", said.err);
}

#[test]
fn classes_that_no_training_row_has_are_warned_of_and_never_lead_to_beats() {
    // All rows of a class are on one side: no class of a test row was ever seen.
    let csv = table(600, "who", |row, _, _| format!("p{:02}", row % 30));
    let split = "{ train = 0.6, valid = 0.2, test = 0.2, by = [\"who\"] }";
    let project = project(&csv, split, XY, "who", "");
    let (said, document) = checked(&project);
    assert!(kinds(&document).contains(&"class-without-training-rows".to_owned()), "{document}");
    assert!(said.err.contains("warning: the classes `p"), "{}", said.err);
    assert!(said.err.contains("have no training row"), "{}", said.err);
    assert!(said.err.contains("`split.by` names the target"), "{}", said.err);
    let said = project.collegium(&["run"]).ok();
    assert!(said.out.contains("warning: the classes"), "{}", said.out);
    // What the audit withholds, the run does too, by the same words.
    let run = project.collegium(&["run", "--json"]).ok().json();
    let document = project.collegium(&["audit", "--json"]).ok().json();
    let why = document["nodes"][0]["skill"]["not_judged"].clone();
    assert!(said.out.contains(&format!("not measured: {}", why.as_str().unwrap())), "{}", said.out);
    for side in ["valid", "test"] {
        assert_eq!(run["nodes"][0]["metrics"][side], serde_json::json!({}), "{run}");
        let measures = &document["nodes"][0]["metrics"][side];
        assert_eq!(
            (&measures["metrics"], &measures["intervals"]),
            (&serde_json::json!({}), &serde_json::json!({}))
        );
    }
    assert_eq!(run["nodes"][0]["not_measured"]["test"]["auc"], why);
    assert_eq!(document["nodes"][0]["not_measured"]["test"]["auc"], why);
    assert!(document["nodes"][0]["reliability"].is_null(), "nothing is made of these rows");
    // Nor does evaluating measure a class that the model never saw.
    project.write("new.csv", &csv);
    let said = project.collegium(&["evaluate", "-i", "new.csv"]);
    assert!(said.err.contains("nothing can be measured"), "{}{}", said.out, said.err);
    let node = &document["nodes"][0];
    assert_eq!(node["skill"]["beats_baseline"], false, "{}", node["skill"]);
    let why = node["skill"]["not_judged"].as_str().unwrap();
    assert!(why.contains("test rows have a class that no training row has"), "{why}");
    assert_eq!(node["withheld"], *why);
    let text = project.collegium(&["audit"]).ok().out;
    assert!(!text.contains("Beats") && text.contains("Skill is not judged: "), "{text}");
    let page = project.read(".collegium/reports/p.html");
    assert!(!page.contains("Beats a constant"), "the page does not say so either");
}

#[test]
fn one_class_of_many_that_training_lacks_is_enough_not_to_be_judged() {
    // All rows of `c` are of one house.
    let csv = table(400, "house,kind", |row, x, _| match (row % 8, x > 0.0) {
        (0, _) => "c,c".to_owned(),
        (_, true) => format!("h{row},a"),
        _ => format!("h{row},b"),
    });
    let split = "{ train = 0.6, valid = 0.2, test = 0.2, by = [\"house\"], seed = 0 }";
    let more = "[evaluate]\nbaselines = [\"majority\"]\n";
    let project = project(&csv, split, XY, "kind", more);
    project.edit("pipelines/p.toml", "epochs = 3", "epochs = 60");
    let mut judged = false;
    for seed in 0..60 {
        let document = project.collegium(&["check", "--json"]).ok().json();
        let c = document["rows"]["expert.k"]["classes"][2].clone();
        assert_eq!(c["class"], "c");
        let lacking = kinds(&document).contains(&"class-without-training-rows".to_owned());
        assert_eq!(lacking, c["train"] == 0, "{document}");
        let on_test = c["test"] == 50;
        if on_test || (c["train"] == 50 && !judged) {
            project.collegium(&["run"]).ok();
            let audit = project.collegium(&["audit", "--json"]).ok().json();
            let skill = &audit["nodes"][0]["skill"];
            assert_eq!(skill["beats_baseline"], !on_test, "{skill}");
            assert_eq!(skill["not_judged"].is_string(), on_test, "{skill}");
            judged = true;
            if on_test {
                let page = project.read(".collegium/reports/p.html");
                assert!(
                    page.contains("Skill is not judged: ") && !page.contains("Learned nothing.")
                );
                return;
            }
        }
        project.edit(
            "pipelines/p.toml",
            &format!("seed = {seed}"),
            &format!("seed = {}", seed + 1),
        );
    }
    panic!("no seed puts the house on the test side");
}

#[test]
fn a_metric_that_cannot_be_measured_says_why() {
    // The positive rows are few and lie on no other side than training.
    let csv =
        table(400, "late,part", |row, _, _| format!("{},{}", u8::from(row % 40 == 0), row % 40));
    let split = "{ train = 0.6, valid = 0.2, test = 0.2, by = [\"part\"], seed = 1 }";
    let more =
        "[evaluate]\nrequire = [\"expert.k test auc >= 0.5\", \"expert.k test accuracy >= 0.1\"]\n";
    let project = project(&csv, split, XY, "late", more);
    // A seed that puts the one part of positive rows on the training side.
    let mut seed = 1;
    loop {
        let rows = project.collegium(&["check", "--json"]).ok().json();
        let classes = &rows["rows"]["expert.k"]["classes"][1];
        if classes["train"] == 10 {
            break;
        }
        project.edit(
            "pipelines/p.toml",
            &format!("seed = {seed}"),
            &format!("seed = {}", seed + 1),
        );
        seed += 1;
    }
    let document = project.collegium(&["check", "--json"]).ok().json();
    assert!(kinds(&document).contains(&"one-class".to_owned()), "{document}");
    let test = document["rows"]["expert.k"]["sides"]["test"].as_u64().unwrap();
    let why = format!("all {test} test rows have the class `0`");
    let said = project.collegium(&["run"]);
    assert_eq!(said.code, 6, "{}{}", said.out, said.err);
    let line = format!("require expert.k test auc >= 0.5: NOT MET (not measured: {why})");
    assert!(said.out.contains(&line), "{}", said.out);
    assert!(said.out.contains("accuracy >= 0.1: met ("), "{}", said.out);
    let row = said.out.lines().find(|line| line.starts_with("expert.k")).unwrap();
    assert!(row.contains("accuracy ") && row.contains(&format!("(no AUC: {why})")), "{row}");
    let document = project.collegium(&["run", "--json"]).json();
    assert_eq!(document["requirements"][0]["not_measured"], *why);
    assert_eq!(document["nodes"][0]["not_measured"]["test"]["auc"], *why);
    let audit = project.collegium(&["audit", "--json"]).ok().json();
    assert_eq!(audit["nodes"][0]["not_measured"]["test"]["auc"], *why);
}

#[test]
fn a_regression_without_test_rows_or_with_one_value_says_why_it_has_no_figure() {
    let csv = table(100, "z", |_, x, _| x.to_string());
    let more = "[evaluate]\nrequire = [\"expert.k test rmse <= 1\"]\n";
    let none = project(&csv, "{ train = 0.8, valid = 0.2, test = 0.0 }", XY, "z", more);
    let said = none.collegium(&["run"]);
    assert!(said.out.contains("NOT MET (not measured: there are no test rows)"), "{}", said.out);
    assert!(said.out.contains("not measured: there are no test rows"), "{}", said.out);
    // The target varies with the part, and the test side is one part.
    let csv = table(300, "part,z", |row, _, _| format!("{},{}", row % 5, (row % 5) as f64 * 2.5));
    let split = "{ train = 0.5, valid = 0.3, test = 0.2, by = [\"part\"], seed = 0 }";
    let flat = project(&csv, split, XY, "z", "[evaluate]\nrequire = [\"expert.k test r2 >= 0\"]\n");
    for seed in 0..60 {
        let rows = flat.collegium(&["check", "--json"]).json();
        let constant = &rows["rows"]["expert.k"]["constant"];
        if constant["test"].is_number() && constant["train"].is_null() {
            let said = flat.collegium(&["run"]);
            assert!(said.out.contains("(not measured: the target is"), "{}", said.out);
            assert!(
                said.out.contains("RMSE") && said.out.contains("(no R²: the target"),
                "{}",
                said.out
            );
            return;
        }
        flat.edit("pipelines/p.toml", &format!("seed = {seed}"), &format!("seed = {}", seed + 1));
    }
    panic!("no seed puts one part alone on the test side");
}

/// A classifier with `positives` positive rows, all among the training rows, and a consumer.
fn rare(positives: usize, more: &str) -> Project {
    let csv = table(300, "late,z", |row, x, y| format!("{},{}", u8::from(row < positives), x + y));
    let consumer = format!(
        "[expert.top]\ninputs = [\"k.probability\", \"t.x\"]\ntarget = \"t.z\"\n{more}\n{TRAIN}\n\
         [evaluate]\nbaselines = []\n"
    );
    let project = project(
        &csv,
        "{ train = 0.7, valid = 0.15, test = 0.15, by = [\"id\"], seed = 0 }",
        XY,
        "late",
        &consumer,
    );
    for seed in 0..200 {
        let rows = project.collegium(&["check", "--json"]).ok().json();
        if rows["rows"]["expert.k"]["classes"][1]["train"] == positives {
            return project;
        }
        project.edit(
            "pipelines/p.toml",
            &format!("seed = {seed}"),
            &format!("seed = {}", seed + 1),
        );
    }
    panic!("no seed puts {positives} rows on the training side");
}

#[test]
fn a_class_of_one_training_row_fails_no_fold() {
    let project = rare(1, "");
    let (said, document) = checked(&project);
    assert!(kinds(&document).contains(&"class-missing-in-fold".to_owned()), "{document}");
    assert!(said.err.contains("/5 of `k` is fitted without the class `1`: 1 row"), "{}", said.err);
    let said = project.collegium(&["run"]).ok();
    assert!(said.out.contains("is fitted without the class `1`"), "{}", said.out);
    let document = project.collegium(&["run", "--json"]).ok().json();
    for node in document["nodes"].as_array().unwrap() {
        assert_eq!(node["outcome"], "cached", "{node}");
    }
    // Enough for two folds: none lacks the class, and nothing is said.
    let enough = rare(6, "");
    let document = enough.collegium(&["check", "--json"]).ok().json();
    assert!(!kinds(&document).contains(&"class-missing-in-fold".to_owned()), "{document}");
    enough.collegium(&["run"]).ok();
}

#[test]
fn one_row_that_differs_fails_no_fold_of_a_regression() {
    let csv =
        table(300, "late,z", |row, x, y| format!("{},{}", if row == 3 { 2.5 } else { 0.0 }, x + y));
    let more = format!(
        "task = \"regression\"\n[expert.top]\ninputs = [\"k.value\", \"t.x\"]\ntarget = \"t.z\"\n{TRAIN}\n"
    );
    let project = project(
        &csv,
        "{ train = 0.8, valid = 0.1, test = 0.1, by = [\"id\"], seed = 0 }",
        XY,
        "late",
        &more,
    );
    for seed in 0..50 {
        let rows = project.collegium(&["check", "--json"]).ok().json();
        if rows["rows"]["expert.k"]["constant"]["train"].is_null() {
            project.collegium(&["run"]).ok();
            return;
        }
        project.edit(
            "pipelines/p.toml",
            &format!("seed = {seed}"),
            &format!("seed = {}", seed + 1),
        );
    }
    panic!("no seed puts the row on the training side");
}

#[test]
fn a_classifier_of_one_class_says_where_the_others_are() {
    let csv = table(200, "late", |row, _, _| u8::from(row == 3).to_string());
    let project = project(
        &csv,
        "{ train = 0.5, valid = 0.25, test = 0.25, by = [\"id\"], seed = 0 }",
        XY,
        "late",
        "",
    );
    for seed in 0..50 {
        let rows = project.collegium(&["check", "--json"]).ok().json();
        if rows["rows"]["expert.k"]["classes"][1]["train"] == 0 {
            let said = project.collegium(&["run"]);
            assert_eq!(said.code, 4, "{}", said.out);
            assert!(said.out.contains("training rows have the class `0`"), "{}", said.out);
            assert!(said.out.contains("`1` has 0 training, "), "{}", said.out);
            return;
        }
        project.edit(
            "pipelines/p.toml",
            &format!("seed = {seed}"),
            &format!("seed = {}", seed + 1),
        );
    }
    panic!("no seed leaves training without the row");
}

#[test]
fn folds_of_one_group_say_so() {
    let csv = table(200, "house,late,z", |row, x, y| {
        let house = if row % 2 == 0 { "a".to_owned() } else { format!("b{row}") };
        format!("{house},{},{}", x > 0.0, x + y)
    });
    let consumer = format!(
        "where = \"house = 'a'\"\n[expert.top]\ninputs = [\"k.probability\", \"t.x\"]\ntarget = \"t.z\"\n{TRAIN}\n"
    );
    let project = project(
        &csv,
        "{ train = 0.8, valid = 0.1, test = 0.1, by = [\"house\"], seed = 0 }",
        XY,
        "late",
        &consumer,
    );
    for seed in 0..20 {
        let rows = project.collegium(&["check", "--json"]).ok().json();
        if rows["rows"]["expert.k"]["sides"]["train"] == 100 {
            let said = project.collegium(&["run"]);
            assert_eq!(said.code, 4, "{}", said.out);
            assert!(said.out.contains("all of one group of `split.by`"), "{}", said.out);
            assert!(said.out.contains("in-sample"), "{}", said.out);
            return;
        }
        project.edit(
            "pipelines/p.toml",
            &format!("seed = {seed}"),
            &format!("seed = {}", seed + 1),
        );
    }
    panic!("no seed puts the house on the training side");
}

#[test]
fn whole_numbers_that_are_names_are_pointed_out_and_quantities_are_not() {
    // Stations 1 to 6 have levels of their own; `rooms` moves the price one way.
    let level = [3.0, -2.0, 5.0, -4.0, 1.0, 0.0];
    let csv = table(900, "station,rooms,price", |row, x, y| {
        let (station, rooms) = (row % 6, (row / 6) % 5);
        format!("{station},{rooms},{}", level[station] + 1.5 * (rooms * rooms) as f64 + x + y)
    });
    let inputs = "[\"t.station\", \"t.rooms\", \"t.x\"]";
    let project = project(&csv, SPLIT, inputs, "price", "task = \"regression\"\n");
    let (said, document) = checked(&project);
    assert_eq!(kinds(&document), ["codes-as-quantities"]);
    assert!(said.err.contains("`types = { station = \"category\" }`"), "{}", said.err);
    assert!(said.err.contains("these have few levels too: `rooms` (5)"), "{}", said.err);
    // The way out is one.
    project.edit("pipelines/p.toml", "split =", "types = { station = \"category\" }\nsplit =");
    let document = project.collegium(&["check", "--json"]).ok().json();
    assert_eq!(kinds(&document), Vec::<String>::new());
}

#[test]
fn values_far_from_all_others_are_named_with_their_row_and_heavy_tails_are_not() {
    let csv = table(500, "reading,heavy,z", |row, x, y| {
        let reading = if row % 83 == 7 { 1e9 } else { x };
        format!("{reading},{},{}", (4.0 * y).exp(), x + y)
    });
    let inputs = "[\"t.reading\", \"t.heavy\"]";
    let project = project(&csv, SPLIT, inputs, "z", "");
    let (said, document) = checked(&project);
    assert_eq!(kinds(&document), ["far-values"]);
    let text = document["findings"][0]["text"].as_str().unwrap();
    assert!(text.starts_with("6 of 500 values of `t.reading` lie more than 100 spreads"), "{text}");
    assert!(text.contains("1.000e9 in row") && text.contains("median is"), "{text}");
    assert!(said.out.contains("nothing wrong, 1 note"), "{}", said.out);
    project.collegium(&["run"]).ok();
    let audit = project.collegium(&["audit"]).ok();
    assert!(audit.out.contains("6 of 500 values of `t.reading`"), "{}", audit.out);
}

#[test]
fn far_values_below_are_bounded_below_and_a_repeated_one_is_proposed_as_missing() {
    let checked = |cell: fn(usize, f64) -> f64| {
        let csv = table(500, "reading,z", move |row, x, y| format!("{},{}", cell(row, x), x + y));
        project(&csv, SPLIT, "[\"t.reading\"]", "z", "").collegium(&["check"]).ok().err
    };
    let low = checked(|row, x| if row % 83 == 7 { -1e9 - row as f64 } else { x });
    assert!(low.contains("bound the column in `derive`, as in `max(reading, -"), "{low}");
    assert!(!low.contains("missing ="), "{low}");
    let both = checked(|row, x| match row % 83 {
        7 => -1e9 - row as f64,
        9 => 1e9 + row as f64,
        _ => x,
    });
    assert!(both.contains("as in `min(max(reading, -"), "{both}");
    let high = checked(|row, x| if row % 83 == 7 { 1e9 + row as f64 } else { x });
    assert!(high.contains("as in `min(reading, "), "{high}");
    // However many there are.
    for share in [83, 3] {
        let csv = table(500, "reading,z", move |row, x, y| {
            format!("{},{}", if row % share == 0 { -999.0 } else { x }, x + y)
        });
        let said = project(&csv, SPLIT, "[\"t.reading\"]", "z", "").collegium(&["check"]).ok().err;
        assert!(said.contains("far below all others"), "{said}");
        assert!(said.contains("`missing = [\"\", \"NA\", \"-999\"]`"), "{said}");
        assert!(said.contains("`nullif(reading, -999)`"), "{said}");
    }
    let high = checked(|row, x| if row % 9 == 0 { 9999.0 } else { 100.0 + 10.0 * x });
    assert!(high.contains("\"9999\"]`"), "{high}");
    let counts =
        checked(|row, x| if row % 9 == 0 { 99.0 } else { (100.0 * (x + 0.5)).floor().min(98.0) });
    assert!(!counts.contains("missing ="), "99 among numbers up to 98 is one of them: {counts}");
}

#[test]
fn an_exclusion_that_contradicts_what_is_named_is_said() {
    let csv = table(200, "z", |_, x, y| (x + y).to_string());
    let with = |inputs: &str| project(&csv, SPLIT, inputs, "z", "").collegium(&["check"]);
    let none = with("[\"t.x\", \"!t.x\"]");
    assert_eq!(none.code, 3, "{}", none.err);
    assert!(none.err.contains("no column is left as an input of `k`"), "{}", none.err);
    let one = with("[\"t.x\", \"t.y\", \"!t.x\"]").ok();
    assert!(
        one.err.contains("warning: `t.x` is named and kept out by `!t.x`, and is no input"),
        "{}",
        one.err
    );
    assert!(one.out.contains("1 warning"), "{}", one.out);
    let wide = with("[\"t.*\", \"t.x\", \"!t.x*\"]").ok();
    assert!(
        wide.err.contains("note: `t.x` is named and kept out by `!t.x*`, and stays"),
        "{}",
        wide.err
    );
    let idle = with("[\"t.x\", \"!t.y\"]").ok();
    assert!(idle.err.contains("warning: `!t.y` keeps nothing out"), "{}", idle.err);
    let usual = with("[\"t.*\", \"!t.y\"]").ok();
    assert!(!usual.err.contains("kept out") && !usual.err.contains("keeps"), "{}", usual.err);
}

#[test]
fn an_input_that_gives_the_target_away_is_named() {
    let csv = table(600, "code,late,delay,label", |row, x, y| {
        let late = x + 0.1 * y > 0.1;
        format!("{},{late},{},{}", if late { "L" } else { "O" }, 10.0 * x + y, row % 7)
    });
    for (inputs, target, finds) in [
        ("[\"t.code\", \"t.y\"]", "late", Some("each of its 2 levels")),
        ("[\"t.y\", \"t.label\"]", "late", None),
        ("[\"t.x\", \"t.y\"]", "late", None),
        ("[\"t.late\", \"t.y\"]", "code", Some("each of its 2 levels")),
        ("[\"t.x\", \"t.y\"]", "delay", None),
    ] {
        let project = project(&csv, SPLIT, inputs, target, "");
        let document = project.collegium(&["check", "--json"]).ok().json();
        match finds {
            Some(how) => {
                assert_eq!(kinds(&document), ["determines-target"], "{inputs} {target}");
                let text = document["findings"][0]["text"].as_str().unwrap();
                assert!(text.contains("alone determines") && text.contains(how), "{text}");
            }
            None => assert_eq!(kinds(&document), Vec::<String>::new(), "{inputs} {target}"),
        }
    }
    // The same number in other units, and one that only keeps the order.
    let csv = table(300, "metres,squared,feet", |_, x, _| {
        format!("{},{},{}", x + 1.0, (x + 1.0).powi(3), (x + 1.0) * 3.281)
    });
    for (input, how) in [("feet", "a straight line"), ("squared", "rises or falls")] {
        let inputs = format!("[\"t.{input}\", \"t.y\"]");
        let project = project(&csv, SPLIT, &inputs, "metres", "");
        let document = project.collegium(&["check", "--json"]).ok().json();
        assert_eq!(kinds(&document), ["determines-target"], "{input}");
        assert!(document["findings"][0]["text"].as_str().unwrap().contains(how));
    }
}

#[test]
fn names_are_limited_to_what_a_file_name_can_hold() {
    let csv = table(60, "z", |_, x, _| x.to_string());
    let fails = |name: &str, needle: &str| {
        let project = project(&csv, SPLIT, XY, "z", "");
        project.edit("pipelines/p.toml", "[expert.k]", &format!("[expert.{name}]"));
        let said = project.collegium(&["check"]);
        said.fails(3, &[needle, "pipelines/p.toml:5"]);
    };
    let long = "n".repeat(300);
    fails(&long, "300 characters; a name has at most 100");
    for reserved in ["con", "AUX", "nul", "com1", "LPT9"] {
        fails(reserved, "the name of a device");
    }
    fails("-k", "would be an option");
    for fine in ["console", "com", "com10", "auxiliary", &"n".repeat(100)] {
        let project = project(&csv, SPLIT, XY, "z", "");
        project.edit("pipelines/p.toml", "[expert.k]", &format!("[expert.{fine}]"));
        project.collegium(&["check"]).ok();
    }
    let more = format!("[expert.K]\ninputs = {XY}\ntarget = \"t.z\"\n");
    let twins = project(&csv, SPLIT, XY, "z", &more);
    twins.collegium(&["check"]).fails(3, &["`k` and `K` differ in case alone"]);
    let named = project(&csv, SPLIT, XY, "z", &format!("[pipeline]\nname = \"{long}\"\n"));
    named.collegium(&["check"]).fails(3, &["cannot be the name of a pipeline"]);
    let project = project(&csv, SPLIT, XY, "z", "");
    let stem = "s".repeat(150);
    std::fs::rename(
        project.path("pipelines/p.toml"),
        project.path(&format!("pipelines/{stem}.toml")),
    )
    .unwrap();
    project.collegium(&["check"]).fails(3, &["after its file", "name = \"…\""]);
}

#[test]
fn an_audit_of_many_named_experts_has_a_file_name_that_holds() {
    let csv = table(120, "z", |_, x, _| x.to_string());
    let names: Vec<String> = (0..12).map(|at| format!("expert_with_a_long_name_{at:02}")).collect();
    let more: String = names
        .iter()
        .map(|name| format!("[expert.{name}]\ninputs = [\"t.x\"]\ntarget = \"t.z\"\n{TRAIN}\n"))
        .collect();
    let project = project(&csv, SPLIT, XY, "z", &format!("{more}[evaluate]\nbaselines = []\n"));
    project.collegium(&["run"]).ok();
    let mut args = vec!["audit"];
    args.extend(names.iter().map(String::as_str));
    let said = project.collegium(&args).ok();
    assert!(said.out.contains("p.expert_with_a_long_name_00+11-more-"), "{}", said.out);
}

/// Runs the binary as nobody, for whom the folder is read-only; `None` where that cannot be done.
fn as_nobody(project: &Project, args: &[&str]) -> Option<Said> {
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(env!("CARGO_BIN_EXE_collegium"))
        .args(args)
        .env("NO_COLOR", "1")
        .current_dir(project.root())
        .output()
        .ok()?;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Some(Said {
        code: output.status.code().unwrap_or(-1),
        out: text(output.stdout),
        err: text(output.stderr),
    })
}

/// Can this test run a program as nobody, who may read the project?
fn nobody_reads(project: &Project) -> bool {
    let can = as_nobody(project, &["--version"]).is_some_and(|said| said.code == 0);
    if !can {
        eprintln!("SKIPPED: the binary cannot be run as another user here (setpriv, as root)");
    }
    can
}

/// Every folder and file of a project, with its time of change.
fn everything(folder: &Path, found: &mut Vec<(String, std::time::SystemTime)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        found.push((entry.path().display().to_string(), metadata.modified().unwrap()));
        if metadata.is_dir() {
            everything(&entry.path(), found);
        }
    }
    found.sort();
}

/// Lets others read a project and nobody write it.
fn read_only(project: &Project, on: bool) {
    fn walk(path: &Path, on: bool) {
        let folder = path.is_dir();
        let mode = match (folder, on) {
            (true, true) => 0o555,
            (true, false) => 0o755,
            (false, true) => 0o444,
            (false, false) => 0o644,
        };
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        if folder {
            for entry in std::fs::read_dir(path).unwrap() {
                walk(&entry.unwrap().path(), on);
            }
        }
    }
    walk(project.root(), on);
}

#[test]
fn a_read_only_project_without_a_store_is_read_and_nothing_is_written() {
    let project = Project::new();
    read_only(&project, true);
    if !nobody_reads(&project) {
        return;
    }
    let mut before = Vec::new();
    everything(project.root(), &mut before);
    for args in [
        &["check"][..],
        &["check", "--json"],
        &["plan"],
        &["plan", "--json"],
        &["status"],
        &["why", "kind"],
        &["show"],
        &["graph"],
        &["log"],
        &["run", "--dry-run"],
    ] {
        let said = as_nobody(&project, args).unwrap();
        assert_eq!(said.code, 0, "{args:?}\n{}\n{}", said.out, said.err);
    }
    let said = as_nobody(&project, &["check"]).unwrap();
    assert!(
        said.err.contains("cannot be written") && said.err.contains("not kept"),
        "{}",
        said.err
    );
    let plan = as_nobody(&project, &["plan"]).unwrap();
    assert!(plan.out.contains("never fitted"), "{}", plan.out);
    // What has to be kept is refused in words.
    let run = as_nobody(&project, &["run"]).unwrap();
    assert_eq!(run.code, 7, "{}", run.err);
    assert!(run.err.contains("Permission denied"), "{}", run.err);
    let mut after = Vec::new();
    everything(project.root(), &mut after);
    assert_eq!(before, after);
}

#[test]
fn a_read_only_project_with_a_store_is_read_and_nothing_is_written() {
    let project = Project::ready();
    let lock = project.read("pipelines/small.lock");
    let table = project.read("pipelines/data/rows.csv");
    let head: Vec<&str> = table.lines().take(20).collect();
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::set_permissions(elsewhere.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let at = |name: &str| elsewhere.path().join(name).display().to_string();
    std::fs::write(at("new.csv"), head.join("\n")).unwrap();
    project.write("pipelines/other.lock", &lock);
    read_only(&project, true);
    if !nobody_reads(&project) {
        return;
    }
    let mut before = Vec::new();
    everything(project.root(), &mut before);
    let (new, out, page) = (at("new.csv"), at("out.csv"), at("page.html"));
    for args in [
        &["check"][..],
        &["plan"],
        &["status"],
        &["why", "kind"],
        &["diff", "pipelines/other.lock", "pipelines/small.lock"],
        &["predict", "-i", &new, "-o", &out],
        &["audit"],
        &["audit", "--json"],
        &["audit", "-o", &page],
        &["log"],
    ] {
        let said = as_nobody(&project, args).unwrap();
        assert_eq!(said.code, 0, "{args:?}\n{}\n{}", said.out, said.err);
    }
    let audit = as_nobody(&project, &["audit"]).unwrap();
    assert!(audit.out.contains("report: not written"), "{}", audit.out);
    assert!(Path::new(&page).is_file() && Path::new(&out).is_file());
    let plan = as_nobody(&project, &["plan", "--exit-code"]).unwrap();
    assert_eq!(plan.code, 0, "{}", plan.out);
    let mut after = Vec::new();
    everything(project.root(), &mut after);
    assert_eq!(before, after);
    read_only(&project, false);
}

#[test]
fn a_damaged_object_of_a_read_only_store_is_passed_over() {
    let project = Project::ready();
    let store = collegium_store::Store::open(project.root()).unwrap();
    for object in store.objects().unwrap() {
        let path = store.object_file(&object);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        std::fs::write(&path, b"damaged").unwrap();
    }
    read_only(&project, true);
    if !nobody_reads(&project) {
        return;
    }
    let said = as_nobody(&project, &["plan"]).unwrap();
    assert_eq!(said.code, 0, "{}\n{}", said.out, said.err);
    let said = as_nobody(&project, &["check"]).unwrap();
    assert_eq!(said.code, 0, "{}\n{}", said.out, said.err);
    read_only(&project, false);
}
