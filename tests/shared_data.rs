//! Public tables that lie beside the repository on some machines: without them these tests say so
//! and pass.

use std::path::PathBuf;

use crate::project::Project;

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
