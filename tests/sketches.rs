//! Audits of many classes: gradients of random combinations of the outputs, and the truth that they still tell.

use std::fmt::Write as _;

use crate::project::{Project, uniform};

/// 90 classes along `a`; `b` says nothing.
#[test]
fn an_audit_of_many_classes_tells_what_counts_by_random_combinations_of_its_outputs() {
    let mut text = "id,a,b,u\n".to_owned();
    let mut next = uniform(5);
    for row in 0..3_600 {
        let (a, b) = (next(), next());
        writeln!(text, "{row},{a},{b},u{:02}", (a * 90.0) as u32).unwrap();
    }
    let project = Project::empty();
    project.write("pipelines/data/t.csv", text);
    project.write(
        "pipelines/p.toml",
        "[data.t]\npath = \"data/t.csv\"\nsplit = { train = 0.6, valid = 0.2, test = 0.2, by = [\"id\"] }\n\n\
         [expert.k]\ninputs = [\"t.a\", \"t.b\"]\ntarget = \"t.u\"\n\
         model = { type = \"mlp\", hidden = [16] }\n\
         train = { epochs = 40, batch = 32, learning_rate = 0.02 }\n\n\
         [audit]\nrows = 400\nbootstrap = 20\n",
    );
    project.collegium(&["run", "-q"]).ok();
    let node = project.collegium(&["audit", "--json", "-q"]).ok().json()["nodes"][0].clone();
    let agop = &node["agop"];
    assert_eq!(agop["sketches"], 16, "{}", node["withheld"]);
    assert!(agop["classes"].is_null(), "by class nothing is told");
    assert_eq!(agop["importance"][0]["input"], "t.a");
    assert!(agop["importance"][0]["share"].as_f64().unwrap() > 0.9, "{}", agop["importance"]);
    assert!(!node["probe"]["layers"].as_array().unwrap().is_empty());
    let findings = node["findings"].to_string();
    assert!(
        findings.contains("90 classes") && findings.contains("random combinations"),
        "{findings}"
    );
}
