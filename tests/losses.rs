//! Losses of training: what each does to what an expert predicts.

use std::fmt::Write as _;

use crate::{
    predict::csv,
    project::{Project, uniform},
};

const PIPELINE: &str = r#"[pipeline]
name = "small"

[data.rows]
path = "data/rows.csv"
split = { train = 0.4, valid = 0.2, test = 0.4, by = ["id"] }

[expert.y]
inputs = ["rows.x"]
target = "rows.y"
train = { epochs = 40, batch = 64, learning_rate = 0.01, LOSS }

[evaluate]
baselines = []
"#;

/// y = 2x + (1 + x) · noise, uniform in 0 to 1, but that one row in `far` lies at 500.
fn project(loss: &str, far: usize) -> Project {
    let mut text = "id,x,y,truth\n".to_owned();
    let mut uniform = uniform(11);
    for id in 0..5000 {
        let (x, noise) = (uniform(), uniform());
        let y = 2.0 * x + (1.0 + x) * noise;
        let wild = far > 0 && id % far == 0;
        let _ = writeln!(text, "{id},{x},{},{y}", if wild { 500.0 } else { y });
    }
    let project = Project::empty();
    project.write("pipelines/small.toml", PIPELINE.replace("LOSS", loss));
    project.write("pipelines/data/rows.csv", text);
    project
}

/// Predictions of the test rows beside what is true without wild rows.
fn predicted(project: &Project) -> Vec<(f64, f64)> {
    project.collegium(&["run", "-q"]).ok();
    project.collegium(&["predict", "--side", "test", "--keep", "id", "-o", "out.csv", "-q"]).ok();
    let columns = csv(&project.read("out.csv"));
    let truth = csv(&project.read("pipelines/data/rows.csv"));
    let number = |cell: &String| cell.parse::<f64>().unwrap();
    let rows = columns["id"].iter().zip(&columns["y.value"]);
    rows.map(|(id, value)| (number(value), number(&truth["truth"][number(id) as usize]))).collect()
}

#[test]
fn a_quantile_covers_its_share_of_new_rows() {
    for quantile in [0.1, 0.5, 0.9] {
        let rows = predicted(&project(&format!("quantile = {quantile}"), 0));
        let below = rows.iter().filter(|(value, truth)| truth <= value).count();
        let share = below as f64 / rows.len() as f64;
        assert!((share - quantile).abs() < 0.03, "{quantile}: {share}");
    }
}

#[test]
fn outliers_of_the_target_do_little_under_the_huber_loss() {
    let error = |loss: &str| {
        let rows = predicted(&project(loss, 50));
        let sum: f64 = rows.iter().map(|(value, truth)| (value - truth).abs()).sum();
        sum / rows.len() as f64
    };
    let (squared, huber) = (error("patience = 10"), error("huber = 0.01"));
    assert!(huber < 0.25 * squared, "{huber} {squared}");
}

#[test]
fn two_losses_and_losses_of_a_gate_are_refused() {
    let said = |text: String| {
        let project = Project::empty();
        project.write("pipelines/small.toml", text);
        project.collegium(&["check"]).fails(3, &[]).err
    };
    let two = said(PIPELINE.replace("LOSS", "huber = 1.0, quantile = 0.5"));
    assert!(two.contains("`quantile` does not go with `huber`"), "{two}");
    let two = said(PIPELINE.replace("LOSS", "focal = 2.0, label_smoothing = 0.1"));
    assert!(two.contains("`label_smoothing` does not go with `focal`"), "{two}");
    let range = said(PIPELINE.replace("LOSS", "quantile = 1.0"));
    assert!(range.contains("`quantile` must be between 0 and 1"), "{range}");
    let gate = "[gate.g]\nexperts = [\"y\"]\ninputs = [\"rows.x\"]\ntarget = \"rows.y\"\ntrain = { huber = 1.0 }\n\n[evaluate]";
    let gate = said(PIPELINE.replace("LOSS", "patience = 10").replace("[evaluate]", gate));
    assert!(gate.contains("`huber` does not apply to `g`"), "{gate}");
}
