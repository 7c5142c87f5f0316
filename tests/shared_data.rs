//! Public tables that lie beside the repository on some machines: without them these tests say so
//! and pass.

use std::path::PathBuf;

use crate::{
    evaluate::{agrees, naive_classification},
    predict::csv,
    project::Project,
};

/// A file of the shared tables, if it is there.
fn shared(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    if !path.is_file() {
        eprintln!("SKIPPED: there is no ../shared/data/{name} beside this repository");
        return None;
    }
    Some(path)
}

/// A project of one pipeline over one CSV file.
fn project(file: &PathBuf, name: &str, pipeline: &str) -> Project {
    let project = Project::empty();
    project.write(&format!("pipelines/{name}.csv"), std::fs::read(file).unwrap());
    project.write(&format!("pipelines/{name}.toml"), pipeline);
    project
}

/// Runs and audits the only pipeline, and says an expert's test metric.
fn test_metric(project: &Project, expert: &str, metric: &str) -> f64 {
    let report = project.collegium(&["run", "--audit", "--json", "-q"]).ok().json();
    let nodes = report["nodes"].as_array().unwrap();
    let node = nodes.iter().find(|node| node["name"] == format!("expert.{expert}")).unwrap();
    node["metrics"]["test"][metric].as_f64().unwrap()
}

#[test]
fn penguins_are_told_apart() {
    let Some(file) = shared("penguins/penguins.csv") else { return };
    let project = project(
        &file,
        "penguins",
        r#"[pipeline]
name = "penguins"

[data.penguins]
path  = "penguins.csv"
split = { train = 0.6, valid = 0.2, test = 0.2, stratify = "species" }

[expert.species]
inputs = ["penguins.bill_length_mm", "penguins.bill_depth_mm", "penguins.sex", "penguins.island"]
target = "penguins.species"
model  = { type = "mlp", hidden = [16] }
train  = { epochs = 60, batch = 16, learning_rate = 5e-3, patience = 20 }
"#,
    );
    let accuracy = test_metric(&project, "species", "accuracy");
    assert!(accuracy > 0.9, "{accuracy}");
    project
        .collegium(&[
            "predict",
            "-i",
            "pipelines/penguins.csv",
            "-o",
            "out.csv",
            "--keep",
            "species",
        ])
        .ok();
    let out = project.read("out.csv");
    let head = "species,species.probability.Adelie,species.probability.Chinstrap,\
                species.probability.Gentoo,species.label";
    assert_eq!(out.lines().next(), Some(head));
    let right = out.lines().skip(1).filter(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        cells[0] == cells[4]
    });
    assert!(right.count() > 310, "of 344 birds");
}

#[test]
fn wines_with_numbered_classes_are_told_apart_in_two_levels() {
    let Some(file) = shared("keel-uci/wine.csv") else { return };
    let project = project(
        &file,
        "wine",
        r#"[pipeline]
name = "wine"
seed = 1

[data.wine]
path   = "wine.csv"
derive = { third = "class = 3" }
split  = { train = 0.6, valid = 0.2, test = 0.2, stratify = "class" }

[expert.third]
inputs = ["wine.f6", "wine.f9", "wine.f10"]
target = "wine.third"
model  = { type = "mlp", hidden = [8] }
train  = { epochs = 60, batch = 16, learning_rate = 1e-2, patience = 20 }

[expert.class]
inputs = ["third.logit", "wine.f0", "wine.f12"]
target = "wine.class"
task   = "classification"
model  = { type = "mlp", hidden = [16] }
train  = { epochs = 60, batch = 16, learning_rate = 1e-2, patience = 20 }
"#,
    );
    let accuracy = test_metric(&project, "class", "accuracy");
    assert!(accuracy > 0.8, "{accuracy}");
}

/// Income over 50,000 dollars, from what a census knows of a person.
const ADULT: &str = r#"[pipeline]
name = "adult"

[data.adult]
path    = "adult.csv"
missing = ["?", ""]
split   = { train = 0.7, valid = 0.15, test = 0.15 }

[expert.married]
inputs = ["adult.age", "adult.sex", "adult.race", "adult.education_num", "adult.hours_per_week"]
target = "adult.married"
model  = { type = "mlp", hidden = [16] }
train  = { epochs = 4, batch = 256, learning_rate = 3e-3 }

[expert.income]
inputs = ["married.logit", "adult.age", "adult.education_num", "adult.occupation", "adult.capital_gain",
          "adult.capital_loss", "adult.hours_per_week", "adult.workclass"]
target = "adult.income"
model  = { type = "mlp", hidden = [32] }
train  = { epochs = 6, batch = 256, learning_rate = 3e-3 }

[evaluate]
baselines = []
require   = ["expert.income test auc >= 0.85"]
"#;

#[test]
fn incomes_of_new_people_are_measured_as_by_hand() {
    let (Some(train), Some(test)) =
        (shared("adult/adult_train.csv"), shared("adult/adult_test.csv"))
    else {
        return;
    };
    let derive = "derive  = { married = \"marital_status LIKE 'Married-%'\" }\nsplit ";
    let project = project(&train, "adult", &ADULT.replacen("split ", derive, 1));
    // A person whose every answer somebody gave in training cannot be told from that one.
    let train = std::fs::read_to_string(&train).unwrap();
    let known: std::collections::HashSet<&str> = train.lines().skip(1).collect();
    let test = std::fs::read_to_string(&test).unwrap();
    let new: Vec<&str> = test.lines().filter(|line| !known.contains(line)).collect();
    let rows = new.len() - 1;
    assert!(rows > 16_000, "{rows} of 16,281");
    project.write("new.csv", new.join("\n") + "\n");
    project.collegium(&["run", "-q"]).ok();
    let report = project.collegium(&["evaluate", "-i", "new.csv", "--json"]).ok().json();
    project.collegium(&["predict", "-i", "new.csv", "-o", "out.csv", "--keep", "income"]).ok();
    assert_eq!(report["rows"], rows);
    assert_eq!(report["requirements"][0]["met"], true);
    let out = csv(&project.read("out.csv"));
    let p: Vec<f64> = out["income.probability"].iter().map(|cell| cell.parse().unwrap()).collect();
    let y: Vec<bool> = out["income"].iter().map(|cell| cell == ">50K").collect();
    let nodes = report["nodes"].as_array().unwrap();
    let income = nodes.iter().find(|node| node["name"] == "expert.income").unwrap();
    assert_eq!(income["rows"]["measured"], rows);
    agrees(&income["new"]["metrics"], &naive_classification(&p, &y));
    // Both files are one draw of people, and the test side is another: nothing is lost.
    assert_eq!(income["verdict"], "same", "{:#}", report["findings"]);
}
