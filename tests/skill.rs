//! Verdicts of skill: they name their metric, and hold in it.

use std::fmt::Write as _;

use serde_json::Value;

use crate::project::Project;

/// Numbers between 0 and 1, the same for the same seed.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 40) as f64 / (1u64 << 24) as f64
    }
}

/// Rows on three sides (200 validation and 400 test rows); the target follows `a`, but for a share of the test rows.
fn project(flipped: f64, epochs: u32) -> Project {
    let mut noise = Noise(7);
    let mut text = "side,a,b,y\n".to_owned();
    for row in 0..1_600 {
        let side = ["train", "train", "train", "train", "train", "valid", "test", "test"][row % 8];
        let (a, b, luck) = (noise.next() - 0.5, noise.next() - 0.5, noise.next());
        let y = (a > 0.0) != (side == "test" && luck < flipped);
        writeln!(text, "{side},{a},{b},{y}").unwrap();
    }
    let project = Project::empty();
    project.write("pipelines/data/t.csv", text);
    project.write(
        "pipelines/p.toml",
        format!(
            "[data.t]\npath = \"data/t.csv\"\n\
             split = {{ column = \"side\", train = [\"train\"], valid = [\"valid\"], test = [\"test\"] }}\n\n\
             [expert.e]\ninputs = [\"t.a\", \"t.b\"]\ntarget = \"t.y\"\n\
             model = {{ type = \"mlp\", hidden = [8] }}\n\
             train = {{ epochs = {epochs}, batch = 32, learning_rate = 0.03 }}\n"
        ),
    );
    project
}

fn audited(project: &Project) -> (Value, String) {
    project.collegium(&["run", "-q"]).ok();
    let text = project.collegium(&["audit", "-q"]).ok().out;
    (project.collegium(&["audit", "--json", "-q"]).ok().json()["nodes"][0].clone(), text)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is a number"))
}

/// Clean labels in training and validation rows make it sure of itself; a quarter of the test rows is
/// mislabelled, so that it ranks and yet loses more than a constant.
#[test]
fn an_expert_that_ranks_and_is_too_sure_of_itself_is_not_said_to_have_learned_nothing() {
    let project = project(0.25, 60);
    let (node, text) = audited(&project);
    let skill = &node["skill"];
    assert!(number(&skill["gain_interval"]["low"]) < 0.0, "{skill}");
    assert_eq!(skill["verdict"], "ranks-but-overconfident", "{skill}");
    assert_eq!(skill["beats_baseline"], true);
    let auc = &skill["tests"][0];
    assert_eq!((&auc["metric"], &auc["before"]), (&"auc".into(), &0.5.into()));
    let of_test = number(&node["metrics"]["test"]["metrics"]["auc"]);
    assert!((number(&auc["after"]) - of_test).abs() < 1e-12 && of_test > 0.6, "{auc}");
    assert!(number(&auc["adjusted"]) <= 0.001, "{auc}");
    assert_eq!(skill["tests"][1]["metric"], "recalibrated_log_loss");
    assert_eq!(skill["recalibration"]["value"], skill["tests"][1]["after"]);
    assert_eq!(skill["recalibration"]["rows"], 200);
    assert!(node["withheld"].is_null() && node["agop"].is_object(), "its pictures are shown");
    assert!(!text.contains("learned nothing") && text.contains("too sure of itself"), "{text}");
    // Validation rows are clean, so that they teach no modesty.
    let findings = node["findings"].to_string();
    assert!(
        findings.contains("that does not help, since the test rows are not like"),
        "{findings}"
    );
    let page = project.read(".collegium/reports/p.html");
    assert!(
        page.contains("Ranks rows, but is overconfident.") && !page.contains("Learned nothing.")
    );
}

#[test]
fn an_expert_whose_loss_beats_the_constant_in_every_metric_is_skilful_without_another_word() {
    let (node, text) = audited(&project(0.0, 40));
    let skill = &node["skill"];
    assert_eq!(skill["verdict"], "skilful", "{skill}");
    for test in skill["tests"].as_array().unwrap() {
        // Holm's correction of two: at least the p-value itself, at most twice.
        let (p, adjusted) = (number(&test["p_value"]), number(&test["adjusted"]));
        assert!(p <= adjusted && adjusted <= 2.0 * p && adjusted <= 0.001, "{test}");
    }
    assert!(!node["findings"].to_string().contains("It beats a constant in"), "{text}");
}

/// Labels of test rows that have nothing to do with anything: no skill, and no picture.
#[test]
fn an_expert_that_neither_ranks_nor_recalibrates_to_anything_learned_nothing() {
    let (node, text) = audited(&project(0.5, 40));
    let skill = &node["skill"];
    assert_eq!((&skill["verdict"], &skill["beats_baseline"]), (&"no-skill".into(), &false.into()));
    assert!(
        skill["tests"].as_array().unwrap().iter().all(|test| number(&test["adjusted"]) > 0.001)
    );
    assert!(node["agop"].is_null() && node["withheld"].is_string());
    let findings = node["findings"].to_string();
    assert!(text.contains("It learned nothing") && findings.contains("AUC 0."), "{findings}");
}
